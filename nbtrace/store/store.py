"""The recording itself: finished spans in memory, thread-safe, bounded, sealed into Arrow off the user's path.

Enters: row tuples, by `append`. Leaves: a `Snapshot` of sealed batches. Rows gather in the last of a row of chunks; a full
chunk is followed by a new one; a short-lived thread seals those that are full. Knows no SDK, no DataFrame and no notebook.

There is no lock. A signal handler, a finaliser or a forked child that came in between would wait for one for ever, so each
change is one step that the interpreter does not divide (an append, an assignment), and what lies between two steps is a
whole recording."""

from __future__ import annotations

import _thread
import os
import weakref
from collections import Counter, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from nbtrace.faults import fault
from nbtrace.store import redacted
from nbtrace.store.cells import CellBook, Execution, renumbered
from nbtrace.store.chunks import Chunk, Dropped
from nbtrace.store.libraries import LibraryVersionsError, open_libraries
from nbtrace.store.redact import Redactor
from nbtrace.store.redact_choice import Redact
from nbtrace.store.redacted import CaptureSource
from nbtrace.store.schema import Row

if TYPE_CHECKING:
    from nbtrace.store.batch import Batch

CHUNK_ROWS = 16_384
"""Rows in a chunk: long enough that sealing costs little per span, short enough that the collector's visits do too."""

CHUNK_BYTES = 256_000_000
"""What a chunk may weigh before it is sealed, whatever the bound: Arrow's texts end at two gigabytes."""

MIN_SETTLED_ROWS = 4_096
"""At the end of a cell a chunk of at least this length is sealed, so that the question in the next cell finds it done."""

MIN_SEALED_ROWS = 512
"""A reader seals a chunk of at least this length for good; a shorter one is converted anew at each reading, so that many
readings of a slow recording do not leave it in crumbs."""

ROW_BYTES = 500
"""What a row without long values weighs until it is sealed."""

_LAST_ROWS = 64


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a recording held at one moment."""

    batches: tuple[Batch, ...]
    """Sealed spans, the oldest first; a running span has no end."""
    executions: tuple[Execution, ...]
    dropped_spans: int
    """Finished spans that the bound has pushed out since the recording began or was reset."""

    def from_elsewhere(self) -> Snapshot:
        """Return what another process held as this one can hold it: with numbers for its executions that no other has."""
        from nbtrace.store.batch import with_cells

        executions = renumbered(self.executions)
        place = {number: execution.number for number, execution in executions.items()}
        batches = tuple(with_cells(batch, place) for batch in self.batches)
        return Snapshot(batches, tuple(executions.values()), self.dropped_spans)


class SpanStore:
    """Finished spans, the oldest dropped beyond `max_spans` or `max_bytes`; running ones are asked for when somebody
    looks."""

    def __init__(
        self,
        *,
        max_spans: int = 1_000_000,
        max_bytes: int = 1_000_000_000,
        redact: Redact = True,
        capture_source: CaptureSource = "full",
    ) -> None:
        self.redactor = Redactor(redact)
        """Takes secrets out of whatever is sealed or shown from here on."""
        self.capture_source: CaptureSource = capture_source
        self._shown = redacted.Shown()
        self.cells = CellBook()
        self.running_rows: Callable[[], list[Row]] = list
        """Gives the rows of the spans that still run; capture sets it."""
        self.forgotten_spans = 0
        """How many spans have been taken out because somebody asked for it."""
        self._numbers = count()
        self._chunks: deque[Chunk] = deque([Chunk(next(self._numbers))])
        self._gone = Dropped()
        self._shown.clear()
        self._carried: list[Batch] = []
        """Spans that ran when another store handed them over: as they were then, until they end here."""
        self._epoch = 0
        self._at_work = _thread.allocate_lock()
        self._max_spans, self._max_bytes = max_spans, max_bytes
        self._size_chunks()
        _STORES.add(self)

    def append(self, row: Row, weight: int = ROW_BYTES) -> None:
        """Add a finished span that takes about `weight` bytes. Called on the user's path, from any thread."""
        try:
            # In one line: the chunk is looked up and the row is in it, with no chance for another thread in between.
            (rows := (chunk := self._chunks[-1]).rows).append(row)  # type: ignore[union-attr]
        except AttributeError:  # sealed this very moment
            self.append(row, weight)
            return
        chunk.weight = weight = chunk.weight + weight
        if len(rows) >= self._chunk_rows or weight >= self._chunk_bytes:  # type: ignore[arg-type]
            self._turn(chunk)

    def holds(self, row: Row) -> bool:
        """Whether a row with the ids of this one is among the last that came: an interrupted writer asks."""
        rows = [known for chunk in self._kept()[-2:] for known in (chunk.rows or ())[-_LAST_ROWS:]]
        return any(known[:2] == row[:2] for known in rows)

    def __len__(self) -> int:
        """Return how many finished spans are kept."""
        return sum(map(len, self._kept()))

    @property
    def dropped_spans(self) -> int:
        """How many finished spans the bound has pushed out."""
        return self._gone.total()

    @property
    def max_spans(self) -> int:
        """The bound; setting it drops what is over it at once."""
        return self._max_spans

    @max_spans.setter
    def max_spans(self, max_spans: int) -> None:
        self._max_spans = max_spans
        self._size_chunks()
        self._divide()

    @property
    def nbytes(self) -> int:
        """The memory of the finished spans: measured where they are sealed, estimated where they are not."""
        return sum(chunk.weight for chunk in self._kept())

    @property
    def max_bytes(self) -> int:
        """The bound on their memory; setting it drops what is over it at once."""
        return self._max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size_chunks()
        self._divide()
        for chunk in self._kept()[:-1]:
            if chunk.rows:
                chunk.sealed(self.redactor)  # what it weighs is known then
        self._drop()

    def settle(self) -> None:
        """Have a long chunk sealed now, while nobody waits for it."""
        if len(chunk := self._chunks[-1]) >= MIN_SETTLED_ROWS:
            self._turn(chunk)

    def clear(self) -> None:
        """Forget all finished spans and the count of the dropped."""
        self._epoch += 1
        self._chunks = deque([Chunk(next(self._numbers))])
        self._gone = Dropped()
        self._shown.clear()
        self._carried = []
        self.forgotten_spans = 0

    def take(self, snapshot: Snapshot) -> None:
        """Hold what another store held: for one that is empty and is not being written to."""
        from nbtrace.store.batch import divided, with_cells_of_traces

        self.cells.take(snapshot.executions)
        for batch in snapshot.batches:
            ended, running = divided(with_cells_of_traces(batch, self.cells.number_of))
            if running.length:
                self._carried.append(running)
            chunk = Chunk(next(self._numbers))
            chunk.batch, chunk.weight, chunk.rows = ended, ended.nbytes, None
            self._chunks.insert(len(self._chunks) - 1, chunk)
        self._gone.add(snapshot.dropped_spans)

    def forget(self, span_ids: Collection[int], running: int = 0, executions: Collection[int] = ()) -> None:
        """Take spans out, with all that hangs on them; `running` of them have not ended, and will not come in. And the
        executions with these numbers, and those whose own span is among the spans."""
        from nbtrace.store.batch import without

        self._turn(self._chunks[-1])
        found = running
        for chunk in self._kept()[:-1]:
            batch = chunk.sealed(self.redactor)
            left = without(batch, span_ids)
            if left.length < batch.length:
                found += batch.length - left.length
                chunk.batch, chunk.weight = left, left.nbytes
        gone = {e.number for e in self.cells.executions() if e.span_id in span_ids} | set(executions)
        self.cells.blank(gone)
        self._shown.forget(gone)
        self.forgotten_spans += found
        self._epoch += 1

    def since(self, mark: Mark | None) -> tuple[list[tuple[Batch, int]], Mark]:
        """Return the spans that came after `mark`, as batches, each with the number of rows to skip, and a new mark.

        All spans if there is no mark, or if spans were cleared or forgotten since it was made, which shows in the mark's
        first number. What the bound has dropped meanwhile is missing."""
        open_libraries()
        epoch = self._epoch
        seen = mark[1] if mark is not None and mark[0] == epoch else {}
        found, lengths = [], {}
        for chunk in (kept := self._kept()):
            rows, skip = chunk.rows, seen.get(chunk.number, 0)
            if rows is None or chunk is not kept[-1]:
                length = len(chunk)
                if length > skip:
                    found.append((chunk.sealed(self.redactor), skip))
            else:
                rows = rows[skip:]
                length = skip + len(rows)
                if rows:
                    found.append((self.sealed_now(rows), 0))
            lengths[chunk.number] = length
        return found, (epoch, lengths)

    def snapshot(self) -> Snapshot:
        """Return all spans as sealed batches, running ones in a last batch of their own. Writers are never blocked:
        what they append meanwhile is in the next snapshot."""
        open_libraries()
        if len(last := self._chunks[-1]) >= MIN_SEALED_ROWS:
            self._turn(last)
        # Running spans first: one that ends in between is then in both, and the finished row wins.
        before = {chunk.number: len(chunk) for chunk in self._kept()}
        running = self.running_rows()
        chunks, dropped = self._kept(), self._gone.total()
        begun = chunks[-1].rows  # None if it has been sealed this very moment
        batches = [chunk.sealed(self.redactor) for chunk in (chunks if begun is None else chunks[:-1]) if len(chunk)]
        rows = [] if begun is None else begun[:]
        if running:
            ended = {row[1] for row in rows}
            for chunk, batch in ((chunk, chunk.batch) for chunk in chunks if chunk.batch is not None):
                if (skip := before.get(chunk.number, 0)) < batch.length:
                    ended.update(int(span_id, 16) for span_id in batch.spans["span_id"].slice(skip).to_pylist())
            rows += [row for row in running if row[1] not in ended]
        if self._carried:
            from nbtrace.store.batch import without

            here = {row[1] for row in rows}
            here.update(int(i, 16) for batch in batches for i in batch.spans["span_id"].to_pylist())
            batches += [left for batch in self._carried if (left := without(batch, here)).length]
        self._drop(room=False)
        if rows or not batches:
            batches.append(self.sealed_now(rows))
        return Snapshot(tuple(batches), self.executions(), dropped)

    def change(self, *, redactor: Redactor | None = None, capture_source: CaptureSource | None = None) -> None:
        """Redact otherwise from here on. What has ended, and the sources of cells that have run, stay as they are kept."""
        if (
            redactor is not None
            and redactor.choice == self.redactor.choice
            and capture_source in (None, self.capture_source)
        ):
            return
        self._turn(self._chunks[-1])
        for chunk in self._kept()[:-1]:
            chunk.sealed(self.redactor)
        self._shown.settle(self.cells.executions(), self.redactor, self.capture_source)
        if redactor is not None:
            self.redactor = redactor
        if capture_source is not None:
            self.capture_source = capture_source

    def sealed_now(self, rows: list[Row]) -> Batch:
        """Seal rows that will be sealed for good later, running ones say: what is redacted is counted then."""
        from nbtrace.store.seal import seal

        return seal(rows, self.redactor.uncounted())

    def executions(self) -> tuple[Execution, ...]:
        """Return the executions in the order of their starts, with as much of their sources as is wanted, redacted. Of those
        that are forgotten only number and count are left, as other spans may name them."""
        return tuple(self._shown.execution(e, self.redactor, self.capture_source) for e in self.cells.executions())

    def redacted(self) -> dict[str, int]:
        """Return how often each rule has taken something out of what the recording holds or held."""
        self.executions()
        waiting = self.redactor.uncounted()
        for chunk in self._kept():
            redacted.rows(chunk.rows or (), waiting)
        return dict((Counter(self.redactor.counts) + Counter(waiting.counts)).most_common())

    def _kept(self) -> list[Chunk]:
        """The chunks, the last of them to be written to; never none."""
        gone = self._gone
        while True:
            # A thread that sleeps between the two may find all of them gone: there are others by then.
            if kept := [chunk for chunk in list(self._chunks) if chunk not in gone]:
                return kept

    def _size_chunks(self) -> None:
        # At least eight chunks within the bounds: whole chunks are dropped, so a reader sees three quarters of it or more.
        self._chunk_rows = max(1, min(CHUNK_ROWS, self._max_spans // 8))
        # Sixteen by weight: one that is being sealed takes its weight three times for a moment.
        self._chunk_bytes = max(1, min(CHUNK_BYTES, self._max_bytes // 16))

    def _divide(self) -> None:
        """Make chunks of the size that is wanted now of the one that was begun with another."""
        old = self._chunks[-1]
        if not len(old):
            self._drop()
            return
        self._chunks.append(Chunk(next(self._numbers)))  # from here on nobody adds to the old one
        rows = old.rows
        if rows and (len(rows) > self._chunk_rows or old.weight > self._chunk_bytes):
            per_row = old.weight // len(rows) + 1
            length = max(1, min(self._chunk_rows, self._chunk_bytes // per_row))
            pieces = []
            for start in range(0, len(rows), length):
                piece = Chunk(next(self._numbers))
                piece.rows = rows[start : start + length]
                piece.weight = per_row * len(piece.rows)
                pieces.append(piece)
            self._chunks.extend([*pieces, Chunk(next(self._numbers))])
            self._chunks.remove(old)
        self._drop()

    def _turn(self, full: Chunk) -> None:
        """Begin a new chunk, drop what is over the bounds, and have the full one sealed."""
        if self._chunks[-1] is full and len(full):
            # Two threads that come at once leave an empty chunk between the others, which nobody notices.
            self._chunks.append(Chunk(next(self._numbers)))
        self._drop()
        if len(full) >= MIN_SEALED_ROWS or full.weight >= self._chunk_bytes:
            self._seal_soon()

    def _drop(self, *, room: bool = True) -> None:
        """Drop the oldest chunks beyond the bounds, with room left for a last chunk that is as full as it gets, or without."""
        *kept, last = self._kept()
        spans = sum(map(len, kept)) - self._max_spans + (self._chunk_rows - 1 if room else len(last))
        weight = sum(chunk.weight for chunk in kept) - self._max_bytes + (self._chunk_bytes if room else last.weight)
        for oldest in kept:
            if spans <= 0 and weight <= 0:
                break
            spans -= len(oldest)
            weight -= oldest.weight
            # Told before it is done, and by its number: whoever is interrupted in between has miscounted nothing.
            self._gone.note(oldest, self._chunks)
            try:
                self._chunks.remove(oldest)
            except ValueError:
                pass  # another thread did

    # ── the sealing thread ───────────────────────────────────────────────────────────────────────────────────────────

    def _seal_soon(self) -> None:
        """Start the sealing thread if it is not at work. It ends when nothing is left to seal."""
        if not self._at_work.locked():
            try:
                # Not by `threading`, which takes locks that whoever is interrupted here may hold.
                _thread.start_new_thread(self._seal_all, ())
            except RuntimeError:
                pass  # no thread to be had (the interpreter ends, or has none): a reader seals

    def _seal_all(self) -> None:
        try:
            while self._first_unsealed() and self._at_work.acquire(False):
                # Looked at again after the release: a chunk may have come when the work seemed done.
                try:
                    open_libraries()
                    # One at a time: what the bound drops meanwhile must not be held here.
                    while chunk := self._first_unsealed():
                        chunk.sealed(self.redactor)
                        del chunk
                        self._drop(room=False)
                finally:
                    self._at_work.release()
        except LibraryVersionsError:
            pass  # said to whoever asks
        except Exception:
            fault("sealing spans")
        except BaseException:  # a redact callable's exit or interrupt: nobody is there whom it could reach
            pass

    def _first_unsealed(self) -> Chunk | None:
        return next((chunk for chunk in self._kept()[:-1] if chunk.rows), None)

    def _renew_lock(self) -> None:
        self._at_work = _thread.allocate_lock()


Mark = tuple[int, dict[int, int]]
"""How far somebody has read: the epoch, and how many rows of each chunk."""


_STORES: weakref.WeakSet[SpanStore] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """The sealing thread did not come along."""
    for store in _STORES:
        store._renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
