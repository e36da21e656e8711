from __future__ import annotations

import threading

import pytest

from nbtrace.store import store as store_module
from nbtrace.store.store import SpanStore
from tests.rows import row


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
def test_the_bound_in_bytes_holds_too(bound: int, text: int) -> None:
    """What is sealed stays within it, the last chunk excepted; the last span is there, and what is gone is counted."""
    store = SpanStore(max_bytes=bound)
    for span_id in range(1, 3_001):
        store.append(row(span_id, text=f"{span_id:0{text}}"))
        if span_id % 500 == 0:
            ids(store)
    kept = ids(store)
    last = store._chunks[-1].nbytes if store._chunks else 0
    assert store.nbytes <= max(bound, last)
    assert kept == list(range(3_001 - len(kept), 3_001))
    assert store.dropped_spans == 3_000 - len(kept) > 0
    assert len(kept) * text < 2 * bound or len(kept) <= max(512, store._chunk_rows * 2)


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
    assert store._sealer is not None
    store._sealer.join(timeout=60)
    assert [chunk.batch is not None for chunk in store._chunks] == [True]


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

    def running() -> list[store_module.Row]:
        if not len(store):
            store.append(row(5, end=9_000))
        return [row(5, end=0), row(6, end=0)]

    store.running_rows = running
    (batch,) = store.snapshot().batches
    assert batch.spans.to_pydict()["span_id"] == [f"{5:016x}", f"{6:016x}"]
    assert batch.spans.to_pydict()["end_ns"] == [9_000, None]


def test_writers_in_many_threads_lose_nothing_while_readers_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks turn over, are sealed by another thread and are read, all at once."""
    monkeypatch.setattr(store_module, "CHUNK_ROWS", 600)
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
    store = SpanStore()
    for span_id in range(1, store_module.CHUNK_ROWS + 2):
        store.append(row(span_id))
    assert store._sealer is not None
    store._sealer.join(timeout=60)
    assert not store._sealer.is_alive()
    assert store._chunks[0].batch is not None
