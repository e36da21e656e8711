from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.analysis import statistics as module
from nbtrace.analysis.filters import UnknownColumnError
from nbtrace.analysis.statistics import statistics


def table(*spans: tuple[str, int | None, str]) -> pd.DataFrame:
    """Spans with a name, a duration in ns (None: running) and a status."""
    return pd.DataFrame(
        {
            "name": [s[0] for s in spans],
            "span_id": pd.Series([str(i) for i in range(len(spans))], dtype="str"),
            "parent_span_id": pd.Series([None] * len(spans), dtype="str"),
            "start_time": pd.to_datetime([0] * len(spans), utc=True).astype("datetime64[ns, UTC]"),
            "duration": pd.to_timedelta([s[1] for s in spans], unit="ns").astype("timedelta64[ns]"),
            "status_code": [s[2] for s in spans],
        }
    )


def test_times_by_name_the_largest_total_first() -> None:
    found = statistics(table(("a", 1, "UNSET"), ("b", 100, "ERROR"), ("a", 3, "ERROR"), ("a", None, "UNSET")))
    assert found["name"].tolist() == ["b", "a"]
    row = found.iloc[1]
    assert (row["count"], row["errors"], row["error_rate"]) == (2, 1, 0.5)
    assert [row[c].value for c in ("total", "mean", "min", "p50", "max")] == [4, 2, 1, 2, 3]
    assert {str(found[c].dtype) for c in found.columns[4:]} == {"timedelta64[ns]"}


def test_percentiles_are_those_of_numpy() -> None:
    lengths = np.random.default_rng(0).integers(1, 10**12, 999)
    found = statistics(table(*[("x", int(n), "UNSET") for n in lengths])).iloc[0]
    assert found["p95"].value == pytest.approx(np.quantile(lengths, 0.95), abs=1)


def test_no_spans_give_an_empty_table_of_the_same_columns() -> None:
    found = statistics(table())
    assert (len(found), list(found.columns[:3])) == (0, ["name", "count", "errors"])


def test_an_unknown_column_is_an_error() -> None:
    with pytest.raises(UnknownColumnError, match="Did you mean 'name'"):
        statistics(table(("a", 1, "UNSET")), by="nam")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2**62 // 20)), max_size=20), st.booleans())
def test_the_table_is_what_a_loop_gives(spans: list[tuple[str, int]], many: bool) -> None:
    """Whole nanoseconds also where a float would lose them, for few groups and for many."""
    with pytest.MonkeyPatch.context() as patch:
        if many:
            patch.setattr(module, "MANY_GROUPS", 0)
        found = statistics(table(*[(name, ns, "UNSET") for name, ns in spans]))
    for row in found.to_dict("records"):
        lengths = sorted(ns for name, ns in spans if name == row["name"])
        assert [row[c].value for c in ("total", "self", "min", "max")] == [
            sum(lengths),
            sum(lengths),
            lengths[0],
            lengths[-1],
        ]
        assert row["count"] == len(lengths)
        assert abs(row["mean"].value * len(lengths) - sum(lengths)) <= len(lengths)
        middle = (lengths[(len(lengths) - 1) // 2] + lengths[len(lengths) // 2]) // 2
        assert abs(row["p50"].value - middle) <= max(1, lengths[-1] >> 52)
    assert sorted(found["name"]) == sorted({name for name, _ in spans})
