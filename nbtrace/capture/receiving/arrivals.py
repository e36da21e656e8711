"""Spans of other programs find their cell.

Enters: rows as a request held them, from any thread. Leaves: the same with the number of the execution that they belong to, each
once, to the recorder. A span belongs to the cell of its parent, where that is known, and else to the cell of its trace. In a run
all cells are of one trace: then it is the one that ran when it began."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Sequence
from itertools import islice

from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.running_spans import Started
from nbtrace.store.book import CellBook, Execution
from nbtrace.store.schema import Row, RowFields

_REMEMBERED = 16_384
"""Of so many spans it is known that they have come, which cell they belong to, and of so many tuples that rows share them."""

_ENDS = 1_000
_STEPS = 64
"""So many parents are gone up to."""

_PARENT, _START = map(RowFields._fields.index, ("parent_span_id", "start_ns"))
_CELL, _ORIGIN, _THREAD, _EXTRA, _KEYS = map(RowFields._fields.index, ("cell", "origin", "thread", "extra", "keys"))


class Arrivals:
    """Where what is received goes."""

    def __init__(self, recorder: SpanRecorder, book: CellBook) -> None:
        self.spans = 0
        """How many have come, each counted once."""
        self._recorder = recorder
        self._book = book
        self._come: dict[tuple[int, int], tuple[int, int]] = {}
        """By trace and span: its start, and its cell."""
        self._shared: dict[object, object] = {}
        self._ends: deque[tuple[int, int]] = deque(maxlen=_ENDS)
        """When executions ended, and their numbers."""

    @property
    def recorded(self) -> bool:
        """Whether anybody records."""
        return bool(self._recorder.sinks)

    def cell_ended(self, execution: Execution) -> None:
        """Note when a cell has ended."""
        self._ends.append((time.time_ns(), execution.number))

    def take(self, rows: Sequence[Row]) -> None:
        """Take rows, which stand mostly in the order in which their spans ended: parents behind their children."""
        by_trace = self._executions()
        together = {row[:2]: row for row in rows}
        fresh: list[Row] = []
        for row in reversed(rows):
            trace_id, span_id, parent_id, _, _, start_ns = row[:6]
            known = self._come.get((trace_id, span_id))
            if known is not None and known[0] == start_ns:
                continue  # sent again, as nobody had answered
            cell = self._cell(trace_id, parent_id, start_ns, together, by_trace)
            self._come[trace_id, span_id] = start_ns, cell
            fresh.append(
                (
                    *row[:_CELL],
                    cell,
                    self._one(row[_ORIGIN]),
                    self._one(row[_THREAD]),
                    row[_EXTRA],
                    self._one(row[_KEYS]),
                    *row[_KEYS + 1 :],
                )
            )
        for oldest in list(islice(self._come, max(0, len(self._come) - _REMEMBERED))):
            del self._come[oldest]
        for row in reversed(fresh):
            self._recorder.take(row)
        self.spans += len(fresh)

    def _executions(self) -> dict[int, list[Execution]]:
        found: dict[int, list[Execution]] = defaultdict(list)
        for execution in self._book.executions():
            if execution.trace_id:
                found[execution.trace_id].append(execution)
        return found

    def _cell(
        self,
        trace_id: int,
        parent_id: int,
        start_ns: int,
        together: dict[tuple[int, int], Row],
        by_trace: dict[int, list[Execution]],
    ) -> int:
        """The number of the execution that a span belongs to, 0 for none. `together`: the rows that came with it."""
        for _ in range(_STEPS):
            running = self._recorder.running.table.get(parent_id)
            if running is not None and Started._make(running).trace_id == trace_id:
                return Started._make(running).cell
            come = self._come.get((trace_id, parent_id))
            if come is not None and come[1]:
                return come[1]
            above = together.get((trace_id, parent_id))
            if above is None:
                break
            parent_id, start_ns = above[_PARENT], above[_START]
        executions = by_trace.get(trace_id, ())
        if len(executions) < 2:
            return executions[0].number if executions else 0
        for execution in executions:
            if execution.span_id == parent_id:
                return execution.number
        numbers = {execution.number for execution in executions}
        for end_ns, number in tuple(self._ends):
            if end_ns >= start_ns and number in numbers:
                return number
        return executions[-1].number

    def _one(self, shared: object) -> object:
        """The one tuple that stands for all that are equal to this."""
        if len(self._shared) >= _REMEMBERED:
            self._shared.clear()
        return self._shared.setdefault(shared, shared)
