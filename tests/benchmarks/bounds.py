"""A recording that is left on: ten million spans through a bound of one million. Memory and the price of a span are looked
at after each million; both should be what they were after the first."""

from __future__ import annotations

import os
import statistics
import sys
import time

from opentelemetry import trace

import nbtrace

SPANS, BOUND, PER_TURN = 10_000_000, 1_000_000, 10_000


def resident() -> float:
    """Memory of this process in MB; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return 0.0


def main() -> None:
    """Record."""
    spans = int(os.environ.get("NBTRACE_BENCHMARK_SPANS", SPANS))
    recording = nbtrace.record(max_spans=BOUND).start()
    tracer = trace.get_tracer("bench")

    def turn() -> float:
        began = time.thread_time_ns()
        for i in range(PER_TURN):
            with tracer.start_as_current_span("work", attributes={"n": i, "kind": "x", "share": 0.5}):
                pass
        return (time.thread_time_ns() - began) / PER_TURN / 1_000

    turn()
    recording.clear()
    empty = resident()
    print(f"{spans:,} spans through a bound of {BOUND:,}")
    first: list[float] = []
    for million in range(spans // BOUND):
        turns = [turn() for _ in range(BOUND // PER_TURN)]
        first = first or turns[:5]
        print(
            f"  after {million + 1:2} M: {statistics.median(turns):5.2f} µs a span on the user's thread, "
            f"{statistics.median(turns) / statistics.median(first):4.2f} × the first {len(first) * PER_TURN:,}; "
            f"{resident() - empty:4.0f} MB; {len(recording):,} kept, {recording.dropped_spans:,} dropped"
        )
        sys.stdout.flush()
    recording.stop()
