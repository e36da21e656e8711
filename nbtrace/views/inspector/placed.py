"""Which spans of a batch have been told of, and what in the batch belongs to them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrace.store.batch import Batch

Ints = npt.NDArray[np.int64]

Choice = Callable[[Batch], npt.NDArray[np.bool_]]
"""Gives for each span of a batch whether it is told of."""

DETAILS_PER_FRAME = 1_000


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
