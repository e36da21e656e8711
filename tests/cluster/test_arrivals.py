"""What comes of workers becomes rows by the kernel's clock, and nothing that comes is believed."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.cluster.arrivals import Arrivals, Sender
from nbtrace.formats.journal.journal import Journal
from nbtrace.formats.journal.parcels import Parcels
from nbtrace.store.schema import WIDTH, Row, RowFields
from nbtrace.store.span_store import SpanStore
from tests.rows import row

SECOND = 1_000_000_000
SENT = 1_700_000_000 * SECOND


class Home:
    """A kernel, as far as it gets messages. A task carries the number of what was sent together, and when."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.samples: list[Row] = []
        self.arrivals = Arrivals(self.rows.append, self.samples.append, _sender, lambda *of: of[1], "here")

    def take(self, message: Any, received_ns: int = SENT + 10 * SECOND) -> None:
        self.arrivals.take(message, received_ns)

    def read(self) -> list[dict[str, Any]]:
        """The rows that have come, with their attributes."""
        return [read(each) for each in self.rows]


def read(each: Row) -> dict[str, Any]:
    fields = RowFields._make(each[:WIDTH])._asdict()
    return {**fields, **dict(zip(fields["keys"], each[WIDTH:], strict=True))}


def _sender(carried: str) -> Sender:
    number, sent_ns = map(int, carried.split())
    return Sender(7, 8, 3, number, sent_ns)


def task(task_id: int = 1, *, start: int = 2, end: int | None = 3, **more: Any) -> dict[str, Any]:
    """What a worker says of a task that began and ended so many seconds after it was sent."""
    said = {
        "id": f"{task_id:x}",
        "of": f"1 {SENT}",
        "key": f"work-{task_id}",
        "name": "work",
        "came": SENT + SECOND,
        "needs": False,
        "transfers": [],
        "start": SENT + start * SECOND,
        "thread": [5, "a thread"],
        **more,
    }
    if end is not None:
        said["end"] = SENT + end * SECOND
    return said


def message(number: int = 1, tasks: Any = (), parcels: Any = (), **more: Any) -> dict[str, Any]:
    """A message as the plugin sends it."""
    return {
        "number": number,
        "worker": "tcp://w",
        "pid": 77,
        "host": "h",
        "machine": "here",
        "born": 5,
        "sent": SENT + 9 * SECOND,
        "lacks": "",
        "lost": 0,
        "tasks": zlib.compress(json.dumps(list(tasks)).encode()),
        "parcels": [zlib.compress(each) for each in parcels],
        **more,
    }


def parcels(*rows: Row) -> list[bytes]:
    """Rows as a worker writes them."""
    store, found = SpanStore(), Parcels()
    journal = Journal(store, Path(os.devnull), head={"pid": 77}, parcels=found)
    journal.start()
    for each in rows:
        store.append(each)
    texts = found.take()
    journal.stop()
    return texts


def test_a_task() -> None:
    """It is a row with all that is known of it."""
    home = Home()
    home.take(message(tasks=[task()]))
    (found,) = home.read()
    thread = found.pop("thread")
    assert (thread.process_pid, thread.thread_id, thread.thread_name) == (77, 5, "a thread")
    assert found.pop("origin").scope_name == "nbtrace.tasks"
    assert found.pop("keys")
    assert found == {
        "trace_id": 7,
        "span_id": 1,
        "parent_span_id": 8,
        "name": "work",
        "kind": 0,
        "start_ns": SENT + 2 * SECOND,
        "end_ns": SENT + 3 * SECOND,
        "status": 0,
        "cell": 3,
        "extra": None,
        "nbtrace.task.waited": 2.0,
        "nbtrace.task.key": "work-1",
        "nbtrace.task.worker": "tcp://w",
        "host.name": "h",
    }


def test_a_task_that_needs_others() -> None:
    """It has waited since its worker had got it, and for what was fetched meanwhile, each moment counted once."""
    home = Home()
    transfers = [[SENT + SECOND // 2, SENT + SECOND * 3 // 2], [SENT + SECOND * 5 // 4, SENT + SECOND * 7 // 4]]
    home.take(message(tasks=[task(needs=True, transfers=transfers)]))
    (found,) = home.read()
    assert (found["nbtrace.task.waited"], found["nbtrace.task.transfer"]) == (1.0, 0.75)


def test_a_worker_that_was_not_there() -> None:
    """The first part of the waiting is until it was."""
    home = Home()
    home.take(message(tasks=[task()], born=SENT + SECOND))
    assert home.read()[0]["nbtrace.task.worker_start"] == 1.0


def test_a_task_that_runs() -> None:
    """It is running until it is told that it has ended, and then a row."""
    home = Home()
    home.take(message(1, [task(end=None)]))
    assert (len(home.arrivals.running_rows()), home.rows, home.arrivals.waits) == (1, [], True)
    home.take(message(2, [task()]))
    assert (home.arrivals.running_rows(), len(home.rows), home.arrivals.waits) == ([], 1, False)


def test_a_worker_that_is_gone() -> None:
    """What ran in it is unfinished, its task lost."""
    home = Home()
    home.take(message(1, [task(end=None)], parcels(row(4, parent=1))))
    home.arrivals.gone(next(iter(home.arrivals.workers.values())))
    span, lost = home.read()
    assert (span["span_id"], lost["span_id"], lost["nbtrace.task.outcome"]) == (4, 1, "lost")
    assert home.arrivals.running_rows() == []
    assert home.arrivals.lost_tasks == 1


def test_a_worker_that_was_only_thought_to_be_gone() -> None:
    """What it goes on with is not told of twice; what it begins then is."""
    home = Home()
    writer = SpanStore()
    running = Parcels()
    journal = Journal(writer, Path(os.devnull), head={"pid": 77}, parcels=running)
    journal.start()
    journal.started(row(4, parent=1, end=0))
    home.take(message(1, [task(1, end=None)], running.take()))
    assert len(home.arrivals.running_rows()) == 2
    home.arrivals.gone(next(iter(home.arrivals.workers.values())))
    journal.ended(row(4, parent=1))
    journal.stop()
    home.take(message(2, [task(1), task(2)], [*running.take(), *parcels(row(5, parent=2))]))
    assert sorted(found["span_id"] for found in home.read()) == [1, 2, 4, 5]


def test_runs() -> None:
    """What comes again of what was sent together is another run; sent again it is not."""
    home = Home()
    home.take(message(1, [task(1, key="k"), task(2, key="k", end=None)]))
    home.take(message(2, [task(2, key="k"), task(3, key="k", of=f"2 {SENT}")]))
    assert [found.get("nbtrace.task.run") for found in home.read()] == [None, 2, None]


def test_a_message_comes_twice() -> None:
    """It is read once."""
    home = Home()
    for _ in range(2):
        home.take(message(1, [task()], parcels(row(4))))
    assert len(home.rows) == 2


def test_a_message_is_lost() -> None:
    """It is counted, and what comes later is read."""
    home = Home()
    home.take(message(1, [task(1)]))
    home.take(message(4, [task(2)]))
    assert len(home.rows) == 2
    assert next(iter(home.arrivals.workers.values())).missing == 2


def test_processes_of_other_machines() -> None:
    """Their numbers are those of nobody else."""
    home = Home()
    for number, machine in enumerate(("here", "there", "elsewhere", "there"), 1):
        home.take(message(number, [task(number)], machine=machine, worker=f"tcp://{machine}"))
    pids = [found["thread"].process_pid for found in home.read()]
    assert pids == [77, 77 + 2**32, 77 + 2 * 2**32, 77 + 2**32]


@pytest.mark.parametrize("off_s", [-3600, 3600])
def test_a_clock_that_is_off(off_s: int) -> None:
    """All times of a worker are shifted by the same, and nothing begins before what it belongs to."""
    home = Home()
    off = off_s * SECOND
    said = task(came=SENT + SECOND + off)
    said["start"] += off
    said["end"] += off
    span = row(4, parent=1, start=SENT + off + 2 * SECOND + 1, end=SENT + off + 3 * SECOND - 1)
    home.take(message(1, [said], parcels(span), sent=SENT + 9 * SECOND + off))
    inside, found = home.read()
    shift = found["nbtrace.task.clock"] * SECOND
    assert abs(shift + off) <= SECOND
    assert found["start_ns"] == pytest.approx(SENT + 2 * SECOND, abs=SECOND)
    assert SENT <= found["start_ns"] <= inside["start_ns"] <= inside["end_ns"] <= found["end_ns"] <= SENT + 10 * SECOND


def test_an_error() -> None:
    """It is told by the task, unless a span in it has."""
    home = Home()
    error = ["ValueError", "no", "  File ..."]
    home.take(message(1, [task(1, error=error), task(2, error=error, told=True)]))
    first, second = home.read()
    assert [found["status"] for found in (first, second)] == [2, 2]
    assert [found["error.type"] for found in (first, second)] == ["ValueError"] * 2
    assert first["extra"].events[0][3] == ("ValueError", "no", "  File ...")
    assert (second["extra"].events, second["extra"].propagated) == ((), True)


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=True)
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
JSON_ODD = ODD.filter(lambda each: _is_json(each))


def _is_json(each: Any) -> bool:
    try:
        json.dumps(each)
    except (TypeError, ValueError):
        return False
    return True


@settings(deadline=None)
@given(st.data())
def test_garbage_instead_of_a_task(data: st.DataObject) -> None:
    """It is counted and nothing of it is recorded that could not be; the task beside it is."""
    home = Home()
    bad: Any = task(2)
    bad[data.draw(st.sampled_from([*bad, "error", "outcome", "told"]))] = data.draw(JSON_ODD)
    if data.draw(st.booleans()):
        bad = data.draw(JSON_ODD)
    home.take(message(1, [bad, task(1)]))
    assert [found["span_id"] for found in home.read()].count(1) >= 1
    sound(home)


@settings(deadline=None)
@given(st.data())
def test_garbage_in_a_message(data: st.DataObject) -> None:
    """It raises what the inbox fences, or is counted; what comes next is read."""
    home = Home()
    bad: Any = message(1, [task(2)], parcels(row(4)))
    for _ in range(data.draw(st.integers(1, 3))):
        bad[data.draw(st.sampled_from(list(bad)))] = data.draw(ODD)
    try:
        home.take(bad)
    except Exception:
        pass
    sound(home)
    home.take(message(1, [task(1)], parcels(row(5)), worker="tcp://another"))
    assert {1, 5} <= {found["span_id"] for found in home.read()}


@settings(deadline=None)
@given(st.data())
def test_garbage_in_a_parcel(data: st.DataObject) -> None:
    """Lines that cannot be read are counted, and the task that came with them is a row."""
    home = Home()
    whole = parcels(row(4, x=1), row(5, x=2))[0].splitlines()
    lines = list(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at] = data.draw(
            st.binary(max_size=30) | JSON_ODD.map(lambda each: json.dumps(each).encode()) | _odd_line(whole[at])
        )
    home.take(message(1, [task(1)], [b"\n".join(lines)]))
    assert 1 in {found["span_id"] for found in home.read()}
    sound(home)


def _odd_line(line: bytes) -> st.SearchStrategy[bytes]:
    """A line with something else in one of its places."""
    items = json.loads(line)
    places = st.integers(0, len(items) - 1)
    return st.tuples(places, JSON_ODD).map(
        lambda odd: json.dumps([*items[: odd[0]], odd[1], *items[odd[0] + 1 :]]).encode()
    )


def sound(home: Home) -> None:
    """All that is there can be sealed, as a store does, and shown."""
    store = SpanStore()
    for each in (*home.rows, *home.arrivals.running_rows()):
        store.append(each)
        assert 0 <= each[1] < 2**64
        assert 0 <= each[0] < 2**128
    assert sum(batch.length for batch in store.snapshot().batches) == len(store)
    home.arrivals.running_rows()
    for worker in list(home.arrivals.workers.values()):
        home.arrivals.gone(worker)


def test_a_parcel_that_unpacks_to_very_much() -> None:
    """It is not unpacked, and counted."""
    home = Home()
    home.take(message(1, [task()], [b" " * 80_000_000]))
    assert [found["span_id"] for found in home.read()] == [1]
    assert next(iter(home.arrivals.workers.values())).bad == 1
