from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings

from nbtrace.analysis.concurrency import concurrency, gaps
from nbtrace.analysis.criticalpath import critical_path
from nbtrace.analysis.repeats import repeats
from nbtrace.analysis.selftime import self_time
from tests.analysis.forests import Span, ends, forests, parent_of, running, self_times, table
from tests.analysis.forests import critical_path as walked_back

anything = settings(max_examples=200, deadline=None)


@anything
@given(forests)
def test_self_time_is_what_counting_moments_gives(spans: list[Span]) -> None:
    """Overlapping, outliving, running children, orphans and circles of parents included."""
    found = self_time(table(spans))
    assert [None if value is pd.NaT else value.value for value in found] == self_times(spans)


def test_self_time_of_overlapping_and_outliving_children() -> None:
    spans = [(-1, 0, 10), (0, 1, 4), (0, 3, 4), (0, 9, 50), (1, 2, 1)]
    assert [value.value for value in self_time(table(spans))] == [3, 3, 4, 50, 1]


def path(spans: list[Span]) -> list[tuple[str, int, int]]:
    found = critical_path(table(spans))
    return [(r["name"], r["start_time"].value, r["end_time"].value) for _, r in found.iterrows()]


def test_the_critical_path_goes_through_the_last_to_finish() -> None:
    """Of two concurrent children the one that the parent waited for; what lies between children is the parent's."""
    spans = [(-1, 0, 10), (0, 1, 3), (0, 1, 7), (2, 2, 2)]
    assert path(spans) == [("s0", 0, 1), ("s2", 1, 2), ("s3", 2, 4), ("s2", 4, 8), ("s0", 8, 10)]


def test_the_critical_path_through_children_one_after_the_other() -> None:
    spans = [(-1, 0, 10), (0, 1, 3), (0, 5, 4)]
    assert path(spans) == [("s0", 0, 1), ("s1", 1, 4), ("s0", 4, 5), ("s2", 5, 9), ("s0", 9, 10)]


def test_a_child_that_outlives_its_parent_counts_up_to_its_end() -> None:
    assert path([(-1, 0, 10), (0, 6, 50)]) == [("s0", 0, 6), ("s1", 6, 10)]


@anything
@given(forests)
def test_the_critical_path_covers_each_root_once_and_without_overlap(spans: list[Span]) -> None:
    found = critical_path(table(spans))
    end = ends(spans)
    roots = [row for row in range(len(spans)) if parent_of(spans, row) < 0]
    assert found["contribution"].sum().value == sum(end[row] - spans[row][1] for row in roots)
    for row, section in zip(found["name"], found.itertuples(), strict=True):
        span = int(row[1:])
        assert spans[span][1] <= section.start_time.value < section.end_time.value <= end[span]


@anything
@given(forests)
def test_the_critical_path_is_what_walking_back_gives(spans: list[Span]) -> None:
    found = critical_path(table(spans)).groupby("name")["contribution"].sum()
    assert {int(name[1:]): time.value for name, time in found.items()} == walked_back(spans)


def test_a_chain_of_a_hundred_thousand_has_a_critical_path() -> None:
    n = 100_000
    chain = pd.DataFrame(
        {
            "span_id": pd.Series(range(n)).astype(str),
            "parent_span_id": pd.Series([None, *range(n - 1)], dtype="Int64").astype("string").astype(object),
            "name": "x",
            "start_time": pd.to_datetime(range(n), utc=True).astype("datetime64[ns, UTC]"),
            "duration": pd.to_timedelta([2 * n - 2 * i for i in range(n)], unit="ns").astype("timedelta64[ns]"),
        }
    )
    assert critical_path(chain)["contribution"].sum().value == 2 * n


@anything
@given(forests)
def test_concurrency_is_what_counting_gives(spans: list[Span]) -> None:
    steps = concurrency(table(spans))
    times = [time.value for time in steps["time"]]
    for moment in range(22):
        at = [number for time, number in zip(times, steps["running"], strict=True) if time <= moment]
        assert (at[-1] if at else 0) == running(spans, moment)
    assert steps["running"].tolist()[-1:] in ([0], [])


def test_gaps_are_when_nothing_ran() -> None:
    found = gaps(table([(-1, 0, 3), (-1, 2, 2), (-1, 7, 1), (-1, 20, 1)]))
    assert [(a.value, b.value, d.value) for a, b, d, *_ in found.itertuples(index=False)] == [(4, 7, 3), (8, 20, 12)]
    assert len(gaps(table([]))) == len(gaps(table([(-1, 0, 5)]))) == 0


def test_the_span_of_a_run_fills_no_gap() -> None:
    """Everything is in it."""
    spans = table([(-1, 0, 30), (0, 1, 2), (0, 10, 2)])
    spans["scope_name"] = pd.Series(["nbtrace.run", "nbtrace", None], dtype="str")
    assert [(a.value, b.value) for a, b, *_ in gaps(spans).itertuples(index=False)] == [(3, 10)]
    assert concurrency(spans)["running"].tolist() == [1, 0, 1, 0]


def test_gaps_name_the_cells_on_both_sides() -> None:
    """The span that ended last before it and the one that began first after it; what fills the time is on neither side."""
    spans = table([(-1, 0, 3), (-1, 1, 1), (-1, 7, 2), (-1, 7, 0), (-1, 20, 1), (-1, 30, 1)])
    spans["cell"] = pd.array([3, 4, 5, 6, None, 9], dtype="Int64")
    found = gaps(spans)
    assert found[["cell_before", "cell_after"]].astype(object).values.tolist() == [[3, 5], [5, pd.NA], [pd.NA, 9]]
    found = gaps(spans, np.array([False, False, True, False, False, True]))
    assert [(a.value, b.value, c, d) for a, b, _, c, d in found.astype(object).itertuples(index=False)] == [
        (3, 7, 3, pd.NA),
        (9, 20, 3, pd.NA),
    ]


def test_repeats_are_siblings_of_one_name() -> None:
    spans = table([(-1, 0, 50), *[(0, i, 2) for i in range(6)], (1, 0, 1), (99, 0, 1)])
    spans["name"] = ["page", *["query"] * 6, "query", "orphan"]
    (row,) = repeats(spans).to_dict("records")
    assert (row["parent_name"], row["name"], row["count"], row["total"].value, row["mean"].value) == (
        "page",
        "query",
        6,
        12,
        2,
    )
    assert len(repeats(spans, at_least=7)) == 0
    assert repeats(table([])).dtypes.astype(str)["count"] == "Int64"
