"""How long spans of one name take: the table of Jaeger's trace statistics, with percentiles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.filters import check_column
from nbtrace.analysis.intervals import covered, intervals

STATISTICS_COLUMNS = (
    "count",
    "errors",
    "error_rate",
    "total",
    "self",
    "mean",
    "min",
    "p50",
    "p95",
    "p99",
    "max",
)

MANY_GROUPS = 10_000
"""Up to so many groups each is sorted by itself; beyond, one sort of everything costs less than so many calls."""

Ints = npt.NDArray[np.int64]


def statistics(spans: pd.DataFrame, *, by: str = "name") -> pd.DataFrame:
    """Return one row per value of the column `by`, the largest total first; spans that still run, or have no value, are
    left out.

    `by` · count, errors (status ERROR) Int64 · error_rate float64, errors per span · total, self (outside children), mean,
    min, p50, p95, p99, max timedelta64[ns]. Percentiles are exact, interpolated linearly between the two nearest spans.
    `self` counts the children that are in the table. Raises UnknownColumnError for a column that is not there. Source: the
    columns of Jaeger's trace statistics."""
    check_column(spans, by)
    keys = spans[by]
    if keys.dtype == object:
        keys = keys.map(lambda value: value if value is None or isinstance(value, (str, int, float)) else str(value))
    found = intervals(spans)
    codes, values = pd.factorize(keys)
    kept = np.flatnonzero(~found.running & (codes >= 0))
    groups = codes[kept].astype(np.int64)
    count = np.bincount(groups, minlength=len(values))
    failed = (spans["status_code"] == "ERROR").to_numpy(dtype=bool)[kept]
    # Integers throughout: floats lose nanoseconds beyond 104 days.
    length, order = _sorted_within(groups, found.duration[kept], len(values))
    present = np.flatnonzero(count)
    count = count[present]
    first = np.cumsum(count) - count
    total = _sums(length, first)
    table = pd.DataFrame(
        {
            by: values[present],
            "count": pd.array(count, dtype="Int64"),
            "errors": pd.array(np.bincount(groups[failed], minlength=len(values))[present], dtype="Int64"),
            "error_rate": np.bincount(groups[failed], minlength=len(values))[present] / count,
            "total": total,
            "self": _sums((found.duration - covered(found))[kept][order], first),
            "mean": total // count + (2 * (total % count) >= count),
            "min": length[first],
            "p50": _quantile(length, first, count, 50),
            "p95": _quantile(length, first, count, 95),
            "p99": _quantile(length, first, count, 99),
            "max": length[first + count - 1],
        }
    )
    for column in STATISTICS_COLUMNS[3:]:
        table[column] = table[column].astype("timedelta64[ns]")
    return table.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)


def _sorted_within(groups: Ints, length: Ints, number: int) -> tuple[Ints, Ints]:
    """Return the lengths group by group, ascending within each, and an order that puts the rows group by group."""
    small = np.uint8 if number <= 1 << 8 else np.uint16 if number <= 1 << 16 else np.int64
    order = np.argsort(groups.astype(small), kind="stable")  # by radix, where the numbers are small
    if number > MANY_GROUPS:
        by_length = np.lexsort((length, groups))
        return length[by_length], order
    length = length[order]
    ends = np.cumsum(np.bincount(groups, minlength=number))
    for group in np.split(length, ends[:-1]) if number else ():
        group.sort()  # in place: it is a view
    return length, order


def _sums(values: Ints, first: Ints) -> Ints:
    sums: Ints = np.add.reduceat(values, first) if len(first) else np.zeros(0, dtype=np.int64)
    return sums


def _quantile(length: Ints, first: Ints, count: Ints, percent: int) -> Ints:
    """The percentile of each group of ascending lengths, to the nanosecond."""
    place, part = np.divmod(percent * (count - 1), 100)
    low = length[first + place]
    high = length[first + np.minimum(place + 1, count - 1)]
    above: Ints = np.rint((high - low) * (part / 100)).astype(np.int64)
    return low + above
