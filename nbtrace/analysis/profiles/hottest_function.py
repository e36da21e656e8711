"""The function in which most of a cell's time has gone so far, counted on while the cell runs.

Enters: sealed samples, as they come. Leaves: `Hottest`, from the time that samples stand for by their innermost frames. Where
other processes work for a cell, those that wait for them have none of it. What hotspots.py allots is the time of a whole
snapshot; this only adds what has come since, as an open inspector asks three times a second. What fewer than ten samples support
is not told: a line that ends beside the cell's code has no room to say so."""

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
    """From 0 to 1, of what all samples of the cell stand for that count."""
    samples: int


class _Heat:
    """What has been counted of one cell."""

    __slots__ = ("functions", "pids")

    def __init__(self) -> None:
        self.functions: dict[tuple[str, str], tuple[int, int, int, int]] = {}
        """By function and file: time and samples, and of these those in which the thread waited."""
        self.pids: set[int | None] = set()


class Heat:
    """Adds up the time of functions, without what they call, by cell."""

    def __init__(self) -> None:
        self._cells: dict[int, _Heat] = {}

    def add(self, batch: SampleBatch, skip: int, cells: Collection[int]) -> None:
        """Count the samples of these cells (numbers of executions) in a batch, from the row `skip` on."""
        if not batch.length or not batch.stacks.num_rows:
            return
        cell, wall, cpu = (batch.numbers(name)[skip:] for name in ("cell", "wall", "cpu"))
        waits = (cpu >= 0) & (2 * cpu < wall)
        frame = np.asarray(batch.stacks["frame"])[np.asarray(batch.samples.column("stack"))[skip:]]
        frames = batch.frames.num_rows
        threads = batch.samples.column("thread")
        pids = [each["process_pid"] for each in threads.dictionary.to_pylist()]
        thread = np.asarray(threads.indices)[skip:]
        for number in cells:
            own = cell == number
            if not own.any():
                continue
            heat = self._cells.setdefault(number, _Heat())
            heat.pids.update(pids[at] for at in np.unique(thread[own]).tolist())
            counted = [
                np.bincount(frame[rows], weights=weights, minlength=frames)
                for rows in (own, own & waits)
                for weights in (wall[rows], None)
            ]
            for at in np.flatnonzero(counted[1]).tolist():
                key = (batch.frames["function"][at].as_py(), batch.frames["file"][at].as_py())
                before = heat.functions.get(key, (0, 0, 0, 0))
                time, count, waited, waits_ = (old + int(new[at]) for old, new in zip(before, counted, strict=True))
                heat.functions[key] = (time, count, waited, waits_)

    def keep(self, cells: Collection[int]) -> None:
        """Forget all cells but these."""
        self._cells = {number: heat for number, heat in self._cells.items() if number in cells}

    def hottest(self, cell: int) -> Hottest | None:
        """Return the hottest function of a cell; None where nothing has been counted, or too little."""
        heat = self._cells.get(cell)
        if heat is None:
            return None
        several = len(heat.pids) > 1
        left = {
            key: (time - waited * several, count - waits * several)
            for key, (time, count, waited, waits) in heat.functions.items()
        }
        whole = sum(time for time, _ in left.values())
        if whole <= 0:
            return None
        (function, file), (time, samples) = max(left.items(), key=lambda each: each[1][0])
        return None if samples < FEW else Hottest(function, file, time / whole, samples)
