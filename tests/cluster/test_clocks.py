"""The clock of a worker is shifted where its times cannot be, by as little as explains them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nbtrace.cluster.clocks import Clock

HOUR = 3_600_000_000_000
MS = 1_000_000


def test_a_clock_that_fits() -> None:
    """Nothing is shifted while each thing comes after it was sent."""
    clock = Clock()
    for moment in range(0, 10 * MS, MS):
        clock.came(moment, moment + MS)
        clock.went(moment + 2 * MS, moment + 3 * MS)
    assert clock.behind_ns == 0
    assert clock.within_ns == MS


def test_a_clock_that_is_behind() -> None:
    """It is shifted as soon as something came before it was sent, and more exactly when something went back."""
    clock = Clock()
    clock.came(HOUR, HOUR - HOUR + MS)
    assert clock.behind_ns == HOUR - MS
    assert clock.within_ns is None
    clock.went(MS * 2, HOUR + MS * 5)
    assert abs(clock.behind_ns - HOUR) <= 3 * MS
    assert clock.within_ns is not None
    assert clock.within_ns <= 2 * MS


def test_a_clock_that_is_ahead() -> None:
    """What went came before it was sent."""
    clock = Clock()
    clock.went(HOUR, MS)
    assert clock.behind_ns == MS - HOUR
    clock.came(MS, HOUR + 2 * MS)
    assert abs(clock.behind_ns + HOUR) <= MS


def test_a_clock_that_is_set_while_it_works() -> None:
    """From then on what is known of before counts no more."""
    clock = Clock()
    for moment in (0, 10 * MS):
        clock.came(moment, moment + MS)
        clock.went(moment + 2 * MS, moment + 3 * MS)
    clock.came(20 * MS, 20 * MS - HOUR + MS)
    clock.went(22 * MS - HOUR, 23 * MS)
    assert abs(clock.behind_ns - HOUR) <= MS
    clock.went(30 * MS, 31 * MS)
    clock.came(40 * MS, 41 * MS)
    assert clock.behind_ns == 0


@given(
    st.integers(-HOUR, HOUR),
    st.lists(st.tuples(st.booleans(), st.integers(0, 100 * MS), st.integers(0, 50 * MS)), max_size=50),
)
def test_times_of_any_traffic(behind: int, traffic: list[tuple[bool, int, int]]) -> None:
    """Shifted, nothing comes before it was sent; and it is not shifted beyond the truth by more than the way takes."""
    clock, now, ways = Clock(), HOUR, []
    for comes, pause, way in traffic:
        now += pause
        ways.append(way)
        if comes:
            clock.came(now, now + way - behind)
            assert now + way - behind + clock.behind_ns >= now
        else:
            clock.went(now - behind, now + way)
            assert now - behind + clock.behind_ns <= now + way
    if clock.behind_ns:
        assert abs(clock.behind_ns) <= abs(behind) + max(ways)
        if clock.within_ns is not None:
            assert abs(clock.behind_ns - behind) <= max(ways)
