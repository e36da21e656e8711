"""A million spans to OTLP and back: time, memory, and the size of the files; beside them the official exporter's encoding, per
span, in the same run where it is installed."""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import nbtrace
from nbtrace.recording import Recording
from tests.benchmarks.dataframes import PER_TRACE, filled

SPANS, OFFICIAL = 1_000_000, 20_000
ENCODERS = {".jsonl": "opentelemetry.exporter.otlp.json.common", ".otlp": "opentelemetry.exporter.otlp.proto.common"}


def measured(what: str, spans: int, act: Callable[[], object]) -> Any:
    """Do something, and say what it took."""
    _forget_peak()
    before, wall, cpu = _status("VmRSS"), time.perf_counter(), time.process_time()
    done = act()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"  {what:<14} {wall:6.1f} s, {cpu:6.1f} s of CPU, {cpu / spans * 1e6:5.1f} µs a span, at most "
        f"{(_status('VmHWM') - before) / 1e3:4.0f} MB more than before"
    )
    return done


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # no Linux: memory is not told


def _status(name: str) -> int:
    """KB, as Linux tells of this process; 0 where it does not."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def official(suffix: str) -> None:
    """Encode spans of the SDK by the official exporter, and the same by ours, by turns."""
    try:
        encode_spans = importlib.import_module(f"{ENCODERS[suffix]}.trace_encoder").encode_spans
    except ImportError:
        print(f"  {ENCODERS[suffix]} is not installed")
        return
    exporter, provider = InMemorySpanExporter(), TracerProvider(resource=Resource({"service.name": "bench"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("bench")
    from opentelemetry import trace

    # Ours hears of them by the provider that is the process's; the second of two formats cannot set it any more.
    trace._TRACER_PROVIDER = provider
    with nbtrace.record() as rec:
        for i in range(OFFICIAL):
            with tracer.start_as_current_span("work", attributes={"n": i, "kind": f"k{i % 20}", "share": i * 0.5}):
                pass
    spans = exporter.get_finished_spans()
    assert len(rec) == len(spans) == OFFICIAL
    theirs: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(3):
            began = time.process_time()
            for start in range(0, len(spans), 512):
                message = encode_spans(spans[start : start + 512])
                message.SerializeToString() if suffix == ".otlp" else message.to_json()
            theirs.append(time.process_time() - began)
            began = time.process_time()
            rec.save(Path(folder) / f"run{suffix}")
            ours.append(time.process_time() - began)
    print(
        f"  {'encode':<14} {min(ours) / OFFICIAL * 1e6:.1f} µs a span of {len(rec):,}, the official exporter "
        f"{min(theirs) / OFFICIAL * 1e6:.1f}: {min(theirs) / min(ours):.1f} times as long"
    )


def main() -> None:
    """Save and load."""
    spans = int(os.environ.get("NBTRACE_BENCHMARK_SPANS", SPANS))
    rec = Recording(filled(spans, PER_TRACE))
    rec.spans()
    for suffix in ENCODERS:
        print(f"{spans:,} spans, {suffix}")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"run{suffix}"
            measured("save", spans, lambda path=path: rec.save(path))
            print(f"  {'size':<14} {path.stat().st_size / spans:.0f} B a span")
            loaded = measured("load", spans, lambda path=path: nbtrace.load(path))
            print(f"  {'in memory':<14} {loaded._store.nbytes / spans:.0f} B a span")
            del loaded
        official(suffix)
