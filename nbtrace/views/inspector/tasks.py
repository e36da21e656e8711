"""What is told of spans that are tasks of pools: how long each waited, and for what; and of how many processes spans are.

Enters: spans that have been placed in the browser. Leaves: columns with an entry for each task; the ids of processes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nbtrace.store.batch import Attributes, Batch
from nbtrace.store.semconv import TASK_SCOPE, TASK_WAITED, TASK_WORKER_START
from nbtrace.views.inspector.placed import Ints, Placed

Floats = npt.NDArray[np.float64]


def tasks(placed: Sequence[Placed]) -> tuple[npt.NDArray[np.int32], Floats, Floats]:
    """Return the rows of tasks, how many ms each waited before it began, and how many of these its worker process started.

    What is no such time, in a recording that others have written, counts as 0: below nothing, more than there is between the
    epoch and the task, or a text. The start of a worker is never longer than the wait."""
    rows, waited, starting = [np.zeros(0, dtype=np.int32)], [np.zeros(0)], [np.zeros(0)]
    for each in placed:
        positions = np.flatnonzero(_are_tasks(each.batch)[each.positions]) if len(each.positions) else each.positions
        if not len(positions):
            continue
        chosen = each.positions[positions]
        since_epoch = np.asarray(each.batch.spans["start_ns"])[chosen] / 1e6
        wait = _seconds(each.batch.attributes, TASK_WAITED, chosen) * 1e3
        wait[~((wait >= 0) & (wait <= since_epoch))] = 0
        start = _seconds(each.batch.attributes, TASK_WORKER_START, chosen) * 1e3
        start[~(start >= 0)] = 0
        rows.append(each.rows[positions])
        waited.append(wait)
        starting.append(np.minimum(start, wait))
    return np.concatenate(rows), np.concatenate(waited), np.concatenate(starting)


def processes(placed: Sequence[Placed]) -> set[int]:
    """Return the ids of the processes in which the spans began."""
    found: set[int] = set()
    for each in placed:
        threads = each.batch.spans["thread"]
        used = np.unique(np.asarray(threads.indices)[each.positions])
        pids = [thread["process_pid"] for thread in threads.dictionary.take(used).to_pylist()]
        found.update(pid for pid in pids if pid is not None)
    return found


def _are_tasks(batch: Batch) -> npt.NDArray[np.bool_]:
    """Which spans of a batch are tasks: of most batches none is, and no span of theirs is looked at."""
    origins = batch.spans["origin"]
    are = np.array([origin["scope_name"] == TASK_SCOPE for origin in origins.dictionary.to_pylist()], dtype=bool)
    if not are.any():
        return np.zeros(batch.length, dtype=bool)
    found: npt.NDArray[np.bool_] = are[np.asarray(origins.indices)]
    return found


def _seconds(attributes: Attributes, key: str, positions: Ints) -> Floats:
    """The numbers that rows have at a key; 0 where they have none."""
    found = np.zeros(len(positions))
    for run in attributes.get(key, ()):
        if run.kind not in ("int", "float") or not len(run.values):
            continue
        at, places = positions, np.arange(len(positions))
        if run.rows is not None:
            at = np.minimum(np.searchsorted(run.rows, positions), len(run.rows) - 1)
            hit = run.rows[at] == positions
            at, places = at[hit], places[hit]
        found[places] = np.asarray(run.values.take(at), dtype=np.float64)
    return found
