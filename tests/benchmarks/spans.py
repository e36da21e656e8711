"""Per span: the bare SDK without a processor, nbtrace on its own provider and on the user's, and the SDK's in-memory
exporter. First in turns of 300 within one process, nothing kept; then 60,000 kept, each in a process of its own."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

KINDS = {
    "bare": "bare SDK, no processor",
    "own": "nbtrace, no provider set by the user",
    "tapped": "nbtrace on the user's provider",
    "memory": "SDK with InMemorySpanExporter",
}
TURNS, PER_TURN = 200, 300
KEPT, PROCESSES = 60_000, 7


def work(tracer: Any, count: int) -> None:
    """Make spans as a library does: current, with three attributes."""
    for i in range(count):
        with tracer.start_as_current_span("work", attributes={"n": i, "kind": "x", "share": 0.5}):
            pass


def make(kind: str) -> tuple[Any, Callable[[], None]]:
    """Return a tracer of a kind, and what empties its memory."""
    import nbtrace

    provider = TracerProvider()
    if kind == "memory":
        exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return provider.get_tracer("bench"), exporter.clear
    if kind == "bare":
        return provider.get_tracer("bench"), lambda: None
    if kind == "tapped":
        trace._TRACER_PROVIDER = provider
    recording = nbtrace.record().start()
    return trace.get_tracer("bench"), recording.clear


def in_turns() -> None:
    """Tapped and own need the global provider, so each takes turns with the bare SDK in a process of its own."""
    print(f"per span, user's thread, nothing kept ({TURNS} turns of {PER_TURN})")
    for kind in list(KINDS)[1:]:
        bare, (tracer, clear) = make("bare")[0], make(kind)
        work(bare, 2_000)
        work(tracer, 2_000)
        times: dict[str, list[int]] = {"bare": [], kind: []}
        for _ in range(TURNS):
            for name, candidate in (("bare", bare), (kind, tracer)):
                began = time.thread_time_ns()
                work(candidate, PER_TURN)
                times[name].append(time.thread_time_ns() - began)
            clear()
        ratio = statistics.median(a / b for a, b in zip(times[kind], times["bare"], strict=True))
        figures = [statistics.median(times[name]) / PER_TURN / 1_000 for name in ("bare", kind)]
        print(f"  {ratio:5.3f} ×  {figures[1]:6.2f} µs against {figures[0]:6.2f} µs   {KINDS[kind]}")
        if kind in ("own", "tapped"):
            _close()


def _close() -> None:
    from nbtrace.capture.live import LIVE

    for store in LIVE.stores():
        LIVE.close(store)
    trace._TRACER_PROVIDER = None


def kept_once(kind: str) -> None:
    """Make and keep spans; print CPU of this thread and of the process, in µs per span."""
    from nbtrace.store.seal import seal  # pyarrow is opened once, whatever the number of spans

    seal([])
    tracer, _ = make(kind)
    work(tracer, 2_000)
    thread, process = time.thread_time_ns(), time.process_time_ns()
    work(tracer, KEPT)
    print((time.thread_time_ns() - thread) / KEPT / 1_000, (time.process_time_ns() - process) / KEPT / 1_000)


def kept() -> None:
    """Fresh processes, one kind after the other, several rounds."""
    print(f"per span, {KEPT:,} kept ({PROCESSES} rounds of fresh processes): user's thread, and all threads (sealing)")
    figures: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    for _ in range(PROCESSES):
        for kind in KINDS:
            command = [sys.executable, "-c", f"from tests.benchmarks.spans import kept_once; kept_once({kind!r})"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            figures[kind].append([float(figure) for figure in done.stdout.split()])
    for kind, title in KINDS.items():
        ratios = [
            statistics.median(own[i] / bare[i] for own, bare in zip(figures[kind], figures["bare"], strict=True))
            for i in (0, 1)
        ]
        thread, process = (statistics.median(own[i] for own in figures[kind]) for i in (0, 1))
        print(f"  {ratios[0]:5.3f} ×  {thread:6.2f} µs   {ratios[1]:5.3f} ×  {process:6.2f} µs   {title}")


def main() -> None:
    """Both."""
    in_turns()
    kept()
