"""What files cost: a million spans to Parquet and back, five to a trace, with three attributes each.

Times are of the wall and of all of the process's processors; memory is what the process took at its most beyond what it had."""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nbtrace.formats.parquet.dataset import read_dataset, write_dataset
from nbtrace.formats.parquet.whole import read_parquet, write_parquet
from nbtrace.store.batch import Batch
from nbtrace.store.rows import CHUNK_ROWS
from nbtrace.store.schema import Origin, Row, Thread
from nbtrace.store.seal import seal
from nbtrace.store.span_store import Snapshot

SPANS = 1_000_000
PER_TRACE = 5

KEYS = ("rows", "kind", "share")
ORIGIN = Origin("bench", "bench", "1", '{"service.name": "bench"}')
THREAD = Thread(11, 22, "MainThread")


def batches() -> Iterator[Batch]:
    """Spans with random ids, as a program makes them that starts and ends them one after the other."""
    chance = random.Random(7)
    now, rows, above = 1_700_000_000_000_000_000, list[Row](), 0
    trace = root = 0
    for at in range(SPANS):
        span = chance.getrandbits(64)
        if at % PER_TRACE == 0:
            trace, root, above, now = chance.getrandbits(128), span, 0, now + chance.randrange(100_000)
        start = now + chance.randrange(50_000)
        times = (start, start + chance.randrange(1_000_000))
        values = (at, f"k{at % 20}", chance.random())
        rows.append(
            (trace, span, above, f"work {at % 40}", 0, *times, 0, at // 10_000 + 1, ORIGIN, THREAD, None, KEYS, *values)
        )
        above = root
        if len(rows) == CHUNK_ROWS:
            yield seal(rows)
            rows = []
    if rows:
        yield seal(rows)


def told(name: str, what: Callable[[], object]) -> object:
    """Do it, and print what it took."""
    before = peak()
    processors, wall = sum(os.times()[:2]), time.perf_counter()
    found = what()
    wall, processors = time.perf_counter() - wall, sum(os.times()[:2]) - processors
    print(f"  {name:<16} {wall:5.2f} s, {processors:5.2f} s of processors, {peak() - before:5.0f} MB more than before")
    return found


def peak() -> float:
    """The most memory that the process has taken, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    """Write and read."""
    snapshot = Snapshot(tuple(batches()), (), 0)
    held = sum(batch.nbytes for batch in snapshot.batches)
    print(f"files: {SPANS:,} spans, {held / SPANS:.0f} B each in memory")
    with tempfile.TemporaryDirectory() as folder:
        path, runs = Path(folder, "run.parquet"), Path(folder, "runs")

        def write() -> None:
            with open(path, "wb") as file:
                write_parquet(snapshot, file)

        told("to Parquet", write)
        told("and back", lambda: read_parquet(path))
        print(f"  on disk          {path.stat().st_size / SPANS:.1f} B a span")
        told("into a dataset", lambda: write_dataset(snapshot, runs))
        told("once more", lambda: write_dataset(snapshot, runs))
        told("and back", lambda: read_dataset(runs))
