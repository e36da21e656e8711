"""What one inspector has been told of samples, statements and resources, and what is new since.

Enters: a store, and what is told of spans. Leaves: frames of some thousand samples, made when they are asked for.

Nothing is told of what is not told of as a span: a sample belongs to the span that was current, or to its cell. What is left out
as it is taken, and would be told of if its span were, waits until that has ended: a condition may be met by then."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.analysis.profiles.profile import Ints
from nbtrace.store.book import Execution, Resources
from nbtrace.store.rows import MIN_SETTLED_ROWS, Mark
from nbtrace.store.samples import MEMORY_UNIT_BYTES, TIME_UNIT_NS, SampleBatch, narrow
from nbtrace.store.schema import RowFields
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.frames import Frame, frame
from nbtrace.views.inspector.line_texts import lines_of_cells, lines_of_files
from nbtrace.views.inspector.noted import Noted, StatementsTold
from nbtrace.views.inspector.placed import Placed
from nbtrace.views.inspector.protocol import PROFILE
from nbtrace.views.inspector.stacks import News, Stacks, Taken, joined, numbered
from nbtrace.views.inspector.wire import Encoder

PAUSE_S = 0.5
"""From one look to the next: faster nobody reads."""

LONGEST_PAUSE_S = 1.5

SHARE = 0.006
"""How much of the time looks may take, as far as their pauses are no longer than that: a cell is computing beside them."""

MAX_SAMPLES = 200_000
"""Samples, the last ones, that are told of when everything is."""

MAX_WAITING = 200_000
"""Samples that wait for the end of their span, the last ones."""

PER_FRAME = 8_000
"""Samples of a frame, and statements."""

MAX_NODES = 250_000
"""Nodes of stacks from which on everything is told anew, with the stacks of samples that are told then alone."""

PATIENT_LOOKS = 20
"""So long a span that has ended may be nowhere before it is recorded."""

_LONG = 2**16 - 1
"""Numbers of two bytes go so far; of memory this one says that it is not known."""

_CELL, _ID = RowFields._fields.index("cell"), RowFields._fields.index("span_id")

_NOT_TOLD = -2


class ProfileTold:
    """What one inspector has been told. Not for two threads at a time."""

    def __init__(self, store: SpanStore, *, outside: bool) -> None:
        """`outside`: where some spans are chosen, samples outside all spans and cells are told of too."""
        self._store = store
        self._outside = outside
        self._next_look = self._spent_s = 0.0
        self.anew(Encoder(), [])

    def anew(self, encoder: Encoder, placed: Sequence[Placed]) -> None:
        """What was told is void. `placed`: the spans that have been told of, with which everything begins."""
        self._encoder = encoder
        self._placed = placed
        self._rows: dict[str, int] = {}
        """Of spans that were told of when everything was, as far as samples that were there by then name them."""
        self._stacks = Stacks()
        self._statements_told = StatementsTold(self._store)
        self._resources: dict[int, Resources] = {}
        self._codes: set[int] = set()
        self._mark: Mark | None = None
        self._unread: deque[tuple[SampleBatch, int]] = deque()
        self._ready: deque[Taken] = deque()
        self._waiting: dict[tuple[int, str], tuple[list[Taken], int]] = {}
        """By cell and span: samples that may be told of later, and for how many looks that span has run no more."""
        self._new_statements: deque[Noted] = deque()
        self._new_resources: list[list[Any]] = []
        self._has_looked = False
        self._left_out = 0
        """How many samples were more than are told of when everything is."""
        self._first_nodes: int | None = None
        """How many nodes the stacks had when everything had been told."""
        self.number = 0
        """How many frames have been made since everything was told anew; the browser counts them too."""

    @property
    def has_unsent(self) -> bool:
        """Whether there may be something to tell."""
        if not self._encoder.zero_ns:
            return False  # no span has been told of
        queued = self._unread or self._ready or self._new_statements or self._new_resources
        return bool(queued) or not self._has_looked

    @property
    def is_full(self) -> bool:
        """Whether so many stacks have come that most may be of samples that nobody has any more."""
        return self._first_nodes is not None and len(self._stacks) > max(MAX_NODES, 2 * self._first_nodes)

    def look(self) -> bool:
        """Look for what is new, if it is time to; return whether there were samples."""
        moment, computed = time.monotonic(), time.thread_time()
        if not self._encoder.zero_ns or moment < self._next_look:
            return False
        # What has been sent of the last look counts too.
        self._next_look = moment + min(LONGEST_PAUSE_S, max(PAUSE_S, self._spent_s / SHARE))
        found = self._look()
        self._spent_s = time.thread_time() - computed
        return found

    def next(self) -> Frame | None:
        """Return a frame of what is to be told next; None if it turns out that nothing is."""
        computed = time.thread_time()
        found = self._made()
        self._spent_s += time.thread_time() - computed
        return found

    def _made(self) -> Frame | None:
        if not self._has_looked:
            self._look()
        executions = self._store.executions() if self._unread else ()
        while self._unread and sum(map(len, self._ready)) < PER_FRAME:
            self._read(*self._unread.popleft(), executions)
        if not self._unread:
            self._placed, self._rows = (), {}
            self._first_nodes = len(self._stacks) if self._first_nodes is None else self._first_nodes
        pieces: list[Taken] = []
        room = PER_FRAME
        while self._ready and room > 0:
            piece = self._ready.popleft()
            if len(piece) > room:
                self._ready.appendleft(piece.part(slice(room, None)))
                piece = piece.part(slice(room))
            room -= len(piece)
            pieces.append(piece)
        statements = [self._new_statements.popleft() for _ in range(min(PER_FRAME, len(self._new_statements)))]
        resources, self._new_resources = self._new_resources, []
        if not pieces and not statements and not resources:
            return None
        return self._frame(joined(pieces) if pieces else _NO_SAMPLES, statements, resources)

    # ── what is new ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> bool:
        samples = self._store.samples
        if self._mark is None:
            samples.begin_anew(MIN_SETTLED_ROWS)
        found, mark = samples.since(self._mark)
        if self._mark is not None and mark[0] != self._mark[0]:
            return False  # some have been taken out, and everything is about to be told anew
        first = not self._has_looked
        self._mark, self._has_looked = mark, True
        room = MAX_SAMPLES
        for batch, skip in reversed(found) if first else ():
            if room > 0:
                self._unread.appendleft((batch, max(skip, batch.length - room)))
            self._left_out += max(0, batch.length - skip - max(0, room))
            room -= batch.length - skip
        if first:
            self._note_rows()
        else:
            self._unread += found
            self._look_at_waiting()
        tells_of = self._encoder.tells_of
        self._new_statements += self._statements_told.news(tells_of)
        for each in self._store.executions():
            taken = each.resources
            if taken is not None and taken != self._resources.get(each.number) and tells_of(each.number):
                self._resources[each.number] = taken
                self._new_resources.append(_told_as(each.number, taken))
        return bool(found)

    def _note_rows(self) -> None:
        """Find the rows of the spans that the samples name: the encoder knows those of the last spans alone."""
        dictionaries = [batch.samples.column("span").dictionary for batch, _ in self._unread]
        wanted = pa.array(
            sorted({each["span_id"] for ids in dictionaries for each in ids.to_pylist()}), pa.large_string()
        )
        for placed in self._placed if len(wanted) else ():
            ids = placed.batch.spans["span_id"].take(pa.array(placed.positions))
            hits = np.flatnonzero(np.asarray(pc.is_in(ids, value_set=wanted)))
            self._rows.update(zip(ids.take(pa.array(hits)).to_pylist(), placed.rows[hits].tolist(), strict=True))
        self._placed = ()

    def _read(self, batch: SampleBatch, skip: int, executions: Sequence[Execution]) -> None:
        """Divide the samples of a batch into those that are told of, those that wait, and the others."""
        if batch.length <= skip:
            return
        taken, ids = self._stacks.read(batch, skip, executions)
        ids.append("")  # of no span
        pairs, of_sample = numbered(zip(taken.cell.tolist(), taken.span.tolist(), strict=True))
        keys = [(cell, ids[place]) for cell, place in pairs]
        own = {each.number: f"{each.span_id:016x}" for each in executions if each.span_id}
        rows = np.array([self._row(*key, own.get(key[0], "")) for key in keys], dtype=np.int64)
        spans = rows[of_sample]
        told = np.flatnonzero(spans != _NOT_TOLD)
        if len(told):
            self._ready.append(replace(taken.part(told), span=spans[told]))
        if len(told) == len(taken):
            return
        running = self._running()
        for at in np.flatnonzero(rows == _NOT_TOLD).tolist():
            key = keys[at]
            # Since everything was told what ended a moment ago may be told of with the next look: its samples wait for that.
            if (
                self._first_nodes is not None
                or key in self._waiting
                or self._may_be(*key, own.get(key[0], ""), running)
            ):
                waiting, looks = self._waiting.get(key, ([], 0))
                self._waiting[key] = ([*waiting, taken.part(np.flatnonzero(of_sample == at))], looks)
        self._bound()

    def _look_at_waiting(self) -> None:
        """Tell of samples whose spans have been told of by now, and forget those of spans that have not been, and have ended."""
        if not self._waiting:
            return
        own = {each.number: f"{each.span_id:016x}" for each in self._store.executions() if each.span_id}
        running = self._running()
        for key, (waiting, looks) in list(self._waiting.items()):
            row = self._row(*key, own.get(key[0], ""))
            if row != _NOT_TOLD:
                taken = joined(waiting)
                self._ready.append(replace(taken, span=np.full(len(taken), row)))
            if row != _NOT_TOLD or looks > PATIENT_LOOKS:
                del self._waiting[key]
            else:
                # One piece of them: looks bring a few samples each.
                may_be = self._may_be(*key, own.get(key[0], ""), running)
                self._waiting[key] = ([joined(waiting)], 0 if may_be else looks + 1)

    def _bound(self) -> None:
        many = {key: sum(map(len, waiting)) for key, (waiting, _) in self._waiting.items()}
        surplus = sum(many.values()) - MAX_WAITING
        for key in list(self._waiting) if surplus > 0 else ():
            waiting, looks = self._waiting[key]
            kept = max(0, many[key] - surplus)
            surplus -= many[key] - kept
            self._waiting[key] = ([joined(waiting).part(slice(many[key] - kept, None))], looks)
            if surplus <= 0:
                break

    def _row(self, cell: int, span_id: str, own: str) -> int:
        """The row of a span that was current in a cell, -1 for none; _NOT_TOLD if samples are not told of there."""
        encoder = self._encoder
        row = -1
        if span_id:
            row = encoder.row_of(span_id)
            row = row if row >= 0 else self._rows.get(span_id, -1)
        if encoder.choose is None:
            return row if not cell or encoder.tells_of(cell) else _NOT_TOLD
        is_told = span_id in ("", own) and encoder.tells_of(cell) if cell else self._outside and not span_id
        return row if row >= 0 or is_told else _NOT_TOLD

    def _may_be(self, cell: int, span_id: str, own: str, running: tuple[set[int], set[str]]) -> bool:
        """Whether samples that are not told of may be later, because what they belong to runs."""
        if self._encoder.choose is None or span_id in ("", own):
            return cell > 0 and cell in running[0]
        return span_id in running[1]

    def _running(self) -> tuple[set[int], set[str]]:
        """The cells and the spans that run."""
        rows = self._store.running_rows()
        return {row[_CELL] for row in rows}, {f"{row[_ID]:016x}" for row in rows}

    # ── frames ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _frame(self, taken: Taken, statements: Sequence[Noted], resources: list[list[Any]]) -> Frame:
        node, thread = self._stacks.tell(taken)
        codes = self._new_codes()
        news = self._stacks.news()
        zero_ns = self._encoder.zero_ns
        first = int(taken.time[0]) if len(taken) else 0
        after = np.diff(taken.time, prepend=first)
        long = np.flatnonzero((after > _LONG) | (taken.wall > _LONG))
        known = taken.memory[taken.memory >= 0]
        lowest, highest = (min(known.tolist()), max(known.tolist())) if len(known) else (0, 0)
        step = -(-(highest - lowest + 1) // _LONG)
        looked = np.minimum((taken.memory - lowest + step // 2) // step, _LONG - 1)
        looked = np.where(taken.memory < 0, _LONG, looked)
        # As it is where it fits: the numbers of stacks would come anew with each frame.
        stacks, at = (
            ([], np.where(node < 0, _LONG, node)) if np.max(node, initial=0) < _LONG else numbered(node.tolist())
        )
        origins, origin = numbered(zip(thread.tolist(), taken.cell.tolist(), taken.span.tolist(), strict=True))
        threads, in_cells, spans = _table(origins, 3)
        # A thread stays in a span for a while: then only where another begins is told.
        runs = np.flatnonzero(np.diff(origin, prepend=-1))
        runs = runs if 2 * len(runs) < len(origin) else runs[:0]
        origin = origin[runs] if len(runs) else origin
        header = {
            "kind": PROFILE,
            "number": self.number,
            "base": (first * TIME_UNIT_NS - zero_ns) / 1e6 if len(taken) else 0.0,
            "memory": [lowest * MEMORY_UNIT_BYTES, step * MEMORY_UNIT_BYTES],
            "texts": news.texts,
            "files": news.files,
            "codes": codes,
            "lines": [*self._lines_of_cells(news, taken), *lines_of_files(self._store, self._stacks, news, taken)],
            "threads": [[each.thread_id, each.thread_name, each.process_pid] for each in news.threads],
            "resources": resources,
            "dropped": self._store.samples.dropped + self._left_out,
        }
        above, frame_of = _table(news.nodes, 2)
        function, file, line, first_line, kind = _table(news.frames, 5)
        cells, places, firsts, lasts, begun, ended, status = _table(statements, 7)
        self.number += 1
        return frame(
            header,
            (
                *map(narrow, (above + 1, frame_of, function, file, line, first_line, kind)),
                *map(narrow, (threads, in_cells, spans + 1, np.array(stacks, dtype=np.int64) + 1)),
                np.minimum(after, _LONG).astype(np.uint16),
                np.minimum(taken.wall, _LONG).astype(np.uint16),
                *(taken.computed, looked.astype(np.uint16), at.astype(np.uint16)),
                *(runs.astype(np.uint16), origin.astype(np.uint16)),
                long.astype(np.int32),
                *(each[long] * (TIME_UNIT_NS / 1e6) for each in (after, taken.wall)),
                *map(narrow, (cells, places, np.maximum(firsts, 0), np.maximum(lasts, 0))),
                (begun - zero_ns) / 1e6,
                np.where(ended < 0, np.nan, (ended - zero_ns) / 1e6),
                status.astype(np.uint8),
            ),
        )

    def _lines_of_cells(self, news: News, taken: Taken) -> list[list[Any]]:
        inside = set(taken.cell.tolist())  # nothing of theirs: the source of a cell is told if its own span is
        return lines_of_cells(
            self._store, self._stacks, news, told=lambda cell: cell in inside or self._encoder.tells_of(cell)
        )

    def _new_codes(self) -> list[list[int | None]]:
        """Which executions have run the files of which stacks are told, and as which those that are told of were compiled."""
        found = []
        for each in self._store.executions():
            if each.number in self._codes or not each.file:
                continue
            if self._stacks.has_told_code(each.file) or self._encoder.tells_of(each.number):
                self._codes.add(each.number)
                found.append([each.number, self._stacks.tell_code(each.file), each.execution_count])
        return found


_NONE: Ints = np.zeros(0, dtype=np.int64)
_NO_SAMPLES = Taken(_NONE, _NONE, np.zeros(0, dtype=np.uint8), _NONE, _NONE, _NONE, _NONE, _NONE)


def _table(rows: Sequence[Sequence[int]], width: int) -> Any:
    """Rows of numbers as columns."""
    return np.array(rows, dtype=np.int64).reshape(-1, width).T


def _told_as(number: int, taken: Resources) -> list[Any]:
    """What the browser is told of what an execution took: protocol.md says in which order."""
    cpu, gc = (None if ns is None else ns / 1e6 for ns in (taken.cpu_ns, taken.gc_ns))
    sizes = (taken.memory_peak, taken.memory_change)
    return [number, cpu, *sizes, gc, taken.read_bytes, taken.written_bytes, bool(taken.shared)]
