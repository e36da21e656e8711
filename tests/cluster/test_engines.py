"""Whatever engine takes the work: tasks are rows below what has sent them, and what is recorded in a task is below it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import nbtrace
from tests.cluster import work
from tests.cluster.engines import Engine, kill
from tests.cluster.judging import below, tasks, wrong
from tests.waiting import wait_for


def test_tasks_with_spans_inside(engine: Engine) -> None:
    """Each task is below what has sent it, done by a worker, and its spans are below it."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            handles = engine.send(work.spanned, range(20))
            assert engine.results(handles) == [2 * number for number in range(20)]
        assert below(rec) == {
            ("send", None): 1,
            ("spanned", "send"): 20,
            ("inside", "spanned"): 20,
            ("deeper", "inside"): 20,
        }
        assert wrong(rec) == []
        spans = rec.spans()
        workers = engine.workers()
        for task in tasks(rec):
            assert task["process_pid"] == workers[task["nbtrace.task.worker"]]
            assert task["nbtrace.task.waited"] >= 0
            assert "nbtrace.task.run" not in task
            assert "nbtrace.task.outcome" not in task
            assert "nbtrace.task.clock" not in task
            inside = spans[spans["parent_span_id"] == task["span_id"]].iloc[0]
            assert (inside["process_pid"], inside["thread_id"]) == (task["process_pid"], task["thread_id"])
            assert task["start_time"] <= inside["start_time"] <= inside["end_time"] <= task["end_time"]
    assert rec.spans()["process_pid"].isin({os.getpid(), *workers.values()}).all()


def test_tasks_sent_from_nowhere(engine: Engine) -> None:
    """Tasks that no span has sent are roots, of one trace if they were sent together."""
    with nbtrace.record() as rec:
        engine.results(engine.send(work.spanned, range(3)))
    assert below(rec) == {("spanned", None): 3, ("inside", "spanned"): 3, ("deeper", "inside"): 3}
    assert wrong(rec) == []
    assert rec.spans()["trace_id"].nunique() == 1


def test_a_task_fails(engine: Engine) -> None:
    """It is an error, once, with what was raised; the person sees what was raised and nothing of ours."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            error, functions = engine.failure(engine.send(work.deep, [7])[0])
        assert (type(error), error.args) == (KeyError, (7,))
        assert functions == ["deep", "deeper"]
        (task,) = tasks(rec)
        assert (task["name"], task["state"], task["status_code"]) == ("deep", "ended", "ERROR")
        assert task["error.type"] == "KeyError"
        errors = rec.errors()
        assert list(errors["span_id"]) == [task["span_id"]]
        assert list(errors["exception_message"]) == ["7"]
        assert "deeper" in errors["exception_stacktrace"][0]
        assert wrong(rec) == []


def test_a_task_fails_in_a_span(engine: Engine) -> None:
    """The span in which it was raised tells of it, and the task not once more."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            error, _ = engine.failure(engine.send(work.wrong_within, [3])[0])
        assert error.args == ("no 3",)
        assert list(rec.errors()["span_name"]) == ["inside"]
        (task,) = tasks(rec)
        assert (task["status_code"], task["status_message"]) == ("ERROR", "no 3")
        assert wrong(rec) == []


def test_a_task_is_tried_again(engine: Engine, tmp_path: Path) -> None:
    """Each run is a row, numbered from the second on."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            handles = engine.send(work.wrong_at_first, [str(tmp_path / "tries")], retries=5)
            assert engine.results(handles) == ["at last"]
        rows = tasks(rec)
        assert [row.get("nbtrace.task.run") for row in rows] == [None, 2, 3]
        assert [row["status_code"] for row in rows] == ["ERROR", "ERROR", "UNSET"]
        assert len({row["nbtrace.task.key"] for row in rows}) == 1
        assert below(rec) == {("send", None): 1, ("wrong_at_first", "send"): 3}
        assert wrong(rec) == []


def test_the_same_is_sent_twice(engine: Engine) -> None:
    """What is computed anew because it was sent anew is no second run."""
    with nbtrace.record() as rec:
        for _ in range(2):
            engine.results(engine.send(work.double, range(3), name="again"))
        assert [row.get("nbtrace.task.run") for row in tasks(rec)] == [None] * 6


def test_a_worker_is_killed(engine: Engine, tmp_path: Path) -> None:
    """What it had sent home is there; the task in which it was killed is lost, its span unfinished, and its next run is a row."""
    if not engine.kills:
        pytest.skip("its workers are threads")
    place = tmp_path / "held"
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            done = engine.results(engine.send(work.spanned, range(8)))
            assert len(done) == 8
            handles = engine.send(work.hold, [str(place)])
            begun = place.with_suffix(".begun")
            wait_for(lambda: begun.exists() and begun.read_text(), "the task")
            pid = int(begun.read_text())
            wait_for(lambda: below(rec).get(("held", "hold")), "the span that runs")
            kill(pid)
            engine.settle(pid)
            place.with_suffix(".enough").touch()
            assert engine.results(handles) == [str(place)]
        wait_for(lambda: len(tasks(rec, "hold")) == 2)
        lost, again = tasks(rec, "hold")
        assert (lost["state"], lost["nbtrace.task.outcome"], lost["process_pid"]) == ("unfinished", "lost", pid)
        assert (again["state"], again.get("nbtrace.task.run")) == ("ended", 2)
        assert "nbtrace.task.outcome" not in again
        spans = rec.spans()
        assert sorted(spans.loc[spans["name"] == "held", "state"]) == ["ended", "unfinished"]
        assert below(rec) == {
            ("send", None): 1,
            ("spanned", "send"): 8,
            ("inside", "spanned"): 8,
            ("deeper", "inside"): 8,
            ("hold", "send"): 2,
            ("held", "hold"): 2,
            ("before", "held"): 2,
        }
        assert wrong(rec) == []
        assert any("1 tasks ended with their workers" in line for line in engine.status())


def test_tasks_are_cancelled(engine: Engine, tmp_path: Path) -> None:
    """The one that ran is there as cancelled, and what it has done meanwhile; those that had not begun never were."""
    places = [str(tmp_path / f"held {number}") for number in range(50)]
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            handles = engine.send(work.hold, places)
            wait_for(lambda: len(list(tmp_path.glob("*.begun"))) == 4, "as many tasks as there are threads")
            engine.cancel(handles)
            for place in places:
                Path(place).with_suffix(".enough").touch()
        wait_for(lambda: {row["state"] for row in tasks(rec)} == {"ended"}, "the end of those that ran")
        rows = tasks(rec)
        assert [row["nbtrace.task.outcome"] for row in rows] == ["cancelled"] * 4
        assert below(rec) == {("send", None): 1, ("hold", "send"): 4, ("held", "hold"): 4, ("before", "held"): 4}
        assert wrong(rec) == []


@pytest.mark.once
def test_ten_thousand_tasks(engine: Engine) -> None:
    """Each is there once."""
    if not engine.kills:
        pytest.skip("it takes long, and workers that are threads have nothing to send")
    count = 10_000
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            engine.results(engine.send(work.double, range(count)))
        assert below(rec) == {("send", None): 1, ("double", "send"): count}
        assert wrong(rec) == []
        rows = tasks(rec)
        assert len({row["nbtrace.task.key"] for row in rows}) == count
        assert not any("messages have not come" in line for line in engine.status())


def test_threads_in_a_task(engine: Engine) -> None:
    """What a task gives to threads is below it."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            engine.results(engine.send(work.threaded, range(4)))
        counts = below(rec)
        assert counts.pop(("send", None)) == 1
        assert counts == {
            ("threaded", "send"): 4,
            ("in a thread", "threaded"): 4,
            ("in a pool", "threaded"): 4,
        }
        assert wrong(rec) == []


def test_processes_in_a_task(engine: Engine) -> None:
    """What a task gives to processes is below it."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            assert engine.results(engine.send(work.pooled, range(2))) == [0, 2]
        assert below(rec) == {
            ("send", None): 1,
            ("pooled", "send"): 2,
            ("spanned", "pooled"): 2,
            ("inside", "spanned"): 2,
            ("deeper", "inside"): 2,
        }
        assert wrong(rec) == []


def test_coroutines_as_tasks(engine: Engine) -> None:
    """A function that awaits is a task as well."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            assert engine.results(engine.send(work.awaited, range(4))) == [0, 1, 2, 3]
        assert below(rec) == {
            ("send", None): 1,
            ("awaited", "send"): 4,
            ("outer", "awaited"): 4,
            ("first", "outer"): 4,
            ("second", "outer"): 4,
        }
        assert wrong(rec) == []


def test_a_fork_in_a_task(engine: Engine) -> None:
    """The task goes on as it would, and its rows are there once."""
    if not engine.kills:
        pytest.skip("its workers are threads of this process, whose forks are looked at elsewhere")
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            assert engine.results(engine.send(work.forked, range(3))) == [0, 1, 2]
        counts = below(rec)
        # What the child does comes home by no engine: it may be there, below the task, and nothing else.
        assert counts.pop(("in the child", "forked"), 0) in (0, 3)
        assert counts == {
            ("send", None): 1,
            ("forked", "send"): 3,
            ("before the fork", "forked"): 3,
            ("after the fork", "forked"): 3,
        }
        assert wrong(rec) == []


def test_samples_of_workers(engine: Engine) -> None:
    """They are of the task that ran, in its thread, on the lines where its time went."""
    with nbtrace.record(sampling=100) as rec:
        with nbtrace.span("send"):
            engine.results(engine.send(work.spin, [1.0] * 4))
        (ids,) = ({row["span_id"]: row for row in tasks(rec)},)
        samples = rec.samples()
        mine = samples[samples["span_id"].isin(ids)]
        assert len(mine) > 20
        for sample in mine.to_dict("records"):
            task = ids[sample["span_id"]]
            assert sample["thread_id"] == task["thread_id"]
            assert sample["process_pid"] == task["process_pid"]
        hot = rec.hotspots()
        spinning = hot[hot["function"].isin(["spin", "spin_once", "spin_once.<locals>.<genexpr>"])]
        assert set(spinning["file"]) == {work.__file__}
        # Of the tasks' own samples: how long the kernel waited beside them is the machine's affair.
        assert mine["stack"].map(lambda stack: stack[-1].startswith("spin")).mean() > 0.8


def test_nothing_is_recorded(started: Engine) -> None:
    """Followed while nobody records, tasks carry nothing and nothing of it turns up later."""
    started.follow()
    started.results(started.send(work.spanned, range(3)))
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            started.results(started.send(work.spanned, range(2)))
    started.results(started.send(work.spanned, range(3)))
    with nbtrace.record() as again:
        with nbtrace.span("send again"):
            started.results(started.send(work.spanned, range(4)))
    started.leave()
    assert below(rec)[("spanned", "send")] == 2
    assert len(tasks(rec)) == 2
    assert len(tasks(again)) == 4
    assert wrong(rec) == wrong(again) == []


def test_more_workers(engine: Engine) -> None:
    """One that comes later is followed by itself."""
    new = engine.add_worker()
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            engine.results(engine.send(work.spin, [0.05] * 24))
        rows = tasks(rec)
        assert new in {row["nbtrace.task.worker"] for row in rows}
        assert len(rows) == 24
        assert wrong(rec) == []
    engine.retire(new)


def test_a_worker_is_retired(engine: Engine) -> None:
    """All that it has recorded is there."""
    worker = engine.add_worker()
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            engine.results(engine.send(work.spanned, range(60)))
        assert worker in {row["nbtrace.task.worker"] for row in tasks(rec)}
        engine.results(engine.send(work.spanned, range(60)))
        engine.retire(worker)
        assert worker not in engine.workers()
        assert below(rec)[("deeper", "inside")] == 120
        assert len(tasks(rec)) == 120
        assert wrong(rec) == []


def test_a_restart(engine: Engine) -> None:
    """What was recorded before is there, and what is done by the new processes."""
    if not engine.kills:
        pytest.skip("its workers are threads")
    with nbtrace.record() as rec:
        with nbtrace.span("before"):
            engine.results(engine.send(work.spanned, range(8)))
        before = set(engine.workers().values())
        engine.restart()
        with nbtrace.span("after"):
            engine.results(engine.send(work.spanned, range(8)))
        counts = below(rec)
        assert counts[("spanned", "before")] == counts[("spanned", "after")] == 8
        assert counts[("deeper", "inside")] == 16
        assert wrong(rec) == []
        assert not before & set(engine.workers().values())
