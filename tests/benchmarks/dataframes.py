"""From a recording to its DataFrames: a million spans with three attributes, first call and repeated."""

from __future__ import annotations

import statistics
import time

from nbtrace.api import Recording
from nbtrace.store.store import SpanStore
from tests.rows import row

SPANS = 1_000_000


def main() -> None:
    """Fill a store with rows and ask it."""
    store = SpanStore(max_spans=2 * SPANS)
    keys = ("n", "kind", "share")
    for i in range(SPANS):
        store.append(
            (*row(i + 1, parent=i, trace=i // 1_000 + 1, start=i, end=i + 5)[:11], keys, i, f"k{i % 20}", i * 0.5)
        )
    recording = Recording(store)
    if store._sealer is not None:
        store._sealer.join()
    figures = []
    for _ in range(6):
        began = time.perf_counter()
        recording.spans()
        figures.append(time.perf_counter() - began)
    sealed = sum(
        batch.spans.nbytes + sum(run.values.nbytes for runs in batch.attributes.values() for run in runs)
        for batch in store.snapshot().batches
    )
    print(f"{SPANS:,} spans to a DataFrame")
    print(
        f"  first call {figures[0]:.2f} s, repeated {statistics.median(figures[1:]):.2f} s, {sealed / SPANS:.0f} B a span"
    )
