"""The recording itself: finished spans in memory, thread-safe, bounded, sealed into Arrow off the user's path.

Enters: row tuples, by `append`. Leaves: a `Snapshot` of sealed batches. Rows gather in a tail; a full tail becomes a
chunk; a short-lived thread seals chunks. Knows no SDK, no DataFrame and no notebook."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbtrace.store.cells import CellBook, Execution
from nbtrace.store.schema import Row

if TYPE_CHECKING:
    from nbtrace.store.seal import Batch

CHUNK_ROWS = 16_384
"""Rows in a chunk: long enough that sealing costs little per span, short enough that the collector's visits do too."""

MIN_SETTLED_ROWS = 4_096
"""At the end of a cell a tail of at least this length is sealed, so that the question in the next cell finds it done."""

MIN_SEALED_ROWS = 512
"""A reader seals a tail of at least this length for good; a shorter one is converted anew at each reading, so that many
readings of a slow recording do not leave it in crumbs."""


UNKNOWN_ROW_BYTES = 8_192.0
"""What a span is taken to weigh until the first are weighed: more than most do, so that the first chunk is not too long."""


class _Chunk:
    """Rows that have left the tail: waiting as rows, or sealed."""

    __slots__ = ("_lock", "batch", "length", "nbytes", "rows")

    def __init__(self, rows: list[Row]) -> None:
        self.rows: list[Row] | None = rows
        self.batch: Batch | None = None
        self.length = len(rows)
        self.nbytes = 0
        """Known once it is sealed."""
        self._lock = threading.Lock()

    def sealed(self) -> Batch:
        from nbtrace.store.seal import seal  # opens pyarrow, so not at import

        with self._lock:  # the sealing thread and a reader may come at once
            if self.batch is None:
                self.batch = seal(self.rows or [])
                self.nbytes = self.batch.nbytes
                self.rows = None
            return self.batch


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a recording held at one moment."""

    batches: tuple[Batch, ...]
    """Sealed spans, the oldest first; a running span has no end."""
    executions: tuple[Execution, ...]
    dropped_spans: int
    """Finished spans that the bound has pushed out since the recording began or was reset."""


class SpanStore:
    """Finished spans, the oldest dropped beyond `max_spans` or `max_bytes`; running ones are asked for when somebody
    looks."""

    def __init__(
        self, *, max_spans: int = 1_000_000, max_bytes: int = 1_000_000_000, cells: CellBook | None = None
    ) -> None:
        self.cells = CellBook() if cells is None else cells
        self.running_rows: Callable[[], list[Row]] = list
        """Gives the rows of the spans that still run; capture sets it."""
        self._tail: list[Row] = []
        self._chunks: deque[_Chunk] = deque()
        self._chunked = 0
        self._dropped = 0
        self._turns = 0
        self._clears = 0
        self._sealer: threading.Thread | None = None
        self._lock = threading.Lock()
        self._max_spans, self._max_bytes = max_spans, max_bytes
        self._row_bytes = UNKNOWN_ROW_BYTES
        self._size_chunks()
        _STORES.add(self)

    def append(self, row: Row) -> None:
        """Add a finished span. Called on the user's path, from any thread."""
        tail = self._tail
        tail.append(row)
        if len(tail) >= self._chunk_rows:
            self._turn_over()

    def __len__(self) -> int:
        """Return how many finished spans are kept."""
        return self._chunked + len(self._tail)

    @property
    def dropped_spans(self) -> int:
        """How many finished spans the bound has pushed out."""
        return self._dropped

    @property
    def max_spans(self) -> int:
        """The bound; setting it drops what is over it at once."""
        return self._max_spans

    @max_spans.setter
    def max_spans(self, max_spans: int) -> None:
        self._max_spans = max_spans
        self._size_chunks()
        self._turn_over(partly=True)

    @property
    def nbytes(self) -> int:
        """The memory of the sealed spans."""
        with self._lock:
            return sum(chunk.nbytes for chunk in self._chunks)

    @property
    def max_bytes(self) -> int:
        """The bound on their memory; setting it drops what is over it at once. Spans are weighed when they are sealed, so
        up to an eighth of it comes on top for those that are not sealed yet."""
        return self._max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._turn_over(partly=True)
        self._weigh()

    def settle(self) -> None:
        """Have a long tail sealed now, while nobody waits for it."""
        if len(self._tail) >= MIN_SETTLED_ROWS:
            self._turn_over(partly=True)

    def clear(self) -> None:
        """Forget all finished spans and the count of the dropped."""
        with self._lock:
            self._tail.clear()
            self._chunks.clear()
            self._chunked = self._dropped = 0
            self._clears += 1

    def since(self, mark: tuple[int, int] | None) -> tuple[list[tuple[Batch, int]], tuple[int, int]]:
        """Return the spans that came after `mark`, as batches, each with the number of rows to skip, and a new mark.

        All spans if there is no mark, or if the recording was cleared since it was made, which shows in the mark's first
        number. What the bound has dropped meanwhile is missing."""
        from nbtrace.store.seal import seal

        with self._lock:
            first, clears = self._dropped, self._clears
            chunks, tail = list(self._chunks), self._tail[:]
        seen = mark[1] if mark is not None and mark[0] == clears else 0
        found = []
        for chunk in chunks:
            if first + chunk.length > seen:
                found.append((chunk.sealed(), max(0, seen - first)))
            first += chunk.length
        if first + len(tail) > seen:
            found.append((seal(tail[max(0, seen - first) :]), 0))
        return found, (clears, first + len(tail))

    def snapshot(self) -> Snapshot:
        """Return all spans as sealed batches, running ones in a last batch of their own. Writers are never blocked:
        what they append meanwhile is in the next snapshot."""
        from nbtrace.store.seal import seal

        if len(self._tail) >= MIN_SEALED_ROWS:
            self._turn_over(partly=True)
        while True:
            # Running spans first: one that ends in between is then in both, and the finished row in the tail wins. Had
            # the tail turned over in between, it could be in a chunk, so look again.
            turns = self._turns
            running = self.running_rows()
            with self._lock:
                chunks = list(self._chunks)
                tail = self._tail[:]
                dropped = self._dropped
                if turns == self._turns:
                    break
        finished_ids = {row[1] for row in tail}
        rows = tail + [row for row in running if row[1] not in finished_ids]
        batches = [chunk.sealed() for chunk in chunks]
        self._weigh()
        if rows or not batches:
            batches.append(seal(rows))
        return Snapshot(tuple(batches), tuple(self.cells.executions()), dropped)

    def _size_chunks(self) -> None:
        # At least eight chunks within the bounds: whole chunks are dropped, so a reader sees three quarters of it or more.
        self._rows_by_bytes = max(1, self._max_bytes // 8 // max(1, round(self._row_bytes)))
        self._chunk_rows = max(1, min(CHUNK_ROWS, self._max_spans // 8, self._rows_by_bytes))

    def _weigh(self) -> None:
        """Drop what is over the bound in bytes, the last sealed chunk excepted, and learn how heavy spans are."""
        with self._lock:
            sealed = [chunk for chunk in self._chunks if chunk.nbytes]
            if not sealed:
                return
            held = sum(chunk.nbytes for chunk in sealed)
            while held > self._max_bytes and self._chunks[0] is not sealed[-1]:
                oldest = self._chunks.popleft()
                held -= oldest.nbytes
                self._chunked -= oldest.length
                self._dropped += oldest.length
            self._row_bytes = max(chunk.nbytes / chunk.length for chunk in sealed[-2:])
            self._size_chunks()

    def _turn_over(self, *, partly: bool = False) -> None:
        """Make a chunk of the tail, drop what is over the bound, and have the rest sealed."""
        with self._lock:
            # The list stays the same object and is copied before it is cut: a writer that appends in between, holding
            # no lock, adds behind the cut.
            rows = self._tail[:]
            if len(rows) >= self._chunk_rows or (partly and rows):
                for start in range(0, len(rows), self._chunk_rows):
                    self._chunks.append(_Chunk(rows[start : start + self._chunk_rows]))
                self._chunked += len(rows)
                self._turns += 1
                del self._tail[: len(rows)]
            # Room for a tail that is as long as it gets: the bound holds at every moment.
            while self._chunks and self._chunked > self._max_spans - (self._chunk_rows - 1):
                oldest = self._chunks.popleft()
                self._chunked -= oldest.length
                self._dropped += oldest.length
        if rows and (len(rows) >= MIN_SEALED_ROWS or self._rows_by_bytes < MIN_SEALED_ROWS):
            self._seal_soon()

    def _seal_soon(self) -> None:
        """Start the sealing thread if it is not at work. It ends when nothing is left to seal."""
        if self._sealer is not None and self._sealer.is_alive():
            return
        self._sealer = threading.Thread(target=self._seal_all, name="nbtrace-sealer", daemon=True)
        try:
            self._sealer.start()
        except RuntimeError:  # no thread to be had (the interpreter ends, or has none): a reader seals
            self._sealer = None

    def _seal_all(self) -> None:
        while True:
            with self._lock:
                waiting = next((chunk for chunk in self._chunks if chunk.batch is None), None)
            if waiting is None:
                return
            waiting.sealed()
            self._weigh()

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


_STORES: weakref.WeakSet[SpanStore] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """Renew locks that another thread of the parent may have held at the fork."""
    for store in _STORES:
        store._renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
