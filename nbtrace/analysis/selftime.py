"""The time a span spent outside its children."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nbtrace.analysis.intervals import covered, intervals
from nbtrace.analysis.tree import parents


def self_time(spans: pd.DataFrame) -> pd.Series:
    """Return the time each span spent outside its children, as timedelta64[ns], with the table's index.

    Children that overlap each other, or outlive their parent, count once and only inside the parent's interval, so the
    result is never negative. Missing for a span that still runs. Spans whose children are not in the table keep their
    time. Source: the "self time" of Jaeger's trace statistics."""
    found = intervals(spans)
    ns = (found.duration - covered(found)).astype("m8[ns]")
    ns[found.running] = np.timedelta64("NaT", "ns")
    return pd.Series(ns, index=spans.index, name="self_time")


def self_times(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the self time of each span that has ended, the largest first.

    trace_id, span_id, name str · cell Int64 · duration, self_time timedelta64[ns] · total_share, self_share float64, of the
    time of all roots in the table together."""
    table = spans[["trace_id", "span_id", "name", "cell", "duration"]].assign(self_time=self_time(spans))
    whole = int(intervals(spans).duration[parents(spans) < 0].sum())
    for share, column in (("total_share", "duration"), ("self_share", "self_time")):
        table[share] = table[column].astype("int64") / max(whole, 1)
    table = table[table["duration"].notna()]
    return table.sort_values("self_time", ascending=False, kind="stable").reset_index(drop=True)
