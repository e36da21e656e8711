"""Frames: the form in which the inspector in the browser is told things, and which spans of a batch one is about.

A frame is the length of its header (4 bytes, little-endian), the header as JSON, and the columns, each from a multiple of 8
on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrace.store.batch import Batch

Frame = bytes
Ints = npt.NDArray[np.int64]

DETAILS_PER_FRAME = 1_000


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


@dataclass(frozen=True, slots=True)
class Placed:
    """Spans of a batch that have been told of: where they stand in it, ascending, and the rows that they have."""

    batch: Batch
    positions: Ints
    rows: npt.NDArray[np.int32]
    until: int = sys.maxsize
    """They are forgotten when so many ended spans are."""

    def slices(self) -> Iterator[Placed]:
        """Yield them in pieces, each for one frame of details."""
        for low in range(0, len(self.rows), DETAILS_PER_FRAME):
            cut = slice(low, low + DETAILS_PER_FRAME)
            yield Placed(self.batch, self.positions[cut], self.rows[cut], self.until)


def below(table: Any, positions: Ints) -> tuple[Ints, Ints]:
    """The rows of a table of events or links that belong to spans, and which of the spans each belongs to."""
    nothing = np.zeros(0, dtype=np.int64)
    if not table.num_rows or not len(positions):
        return nothing, nothing
    # Both ascend: only the part that can matter is looked at.
    owners = np.asarray(table["row"])
    low, high = np.searchsorted(owners, [positions[0], positions[-1] + 1])
    place = np.searchsorted(positions, owners[low:high])
    hit = positions[place] == owners[low:high]
    return np.flatnonzero(hit) + low, place[hit]
