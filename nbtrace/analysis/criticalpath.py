"""The critical path of a trace: the spans that the end waited for, and how long on each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nbtrace.analysis.intervals import intervals

CRITICAL_PATH_COLUMNS = ("span_id", "name", "start_time", "end_time", "contribution", "share")


def critical_path(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the sections of the critical path of every trace in the table, in the order of time.

    From the end of a root backwards: while a child runs that ended last before this moment, the path is inside it; before
    its start the search goes on, and what lies between is the parent's own. A child that outlives its parent counts up to
    the parent's end; running spans count up to the latest moment known. Of concurrent children only the last to finish is
    on the path. Source: the critical path of Jaeger (its "last finishing child").

    span_id, name str · start_time, end_time datetime64[ns, UTC] of the section · contribution timedelta64[ns] · share
    float64 of the trace's root. A span can have several sections."""
    found = intervals(spans)
    roots = np.flatnonzero(found.parent < 0)
    # The children of a span side by side, ordered by their (clipped) end.
    child = np.flatnonzero(found.parent >= 0)
    above = found.parent[child]
    finish = np.minimum(found.end[child], found.end[above])
    order = np.lexsort((finish, above))
    child, above, finish = child[order], above[order], finish[order]
    first = np.searchsorted(above, np.arange(len(found.start)))
    last = np.searchsorted(above, np.arange(len(found.start)), side="right")
    sections: list[tuple[int, int, int, int]] = []
    for root in roots.tolist():
        # (span, from when on it counts, moment, behind the next child to consider): from the moment backwards, without
        # recursion. A child counts within its parent's interval alone.
        stack = [(root, int(found.start[root]), int(found.end[root]), int(last[root]))]
        while stack:
            span, begin, moment, upto = stack.pop()
            low = int(first[span])
            # The last of the children that ended by this moment, and began before it.
            place = low + int(np.searchsorted(finish[low:upto], moment, side="right")) - 1
            while place >= low and int(found.start[child[place]]) >= moment:
                place -= 1
            if place < low or int(finish[place]) <= begin:
                if moment > begin:
                    sections.append((span, begin, moment, root))
                continue
            inner, ended = int(child[place]), int(finish[place])
            if moment > ended:
                sections.append((span, ended, moment, root))
            entered = max(int(found.start[inner]), begin)
            stack.append((span, begin, entered, place))
            stack.append((inner, entered, ended, int(last[inner])))
    rows = np.array([section[0] for section in sections], dtype=np.int64)
    start = np.array([section[1] for section in sections], dtype=np.int64)
    end = np.array([section[2] for section in sections], dtype=np.int64)
    whole = found.duration[np.array([section[3] for section in sections], dtype=np.int64)]
    table = pd.DataFrame(
        {
            "span_id": spans["span_id"].array[rows],
            "name": spans["name"].array[rows],
            "start_time": pd.DatetimeIndex(start.view("M8[ns]"), tz="UTC"),
            "end_time": pd.DatetimeIndex(end.view("M8[ns]"), tz="UTC"),
            "contribution": pd.TimedeltaIndex((end - start).view("m8[ns]")),
            "share": (end - start) / np.maximum(whole, 1),
        }
    )
    return table.sort_values("start_time", kind="stable").reset_index(drop=True)
