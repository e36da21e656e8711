"""Where a cell was when it was last heard of: what is told of one whose kernel has died.

Enters: a snapshot of a recording that is over, and its table of spans. Leaves: a note for each cell that never ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nbtrace.analysis.profiles.cell_code import CellCode
from nbtrace.store.book import Execution
from nbtrace.store.span_store import Snapshot
from nbtrace.views import words

_CODE = 40


def last_seen(spans: pd.DataFrame, snapshot: Snapshot) -> dict[str, str]:
    """Return by the id of its span the note of each unfinished cell: last seen at line 3 df.merge(…), 1.54 s after it began."""
    unfinished = set(spans["span_id"][spans["state"] == "unfinished"])
    cells = [each for each in snapshot.executions if f"{each.span_id:016x}" in unfinished]
    code = CellCode(cells)
    found = {f"{each.span_id:016x}": _note(each, snapshot, code) for each in cells}
    return {span_id: note for span_id, note in found.items() if note}


def _note(execution: Execution, snapshot: Snapshot, code: CellCode) -> str:
    begun = [
        (start, line)
        for batch in snapshot.statements
        for cell, start, line in zip(*_columns(batch.statements, "cell", "start_ns", "first_line"), strict=True)
        if cell == execution.number
    ]
    if not begun:
        return ""
    seen_ns, line = max(begun)
    sampled = _last_sample(execution, snapshot)
    if sampled is not None and sampled[0] > seen_ns:
        seen_ns, line = sampled[0], sampled[1] or line
    text = words.plain((code.text(execution.number, line, line) or "").strip(), _CODE)
    return f"last seen at line {line} {text}".rstrip() + f", {words.duration(seen_ns - min(begun)[0])} after it began"


def _last_sample(execution: Execution, snapshot: Snapshot) -> tuple[int, int] | None:
    """When the cell was looked at for the last time, and at which of its lines it was, 0 where none of them was on the stack."""
    last: tuple[int, Any, int] | None = None
    for batch in snapshot.samples:
        of_cell = np.flatnonzero(batch.numbers("cell") == execution.number)
        if len(of_cell):
            times = batch.numbers("time")
            at = max(of_cell.tolist(), key=times.__getitem__)
            if last is None or times[at] > last[0]:
                last = int(times[at]), batch, batch.samples.column("stack")[at].as_py()
    if last is None:
        return None
    seen_ns, batch, stack = last
    above, frame = np.asarray(batch.stacks["above"]), np.asarray(batch.stacks["frame"])
    while stack >= 0:
        called = int(frame[stack])
        if batch.frames["file"][called].as_py() == execution.file:
            return seen_ns, execution.typed_line(batch.frames["line"][called].as_py())
        stack = int(above[stack])
    return seen_ns, 0


def _columns(table: Any, *names: str) -> list[list[Any]]:
    return [table[name].to_pylist() for name in names]
