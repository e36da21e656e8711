"""How many spans ran at the same time, and when none did."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nbtrace.analysis.intervals import intervals


def concurrency(spans: pd.DataFrame) -> pd.DataFrame:
    """Return how many spans of the table were running, from each moment at which that changed to the next.

    time datetime64[ns, UTC], ascending and without repetition · running Int64, 0 in the last row. Spans that still run
    count up to the latest moment known; a span of no duration counts nowhere."""
    found = intervals(spans)
    moments = np.concatenate([found.start, found.end])
    steps = np.concatenate([np.ones(len(found.start), np.int64), np.full(len(found.end), -1, np.int64)])
    times, place = np.unique(moments, return_inverse=True)
    change = np.bincount(place, weights=steps, minlength=len(times)).astype(np.int64)
    running = np.cumsum(change)
    kept = np.flatnonzero(np.diff(running, prepend=0) != 0)
    return pd.DataFrame(
        {
            "time": pd.DatetimeIndex(times[kept].view("M8[ns]"), tz="UTC"),
            "running": pd.array(running[kept], dtype="Int64"),
        }
    )


def gaps(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the times between the first start and the last end at which no span of the table ran, in their order.

    start_time, end_time datetime64[ns, UTC] · duration timedelta64[ns]."""
    steps = concurrency(spans)
    idle = np.flatnonzero((steps["running"] == 0).to_numpy(dtype=bool))
    idle = idle[idle < len(steps) - 1]
    start, end = steps["time"].iloc[idle].array, steps["time"].iloc[idle + 1].array
    return pd.DataFrame({"start_time": start, "end_time": end, "duration": end - start})
