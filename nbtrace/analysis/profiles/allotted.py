"""The time of cells, allotted: to each sample what it stands for, to each statement what was not sampled in it.

Enters: a snapshot, and its samples with their places. Leaves: an `Allotted`. For each cell the weights of the samples on its own
thread and what the statements have left add up to its duration, whatever the sampler missed or counted twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.analysis.profiles.cell_code import CellCode
from nbtrace.analysis.profiles.places import MODULE, Places, places
from nbtrace.analysis.profiles.processes import elsewhere, processes
from nbtrace.analysis.profiles.profile import Bools, Ints, Profile, profile
from nbtrace.analysis.profiles.statements import Statements, noted
from nbtrace.store.span_store import Snapshot

Floats = npt.NDArray[np.float64]

_DENSE = 4_000_000
"""Numbers up to this one are looked up in a table."""


@dataclass(frozen=True, slots=True)
class Ran:
    """When executions ran, in ns since the epoch; a running one until the latest that is known of it."""

    number: Ints
    """Of those of which anything is known, ascending."""
    start: Ints
    end: Ints
    running: Bools

    def place(self, numbers: Ints) -> Ints:
        """Return the place of each execution; -1 for none."""
        if not len(self.number):
            return np.full(len(numbers), -1, dtype=np.int64)
        if self.number[-1] < _DENSE:
            table = np.full(self.number[-1] + 2, -1, dtype=np.int64)
            table[self.number] = np.arange(len(self.number))
            return table[np.clip(numbers, 0, self.number[-1] + 1)]
        found = np.minimum(np.searchsorted(self.number, numbers), len(self.number) - 1)
        return np.where(self.number[found] == numbers, found, -1)


@dataclass(frozen=True, slots=True)
class Allotted:
    """Samples with their weights, and statements with what is left of them."""

    samples: Profile
    where: Places
    code: CellCode
    ran: Ran
    statements: Statements
    """Within their cells; one that runs ends where its cell does."""
    own: Bools
    """By sample: whether it is of the cell's own thread."""
    process: Ints
    """By sample: a number for its process, from 0."""
    elsewhere: Bools
    """By sample: whether its process is another than the cell's."""
    statement: Ints
    """By sample: the statement during which it was taken; -1 between two, or outside a cell."""
    weight: Floats
    """By sample: how long it stands for, in ns."""
    left: Floats
    """By statement: how long of it was not sampled, in ns."""
    outside: Floats
    """By execution in `ran`: how long of it neither a statement nor a sample has."""


def allotted(snapshot: Snapshot) -> Allotted:
    """Return the samples and statements of a snapshot with their shares of the time."""
    samples, code = profile(snapshot), CellCode(snapshot.executions)
    where, statements = places(samples, code), noted(snapshot)
    ran = _ran(snapshot, statements, samples)
    cell = ran.place(statements.cell)
    begin = np.clip(statements.start, ran.start[cell], ran.end[cell])
    until = np.where(statements.end < 0, ran.end[cell], np.clip(statements.end, begin, ran.end[cell]))
    statements = Statements(
        statements.cell, statements.first_line, statements.last_line, begin, until, statements.status
    )
    place = ran.place(samples.cell)
    others = elsewhere(snapshot, samples.threads, samples.thread, samples.cell, samples.time)
    own = _own(samples, where, code, ran, place) & ~others
    # A sample lies before its moment, and never reaches back beyond the beginning of its statement.
    moment = np.where(own, samples.time - samples.wall // 2, samples.time - 1)
    statement = _running(statements, ran, cell, place, moment)
    # What lies between statements has a place of its own behind them: one for each execution.
    many = len(begin)
    slot = np.where(statement >= 0, statement, many + place)
    length = np.concatenate([until - begin, ran.end - ran.start]).astype(np.float64)
    length[many:] -= sums(cell, length[:many], len(ran.number))
    length = np.maximum(length, 0.0)
    taken = sums(slot[own], samples.wall[own], len(length))
    scale = np.minimum(1.0, np.divide(length, taken, out=np.ones_like(length), where=taken > 0))
    weight = samples.wall.astype(np.float64)
    weight[own] *= scale[slot[own]]
    left = np.maximum(length - taken, 0.0)
    return Allotted(
        samples=samples,
        where=where,
        code=code,
        ran=ran,
        statements=statements,
        own=own,
        process=processes(samples.threads, samples.thread),
        elsewhere=others,
        statement=statement,
        weight=weight,
        left=left[:many],
        outside=left[many:],
    )


def sums(key: Ints, values: npt.NDArray[Any] | None, length: int) -> Floats:
    """Return the sum of the values of each key, from 0 to `length`; without values, how many there are."""
    return np.bincount(key, weights=values, minlength=length).astype(np.float64)


def _ran(snapshot: Snapshot, statements: Statements, samples: Profile) -> Ran:
    """The times of executions: of their own spans, or of what is known where those are gone."""
    of_span = {f"{each.span_id:016x}": each.number for each in snapshot.executions if each.span_id}
    number, start, end = [], [], []
    wanted = pa.array(of_span, pa.large_string())
    for batch in snapshot.batches if of_span else ():
        ids = batch.spans["span_id"]
        rows = pc.indices_nonzero(pc.is_in(ids, value_set=wanted.cast(ids.type)))
        number += [of_span[span_id] for span_id in ids.take(rows).to_pylist()]
        start.append(_column(batch.spans["start_ns"].take(rows)))
        end.append(_column(batch.spans["end_ns"].take(rows)))
    known = np.array(number, dtype=np.int64)
    starts, ends = _joined(start), _joined(end)
    # Whatever else is known of it: a running cell has come so far, and of one whose span is gone that is all there is.
    inside = (samples.cell > 0) & ~np.isin(samples.cell, known[ends >= 0])
    moments = np.concatenate([statements.cell, statements.cell, samples.cell[inside], samples.cell[inside]])
    seen = np.concatenate(
        [
            statements.start,
            np.maximum(statements.start, statements.end),
            samples.time[inside] - samples.wall[inside],
            samples.time[inside],
        ]
    )
    every, at = np.unique(np.concatenate([known, moments]), return_inverse=True)
    first = np.full(len(every), np.iinfo(np.int64).max)
    last = np.zeros(len(every), dtype=np.int64)
    np.minimum.at(first, at[len(known) :], seen)
    np.maximum.at(last, at[len(known) :], seen)
    first[at[: len(known)]] = starts
    has_end = np.zeros(len(every), dtype=bool)
    has_end[at[: len(known)]] = ends >= 0
    last[at[: len(known)]] = np.where(ends >= 0, ends, last[at[: len(known)]])
    has_span = np.isin(every, known)
    return Ran(every, first, np.maximum(first, last), has_span & ~has_end)


def _own(samples: Profile, where: Places, code: CellCode, ran: Ran, place: Ints) -> Bools:
    """Which samples are of the thread of their cell, or of one that was forked from it: the outermost frame is the cell's own."""
    if not len(where.root):
        return np.zeros(len(samples), dtype=bool)
    file_place = {file: at for at, file in enumerate(where.files)}
    # A cell of which no file is known runs on the thread with a `<module>` at the bottom.
    expected = [file_place[code.file(each)] if code.has_file(each) else -1 for each in ran.number.tolist()]
    file = np.array([*expected, -2], dtype=np.int64)[place]
    root = np.where(samples.stack < 0, 0, where.root[samples.stack])
    module = np.array([name == MODULE for name in where.functions], dtype=bool)[where.function[root]]
    return np.asarray(((where.file[root] == file) | (file == -1)) & module & (samples.stack >= 0))


def _running(statements: Statements, ran: Ran, cell: Ints, place: Ints, moment: Ints) -> Ints:
    """Which statement of its execution ran at each moment; -1 for none. cell, place: the execution of each statement and of each
    moment, as its place in `ran`."""
    if not len(cell) or not len(place):
        return np.full(len(place), -1, dtype=np.int64)
    # The executions one behind the other on one axis, on which each moment follows the last statement that began before it.
    longest = int(np.max(ran.end - ran.start, initial=0)) + 2
    unit = len(ran.number) * longest // 2**62 + 1

    def on_axis(of: Ints, time: Ints) -> Ints:
        since: Ints = np.clip(time - ran.start[of], 0, longest - 1)
        return of * (longest // unit + 1) + since // unit

    found = np.searchsorted(on_axis(cell, statements.start), on_axis(place, moment), side="right") - 1
    fits = (found >= 0) & (place >= 0) & (cell[found] == place) & (moment <= statements.end[found])
    return np.where(fits, found, -1)


def _column(values: Any) -> Ints:
    return np.asarray(values.fill_null(-1)).astype(np.int64)


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
