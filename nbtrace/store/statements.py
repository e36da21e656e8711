"""Statements: which lines of a cell ran from when to when.

Enters: one row for each cell, with the moments at which its statements began. Leaves: a `StatementBatch`, one row for each
statement. Which lines a statement has is read from its code here, off the user's path."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from nbtrace.store.batch import kept_rows
from nbtrace.store.book import Execution
from nbtrace.store.schema import Row
from nbtrace.store.typed_lines import lines_of

_OVERHEAD = 2_000


class StatementFields(NamedTuple):
    """The fields of a row, in their order."""

    execution: Execution
    begun: Sequence[tuple[int, Any]]
    """When each statement began, in ns since the epoch, and its code."""
    end_ns: int
    """When the last one ended, 0 while it runs."""
    failed: bool
    """Whether the last one failed."""


@dataclass(frozen=True, slots=True)
class StatementBatch:
    """Statements sealed into columns."""

    length: int
    statements: Any
    """RecordBatch: cell (number of the execution), first_line, last_line (of the cell as it was typed), start_ns, end_ns (null
    while it runs), status (index into `STATUS_CODES`)."""

    @property
    def nbytes(self) -> int:
        """The memory that it holds."""
        return int(_OVERHEAD + self.statements.nbytes)


def seal_statements(rows: Sequence[Row]) -> StatementBatch:
    """Return the batch of rows, in their order."""
    found: list[tuple[int, int, int, int, int | None, int]] = []
    for execution, begun, end_ns, failed in rows:
        last = len(begun) - 1
        for at, (start_ns, code) in enumerate(begun):
            first_line, last_line = lines_of(code)
            end = begun[at + 1][0] if at < last else end_ns or None
            found.append(
                (
                    execution.number,
                    execution.typed_line(first_line),
                    execution.typed_line(last_line),
                    start_ns,
                    None if end is None else max(end, start_ns),
                    2 if failed and at == last else 0,
                )
            )
    return statement_batch(found)


def statement_batch(found: Sequence[tuple[int, int, int, int, int | None, int]]) -> StatementBatch:
    """Return the batch of statements: cell, first and last line as typed, start and end in ns, status."""
    names = ("cell", "first_line", "last_line", "start_ns", "end_ns", "status")
    types = (pa.int32(), pa.int32(), pa.int32(), pa.int64(), pa.int64(), pa.int8())
    columns: Any = list(zip(*found, strict=True)) or [()] * len(names)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return StatementBatch(len(found), pa.RecordBatch.from_arrays(arrays, list(names)))


def without_statements(batch: StatementBatch, cells: Collection[int]) -> StatementBatch:
    """Return the batch without the statements of these executions."""
    gone = np.isin(np.asarray(batch.statements["cell"]), list(cells))
    if not gone.any():
        return batch
    left = kept_rows(batch.statements, ~gone)
    return StatementBatch(left.num_rows, left)


def statements_with_cells(batch: StatementBatch, place: Mapping[int, int]) -> StatementBatch:
    """Return the batch with the number of each execution replaced."""
    columns = {name: batch.statements.column(name) for name in batch.statements.schema.names}
    numbers = [place.get(number, 0) for number in columns["cell"].to_pylist()]
    columns["cell"] = pa.array(numbers, pa.int32())
    return replace(batch, statements=pa.RecordBatch.from_pydict(columns))
