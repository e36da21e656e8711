"""Saving as Chrome trace events: 100,000 spans in eight threads, with three attributes each. Time, size, and the memory that it
takes beside the recording."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from nbtrace.recording import Recording
from nbtrace.store.schema import RowFields, Thread
from nbtrace.store.span_store import SpanStore
from tests.rows import row

SPANS, ROUNDS = 100_000, 5
_THREADS = [Thread(11, 140_000_000_000_000 + number, f"worker_{number}") for number in range(8)]
_THREAD = RowFields._fields.index("thread")


def recording(spans: int) -> Recording:
    """Return trees of ten spans: one, and nine one after the other below it."""
    store = SpanStore(max_spans=2 * spans)
    for number in range(spans):
        tree, place = divmod(number, 10)
        # In the order in which they end: the root is the last.
        start = 1_700_000_000_000_000_000 + tree * 1_000_000 + (0 if place == 9 else place * 100_000)
        root = tree * 10 + 10
        made = row(
            number + 1 if place < 9 else root,
            parent=root if place < 9 else 0,
            trace=tree + 1,
            name=f"step {place}",
            start=start,
            end=start + (999_000 if place == 9 else 90_000),
            rows=number,
            source="s3",
            share=0.5,
        )
        store.append((*made[:_THREAD], _THREADS[tree % 8], *made[_THREAD + 1 :]))
    return Recording(store)


def main() -> None:
    """Save."""
    spans = int(os.environ.get("NBTRACE_BENCHMARK_SPANS", SPANS))
    made = recording(spans)
    made.to_arrow()  # sealed, and libraries open
    with tempfile.TemporaryDirectory() as folder:
        path, taken = Path(folder) / "run.json", []
        for _ in range(ROUNDS):
            began = time.process_time()
            made.save(path)
            taken.append(time.process_time() - began)
        size = path.stat().st_size
        tracemalloc.start()
        made.save(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    seconds = statistics.median(taken)
    print(
        f"{spans:,} spans as Chrome trace events\n  {seconds:.2f} s CPU, {seconds / spans * 1e6:.1f} µs a span; "
        f"{size / 1e6:.0f} MB, {size / spans:.0f} B a span; at most {peak / 1e6:.0f} MB of Python's memory meanwhile"
    )
    sys.stdout.flush()
