"""What is told of spans that are tasks: how long each waited, and for what; of how many processes spans are, and what those are
called that are workers of an engine.

Enters: spans that have been placed in the browser. Leaves: columns with an entry for each task; the ids of processes; names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nbtrace.store.batch import Attributes, Batch
from nbtrace.store.semconv import TASK_SCOPE, TASK_TRANSFER, TASK_WAITED, TASK_WORKER_START
from nbtrace.store.workers import names_in
from nbtrace.views import words
from nbtrace.views.inspector.placed import Ints, Placed

Floats = npt.NDArray[np.float64]


def tasks(placed: Sequence[Placed]) -> tuple[npt.NDArray[np.int32], Floats, Floats, Floats]:
    """Return the rows of tasks, how many ms each waited before it began, how many of these, first, its worker process started,
    and how many, last, that fetched results of others.

    What is no such time, in a recording that others have written, counts as 0: below nothing, more than there is between the
    epoch and the task, or a text. Both together are never longer than the wait."""
    rows, times = [np.zeros(0, dtype=np.int32)], [np.zeros((3, 0))]
    for each in placed:
        positions = np.flatnonzero(_are_tasks(each.batch)[each.positions]) if len(each.positions) else each.positions
        if not len(positions):
            continue
        chosen = each.positions[positions]
        since_epoch = np.asarray(each.batch.spans["start_ns"])[chosen] / 1e6
        wait = _seconds(each.batch.attributes, TASK_WAITED, chosen) * 1e3
        wait[~((wait >= 0) & (wait <= since_epoch))] = 0
        parts, left = [wait], wait
        for key in (TASK_WORKER_START, TASK_TRANSFER):
            part = _seconds(each.batch.attributes, key, chosen) * 1e3
            part[~(part >= 0)] = 0
            parts.append(np.minimum(part, left))
            left = left - parts[-1]
        rows.append(each.rows[positions])
        times.append(np.stack(parts))
    waited, starting, transfer = np.concatenate(times, axis=1)
    return np.concatenate(rows), waited, starting, transfer


def workers(placed: Sequence[Placed]) -> dict[int, str]:
    """Return what the processes are called in which tasks of an engine were done."""
    found: dict[int, str] = {}
    for each in placed:
        found |= {pid: words.plain(name, 100) for pid, name in names_in(each.batch, each.positions).items()}
    return found


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
