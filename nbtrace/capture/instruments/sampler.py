"""One thread that looks many times a second at what the threads of a cell are doing.

Enters: cells and programs, as they begin and end. Leaves: rows of samples, to every recording that wants them. A sample stands
for the time since the last one of its thread: code that holds the interpreter's lock keeps the sampling thread waiting, which
then finds the line that did so and gives it that time. docs/decisions/0022 tells the rest."""

from __future__ import annotations

import _thread
import os
import sys
import time
from collections.abc import Callable, Collection
from types import CodeType, FrameType
from typing import Any

from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.sampling import surroundings, unseen, working_threads
from nbtrace.capture.sampling.computing import Computing
from nbtrace.capture.sampling.held_collector import HeldCollector
from nbtrace.capture.sampling.run import Run, SampleSink
from nbtrace.capture.sampling.thread_reading import ThreadReader
from nbtrace.capture.sampling.working_threads import WORKING, Worker
from nbtrace.faults import fault
from nbtrace.store.rate import MAX_HZ
from nbtrace.store.schema import SAMPLE_BYTES
from nbtrace.store.stacks import Stack

FULL_RATE_S = 10.0
"""So long a cell is sampled at the full rate; from there on the rate falls as its age grows, so that the number of samples grows
with the logarithm of the time."""

FIRST_S = 0.01
"""Cells that end before that are not looked at."""

_FIRST_NS = int(FIRST_S * 0.9e9)

LOOK_S = 0.2
"""How often at least a running cell is looked at: for its memory, and for whoever asks what it is doing."""

_LINGER_S = 0.03
"""So long the thread stays awake after a cell, as to wake it costs more than that it is awake for so long."""

_LONG_S, _REST = 0.001, 30
"""After a look that has taken longer than usual none follows for so many times as long: of a stack of thousands of frames there
are fewer. How often others are taken is what the person has chosen."""

_GOLDEN = 0.618
"""Multiples of it fall evenly between the whole numbers. `random` belongs to the user."""

_TRIES = 3
"""So often what a thread does is read until it has been in one span meanwhile."""

_SOON_S = 0.005
"""A look that had to wait for the end of a call always comes at such an end: unless the next is soon, the time of Python's code
that follows is given to the next call."""


class Sampler:
    """The instrument: it samples while something runs that a recording wants samples of."""

    def __init__(self, recorder: SpanRecorder) -> None:
        self._reader = ThreadReader(recorder.running)
        self.sinks: tuple[SampleSink, ...] = ()
        self.hz = 0
        """How often a second, 0 for not at all."""
        self.read_memory: Callable[[], Any] = _unknown
        """Reads how much memory is resident; it may let go of the interpreter's lock."""
        self.memory_of: Callable[[Any], int | None] = _unknown_of
        """Tells the bytes by what has been read."""
        self.first_seen: Callable[[int, str], None] = _nobody
        """Called in the sampling thread when a cell is first seen at work: with its number, and the file as which it was
        compiled."""
        self.besides: Callable[[], None] = _unknown
        """Called in the sampling thread after each look: what else is to be read while something runs."""
        self.noting: CodeType | None = None
        """What notes that a statement begins: a thread that is met in it has read the clock for the next and not said so yet."""
        self._new: list[tuple[int, str]] = []
        """What is to be told by `first_seen` when no frame is held any more."""
        self._runs: dict[int, Run] = {}
        self._trouble = ""
        self._stepped_back = False
        self._lacks_thread = False
        """Whether none could be had the last time; the next cell tries again."""
        self._computing = Computing()
        self._collector = HeldCollector()
        self._renew()

    def _renew(self) -> None:
        self._due = self._idle_since = self._beat = 0.0
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._parked: object | None = None
        """The thread that waits until somebody wakes it."""
        self._thread: object | None = None
        """What the thread that is at work knows itself by."""

    # ── install, uninstall, status ───────────────────────────────────────────────────────────────────────────────────

    def install(self) -> None:
        """Be ready; a thread is started by the first cell."""
        self._trouble = surroundings.trouble()

    def uninstall(self) -> None:
        """Look at nothing any more, whatever runs."""
        wake = self._wake
        self._collector.let_go()  # a child that was forked within a look has nobody else who would
        self._runs.clear()
        for sink in self.sinks:
            sink.now.clear()
        WORKING.clear()
        self._stepped_back = False
        self._renew()  # the thread sees that it is not meant any more
        unseen.let_go(wake)

    def listen(self, sinks: Collection[SampleSink]) -> None:
        """Hand samples to those that want some, from here on."""
        told, self.sinks = self.sinks, tuple(sink for sink in sinks if sink.sampling)
        for sink in told:
            if sink not in self.sinks:
                sink.now.clear()
        before, self.hz = self.hz, min(MAX_HZ, max((sink.sampling for sink in self.sinks), default=0))
        if self.hz and not before:
            for worker in list(WORKING.values()):
                worker.resume()
        if self._parked:
            unseen.let_go(self._wake)

    def status(self) -> str:
        """Say whether and how often samples are taken, and why not."""
        trouble = self._trouble or ("no thread can be had here" if self._lacks_thread else "")
        if trouble:
            return f"Samples: none, as {trouble}."
        if not self.hz:
            return "Samples: off (%config NBTrace.sampling = 100)."
        lacks = "" if working_threads.has_cpu_clock() else " This system does not tell how long a thread has computed."
        return (
            f"Samples: {self.hz} a second in the first {FULL_RATE_S:.0f} s of a cell, then fewer (%config NBTrace.sampling); "
            f"not beside another profiler, a debugger or another interpreter.{lacks}"
        )

    @property
    def files(self) -> set[str]:
        """The files as which cells have been compiled."""
        return self._reader.files

    def runs_in(self, shell_file: str) -> None:
        """Tell in which file the shell is written that runs cells."""
        self._reader.shell_file = shell_file

    # ── what runs ────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(
        self,
        cell: int,
        begun: list[tuple[int, CodeType]] | None = None,
        *,
        awaits: bool = False,
        profiled: bool = False,
        serves: bool = False,
    ) -> Run:
        """Look at this thread, and those that it starts, from here on. `profiled`: what runs brings a profiler of its own, to
        which this thread must not show; `serves`: it waits for work that others send, and may do so for ever."""
        run = Run(cell, begun, awaits=awaits, aside=profiled)
        run.serves = serves
        if not self.hz or self._trouble:
            return run
        run.outer = WORKING.get(run.thread)
        run.worker = working_threads.begin(cell)
        self._runs[id(run)] = run
        if profiled:
            self._stand_aside()
        else:
            self._wake_up()
        return run

    def begin_for(self, cell: int) -> Run:
        """Look at the threads that work for a cell, whenever they do, from here on; at none by itself."""
        run = Run(cell, None, awaits=False, aside=False)
        run.thread = 0
        if self.hz and not self._trouble:
            self._runs[id(run)] = run
            self._wake_up()
        return run

    def _wake_up(self) -> None:
        if self._thread is None:
            self._start()
        elif self._parked:
            unseen.let_go(self._wake)

    def end(self, run: Run) -> None:
        """Look no more."""
        self._runs.pop(id(run), None)
        self._forget_now(run.cell)
        if run.aside and self._runs:
            unseen.let_go(self._wake)
        if run.worker is not None and WORKING.get(run.thread) is run.worker:
            run.worker.over = True
            if run.outer is None or run.outer.over:  # it has ended before this one
                WORKING.pop(run.thread, None)
            else:
                run.outer.resume()
                WORKING[run.thread] = run.outer

    def step_back(self) -> None:
        """End the thread, and wait until it is gone, as far as the system tells."""
        if self._thread is None or self._stepped_back:
            return
        self._stepped_back = True
        wake, before = self._wake, _system_threads()
        self._renew()  # the thread sees that it is not meant any more
        unseen.let_go(wake)
        for _ in range(40):
            if _system_threads() < before or not before:  # others may be there, of libraries
                break
            time.sleep(0.0005)

    def come_back(self) -> None:
        """Go on after that."""
        if self._stepped_back:
            self._stepped_back = False
            if self._runs:
                self._start()

    def _start(self) -> None:
        me = self._thread = object()
        try:
            # Not by `threading`, in whose list the user would see it.
            _thread.start_new_thread(self._work, (me, self._wake))
        except RuntimeError:
            self._thread, self._lacks_thread = None, True
        else:
            self._lacks_thread = False

    def _stand_aside(self) -> None:
        """Wait until the thread does nothing that a profiler could see: mostly it has been doing nothing for long."""
        unseen.let_go(self._wake)
        for _ in range(40):
            if self._thread is None or self._parked is not None:
                break
            time.sleep(0.0005)

    # ── the thread ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self, me: object, wake: Any) -> None:
        collector, runs = self._collector, self._runs.values()
        pauses: list[float] = []
        waits, watched = unseen.waits(wake, pauses), unseen.watched()
        rested = True
        each: Any
        try:
            while self._thread is me:
                # From the end of a wait to here nothing is called: a profiler may be at work by now, and would see it.
                aside = False
                for looked_at in watched:
                    aside = looked_at
                    break
                seen = [*runs]
                for each in seen:
                    each.aside = each.aside or aside
                for each in seen:
                    aside = aside or each.aside
                pause: float | None = None
                if not aside:
                    if rested:
                        self._due, self._idle_since = 0.0, time.perf_counter()
                    collector.hold()
                    try:
                        pause = self._turn()
                    except MemoryError:  # the user's code has taken all there is; later there may be more
                        pause = LOOK_S
                    finally:
                        collector.let_go()
                if rested := pause is None:
                    self._parked = me
                    # Whoever comes from here on wakes it.
                    stays = [*runs] == seen if aside else self._idle()
                    pause = -1.0 if stays and self._thread is me else 0.0
                each, seen = None, []  # they hold what is the user's
                pauses += [pause]
                for _ in waits:
                    break
                if rested and self._parked is me:
                    self._parked = None
        except Exception:
            if self._thread is me:
                self._trouble = "the sampling thread has stumbled over a fault of nbtrace's"
                fault("sampling")

    def _idle(self) -> bool:
        """Whether there is nothing to look at."""
        runs = list(self._runs.values())
        return not self.hz or all(run.rests for run in runs) or any(run.aside for run in runs)

    def _turn(self) -> float | None:
        """Look if it is time to; return after how long there can be more to do, None if somebody has to wake this thread for it.
        Whatever is held of the user's is let go of when this returns."""
        runs = list(self._runs.values())
        now = time.perf_counter()
        if self._idle():
            self._due = now + FIRST_S
            return None if runs or now - self._idle_since > _LINGER_S else FIRST_S
        if now < self._due:
            return self._due - now
        self._idle_since = now
        ripe = min(run.began_ns for run in runs) / 1e9 + FIRST_S
        if now < ripe:  # most cells end before that
            self._due = ripe
            return ripe - now
        pause = self._look(runs, int((now - self._due) * 1e9) if self._due else 0)
        # In time, though this one came late; and not in step with what the cell does again and again.
        self._beat = (self._beat + _GOLDEN) % 1
        self._due = max(self._due + pause * (0.6 + 0.8 * self._beat), now + pause / 2)
        if self._computing.held_ns:
            self._computing.held_ns = 0
            self._due = min(self._due, now + _SOON_S * self._beat)
        del runs  # what is read besides may take its time, and the user's objects must not end in this thread
        before = time.perf_counter()
        self._collector.let_go()
        self.besides()
        done = time.perf_counter()
        self._due += done - before  # or the next look would be taken for one that somebody has kept waiting
        return max(0.0, self._due - done)

    def _look(self, runs: list[Run], late_ns: int) -> float:
        """Take a sample of each thread at work; return after how long to look again. late_ns: how long the interpreter's lock
        has kept the thread waiting."""
        if not all(run.knows_statement for run in runs):
            self._collector.let_go()  # this makes nothing that the collector counts, and can take so long that others go on
            for run in runs:
                run.read_statement()
            # What is left of this turn at the interpreter's lock may be too short for a look: the code that goes on within it
            # would see that the collector is held.
            time.sleep(0)
            self._collector.hold()
        now = time.perf_counter_ns()
        age_s = max(FIRST_S, (now - max(run.began_ns for run in runs)) / 1e9)
        # Switched off by another thread since this look began, it is the last one.
        rate = max(self.hz, 1) * min(1.0, FULL_RATE_S / age_s)
        safe = surroundings.lets_look()
        computed = time.thread_time()
        rows = self._samples(runs, now, late_ns, 0.5e9 / rate) if safe else []
        while self._new:
            self.first_seen(*self._new.pop())
        took_s = time.thread_time() - computed  # on a busy machine the time that goes by is not this thread's
        self._collector.let_go()  # the user's code goes on within this, and may ask whether it collects, or stop it
        reading = self.read_memory()
        self._collector.hold()
        memory = self.memory_of(reading)
        for run in runs:
            if run.usage is not None:
                run.usage.note(memory)
        for row in rows:
            whole = (*row[:7], memory, *row[7:])
            for sink in self.sinks:
                sink.samples.append(whole, SAMPLE_BYTES)
        return max(min(1 / rate, LOOK_S), took_s * _REST if took_s > _LONG_S else 0.0)

    def _samples(self, runs: list[Run], now: int, late_ns: int, least_ns: float) -> list[tuple[Any, ...]]:
        """Rows without memory, of each thread whose last sample is long enough ago. No frame outlives this."""
        found = []
        of_thread = {run.thread: run for run in runs if run.thread}
        offsets = {run.cell: run.offset_ns for run in runs}
        frames = sys._current_frames()
        try:
            for ident, worker in WORKING.copy().items():
                if ident not in frames:
                    WORKING.pop(ident, None)  # it has ended
                    continue
                if worker.cell not in offsets:
                    continue  # it goes on after its cell
                run = of_thread.get(ident)
                since = worker.last_ns
                if run is not None and run.begun:
                    since = max(since, run.begun[-1][0])
                if run is not None and (not run.knows_statement or frames[ident].f_code is self.noting):
                    continue  # it begins one this very moment
                if run is not None and now - run.began_ns < _FIRST_NS:
                    continue
                if now - worker.last_ns < least_ns:
                    # No sample, but a look: an old cell is looked at more often than samples of it are kept.
                    if run is not None and run.at_work:
                        looked = self._reader.stack(run, frames[ident], run.task_context())
                        if looked is not None:
                            self._tell(run, looked[0], now)
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
        cpu, read_ns = worker.read_cpu(), time.perf_counter_ns()
        wall_ns = now - since
        cpu_ns = None if cpu is None or worker.cpu_ns is None else min(max(0, cpu - worker.cpu_ns), wall_ns)
        context = None if run is None else run.task_context()
        if run is not None and run.begun is not None and not run.at_work:
            return None
        found, (trace_id, span_id) = self._read(worker, run, frame, context)
        seen = worker.seen(now, late_ns, cpu, read_ns)
        worker.last_ns, worker.cpu_ns = now, cpu
        if run is not None and run.serves:
            run.seen_at_work(now, works=found is not None)
        if found is None:
            return None
        stack, works = found
        if run is not None:
            self._tell(run, stack, now)
        native: object = False
        if works:
            began_ns = run.begun[-1][0] if run is not None and run.begun else 0
            native, stack = self._computing.judge(worker, frame, seen, stack, now, began_ns)
        if not works and cpu_ns is not None:
            cpu_ns = 0  # the thread has served others
        return worker.cell, trace_id, span_id, worker.thread, wall_ns, cpu_ns, native, stack

    def _read(
        self, worker: Worker, run: Run | None, frame: FrameType, context: Any
    ) -> tuple[tuple[Stack, bool] | None, tuple[int, int]]:
        """What a thread does, and in which span. It may have gone on between the two: then they are read again."""
        span = self._reader.span(worker, context)
        for _ in range(_TRIES):
            before, found = span, self._reader.stack(run, frame, context)
            span = self._reader.span(worker, context)
            if span == before:
                break
        return found, span

    def _tell(self, run: Run, stack: Stack, moment_ns: int) -> None:
        """Say what a cell is doing to whoever asks."""
        first = run.now is None
        now = run.seen(stack, moment_ns)
        if now is None:
            return
        for sink in self.sinks:
            sink.now[run.cell] = now
        if id(run) not in self._runs:  # it has ended meanwhile, and what it was doing has been forgotten
            self._forget_now(run.cell)
        elif first and run.begun:
            self._new.append((run.cell, run.begun[-1][1].co_filename))

    def _forget_now(self, cell: int) -> None:
        for sink in self.sinks:
            sink.now.pop(cell, None)


def _system_threads() -> int:
    """How many threads the system knows of this process, 0 where it does not tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


def _unknown() -> None: ...


def _unknown_of(reading: Any) -> None: ...


def _nobody(cell: int, file: str) -> None: ...
