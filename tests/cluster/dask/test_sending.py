"""Whatever of Dask's sends tasks: they are rows below what has sent them, named as Dask names their kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import nbtrace
from tests.cluster import work
from tests.cluster.engines import Dask
from tests.cluster.judging import below, tasks, wrong
from tests.waiting import wait_for

pytest.importorskip("distributed")


def _delayed(client: Any) -> Any:
    import dask

    return sum(dask.compute(*[dask.delayed(work.spanned)(number) for number in range(4)]))


def _persisted(client: Any) -> Any:
    import dask

    return sum(client.gather(client.compute(client.persist([dask.delayed(work.spanned)(n) for n in range(4)]))))


def _bag(client: Any) -> Any:
    import dask.bag

    return dask.bag.from_sequence(range(4), npartitions=4).map(work.spanned).sum().compute()


def _array(client: Any) -> Any:
    import dask.array

    return int(dask.array.ones((4, 4), chunks=(2, 2)).map_blocks(_block, dtype=float).sum().compute()) - 4


def _block(block: Any) -> Any:
    if block.size == 4:  # Dask tries it with an empty one before
        work.spanned(0)
    return block


def _dataframe(client: Any) -> Any:
    dataframe = pytest.importorskip("dask.dataframe")
    import pandas as pd

    table = dataframe.from_pandas(pd.DataFrame({"a": range(4)}), npartitions=4)
    return int(table.map_partitions(_partition, meta={"a": "int64"})["a"].sum().compute()) + 6


def _partition(table: Any) -> Any:
    work.spanned(0)
    return table


def _submitted(client: Any) -> Any:
    return sum(client.submit(work.spanned, number, pure=False).result() for number in range(4))


def _mapped(client: Any) -> Any:
    return sum(client.gather(client.map(work.spanned, range(4), pure=False)))


def _mapped_in_batches(client: Any) -> Any:
    return sum(client.gather(client.map(work.spanned, range(4), batch_size=2, pure=False)))


def _executor(client: Any) -> Any:
    return sum(client.get_executor(pure=False).map(work.spanned, range(4)))


def _got(client: Any) -> Any:
    graph = {f"spanned-{number}": (work.spanned, number) for number in range(4)}
    return sum(client.get(graph, list(graph)))


def _joblib(client: Any) -> Any:
    joblib = pytest.importorskip("joblib")
    with joblib.parallel_config(backend="dask"):
        return sum(joblib.Parallel()(joblib.delayed(work.spanned)(number) for number in range(4)))


@pytest.mark.parametrize(
    "send",
    [
        _delayed,
        _persisted,
        _bag,
        _array,
        _dataframe,
        _submitted,
        _mapped,
        _mapped_in_batches,
        _executor,
        _got,
        _joblib,
    ],
)
def test_ways_to_send(followed: Dask, send: Callable[[Any], Any]) -> None:
    """Spans stand in their tasks, tasks below what has sent them, and each is there once."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            assert send(followed.client) == 12
        found = below(rec)
        assert found[("send", None)] == 1
        assert found[("deeper", "inside")] == 4
        names = {task["span_id"]: task for task in tasks(rec)}
        spans = rec.spans()
        inside = spans[spans["name"] == "inside"]
        assert set(inside["parent_span_id"]) <= set(names)
        assert {task["parent_span_id"] for task in names.values()} == set(spans.loc[spans["name"] == "send", "span_id"])
        assert max(Counter(task["nbtrace.task.key"] for task in names.values()).values()) == 1
        assert wrong(rec) == []


def by_worker_client(number: int) -> Any:
    from distributed import worker_client

    with nbtrace.span("sends"):
        with worker_client() as client:
            return client.gather(client.map(work.spanned, range(number, number + 2), pure=False))


def by_get_client(number: int) -> Any:
    from distributed import get_client, rejoin, secede

    client = get_client()
    futures = client.map(work.spanned, range(number, number + 2), pure=False)
    secede()
    results = client.gather(futures)
    rejoin()
    with nbtrace.span("afterwards"):
        return results


def by_compute(number: int) -> Any:
    import dask

    return list(dask.compute(*[dask.delayed(work.spanned)(number + more) for more in range(2)]))


@pytest.mark.parametrize("function", [by_worker_client, by_get_client, by_compute])
def test_tasks_that_send_tasks(followed: Dask, function: Callable[[int], Any]) -> None:
    """They are below the task, or the span in it, that has sent them."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            assert followed.results(followed.send(function, [0, 10])) == [[0, 2], [20, 22]]
        found = below(rec)
        assert found[(function.__name__, "send")] == 2
        if function is by_worker_client:
            assert found[("spanned", "sends")] == 4
            assert found[("sends", function.__name__)] == 2
        elif function is by_get_client:
            assert found[("spanned", function.__name__)] == 4
            assert found[("afterwards", function.__name__)] == 2
        assert found[("inside", "spanned")] == 4
        assert wrong(rec) == []


def test_two_clients_of_one_scheduler(followed: Dask) -> None:
    """Both are followed, and what is sent is there once."""
    from distributed import Client

    with Client(followed.address, set_as_default=False) as other, nbtrace.record() as rec:
        nbtrace.dask.install(other)
        with nbtrace.span("first"):
            followed.results(followed.send(work.spanned, range(4)))
        with nbtrace.span("second"):
            other.gather(other.map(work.spanned, range(5), pure=False))
        found = below(rec)
        assert (found[("spanned", "first")], found[("spanned", "second")]) == (4, 5)
        assert found[("deeper", "inside")] == 9
        assert wrong(rec) == []


def test_one_of_two_clients_is_followed(followed: Dask) -> None:
    """What the other sends is nobody's business."""
    from distributed import Client

    with Client(followed.address, set_as_default=False) as other, nbtrace.record() as rec:
        with nbtrace.span("first"):
            followed.results(followed.send(work.spanned, range(4)))
        with nbtrace.span("second"):
            other.gather(other.map(work.spanned, range(5), pure=False))
        assert below(rec) == {
            ("first", None): 1,
            ("second", None): 1,
            ("spanned", "first"): 4,
            ("inside", "spanned"): 4,
            ("deeper", "inside"): 4,
        }


ANOTHER = """
import json, sys
import nbtrace
from distributed import Client
from tests.cluster import work
from tests.cluster.judging import below, wrong
with Client(sys.argv[1]) as client, nbtrace.record() as rec:
    nbtrace.dask.install(client)
    print("ready", flush=True)
    sys.stdin.readline()
    with nbtrace.span("elsewhere"):
        client.gather(client.map(work.spanned, range(30), pure=False))
    found = [[*names, count] for names, count in below(rec).items()]
    print(json.dumps([found, wrong(rec), nbtrace.dask.status()]))
    nbtrace.dask.uninstall()
"""


def test_two_programs_at_one_scheduler(followed: Dask) -> None:
    """Each gets what it has sent, though the same threads do it, and goes on when the other has left."""
    with (
        subprocess.Popen(
            [sys.executable, "-c", ANOTHER, followed.address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as other,
        nbtrace.record() as rec,
    ):
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("\n")
        other.stdin.flush()
        with nbtrace.span("here"):
            followed.results(followed.send(work.spanned, range(30)))
        found, faults, _ = json.loads(other.stdout.readline())
        assert other.wait() == 0
        assert faults == []
        assert {(name, above): count for name, above, count in found} == {
            ("elsewhere", None): 1,
            ("spanned", "elsewhere"): 30,
            ("inside", "spanned"): 30,
            ("deeper", "inside"): 30,
        }
        with nbtrace.span("later"):
            followed.results(followed.send(work.spanned, range(10)))
        found = below(rec)
        assert (found[("spanned", "here")], found[("spanned", "later")]) == (30, 10)
        assert found[("deeper", "inside")] == 40
        assert wrong(rec) == []


def test_nothing_is_left_behind(cluster: Dask) -> None:
    """Followed no more, clients, workers and the scheduler are what they were."""
    import dask
    from distributed import Client

    def state(dask_worker: Any) -> Any:
        import gc
        import threading

        from distributed import Client, _concurrent_futures_thread

        item = _concurrent_futures_thread._WorkItem
        return [
            sorted(name for name in dask_worker.plugins),
            dask_worker.execute.__func__ is type(dask_worker).execute,
            type(vars(Client)["_graph_to_futures"]).__name__,
            item.__init__.__module__,
            item.run.__module__,
            type(threading._limbo).__name__,  # type: ignore[attr-defined]
            sorted(type(each).__name__ for each in gc.callbacks),
        ]

    def plugins(dask_scheduler: Any) -> Any:
        return sorted(dask_scheduler.worker_plugins), sorted(dask_scheduler.plugins)

    client = cluster.client
    before = (
        client.run(state),
        client.run_on_scheduler(plugins),
        vars(Client)["_graph_to_futures"],
        dask.get_annotations(),
    )
    topics = set(client._event_handlers)
    cluster.follow()
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            cluster.results(cluster.send(work.spanned, range(8)))
        during = client.run(state)
    assert len(tasks(rec)) == 8
    assert during != before[0]
    cluster.leave()
    assert (
        client.run(state),
        client.run_on_scheduler(plugins),
        vars(Client)["_graph_to_futures"],
        dask.get_annotations(),
    ) == before
    wait_for(lambda: set(client._event_handlers) == topics, "the handler, which takes what is still under way")
    assert cluster.status() == []
    # And tasks of a followed time run on as they would.
    cluster.results(cluster.send(work.spanned, range(3)))


def test_it_is_left_while_tasks_run(cluster: Dask, tmp_path: Any) -> None:
    """They end as they would; in the recording they are unfinished."""
    cluster.follow()
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            handles = cluster.send(work.hold, [str(tmp_path / "held")])
            wait_for((tmp_path / "held.begun").exists)
        wait_for(lambda: below(rec).get(("held", "hold")))
        cluster.leave()
        (tmp_path / "held.enough").touch()
        assert cluster.results(handles) == [str(tmp_path / "held")]
        (row,) = tasks(rec)
        assert row["state"] == "unfinished"
        assert "nbtrace.task.outcome" not in row, "it was not the worker that went"
        assert wrong(rec) == []


class CustomError(Exception):
    def __init__(self, number: int, text: str) -> None:
        super().__init__(number, text)
        self.number, self.text = number, text


FAILURES: dict[str, Callable[[], BaseException]] = {
    "text": lambda: ValueError("no"),
    "nothing": lambda: ValueError(),
    "a key": lambda: KeyError("no"),
    "several": lambda: ValueError(1, "no"),
    "the system": lambda: FileNotFoundError(2, "No such file or directory", "x"),
    "the system, short": lambda: OSError(5, "no"),
    "lines": lambda: RuntimeError("one\ntwo"),
    "quotes": lambda: RuntimeError('it\'s "so"'),
    "its own": lambda: CustomError(3, "no"),
    "long": lambda: RuntimeError("long " * 1_000),
}


def fail_within(kind: str) -> None:
    with nbtrace.span("inside"):
        raise FAILURES[kind]()


def fail_beside(kind: str) -> None:
    try:
        with nbtrace.span("inside"):
            raise FAILURES[kind]()
    except Exception:
        pass
    raise ConnectionError("gave up")


@pytest.mark.parametrize("kind", FAILURES)
def test_an_exception_is_told_once(followed: Dask, kind: str) -> None:
    """By the span in which it was raised, and not by the task again; what the task raises itself is another one."""
    with nbtrace.record() as rec:
        for function in (fail_within, fail_beside):
            with nbtrace.span("send"):
                followed.failure(followed.send(function, [kind])[0])
        assert list(rec.errors()["span_name"]) == ["inside", "inside", "fail_beside"]
        assert [task["status_code"] for task in tasks(rec)] == ["ERROR"] * 2
