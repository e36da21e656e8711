"""What the inspector in the browser is told of spans: typed columns.

Enters: sealed batches. Leaves: frames. A span gets a row, a number that counts up and is never given twice, when it is first
seen, running or ended, and keeps it until both sides forget it. Times are milliseconds since `zero_ns`, as float64; the end
of a running span is NaN.

What is left out by `keep` is left out before anything is looked at: a frame holds no name, time, source or detail of it."""

from __future__ import annotations

import math
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

from nbtrace.analysis.errors import errors
from nbtrace.analysis.ids import rows_of
from nbtrace.store.batch import Batch
from nbtrace.store.cells import Execution
from nbtrace.views.inspector.frames import Frame, Placed, below, frame

MAX_EVENTS = 100_000
"""Events of one frame that are drawn as ticks."""

MAX_SOURCE = 2_000
"""Characters of a cell's source that are told."""

MAX_KNOWN_IDS = 150_000
"""Spans that have ended and are still found as parents of spans that come later: the last so many, up to twice as many."""

FORGOTTEN_AT_ONCE = 16
"""Rows that the recording has dropped are forgotten when they are more than this part of what it holds: so often that a step
is small, so rarely that it does not come with every frame."""

MIN_PIECE = 1_000

_UNFINISHED = 2
"""In the column `state`: the span has no end, but does not run any more."""


@dataclass(slots=True)
class Encoder:
    """Turns batches into frames for one inspector, and remembers which span has which row."""

    keep: frozenset[str] | None = None
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
    _names: _Names = field(default_factory=lambda: _Names())
    _cells: dict[int, int] = field(default_factory=dict)
    """How many rows each cell has."""
    _told_cells: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    _ended: deque[_Ended] = field(default_factory=deque)
    _ended_count: int = 0
    _lost: list[int] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)
    _known_before: dict[str, int] = field(default_factory=dict)
    _kept_ids: Any = None

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
        pieces = [_Piece(batch, skip, self._wanted(batch, skip)) for batch, skip in batches if batch.length > skip]
        gone = self._forget(pieces, held)
        texts, renamed = self._names.enter(pieces)
        ids = _together([piece.column("span_id") for piece in pieces], pa.large_string())
        start, end, name, cell, flags, failures, over = self._columns(pieces)
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
        header = {
            "kind": "spans",
            "first": first,
            "count": int(fresh.sum()),
            "zero": str(self.zero_ns),
            "names": texts,
            "renamed": renamed,
            "cells": self._new_cells(executions),
            **note,
        }
        own = (start[fresh], end[fresh], name[fresh], parent[fresh], cell[fresh], flags[fresh], failures[fresh])
        changes = (rows[places], end[places], name[places], parent[places], flags[places], failures[places])
        return frame(header, (*own, *changes, *self._events(placed), gone)), placed

    def lose(self, span_id: str) -> None:
        """Forget a running span of which nothing more will be heard; the next frame says so."""
        row, name, cell = self.running.pop(span_id)
        self._lost.append(row)
        self._names.count(np.array([name]), -1)
        self._count_cells(np.array([cell]), -1)

    @property
    def has_lost(self) -> bool:
        """Whether the browser has to be told of lost spans."""
        return bool(self._lost)

    # ── who is told of ───────────────────────────────────────────────────────────────────────────────────────────────

    def _wanted(self, batch: Batch, skip: int) -> npt.NDArray[np.bool_] | None:
        """Which rows of a batch, from `skip` on, are told of; None for all."""
        if self.keep is None and not self.opener and not self.left_out:
            return None
        ids = batch.spans["span_id"].slice(skip)
        if self.keep is None:
            wanted = ~np.isin(np.asarray(batch.spans["cell"])[skip:], list(self.left_out))
            return wanted & np.asarray(pc.not_equal(ids, pa.scalar(self.opener, pa.large_string())))
        if self._kept_ids is None:
            self._kept_ids = pa.array(sorted(self.keep - {self.opener}), pa.large_string())
        return np.asarray(pc.is_in(ids, value_set=self._kept_ids))

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

    def _forget(self, pieces: list[_Piece], held: int | None) -> npt.NDArray[np.int32]:
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
        pieces: list[_Piece],
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
                ended = _Ended(rows[own][over[own]], name[own][over[own]], cell[own][over[own]]).filled(piece.ended)
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

    def _columns(self, pieces: list[_Piece]) -> tuple[npt.NDArray[Any], ...]:
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

    def _parents(self, ids: Any, pieces: list[_Piece], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """The row of each span's parent: one of those at hand, or one told of before. One that the browser has forgotten is
        a parent that it does not know."""
        if not len(ids):
            return np.zeros(0, dtype=np.int32)
        wanted = _together([piece.column("parent_span_id") for piece in pieces], pa.large_string())
        found = rows_of(wanted, ids)
        parent: npt.NDArray[np.int32] = np.where(found < 0, -1, rows[found]).astype(np.int32)
        if self.running or self._known or self._known_before:
            for place in np.flatnonzero((found < 0) & np.asarray(wanted.is_valid())).tolist():
                parent[place] = self._row(wanted[place].as_py())
        return parent

    def _row(self, span_id: str) -> int:
        if span_id in self.running:
            return self.running[span_id][0]
        return self._known.get(span_id, self._known_before.get(span_id, -1))

    def _new_cells(self, executions: Sequence[Execution]) -> list[list[Any]]:
        """Executions with spans that are told of, if they are new or their count has become known: number, count, what its
        runs share, run, source. The source, and what follows from it, belongs to the cell's span: where that is left out,
        so is the source."""
        found = []
        for each in executions:
            if each.number not in self._cells:
                continue
            own = self.keep is None or f"{each.span_id:016x}" in self.keep
            told = (each.execution_count, each.run, own)
            if self._told_cells.get(each.number) == told:
                continue
            self._told_cells[each.number] = told
            if not own:
                found.append([each.number, each.execution_count, -each.number, 1, ""])
                continue
            source = each.source if len(each.source) <= MAX_SOURCE else each.source[:MAX_SOURCE] + "…"
            identity = zlib.crc32(each.identity.encode("utf-8", "replace"))
            found.append([each.number, each.execution_count, identity, each.run, source])
        return found


def held_part(held: int | None) -> float:
    """How many rows more than the recording holds stay with the browser; none are forgotten where that is not known."""
    return math.inf if held is None else held // FORGOTTEN_AT_ONCE


@dataclass(frozen=True, slots=True)
class _Ended:
    """Spans that have been told of and have ended, in the order of the recording; -1 for one that was left out."""

    rows: npt.NDArray[np.int32]
    names: npt.NDArray[np.uint32]
    cells: npt.NDArray[np.int32]

    def part(self, which: slice) -> _Ended:
        return _Ended(self.rows[which], self.names[which], self.cells[which])

    def and_then(self, later: _Ended) -> _Ended:
        return _Ended(
            np.concatenate([self.rows, later.rows]),
            np.concatenate([self.names, later.names]),
            np.concatenate([self.cells, later.cells]),
        )

    def filled(self, length: int) -> _Ended:
        """With those left out in front, so that numbers of spans agree with the recording's."""
        missing = length - len(self.rows)
        if not missing:
            return self
        nothing = np.full(missing, -1, dtype=np.int32)
        return _Ended(
            np.concatenate([nothing, self.rows]),
            np.concatenate([nothing.astype(np.uint32), self.names]),
            np.concatenate([nothing, self.cells]),
        )


class _Names:
    """Names by number. A name that no row has any more gives its number to the next new one."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []
        self._uses = np.zeros(256, dtype=np.int64)
        self._free: list[int] = []

    def enter(self, pieces: list[_Piece]) -> tuple[list[str], list[tuple[int, str]]]:
        """Number the names of the pieces; return those that are new at the end, and those that take an old number."""
        known, renamed = len(self._texts), []
        for piece in pieces:
            names = piece.column("name")
            indices = np.asarray(names.indices)
            used = np.flatnonzero(np.bincount(indices, minlength=1))
            table = np.zeros(int(used[-1]) + 1 if len(used) else 1, dtype=np.uint32)
            for place, text in zip(used.tolist(), names.dictionary.take(pa.array(used)).to_pylist(), strict=True):
                code = self._codes.get(text)
                if code is None:
                    if self._free:
                        code = self._free.pop()
                        self._texts[code] = text
                        renamed.append((code, text))
                    else:
                        code = len(self._texts)
                        self._texts.append(text)
                    self._codes[text] = code
                table[place] = code
            piece.names = table[indices]
        # One that was new at the end can be renamed no more in the same frame: none is freed while names are entered.
        return self._texts[known:], renamed

    def count(self, codes: npt.NDArray[Any], by: int) -> None:
        """Count rows in or out; what is counted out altogether is free."""
        if not len(codes):
            return
        if len(codes) < 16:  # a look at all names would cost more
            for code in codes.tolist():
                self._grow(code)
                self._uses[code] += by
                if self._uses[code] <= 0:
                    self._release(code)
            return
        rows = np.bincount(codes)
        self._grow(len(rows))
        self._uses[: len(rows)] += by * rows
        if by < 0:
            for code in np.flatnonzero((rows > 0) & (self._uses[: len(rows)] <= 0)).tolist():
                self._release(code)

    def _grow(self, code: int) -> None:
        if code >= len(self._uses):
            self._uses = np.concatenate([self._uses, np.zeros(max(code, len(self._uses)), dtype=np.int64)])

    def _release(self, code: int) -> None:
        self._uses[code] = 0
        self._codes.pop(self._texts[code], None)
        self._texts[code] = ""
        self._free.append(code)


class _Piece:
    """The rows of a batch, from `skip` on, that are told of."""

    def __init__(self, batch: Batch, skip: int, wanted: npt.NDArray[np.bool_] | None) -> None:
        self.batch = batch
        self.names: npt.NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)
        self._skip = skip
        over = _is_over(batch, skip)
        self.ended = int(over.sum())
        """How many have ended, those that are left out included."""
        self._chosen = None if wanted is None or wanted.all() else np.flatnonzero(wanted)
        self.over = over if self._chosen is None else over[self._chosen]
        self.positions = np.arange(skip, batch.length) if self._chosen is None else self._chosen + skip
        self.length = len(self.positions)

    def column(self, name: str) -> Any:
        found = self.batch.spans[name].slice(self._skip)
        return found if self._chosen is None else found.take(pa.array(self._chosen))

    @property
    def first_ns(self) -> int:
        return int(np.asarray(self.column("start_ns")).min())

    def ms(self, name: str, zero_ns: int) -> npt.NDArray[np.float64]:
        column = self.column(name)
        missing = np.asarray(column.is_null()) if column.null_count else None
        ns = np.asarray(column.fill_null(0) if missing is not None else column)
        found: npt.NDArray[np.float64] = (ns - zero_ns) / 1e6
        if missing is not None:
            found[missing] = np.nan
        return found

    def failures(self) -> npt.NDArray[np.uint8]:
        """How many errors each has, up to 255."""
        return np.minimum(errors(self.batch), 255).astype(np.uint8)[self.positions]

    def flags(self) -> npt.NDArray[np.uint8]:
        """Status in two bits, whether there are events and links, kind in three, whether it is over without an end."""
        found = np.asarray(self.column("status")).astype(np.uint8)
        found |= (np.asarray(self.column("event_count")) > 0).astype(np.uint8) << 2
        found |= (np.asarray(self.column("link_count")) > 0).astype(np.uint8) << 3
        found |= np.asarray(self.column("kind")).astype(np.uint8) << 4
        if self.column("end_ns").null_count:
            unfinished = self.over & np.asarray(self.column("end_ns").is_null())
            found |= unfinished.astype(np.uint8) << 7
        return found


def _is_over(batch: Batch, skip: int) -> npt.NDArray[np.bool_]:
    """Whether spans do not run any more: they have an end, or will never have one."""
    ends = batch.spans["end_ns"].slice(skip)
    if not ends.null_count:
        return np.ones(len(ends), dtype=bool)
    over: npt.NDArray[np.bool_] = np.asarray(ends.is_valid())
    if "state" in batch.spans.schema.names:
        over = over | (np.asarray(batch.spans["state"].slice(skip)) == _UNFINISHED)
    return over


def _together(arrays: list[Any], kind: Any) -> Any:
    return pa.concat_arrays(arrays) if arrays else pa.array([], kind)
