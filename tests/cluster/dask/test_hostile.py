"""Schedulers and workers that go away, know no nbtrace, or have another clock: the recording says what is known, and no more."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import nbtrace
from tests.cluster import work
from tests.cluster.dask.programs import free_port, scheduler, wait_until_it_listens, worker
from tests.cluster.engines import Dask, kill
from tests.cluster.judging import below, tasks, wrong
from tests.waiting import wait_for

distributed = pytest.importorskip("distributed")


@contextmanager
def followed_client(port: int, host: str = "127.0.0.1") -> Iterator[Any]:
    """A client that is followed."""
    wait_until_it_listens(port, host)
    with distributed.Client(f"tcp://{host}:{port}", set_as_default=False, timeout=60) as client:
        nbtrace.dask.install(client)
        try:
            yield client
        finally:
            nbtrace.dask.uninstall()


# ── who goes away ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_scheduler_goes_away_and_comes_back() -> None:
    """What had come home is there, what ran is lost, and what is sent to the new one is recorded by the same client."""
    port = free_port()
    with ExitStack() as stack, nbtrace.record() as rec:
        first = stack.enter_context(scheduler(port))
        stack.enter_context(worker(f"tcp://127.0.0.1:{port}", "--death-timeout", 60))
        client = stack.enter_context(followed_client(port))
        with nbtrace.span("before"):
            assert client.gather(client.map(work.spanned, range(5), pure=False)) == [0, 2, 4, 6, 8]
        assert below(rec)[("deeper", "inside")] == 5
        first.kill()
        first.wait()
        began = time.monotonic()
        assert below(rec)[("deeper", "inside")] == 5
        assert time.monotonic() - began < 10
        stack.enter_context(scheduler(port))
        wait_until_it_listens(port)
        wait_for(lambda: client.status == "running" and client.scheduler_comm is not None, "the client")
        stack.enter_context(worker(f"tcp://127.0.0.1:{port}"))
        client.wait_for_workers(1, timeout=60)
        with nbtrace.span("after"):
            assert client.gather(client.map(work.spanned, range(4), pure=False)) == [0, 2, 4, 6]
        found = below(rec)
        assert (found[("spanned", "before")], found[("spanned", "after")]) == (5, 4)
        assert found[("deeper", "inside")] == 9
        assert wrong(rec) == []


def steadily(place: str) -> None:
    """Make spans until somebody says that it is enough, and note how many have ended."""
    with nbtrace.span("whole"), open(f"{place}.{os.getpid()}", "ab", buffering=0) as file:
        number = 0
        while not os.path.exists(place):
            with nbtrace.span(f"span {number}", number=number):
                pass
            file.write(b".")
            number += 1
            time.sleep(0.001)


@pytest.mark.once
@pytest.mark.parametrize("number", range(20))
def test_a_worker_is_killed_at_any_moment(followed: Dask, tmp_path: Path, number: int) -> None:
    """What it had sent is there once, from the first span on without a gap; the span and the task in which it was killed are
    unfinished, and that something is lost is said."""
    place = tmp_path / "enough"
    address = followed.add_worker()
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            handle = followed.client.submit(
                steadily, str(place), workers=[address], allow_other_workers=True, pure=False
            )
            wait_for(lambda: list(tmp_path.glob("enough.*")), "a span")
            (notes,) = tmp_path.glob("enough.*")
            pid = int(notes.suffix[1:])
            threading.Event().wait(0.5 * random.random())
            if number % 4 == 0:
                rec.spans()
            kill(pid)
            place.touch()
            handle.result()
            followed.drop(address)
        spans = rec.spans(where=f"process_pid == {pid}")
        ended = sorted(int(name.split()[1]) for name in spans["name"] if name.startswith("span "))
        assert ended == list(range(len(ended)))
        assert len(ended) <= notes.stat().st_size + 1
        assert set(spans.loc[spans["name"] == "whole", "state"]) <= {"unfinished"}
        lost = [row for row in tasks(rec) if row["process_pid"] == pid]
        assert [row["state"] for row in lost] in ([], ["unfinished"])
        if lost:
            assert lost[0]["nbtrace.task.outcome"] == "lost"
            assert any("ended with their workers" in line for line in nbtrace.dask.status())
        assert wrong(rec) == []


# ── who knows no nbtrace ─────────────────────────────────────────────────────────────────────────────────────────────────

WITHOUT = {
    "none": 'raise ModuleNotFoundError("No module named \'nbtrace\'", name="nbtrace")',
    "another version": '__version__ = "0.0.1"',
    "a broken one": "raise ImportError(\"cannot import name 'x'\")",
}
SAID = {
    "none": "has no nbtrace",
    "another version": "has nbtrace 0.0.1, not",
    "a broken one": "cannot open its nbtrace",
}


@pytest.mark.parametrize("kind", WITHOUT)
def test_a_worker_without_this_nbtrace(kind: str, tmp_path: Path) -> None:
    """Its tasks are rows, as are those that they send, and it is said why there is no more."""
    (tmp_path / "nbtrace").mkdir()
    (tmp_path / "nbtrace" / "__init__.py").write_text(WITHOUT[kind])

    def double(number: int) -> int:
        return 2 * number

    def fails(number: int) -> int:
        raise ValueError(number)

    def sends(number: int) -> int:
        from distributed import worker_client

        with worker_client() as inner:
            return int(inner.submit(lambda: 2 * number, pure=False).result())

    port = free_port()
    with ExitStack() as stack, nbtrace.record() as rec:
        stack.enter_context(scheduler(port, path=[tmp_path]))
        stack.enter_context(worker(f"tcp://127.0.0.1:{port}", path=[tmp_path]))
        client = stack.enter_context(followed_client(port))
        with nbtrace.span("send"):
            assert client.gather(client.map(double, range(5))) == [0, 2, 4, 6, 8]
            assert isinstance(client.submit(fails, 1).exception(), ValueError)
            assert client.submit(sends, 4).result() == 8
        assert below(rec) == {
            ("send", None): 1,
            ("double", "send"): 5,
            ("fails", "send"): 1,
            ("sends", "send"): 1,
            ("lambda", "sends"): 1,
        }
        assert list(rec.errors()["exception_type"]) == ["ValueError"]
        assert wrong(rec) == []
        said = [line for line in nbtrace.dask.status() if "only tasks are known" in line]
        assert len(said) == 1
        assert SAID[kind] in said[0]


# ── odd tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "key",
    [
        "plain",
        ("x", 3),
        ("x", 1, 2),
        "long " * 10_000,
        "π 'quoted' \"twice\"\n\x00\u2028",
        "nul\0l",
        ("a", 2**40),
        " ",
    ],
    ids=repr,
)
def test_odd_keys(followed: Dask, key: Any) -> None:
    """The task is a row, its key as text, as far as one wants to read."""
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            assert followed.client.get({key: (work.spanned, 3)}, key) == 6
        (task,) = tasks(rec)
        assert str(key)[:100].encode("unicode_escape")[:20] in task["nbtrace.task.key"].encode("unicode_escape")
        assert len(task["nbtrace.task.key"]) <= 500
        assert below(rec)[("deeper", "inside")] == 1
        assert wrong(rec) == []


def test_annotations_of_the_users(followed: Dask) -> None:
    """They are there, in tasks too, as without nbtrace, and ours beside them."""
    import dask

    def annotations() -> Any:
        from distributed import get_worker

        me = get_worker()
        task = me.state.tasks[me.get_current_task()]
        return {name: value for name, value in task.annotations.items() if not name.startswith("nbtrace")}

    with nbtrace.record() as rec:
        with dask.annotate(mine={"a": (1, 2)}, priority=3, retries=2):
            with nbtrace.span("send"):
                found = followed.client.submit(annotations, pure=False).result()
        assert found == {"mine": {"a": (1, 2)}, "priority": 3, "retries": 2}
        assert len(tasks(rec)) == 1


class Unprintable(Exception):
    def __repr__(self) -> str:
        raise ZeroDivisionError

    __str__ = __repr__


class Unpicklable(Exception):
    def __init__(self, lock: Any) -> None:
        super().__init__("locked", lock)


def raise_unprintable() -> None:
    raise Unprintable


def raise_unpicklable() -> None:
    raise Unpicklable(threading.Lock())


def raise_huge() -> None:
    raise ValueError("x" * 5_000_000)


def raise_group() -> None:
    raise ExceptionGroup("several", [ValueError(1), KeyError("k")])


def return_unpicklable() -> Any:
    return threading.Lock()


def raise_unprintable_within() -> None:
    with nbtrace.span("inside"):
        raise Unprintable


@pytest.mark.parametrize(
    "function",
    [
        raise_unprintable,
        raise_unprintable_within,
        raise_unpicklable,
        raise_huge,
        raise_group,
        return_unpicklable,
    ],
)
def test_odd_failures(followed: Dask, function: Any) -> None:
    """The person gets what they would get without nbtrace, and the row is there."""

    def outcome() -> Any:
        try:
            value = followed.client.submit(function, pure=False).result(timeout=30)
        except BaseException as error:
            return type(error).__name__, error.args if type(error) is ValueError else None
        return type(value).__name__

    plain = outcome()
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            assert outcome() == plain
        rows = tasks(rec)
        assert {row["name"] for row in rows} == {function.__name__}
        if function is raise_unprintable_within:  # to Dask, and the person, it is what its repr() raises
            assert list(rec.errors()["exception_type"].str.rpartition(".")[2]) == ["Unprintable", "ZeroDivisionError"]
        elif function is not return_unpicklable:
            assert len(rec.errors()) == 1
        assert max(len(str(text)) for text in rec.errors()["exception_message"].tolist() or [""]) < 100_000
        assert wrong(rec) == []


# ── who waits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def interrupted(after_s: float) -> Iterator[None]:
    """Somebody presses the button to interrupt meanwhile."""
    timer = threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_an_interrupt_while_a_result_is_waited_for(followed: Dask, tmp_path: Path) -> None:
    """It is as without nbtrace; the task goes on, and ends in the recording."""
    place = tmp_path / "held"
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            handles = followed.send(work.hold, [str(place)])
            wait_for(place.with_suffix(".begun").exists)
            with interrupted(0.3), pytest.raises(KeyboardInterrupt):
                followed.results(handles)
        place.with_suffix(".enough").touch()
        assert followed.results(handles) == [str(place)]
        assert [row["state"] for row in tasks(rec)] == ["ended"]
        assert below(rec)[("before", "held")] == 1
        assert wrong(rec) == []


def hold_the_lock(place: str) -> int:
    """Hold the interpreter's lock, so that nobody else in the process does anything."""
    import ctypes

    Path(place).touch()
    with nbtrace.span("holds"):
        ctypes.PyDLL(None).usleep(5_000_000)
    return os.getpid()


@pytest.mark.once
def test_a_task_holds_the_interpreters_lock(followed: Dask, tmp_path: Path) -> None:
    """Who asks meanwhile gets what there is, within a few seconds, can interrupt it, and finds the rest later."""
    place = tmp_path / "begun"
    with nbtrace.record() as rec:
        with nbtrace.span("send"):
            followed.results(followed.send(work.spanned, range(4)))
            assert below(rec)[("spanned", "send")] == 4
            handles = followed.send(hold_the_lock, [str(place)])
            wait_for(place.exists)
            began = time.monotonic()
            with interrupted(0.3), suppress(KeyboardInterrupt):
                rec.spans()
                time.sleep(60)
            assert time.monotonic() - began < 2
            assert below(rec)[("spanned", "send")] == 4
            assert time.monotonic() - began < 4.5
            rec.spans()
            assert time.monotonic() - began < 4.9
            followed.results(handles)
        rec.spans()
        wait_for(
            lambda: below(rec).get(("holds", "hold_the_lock")) == 1 and wrong(rec) == [], "what the task has recorded"
        )
        assert [row["state"] for row in tasks(rec, "hold_the_lock")] == ["ended"]


# ── clocks and hosts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _faketime() -> str:
    found = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
    if found is None:
        pytest.skip("there is no libfaketime here: apt install faketime")
    return str(found)


@pytest.mark.once
@pytest.mark.parametrize("off", ["-1h", "+1h"])
def test_a_worker_with_another_clock(off: str) -> None:
    """Its times are shifted to the kernel's: no child before its parent, no task before it was sent or after it was there."""
    library, port = _faketime(), free_port()
    clock = {"LD_PRELOAD": library, "FAKETIME": off, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with ExitStack() as stack, nbtrace.record() as rec:
        stack.enter_context(scheduler(port))
        stack.enter_context(worker(f"tcp://127.0.0.1:{port}", **clock))
        client = stack.enter_context(followed_client(port))
        there = client.submit(time.time, pure=False).result() - time.time()
        assert abs(abs(there) - 3600) < 60
        before = time.time()
        with nbtrace.span("send"):
            first = client.map(work.spanned, range(5), pure=False)
            assert client.submit(sum, first).result() == 20
        after = time.time()
        assert wrong(rec) == []
        rows = tasks(rec)
        assert len(rows) == 7
        for row in rows[1:]:
            assert before <= row["start_time"].timestamp() <= row["end_time"].timestamp() <= after + 0.2
            assert 0 <= row["nbtrace.task.waited"] <= after - before
            assert abs(row["nbtrace.task.clock"] + there) < 1
        said = [line for line in nbtrace.dask.status() if "its times are shifted" in line]
        assert len(said) == 1
        assert ("ahead of" if off == "+1h" else "behind") in said[0]


@contextmanager
def another_host(name: str) -> Iterator[tuple[str, list[str]]]:
    """A network of its own on this machine, and what a command begins with that is run there."""
    ip = shutil.which("ip")
    if ip is None or os.getuid():
        pytest.skip("networks of one's own need root and ip")

    def run(*words: str) -> None:
        subprocess.run([ip, *words], check=True, capture_output=True, text=True)

    try:
        run("netns", "add", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"there can be no network of one's own: {error.stderr.strip()}")
    try:
        run("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns", name)
        run("addr", "add", "10.213.77.1/24", "dev", f"{name}0")
        run("link", "set", f"{name}0", "up")
        for words in (
            ["link", "set", "lo", "up"],
            ["addr", "add", "10.213.77.2/24", "dev", f"{name}1"],
            ["link", "set", f"{name}1", "up"],
        ):
            run("netns", "exec", name, ip, *words)
        yield (
            "10.213.77.1",
            [ip, "netns", "exec", name, "unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"],
        )
    finally:
        run("netns", "del", name)
        with suppress(subprocess.CalledProcessError):
            run("link", "del", f"{name}0")


@pytest.mark.once
def test_a_worker_on_another_host() -> None:
    """With numbers of processes of its own, which are nobody else's in the recording."""
    with another_host("nbtrace") as (here, command), ExitStack() as stack, nbtrace.record() as rec:
        port = free_port(here)
        stack.enter_context(scheduler(port, here))
        stack.enter_context(worker(f"tcp://{here}:{port}"))
        stack.enter_context(worker(f"tcp://{here}:{port}", before=command))
        client = stack.enter_context(followed_client(port, here))
        client.wait_for_workers(2, timeout=60)
        with nbtrace.span("send"):
            client.gather(client.map(work.spanned, range(20), pure=False))
            for address in client.scheduler_info()["workers"]:
                client.submit(work.spanned, 1, workers=[address], pure=False).result()
        pids = {row["nbtrace.task.worker"]: row["process_pid"] for row in tasks(rec)}
        assert len(pids) == 2
        assert sorted(pid >= 2**32 for pid in pids.values()) == [False, True]
        assert below(rec)[("deeper", "inside")] == 22
        assert wrong(rec) == []
