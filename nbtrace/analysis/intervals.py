"""A spans table as integers: starts, ends and parents, with the children of each span side by side.

Enters: a spans DataFrame. Leaves: numpy arrays in nanoseconds. A span that still runs counts up to the latest moment that
the table knows of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.tree import parents

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Spans as intervals; all arrays have one entry per row of the table."""

    start: Ints
    end: Ints
    """Never before the start: a negative duration counts as none."""
    running: npt.NDArray[np.bool_]
    parent: Ints
    """Row of the parent, -1 for roots and orphans."""

    @property
    def duration(self) -> Ints:
        """End minus start."""
        return self.end - self.start


def intervals(spans: pd.DataFrame) -> Intervals:
    """Read the intervals of a table."""
    start = spans["start_time"].astype("int64").to_numpy().astype(np.int64)
    running = spans["duration"].isna().to_numpy()
    length = spans["duration"].astype("int64").to_numpy().astype(np.int64)
    end = np.where(running, start, start + np.where(running, 0, length))
    if len(end):
        end = np.where(running, int(np.maximum(end, start).max()), end)
    return Intervals(start, np.maximum(end, start), running, parents(spans))


def covered(spans: Intervals) -> Ints:
    """Return for each span how much of it its children cover: where they overlap each other it counts once, where they
    outlive it not at all."""
    child = np.flatnonzero(spans.parent >= 0)
    above = spans.parent[child]
    order = np.lexsort((spans.start[child], above))
    child, above = child[order], above[order]
    # Within the parent's interval, from its start.
    begin = np.clip(spans.start[child], spans.start[above], spans.end[above]) - spans.start[above]
    finish = np.clip(spans.end[child], spans.start[above], spans.end[above]) - spans.start[above]
    reached = running_maximum(finish, above)
    before = np.zeros(len(child), dtype=np.int64)
    if len(child) > 1:
        same = above[1:] == above[:-1]
        before[1:] = np.where(same, reached[:-1], 0)
    new = np.maximum(0, finish - np.maximum(begin, before))
    total = np.zeros(len(spans.start), dtype=np.int64)
    np.add.at(total, above, new)
    return total


def running_maximum(values: Ints, groups: Ints) -> Ints:
    """Return the maximum so far within each group of neighbours, by doubling steps: as many as the longest group has digits."""
    found = values.copy()
    if not len(found):
        return found
    bounds = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1], True])
    step, longest = 1, int(np.diff(bounds).max())
    while step < longest:
        same = groups[step:] == groups[:-step]
        found[step:] = np.where(same, np.maximum(found[step:], found[:-step]), found[step:])
        step *= 2
    return found
