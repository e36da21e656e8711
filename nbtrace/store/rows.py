"""The rows of one signal in memory: bounded, sealed off the user's path, told of to whoever subscribes.

Enters: rows, by `append`. Leaves: sealed batches. Rows gather in the last of a row of chunks; a full chunk is followed by a
new one; a short-lived thread seals those that are full. Which signal it is only `seal` knows.

There is no lock. A signal handler, a finaliser or a forked child that came in between would wait for one for ever, so each
change is one step that the interpreter does not divide (an append, an assignment), and what lies between two steps is a
whole recording."""

from __future__ import annotations

import _thread
import os
import weakref
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any, Generic

from nbtrace.faults import came_in_between, fault
from nbtrace.store.chunks import Chunk, Dropped, Sealed
from nbtrace.store.libraries import LibraryVersionsError, open_libraries
from nbtrace.store.schema import Row

CHUNK_ROWS = 16_384
"""Rows in a chunk: long enough that sealing costs little per row, short enough that the collector's visits do too."""

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

Mark = tuple[int, dict[int, int]]
"""How far somebody has read: the epoch, and how many rows of each chunk."""


class Rows(Generic[Sealed]):
    """Rows of one signal, the oldest dropped beyond `max_rows` or `max_bytes`."""

    def __init__(
        self,
        seal: Callable[[list[Row]], Sealed],
        seal_for_now: Callable[[list[Row]], Sealed],
        *,
        max_rows: int,
        max_bytes: int,
    ) -> None:
        """`seal_for_now` seals rows that will be sealed for good later."""
        self._seal = seal
        self._seal_for_now = seal_for_now
        self._subscribers: tuple[Callable[[Row], None], ...] = ()
        self._numbers = count()
        self._chunks: deque[Chunk[Sealed]] = deque([Chunk(next(self._numbers))])
        self._gone = Dropped()
        self._turned: tuple[Row, ...] = ()
        """Ids of the last rows of the chunk that was full last: it may be sealed before an interrupted writer asks for them."""
        self._epoch = 0
        self._at_work = _thread.allocate_lock()
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._size_chunks()
        _ALL.add(self)

    def append(self, row: Row, weight: int = ROW_BYTES) -> None:
        """Add a row that takes about `weight` bytes. Called on the user's path, from any thread."""
        try:
            # In one line: the chunk is looked up and the row is in it, with no chance for another thread in between.
            (rows := (chunk := self._chunks[-1]).rows).append(row)  # type: ignore[union-attr]
        except AttributeError:  # sealed this very moment
            self.append(row, weight)
            return
        chunk.weight = weight = chunk.weight + weight
        if len(rows) >= self._chunk_rows or weight >= self._chunk_bytes:  # type: ignore[arg-type]
            self._turn(chunk)
        if self._subscribers:
            tell(self._subscribers, row)

    def subscribe(self, told: Callable[[Row], None]) -> None:
        """Have `told` called with each row from here on, in the thread that adds it: on the user's path."""
        self._subscribers = (*self._subscribers, told)

    def unsubscribe(self, told: Callable[[Row], None]) -> None:
        """Call it no more."""
        self._subscribers = tuple(each for each in self._subscribers if each != told)

    def holds(self, row: Row) -> bool:
        """Whether a row with the ids of this one is among the last that came: an interrupted writer asks."""
        rows = [known for chunk in self.kept()[-2:] for known in (chunk.rows or ())[-_LAST_ROWS:]]
        return any(known[:2] == row[:2] for known in (*rows, *self._turned))

    def __len__(self) -> int:
        """Return how many rows are kept."""
        return sum(map(len, self.kept()))

    @property
    def dropped(self) -> int:
        """How many rows the bound has pushed out."""
        return self._gone.total()

    @property
    def max_rows(self) -> int:
        """The bound; setting it drops what is over it at once."""
        return self._max_rows

    @max_rows.setter
    def max_rows(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._size_chunks()
        self._divide()

    @property
    def nbytes(self) -> int:
        """The memory of the rows: measured where they are sealed, estimated where they are not."""
        return sum(chunk.weight for chunk in self.kept())

    @property
    def max_bytes(self) -> int:
        """The bound on their memory; setting it drops what is over it at once."""
        return self._max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        if max_bytes == self._max_bytes:
            return  # set anew by an extension that is loaded again: what was within it is, and sealing opens libraries
        self._max_bytes = max_bytes
        self._size_chunks()
        self._divide()
        for chunk in self.kept()[:-1]:
            if chunk.rows:
                chunk.sealed(self._seal)  # what it weighs is known then
        self._drop()

    def settle(self) -> None:
        """Have a long chunk sealed now, while nobody waits for it."""
        if len(chunk := self._chunks[-1]) >= MIN_SETTLED_ROWS:
            self._turn(chunk)

    def seal_all(self) -> None:
        """Seal what has come so far, for good."""
        self._turn(self._chunks[-1])
        for chunk in self.kept()[:-1]:
            chunk.sealed(self._seal)

    def clear(self) -> None:
        """Forget all rows and the count of the dropped."""
        self._epoch += 1
        self._chunks = deque([Chunk(next(self._numbers))])
        self._gone = Dropped()
        self._turned = ()

    def take(self, batch: Sealed) -> None:
        """Hold a batch of another store: for one that is not being written to."""
        chunk: Chunk[Sealed] = Chunk(next(self._numbers))
        chunk.batch, chunk.weight, chunk.rows = batch, batch.nbytes, None
        self._chunks.insert(len(self._chunks) - 1, chunk)

    def take_dropped(self, rows: int) -> None:
        """Count rows that another store has dropped."""
        self._gone.add(rows)

    def replace(self, changed: Callable[[Sealed], Sealed]) -> int:
        """Put what `changed` leaves of each batch in its place; return how many rows are gone by that."""
        self._turn(self._chunks[-1])
        gone = 0
        for chunk in self.kept()[:-1]:
            batch = chunk.sealed(self._seal)
            left = changed(batch)
            if left.length < batch.length:
                gone += batch.length - left.length
                chunk.batch, chunk.weight = left, left.nbytes
        self._epoch += 1
        return gone

    def since(self, mark: Mark | None) -> tuple[list[tuple[Sealed, int]], Mark]:
        """Return the rows that came after `mark`, as batches, each with the number of rows to skip, and a new mark.

        All rows if there is no mark, or if rows were cleared or replaced since it was made, which shows in the mark's
        first number. What the bound has dropped meanwhile is missing."""
        open_libraries()
        epoch = self._epoch
        seen = mark[1] if mark is not None and mark[0] == epoch else {}
        found, lengths = [], {}
        for chunk in (kept := self.kept()):
            rows, skip = chunk.rows, seen.get(chunk.number, 0)
            if rows is None or chunk is not kept[-1]:
                length = len(chunk)
                if length > skip:
                    found.append((chunk.sealed(self._seal), skip))
            else:
                rows = rows[skip:]
                length = skip + len(rows)
                if rows:
                    found.append((self._seal_for_now(rows), 0))
            lengths[chunk.number] = length
        return found, (epoch, lengths)

    def lengths(self) -> dict[int, int]:
        """Return how many rows each chunk has, by its number."""
        return {chunk.number: len(chunk) for chunk in self.kept()}

    def read(self) -> tuple[list[Chunk[Sealed]], list[Sealed], list[Row]]:
        """Return the chunks, the batches of those that are sealed, and the rows of the one that has been begun: copied, or
        none if it has been sealed this very moment."""
        chunks = self.kept()
        begun = chunks[-1].rows
        sealed = [chunk.sealed(self._seal) for chunk in (chunks if begun is None else chunks[:-1]) if len(chunk)]
        return chunks, sealed, [] if begun is None else begun[:]

    def begin_anew(self, at_least: int = MIN_SEALED_ROWS) -> None:
        """Have a chunk that is long enough sealed for good before it is read."""
        if len(last := self._chunks[-1]) >= at_least:
            self._turn(last)

    def trim(self) -> None:
        """Drop what is over the bounds."""
        self._drop(room=False)

    def kept(self) -> list[Chunk[Sealed]]:
        """Return the chunks, the last of them to be written to; never none."""
        gone = self._gone
        while True:
            # A thread that sleeps between the two may find all of them gone: there are others by then.
            if kept := [chunk for chunk in list(self._chunks) if chunk not in gone]:
                return kept

    def _size_chunks(self) -> None:
        # At least eight chunks within the bounds: whole chunks are dropped, so a reader sees three quarters of it or more.
        self._chunk_rows = max(1, min(CHUNK_ROWS, self._max_rows // 8))
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
            pieces: list[Chunk[Sealed]] = []
            for start in range(0, len(rows), length):
                piece: Chunk[Sealed] = Chunk(next(self._numbers))
                piece.rows = rows[start : start + length]
                piece.weight = per_row * len(piece.rows)
                pieces.append(piece)
            self._chunks.extend([*pieces, Chunk(next(self._numbers))])
            self._chunks.remove(old)
        self._drop()

    def _turn(self, full: Chunk[Sealed]) -> None:
        """Begin a new chunk, drop what is over the bounds, and have the full one sealed."""
        if self._chunks[-1] is full and len(full):
            self._turned = tuple(row[:2] for row in (full.rows or ())[-_LAST_ROWS:])
            # Two threads that come at once leave an empty chunk between the others, which nobody notices.
            self._chunks.append(Chunk(next(self._numbers)))
        self._drop()
        if len(full) >= MIN_SEALED_ROWS or full.weight >= self._chunk_bytes:
            self._seal_soon()

    def _drop(self, *, room: bool = True) -> None:
        """Drop the oldest chunks beyond the bounds, with room left for a last chunk that is as full as it gets, or without."""
        *kept, last = self.kept()
        rows = sum(map(len, kept)) - self._max_rows + (self._chunk_rows - 1 if room else len(last))
        weight = sum(chunk.weight for chunk in kept) - self._max_bytes + (self._chunk_bytes if room else last.weight)
        for oldest in kept:
            if rows <= 0 and weight <= 0:
                break
            rows -= len(oldest)
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
                _thread.start_new_thread(self._seal_full, ())
            except RuntimeError:
                pass  # no thread to be had (the interpreter ends, or has none): a reader seals

    def _seal_full(self) -> None:
        try:
            while self._first_unsealed() and self._at_work.acquire(False):
                # Looked at again after the release: a chunk may have come when the work seemed done.
                try:
                    open_libraries()
                    # One at a time: what the bound drops meanwhile must not be held here.
                    while chunk := self._first_unsealed():
                        chunk.sealed(self._seal)
                        del chunk
                        self._drop(room=False)
                finally:
                    self._at_work.release()
        except LibraryVersionsError:
            pass  # said to whoever asks
        except Exception:
            fault("sealing rows")
        except BaseException:  # a redact callable's exit or interrupt: nobody is there whom it could reach
            pass

    def _first_unsealed(self) -> Chunk[Sealed] | None:
        return next((chunk for chunk in self.kept()[:-1] if chunk.rows), None)

    def _renew_locks(self) -> None:
        self._at_work = _thread.allocate_lock()
        self._gone.renew_lock()


def tell(subscribers: tuple[Callable[[Row], None], ...], row: Row) -> None:
    """Call each with the row; a fault of one is logged, and takes it from none of the others."""
    for told in subscribers:
        try:
            told(row)
        except Exception as error:
            if came_in_between(error):
                raise
            fault("telling of a row")


_ALL: weakref.WeakSet[Rows[Any]] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """The sealing thread did not come along."""
    for rows in _ALL:
        rows._renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
