"""Waiting, and noticing who looks, without a call: a profiler of all threads would note each.

Enters: a lock. Leaves: iterators, for one thread of ours. From Python 3.12 on cProfile and coverage hear of what every thread
calls, and cProfile loses count where a thread returns from a call that began before it did. What C code calls is no call to
them, and a `for` takes the next of an iterator of C code without one: so each wait is `for _ in waits: break`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import repeat, starmap
from operator import is_not
from typing import Any

_TOOLS = (0, 2)
"""The debugger's and the profiler's numbers in sys.monitoring: what they see of all threads, ours would be a part of."""


def waits(lock: Any, pauses: list[float]) -> Iterator[bool]:
    """Yield whether the lock was free, after waiting for it as many seconds as stand last in `pauses`, which is taken from there;
    -1 for as long as it takes."""
    return map(lock.acquire, repeat(True), iter(pauses.pop, None))


def watched() -> Iterator[bool]:
    """Yield whether this thread is looked at now: by a debugger or a profiler of all threads, or by a function that
    threading.settrace_all_threads or setprofile_all_threads has set."""
    asked: list[Iterator[Any]] = [starmap(each, repeat(())) for each in (sys.gettrace, sys.getprofile)]
    if (monitoring := getattr(sys, "monitoring", None)) is not None:
        asked += [map(monitoring.get_tool, repeat(number)) for number in _TOOLS]
    return map(any, zip(*(map(is_not, each, repeat(None)) for each in asked), strict=False))


def let_go(lock: Any) -> None:
    """Release a lock, or leave it open."""
    try:
        lock.release()
    except RuntimeError:  # it was open
        pass
