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

MIN_SEALED_ROWS = 512
"""A reader seals a tail of at least this length for good; a shorter one is converted anew at each reading, so that many
readings of a slow recording do not leave it in crumbs."""


class _Chunk:
    """Rows that have left the tail: waiting as rows, or sealed."""

    __slots__ = ("_lock", "batch", "length", "rows")

    def __init__(self, rows: list[Row]) -> None:
        self.rows: list[Row] | None = rows
        self.batch: Batch | None = None
        self.length = len(rows)
        self._lock = threading.Lock()

    def sealed(self) -> Batch:
        from nbtrace.store.seal import seal  # opens pyarrow, so not at import

        with self._lock:  # the sealing thread and a reader may come at once
            if self.batch is None:
                self.batch = seal(self.rows or [])
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
    """Finished spans, the oldest dropped beyond `max_spans`; running ones are asked for when somebody looks."""

    def __init__(self, *, max_spans: int = 1_000_000, cells: CellBook | None = None) -> None:
        self.cells = CellBook() if cells is None else cells
        self.running_rows: Callable[[], list[Row]] = list
        """Gives the rows of the spans that still run; capture sets it."""
        self._tail: list[Row] = []
        self._chunks: deque[_Chunk] = deque()
        self._chunked = 0
        self._dropped = 0
        self._turns = 0
        self._sealer: threading.Thread | None = None
        self._lock = threading.Lock()
        self._bound(max_spans)
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
        self._bound(max_spans)
        self._turn_over(partly=True)

    def clear(self) -> None:
        """Forget all finished spans and the count of the dropped."""
        with self._lock:
            self._tail.clear()
            self._chunks.clear()
            self._chunked = self._dropped = 0

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
        if rows or not batches:
            batches.append(seal(rows))
        return Snapshot(tuple(batches), tuple(self.cells.executions()), dropped)

    def _bound(self, max_spans: int) -> None:
        self._max_spans = max_spans
        # At least eight chunks within the bound: whole chunks are dropped, so a reader sees three quarters of it or more.
        self._chunk_rows = max(1, min(CHUNK_ROWS, max_spans // 8))

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
        if rows and len(rows) >= MIN_SEALED_ROWS:
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

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


_STORES: weakref.WeakSet[SpanStore] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """Renew locks that another thread of the parent may have held at the fork."""
    for store in _STORES:
        store._renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
