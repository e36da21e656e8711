"""Which spans stand on which lane of their thread."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.formats.lanes import Spans, lanes

pytestmark = pytest.mark.once

Span = tuple[int, int | None, int, int]
"""Start, end (None while it runs), parent, thread."""


def spans(*found: Span) -> Spans:
    last = max([0, *(max(start, end or start) for start, end, *_ in found)])
    return Spans(
        start=[start for start, *_ in found],
        end=[last if end is None else end for _, end, *_ in found],
        ended=[end is not None for _, end, *_ in found],
        parent=[parent for *_, parent, _ in found],
        thread=[thread for *_, thread in found],
    )


def placed(*found: Span) -> list[int]:
    return [int(lane) for lane in lanes(spans(*found))]


def test_calls_stand_on_the_first_lane() -> None:
    """Children inside their parents, one after the other; what begins or ends with its parent too."""
    assert placed((0, 100, -1, 0), (0, 50, 0, 0), (10, 20, 1, 0), (50, 100, 0, 0), (100, 110, -1, 0)) == [0] * 5


def test_tasks_that_overlap_stand_on_lanes_of_their_own() -> None:
    """With what runs in them, although it would fit into the task on the first lane; a lane that is free is taken again."""
    cell, first, second = (0, 100, -1, 0), (1, 50, 0, 0), (2, 40, 0, 0)
    assert placed(cell, first, second, (3, 10, 2, 0), (4, 11, 1, 0), (60, 70, 0, 0), (61, 65, 0, 0)) == [
        *(0, 0, 1),
        *(1, 0),
        *(0, 1),
    ]


def test_a_generator_that_outlives_its_parent_leaves_the_first_lane_alone() -> None:
    """Later cells stand where the earlier ones stood."""
    assert placed((0, 10, -1, 0), (5, 35, 0, 0), (20, 30, -1, 0), (22, 24, 2, 0)) == [0, 1, 0, 0]


def test_what_runs_between_cells_stands_beside_them() -> None:
    """A task of a cell that has ended, which the next cell meets."""
    assert placed((0, 10, -1, 0), (15, 25, 0, 0), (20, 30, -1, 0)) == [0, 1, 0]


def test_a_span_that_nobody_ended_holds_up_nothing() -> None:
    """It is beside what came later; the cell that runs now, with what runs in it, is on the first lane."""
    forgotten, later = (5, None, -1, 0), (20, 30, -1, 0)
    assert placed((0, 10, -1, 0), forgotten, (6, 7, 1, 0), later, (40, None, -1, 0), (45, None, 4, 0)) == [
        0,
        1,
        1,
        0,
        0,
        0,
    ]


def test_threads_have_lanes_of_their_own() -> None:
    """A child that runs in another thread stands on that one's first lane, whatever its parent does."""
    assert placed((0, 10, -1, 0), (2, 20, 0, 1), (3, 9, 0, 2), (4, 8, 1, 1)) == [0, 0, 0, 0]


def test_of_the_same_times_the_parent_comes_first() -> None:
    """However they are sorted; a circle of parents, which only a broken file has, ends."""
    assert placed((5, 9, 1, 0), (5, 9, 2, 0), (5, 9, -1, 0)) == [0, 0, 0]
    assert len(placed((5, 9, 1, 0), (5, 9, 0, 0), (5, 9, 2, 0))) == 3


def test_a_hundred_thousand_in_a_row_of_parents_are_placed() -> None:
    n = 100_000
    assert placed(*((0, n, at - 1, 0) for at in range(n))) == [0] * n


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 12).flatmap(
        lambda n: st.lists(
            st.tuples(
                st.integers(0, 12),
                st.none() | st.integers(0, 8),
                st.integers(-1, n - 1),
                st.integers(0, 1),
            ),
            min_size=n,
            max_size=n,
        )
    )
)
def test_on_a_lane_everything_nests(drawn: list[tuple[int, int | None, int, int]]) -> None:
    """And what stands inside another span is below it, or has no parent in this thread."""
    found = spans(*((s, None if d is None else s + d, p, t) for s, d, p, t in drawn))
    lane = lanes(found).tolist()

    def above(at: int) -> int:
        parent = found.parent[at]
        return parent if parent >= 0 and found.thread[parent] == found.thread[at] else -1

    def ancestors(at: int) -> set[int]:
        seen: set[int] = set()
        while (at := above(at)) >= 0 and at not in seen:
            seen.add(at)
        return seen

    times = list(zip(found.start, found.end, strict=True))
    for one in range(len(drawn)):
        for other in range(len(drawn)):
            if one == other or (lane[one], found.thread[one]) != (lane[other], found.thread[other]):
                continue
            (s1, e1), (s2, e2) = times[one], times[other]
            assert not s1 < s2 < e1 < e2
            if s1 < s2 < e1 and above(other) >= 0 and lane[other] > 0:
                assert one in ancestors(other)
