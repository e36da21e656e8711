"""A cell, or a program, that runs: what the sampling thread knows of it.

Enters: statements, as they begin, and stacks, as they are read. Leaves: what the cell is doing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any, Protocol

from nbtrace.capture.sampling.stack_reading import Key
from nbtrace.capture.sampling.working_threads import Worker
from nbtrace.store.now import Now
from nbtrace.store.rows import Rows
from nbtrace.store.stacks import Stack
from nbtrace.store.typed_lines import lines_of

_wall_ns: Callable[[], int] = partial(time.time_ns)
_monotonic_ns: Callable[[], int] = partial(time.perf_counter_ns)
"""The true clocks: who freezes time in a test replaces the functions of `time` wherever a module has them by name."""

_PATIENCE_NS = 500_000_000
"""So long a thread that waits for work is looked at; from then on it is when it is sent some."""

_TIMED = ("<timed exec>", "<timed eval>")
"""As which IPython compiles the body of %%time."""


class Notes(Protocol):
    """Who is told what a look at the machine has found."""

    def note(self, memory: int | None) -> None:
        """Take how many bytes are resident."""
        ...


class Run:
    """A cell, or a program, that runs."""

    __slots__ = (
        "_lines",
        "_statement",
        "_worked_ns",
        "aside",
        "awaits",
        "began_ns",
        "begun",
        "cell",
        "failed",
        "loop",
        "now",
        "offset_ns",
        "outer",
        "rests",
        "serves",
        "thread",
        "usage",
        "worker",
    )

    def __init__(self, cell: int, begun: list[tuple[int, CodeType]] | None, *, awaits: bool, aside: bool) -> None:
        self.cell = cell
        """Number of the execution, 0 for a program."""
        self.thread = threading.get_ident()
        """The thread that runs it; 0 for none, where others do all the work."""
        self.began_ns = _monotonic_ns()
        self.offset_ns = _wall_ns() - self.began_ns
        """What to add to the monotonic clock for a time: those of a cell fit each other whatever becomes of the wall clock."""
        self.begun = begun
        """When its statements began by the monotonic clock, and their code; it grows. None for a program."""
        self.awaits = awaits
        """Whether it gives the thread to others while it waits."""
        self.loop = _running_loop()
        self.aside = aside
        """Whether it is not looked at, as another profiler is at work in it."""
        self.serves = False
        """Whether its thread waits for work that others send."""
        self._worked_ns = self.began_ns
        self.rests = False
        """Whether it has been waiting for so long that nobody looks any more."""
        self.failed = False
        """Whether its code has failed: how that is shown is not its work."""
        self.worker: Worker | None = None
        self.outer: Worker | None = None
        """What the thread worked for before."""
        self.usage: Notes | None = None
        """Of its resources."""
        self.now: Now | None = None
        """What it was doing when it was last looked at."""
        self._statement: CodeType | None = None
        self._lines = (0, 0)

    @property
    def at_work(self) -> bool:
        """Whether a cell's own code runs: before, IPython reads the cell, and when it has failed, shows how."""
        return bool(self.begun) and not self.failed

    def task_context(self) -> Any:
        """Return the context of the task that the loop of its thread runs now; None where there is none, or where a task does not
        tell (Python 3.11)."""
        if self.loop is None:
            return None
        try:
            task = asyncio.current_task(self.loop)
            return None if task is None else task.get_context()  # type: ignore[attr-defined]
        except Exception:
            return None

    def read_statement(self) -> None:
        """Have the lines of the statement that runs at hand. Of one with very much code that takes long."""
        if self.begun:
            self._lines_of(self.begun[-1][1])

    @property
    def knows_statement(self) -> bool:
        """Whether the lines of the statement that runs, if one does, are at hand."""
        return not self.begun or self.begun[-1][1] is self._statement

    def statement(self, code: CodeType) -> Key:
        """Return the frame that stands for a statement of which none is on the stack."""
        return "<module>", code.co_filename, self._lines_of(code)[0], code.co_firstlineno

    def seen(self, stack: Stack, moment_ns: int) -> Now | None:
        """Note what it does at a moment of the monotonic clock, and return that; None before its first statement."""
        if not self.begun:
            return None
        began_ns, code = self.begun[-1]
        first, last = self._lines_of(code)
        begun_ns, seen_ns = began_ns + self.offset_ns, moment_ns + self.offset_ns
        line, timed_line = first, 0
        for frame in stack.outwards():  # from the innermost on
            if frame.file == code.co_filename:
                line = frame.line or first
                break
            if not timed_line and frame.file in _TIMED:
                timed_line = frame.line
        before = self.now
        if before is None or before.begun_ns != begun_ns:
            since_ns = begun_ns if line == first else seen_ns
        elif (before.line, before.timed_line) == (line, timed_line):
            since_ns = before.since_ns
        else:
            since_ns = seen_ns
        self.now = Now(first, last, begun_ns, line, timed_line, since_ns, seen_ns, stack.function, stack.file)
        return self.now

    def seen_at_work(self, moment_ns: int, *, works: bool) -> None:
        """Note whether a thread that serves was at work at a moment of the monotonic clock; one that waits for long rests."""
        if works:
            self._worked_ns = moment_ns
        self.rests = moment_ns - self._worked_ns > _PATIENCE_NS

    def now_ns(self) -> int:
        """Return the time by the clock of this run."""
        return _monotonic_ns() + self.offset_ns

    def _lines_of(self, code: CodeType) -> tuple[int, int]:
        if self._statement is not code:
            self._statement, self._lines = code, lines_of(code)
        return self._lines


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class SampleSink(Protocol):
    """A recording, as far as it is about samples."""

    sampling: int
    samples: Rows[Any]
    now: dict[int, Now]
