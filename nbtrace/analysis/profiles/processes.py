"""In which process each cell ran, and which samples are of another: of a worker of a pool that it had.

Enters: a snapshot, and samples as columns. Leaves: arrays. A worker that was forked has the cell's own frame at the bottom of its
stacks; only its process tells it from the thread that a person waits for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.schema import Thread
from nbtrace.store.span_store import Snapshot

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def processes(threads: Sequence[Thread], thread: Ints) -> Ints:
    """Return a number for the process of each sample, from 0; `thread` is the place of each sample's in `threads`."""
    place: dict[int | None, int] = {}
    of_thread = [place.setdefault(each.process_pid, len(place)) for each in threads]
    return np.array([*of_thread, 0], dtype=np.int64)[thread]


def elsewhere(snapshot: Snapshot, threads: Sequence[Thread], thread: Ints, cell: Ints, time: Ints) -> Bools:
    """Return which samples are of another process than the one in which their cell ran: that of its own span, or, where the
    span is gone, of its first sample. What is outside of cells is nowhere else."""
    found = np.zeros(len(cell), dtype=bool)
    if len({each.process_pid for each in threads}) < 2:
        return found
    homes = _homes(snapshot)
    pids = [each.process_pid for each in threads]
    process = processes(threads, thread)
    number_of = dict(zip(pids, processes(threads, np.arange(len(threads))).tolist(), strict=True))
    order = np.lexsort((time, cell))
    cells, first = np.unique(cell[order], return_index=True)
    home = [
        number_of.get(homes[number], -1) if number in homes else begun
        for number, begun in zip(cells.tolist(), process[order[first]].tolist(), strict=True)
    ]
    at = np.searchsorted(cells, cell)
    return np.asarray((cell > 0) & (process != np.array(home, dtype=np.int64)[at]))


def _homes(snapshot: Snapshot) -> dict[int, int | None]:
    """The processes of the cells' own spans, by the number of the execution."""
    of_span = {f"{each.span_id:016x}": each.number for each in snapshot.executions if each.span_id}
    wanted = pa.array(of_span, pa.large_string())
    found: dict[int, int | None] = {}
    for batch in snapshot.batches if of_span else ():
        ids = batch.spans["span_id"]
        rows = pc.indices_nonzero(pc.is_in(ids, value_set=wanted.cast(ids.type)))
        threads = batch.spans["thread"].take(rows)
        pids = [each["process_pid"] for each in threads.dictionary.to_pylist()]
        for span_id, code in zip(ids.take(rows).to_pylist(), threads.indices.to_pylist(), strict=True):
            found[of_span[span_id]] = pids[code]
    return found
