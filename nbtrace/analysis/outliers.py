"""What stands out among tasks: the one that took so much longer than others of its name, and the worker that had so little to do.

Enters: a table of tasks. Leaves: what there is to say of it, or None where nothing stands out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

FEWEST = 3
"""Of fewer tasks of a name nobody can say what is usual."""

SLOWER = 2.0
"""So many times as long as the middle one of its name is worth a word."""

LEAST_NS = 10_000_000
"""By less than that nobody is kept waiting."""

LESS = 0.5
"""A worker that worked for less than this part of what the busiest did is worth a word."""


class Slowest(NamedTuple):
    """A task that took long, from when its worker began to fetch what it needs; in ns."""

    row: int
    """Where it stands in the table."""
    took: int
    transfer: int
    """The part of it in which results of other workers were fetched."""
    middle: int
    """What the middle one of its name took."""
    of: int
    """How many tasks of its name have ended."""


class Idle(NamedTuple):
    """Two workers of one table: for how long each worked on a task or more, in ns, and on how many."""

    worker: str
    work: int
    tasks: int
    busiest: str
    most: int
    most_tasks: int


def slowest(table: pd.DataFrame) -> Slowest | None:
    """Return the task that stands out by the most time among those of its name; None if none does."""
    if not {"name", "duration", "state"} <= {*table.columns}:
        return None
    ended = np.flatnonzero((table["duration"].notna() & (table["state"] == "ended")).to_numpy(dtype=bool))
    transfer = np.zeros(len(table), dtype=np.int64)
    if "transfer" in table:
        transfer = _ns(table["transfer"])
    took = _ns(table["duration"]) + transfer
    found, by = None, LEAST_NS
    for rows in pd.Series(ended).groupby(table["name"].iloc[ended].to_numpy(dtype=object)):
        places = rows[1].to_numpy()
        row = int(places[np.argmax(took[places])])
        middle = int(np.median(took[places]))
        if len(places) >= FEWEST and took[row] >= SLOWER * middle and took[row] - middle >= by:
            by = int(took[row]) - middle
            found = Slowest(row, int(took[row]), int(transfer[row]), middle, len(places))
    return found


def idle(table: pd.DataFrame) -> Idle | None:
    """Return the worker that worked the least, beside the one that worked the most; None if all had about as much to do, or there
    is one alone, or none is named."""
    if not {"worker", "start_time", "end_time"} <= {*table.columns} or len(table) < FEWEST:
        return None
    known = table.loc[table["worker"].notna() & table["end_time"].notna(), ["worker", "start_time", "end_time"]]
    work = {}
    for worker, rows in known.groupby("worker"):
        work[str(worker)] = _wall(_moments(rows["start_time"]), _moments(rows["end_time"])), len(rows)
    if len(work) < 2:
        return None
    least, most = (pick(work, key=lambda each: work[each][0]) for pick in (min, max))
    if work[least][0] >= LESS * work[most][0] or work[most][0] - work[least][0] < LEAST_NS:
        return None
    return Idle(least, *work[least], most, *work[most])


def _wall(start: Any, end: Any) -> int:
    """How long at least one of several lasted."""
    order = np.argsort(start, kind="stable")
    start, reached = start[order], np.maximum.accumulate(end[order])
    before = np.concatenate([start[:1], reached[:-1]])
    return int(np.maximum(0, reached - np.maximum(start, before)).sum())


def _ns(column: Any) -> Any:
    return column.fillna(pd.Timedelta(0)).astype("timedelta64[ns]").astype("int64").to_numpy()


def _moments(column: Any) -> Any:
    return column.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
