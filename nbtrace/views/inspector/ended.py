"""Spans that the browser has been told of and that have ended, in the order in which the recording forgets them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FORGOTTEN_AT_ONCE = 16
"""Rows that the recording has dropped are forgotten when they are more than this part of what it holds: so often that a step
is small, so rarely that it does not come with every frame."""

MIN_PIECE = 1_000
"""Rows below which pieces are put together."""


def held_part(held: int | None) -> float:
    """How many rows more than the recording holds stay with the browser; none are forgotten where that is not known."""
    return math.inf if held is None else held // FORGOTTEN_AT_ONCE


@dataclass(frozen=True, slots=True)
class Ended:
    """Spans that have been told of and have ended, in the order of the recording; -1 for one that was left out."""

    rows: npt.NDArray[np.int32]
    names: npt.NDArray[np.uint32]
    cells: npt.NDArray[np.int32]

    def part(self, which: slice) -> Ended:
        """Those of them."""
        return Ended(self.rows[which], self.names[which], self.cells[which])

    def and_then(self, later: Ended) -> Ended:
        """These, and behind them those that ended later."""
        return Ended(
            np.concatenate([self.rows, later.rows]),
            np.concatenate([self.names, later.names]),
            np.concatenate([self.cells, later.cells]),
        )

    def filled(self, length: int) -> Ended:
        """With those left out in front, so that numbers of spans agree with the recording's."""
        missing = length - len(self.rows)
        if not missing:
            return self
        nothing = np.full(missing, -1, dtype=np.int32)
        return Ended(
            np.concatenate([nothing, self.rows]),
            np.concatenate([nothing.astype(np.uint32), self.names]),
            np.concatenate([nothing, self.cells]),
        )
