from __future__ import annotations

from nbtrace.capture.clock import Clock

SECOND = 1_000_000_000


class Hands:
    """A wall clock and a monotonic one that a test turns."""

    def __init__(self) -> None:
        self.wall_ns = 1_700_000_000 * SECOND
        self.monotonic_ns = 50 * SECOND

    def pass_time(self, ns: int) -> None:
        self.wall_ns += ns
        self.monotonic_ns += ns

    def clock(self) -> Clock:
        return Clock(lambda: self.wall_ns, lambda: self.monotonic_ns)


def test_a_clock_set_back_does_not_make_a_duration_negative() -> None:
    hands = Hands()
    clock = hands.clock()
    start, began = hands.wall_ns, hands.monotonic_ns
    hands.pass_time(2 * SECOND)
    hands.wall_ns -= 3_600 * SECOND
    hands.pass_time(SECOND)
    assert clock.end_ns(start, hands.wall_ns, began, hands.monotonic_ns) == start + 3 * SECOND
    # A span that crosses the same jump and ends later is mended too, one that began after it is let alone.
    later_start, later_began = hands.wall_ns, hands.monotonic_ns
    hands.pass_time(5 * SECOND)
    assert clock.end_ns(start, hands.wall_ns, began, hands.monotonic_ns) == start + 8 * SECOND
    assert clock.end_ns(later_start, hands.wall_ns, later_began, hands.monotonic_ns) == hands.wall_ns


def test_times_that_the_user_gave_stand() -> None:
    """A span of the past has a duration that no clock here has seen."""
    hands = Hands()
    clock = hands.clock()
    began = hands.monotonic_ns
    hands.pass_time(1_000)
    assert clock.end_ns(1_000, 9_000_000_000, began, hands.monotonic_ns) == 9_000_000_000
