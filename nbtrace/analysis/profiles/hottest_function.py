"""The function in which most of a cell's time has gone so far, counted on while the cell runs.

Enters: sealed samples, as they come. Leaves: `Hottest`, from the time that samples stand for by their innermost frames. What
hotspots.py allots is the time of a whole snapshot; this only adds what has come since, as an open inspector asks three times a
second. What fewer than ten samples support is not told: a line that ends beside the cell's code has no room to say so."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from nbtrace.analysis.profiles.profile import FEW
from nbtrace.store.samples import SampleBatch


class Hottest(NamedTuple):
    """A function, and how much of its cell's samples it has by itself."""

    function: str
    file: str
    share: float
    """From 0 to 1, of what all samples of the cell stand for."""
    samples: int


class Heat:
    """Adds up the time of functions, without what they call, by cell."""

    def __init__(self) -> None:
        self._cells: dict[int, dict[tuple[str, str], tuple[int, int]]] = {}

    def add(self, batch: SampleBatch, skip: int, cells: Collection[int]) -> None:
        """Count the samples of these cells (numbers of executions) in a batch, from the row `skip` on."""
        if not batch.length or not batch.stacks.num_rows:
            return
        cell, wall = batch.numbers("cell")[skip:], batch.numbers("wall")[skip:]
        frame = np.asarray(batch.stacks["frame"])[np.asarray(batch.samples.column("stack"))[skip:]]
        frames = batch.frames.num_rows
        for number in cells:
            own = cell == number
            if not own.any():
                continue
            times = np.bincount(frame[own], weights=wall[own], minlength=frames)
            counts = np.bincount(frame[own], minlength=frames)
            heat = self._cells.setdefault(number, {})
            for at in np.flatnonzero(counts).tolist():
                key = (batch.frames["function"][at].as_py(), batch.frames["file"][at].as_py())
                time, count = heat.get(key, (0, 0))
                heat[key] = time + int(times[at]), count + int(counts[at])

    def keep(self, cells: Collection[int]) -> None:
        """Forget all cells but these."""
        self._cells = {number: heat for number, heat in self._cells.items() if number in cells}

    def hottest(self, cell: int) -> Hottest | None:
        """Return the hottest function of a cell; None where nothing has been counted, or too little."""
        heat = self._cells.get(cell)
        whole = sum(time for time, _ in heat.values()) if heat else 0
        if not heat or whole <= 0:
            return None
        (function, file), (time, samples) = max(heat.items(), key=lambda each: each[1][0])
        return None if samples < FEW else Hottest(function, file, time / whole, samples)
