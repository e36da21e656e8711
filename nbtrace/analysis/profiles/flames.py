"""Samples as a person reads them in a flame graph: a cell's line as `cell [4] line 3`, a thread by its name, and by its
process where that is another than the cell's.

Enters: a store's `Snapshot`, and which samples are wanted. Leaves: `Flames`. A frame of the notebook's code is its line, below
the function where it is in one, so that both add up; a frame of a file is its function, wherever in it the thread was."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.analysis.profiles.cell_code import TIMED, CellCode, cell_name
from nbtrace.analysis.profiles.processes import elsewhere
from nbtrace.formats.flames import Flame, Flames, Frame
from nbtrace.store.samples import SampleBatch
from nbtrace.store.schema import Thread
from nbtrace.store.span_store import Snapshot
from nbtrace.store.workers import process_name, worker_names

Ints = npt.NDArray[np.int64]

_MODULE = "<module>"
_NO_FRAME = Frame("no Python frame")


class NoSamplesError(ValueError):
    """A profile of what has no samples."""


def no_samples(snapshot: Snapshot, *, narrowed: bool) -> NoSamplesError:
    """Return the error that says why there are none, and what to type."""
    count = sum(batch.length for batch in snapshot.samples)
    if count and narrowed:
        return NoSamplesError(
            f"none of the {count:,} samples is of what was asked for: a cell of less than 10 ms has none. "
            "Leave out a condition, or type nbtrace.cells() to see which cells there are."
        )
    dropped = f", and {snapshot.dropped_samples:,} have been dropped" if snapshot.dropped_samples else ""
    return NoSamplesError(
        f"this recording has no samples{dropped}, and a profile is made of them. Type %config NBTrace.sampling = 100 and run a "
        "cell that takes more than 10 ms; in a program record with nbtrace.record(sampling=100)."
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which samples."""

    cells: Collection[int] | None = None
    """Numbers of executions, 0 for outside a cell; None for all."""
    spans: Collection[str] | None = None
    """Ids of spans, in hex; None for all."""
    own: Collection[int] = ()
    """Executions whose own span is among these: where it is not known which span was current, it is that one."""


def flames(snapshot: Snapshot, wanted: Wanted) -> Flames:
    """Return the samples that are wanted, by the cells for which the threads worked; those outside a cell come last."""
    samples = _samples(snapshot, wanted)
    code = CellCode(snapshot.executions)
    names = _Names(code, samples)
    titles = _titles(snapshot, set(np.unique(samples.cell).tolist()), wanted)
    parts = []
    for cell, rows in samples.by_cell():
        execution = code.by_number.get(cell)
        name = (
            cell_name(execution)
            if execution
            else "cell [ ]"
            if cell
            else "outside cells"
            if code.by_number
            else "program"
        )
        parts.append(_flame(titles.get(cell, name), samples, names, cell, rows))
    return Flames(names.frames, names.stacks, [part for part in parts if part.stacks])


@dataclass(frozen=True, slots=True)
class _Samples:
    """The samples of all batches, and the nodes and frames that they name."""

    cell: Ints
    time: Ints
    wall: Ints
    node: Ints
    """-1 for a thread without a frame."""
    thread: Ints
    threads: list[Thread]
    elsewhere: npt.NDArray[np.bool_]
    """Whether it is of another process than its cell."""
    above: list[int]
    frame: list[int]
    frames: list[tuple[str, str, int, int]]
    """Function, file, line, first line."""
    workers: dict[int, str]
    """What processes are called that are workers of an engine."""

    def by_cell(self) -> Iterator[tuple[int, Ints]]:
        """Give each cell's number with the rows of its samples, in the order of time."""
        order = np.lexsort((self.time, self.cell))
        cells, starts = np.unique(self.cell[order], return_index=True)
        groups = list(zip(cells.tolist(), np.split(order, starts[1:]) if len(order) else [], strict=True))
        yield from (group for group in groups if group[0])
        yield from (group for group in groups if not group[0])


def _samples(snapshot: Snapshot, wanted: Wanted) -> _Samples:
    columns: dict[str, list[Ints]] = {name: [] for name in ("cell", "time", "wall", "node", "thread")}
    above: list[int] = []
    frame: list[int] = []
    frames: list[tuple[str, str, int, int]] = []
    threads: dict[Thread, int] = {}
    for batch in snapshot.samples:
        kept = _kept(batch, wanted)
        place = [
            threads.setdefault(Thread(**each), len(threads)) for each in batch.samples["thread"].dictionary.to_pylist()
        ]
        thread: Ints = np.array([*place, -1], dtype=np.int64)[_whole(batch.samples["thread"].indices, -1)]
        nodes = batch.stacks.num_rows
        stack = _whole(batch.samples["stack"]) + len(above) if nodes else np.full(batch.length, -1, dtype=np.int64)
        found = {"node": stack, "thread": thread, **{name: batch.numbers(name) for name in ("cell", "time", "wall")}}
        for name, values in found.items():
            columns[name].append(values[kept])
        above += [each if each < 0 else each + len(above) for each in batch.stacks["above"].to_pylist()]
        frame += [each + len(frames) for each in batch.stacks["frame"].to_pylist()]
        texts = (batch.frames[name].to_pylist() for name in ("function", "file", "line", "first_line"))
        frames += zip(*texts, strict=True)
    empty = [np.zeros(0, dtype=np.int64)]
    joined = {name: np.concatenate(values or empty) for name, values in columns.items()}
    known = list(threads)
    others = elsewhere(snapshot, known, joined["thread"], joined["cell"], joined["time"])
    workers = worker_names(snapshot.batches)
    return _Samples(**joined, threads=known, elsewhere=others, above=above, frame=frame, frames=frames, workers=workers)


def _whole(values: Any, missing: int = 0) -> Ints:
    return np.asarray(values.fill_null(missing)).astype(np.int64)


def _kept(batch: SampleBatch, wanted: Wanted) -> npt.NDArray[np.bool_]:
    kept = np.ones(batch.length, dtype=bool)
    if wanted.cells is not None:
        kept &= np.isin(batch.numbers("cell"), list(wanted.cells))
    if wanted.spans is not None:
        spans = batch.samples["span"]
        hit = np.array([each["span_id"] in wanted.spans for each in spans.dictionary.to_pylist()] + [False], dtype=bool)
        place = _whole(spans.indices, -1)
        kept &= hit[place] | ((place < 0) & np.isin(batch.numbers("cell"), list(wanted.own)))
    return kept


def _flame(name: str, samples: _Samples, names: _Names, cell: int, rows: Ints) -> Flame:
    """The samples of a cell: its own thread's first, then the others' as they came. Those of threads at one time would else
    stand among each other, and each of them in a thousand pieces."""
    node, thread, wall = samples.node[rows], samples.thread[rows], samples.wall[rows]
    pairs, first, place = np.unique(np.stack([thread, node]), axis=1, return_index=True, return_inverse=True)
    place = place.reshape(-1)
    pair_list = list(zip(*pairs.tolist(), strict=True))
    away = {samples.threads[each].process_pid for each in np.unique(thread[samples.elsewhere[rows]]).tolist()}
    own = {t for t, node in pair_list if names.is_own(node, cell) and samples.threads[t].process_pid not in away}
    # In a program with one thread there is nothing to tell apart.
    alone = not cell and len(set(thread.tolist())) == 1
    if not cell and len(pids := {each.process_pid for each in samples.threads}) > 1:
        away = pids
    called = {
        t: None if alone or t in own else _called(samples.threads[t], away, samples.workers)
        for t in set(thread.tolist())
    }
    stack = [names.stack(node, cell, called[t]) for t, node in pair_list]
    began: dict[int, int] = {}
    for t, row in zip(pairs[0].tolist(), first.tolist(), strict=True):
        began[t] = min(began.get(t, row), row)
    rank = np.array([-1 if t in own else began[t] for t in pairs[0].tolist()], dtype=np.int64)
    order = np.argsort(rank[place], kind="stable")
    order = order[wall[order] > 0]
    stacks: Ints = np.array(stack, dtype=np.int64)[place[order]]
    if not len(stacks):
        return Flame(name, [], [])
    starts = np.flatnonzero(np.append(True, stacks[1:] != stacks[:-1]))
    return Flame(name, stacks[starts].tolist(), np.add.reduceat(wall[order], starts).tolist())


def _called(thread: Thread, away: Collection[int | None], workers: dict[int, str]) -> str:
    """What a thread is called: by its name, in another process by that too, whose threads may all be called the same."""
    name = f"thread {thread.thread_name or thread.thread_id or '?'}"
    if thread.process_pid not in away:
        return name
    process = process_name(thread.process_pid, workers)
    return process if thread.thread_name == "MainThread" else f"{process} {name}"


class _Names:
    """Names of frames and stacks, each once."""

    def __init__(self, code: CellCode, samples: _Samples) -> None:
        self._code = code
        self._samples = samples
        self._outermost: list[int] = []
        for node, above in enumerate(samples.above):  # a node stands behind the one above it
            self._outermost.append(node if above < 0 else self._outermost[above])
        self.frames: list[Frame] = []
        self.stacks: list[tuple[int, ...]] = []
        self._frame_numbers: dict[Frame, int] = {}
        self._stack_numbers: dict[tuple[int, ...], int] = {}
        self._paths: dict[tuple[int, int], tuple[int, ...]] = {}
        self._named: dict[tuple[int, str, int], tuple[int, ...]] = {}

    def is_own(self, node: int, cell: int) -> bool:
        """Whether a stack begins with the cell's own frame: in the thread that runs it."""
        execution = self._code.by_number.get(cell)
        if execution is None or node < 0:
            return False
        function, file, *_ = self._samples.frames[self._samples.frame[self._outermost[node]]]
        return function == _MODULE and file == execution.file

    def stack(self, node: int, cell: int, thread: str | None) -> int:
        """Return the number of a stack, below what its thread is called if that is given."""
        path = self._path(node, cell)
        if thread is not None:
            path = (self._number(Frame(thread)), *path)
        path = path or (self._number(_NO_FRAME),)
        number = self._stack_numbers.setdefault(path, len(self.stacks))
        if number == len(self.stacks):
            self.stacks.append(path)
        return number

    def _path(self, node: int, cell: int) -> tuple[int, ...]:
        chain = []
        while node >= 0 and (node, cell) not in self._paths:
            chain.append(node)
            node = self._samples.above[node]
        path = self._paths[node, cell] if node >= 0 else ()
        for each in reversed(chain):
            path += self._frame(each, cell)
            self._paths[each, cell] = path
        return path

    def _frame(self, node: int, cell: int) -> tuple[int, ...]:
        frames, frame = self._samples.frames, self._samples.frame[node]
        # What %%time runs is compiled as no file: the cell at the bottom tells whose it is.
        within = frames[self._samples.frame[self._outermost[node]]][1] if frames[frame][1] in TIMED else ""
        key = (frame, within, cell)
        if key not in self._named:
            self._named[key] = tuple(self._number(each) for each in self._said(*frames[frame], within, cell))
        return self._named[key]

    def _said(self, function: str, file: str, line: int, first_line: int, within: str, cell: int) -> list[Frame]:
        execution = self._code.ran(within or file, cell)
        above = self._code.timed_body(execution) if within and execution else None
        if execution is None or (within and above is None):
            return [Frame(function, file, line if function == _MODULE else first_line)]
        if above is None:
            line, first_line = execution.typed_line(line), execution.typed_line(first_line)
        else:
            line, first_line = line + above, first_line + above
        name = cell_name(execution)
        said = [] if function == _MODULE else [Frame(function, name, first_line)]
        return [*said, Frame(f"{name} line {line}", name, line)] if line > 0 else said or [Frame(name, name)]

    def _number(self, frame: Frame) -> int:
        number = self._frame_numbers.setdefault(frame, len(self.frames))
        if number == len(self.frames):
            self.frames.append(frame)
        return number


def _titles(snapshot: Snapshot, cells: Collection[int], wanted: Wanted) -> dict[int, str]:
    """The names of the cells' own spans, which have their first line of code, by the number of the execution; of spans that are
    wanted, as nothing is told of others."""
    known = {f"{each.span_id:016x}": each.number for each in snapshot.executions if each.span_id}
    number = {
        span_id: cell
        for span_id, cell in known.items()
        if cell in cells and (wanted.spans is None or span_id in wanted.spans)
    }
    found = {}
    for batch in snapshot.batches:
        ids = batch.spans["span_id"]
        rows = np.flatnonzero(np.asarray(pc.is_in(ids, value_set=pa.array(list(number), ids.type))))
        for row in rows.tolist():
            found[number[ids[row].as_py()]] = batch.spans["name"][row].as_py()
    return found
