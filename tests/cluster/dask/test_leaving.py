"""What leaves while others work: clients, notebooks, workers; and secrets, which must not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zlib
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import nbtrace
from tests.cluster import work
from tests.cluster.dask.programs import ROOT, free_port, scheduler, wait_until_it_listens, worker
from tests.cluster.engines import Dask
from tests.cluster.judging import tasks, wrong
from tests.waiting import wait_for

distributed = pytest.importorskip("distributed")


def fail_with_a_secret() -> None:
    raise RuntimeError("cannot reach postgres://bob:s3cr3tpw@db/x")


def test_a_client_is_closed_before_somebody_asks(cluster: Dask) -> None:
    """What its tasks have recorded is there: closing it waits for nothing that is on its way."""
    with nbtrace.record() as rec:
        for _ in range(5):
            with distributed.Client(cluster.address, set_as_default=False) as client:
                nbtrace.dask.install(client)
                with nbtrace.span("send"):
                    client.gather(client.map(work.spanned, range(10), pure=False))
        rows = Counter(row["state"] for row in tasks(rec))
    nbtrace.dask.uninstall()
    assert rows == {"ended": 50}


OTHER = """
import sys, nbtrace
from distributed import Client
client = Client(sys.argv[1])
nbtrace.dask.install(client)
print("there", flush=True)
sys.stdin.readline()
nbtrace.dask.uninstall()
print("left", flush=True)
"""


def test_another_notebook_leaves_while_a_task_runs(tmp_path: Path) -> None:
    """The task that it has nothing to do with ends in the recording as it has ended."""
    port = free_port()
    with ExitStack() as stack, nbtrace.record() as rec:
        stack.enter_context(scheduler(port))
        wait_until_it_listens(port)
        stack.enter_context(worker(f"tcp://127.0.0.1:{port}"))
        other = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", OTHER, f"tcp://127.0.0.1:{port}"],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "there\n"
        client = stack.enter_context(distributed.Client(f"tcp://127.0.0.1:{port}", set_as_default=False))
        nbtrace.dask.install(client)
        stack.callback(nbtrace.dask.uninstall)
        with nbtrace.span("send"):
            handle = client.submit(work.hold, str(tmp_path / "held"))
            wait_for(lambda: [row["state"] for row in tasks(rec)] == ["running"], "the task")
            other.stdin.write("\n")
            other.stdin.flush()
            assert other.stdout.readline() == "left\n"
            (tmp_path / "held.enough").touch()
            handle.result()
        rec.spans()
        assert [(row["state"], row.get("nbtrace.task.outcome")) for row in tasks(rec)] == [("ended", None)]
        assert wrong(rec) == []


def test_a_stopped_worker_of_another_cluster() -> None:
    """Tasks of a cluster that answers are all there when they have ended, whatever another one does."""
    with ExitStack() as stack, nbtrace.record() as rec:
        clients: list[Any] = []
        for _ in range(2):
            port = free_port()
            stack.enter_context(scheduler(port))
            wait_until_it_listens(port)
            last = stack.enter_context(worker(f"tcp://127.0.0.1:{port}"))
            clients.append(stack.enter_context(distributed.Client(f"tcp://127.0.0.1:{port}", set_as_default=False)))
            clients[-1].wait_for_workers(1)
            nbtrace.dask.install(clients[-1])
        stack.callback(nbtrace.dask.uninstall)
        clients[1].submit(work.spanned, 1, pure=False).result()
        rec.spans()
        last.send_signal(signal.SIGSTOP)
        stack.callback(last.send_signal, signal.SIGCONT)
        found = []
        for _ in range(3):
            before = len(tasks(rec, "spanned"))
            clients[0].gather(clients[0].map(work.spanned, range(10), pure=False))
            found.append(len(tasks(rec, "spanned")) - before)
        assert found == [10, 10, 10]


def test_a_secret_in_an_error_or_a_key(followed: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not leave the worker by what nbtrace sends."""
    ((topic, taken),) = [each for each in followed.client._event_handlers.items() if each[0].startswith("nbtrace-")]
    events: list[Any] = []

    def seen(event: Any) -> None:
        events.append(event)
        taken(event)

    # Not what the scheduler has of them: it is told now and then to forget what has been taken.
    monkeypatch.setitem(followed.client._event_handlers, topic, seen)
    with nbtrace.record() as rec:
        followed.client.submit(fail_with_a_secret, pure=False).exception()
        followed.client.submit(work.spanned, 1, key="fetch ghp_abcdefghijklmnopqrstuvwxyz0123456789").result()
        rec.spans()
    assert events, "what is looked at"
    sent = b"".join(zlib.decompress(message["tasks"]) for _, message in events)
    assert b"fail_with_a_secret" in sent
    assert b"s3cr3tpw" not in sent
    assert b"ghp_abcdefghij" not in sent
