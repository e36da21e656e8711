"""When a task ended, written without any code of ours running after it.

Enters: what stands for the task's function while it is called. Leaves: a moment in a mapped file, which another process reads.
The interpreter itself calls a chain of its own functions when that object is let go of: no frame, no place for a signal handler
to come in between, and nothing that could fail. docs/decisions/0030."""

from __future__ import annotations

import mmap
import os
import struct
import time
import weakref
from contextlib import suppress
from functools import partial
from typing import Any

from nbtrace.formats.spool.home import open_ours

_FORM = struct.Struct("=QQQ")
_NUMBER, _END, _OFFSET = range(3)

POSSIBLE = hasattr(os, "posix_fallocate") and hasattr(mmap, "MAP_SHARED")
"""Without blocks of its own a mapped page has none to go to on a full disk, and the process is killed for it."""

_ticks = partial(time.perf_counter_ns)


class EndSlot:
    """The writing side, for one task after the other."""

    def __init__(self, path: str) -> None:
        """Make the file. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        file = os.open(path, flags, 0o600)
        try:
            os.posix_fallocate(file, 0, mmap.PAGESIZE)
            self._map = mmap.mmap(file, mmap.PAGESIZE)
        finally:
            os.close(file)
        self._numbers = memoryview(self._map).cast("Q")
        self._watch: Any = None

    def begin(self, number: int, task: Any) -> None:
        """Have the end of a task written down: when `task`, which can be referenced weakly, is let go of."""
        self._watch = None
        numbers = self._numbers
        numbers[_NUMBER], numbers[_END], numbers[_OFFSET] = 0, 0, time.time_ns() - _ticks()
        numbers[_NUMBER] = number
        # `next(chain, reference)` asks the clock once and puts the answer into its place, all of it in C.
        chain = map(numbers.__setitem__, (_END,), iter(_ticks, None))
        self._watch = weakref.ref(task, partial(next, chain))

    def ended(self) -> int | None:
        """Return when the last task ended, None if it has not."""
        end = self._numbers[_END]
        return end + self._numbers[_OFFSET] if end else None

    def abandon(self) -> None:
        """In a forked child: the page is shared with the parent, whose task is not over because the child's copy is let go of."""
        self._watch = None


def read_end(path: str) -> tuple[int, int] | None:
    """Return which task a slot says has ended, and when, in ns since the epoch; None if it says so of none. Raises OSError."""
    file = open_ours(path)
    try:
        for _ in range(3):
            first, again = os.pread(file, _FORM.size, 0), os.pread(file, _FORM.size, 0)
            if first == again and len(first) == _FORM.size:
                number, end, offset = _FORM.unpack(first)
                return (number, end + offset) if number and end and end + offset < 2**63 else None
    finally:
        with suppress(OSError):
            os.close(file)
    return None
