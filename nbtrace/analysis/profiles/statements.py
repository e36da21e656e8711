"""The table of statements: which lines of which cell ran when.

Enters: a store's `Snapshot`. Leaves: a DataFrame, one row for each statement at the top level of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.columns import TEXT, durations, integers, labels, times
from nbtrace.analysis.profiles.cell_code import CellCode
from nbtrace.analysis.profiles.profile import Bools, Ints
from nbtrace.analysis.profiles.samples import counts_of
from nbtrace.store.schema import STATUS_CODES
from nbtrace.store.span_store import Snapshot


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements in the order of their starts, those of an execution together."""

    cell: Ints
    """Number of the execution."""
    first_line: Ints
    last_line: Ints
    start: Ints
    end: Ints
    """In ns since the epoch; -1 while it runs."""
    status: Ints


def noted(snapshot: Snapshot) -> Statements:
    """Return the statements of a snapshot."""
    tables = [batch.statements for batch in snapshot.statements]
    columns: dict[str, Any] = {}
    for name in ("cell", "first_line", "last_line", "start_ns", "end_ns", "status"):
        parts: list[npt.NDArray[Any]] = [np.asarray(table[name].fill_null(-1)).astype(np.int64) for table in tables]
        columns[name] = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    order = np.lexsort((columns["start_ns"], columns["cell"]))
    return Statements(*(column[order] for column in columns.values()))


def statements(snapshot: Snapshot, *, asking: bool = True) -> pd.DataFrame:
    """Return one row per statement, in the order of the cells and of time; not asking: without those of cells that only asked.

    cell Int64 (its execution count) · first_line, last_line Int64, of the cell as it was typed, from 1 · source str, missing
    where it is not kept, cut at 1,000 characters · start_time datetime64[ns, UTC] · duration timedelta64[ns], missing while
    it runs · status_code str."""
    found, code = noted(snapshot), CellCode(snapshot.executions)
    asked = [e.number for e in snapshot.executions if e.only_asked and not asking]
    rows: Bools = ~np.isin(found.cell, asked)
    cell, first, last = found.cell[rows], found.first_line[rows], found.last_line[rows]
    start, end = found.start[rows], found.end[rows]
    texts = [code.text(*each) for each in zip(cell.tolist(), first.tolist(), last.tolist(), strict=True)]
    return pd.DataFrame(
        {
            "cell": counts_of(code, cell),
            "first_line": integers(first),
            "last_line": integers(last),
            "source": pd.array(np.array(texts, dtype=object), dtype=TEXT),
            "start_time": times(start),
            "duration": durations(end - start, end < 0),
            "status_code": labels([found.status[rows]], STATUS_CODES),
        },
        copy=False,
    )
