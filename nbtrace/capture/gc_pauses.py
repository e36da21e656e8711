"""How long the collector of garbage works.

Enters: its announcements that it starts and stops. Leaves: nanoseconds. No Python code runs at an announcement: an interrupt that
came during a long collection would be raised in it, and the collector throws away what its callbacks raise, so that a person's
Ctrl-C would be lost. So the callback is made of parts that are all written in C."""

from __future__ import annotations

import _thread
import gc
import time
from collections import deque
from functools import partial
from typing import Any

_KEPT = 200_000
"""Moments that wait to be added up, an even number: beyond it the oldest pairs are lost."""


class _Noted(map):  # type: ignore[type-arg]
    """Appends the time to a deque at each step. `getattr(noted, "start")` is a step, and so is "stop"."""

    start = stop = property(next)


class GcPauses:
    """Adds up the pauses from `install` on."""

    def __init__(self) -> None:
        self._moments: deque[int] = deque(maxlen=_KEPT)
        self._callback: Any = None
        self._total_ns = 0
        self._adding = _thread.allocate_lock()

    def install(self) -> None:
        """Listen to the collector; a second time changes nothing."""
        if self._callback is None:
            self._moments.clear()
            self._adding = _thread.allocate_lock()  # a forked child may have been given one that nobody lets go of
            noted = _Noted(self._moments.append, iter(time.perf_counter_ns, None))
            # Called as callback("start" or "stop", details): the details are taken for the default of getattr.
            self._callback = partial(getattr, noted)
            gc.callbacks.append(self._callback)

    def uninstall(self) -> None:
        """Listen no more, whether it is listening or not."""
        if self._callback is not None:
            if self._callback in gc.callbacks:
                gc.callbacks.remove(self._callback)
            self._callback = None

    def total_ns(self) -> int:
        """Return how long the collector has worked so far. Where another thread is adding up, what that has found so far."""
        if self._adding.acquire(False):
            try:
                while len(self._moments) > 1:
                    start = self._moments.popleft()
                    self._total_ns += self._moments.popleft() - start
            finally:
                self._adding.release()
        return self._total_ns
