"""How many spans ran at the same time, and when none did."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.intervals import intervals
from nbtrace.analysis.run_roots import of_runs


def concurrency(spans: pd.DataFrame) -> pd.DataFrame:
    """Return how many spans of the table were running, from each moment at which that changed to the next.

    time datetime64[ns, UTC], ascending and without repetition · running Int64, 0 in the last row. Spans that still run
    count up to the latest moment known; a span of no duration counts nowhere, nor does that of a whole run, in which everything
    is."""
    spans = spans[~of_runs(spans)]
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


def gaps(spans: pd.DataFrame, filling: npt.NDArray[np.bool_] | None = None) -> pd.DataFrame:
    """Return the times between the first start and the last end at which no span of the table ran, in their order.

    start_time, end_time datetime64[ns, UTC] · duration timedelta64[ns] · cell_before, cell_after Int64: the cells of the
    span that ended last before it and of the one that began first after it, missing outside cells. filling: bool per span,
    those whose time is no gap though they stand on neither side of one."""
    work = ~of_runs(spans)
    spans, filling = spans[work], None if filling is None else filling[work]
    steps = concurrency(spans)
    idle = np.flatnonzero((steps["running"] == 0).to_numpy(dtype=bool))
    idle = idle[idle < len(steps) - 1]
    start, end = steps["time"].iloc[idle].array, steps["time"].iloc[idle + 1].array
    found = intervals(spans)
    chosen = np.flatnonzero(found.end > found.start)  # one of no duration runs at no time
    if filling is not None:
        chosen = chosen[~filling[chosen]]
    first, last = chosen[np.argsort(found.start[chosen], kind="stable")], chosen[np.argsort(found.end[chosen])]
    before = np.searchsorted(found.end[last], start.as_unit("ns").asi8, "right") - 1
    after = np.searchsorted(found.start[first], end.as_unit("ns").asi8, "left")
    between = (before >= 0) & (after < len(first))
    cells = spans["cell"].array
    return pd.DataFrame(
        {
            "start_time": start[between],
            "end_time": end[between],
            "duration": (end - start)[between],
            "cell_before": cells[last[before[between]]],
            "cell_after": cells[first[after[between]]],
        }
    )
