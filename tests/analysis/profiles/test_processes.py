"""Cells that have a pool: what their workers did beside the thread that waits for them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.analysis.profiles.allotted import allotted
from nbtrace.analysis.profiles.hottest import hottest
from nbtrace.analysis.profiles.hottest_function import Heat, Hottest
from nbtrace.analysis.profiles.profile import FEW
from nbtrace.store.book import Execution, Resources
from nbtrace.store.schema import Thread
from tests.analysis.profiles.test_hotspots import ms
from tests.profiles import MERGE, OTHER, OWN_FILE, TAKE, Frame, Made

pytestmark = pytest.mark.once

MB = 2**20
WAIT: Frame = ("Condition.wait", "/opt/lib/python3.12/threading.py", 300, 280)
MAP: Frame = ("Pool.map", "/opt/lib/python3.12/multiprocessing/pool.py", 360, 350)
VALIDATE: Frame = (
    "cross_validate",
    "/opt/lib/python3.12/site-packages/sklearn/model_selection/_validation.py",
    400,
    300,
)
MAIN: Frame = ("<module>", "<string>", 1)
WORKERS = [Thread(4_000 + n, 1, "MainThread") for n in range(4)]
FIT = "def fit(data):\n    x = load(data)\n    return x.merge(x)"


class Pool(Made):
    """A cell that defines a function, and one that has a pool run it: for a second, unless it is told otherwise."""

    def __init__(self, end: float = 1_000, source: str = "pool.map(fit, data)") -> None:
        super().__init__()
        self.defined = self.cell(FIT, -10, -5, [(-10, 1, 3)])
        self.execution: Execution = self.cell(source, 0, end, [(0, 1, 1 + source.count("\n"))])

    def waits(self, start: float, end: float, called: Frame = MAP, step: float = 10) -> None:
        """The cell's own thread does nothing in what its first line has called."""
        self.looks(start, end, 1, called, WAIT, cpu=0, step=step)

    def looks(self, start: float, end: float, *frames: Any, step: float = 10, **more: Any) -> None:
        time = start + step
        while time <= end:
            self.sample(self.execution, time, step, *frames, **more)
            time += step

    def works(self, worker: Thread, start: float, end: float, *more: Frame, line: int = 3, step: float = 10) -> None:
        """A worker runs a line of the function that the first cell has defined."""
        self.looks(start, end, MAIN, ("fit", self.defined.file, line, 1), *more, thread=worker, step=step)


def hot(made: Pool) -> str:
    return hottest(allotted(made.store.snapshot()))[made.execution.number]


def lines(made: Pool, *columns: str) -> list[Any]:
    table = made.recording.lines(cell=made.execution.execution_count)
    return ms(table, "code_cell", "line", *columns)


def test_a_line_that_workers_run_at_once_has_its_time_once_and_says_that_it_was_workers() -> None:
    """Four of them for the same 0.8 s, each with looks of its own; the line that had them work is measured, and no share is more
    than all of it."""
    made = Pool()
    made.waits(0, 1_000)
    for n, worker in enumerate(WORKERS):
        made.works(worker, 100 + n, 900 + n, MERGE)
    assert lines(made, "time", "share", "cpu", "samples", "workers") == [
        (2, 1, 1_000, 1.0, 0, 100, 0),
        (1, 3, 803, 0.803, 3_200, 320, 4),
    ]


def test_what_workers_run_one_after_the_other_adds_up() -> None:
    made = Pool()
    made.waits(0, 1_000)
    made.works(WORKERS[0], 0, 300)
    made.works(WORKERS[1], 500, 900)
    made.works(WORKERS[1], 900, 1_000, line=2)
    assert lines(made, "time", "workers") == [(2, 1, 1_000, 0), (1, 2, 100, 1), (1, 3, 700, 2)]


def test_a_worker_that_was_forked_is_not_the_thread_of_the_cell() -> None:
    """It has the cell's own frame at the bottom of its stack: only its process tells them apart. The times of the cell's own
    thread add up to its duration all the same."""
    made = Pool()
    made.waits(0, 500)
    made.looks(0, 1_000, 1, MAP, ("fit", made.defined.file, 3, 1), MERGE, thread=WORKERS[0])
    made.waits(500, 1_000)
    table = made.recording.hotspots(cell=2).set_index("function")
    assert table.loc["Condition.wait", "self"] == pd.Timedelta(1, "s")
    assert table.loc["DataFrame.merge", "self"] == pd.Timedelta(1, "s")
    assert table["self_share"].sum() == pytest.approx(1)
    assert table[["self_share", "total_share"]].max().max() <= 1


def test_a_cell_whose_own_span_is_gone_ran_where_its_first_sample_was() -> None:
    made = Made()
    cell = made.cell("pool.map(f, x)", 0, 100, [(0, 1)], own_span=False)
    made.sample(cell, 10, 10, 1, WAIT, cpu=0)
    made.sample(cell, 19, 5, 1, MERGE, thread=WORKERS[0])
    made.sample(cell, 20, 10, 1, WAIT, cpu=0)
    assert allotted(made.store.snapshot()).own.tolist() == [True, False, True]


def test_the_hottest_line_is_the_one_that_computes_and_not_the_one_that_waits_for_it() -> None:
    """As in one process it is not the line that only calls a function."""
    made = Pool()
    made.waits(0, 1_000)
    for worker in WORKERS:
        made.works(worker, 100, 200, line=2)
        made.works(worker, 200, 1_000, MERGE)
    assert hot(made) == "cell [1] line 3 x.merge 80 %"


def test_while_workers_start_the_line_that_waits_is_the_hottest() -> None:
    """80 of 87 s nothing but the start of workers: that is no work of theirs."""
    made = Pool(87_000, "scores = cross_validate(model)")
    made.waits(0, 87_000, VALIDATE, step=100)
    made.works(WORKERS[0], 80_000, 87_000, MERGE)
    assert hot(made) == "line 1 cross_validate 92 %"


def test_what_the_cell_computes_itself_meanwhile_stays_its_own() -> None:
    made = Pool(1_000, "y = x.merge(x)")
    made.looks(0, 900, 1, MERGE)
    made.waits(900, 1_000)
    for worker in WORKERS:
        made.works(worker, 0, 1_000)
    assert hot(made) == "line 1 x.merge 90 %"


def test_where_the_system_does_not_tell_who_computes_nothing_is_handed_on() -> None:
    made = Pool()
    made.looks(0, 1_000, 1, MAP, WAIT, cpu=-1)
    made.works(WORKERS[0], 0, 1_000, MERGE)
    assert hot(made) == "line 1 pool.map 100 %"


def test_workers_without_a_line_of_the_notebook_leave_the_line_that_called_them() -> None:
    """A library's function runs there: it was called here."""
    made = Pool(1_000, "scores = cross_validate(model)")
    made.waits(0, 1_000, VALIDATE)
    made.looks(0, 1_000, MAIN, OWN_FILE, TAKE, thread=WORKERS[0])
    assert hot(made) == "line 1 cross_validate 100 %"


def test_memory_is_compared_within_a_process() -> None:
    """A worker that holds a tenth of what the kernel holds is no loss of nine tenths; what both grew by is told of their lines."""
    made = Pool()
    for n in range(10):
        made.sample(made.execution, 10 * n + 10, 10, 1, WAIT, cpu=0, memory=(1_000 + n) * MB)
        fit: Frame = ("fit", made.defined.file, 3, 1)
        for worker in WORKERS[:2]:
            made.sample(made.execution, 10 * n + 12, 10, MAIN, fit, memory=(100 + 2 * n) * MB, thread=worker)
    made.execution.resources = Resources(memory_change=9 * MB)
    assert lines(made, "memory_change") == [(2, 1, 9 * MB), (1, 3, 2 * 18 * MB)]


def test_what_nobody_saw_the_kernel_grow_by_is_the_kernels() -> None:
    """Its resources are of its own process: the looks of workers tell nothing of them."""
    made = Pool()
    fit: Frame = ("fit", made.defined.file, 3, 1)
    for n in range(2):
        made.sample(made.execution, 10 * n + 10, 10, MAIN, fit, memory=100 * MB, thread=WORKERS[0])
    made.execution.resources = Resources(memory_change=500 * MB)
    assert lines(made, "memory_change") == [(2, 1, 500 * MB), (1, 3, 0)]


def test_samples_say_of_which_process_they_are() -> None:
    made = Pool()
    made.waits(0, 10)
    made.works(WORKERS[0], 0, 10)
    assert made.recording.samples()["process_pid"].tolist() == [11, 4_000]


def test_while_a_cell_runs_who_waits_for_workers_is_not_its_hottest_function() -> None:
    """Nor has it a part in the sum: nobody works in it. With threads alone it is told as ever."""
    made = Pool()
    made.waits(0, 1_000)
    made.works(WORKERS[0], 0, 10 * FEW, MERGE)
    made.works(WORKERS[1], 0, 300, TAKE)
    alone = Pool()
    alone.waits(0, 1_000)
    alone.looks(0, 10 * FEW, OWN_FILE, thread=OTHER)
    found = []
    for each in (made, alone):
        heat = Heat()
        for batch in each.store.snapshot().samples:
            heat.add(batch, 0, {each.execution.number})
        found.append(heat.hottest(each.execution.number))
    assert found == [
        Hottest("take_nd", TAKE[1], pytest.approx(0.75), 30),
        Hottest("Condition.wait", WAIT[1], pytest.approx(10 / 11), 100),
    ]


spans = st.tuples(st.integers(0, 3), st.integers(0, 90), st.integers(1, 30), st.booleans(), st.integers(2, 3))
"""Worker, start, length, whether its stack begins with the cell's frame, line."""


@given(st.lists(spans, max_size=12), st.lists(st.booleans(), min_size=10, max_size=10))
@settings(max_examples=200, deadline=None)
def test_no_share_is_more_than_all_and_the_cells_own_adds_up(drawn: list[Any], computes: list[bool]) -> None:
    """Whatever workers do at whatever moments; a line has the moments at which any of them was in it."""
    made = Pool(100)
    for n, busy in enumerate(computes):
        made.sample(made.execution, 10 * n + 10, 10, 1, WAIT, cpu=10 if busy else 0)
    moments: dict[int, set[int]] = {2: set(), 3: set()}
    reached = dict.fromkeys(range(4), 0)
    for worker, start, length, forked, line in drawn:
        begin = max(start, reached[worker])
        reached[worker] = end = begin + length
        bottom = 1 if forked else MAIN
        fit: Frame = ("fit", made.defined.file, line, 1)
        made.sample(made.execution, end, length, bottom, fit, MERGE, thread=WORKERS[worker])
        if begin < 100:  # what begins after the end of the cell is no time of it
            moments[line] |= set(range(begin, end))
    table = made.recording.lines(cell=2)
    assert table["share"].max() <= 1
    told = {line: min(len(found), 100) for line, found in moments.items() if found}
    own = table[table["code_cell"] == 1]
    assert dict(zip(own["line"], own["time"] / pd.Timedelta(1, "ms"), strict=True)) == told
    text = hot(made)
    assert 0 <= int(text.split()[-2].lstrip("~")) <= 100
    assert made.recording.hotspots(cell=2)["self_share"].sum() == pytest.approx(1)
