"""What repeats: the same name, many times below the same parent. Often a query that could be one."""

from __future__ import annotations

import operator
import reprlib

import pandas as pd

from nbtrace.analysis.wrong_question import QuestionError

MIN_REPEATS = 5


def repeats(spans: pd.DataFrame, *, at_least: int = MIN_REPEATS) -> pd.DataFrame:
    """Return one row per group of siblings of one name with at least `at_least` members, the largest total first.

    parent_span_id, parent_name (missing if the parent is not in the table), name str · cell Int64 · count Int64 · total,
    mean timedelta64[ns], of those that have ended. This is the "N+1 query" a person did not know of. Raises QuestionError for
    an `at_least` that is no whole number."""
    try:
        at_least = operator.index(at_least)
    except TypeError:
        raise QuestionError(
            f"at_least={reprlib.repr(at_least)} is no number of spans. Type for example at_least={MIN_REPEATS}."
        ) from None
    children = spans[spans["parent_span_id"].notna()]
    groups = children.groupby(["parent_span_id", "name"], sort=False)
    table = groups.agg(cell=("cell", "first"), count=("span_id", "size"), total=("duration", "sum")).reset_index()
    table = table[table["count"] >= at_least]
    names = spans.drop_duplicates("span_id").set_index("span_id")["name"]
    table.insert(1, "parent_name", table["parent_span_id"].map(names).astype(spans["name"].dtype))
    table["mean"] = (table["total"] / table["count"]).astype("timedelta64[ns]")
    table[["cell", "count"]] = table[["cell", "count"]].astype("Int64")
    return table.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)
