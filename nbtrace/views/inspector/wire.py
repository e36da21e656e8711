"""What the inspector in the browser is told of spans: typed columns.

Enters: sealed batches. Leaves: frames. A span gets a row, a number that counts up and is never given twice, when it is first
seen, running or ended, and keeps it until both sides forget it. Times are milliseconds since `zero_ns`, as float64; the end
of a running span is NaN.

What is not chosen is left out before anything is looked at: a frame holds no name, time, source or detail of it."""

from __future__ import annotations

import sys
import zlib
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.analysis.ids import rows_of
from nbtrace.store.batch import Batch
from nbtrace.store.book import Execution
from nbtrace.views.inspector.captions import captions
from nbtrace.views.inspector.columns import Piece, together
from nbtrace.views.inspector.ended import MIN_PIECE, Ended, held_part
from nbtrace.views.inspector.frames import Frame, frame
from nbtrace.views.inspector.names import Names
from nbtrace.views.inspector.placed import Choice, Placed, below
from nbtrace.views.inspector.protocol import SPANS
from nbtrace.views.inspector.tasks import processes, tasks, workers

MAX_EVENTS = 100_000
"""Events of one frame that are drawn as ticks."""

MAX_SOURCE = 20_000
"""Characters of a cell's source that are told."""

MAX_KNOWN_IDS = 150_000
"""Spans that have ended and are still found as parents of spans that come later: the last so many, up to twice as many."""


@dataclass(slots=True)
class Encoder:
    """Turns batches into frames for one inspector, and remembers which span has which row."""

    choose: Choice | None = None
    """Ids of the spans to be told of; None for all."""
    opener: str = ""
    """Id of the cell span that opened the inspector: not told of until something happens inside."""
    left_out: Collection[int] = ()
    """Numbers of executions whose spans are not told of: those that only asked."""
    live: bool = True
    """Whether more frames follow: without them nothing has to be remembered."""
    zero_ns: int = 0
    rows: int = 0
    """How many rows have been given out."""
    forgotten: int = 0
    """How many ended spans have been told of and forgotten."""
    running: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Row, name and cell of spans that ran when they were last told of."""
    _names: Names = field(default_factory=Names)
    _cells: dict[int, int] = field(default_factory=dict)
    """How many rows each cell has."""
    _told_cells: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    _ended: deque[Ended] = field(default_factory=deque)
    _ended_count: int = 0
    _lost: list[int] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)
    _known_before: dict[str, int] = field(default_factory=dict)
    _own_cells: set[int] = field(default_factory=set)
    """Cells whose own span is told of, where not all are."""
    _homes: dict[int, int | None] = field(default_factory=dict)
    """In which process each cell ran, by its own span."""
    _processes: set[int] = field(default_factory=set)
    """In which spans that have been told of began."""
    _workers: dict[int, str] = field(default_factory=dict)
    """What those are called that are workers of an engine."""

    def spans(
        self,
        batches: Iterable[tuple[Batch, int]],
        executions: Sequence[Execution],
        note: dict[str, Any],
        *,
        held: int | None = None,
    ) -> tuple[Frame, list[Placed]]:
        """Return a frame of the spans in the batches, each from the row on that stands with it, and where they went. Spans
        that were told of as running become changes of their row.

        held: how many ended spans the recording has, these included; those told of before that it has no more are
        forgotten. None forgets nothing."""
        pieces = [Piece(batch, skip, self._wanted(batch, skip)) for batch, skip in batches if batch.length > skip]
        gone = self._forget(pieces, held)
        texts, renamed = self._names.enter(pieces)
        ids = together([piece.column("span_id") for piece in pieces], pa.large_string())
        start, end, name, cell, flags, failures, over = self._columns(pieces)
        self._note_own(ids, executions)
        self._note_homes(pieces, executions)
        changed = self._changes(ids)
        fresh = np.ones(len(start), dtype=bool)
        fresh[list(changed)] = False
        first = self.rows
        rows: npt.NDArray[np.int32] = (first + np.cumsum(fresh) - 1).astype(np.int32)
        places = np.array(list(changed), dtype=np.int64)
        rows[places] = [row for row, _, _ in changed.values()]
        parent = self._parents(ids, pieces, rows)
        self.rows += int(fresh.sum())
        self._count(name[fresh], cell[fresh])
        for place, (_, old_name, old_cell) in changed.items():
            self._names.count(name[place : place + 1], 1)
            self._names.count(np.array([old_name]), -1)
            self._count_cells(cell[place : place + 1], 1)
            self._count_cells(np.array([old_cell]), -1)
        self._remember(ids, changed, rows, name, cell, over)
        placed = self._placed(pieces, rows, name, cell, over)
        self._processes |= processes(placed)
        named = {pid: name for pid, name in workers(placed).items() if self._workers.get(pid) != name}
        self._workers |= named
        captioned, *captions_ = captions(placed)
        header = {
            "kind": SPANS,
            "first": first,
            "count": int(fresh.sum()),
            "zero": str(self.zero_ns),
            "names": texts,
            "renamed": renamed,
            "cells": self._new_cells(executions),
            "processes": len(self._processes),
            "workers": list(named.items()),
            "captions": captioned,
            **note,
        }
        own = (start[fresh], end[fresh], name[fresh], parent[fresh], cell[fresh], flags[fresh], failures[fresh])
        changes = (rows[places], end[places], name[places], parent[places], flags[places], failures[places])
        return frame(header, (*own, *changes, *self._events(placed), *tasks(placed), *captions_, gone)), placed

    def lose(self, span_id: str) -> None:
        """Forget a running span of which nothing more will be heard; the next frame says so."""
        row, name, cell = self.running.pop(span_id)
        self._lost.append(row)
        self._names.count(np.array([name]), -1)
        self._count_cells(np.array([cell]), -1)

    def tells_of(self, number: int) -> bool:
        """Whether an execution is told of, with all that is its own: where not all spans are chosen, if its span is."""
        return number in self._cells and (self.choose is None or number in self._own_cells)

    @property
    def has_lost(self) -> bool:
        """Whether the browser has to be told of lost spans."""
        return bool(self._lost)

    # ── who is told of ───────────────────────────────────────────────────────────────────────────────────────────────

    def _wanted(self, batch: Batch, skip: int) -> npt.NDArray[np.bool_] | None:
        """Which rows of a batch, from `skip` on, are told of; None for all."""
        if self.choose is None and not self.opener and not self.left_out:
            return None
        ids = batch.spans["span_id"].slice(skip)
        if self.choose is None:
            wanted = ~np.isin(np.asarray(batch.spans["cell"])[skip:], list(self.left_out))
        else:
            wanted = self.choose(batch)[skip:]
            if self.running:  # what met the conditions as it ran is told of to its end
                wanted = wanted | np.asarray(pc.is_in(ids, value_set=pa.array(list(self.running), pa.large_string())))
        return wanted & np.asarray(pc.not_equal(ids, pa.scalar(self.opener, pa.large_string())))

    def _changes(self, ids: Any) -> dict[int, tuple[int, int, int]]:
        """The place of each span that was told of as running, and what was told."""
        if not self.running or not len(ids):
            return {}
        hits = np.flatnonzero(np.asarray(pc.is_in(ids, value_set=pa.array(list(self.running), pa.large_string()))))
        # An id that comes twice, in a hostile recording, is two spans: the row is the first one's.
        places = {ids[place].as_py(): place for place in hits[::-1].tolist()}
        return {place: self.running[span_id] for span_id, place in reversed(places.items())}

    def _remember(
        self,
        ids: Any,
        changed: Iterable[int],
        rows: npt.NDArray[np.int32],
        name: npt.NDArray[np.uint32],
        cell: npt.NDArray[np.int32],
        over: npt.NDArray[np.bool_],
    ) -> None:
        """Know the spans again: those that run, for their end; the others as parents of later ones."""
        for place in changed:
            self.running.pop(ids[place].as_py(), None)
        for place in np.flatnonzero(~over).tolist():
            span_id = ids[place].as_py()
            if span_id in self.running:
                self.lose(span_id)
            self.running[span_id] = (int(rows[place]), int(name[place]), int(cell[place]))
        if not self.live:
            return
        if len(self._known) + len(ids) > min(MAX_KNOWN_IDS, max(1_000, self._ended_count // 2)):
            self._known_before, self._known = self._known, {}
        low = max(0, len(ids) - MAX_KNOWN_IDS)
        self._known.update(zip(ids.slice(low).to_pylist(), rows[low:].tolist(), strict=True))

    # ── what is forgotten ────────────────────────────────────────────────────────────────────────────────────────────

    def _forget(self, pieces: list[Piece], held: int | None) -> npt.NDArray[np.int32]:
        """The rows that both sides forget: the ended spans that were told of first, as many as the recording has dropped.

        It drops the spans that ended first, and whoever looks is told of spans in the order of their ends: what it still
        has of those told of are the last."""
        gone = [np.array(self._lost, dtype=np.int32)]
        self._lost = []
        surplus = 0
        if held is not None:
            surplus = self._ended_count + sum(piece.ended for piece in pieces) - held
        if surplus > held_part(held):
            surplus = min(surplus, self._ended_count)
            self._ended_count -= surplus
            self.forgotten += surplus
            while surplus:
                oldest = self._ended.popleft()
                if len(oldest.rows) > surplus:
                    self._ended.appendleft(oldest.part(slice(surplus, None)))
                    oldest = oldest.part(slice(surplus))
                surplus -= len(oldest.rows)
                told = oldest.rows >= 0
                gone.append(oldest.rows[told])
                self._names.count(oldest.names[told], -1)
                self._count_cells(oldest.cells[told], -1)
        return np.concatenate(gone)

    def _placed(
        self,
        pieces: list[Piece],
        rows: npt.NDArray[np.int32],
        name: npt.NDArray[np.uint32],
        cell: npt.NDArray[np.int32],
        over: npt.NDArray[np.bool_],
    ) -> list[Placed]:
        placed, at = [], 0
        for piece in pieces:
            own = slice(at, at + piece.length)
            at += piece.length
            until = sys.maxsize
            if self.live and piece.ended:
                ended = Ended(rows[own][over[own]], name[own][over[own]], cell[own][over[own]]).filled(piece.ended)
                # A look at a slow recording brings one span: pieces of one would weigh more than what they hold.
                if self._ended and len(self._ended[-1].rows) < MIN_PIECE:
                    ended = self._ended.pop().and_then(ended)
                self._ended.append(ended)
                self._ended_count += piece.ended
                until = self.forgotten + self._ended_count
            placed.append(Placed(piece.batch, piece.positions, rows[own], until))
        return placed

    def _count(self, names: npt.NDArray[np.uint32], cells: npt.NDArray[np.int32]) -> None:
        self._names.count(names, 1)
        self._count_cells(cells, 1)

    def _count_cells(self, cells: npt.NDArray[Any], by: int) -> None:
        if not len(cells):
            return
        low = int(cells.min())
        rows = np.bincount(cells - low)
        for place in np.flatnonzero(rows).tolist():
            number = low + place
            left = self._cells.get(number, 0) + by * int(rows[place])
            if left > 0:
                self._cells[number] = left
            else:
                self._cells.pop(number, None)
                self._told_cells.pop(number, None)

    # ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _columns(self, pieces: list[Piece]) -> tuple[npt.NDArray[Any], ...]:
        if not self.zero_ns:
            self.zero_ns = min((piece.first_ns for piece in pieces if piece.length), default=0)
        start = [piece.ms("start_ns", self.zero_ns) for piece in pieces]
        end = [piece.ms("end_ns", self.zero_ns) for piece in pieces]
        return (
            np.concatenate([*start, np.zeros(0)]),
            np.concatenate([*end, np.zeros(0)]),
            np.concatenate([*[piece.names for piece in pieces], np.zeros(0, np.uint32)]),
            np.concatenate([*[np.asarray(piece.column("cell")) for piece in pieces], np.zeros(0, np.int32)]),
            np.concatenate([*[piece.flags() for piece in pieces], np.zeros(0, np.uint8)]),
            np.concatenate([*[piece.failures() for piece in pieces], np.zeros(0, np.uint8)]),
            np.concatenate([*[piece.over for piece in pieces], np.zeros(0, bool)]),
        )

    def _events(self, placed: list[Placed]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
        """The row and the moment of each event, for the ticks on the bars."""
        rows, times = [np.zeros(0, dtype=np.int32)], [np.zeros(0)]
        for each in placed:
            chosen, owner = below(each.batch.events, each.positions)
            if len(chosen):
                rows.append(each.rows[owner])
                times.append((np.asarray(each.batch.events["time_ns"])[chosen] - self.zero_ns) / 1e6)
        return np.concatenate(rows)[-MAX_EVENTS:], np.concatenate(times)[-MAX_EVENTS:]

    def _parents(self, ids: Any, pieces: list[Piece], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """The row of each span's parent: one of those at hand, or one told of before. One that the browser has forgotten is
        a parent that it does not know."""
        if not len(ids):
            return np.zeros(0, dtype=np.int32)
        wanted = together([piece.column("parent_span_id") for piece in pieces], pa.large_string())
        found = rows_of(wanted, ids)
        parent: npt.NDArray[np.int32] = np.where(found < 0, -1, rows[found]).astype(np.int32)
        if self.running or self._known or self._known_before:
            for place in np.flatnonzero((found < 0) & np.asarray(wanted.is_valid())).tolist():
                parent[place] = self.row_of(wanted[place].as_py())
        return parent

    def row_of(self, span_id: str) -> int:
        """Return the row of a span; -1 for one that is not told of, or not known any more."""
        if span_id in self.running:
            return self.running[span_id][0]
        return self._known.get(span_id, self._known_before.get(span_id, -1))

    def _note_own(self, ids: Any, executions: Sequence[Execution]) -> None:
        """Note the cells whose own span is among these ids."""
        if self.choose is None:
            return
        numbers = {f"{each.span_id:016x}": each.number for each in executions if each.number not in self._own_cells}
        hits = ids.filter(pc.is_in(ids, value_set=pa.array(list(numbers), pa.large_string())))
        self._own_cells.update(numbers[span_id] for span_id in hits.to_pylist())

    def _note_homes(self, pieces: list[Piece], executions: Sequence[Execution]) -> None:
        """Note in which process each of the cells ran whose own span is among these."""
        numbers = {f"{each.span_id:016x}": each.number for each in executions if each.number not in self._homes}
        wanted = pa.array(list(numbers), pa.large_string())
        for piece in pieces if numbers else ():
            hits = pc.indices_nonzero(pc.is_in(piece.column("span_id"), value_set=wanted))
            ids, threads = (piece.column(name).take(hits).to_pylist() for name in ("span_id", "thread"))
            self._homes |= {numbers[i]: thread["process_pid"] for i, thread in zip(ids, threads, strict=True)}

    def _new_cells(self, executions: Sequence[Execution]) -> list[list[Any]]:
        """Executions with spans that are told of, if they are new or their count has become known: number, count, what its
        runs share, run, source, process. The source, and what follows from it, belongs to the cell's span: where that is left
        out, so is the source."""
        found = []
        for each in executions:
            if each.number not in self._cells:
                continue
            own = self.choose is None or each.number in self._own_cells
            home = self._homes.get(each.number)
            told = (each.execution_count, each.run, own, home)
            if self._told_cells.get(each.number) == told:
                continue
            self._told_cells[each.number] = told
            if not own:
                found.append([each.number, each.execution_count, -each.number, 1, "", home])
                continue
            source = each.source if len(each.source) <= MAX_SOURCE else each.source[:MAX_SOURCE] + "…"
            identity = zlib.crc32(each.identity.encode("utf-8", "replace"))
            found.append([each.number, each.execution_count, identity, each.run, source, home])
        return found
