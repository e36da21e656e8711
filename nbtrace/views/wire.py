"""What the inspector in the browser is told: spans as typed columns, their details as compressed chunks.

Enters: sealed batches. Leaves: frames of bytes. A frame is the length of its header (4 bytes, little-endian), the header
as JSON, and the columns, each from a multiple of 8 on. A span gets a row when it is first seen, running or ended, and keeps
it. Times are milliseconds since `zero_ns`, as float64; the end of a running span is NaN."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrace.analysis.columns import attribute_dicts
from nbtrace.analysis.ids import rows_of
from nbtrace.store.batch import Batch
from nbtrace.store.cells import Execution
from nbtrace.store.origins import ORIGINS
from nbtrace.store.schema import KINDS, STATUS_CODES

Frame = bytes

DETAILS_PER_FRAME = 1_000
MAX_SAFE_INTEGER = 2**53
MAX_EVENTS = 100_000
"""Events of one frame that are drawn as ticks."""

MAX_KNOWN_IDS = 300_000
"""Spans whose parents can be told when they come later; of more, parents that have ended long ago are not looked for."""


def frame(header: dict[str, Any], columns: Sequence[npt.NDArray[Any]] = ()) -> Frame:
    """Put a header and columns together; the header tells dtype and length of each."""
    layout = [[column.dtype.str[1:], len(column)] for column in columns]
    text = json.dumps({**header, "columns": layout}, ensure_ascii=True).encode("ascii")
    text += b" " * (-(len(text) + 4) % 8)
    parts = [len(text).to_bytes(4, "little"), text]
    for column in columns:
        data = np.ascontiguousarray(column).tobytes()
        parts += [data, b"\0" * (-len(data) % 8)]
    return b"".join(parts)


@dataclass(slots=True)
class Encoder:
    """Turns batches into frames for one inspector, and remembers which span has which row."""

    zero_ns: int = 0
    rows: int = 0
    """How many rows have been given out."""
    _names: dict[str, int] = field(default_factory=dict)
    _row_of: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    """Rows of spans that had not ended when they were last told of."""
    _cells: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    keep: frozenset[str] | None = None
    """Ids of the spans to be told of; None for all."""
    asking: str = ""
    """Id of the cell span that asked for the inspector: not told of until something happens inside."""

    def spans(
        self, batches: Iterable[tuple[Batch, int]], executions: Sequence[Execution], note: dict[str, Any]
    ) -> tuple[Frame, list[Placed]]:
        """Return a frame of the spans in the batches, each from the row on that stands with it, and where they went. Spans
        that were told of as running become changes of their row."""
        pieces = [_Piece(batch, skip) for batch, skip in batches if batch.length > skip]
        known_names = len(self._names)
        ids = [span_id for piece in pieces for span_id in piece.ids]
        start, end, name, cell, flags = self._columns(pieces)
        first = self.rows
        changed: list[tuple[int, int]] = []
        fresh = np.ones(len(start), dtype=bool)
        if self.keep is not None or self.asking:
            fresh = np.array([self._wanted(span_id) for span_id in ids], dtype=bool)
        if self.running:
            for place, span_id in enumerate(ids):
                row = self.running.get(span_id)
                if row is not None:
                    changed.append((row, place))
                    fresh[place] = False
        rows = np.where(fresh, first + np.cumsum(fresh) - 1, -1)
        for row, place in changed:
            rows[place] = row
        parent = self._parents(pieces, rows)
        ended = ~np.isnan(end)
        remember = len(self._row_of) < MAX_KNOWN_IDS
        for span_id, row, over in zip(ids, rows.tolist(), ended.tolist(), strict=True):
            if row < 0:
                continue
            if remember:
                self._row_of[span_id] = row
            if over:
                self.running.pop(span_id, None)
            else:
                self.running[span_id] = row
        self.rows += int(fresh.sum())
        places = np.array([place for _, place in changed], dtype=np.int64)
        header = {
            "kind": "spans",
            "first": first,
            "count": int(fresh.sum()),
            "zero": str(self.zero_ns),
            "names": list(self._names)[known_names:],
            "cells": self._new_cells(executions),
            **note,
        }
        own = (start[fresh], end[fresh], name[fresh], parent[fresh], cell[fresh], flags[fresh])
        changes = (np.array([row for row, _ in changed], dtype=np.int32), end[places], flags[places], parent[places])
        placed, at = [], 0
        for piece in pieces:
            placed.append(Placed(piece.batch, piece.skip, rows[at : at + piece.length]))
            at += piece.length
        return frame(header, (*own, *changes, *self._events(placed))), placed

    def _wanted(self, span_id: str) -> bool:
        return span_id != self.asking and (self.keep is None or span_id in self.keep)

    def _columns(self, pieces: list[_Piece]) -> tuple[npt.NDArray[Any], ...]:
        if not self.zero_ns and pieces:
            self.zero_ns = min(piece.first_ns for piece in pieces)
        empty = np.zeros(0)
        starts = [piece.ms("start_ns", self.zero_ns) for piece in pieces]
        ends = [piece.ms("end_ns", self.zero_ns) for piece in pieces]
        return (
            np.concatenate(starts) if pieces else empty,
            np.concatenate(ends) if pieces else empty,
            np.concatenate([piece.names(self._names) for piece in pieces]) if pieces else empty.astype(np.uint32),
            np.concatenate([piece.column("cell") for piece in pieces]) if pieces else empty.astype(np.int32),
            np.concatenate([piece.flags() for piece in pieces]) if pieces else empty.astype(np.uint8),
        )

    def _events(self, placed: list[Placed]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
        """The row and the moment of each event, for the ticks on the bars."""
        rows, times = [np.zeros(0, dtype=np.int32)], [np.zeros(0)]
        for each in placed:
            if each.batch.events.num_rows:
                row = np.asarray(each.batch.events["row"])
                known = row >= each.skip
                rows.append(each.rows[row[known] - each.skip].astype(np.int32))
                times.append((np.asarray(each.batch.events["time_ns"])[known] - self.zero_ns) / 1e6)
        return np.concatenate(rows)[-MAX_EVENTS:], np.concatenate(times)[-MAX_EVENTS:]

    def _parents(self, pieces: list[_Piece], rows: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """The row of each span's parent: one of those at hand, or one told of before."""
        if not pieces:
            return np.zeros(0, dtype=np.int32)
        ids = pa.concat_arrays([piece.text("span_id") for piece in pieces])
        wanted = pa.concat_arrays([piece.text("parent_span_id") for piece in pieces])
        found = rows_of(wanted, ids)
        parent = np.where(found < 0, -1, rows[found]).astype(np.int32)
        if self._row_of:
            for place in np.flatnonzero((found < 0) & np.asarray(wanted.is_valid())).tolist():
                parent[place] = self._row_of.get(wanted[place].as_py(), -1)
        return parent

    def _new_cells(self, executions: Sequence[Execution]) -> list[list[Any]]:
        """Executions that are new, or whose count has become known: number, count, what its runs share, run, source."""
        found = []
        for each in executions:
            told = (each.execution_count, each.run)
            if self._cells.get(each.number) != told:
                self._cells[each.number] = told
                source = each.source if len(each.source) <= 2_000 else each.source[:2_000] + "…"
                identity = each.cell_id or each.source
                found.append(
                    [
                        each.number,
                        each.execution_count,
                        zlib.crc32(identity.encode("utf-8", "replace")),
                        each.run,
                        source,
                    ]
                )
        return found


@dataclass(frozen=True, slots=True)
class Placed:
    """Spans of a batch, from `skip` on, and the rows that they have in the browser."""

    batch: Batch
    skip: int
    rows: npt.NDArray[Any]


def details(placed: Placed) -> Iterator[Frame]:
    """Return what the panel shows of spans, in frames of up to a thousand: two columns, the rows, and the zlib-compressed
    JSON of a list."""
    attributes = attribute_dicts([(0, placed.batch.attributes)], placed.batch.length)
    for low in range(placed.skip, placed.batch.length, DETAILS_PER_FRAME):
        high = min(low + DETAILS_PER_FRAME, placed.batch.length)
        rows = placed.rows[low - placed.skip : high - placed.skip].astype(np.int32)
        if (rows < 0).all():
            continue
        text = json.dumps(_describe(placed.batch, attributes, low, high), ensure_ascii=True, allow_nan=False)
        data = np.frombuffer(zlib.compress(text.encode("ascii"), 1), dtype=np.uint8)
        yield frame({"kind": "details"}, (rows, data))


class _Piece:
    """The rows of a batch from `skip` on."""

    def __init__(self, batch: Batch, skip: int) -> None:
        self.batch = batch
        self.skip = skip
        self.length = batch.length - skip
        self._spans = batch.spans.slice(skip)

    def text(self, name: str) -> Any:
        return self._spans[name]

    @property
    def ids(self) -> list[str]:
        found: list[str] = self._spans["span_id"].to_pylist()
        return found

    @property
    def first_ns(self) -> int:
        return int(np.asarray(self._spans["start_ns"]).min())

    def column(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self._spans[name])

    def ms(self, name: str, zero_ns: int) -> npt.NDArray[np.float64]:
        column = self._spans[name]
        missing = np.asarray(column.is_null()) if column.null_count else None
        ns = np.asarray(column.fill_null(0) if missing is not None else column)
        found: npt.NDArray[np.float64] = (ns - zero_ns) / 1e6
        if missing is not None:
            found[missing] = np.nan
        return found

    def names(self, known: dict[str, int]) -> npt.NDArray[np.uint32]:
        names = self._spans["name"]
        codes = np.array(
            [known.setdefault(text, len(known)) for text in names.dictionary.to_pylist()] or [0], dtype=np.uint32
        )
        return codes[np.asarray(names.indices)]

    def flags(self) -> npt.NDArray[np.uint8]:
        """Status in two bits, whether there are events and links, kind in three."""
        found = np.asarray(self._spans["status"]).astype(np.uint8)
        found |= (np.asarray(self._spans["event_count"]) > 0).astype(np.uint8) << 2
        found |= (np.asarray(self._spans["link_count"]) > 0).astype(np.uint8) << 3
        found |= np.asarray(self._spans["kind"]).astype(np.uint8) << 4
        return found


def _describe(batch: Batch, attributes: Any, low: int, high: int) -> list[dict[str, Any]]:
    """What is known of the rows `low` to `high`, as JSON can hold it."""
    spans = batch.spans.slice(low, high - low).to_pylist()
    found = []
    for place, span in enumerate(spans):
        origin = ORIGINS[span["origin"]]
        found.append(
            {
                "id": span["span_id"],
                "trace": span["trace_id"],
                "parent": span["parent_span_id"],
                "kind": KINDS[span["kind"]],
                "status": STATUS_CODES[span["status"]],
                "message": span["status_message"],
                "start": str(span["start_ns"]),
                "attributes": _plain(attributes[low + place]),
                "scope": [origin.scope_name, origin.scope_version],
                "resource": _plain(dict(origin.resource)),
                "dropped": [span["dropped_attributes"], span["dropped_events"], span["dropped_links"]],
            }
        )
    _add(found, "events", batch.events, batch.event_attributes, low, high, ("name", "time_ns"))
    _add(found, "links", batch.links, batch.link_attributes, low, high, ("linked_trace_id", "linked_span_id"))
    return found


def _add(
    found: list[dict[str, Any]], what: str, table: Any, attributes: Any, low: int, high: int, columns: Sequence[str]
) -> None:
    """Put events or links to the spans that they belong to."""
    if not table.num_rows:
        return
    rows = np.asarray(table["row"])
    chosen = np.flatnonzero((rows >= low) & (rows < high))
    if not len(chosen):
        return
    dicts = attribute_dicts([(0, attributes)], table.num_rows)
    first, second = (table[column].take(pa.array(chosen)).to_pylist() for column in columns)
    for place, row, one, two in zip(chosen.tolist(), rows[chosen].tolist(), first, second, strict=True):
        found[row - low].setdefault(what, []).append([one, str(two), _plain(dicts[place])])


def _plain(value: Any) -> Any:
    """A value as JSON in a browser can hold it: what it could not tell apart or would lose becomes text, marked."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": repr(value)}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= MAX_SAFE_INTEGER:
        return {"$": str(value)}
    if isinstance(value, bytes):
        return {"$": repr(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
