"""Recordings with cells and samples, made by hand."""

from __future__ import annotations

from typing import Any

from nbtrace.recording import Recording
from nbtrace.store.book import Execution
from nbtrace.store.samples import SampleFields
from nbtrace.store.schema import SAMPLE_BYTES, Thread
from nbtrace.store.span_store import SpanStore
from nbtrace.store.stacks import Stack, root
from tests.rows import THREAD, row

MS = 1_000_000
WORKER = Thread(11, 33, "pool_0")

Call = tuple[str, str, int, int]
"""Function, file, line, first line."""

MERGE: Call = ("merge", "/usr/lib/python3/site-packages/pandas/core/reshape/merge.py", 170, 146)


class Profiled:
    """A recording that somebody fills by hand. Times are in ms."""

    def __init__(self) -> None:
        self.store = SpanStore()
        self.recording = Recording(self.store)
        self.root = root()
        self.now = 1_000

    def cell(self, count: int | None, source: str, *, seconds: int = 9, **more: Any) -> Execution:
        """A cell that has run for so long, and its span; its own file is as IPython names it."""
        cell = self.store.cells.open(execution_count=count, cell_id=None, source=source, **more)
        cell.trace_id, cell.span_id = 100 + cell.number, 1_000 + cell.number
        cell.file = f"/somewhere/ipykernel_12/{int(cell.digest[:8], 16)}.py"
        title = f"cell [{' ' if count is None else count}] {source.splitlines()[0]}"
        self.store.append(
            row(cell.span_id, trace=cell.trace_id, name=title, cell=cell.number, start=MS, end=seconds * 1_000 * MS)
        )
        return cell

    def line(self, cell: Execution, line: int) -> Call:
        """The frame of a cell at one of its lines."""
        return ("<module>", cell.file, line, 1)

    def stack(self, *calls: Call) -> Stack:
        """The stack of these calls, the outermost first."""
        at = self.root
        for call in calls:
            at = at.call(*call)
        return at

    def sample(
        self,
        cell: Execution | None,
        wall: float,
        *calls: Call,
        thread: Thread = THREAD,
        span: int | None = None,
        stack: Stack | None = None,
    ) -> None:
        """What a thread did for so long: these calls, the outermost first, or that stack."""
        self.now += 10
        self.store.samples.append(
            SampleFields(
                self.now * MS,
                cell.number if cell else 0,
                cell.trace_id if cell else 0,
                span if span is not None else cell.span_id if cell else 0,
                thread,
                round(wall * MS),
                None,
                None,
                False,
                stack or self.stack(*calls),
            ),
            SAMPLE_BYTES,
        )
