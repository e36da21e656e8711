"""How long spans of one name take: the table of Jaeger's trace statistics, with percentiles."""

from __future__ import annotations

import pandas as pd

from nbtrace.analysis.filters import check_column
from nbtrace.analysis.selftime import self_time

STATISTICS_COLUMNS = ("count", "errors", "total", "self", "mean", "min", "p50", "p95", "p99", "max")


def statistics(spans: pd.DataFrame, *, by: str = "name") -> pd.DataFrame:
    """Return one row per value of the column `by`, the largest total first; spans that still run, or have no value, are
    left out.

    `by` · count, errors (status ERROR) Int64 · total, self (outside children), mean, min, p50, p95, p99, max
    timedelta64[ns]. Percentiles are exact, interpolated linearly between the two nearest spans. `self` counts the children
    that are in the table. Raises UnknownColumnError for a column that is not there."""
    check_column(spans, by)
    own = self_time(spans)
    ended = spans[spans["duration"].notna()]
    keys = ended[by]
    if keys.dtype == object:
        keys = keys.map(lambda value: value if value is None or isinstance(value, (str, int, float)) else str(value))
    # In integers: pandas' quantiles of timedeltas go through floats that lose nanoseconds beyond 104 days.
    ns = ended["duration"].astype("int64")
    groups = ns.groupby(keys, sort=False)
    table = pd.DataFrame(
        {
            "count": groups.size(),
            "errors": (ended["status_code"] == "ERROR").groupby(keys, sort=False).sum(),
            "total": groups.sum(),
            "self": own[ended.index].astype("int64").groupby(keys, sort=False).sum(),
            "mean": groups.mean(),
            "min": groups.min(),
            "p50": groups.quantile(0.5),
            "p95": groups.quantile(0.95),
            "p99": groups.quantile(0.99),
            "max": groups.max(),
        }
    )
    table = table.sort_values("total", ascending=False, kind="stable").reset_index(names=by)
    table[["count", "errors"]] = table[["count", "errors"]].astype("Int64")
    for column in STATISTICS_COLUMNS[2:]:
        table[column] = table[column].round().astype("int64").astype("timedelta64[ns]")
    return table
