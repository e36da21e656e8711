"""What a process took of the machine over time, as values that hold until the next one.

Enters: samples, and cells with what they took. Leaves: `Steps` for each process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nbtrace.store.book import Execution
from nbtrace.store.samples import TIME_UNIT_NS, SampleBatch

Moments = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


class Steps(NamedTuple):
    """Values, and since when each holds. No two neighbours are the same."""

    time_ns: Moments
    value: Values


@dataclass(frozen=True, slots=True)
class Cell:
    """An execution whose span is known."""

    pid: int
    start_ns: int
    end_ns: int
    execution: Execution


def cores_busy(
    batches: Sequence[SampleBatch], pids: Mapping[int | None, int], cells: Sequence[Cell]
) -> dict[int, Steps]:
    """Return how many cores the threads of each process kept busy together, by its number in `pids`.

    A sample says how much of its time its thread computed; where nobody looked it is 0. A cell that has no samples counts with
    the mean over its time, as nothing tells when in it the process computed; so does one of whose threads the system tells
    nothing, as macOS does."""
    found: dict[int, list[tuple[Moments, Moments, Values]]] = {}
    for batch in batches:
        pid = _process_of(batch, pids)
        time, wall, cpu = (batch.numbers(name) for name in ("time", "wall", "cpu"))
        began = _began(batch, time, wall)
        known = (cpu >= 0) & (time > began)
        for each in np.unique(pid[known]).tolist():
            here = known & (pid == each)
            found.setdefault(each, []).append(
                (began[here], time[here], np.minimum(1, cpu[here] / np.maximum(1, wall[here])))
            )
    for cell in _unsampled(batches, pids, cells, "cpu"):
        resources = cell.execution.resources
        if resources is not None and resources.cpu_ns is not None and cell.end_ns > cell.start_ns:
            moments = np.array([cell.start_ns]), np.array([cell.end_ns])
            mean = np.array([resources.cpu_ns / (cell.end_ns - cell.start_ns)])
            found.setdefault(cell.pid, []).append((*moments, mean))
    return {pid: _sum(pieces) for pid, pieces in found.items()}


def resident_memory(
    batches: Sequence[SampleBatch], pids: Mapping[int | None, int], cells: Sequence[Cell]
) -> dict[int, Steps]:
    """Return the resident memory of each process in bytes, by its number in `pids`. Of a cell without samples the peak stands at
    its beginning."""
    found: dict[int, list[tuple[Moments, Moments]]] = {}
    for batch in batches:
        pid = _process_of(batch, pids)
        time, memory = batch.numbers("time"), batch.numbers("memory")
        for each in np.unique(pid[memory >= 0]).tolist():
            here = (memory >= 0) & (pid == each)
            found.setdefault(each, []).append((time[here], memory[here]))
    for cell in _unsampled(batches, pids, cells):
        resources = cell.execution.resources
        if resources is not None and resources.memory_peak is not None:
            found.setdefault(cell.pid, []).append((np.array([cell.start_ns]), np.array([resources.memory_peak])))
    steps = {}
    for number, pieces in found.items():
        times, values = (np.concatenate(column) for column in zip(*pieces, strict=True))
        order = np.argsort(times, kind="stable")
        steps[number] = _changes(times[order], values[order].astype(np.float64))
    return steps


def _began(batch: SampleBatch, time: Moments, wall: Moments) -> Moments:
    """Since when each sample holds. Times are rounded: what begins about where the thread's last one ended begins there, or
    the two would count as two cores for a moment."""
    began = time - wall
    thread = np.asarray(batch.samples.column("thread").indices).astype(np.int64)
    order = np.lexsort((time, thread))
    last, this = order[:-1], order[1:]
    same = (thread[last] == thread[this]) & (began[this] < time[last] + _ABOUT_NS)
    began[this[same]] = time[last[same]]
    return began


_ABOUT_NS = 4 * TIME_UNIT_NS


def _process_of(batch: SampleBatch, pids: Mapping[int | None, int]) -> Moments:
    """The number of the process of each sample."""
    threads = batch.samples.column("thread")
    numbers = np.array([pids[each["process_pid"]] for each in threads.dictionary.to_pylist()], dtype=np.int64)
    return numbers[np.asarray(threads.indices).astype(np.int64)]


def _unsampled(
    batches: Sequence[SampleBatch], pids: Mapping[int | None, int], cells: Sequence[Cell], tell: str = "time"
) -> list[Cell]:
    """The cells that have no samples of their own process that tell a number."""
    sampled: set[tuple[int, int]] = set()
    for batch in batches:
        known = batch.numbers(tell) >= 0
        pairs = np.unique(np.stack([batch.numbers("cell")[known], _process_of(batch, pids)[known]]), axis=1)
        sampled.update(zip(*pairs.tolist(), strict=True))
    return [cell for cell in cells if (cell.execution.number, cell.pid) not in sampled]


def _sum(pieces: Sequence[tuple[Moments, Moments, Values]]) -> Steps:
    """What holds from one moment to another, added up."""
    began, ended, value = (np.concatenate(column) for column in zip(*pieces, strict=True))
    moments, place = np.unique(np.concatenate([began, ended]), return_inverse=True)
    change = np.zeros(len(moments))
    np.add.at(change, place, np.concatenate([value, -value]))
    # Rounded, as sums of parts leave a trace where there should be nothing.
    return _changes(moments, np.maximum(0, np.round(np.cumsum(change), 3)))


def _changes(moments: Moments, values: Values) -> Steps:
    changed = np.ones(len(values), dtype=bool)
    changed[1:] = values[1:] != values[:-1]
    return Steps(moments[changed], values[changed])
