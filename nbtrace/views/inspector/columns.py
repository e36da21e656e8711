"""The rows of a batch that are told of, as the columns of a frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrace.analysis.errors import errors
from nbtrace.store.batch import Batch

_UNFINISHED = 2
"""In the column `state`: the span has no end, but does not run any more."""


class Piece:
    """The rows of a batch, from `skip` on, that are told of."""

    def __init__(self, batch: Batch, skip: int, wanted: npt.NDArray[np.bool_] | None) -> None:
        self.batch = batch
        self.names: npt.NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)
        self._skip = skip
        over = is_over(batch, skip)
        self.ended = int(over.sum())
        """How many have ended, those that are left out included."""
        self._chosen = None if wanted is None or wanted.all() else np.flatnonzero(wanted)
        self.over = over if self._chosen is None else over[self._chosen]
        self.positions = np.arange(skip, batch.length) if self._chosen is None else self._chosen + skip
        self.length = len(self.positions)

    def column(self, name: str) -> Any:
        """A column of the spans table, these rows of it."""
        found = self.batch.spans[name].slice(self._skip)
        return found if self._chosen is None else found.take(pa.array(self._chosen))

    @property
    def first_ns(self) -> int:
        """The earliest start, in ns since the epoch."""
        return int(np.asarray(self.column("start_ns")).min())

    def ms(self, name: str, zero_ns: int) -> npt.NDArray[np.float64]:
        """A column of times in ms since `zero_ns`; NaN where there is none."""
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


def is_over(batch: Batch, skip: int) -> npt.NDArray[np.bool_]:
    """Whether spans do not run any more: they have an end, or will never have one."""
    ends = batch.spans["end_ns"].slice(skip)
    if not ends.null_count:
        return np.ones(len(ends), dtype=bool)
    over: npt.NDArray[np.bool_] = np.asarray(ends.is_valid())
    if "state" in batch.spans.schema.names:
        over = over | (np.asarray(batch.spans["state"].slice(skip)) == _UNFINISHED)
    return over


def together(arrays: list[Any], kind: Any) -> Any:
    """One array of all; of none an empty one of that Arrow type."""
    return pa.concat_arrays(arrays) if arrays else pa.array([], kind)
