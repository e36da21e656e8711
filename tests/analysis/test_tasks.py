"""The tasks of pools, and what their time went into."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import nbtrace
from nbtrace.analysis.columns import TEXT
from nbtrace.analysis.tasks import Went, went
from nbtrace.store.origins import origin
from nbtrace.store.schema import RUNNING, UNFINISHED, Thread
from nbtrace.store.semconv import (
    HOST_NAME,
    TASK_KEY,
    TASK_OUTCOME,
    TASK_RUN,
    TASK_SCOPE,
    TASK_TRANSFER,
    TASK_WAITED,
    TASK_WORKER,
    TASK_WORKER_START,
)
from nbtrace.views import tasks as tasks_in_words
from nbtrace.views.formatted import Answer
from tests.profiles import Made, at
from tests.rows import row

TASKS = origin("nbtrace", TASK_SCOPE, None, {})
FIRST, SECOND = Thread(4_001, 1, "MainThread"), Thread(4_002, 1, "MainThread")

pytestmark = pytest.mark.once


class Pool(Made):
    """A cell that has a pool."""

    def __init__(self, end: float = 1_000) -> None:
        super().__init__()
        self.execution = self.cell("pool.map(fit, data)", 0, end)

    def task(
        self,
        start: float,
        end: float | None,
        worker: Thread = FIRST,
        *,
        name: str = "fit",
        parent: int = 0,
        waited: Any = None,
        started: Any = None,
        transfer: Any = None,
        more: dict[str, Any] | None = None,
    ) -> int:
        """Enter a task. waited, started, transfer: in ms, or whatever else a file says; more: what it carries besides."""
        told = {TASK_WAITED: waited, TASK_WORKER_START: started, TASK_TRANSFER: transfer}
        values = {k: v / 1_000 if type(v) in (int, float) else v for k, v in told.items() if v is not None}
        span_id = 900_000 + next(self._ids)
        fields = list(
            row(
                span_id,
                parent=parent or self.execution.span_id,
                name=name,
                trace=self.execution.trace_id,
                start=at(start),
                end=RUNNING if end is None else at(end) if end >= 0 else UNFINISHED,
                cell=self.execution.number,
                origin=TASKS,
                **values,
                **(more or {}),
            )
        )
        fields[10] = worker
        if end is None:
            self.store.sources[span_id] = lambda: [tuple(fields)]
        else:
            self.store.append(tuple(fields))
        return span_id


def ms(column: Any) -> list[float | None]:
    return [None if pd.isna(each) else each / pd.Timedelta(1, "ms") for each in column]


def since(column: Any) -> list[float | None]:
    return ms(column - pd.Timestamp(at(0), tz="UTC"))


def test_a_task_says_who_worked_on_it_and_how_long_it_had_waited() -> None:
    """What a worker had to start for waited for that; what came to one that ran did not. Spans within count, below each other,
    and those of the cell beside it do not."""
    made = Pool()
    first = made.task(800, 900, waited=800, started=750)
    made.task(850, 950, SECOND, waited=850, started=840)
    made.task(900, 1_000, waited=900)
    load = made.span(first, "load", 810, 820)
    made.span(load, "read", 811, 812)
    made.span(made.execution, "beside", 0, 10)
    table = made.recording.tasks()
    assert table["name"].tolist() == ["fit"] * 3
    assert table["process_pid"].tolist() == [4_001, 4_002, 4_001]
    assert since(table["submitted"]) == [0, 0, 0]
    assert ms(table["waited"]) == [800, 850, 900]
    assert ms(table["worker_start"]) == [750, 840, None]
    assert ms(table["duration"]) == [100, 100, 100]
    assert table["span_count"].tolist() == [2, 0, 0]
    assert table["cell"].tolist() == [1, 1, 1]
    assert table["parent_span_id"].tolist() == [f"{made.execution.span_id:016x}"] * 3
    assert table["state"].tolist() == ["ended"] * 3


def test_the_table_has_its_dtypes_even_when_empty() -> None:
    made = Pool()
    made.task(800, 900, waited=800, started=750)
    wanted = {
        **dict.fromkeys(("cell", "process_pid", "span_count", "run"), pd.Int64Dtype()),
        **dict.fromkeys(("name", "state", "status_code", "trace_id", "span_id", "parent_span_id"), TEXT),
        **dict.fromkeys(("key", "worker", "host", "outcome"), TEXT),
        **dict.fromkeys(("submitted", "start_time", "end_time"), pd.DatetimeTZDtype("ns", "UTC")),
        **dict.fromkeys(("waited", "worker_start", "transfer", "duration"), "timedelta64[ns]"),
    }
    for rec in (nbtrace.record(), made.recording):
        assert {name: str(kind) for name, kind in rec.tasks().dtypes.items()} == {
            name: str(wanted[name]) for name in rec.tasks().columns
        }


@pytest.mark.parametrize("told", ["soon", -5, 1e300, float("nan"), True, [1.0]])
def test_a_file_that_tells_no_time_leaves_it_missing(told: Any) -> None:
    """Beside one that does."""
    made = Pool()
    made.task(500, 600, waited=told, started=told)
    made.task(700, 800, waited=100.0)
    table = made.recording.tasks()
    assert ms(table["waited"]) == [None, 100]
    assert ms(table["worker_start"]) == [None, None]
    assert since(table["submitted"]) == [None, 600]


def test_a_task_that_runs_and_one_whose_worker_was_killed_have_no_end() -> None:
    made = Pool()
    made.task(100, None, waited=100)
    made.task(200, -1, SECOND, waited=200)
    table = made.recording.tasks()
    assert table["state"].tolist() == ["running", "unfinished"]
    assert table["end_time"].isna().all()
    assert ms(table["duration"]) == [None, None]


def test_tasks_are_narrowed_by_their_own_columns() -> None:
    made = Pool()
    made.task(800, 900, waited=800, started=750)
    made.task(900, 1_000, name="score", waited=10)
    assert made.recording.tasks(where="waited > 100ms")["name"].tolist() == ["fit"]
    assert made.recording.tasks(cell=1, where="name == 'score'")["name"].tolist() == ["score"]
    assert made.recording.tasks(cell=2).empty
    with pytest.raises(Exception, match="worker_start"):
        made.recording.tasks(where="worker_started > 1s")


def test_each_moment_went_into_one_thing() -> None:
    """Of 1 s: 0.7 s only workers started; while one worked the other's start is told nowhere; a moment at which nothing was
    under way belongs to none."""
    made = Pool()
    made.task(750, 850, waited=750, started=700)
    made.task(800, 900, SECOND, waited=800, started=790)
    made.task(990, 1_000, waited=50)
    assert went(made.recording.tasks()) == tuple(
        round(each * 1e6) for each in Went(work=150 + 10, worker_start=740, waited=10 + 50)
    )
    assert went(made.recording.tasks(cell=7)) is None


def test_the_answer_says_what_the_time_went_into() -> None:
    """Cross-validation of 87 s of which 80 were the start of workers shows exactly that."""
    made = Pool(87_000)
    for worker in range(4):
        made.task(80_000, 87_000, Thread(5_000 + worker, 1, "MainThread"), waited=80_000.0, started=80_000.0)
    lines = repr(Answer.of(made.recording.tasks(), "tasks")).splitlines()
    assert lines[0].split() == ["name", "process_pid", "waited", "worker_start", "duration", "cell", "span_count"]
    assert " ".join(lines[1].split()) == "fit 5000 1 min 20 s 1 min 20 s 7.00 s 1 0"
    assert lines[5].startswith("of 1 min 27 s: 7.00 s work, 1 min 20 s only workers starting · ")
    assert (
        repr(Answer.of(made.recording.tasks(cell=5), "tasks")).strip()
        == "no tasks; those of a Dask cluster need %nbtrace dask"
    )


def test_a_pool_within_a_pool_counts_what_is_below_both() -> None:
    made = Pool()
    outer = made.task(100, 900, waited=100)
    inner = made.task(200, 300, SECOND, name="inner", parent=outer, waited=50)
    made.span(inner, "deep", 210, 220)
    assert made.recording.tasks()["span_count"].tolist() == [2, 1]


# ── tasks of an engine ──────────────────────────────────────────────────────────────────────────────────────────────────


def on(worker: int, **more: Any) -> dict[str, Any]:
    """What a task of a worker of an engine carries."""
    return {TASK_WORKER: f"tcp://10.0.0.{worker}:4000", HOST_NAME: f"node{worker}", **more}


def summary(made: Pool) -> list[str]:
    return tasks_in_words.summary(made.recording.tasks()).splitlines()


def test_a_task_of_an_engine_says_its_key_its_worker_and_which_run_it_was() -> None:
    """The first run is 1; of a task of a pool none of it is known, nor of what a file tells that is none."""
    made = Pool()
    made.task(100, 200, transfer=30, waited=50, more=on(1, **{TASK_KEY: "('fit-ab12', 3)"}))
    made.task(200, 300, more=on(2, **{TASK_RUN: 2, TASK_OUTCOME: "cancelled"}))
    made.task(300, 400, more={TASK_WORKER: 5, TASK_RUN: 7, TASK_KEY: 1.5, TASK_OUTCOME: True})
    made.task(400, 500, more=on(1, **{TASK_RUN: "again"}))
    made.task(500, 600, more=on(1, **{TASK_RUN: -3}))
    table = made.recording.tasks()
    assert ms(table["transfer"]) == [30, None, None, None, None]
    found = table[["key", "worker", "host", "run", "outcome"]].astype(object)
    assert found.where(found.notna(), None).values.tolist() == [
        ["('fit-ab12', 3)", "tcp://10.0.0.1:4000", "node1", 1, None],
        [None, "tcp://10.0.0.2:4000", "node2", 2, "cancelled"],
        [None, None, None, None, None],
        [None, "tcp://10.0.0.1:4000", "node1", 1, None],
        [None, "tcp://10.0.0.1:4000", "node1", 1, None],
    ]
    assert made.recording.tasks(where="transfer > 10ms and worker ~ '10.0.0.1'")["run"].tolist() == [1]


def test_results_that_are_fetched_are_told_apart_from_a_queue_and_from_workers_that_start() -> None:
    """A worker of an engine is not there in the first part of the waiting, and fetches in the last; while another works, neither
    counts."""
    made = Pool()
    made.task(500, 600, waited=500, started=200, transfer=100, more=on(1))
    made.task(650, 700, SECOND, waited=350, transfer=80, more=on(2))
    assert went(made.recording.tasks()) == tuple(
        round(each * 1e6) for each in Went(work=100 + 50, worker_start=200, transfer=100 + 50, waited=200)
    )
    assert summary(made) == [
        "of 700 ms: 150 ms work, 200 ms only workers starting, 200 ms only waiting, 150 ms only fetching results"
    ]


def test_the_part_that_was_slow_is_named_with_why() -> None:
    """Against the middle one of its name, and with what of it was fetching; a task that is merely another kind of work is none."""
    made = Pool()
    for number in range(6):
        key = {TASK_KEY: f"('load-ab12', {number})"}
        start, end = 100 * number, 100 * number + (90 if number == 4 else 20)
        made.task(start, end, name="load", waited=40, transfer=10 if number != 4 else 35, more=on(number % 2, **key))
    made.task(700, 1_000, name="train", more=on(1))
    assert summary(made)[1:] == [
        "slowest: load #4 on 10.0.0.0:4000 took 90.0 ms after 35.0 ms in which it fetched results of other workers, together 4.17 × "
        "the middle one of 6 (30.0 ms)",
        "idle: 10.0.0.0:4000 worked for 130 ms on 3 tasks, 10.0.0.1:4000 worked for 360 ms on 4 tasks",
    ]


def test_tasks_that_are_alike_leave_nothing_to_say() -> None:
    made = Pool()
    for number in range(8):
        made.task(100 * number, 100 * number + 50 + number, waited=10, more=on(number % 2))
    assert len(summary(made)) == 1
    made.task(900, 904, name="fit", more=on(0))  # ended at once: nobody waits for that
    assert len(summary(made)) == 1


def test_the_answer_leaves_out_what_says_nothing_and_names_workers_as_people_do() -> None:
    made = Pool()
    for number in range(2):
        told = {TASK_KEY: f"('fit-ab12', {number}, 0)", **({TASK_RUN: 3} if number else {})}
        made.task(100, 200, waited=50, transfer=20, more=on(number, **told))
    shown = repr(Answer.of(made.recording.tasks(), "tasks")).splitlines()
    assert shown[0].split()[:7] == ["name", "key", "worker", "run", "waited", "transfer", "duration"]
    assert shown[1].split()[:9] == ["fit", "#0,", "0", "10.0.0.0:4000", "50.0", "ms", "20.0", "ms", "100"]
    assert shown[2].split()[3:10] == ["10.0.0.1:4000", "3", "50.0", "ms", "20.0", "ms", "100"]
    # What somebody has made of the table is shown as far as it goes.
    assert "fit" in repr(Answer.of(made.recording.tasks()[["name", "duration"]], "tasks"))
