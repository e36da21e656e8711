"""Which statements of cells an inspector has been told of, and what is new of them.

Enters: a store, and which executions are told of. Leaves: statements, each with its place among those of its execution: what is
told of again at the same place takes the place of what was told before."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nbtrace.analysis.profiles.statements import Statements, noted
from nbtrace.store.span_store import Snapshot, SpanStore
from nbtrace.store.statements import StatementBatch, StatementFields, seal_statements

MAX_STATEMENTS = 200_000
"""Statements, the last ones, that are told of when everything is."""

_MANY_CELLS = 32
"""A row of statements has those of a cell: so many rows are worth sealing for good."""


class Noted(NamedTuple):
    """A statement at the top level of a cell."""

    cell: int
    place: int
    first_line: int
    last_line: int
    begun_ns: int
    end_ns: int
    """-1 while it runs."""
    status: int


class _Read:
    """A batch, and what of it has not been told."""

    def __init__(self, batch: StatementBatch) -> None:
        self.batch = batch
        self.statements = noted(Snapshot((), (), 0, (), (batch,)))
        numbers, first = np.unique(self.statements.cell, return_index=True)
        ends = [*first[1:].tolist(), len(self.statements.cell)]
        self.untold = {
            number: slice(*ends_) for number, *ends_ in zip(numbers.tolist(), first.tolist(), ends, strict=True)
        }
        """Where those of each execution stand."""


class StatementsTold:
    """What one inspector has been told. Not for two threads at a time."""

    def __init__(self, store: SpanStore) -> None:
        self._store = store
        self._told: dict[int, tuple[int, bool]] = {}
        """By the number of the execution: how many, and whether the last had ended."""
        self._read: dict[int, _Read] = {}
        """By the identity of the batch, which is held as long as the store holds it."""
        self._lengths: dict[int, int] | None = None

    def news(self, tells_of: Callable[[int], bool]) -> list[Noted]:
        """Return what is new of executions that are told of."""
        found: list[Noted] = []
        # Running ones first: of a cell that ends in between the end is told, and not that it runs.
        running = [StatementFields(*row) for source in [*self._store.running_statements.values()] for row in source()]
        for fields in running:
            number = fields.execution.number
            many, ended = self._told.get(number, (0, False))
            if len(fields.begun) > many and not ended and tells_of(number):
                # The last that was told of has ended by now.
                since = max(0, many - 1)
                some = seal_statements([fields._replace(begun=fields.begun[since:])])
                found += self._new(number, noted(Snapshot((), (), 0, (), (some,))), since)
        self._look()
        for each in self._read.values():
            for number in [number for number in each.untold if tells_of(number)]:
                found += self._new(number, each.statements, 0, each.untold.pop(number))
        return found

    def _look(self) -> None:
        """Read batches that are new: what there is of them counts cells until it is sealed, and statements from then on."""
        if self._store.statements.lengths() == self._lengths:
            return
        first = self._lengths is None
        self._store.statements.begin_anew(_MANY_CELLS)
        found, (_, self._lengths) = self._store.statements.since(None)
        self._read = {id(batch): self._read.get(id(batch)) or _Read(batch) for batch, _ in found}
        room = MAX_STATEMENTS
        for each in reversed(self._read.values() if first else ()):
            if room <= 0:
                each.untold = {}
            room -= each.batch.length

    def _new(self, number: int, of: Statements, since: int, which: slice = slice(None)) -> list[Noted]:
        """Those of an execution that have not been told of, or not that they ended; the first has the place `since`."""
        columns = (of.cell, of.first_line, of.last_line, of.start, of.end, of.status)
        cell, first, last, start, end, status = (column[which].tolist() for column in columns)
        many, ended = self._told.get(number, (0, False))
        found = [
            Noted(cell[at], since + at, first[at], last[at], start[at], end[at], status[at])
            for at in range(max(0, (many if ended else many - 1) - since), len(cell))
        ]
        if cell:
            self._told[number] = (since + len(cell), end[-1] >= 0)
        return found
