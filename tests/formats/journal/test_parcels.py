"""Lines go in parcels, each of which can be read by itself."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from nbtrace.formats.journal.journal import Journal
from nbtrace.formats.journal.line_reader import LineReader
from nbtrace.formats.journal.parcels import MAX_BYTES, Parcels
from nbtrace.store.schema import Row, RowFields
from nbtrace.store.span_store import SpanStore
from tests.rows import row


class Writer:
    """A store of which all goes into parcels."""

    def __init__(self) -> None:
        self.store, self.parcels = SpanStore(), Parcels()
        self.journal = Journal(self.store, Path(os.devnull), head={"pid": 3}, parcels=self.parcels)
        self.journal.start()

    def add(self, *rows: Row) -> None:
        for each in rows:
            self.store.append(each)


def read(*texts: bytes) -> list[tuple[int, str]]:
    """What somebody far away reads in parcels: ids and names."""
    rows: list[Row] = []
    reader = LineReader(rows.append, lambda sample: None)
    for text in texts:
        reader.begin_part()
        assert reader.read_all(text.rstrip(b"\n").split(b"\n")) == 0
    found = map(RowFields._fields.index, ("span_id", "name"))
    span_id, name = found
    return [(each[span_id], each[name]) for each in rows]


def test_what_is_taken() -> None:
    """All that is there, once."""
    writer = Writer()
    assert writer.parcels.take() == []
    writer.add(row(1, name="one"))
    assert writer.parcels.holds
    first = writer.parcels.take()
    assert not writer.parcels.holds
    assert writer.parcels.take() == []
    writer.add(row(2, name="two"))
    last = writer.parcels.take()
    assert [read(*first), read(*last)] == [[(1, "one")], [(2, "two")]]
    assert writer.parcels.nbytes == sum(map(len, first + last))
    writer.journal.stop()


def test_a_parcel_is_lost() -> None:
    """What comes after it can be read, though it is about the same threads and names of attributes."""
    writer = Writer()
    texts = []
    for number in range(1, 6):
        writer.add(row(number, name=f"n{number}", shared="x", other=number))
        texts += writer.parcels.take()
    del texts[1]
    assert read(*texts) == [(1, "n1"), (3, "n3"), (4, "n4"), (5, "n5")]
    writer.journal.stop()


def test_nobody_takes_it() -> None:
    """Memory is bounded; what does not fit is counted, and what is there can be read."""
    writer = Writer()
    for number in range(1, 60):
        writer.add(row(number, name="n", text="x" * 500_000))
    assert writer.parcels.lost > 0
    texts = writer.parcels.take()
    assert sum(map(len, texts)) < MAX_BYTES + 1_000_000
    assert len(read(*texts)) + writer.parcels.lost >= 59
    lost = writer.parcels.lost
    writer.add(row(99, name="again"))
    assert read(*writer.parcels.take()) == [(99, "again")]
    assert writer.parcels.lost == lost
    writer.journal.stop()


def test_several_threads_write_while_it_is_taken() -> None:
    """Each row is there once."""
    writer = Writer()
    count, texts, done = 2_000, [], threading.Event()

    def write(first: int) -> None:
        for number in range(first, first + count):
            writer.add(row(number, name="n", number=number))

    def take() -> None:
        while not done.is_set():
            texts.extend(writer.parcels.take())

    threads = [threading.Thread(target=write, args=(1 + count * n,)) for n in range(4)]
    taker = threading.Thread(target=take)
    for thread in (*threads, taker):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    taker.join()
    texts.extend(writer.parcels.take())
    ids = [span_id for span_id, _ in read(*texts)]
    assert sorted(ids) == list(range(1, 4 * count + 1))
    assert writer.parcels.lost == 0
    writer.journal.stop()


@pytest.mark.parametrize("ends", ["stop", "close", "abandon"])
def test_after_the_end(ends: str) -> None:
    """Nothing is taken any more, and nobody is in trouble."""
    writer = Writer()
    writer.add(row(1))
    end: Any = {
        "stop": writer.journal.stop,
        "close": lambda: writer.parcels.close(lambda lines: None),
        "abandon": writer.parcels.abandon,
    }[ends]
    end()
    writer.add(row(2))
    writer.parcels.say(lambda lines: pytest.fail("said after the end"))
    assert writer.parcels.take() == []
    assert writer.parcels.trouble is None
