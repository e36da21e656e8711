from __future__ import annotations

import gc
import sys
import threading
import tracemalloc

import pytest

from nbtrace import faults
from nbtrace.store import rows as rows_module
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.rows import tell
from nbtrace.store.schema import RUNNING, Extra, Row
from nbtrace.store.span_store import SpanStore
from nbtrace.store.weight import weigh
from tests.rows import row
from tests.waiting import wait_for


def ids(store: SpanStore) -> list[int]:
    """The span ids that a reader sees, in order."""
    return [int(i, 16) for batch in store.snapshot().batches for i in batch.spans["span_id"].to_pylist()]


def test_spans_come_back_in_the_order_in_which_they_ended() -> None:
    store = SpanStore()
    for span_id in range(1, 2_000):
        store.append(row(span_id))
    assert ids(store) == list(range(1, 2_000))
    assert ids(store) == list(range(1, 2_000)), "a second reading sees the same"
    assert len(store) == 1_999


def test_a_writer_that_was_interrupted_finds_its_row_though_it_is_sealed_by_now() -> None:
    store = SpanStore()
    for span_id in range(1, rows_module.CHUNK_ROWS + 1):
        store.append(row(span_id))
    store.snapshot()
    assert store.holds(row(rows_module.CHUNK_ROWS))
    assert not store.holds(row(rows_module.CHUNK_ROWS + 1))
    store.clear()
    assert not store.holds(row(rows_module.CHUNK_ROWS))


@pytest.mark.parametrize("bound", [1, 7, 10, 999, 1_000, 1_001])
def test_the_oldest_go_first_and_are_counted(bound: int) -> None:
    """Never more than the bound, at least three quarters of it, and the last span is always there."""
    store = SpanStore(max_spans=bound)
    for span_id in range(1, 5_001):
        store.append(row(span_id))
        assert len(store) <= bound
    kept = ids(store)
    assert bound * 3 // 4 <= len(kept) <= bound
    assert kept == list(range(5_001 - len(kept), 5_001))
    assert store.dropped_spans == 5_000 - len(kept)
    assert len(store) == len(kept)


@pytest.mark.parametrize(("bound", "text"), [(2_000_000, 10_000), (300_000, 100), (1_000_000, 60_000), (10, 10)])
@pytest.mark.parametrize("read_every", [1, 500, 10_000])
def test_the_bound_in_bytes_holds_at_every_moment(bound: int, text: int, read_every: int) -> None:
    """Whether rows wait or are sealed, read often or never: within a quarter, and what is gone is counted."""
    store = SpanStore(max_bytes=bound)
    for span_id in range(1, 3_001):
        new = row(span_id, text=f"{span_id:0{text}}")
        store.append(new, weigh(new))
        assert store.nbytes <= bound * 1.25
        if span_id % read_every == 0 and span_id < 100 * read_every:
            ids(store)
    kept = ids(store)
    assert kept == list(range(3_001 - len(kept), 3_001))
    assert store.dropped_spans == 3_000 - len(kept) > 0


def test_what_waits_weighs_what_it_takes() -> None:
    """The estimate is compared with what Python says that it allocates for the rows."""
    gc.collect()  # which empties the free lists: what comes out of them is not seen to be allocated
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        rows = [
            row(
                2**63 + n,
                trace=2**127 + n,
                start=10**18 + n,
                text=f"{n:0500}",
                extra=Extra(f"message {n}" * 9, ((n, f"e{n}", ("k",), (f"{n:099}",)),)),
            )
            for n in range(2_000)
        ]
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken * 0.9 < sum(map(weigh, rows)) < taken * 1.6


def test_a_smaller_bound_in_bytes_drops_at_once() -> None:
    store = SpanStore()
    for span_id in range(1, 50_001):
        store.append(row(span_id))
    store.snapshot()
    before = store.nbytes
    store.max_bytes = before // 2
    assert store.nbytes <= before // 2
    assert ids(store)[-1] == 50_000
    assert store.dropped_spans + len(store) == 50_000


def test_a_long_tail_is_sealed_when_its_cell_ends() -> None:
    store = SpanStore()
    for span_id in range(1, 5_001):
        store.append(row(span_id))
    store.settle()
    wait_for(lambda: not store._rows._at_work.locked() and not store._rows._first_unsealed())
    assert [chunk.batch is not None for chunk in store._rows._chunks] == [True, False]


def test_a_smaller_bound_drops_at_once() -> None:
    store = SpanStore()
    for span_id in range(1, 1_001):
        store.append(row(span_id))
    store.max_spans = 100
    assert len(store) <= 100
    assert ids(store)[-1] == 1_000
    assert store.dropped_spans + len(store) == 1_000


def test_clearing_forgets_spans_and_counts() -> None:
    store = SpanStore(max_spans=10)
    for span_id in range(1, 100):
        store.append(row(span_id))
    store.clear()
    assert (len(store), store.dropped_spans, ids(store)) == (0, 0, [])


def test_a_span_that_ends_while_somebody_reads_is_there_once() -> None:
    """It is among the running when they are asked for, and among the finished when those are."""
    store = SpanStore()

    def running() -> list[Row]:
        if not len(store):
            store.append(row(5, end=9_000))
        return [row(5, end=0), row(6, end=0)]

    store.sources["test"] = running
    (batch,) = store.snapshot().batches
    assert batch.spans.to_pydict()["span_id"] == [f"{5:016x}", f"{6:016x}"]
    assert batch.spans.to_pydict()["end_ns"] == [9_000, None]


def test_writers_in_many_threads_lose_nothing_while_readers_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks turn over, are sealed by another thread and are read, all at once."""
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", 600)
    store = SpanStore()
    per_thread, threads = 5_000, 6

    def write(number: int) -> None:
        for i in range(per_thread):
            store.append(row(number * per_thread + i + 1, n=i))

    writers = [threading.Thread(target=write, args=(n,)) for n in range(threads)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen = ids(store)
        assert len(seen) == len(set(seen)), "a span was read twice"
    for writer in writers:
        writer.join()
    assert sorted(ids(store)) == list(range(1, per_thread * threads + 1))


def test_the_sealing_thread_ends_when_there_is_nothing_to_seal() -> None:
    """And `threading` never hears of it."""
    before = threading.active_count()
    store = SpanStore()
    for span_id in range(1, rows_module.CHUNK_ROWS + 2):
        store.append(row(span_id))
    wait_for(lambda: store._rows._chunks[0].batch is not None)
    wait_for(lambda: not store._rows._at_work.locked())
    assert threading.active_count() == before


@pytest.mark.parametrize("bound", [8, 100])
def test_what_is_dropped_is_counted_once_whoever_drops_it(bound: int) -> None:
    """Many writers at a small bound drop the same chunks at the same time."""
    store = SpanStore(max_spans=bound)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def write(number: int) -> None:
        for i in range(4_000):
            store.append(row(number * 4_000 + i + 1))

    try:
        writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    finally:
        sys.setswitchinterval(before)
    assert store.dropped_spans + len(store) == 32_000


def test_rules_that_change_leave_what_was_kept_as_it_is() -> None:
    """Neither does a secret come back, nor does a callable get what has ended before it was chosen."""
    store = SpanStore()
    store.cells.open(execution_count=1, cell_id=None, source="password = 'hunter2-hunter2'")
    store.append(row(1, password="hunter2-hunter2"))
    asked: list[object] = []
    store.change(redactor=Redactor(lambda key, value: asked.append(value) or value))
    store.change(redactor=Redactor(False))
    store.append(row(2, password="kept as it is"))
    store.cells.open(execution_count=2, cell_id=None, source="password = 'kept as it is'")
    snapshot = store.snapshot()
    values = [v for batch in snapshot.batches for run in batch.attributes["password"] for v in run.values.to_pylist()]
    assert values == ["[redacted: password]", "kept as it is"]
    assert [e.source for e in snapshot.executions] == [
        "password = '[redacted: password]'",
        "password = 'kept as it is'",
    ]
    assert asked == []


class Heard:
    """A subscriber that notes what it is told."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def started(self, row: Row) -> None:
        self.starts.append(row[1])

    def ended(self, row: Row) -> None:
        self.ends.append(row[1])


def test_who_subscribes_is_told_of_starts_and_ends() -> None:
    """From then on, until it is unsubscribed; others are told of the same."""
    store, one, other = SpanStore(), Heard(), Heard()
    store.append(row(1))
    store.subscribe(one)
    store.subscribe(other)
    assert store.starts
    tell(store.starts, row(2, end=RUNNING))
    store.append(row(2))
    store.unsubscribe(one)
    store.append(row(3))
    assert (one.starts, one.ends) == ([2], [2])
    assert (other.starts, other.ends) == ([2], [2, 3])
    store.unsubscribe(other)
    assert not store.starts


class Broken(Heard):
    """A subscriber that can take no row."""

    def ended(self, row: Row) -> None:
        raise ValueError("no room")


def test_a_subscriber_that_raises_takes_nothing_from_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is kept, the others are told, and the fault is told of."""
    monkeypatch.setattr(faults, "RAISE", False)
    store, heard = SpanStore(), Heard()
    store.subscribe(Broken())
    store.subscribe(heard)
    store.append(row(1))
    assert heard.ends == [1]
    assert ids(store) == [1]
    assert any("telling of a row" in told for told in faults.faults())


def test_running_spans_come_from_several_sources() -> None:
    """Each is asked, and a span that has ended meanwhile stands once, ended."""
    store = SpanStore()
    store.sources["here"] = lambda: [row(1, end=RUNNING), row(2, end=RUNNING)]
    store.sources["elsewhere"] = lambda: [row(3, end=RUNNING)]
    store.append(row(2))
    states = {
        int(span_id, 16): state
        for batch in store.snapshot().batches
        for span_id, state in zip(batch.spans["span_id"].to_pylist(), batch.spans["state"].to_pylist(), strict=True)
    }
    assert states == {1: 1, 2: 0, 3: 1}
    del store.sources["elsewhere"]
    assert len(store.running_rows()) == 2
