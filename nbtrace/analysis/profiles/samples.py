"""The table of samples, for whoever wants to count otherwise.

Enters: a store's `Snapshot`. Leaves: a DataFrame, one row for each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.columns import TEXT, durations, integers, times
from nbtrace.analysis.profiles.cell_code import CellCode, cell_name
from nbtrace.analysis.profiles.libraries import shortened
from nbtrace.analysis.profiles.places import Places, places
from nbtrace.analysis.profiles.profile import Bools, Ints, Profile, profile
from nbtrace.store.span_store import Snapshot


def samples(snapshot: Snapshot, *, asking: bool = True) -> pd.DataFrame:
    """Return one row per sample, in the order of time; not asking: without those of cells that only asked.

    time datetime64[ns, UTC] · cell Int64 (its execution count) · trace_id, span_id str, of the span that was current ·
    thread_id, process_pid Int64 · wall, cpu timedelta64[ns], cpu missing where the system does not tell · memory Int64, bytes ·
    stack object: a tuple of "function (file:line)", the innermost last."""
    found, code = profile(snapshot), CellCode(snapshot.executions)
    rows = np.argsort(found.time, kind="stable")
    if not asking:
        asked = [e.number for e in snapshot.executions if e.only_asked]
        rows = rows[~np.isin(found.cell[rows], asked)]
    spans = np.array([*found.spans, (None, None)], dtype=object).reshape(-1, 2)
    thread = np.array([each.thread_id or 0 for each in found.threads] or [0], dtype=np.int64)
    process = np.array([each.process_pid or 0 for each in found.threads] or [0], dtype=np.int64)[found.thread[rows]]
    return pd.DataFrame(
        {
            "time": times(found.time[rows]),
            "cell": counts_of(code, found.cell[rows]),
            "trace_id": _text(spans[found.span[rows], 0]),
            "span_id": _text(spans[found.span[rows], 1]),
            "thread_id": integers(thread[found.thread[rows]]),
            "process_pid": integers(process, process == 0),
            "wall": durations(found.wall[rows]),
            "cpu": durations(found.cpu[rows], found.cpu[rows] < 0),
            "memory": integers(np.maximum(found.memory[rows], 0), found.memory[rows] < 0),
            "stack": _stacks(found, places(found, code), code, rows),
        },
        copy=False,
    )


def counts_of(code: CellCode, numbers: Ints) -> Any:
    """An Int64 column with the execution counts of executions."""
    known, where = np.unique(numbers, return_inverse=True)
    executions = [code.by_number.get(number) for number in known.tolist()]
    counts = np.array([0 if e is None else e.execution_count or 0 for e in executions], dtype=np.int64)
    found = counts[where] if len(counts) else numbers
    return integers(found, _missing(found))


def _missing(counts: Ints) -> Bools:
    return np.asarray(counts == 0)


def _text(values: npt.NDArray[np.object_]) -> Any:
    return pd.array(values, dtype=TEXT)


def _stacks(found: Profile, where: Places, code: CellCode, rows: Ints) -> Any:
    """The stacks as tuples; samples with the same stack of the same execution share one."""
    column = np.empty(len(rows), dtype=object)
    stack, cell = found.stack[rows], found.cell[rows]
    nodes = len(found.above) + 1
    pairs, place = np.unique(cell * nodes + stack + 1, return_inverse=True)
    known = np.empty(len(pairs), dtype=object)
    above, file, line = found.above.tolist(), where.file.tolist(), where.line.tolist()
    function, notebook = where.function.tolist(), where.notebook.tolist()
    texts: dict[tuple[int, int], str] = {}

    def text(node: int, number: int) -> str:
        key = (node, number if notebook[node] else 0)
        if key not in texts:
            path = where.files[file[node]]
            execution = code.ran(path, number) if notebook[node] else None
            path = shortened(path) if execution is None else cell_name(execution)
            behind = f"{path}:{line[node]}" if line[node] else path
            name = where.functions[function[node]]
            texts[key] = f"{name} ({behind})" if behind else name
        return texts[key]

    for at, pair in enumerate(pairs.tolist()):
        number, node = pair // nodes, pair % nodes - 1
        frames = []
        while node >= 0:
            frames.append(text(node, number))
            node = above[node]
        known[at] = tuple(frames[::-1])
    column[:] = known[place]
    return pd.array(column, dtype=object)  # type: ignore[arg-type]
