"""CPU and memory over time."""

from __future__ import annotations

import pytest

from nbtrace.formats.counters import Cell, Steps, cores_busy, resident_memory
from nbtrace.store.book import Resources
from nbtrace.store.samples import SampleBatch
from nbtrace.store.schema import Thread
from tests.profiles import MS, OTHER, Made, at

pytestmark = pytest.mark.once

PIDS: dict[int | None, int] = {11: 11}


def samples(made: Made) -> tuple[SampleBatch, ...]:
    return made.store.snapshot().samples


def steps(found: Steps, unit: float = 1) -> list[tuple[float, float]]:
    """In ms since the beginning."""
    times, values = found
    return [((time - at(0)) / MS, value / unit) for time, value in zip(times.tolist(), values.tolist(), strict=True)]


def test_cores_are_what_threads_compute_together() -> None:
    """Each sample by its share, for as long as it stands for; where nobody looked, none."""
    made = Made()
    cell = made.cell("work()", 0, 100)
    made.sample(cell, 10, 10, 1)
    made.sample(cell, 20, 10, 1, cpu=5)
    made.sample(cell, 20, 5, 1, thread=OTHER)
    made.sample(cell, 50, 10, 1, cpu=-1)
    found = cores_busy(samples(made), PIDS, [])
    assert steps(found[11]) == [(0, 1), (10, 0.5), (15, 1.5), (20, 0)]


def test_neighbours_that_overlap_by_rounding_count_once() -> None:
    """Times are kept in hundredths of a millisecond: two samples of a thread are never two cores."""
    made = Made()
    cell = made.cell("work()", 0, 100)
    made.sample(cell, 10.004, 10.004, 1)
    made.sample(cell, 20.011, 10.02, 1)
    found = cores_busy(samples(made), PIDS, [])
    assert [value for _, value in steps(found[11])] == [1, 0]


def test_memory_is_told_where_it_changes() -> None:
    made = Made()
    cell = made.cell("work()", 0, 100)
    for time, megabytes in ((10, 16), (20, 16), (30, 48), (40, None)):
        made.sample(cell, time, 10, 1, memory=None if megabytes is None else megabytes * 2**20)
    found = resident_memory(samples(made), PIDS, [])
    assert steps(found[11], 2**20) == [(10, 16), (30, 48)]


def test_a_cell_without_samples_counts_by_its_resources() -> None:
    """One with samples by those alone."""
    made = Made()
    sampled, short = made.cell("work()", 0, 20), made.cell("x = 1", 30, 40)
    made.sample(sampled, 20, 20, 1, memory=16 * 2**20)
    for cell in (sampled, short):
        cell.resources = Resources(cpu_ns=5 * MS, memory_peak=32 * 2**20)
    cells = [Cell(11, at(0), at(20), sampled), Cell(11, at(30), at(40), short)]
    assert steps(cores_busy(samples(made), PIDS, cells)[11]) == [(0, 1), (20, 0), (30, 0.5), (40, 0)]
    assert steps(resident_memory(samples(made), PIDS, cells)[11], 2**20) == [(20, 16), (30, 32)]


def test_a_cell_of_whose_threads_the_system_does_not_tell_counts_by_its_resources() -> None:
    made = Made()
    cell = made.cell("work()", 0, 20)
    made.sample(cell, 10, 10, 1, cpu=-1)
    cell.resources = Resources(cpu_ns=30 * MS)
    assert steps(cores_busy(samples(made), PIDS, [Cell(11, at(0), at(20), cell)])[11]) == [(0, 1.5), (20, 0)]


def test_a_cell_of_which_only_workers_were_sampled_counts_by_its_resources_too() -> None:
    """Its own process took them; what the workers took is theirs."""
    made = Made()
    cell = made.cell("pool.map(f, x)", 0, 20)
    made.sample(cell, 20, 10, 1, thread=Thread(44, 1), memory=16 * 2**20)
    cell.resources = Resources(cpu_ns=5 * MS, memory_peak=32 * 2**20)
    pids: dict[int | None, int] = {11: 11, 44: 44}
    found = cores_busy(samples(made), pids, [Cell(11, at(0), at(20), cell)])
    assert {pid: steps(each) for pid, each in found.items()} == {44: [(10, 1), (20, 0)], 11: [(0, 0.25), (20, 0)]}
    memory = resident_memory(samples(made), pids, [Cell(11, at(0), at(20), cell)])
    assert {pid: steps(each, 2**20) for pid, each in memory.items()} == {44: [(20, 16)], 11: [(0, 32)]}


def test_nothing_is_told_of_what_nobody_looked_at() -> None:
    assert (cores_busy((), PIDS, []), resident_memory((), PIDS, [])) == ({}, {})
