"""The threads that work for a cell, or for a program that is sampled: what the sampling thread looks at.

Enters: threads, as they begin to work and as they cease. Leaves: a `Worker` each, by the thread's number. What is noted is noted
in the thread itself: to ask for the clock of one that has ended may crash."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from opentelemetry.context import Context

from nbtrace.capture.current_cell import THIS, thread_of
from nbtrace.store.schema import Thread
from nbtrace.store.stacks import Stack

_OTHERS = 0.2
"""This share of the time other threads compute at most of which it is said that they do not."""


class Seen(NamedTuple):
    """What is known of a thread when another that looks at it has got the interpreter's lock."""

    since_ns: int
    """Since the thread was looked at last."""
    cpu_ns: int | None
    """How long of that it has computed; None where the system does not tell."""
    late_ns: int
    """How long of that the lock was asked for."""
    computes: bool
    """Whether it computes while another thread has the lock."""
    alone: bool
    """Whether hardly any other thread of the process has computed meanwhile."""


class Worker:
    """A thread at work."""

    __slots__ = (
        "cell",
        "clock",
        "context",
        "cpu_ns",
        "free_run",
        "gave_way",
        "ident",
        "known",
        "last_ns",
        "native",
        "over",
        "process_ns",
    )

    def __init__(self, ident: int, cell: int, known: Thread | None, clock: int | None, context: Context | None) -> None:
        self.ident = ident
        self.cell = cell
        """Number of the execution it works for, 0 for a program."""
        self.known = known
        self.over = False
        """Whether what it worked for has ended, though it may not have been the last to begin."""
        self.clock = clock
        """Of its computing time; None where the system has no such clock."""
        self.context = context
        """What was current in it when it began, where it was given that."""
        self.native: object = True
        """Whether it computed in code that is not Python's, when that could be told last; asked as a truth."""
        self.gave_way: tuple[int, Stack] | None = None
        """When it was last met in code that had the interpreter's lock, and where."""
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
        self.process_ns = -1

    def seen(self, now: int, late_ns: int, cpu: int | None, read_ns: int) -> Seen:
        """Return what tells how it computes: `cpu` was its clock at `read_ns`, while it could not get the interpreter's lock."""
        since_ns = now - self.last_ns
        late_ns = min(late_ns, since_ns)
        if cpu is None or self.cpu_ns is None or (later := self.read_cpu()) is None:
            return Seen(since_ns, None, late_ns, computes=False, alone=len(WORKING) == 1)
        computes = (later - cpu) * 2 > time.perf_counter_ns() - read_ns
        process_ns = time.process_time_ns()
        others_ns = process_ns - self.process_ns - (cpu - self.cpu_ns)
        alone = len(WORKING) == 1 if self.process_ns < 0 else others_ns < _OTHERS * since_ns
        self.process_ns = process_ns
        return Seen(since_ns, cpu - self.cpu_ns, late_ns, computes, alone)

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


def _forget_clock() -> None:
    _OWN.clock = None  # that of the parent's thread


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_clock)
