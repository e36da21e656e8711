"""From a recording to its answers: a million spans with three attributes, and a hundred thousand with rare keys.

Ratios are against the same question in plain pandas, asked in the same run."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable

import pandas as pd
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nbtrace.analysis.criticalpath import critical_path
from nbtrace.analysis.selftime import self_time
from nbtrace.analysis.statistics import statistics as by_name
from nbtrace.analysis.tree import depth_first
from nbtrace.api import Recording
from nbtrace.store.span_store import SpanStore
from tests.rows import row

SPANS, PER_TRACE, ROUNDS = 1_000_000, 1_000, 5
KEYS = ("n", "kind", "share")


def nested(spans: int) -> list[tuple[int, int, int]]:
    """A trace in which every span has up to four children, one after the other: (parent, start, end) of each span."""
    length = [10] * spans
    for place in range(spans - 1, 0, -1):
        length[(place - 1) // 4] += length[place]
    start, free = [0] * spans, [5] * spans
    for place in range(1, spans):
        parent = (place - 1) // 4
        start[place] = free[parent]
        free[parent] += length[place]
        free[place] = start[place] + 5
    return [((place - 1) // 4, start[place], start[place] + length[place]) for place in range(spans)]


def filled(spans: int, per_trace: int, *, sealing: bool = True) -> SpanStore:
    """A store of such traces, with random ids; without sealing, all of it is left to the first reader."""
    store = SpanStore(max_spans=2 * spans)
    if not sealing:
        store._rows._seal_soon = lambda: None  # type: ignore[method-assign]
    ids = random.Random(0).sample(range(1, 2**63), spans)
    trace_of = nested(per_trace)
    ended = sorted(range(per_trace), key=lambda place: (trace_of[place][2], -place))
    for i in range(spans):
        trace, place = i // per_trace, ended[i % per_trace]
        above, start, end = trace_of[place]
        parent = ids[trace * per_trace + above] if place else 0
        shift = trace * trace_of[0][2]
        fields = row(
            ids[trace * per_trace + place],
            parent=parent,
            trace=trace + 1,
            name=f"name {i % 50}",
            start=shift + start,
            end=shift + end,
        )
        store.append((*fields[:12], KEYS, i, f"k{i % 20}", i * 0.5))
    while store._rows._first_unsealed():
        time.sleep(0.005)
    return store


def seconds(question: Callable[[], object]) -> float:
    """The median time of a question."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        question()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def pandas_self_time(spans: pd.DataFrame) -> pd.Series:
    """What a person would write: durations minus the sum of the children's."""
    children = spans.groupby("parent_span_id")["duration"].sum()
    return spans["duration"] - spans["span_id"].map(children).fillna(pd.Timedelta(0))


def pandas_statistics(spans: pd.DataFrame) -> pd.DataFrame:
    """The same for times by name."""
    groups = spans.groupby("name")["duration"]
    return groups.describe(percentiles=[0.5, 0.95, 0.99])


def json_normalize() -> None:
    """A hundred thousand spans of the SDK, never sealed, against what people do with them: to_json and json_normalize."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("bench")
    for i in range(100_000):
        with tracer.start_as_current_span("work", attributes={"n": i, "kind": "x", "share": 0.5}):
            pass
    finished = exporter.get_finished_spans()
    began = time.perf_counter()
    pd.json_normalize([json.loads(span.to_json()) for span in finished])
    theirs = time.perf_counter() - began
    cold = Recording(filled(100_000, PER_TRACE, sealing=False))
    began = time.perf_counter()
    cold.spans()
    ours = time.perf_counter() - began
    print(f"  100,000 never sealed: {ours:.2f} s, json_normalize {theirs:.2f} s, {theirs / ours:.0f} times as long")


def main() -> None:
    """Ask."""
    store = filled(SPANS, PER_TRACE)
    recording = Recording(store)
    began = time.perf_counter()
    table = recording.spans()
    first = time.perf_counter() - began
    print(f"{SPANS:,} spans: {store.nbytes / SPANS:.0f} B each in memory")
    print(f"  DataFrame   first {first:.2f} s, repeated {seconds(recording.spans):.2f} s")
    print(f"  Arrow       {seconds(recording.to_arrow):.2f} s")
    for name, ours, theirs in (
        ("self time", self_time, pandas_self_time),
        ("statistics", by_name, pandas_statistics),
    ):
        own, plain = seconds(lambda ours=ours: ours(table)), seconds(lambda theirs=theirs: theirs(table))
        print(f"  {name:<11} {own:.2f} s, {own / plain:.2f} × pandas ({plain:.2f} s)")
    print(f"  tree order  {seconds(lambda: depth_first(table)):.2f} s")
    unsealed = Recording(filled(SPANS, PER_TRACE, sealing=False))
    began = time.perf_counter()
    unsealed.spans()
    print(f"  never sealed, DataFrame: {time.perf_counter() - began:.2f} s")
    json_normalize()
    one = Recording(filled(100_000, 100_000)).spans()
    print(f"critical path of a trace of 100,000: {seconds(lambda: critical_path(one)) * 1_000:.0f} ms")
    rare = SpanStore()
    for i in range(100_000):
        keys = tuple(f"key{random.randrange(1_000)}" for _ in range(3))
        rare.append((*row(i + 1)[:11], tuple(dict.fromkeys(keys)), *range(len(set(keys)))))
    sparse = Recording(rare)
    sparse.spans()
    table = sparse.spans()
    print(
        f"100,000 spans with 3 of 1,000 rare keys: {seconds(sparse.spans) * 1_000:.0f} ms, "
        f"{table.memory_usage(deep=False).sum() / 1e6:.0f} MB"
    )
