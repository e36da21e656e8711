"""How long spans of one name take: the table of Jaeger's trace statistics, with percentiles."""

from __future__ import annotations

import pandas as pd

from nbtrace.analysis.filters import check_column

STATISTICS_COLUMNS = ("count", "errors", "total", "mean", "min", "p50", "p95", "max")


def statistics(spans: pd.DataFrame, *, by: str = "name") -> pd.DataFrame:
    """Return one row per value of the column `by`, the largest total first; spans that still run, or have no value, are
    left out.

    `by` · count, errors (status ERROR) Int64 · total, mean, min, p50, p95, max timedelta64[ns]. Percentiles are exact,
    interpolated linearly between the two nearest spans. Raises UnknownColumnError for a column that is not there."""
    check_column(spans, by)
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
            "mean": groups.mean(),
            "min": groups.min(),
            "p50": groups.quantile(0.5),
            "p95": groups.quantile(0.95),
            "max": groups.max(),
        }
    )
    table = table.sort_values("total", ascending=False, kind="stable").reset_index(names=by)
    table[["count", "errors"]] = table[["count", "errors"]].astype("Int64")
    for column in STATISTICS_COLUMNS[2:]:
        table[column] = table[column].round().astype("int64").astype("timedelta64[ns]")
    return table
