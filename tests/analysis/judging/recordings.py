"""Recordings of runs, written with what matters: the notebook, and its cells one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from nbtrace.recording import Recording
from nbtrace.store.book import Resources
from nbtrace.store.schema import Origin
from nbtrace.store.span_store import SpanStore
from tests.rows import row

MS = 1_000_000
SECOND = 1_000 * MS
BEGIN = 1_700_000_000 * SECOND
RUN = Origin("nbtrace", "nbtrace.run")

_IDS = count(1)


@dataclass(frozen=True)
class Cell:
    """A cell that ran."""

    code: str
    took: int = SECOND
    count: int | None = None
    cell_id: str | None = None
    tags: tuple[str, ...] = ()
    spans: Sequence[tuple[str, int]] = ()
    """Name and time of the spans in it, one behind the other."""
    failed: bool = False
    ended: bool = True
    resources: Resources | None = None


def recording(*runs: Sequence[Cell], notebook: str | None = "a.ipynb", **ends: Any) -> Recording:
    """What `nbtrace run` records: each run a root span, with cells below it."""
    store = SpanStore()
    for number, cells in enumerate(runs):
        add_run(store, cells, BEGIN + number * 3_600 * SECOND, notebook=notebook, **ends)
    return Recording(store)


def add_run(
    store: SpanStore,
    cells: Sequence[Cell],
    start: int,
    *,
    notebook: str | None,
    ended: bool = True,
    after: int = 5 * MS,
) -> None:
    """after: how much longer than its cells it takes."""
    root, trace = next(_IDS), next(_IDS)
    last = add_cells(store, cells, start + 5 * MS, notebook=notebook, root=root, trace=trace)
    attributes = {} if notebook is None else {"jupyter.notebook.path": notebook}
    failed = any(cell.failed for cell in cells)
    store.append(
        row(root, name=f"run {notebook}", trace=trace, start=start, end=last + after if ended else -1, origin=RUN,
            status=2 if failed else 0, **attributes)
    )  # fmt: skip


def in_lab(*cells: Cell, notebook: str | None = "a.ipynb", start: int = BEGIN) -> Recording:
    """What a kernel of JupyterLab records: each cell is a root."""
    store = SpanStore()
    add_cells(store, cells, start, notebook=notebook)
    return Recording(store)


def add_cells(
    store: SpanStore, cells: Sequence[Cell], start: int, *, notebook: str | None, root: int = 0, trace: int = 0
) -> int:
    """Add the spans of cells, and return when the last one ended."""
    for number, cell in enumerate(cells, 1):
        ids = next(_IDS), trace or next(_IDS)
        ran = store.cells.open(
            execution_count=cell.count or number, cell_id=cell.cell_id, source=cell.code, asks=cell.code == "%spans"
        )
        ran.span_id, ran.trace_id = ids
        ran.resources, ran.failed = cell.resources, cell.failed
        attributes: dict[str, Any] = {} if notebook is None or root else {"jupyter.notebook.path": notebook}
        if cell.tags:
            attributes["jupyter.cell.tags"] = cell.tags
        begun = start
        for name, took in cell.spans:
            store.append(
                row(next(_IDS), parent=ids[0], trace=ids[1], name=name, start=begun, end=begun + took, cell=ran.number)
            )
            begun += took
        store.append(
            row(ids[0], parent=root, trace=ids[1], name=f"cell [{ran.execution_count}] {cell.code}", start=start,
                end=start + cell.took if cell.ended else -1, cell=ran.number, status=2 if cell.failed else 0, **attributes)
        )  # fmt: skip
        start += cell.took if cell.ended else 0
    return start
