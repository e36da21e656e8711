"""The critical path of a trace: the spans that the end waited for, and how long on each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.intervals import Intervals, intervals

Ints = npt.NDArray[np.int64]

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
    start, end, root = _within_ancestors(found)
    roots = np.flatnonzero(found.parent < 0)
    # The children of a span side by side, ordered by their end; those of no length are on no path.
    child = np.flatnonzero((found.parent >= 0) & (end > start))
    child = child[np.lexsort((end[child], found.parent[child]))]
    above = found.parent[child]
    last = np.searchsorted(above, np.arange(len(start)), side="right") - 1
    first = np.searchsorted(above, np.arange(len(start)))
    last[last < first] = -1
    before = _before(above, start[child], end[child])
    before[before < first[above]] = -1
    on_path, places = _walk(roots, child, last, before)
    # What is a span's own on the path: from the end of its last child on, and before each child that is on it.
    behind = last[on_path]
    owner = np.concatenate([on_path, above[places]])
    begin = np.concatenate(
        [
            np.where(behind < 0, start[on_path], end[child[behind]] if len(child) else 0),
            np.where(before[places] < 0, start[above[places]], end[child[before[places]]]),
        ]
    )
    finish = np.concatenate([end[on_path], start[child[places]]])
    kept = np.flatnonzero(finish > begin)
    kept = kept[np.lexsort((owner[kept], begin[kept]))]
    owner, begin, finish = owner[kept], begin[kept], finish[kept]
    whole = found.duration[root[owner]]
    return pd.DataFrame(
        {
            "span_id": spans["span_id"].array[owner],
            "name": spans["name"].array[owner],
            "start_time": pd.DatetimeIndex(begin.view("M8[ns]"), tz="UTC"),
            "end_time": pd.DatetimeIndex(finish.view("M8[ns]"), tz="UTC"),
            "contribution": pd.TimedeltaIndex((finish - begin).view("m8[ns]")),
            "share": (finish - begin) / np.maximum(whole, 1),
        }
    )


def _within_ancestors(spans: Intervals) -> tuple[Ints, Ints, Ints]:
    """Starts and ends cut to the intervals of all ancestors, and the root of each span, by doubling steps."""
    start, end = spans.start.copy(), spans.end.copy()
    above = np.where(spans.parent < 0, np.arange(len(start)), spans.parent)
    for _ in range(len(start).bit_length()):  # a circle in a hostile file has no root to arrive at
        np.maximum(start, start[above], out=start)
        np.minimum(end, end[above], out=end)
        higher = above[above]
        if (higher == above).all():
            break
        above = higher
    return start, end, above


def _before(above: Ints, start: Ints, end: Ints) -> Ints:
    """For each child, ordered by parent and end, the last of its siblings that had ended when it began, or one of another
    parent where none had."""
    if not len(above):
        return np.zeros(0, dtype=np.int64)
    before = np.arange(-1, len(above) - 1)
    # One after the other is the rule; where siblings overlap, look further back. Times become ranks to make one key of
    # parent and time that cannot overflow.
    overlap = np.flatnonzero((end[before] > start) & (above[before] == above))
    if len(overlap):
        moments = np.unique(end)
        ended = above * (len(moments) + 1) + np.searchsorted(moments, end) + 1
        began = above[overlap] * (len(moments) + 1) + np.searchsorted(moments, start[overlap], side="right")
        before[overlap] = np.searchsorted(ended, began, side="right") - 1
    return before


def _walk(roots: Ints, child: Ints, last: Ints, before: Ints) -> tuple[Ints, Ints]:
    """Return the spans on the paths, and the places among the children of those that are no roots."""
    inside, last_of, before_of = child.tolist(), last.tolist(), before.tolist()
    spans = roots.tolist()
    places: list[int] = []
    for span in spans:  # grows as it is read
        place = last_of[span]
        while place >= 0:
            places.append(place)
            spans.append(inside[place])
            place = before_of[place]
    return np.array(spans, dtype=np.int64), np.array(places, dtype=np.int64)
