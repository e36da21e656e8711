"""The journal: what a span costs more, beside the official file exporter; what a hundred kills lose; how quickly it is read.

The exporter is opentelemetry-exporter-otlp-json-file behind the SDK's SimpleSpanProcessor: what is written when a span ends, and
survives the process, as the journal's lines do. It is installed for this; without it, it is left out, which is said."""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

import nbtrace
from nbtrace.formats.journal.journal import Journal
from nbtrace.formats.journal.reader import read_journal
from tests.kernels.test_journal import killed

TURNS, PER_TURN = 120, 300
KILLS = 100
READ = 200_000


def work(tracer: Any, count: int) -> None:
    """Spans with three attributes, as a library makes them within a cell."""
    with tracer.start_as_current_span("cell"):
        for i in range(count):
            with tracer.start_as_current_span("work", attributes={"n": i, "source": "s3", "share": 0.5}):
                pass


def exporter_tracer(folder: Path) -> Any:
    """A tracer whose spans go to the official exporter; None where that is not installed."""
    try:
        from opentelemetry.exporter.otlp.json.file.trace_exporter import FileSpanExporter
    except ImportError:
        try:
            from opentelemetry.exporter.otlp.json.file import FileSpanExporter  # type: ignore[no-redef]
        except ImportError:
            return None
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(FileSpanExporter(str(folder / "spans.jsonl"))))
    return provider.get_tracer("bench")


def per_span() -> None:
    """Turns of the same work: nbtrace, nbtrace with a journal, the bare SDK, the SDK with the exporter. The thread's own CPU."""
    from opentelemetry import trace

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = nbtrace.record().start()
        store, ours = recording._store, trace.get_tracer("bench")
        journal = Journal(store, folder / "run.journal")
        journal.start()
        store.unsubscribe(journal)
        store.taken_out = ()  # between the turns the memory is emptied, which would have the journal begin anew in each
        bare, exported = TracerProvider().get_tracer("bench"), exporter_tracer(folder)

        def journalled() -> None:
            store.subscribe(journal)
            work(ours, PER_TURN)
            store.unsubscribe(journal)

        kinds: dict[str, Callable[[], None]] = {
            "bare SDK": lambda: work(bare, PER_TURN),
            "nbtrace": lambda: work(ours, PER_TURN),
            "nbtrace, with a journal": journalled,
        }
        if exported is not None:
            kinds["SDK with the official file exporter"] = lambda: work(exported, PER_TURN)
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(TURNS):
            for kind, turn in kinds.items():
                recording.clear()
                gc.collect()
                began = time.thread_time_ns()
                turn()
                times[kind].append((time.thread_time_ns() - began) / PER_TURN / 1e3)
        journal.stop()
        recording.stop()
    found = {kind: statistics.median(each) for kind, each in times.items()}
    print(f"a span, start and end, the user's thread ({TURNS} turns of {PER_TURN}): µs")
    for kind, median in found.items():
        print(f"  {kind:40} {median:7.1f}   {median / found['bare SDK']:5.2f} × bare")
    more = found["nbtrace, with a journal"] - found["nbtrace"]
    print(f"  the journal takes {more:.1f} more", end="")
    if exported is None:
        print("; the official exporter is not installed (opentelemetry-exporter-otlp-json-file)")
    else:
        theirs = found["SDK with the official file exporter"] - found["bare SDK"]
        print(f", the exporter {theirs:.1f}: {theirs / more:.1f} times as much")


def reading() -> None:
    """How large a journal is, and how long it takes to read."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "run.journal"
        with nbtrace.record() as recording:
            journal = Journal(recording._store, path)
            journal.start()
            for i in range(READ):
                with nbtrace.span("work", n=i, source="s3", share=0.5):
                    pass
            journal.stop()
        size = sum(each.stat().st_size for each in path.parent.iterdir())
        began = time.process_time()
        loaded = read_journal(path)
        took = time.process_time() - began
        assert sum(batch.length for batch in loaded.snapshot.batches) == READ
        print(
            f"{READ:,} spans: {size / READ:.0f} B each, read in {took / READ * 1e6:.1f} µs each; {journal.trouble or 'whole'}"
        )


def kills() -> None:
    """A process is killed a hundred times, at moments of no choice."""
    total = lost = unopened = 0
    with tempfile.TemporaryDirectory() as name:
        for attempt in range(KILLS):
            count, found, is_open = killed(Path(name) / str(attempt), 0.5)
            total += count
            lost += max(0, count - found)
            unopened += not is_open
    print(f"{KILLS} kills: {total:,} spans ended, {lost} lost; the open one not found {unopened} times")


def main() -> None:
    """All three."""
    per_span()
    reading()
    kills()
