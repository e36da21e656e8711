"""The book of executions: which cell ran as which number, so that a span needs to carry only a small integer.

A span that ends while its cell still runs does not know the cell's execution count yet on every IPython; the book does
when it is read."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MAX_EXECUTIONS = 100_000


@dataclass(slots=True)
class Execution:
    """One execution of one cell."""

    number: int
    """1, 2, 3 … in the order of their starts, whatever the execution counts; what a row's `cell` holds."""
    execution_count: int | None
    """None for an execution that has no number between its brackets."""
    cell_id: str | None
    source: str
    run: int
    """How often this cell has run, this time included: by its id, or by its source where it has no id."""
    trace_id: int = 0
    span_id: int = 0


class CellBook:
    """Executions by their number; bounded, the oldest go first."""

    def __init__(self) -> None:
        self._executions: dict[int, Execution] = {}
        self._runs: dict[str, int] = {}
        self._last = 0
        self._lock = threading.Lock()

    def open(self, *, execution_count: int | None, cell_id: str | None, source: str) -> Execution:
        """Enter a new execution and return it; its count may be corrected until it is read."""
        with self._lock:
            self._last += 1
            key = cell_id or source
            run = self._runs[key] = self._runs.get(key, 0) + 1
            execution = Execution(self._last, execution_count, cell_id, source, run)
            self._executions[self._last] = execution
            while len(self._executions) > MAX_EXECUTIONS:
                del self._executions[next(iter(self._executions))]
            return execution

    def executions(self) -> list[Execution]:
        """Return the executions in the order of their starts."""
        with self._lock:
            return list(self._executions.values())

    def forget_ended(self) -> None:
        """Forget all executions but the last, which may be the one that asks; numbers go on."""
        with self._lock:
            last = self._executions.get(self._last)
            self._executions.clear()
            if last is not None:
                self._executions[last.number] = last
