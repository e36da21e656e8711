"""Chunks of a recording, and the count of those that are gone.

Enters: rows. Leaves: rows, or batches once they are sealed. Each change is one step that the interpreter does not divide; see
rows.py."""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from nbtrace.store.schema import Row

_MANY_GRAVES = 4_000


class AnyBatch(Protocol):
    """What rows are when they are sealed, whatever the signal."""

    @property
    def length(self) -> int:
        """How many rows it holds."""
        ...

    @property
    def nbytes(self) -> int:
        """The memory that it holds."""
        ...


Sealed = TypeVar("Sealed", bound=AnyBatch)


class Chunk(Generic[Sealed]):
    """Some rows, in the order in which they came: as rows first, as a batch once they are sealed."""

    __slots__ = ("batch", "grave", "number", "rows", "weight")

    def __init__(self, number: int) -> None:
        self.number = number
        self.grave = iter((number,))
        """Gives the number, once: whoever takes it counts the chunk as gone."""
        self.rows: list[Row] | None = []
        """None once they are sealed."""
        self.batch: Sealed | None = None
        self.weight = 0
        """Bytes: estimated as the rows come, exact when they are sealed."""

    def __bool__(self) -> bool:
        return True  # an empty one is one

    def __len__(self) -> int:
        rows = self.rows
        if rows is not None:
            return len(rows)
        assert self.batch is not None
        return self.batch.length

    def sealed(self, seal: Callable[[list[Row]], Sealed]) -> Sealed:
        """Seal the rows if they are not yet. Two who come at once both do it; the first one's batch stays."""
        rows = self.rows
        if rows is not None:
            batch = seal(rows)
            weight = batch.nbytes
            if self.rows is rows:  # nothing is called from here on, so nobody comes in between
                self.batch, self.weight = batch, weight
                self.rows = None  # last: until then readers take the rows
        assert self.batch is not None
        return self.batch


class Dropped:
    """How many rows the bound has pushed out: each chunk counts once, however often and by however many threads it is told."""

    def __init__(self) -> None:
        self._graves: dict[int, int] = {}
        self._buried: tuple[frozenset[int], int] = (frozenset(), 0)
        """Chunks that were counted last, and how many spans have been counted altogether."""
        self._burying = _thread.allocate_lock()

    def __contains__(self, chunk: Chunk[Any]) -> bool:
        return chunk.number in self._graves

    def note(self, chunk: Chunk[Any], chunks: deque[Chunk[Any]]) -> None:
        """Count a chunk as gone; it leaves `chunks` afterwards."""
        if chunk in chunks:
            # In one step: many threads come at the same time, some of them late, and an interrupt must not come in between.
            self._graves.update(zip(chunk.grave, (len(chunk),), strict=False))
        # Only ever tried, never waited for.
        if len(self._graves) > _MANY_GRAVES and self._burying.acquire(False):
            try:
                self._bury({each.number for each in list(chunks)})
            finally:
                self._burying.release()

    def _bury(self, present: set[int]) -> None:
        numbers, total = self._buried
        graves = self._graves.copy()
        gone = frozenset(number for number in graves if number not in present and number not in numbers)
        # In one step; what is left in the graves of those counted is passed over until it is deleted.
        self._buried = (gone, total + sum(graves[number] for number in gone))
        for number in (*gone, *numbers):
            self._graves.pop(number, None)

    def renew_lock(self) -> None:
        """In a forked child: whoever held it did not come along."""
        self._burying = _thread.allocate_lock()

    def add(self, spans: int) -> None:
        """Count spans that were gone before."""
        self._buried = (self._buried[0], self._buried[1] + spans)

    def total(self) -> int:
        """Return how many spans are gone."""
        numbers, total = self._buried
        return total + sum(length for number, length in self._graves.copy().items() if number not in numbers)
