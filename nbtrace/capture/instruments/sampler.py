"""One thread that looks many times a second at what the threads of a cell are doing.

Enters: cells and programs, as they begin and end. Leaves: rows of samples, to every recording that wants them. A sample stands
for the time since the last one of its thread: code that holds the interpreter's lock keeps the sampling thread waiting, which
then finds the line that did so and gives it that time. docs/decisions/0022 tells the rest."""

from __future__ import annotations

import _thread
import asyncio
import sys
import threading
import time
from collections.abc import Collection
from types import CodeType, FrameType
from typing import Any, Protocol

from opentelemetry import trace

from nbtrace.capture import stack_reading, working_threads
from nbtrace.capture.collector import HeldCollector
from nbtrace.capture.current_cell import CELL
from nbtrace.capture.instruments.resources import Usage
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.stack_reading import Calls, Key, Stacks
from nbtrace.capture.working_threads import WORKING, Worker
from nbtrace.faults import fault
from nbtrace.store.rate import MAX_HZ
from nbtrace.store.rows import Rows
from nbtrace.store.schema import SAMPLE_BYTES
from nbtrace.store.typed_lines import lines_of

FULL_RATE_S = 10.0
"""So long a cell is sampled at the full rate; from there on the rate falls as its age grows, so that the number of samples grows
with the logarithm of the time."""

FIRST_S = 0.01
"""Cells that end before that are not looked at."""

LOOK_S = 0.2
"""How often at least a running cell is looked at: for its memory, and for whoever asks what it is doing."""

_LINGER_S = 0.25
"""So long the thread stays awake after a cell: to wake it costs the next one more than that it is awake."""

_REST = 30
"""For so many times as long as a look has taken, none follows: of a stack of thousands of frames there are fewer."""

_SWITCH_S = 0.004
"""Where threads give way to each other after less than this, the one that is looked at could go on within a look."""

_TOOLS = (0, 2)
"""The debugger's and the profiler's numbers in sys.monitoring: what they see of all threads, this one would be a part of."""


class Sink(Protocol):
    """A recording, as far as it is about samples."""

    sampling: int
    samples: Rows[Any]


class Run:
    """A cell, or a program, that runs."""

    __slots__ = (
        "_statement",
        "aside",
        "awaits",
        "began_ns",
        "begun",
        "cell",
        "failed",
        "loop",
        "offset_ns",
        "outer",
        "thread",
        "usage",
        "worker",
    )

    def __init__(self, cell: int, begun: list[tuple[int, CodeType]] | None, *, awaits: bool, aside: bool) -> None:
        self.cell = cell
        """Number of the execution, 0 for a program."""
        self.thread = threading.get_ident()
        self.began_ns = time.perf_counter_ns()
        self.offset_ns = time.time_ns() - self.began_ns
        """What to add to the monotonic clock for a time: those of a cell fit each other whatever becomes of the wall clock."""
        self.begun = begun
        """When its statements began by the monotonic clock, and their code; it grows. None for a program."""
        self.awaits = awaits
        """Whether it gives the thread to others while it waits."""
        self.loop = _running_loop()
        self.aside = aside
        """Whether it is not looked at, as another profiler is at work in it."""
        self.failed = False
        """Whether its code has failed: how that is shown is not its work."""
        self.worker: Worker | None = None
        self.outer: Worker | None = None
        """What the thread worked for before."""
        self.usage: Usage | None = None
        """Of its resources."""
        self._statement: tuple[CodeType | None, Key] = (None, ("", "", 0, 0))

    def statement(self, code: CodeType) -> Key:
        """Return the frame that stands for a statement of which none is on the stack."""
        if self._statement[0] is not code:
            line = lines_of(code)[0]
            self._statement = (code, ("<module>", code.co_filename, line, code.co_firstlineno))
        return self._statement[1]

    def now_ns(self) -> int:
        """Return the time by the clock of this run."""
        return time.perf_counter_ns() + self.offset_ns


class Sampler:
    """The instrument: it samples while something runs that a recording wants samples of."""

    def __init__(self, recorder: SpanRecorder) -> None:
        self._recorder = recorder
        self.sinks: tuple[Sink, ...] = ()
        self.hz = 0
        """How often a second, 0 for not at all."""
        self.files: set[str] = set()
        """The files as which cells have been compiled."""
        self.shell_file = ""
        """The file of the shell that runs cells."""
        self.read_memory: Any = _unknown
        self._runs: dict[int, Run] = {}
        self._trouble = ""
        self._stacks, self._calls = Stacks(), Calls()
        self._collector = HeldCollector()
        self._renew()

    def _renew(self) -> None:
        self._due = self._idle_since = 0.0
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._parked = False
        self._thread: object | None = None
        """What the thread that is at work knows itself by."""

    # ── install, uninstall, status ───────────────────────────────────────────────────────────────────────────────────

    def install(self) -> None:
        """Be ready; a thread is started by the first cell."""
        self._trouble = _trouble()

    def uninstall(self) -> None:
        """Look at nothing any more, whatever runs."""
        wake = self._wake
        self._collector.let_go()  # a child that was forked within a look has nobody else who would
        self._runs.clear()
        WORKING.clear()
        self._renew()  # the thread sees that it is not meant any more
        _let_go(wake)

    def listen(self, sinks: Collection[Sink]) -> None:
        """Hand samples to those that want some, from here on."""
        self.sinks = tuple(sink for sink in sinks if sink.sampling)
        self.hz = min(MAX_HZ, max((sink.sampling for sink in self.sinks), default=0))
        if self._parked:
            _let_go(self._wake)

    def status(self) -> str:
        """Say whether and how often samples are taken, and why not."""
        if self._trouble:
            return f"Samples: none, as {self._trouble}."
        if not self.hz:
            return "Samples: off (%config NBTrace.sampling = 100)."
        lacks = "" if working_threads.has_cpu_clock() else " This system does not tell how long a thread has computed."
        return (
            f"Samples: {self.hz} a second in the first {FULL_RATE_S:.0f} s of a cell, then fewer (%config NBTrace.sampling); "
            f"not beside another profiler or a debugger.{lacks}"
        )

    # ── what runs ────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(
        self,
        cell: int,
        begun: list[tuple[int, CodeType]] | None = None,
        *,
        awaits: bool = False,
        profiled: bool = False,
    ) -> Run:
        """Look at this thread, and those that it starts, from here on. `profiled`: what runs brings a profiler of its own, to
        which this thread must not show."""
        run = Run(cell, begun, awaits=awaits, aside=profiled)
        if not self.hz or self._trouble:
            return run
        run.outer = WORKING.get(run.thread)
        run.worker = working_threads.begin(cell)
        self._runs[id(run)] = run
        if profiled:
            self._stand_aside()
        elif self._thread is None:
            self._start()
        elif self._parked:
            _let_go(self._wake)
        return run

    def end(self, run: Run) -> None:
        """Look no more."""
        self._runs.pop(id(run), None)
        if run.aside and self._runs:
            _let_go(self._wake)
        if run.worker is not None and WORKING.get(run.thread) is run.worker:
            if run.outer is None:
                WORKING.pop(run.thread, None)
            else:
                run.outer.resume()
                WORKING[run.thread] = run.outer

    def _start(self) -> None:
        me = self._thread = object()
        try:
            # Not by `threading`, in whose list the user would see it.
            _thread.start_new_thread(self._work, (me, self._wake))
        except RuntimeError:
            self._thread, self._trouble = None, "no thread can be had here"

    def _stand_aside(self) -> None:
        """Wait until the thread does nothing that a profiler could see: mostly it has been doing nothing for long."""
        until = time.perf_counter() + 0.02
        while self._thread is not None and not self._parked and time.perf_counter() < until:
            _let_go(self._wake)
            time.sleep(0.0005)

    # ── the thread ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self, me: object, wake: Any) -> None:
        collector = self._collector
        try:
            self._due, self._idle_since = 0.0, time.perf_counter()
            while self._thread is me:
                collector.hold()
                try:
                    pause = self._turn()
                finally:
                    collector.let_go()
                if pause is None:
                    wake.acquire()
                    self._parked = False
                    self._due, self._idle_since = 0.0, time.perf_counter()
                else:
                    wake.acquire(timeout=pause)
        except Exception:
            if self._thread is me:
                self._trouble = "the sampling thread has stumbled over a fault of nbtrace's"
                fault("sampling")

    def _turn(self) -> float | None:
        """Look if it is time to; return after how long there can be more to do, None if somebody has to wake this thread for it.
        Whatever is held of the user's is let go of when this returns."""
        runs = list(self._runs.values())
        now = time.perf_counter()
        if not self.hz or any(run.aside for run in runs) or (not runs and now - self._idle_since > _LINGER_S):
            self._parked = True
            # Whoever comes from here on wakes it.
            return None if list(self._runs.values()) == runs else 0.0
        if not runs:
            return FIRST_S
        if now < self._due:
            return self._due - now
        self._idle_since = now
        pause = self._look(runs, int((now - self._due) * 1e9) if self._due else 0)
        # In time, though this one came late.
        self._due = max(self._due + pause, now + pause / 2)
        return max(0.0, self._due - time.perf_counter())

    def _look(self, runs: list[Run], late_ns: int) -> float:
        """Take a sample of each thread at work; return after how long to look again. late_ns: how long the interpreter's lock
        has kept the thread waiting."""
        now = time.perf_counter_ns()
        age_s = (now - max(run.began_ns for run in runs)) / 1e9
        if age_s < FIRST_S * 0.9:
            return FIRST_S - age_s
        if _others_look():
            for run in runs:
                run.aside = True
            return 0.0
        rate = self.hz * min(1.0, FULL_RATE_S / max(age_s, 1e-9))
        safe = sys.getswitchinterval() >= _SWITCH_S
        rows = self._samples(runs, now, late_ns, 0.5e9 / rate) if safe else []
        took_s = (time.perf_counter_ns() - now) / 1e9
        memory = self.read_memory()  # lets go of the interpreter's lock, and may wait for it again
        for run in runs:
            if run.usage is not None:
                run.usage.note(memory)
        for row in rows:
            whole = (*row[:7], memory, *row[7:])
            for sink in self.sinks:
                sink.samples.append(whole, SAMPLE_BYTES)
        return max(min(1 / rate, LOOK_S), took_s * _REST)

    def _samples(self, runs: list[Run], now: int, late_ns: int, least_ns: float) -> list[tuple[Any, ...]]:
        """Rows without memory, of each thread whose last sample is long enough ago. No frame outlives this."""
        found = []
        of_thread = {run.thread: run for run in runs}
        offsets = {run.cell: run.offset_ns for run in runs}
        frames = sys._current_frames()
        try:
            working_threads.forget_gone(frames)
            for ident, worker in WORKING.copy().items():
                if worker.cell not in offsets:
                    continue  # it goes on after its cell
                run = of_thread.get(ident)
                since = worker.last_ns
                if run is not None and run.begun:
                    since = max(since, run.begun[-1][0])
                if now - worker.last_ns < least_ns or ident not in frames:
                    continue
                row = self._sample(worker, run, frames[ident], since, now, late_ns)
                if row is not None:
                    found.append((now + offsets[worker.cell], *row))
        finally:
            frames.clear()
        return found

    def _sample(
        self, worker: Worker, run: Run | None, frame: FrameType, since: int, now: int, late_ns: int
    ) -> tuple[Any, ...] | None:
        cpu = worker.read_cpu()
        wall_ns = now - since
        cpu_ns = None if cpu is None or worker.cpu_ns is None else min(max(0, cpu - worker.cpu_ns), wall_ns)
        context = None if run is None or run.loop is None else _task_context(run.loop)
        works = True
        above: Key | None = None
        if run is None:
            keys = stack_reading.of_the_thread(stack_reading.walk(frame, None).keys)
            if not keys or stack_reading.waits_for_others(keys):
                worker.last_ns, worker.cpu_ns = now, cpu
                return None
        elif run.begun is None:
            keys = stack_reading.walk(frame, None).keys
        elif not run.begun or run.failed:
            return None  # IPython reads the cell, or shows how it failed
        else:
            code = run.begun[-1][1]
            keys, end = stack_reading.walk(frame, code)
            if end != "found":
                above = run.statement(code)
            if end == "bottom":
                keys, works = self._without_cell(keys, run, context)
        native = works and (late_ns > 8_000_000 or self._calls.calls(frame))
        worker.last_ns, worker.cpu_ns = now, cpu
        trace_id, span_id = self._span(worker, context)
        if not works and cpu_ns is not None:
            cpu_ns = 0  # the thread has served others
        stack = self._stacks.of(keys, above)
        return worker.cell, trace_id, span_id, worker.thread, wall_ns, cpu_ns, native, stack

    def _without_cell(self, keys: list[Key], run: Run, context: Any) -> tuple[list[Key], bool]:
        """The frames that work for a cell of which no frame is among them, and whether any does: the cell waits, one of its tasks
        runs, or IPython shows what it has left."""
        mine = None if context is None else context.get(CELL) == run.cell
        if mine is False:
            return [], False
        if (shown := stack_reading.above(keys, self.shell_file)) is not None and not (run.awaits and mine is None):
            return shown, True
        if mine:
            return stack_reading.of_the_task(keys), True
        found = stack_reading.of_the_cell(keys, self.files)
        return found, bool(found)

    def _span(self, worker: Worker, context: Any) -> tuple[int, int]:
        """The span that is current in a thread: exact where its context can be read (a task's, from Python 3.12 on), else the
        last of those that have begun in it and run."""
        try:
            if context is not None and context.get(CELL) == worker.cell:
                span = context.copy().run(trace.get_current_span)
                known = span.get_span_context()
                return known.trace_id, known.span_id
            table, ident = self._recorder.running.table, worker.thread.thread_id
            for seen, span_id in enumerate(reversed(table)):
                started = table.get(span_id)
                if started is not None and started[4].thread_id == ident and started[1] == worker.cell:
                    return started[6], span_id
                if seen > 50:
                    break
            if worker.context is not None:
                known = trace.get_current_span(worker.context).get_span_context()
                return known.trace_id, known.span_id
        except RuntimeError:  # the table has changed meanwhile
            pass
        except Exception:
            fault("asking for a span")
        return 0, 0


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _task_context(loop: asyncio.AbstractEventLoop) -> Any:
    """The context of the task that a loop runs now; None where there is none, or where a task does not tell (Python 3.11)."""
    try:
        task = asyncio.current_task(loop)
        return None if task is None else task.get_context()  # type: ignore[attr-defined]
    except Exception:
        return None


def _others_look() -> bool:
    """Whether a profiler or a debugger is at work that sees what all threads do."""
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and any(monitoring.get_tool(number) for number in _TOOLS)


def _trouble() -> str:
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return "in a Python without the interpreter's lock a thread cannot be looked at safely"
    if not hasattr(sys, "_current_frames"):
        return "this Python does not show what its threads do"
    return ""


def _let_go(lock: Any) -> None:
    try:
        lock.release()
    except RuntimeError:  # it was open
        pass


def _unknown() -> None: ...
