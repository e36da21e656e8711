from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.analysis import tree
from nbtrace.analysis.tree import depth_first


def forest(parents: list[int | None], starts: list[int] | None = None) -> pd.DataFrame:
    """A spans table in which span i hangs below span parents[i]; a number without a span makes an orphan."""
    return pd.DataFrame(
        {
            "span_id": [str(i) for i in range(len(parents))],
            "parent_span_id": [None if p is None else str(p) for p in parents],
            "start_time": pd.to_datetime(starts or list(range(len(parents))), utc=True).astype("datetime64[ns, UTC]"),
        }
    )


def order(parents: list[int | None], starts: list[int] | None = None) -> list[tuple[int, int]]:
    rows, depths = depth_first(forest(parents, starts))
    return list(zip(rows.tolist(), depths.tolist(), strict=True))


def test_children_follow_their_parent_by_start() -> None:
    assert order([None, 0, 0, 1, None], [0, 5, 2, 6, 1]) == [(0, 0), (2, 1), (1, 1), (3, 2), (4, 0)]


def test_an_orphan_stands_as_a_root() -> None:
    assert order([99, 0]) == [(0, 0), (1, 1)]


def test_a_circle_of_parents_is_cut() -> None:
    assert order([2, 0, 1, 3]) == [(0, 0), (1, 1), (2, 2), (3, 0)]
    assert order([1, 0, 3, 2, 0], [5, 4, 1, 2, 9]) == [(2, 0), (3, 1), (1, 0), (0, 1), (4, 2)]


def test_a_chain_of_a_hundred_thousand_is_a_tree() -> None:
    n = 100_000
    rows, depths = depth_first(forest([None, *range(n - 1)]))
    assert rows.tolist() == depths.tolist() == list(range(n))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=12), st.data())
def test_any_forest_is_read_whole_and_each_child_after_its_parent(parents: list[int], data: Any) -> None:
    starts = data.draw(st.lists(st.integers(0, 5), min_size=len(parents), max_size=len(parents)))
    if not parents:
        assert order([]) == []
        return
    found = order(list(parents), starts)
    table = forest(list(parents), starts)
    above = tree.parents(table)
    tree._cut_circles(above, table["start_time"].astype("int64").to_numpy())
    span_by_span = tree._depth_first_by_stack(above, table["start_time"].astype("int64").to_numpy())
    assert found == list(zip(span_by_span[0].tolist(), span_by_span[1].tolist(), strict=True))
    assert sorted(row for row, _ in found) == list(range(len(parents)))
    place = {row: i for i, (row, _) in enumerate(found)}
    for row, depth in found:
        parent = parents[row]
        if depth:
            assert place[parent] < place[row]
            assert dict(found)[parent] == depth - 1
