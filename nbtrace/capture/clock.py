"""Durations that a clock set back, or a laptop asleep, cannot spoil.

The SDK takes start and end from the wall clock. We read a monotonic clock beside it; where the two disagree, and the
wall clock is known to have jumped in between, the monotonic one is right. Where it has not jumped, the user gave the
times explicitly, and those stand."""

from __future__ import annotations

import time
from collections.abc import Callable

TOLERANCE_NS = 1_000_000
"""How far the two durations may differ without a second look: the SDK's own work lies between the readings."""

_JUMP_NS = 20_000_000
"""A smaller difference between the clocks is the scheduler's doing."""


class Clock:
    """The wall clock and the monotonic one, and the jumps of the first against the second."""

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self.wall = wall
        self.monotonic = monotonic
        self._offset = self._read_offset()
        self._jumps: list[tuple[int, int]] = []

    def end_ns(self, start_ns: int, end_ns: int, monotonic_start: int, monotonic_end: int) -> int:
        """Return when a span ended: `end_ns`, or corrected if the wall clock jumped while it ran."""
        elapsed = monotonic_end - monotonic_start
        difference = (end_ns - start_ns) - elapsed
        self._look(monotonic_end)
        jumped = 0
        for when, jump in reversed(self._jumps):
            if when <= monotonic_start:
                break
            jumped += jump
            if abs(difference - jumped) < _JUMP_NS:
                return start_ns + elapsed
        return end_ns

    def _look(self, now: int) -> None:
        offset = self._read_offset()
        jump = offset - self._offset
        if abs(jump) >= _JUMP_NS:
            self._offset = offset
            self._jumps.append((now, jump))
            del self._jumps[:-100]

    def _read_offset(self) -> int:
        """Wall minus monotonic; of three readings the one least disturbed."""
        readings = []
        for _ in range(3):
            before = self.monotonic()
            wall = self.wall()
            after = self.monotonic()
            readings.append((after - before, wall - after))
        return min(readings)[1]
