"""The threads that work for a cell, or for a program that is sampled: what the sampling thread looks at.

Enters: threads, as they begin to work and as they cease. Leaves: a `Worker` each, by the thread's number. What is noted is noted
in the thread itself: to ask for the clock of one that has ended may crash."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context

from nbtrace.capture.current_cell import THIS, thread_of
from nbtrace.store.schema import Thread


class Worker:
    """A thread at work."""

    __slots__ = ("cell", "clock", "context", "cpu_ns", "free_run", "ident", "known", "last_ns", "native", "process_ns")

    def __init__(self, ident: int, cell: int, known: Thread | None, clock: int | None, context: Context | None) -> None:
        self.ident = ident
        self.cell = cell
        """Number of the execution it works for, 0 for a program."""
        self.known = known
        self.clock = clock
        """Of its computing time; None where the system has no such clock."""
        self.context = context
        """What was current in it when it began, where it was given that."""
        self.native: object = True
        """Whether it computed in code that is not Python's, when that could be told last; asked as a truth."""
        self.free_run = 0
        """How many times one after the other it was met without the interpreter's lock."""
        self.resume()

    @property
    def thread(self) -> Thread:
        """Which thread it is; its name is asked for only when somebody wants it, as the thread may set it first."""
        if self.known is None:
            self.known = thread_of(self.ident)
        return self.known

    def resume(self) -> None:
        """Count its time from here on."""
        self.last_ns = time.perf_counter_ns()
        self.cpu_ns = self.read_cpu()
        self.process_ns = time.process_time_ns()

    def read_cpu(self) -> int | None:
        """Return how long it has computed, None if that cannot be told (any more)."""
        if self.clock is None:
            return None
        try:
            return time.clock_gettime_ns(self.clock)
        except OSError:  # it has ended
            self.clock = None
            return None


WORKING: dict[int, Worker] = {}
"""By the thread's number."""


class _OwnClock(threading.local):
    clock: int | None = None


_OWN = _OwnClock()
_clock_of: Callable[[int], int] | None = getattr(time, "pthread_getcpuclockid", None)


def begin(cell: int, context: Context | None = None) -> Worker:
    """Have this thread work for a cell from here on."""
    ident = threading.get_ident()
    if (clock := _OWN.clock) is None and _clock_of is not None:
        clock = _OWN.clock = _clock_of(ident)
    worker = WORKING[ident] = Worker(ident, cell, THIS.thread, clock, context)
    return worker


def cease() -> None:
    """Have this thread work for nobody any more."""
    WORKING.pop(threading.get_ident(), None)


def at_work() -> bool:
    """Whether this thread works for a cell or a program."""
    return threading.get_ident() in WORKING


def has_cpu_clock() -> bool:
    """Whether the system tells how long a thread has computed."""
    return _clock_of is not None


def forget_gone(frames: dict[int, Any]) -> None:
    """Forget the threads that have ended, by the frames of those that have not."""
    for ident in [ident for ident in WORKING.copy() if ident not in frames]:
        WORKING.pop(ident, None)
