"""What processes are called that are workers of an engine, as far as their tasks tell.

Enters: sealed batches. Leaves: names by the ids of processes: `10.0.0.7:40123 (node7)`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from nbtrace.store import semconv
from nbtrace.store.batch import Attributes, Batch

OTHER_MACHINES = 2**32
"""From here on, ids of processes are those of other machines than the kernel's: the same number may be used on each."""

_SCHEME = re.compile(r"^[a-z+]{2,10}://")
_HERE = "inproc://"
"""What the addresses of workers begin with that are the kernel's own process."""


def worker_name(address: object) -> str:
    """Return a worker's address without what all of them begin with."""
    return _SCHEME.sub("", str(address))


def worker_names(batches: Iterable[Batch]) -> dict[int, str]:
    """Return what the processes are called in which tasks of an engine were done."""
    found: dict[int, str] = {}
    for batch in batches:
        found |= names_in(batch, np.arange(batch.length))
    return found


def names_in(batch: Batch, positions: Any) -> dict[int, str]:
    """Return the same of these rows of a batch: one of each thread is looked at."""
    if semconv.TASK_WORKER not in batch.attributes or not len(positions):
        return {}
    positions = positions[_are_tasks(batch)[positions]]
    threads = batch.spans["thread"]
    codes, first = np.unique(np.asarray(threads.indices)[positions], return_index=True)
    found = {}
    for thread, at in zip(threads.dictionary.take(codes).to_pylist(), positions[first].tolist(), strict=True):
        pid, address = thread["process_pid"], _text(batch.attributes, semconv.TASK_WORKER, at)
        if pid is None or not address or address.startswith(_HERE):
            continue
        host = _text(batch.attributes, semconv.HOST_NAME, at) if pid >= OTHER_MACHINES else ""
        found[pid] = worker_name(address) + (f" ({host})" if host else "")
    return found


def process_name(pid: int | None, names: dict[int, str]) -> str:
    """Return what a process is called: by its worker, else by its number on its machine."""
    return names.get(pid or 0) or f"process {'?' if pid is None else pid % OTHER_MACHINES}"


def _are_tasks(batch: Batch) -> Any:
    origins = batch.spans["origin"]
    are = [origin["scope_name"] == semconv.TASK_SCOPE for origin in origins.dictionary.to_pylist()]
    return np.array(are, dtype=bool)[np.asarray(origins.indices)]


def _text(attributes: Attributes, key: str, position: int) -> str:
    """The text that a row has at a key; "" where it has none."""
    for run in attributes.get(key, ()):
        at = position if run.rows is None else int(np.searchsorted(run.rows, position))
        if run.kind == "str" and at < len(run.values) and (run.rows is None or run.rows[at] == position):
            return str(run.values[at].as_py())
    return ""
