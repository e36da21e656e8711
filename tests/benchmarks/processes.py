"""What other processes cost: the one that sends work, the worker for each span, and the one that reads what comes home."""

from __future__ import annotations

import gc
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from opentelemetry import trace

import nbtrace
from nbtrace.formats.journal.files import parts
from nbtrace.formats.journal.line_reader import LineReader
from nbtrace.formats.spool.settings import Settings
from nbtrace.formats.spool.spool import Spool
from nbtrace.formats.spool.spool_reader import SpoolReader
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import Row
from tests.rows import row

TASKS, TURNS, SPANS = 500, 60, 10_000


def noop(number: int) -> int:
    """The smallest task."""
    return number


def spans(count: int) -> float:
    """CPU of a span with three attributes, in microseconds."""
    tracer = trace.get_tracer("work")
    began = time.process_time()
    for number in range(count):
        with tracer.start_as_current_span("work", attributes={"i": number, "source": "s3", "x": 1.5}):
            pass
    return (time.process_time() - began) / count * 1e6


def _sent(pool: ProcessPoolExecutor) -> float:
    """CPU of this process for a task that is sent, and its result, in microseconds."""
    began = time.process_time()
    for future in [pool.submit(noop, number) for number in range(TASKS)]:
        future.result()
    return (time.process_time() - began) / TASKS * 1e6


def _quartile(found: list[float]) -> float:
    return statistics.quantiles(found, n=4)[0]


def _submitting() -> None:
    plain, traced = [], []
    gc.disable()  # it would fall into one of two turns
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        _sent(pool)
        for _ in range(TURNS):
            plain.append(_sent(pool))
            with nbtrace.record(), nbtrace.span("sends"):
                traced.append(_sent(pool))
    gc.enable()
    least, quartile = min(traced) / min(plain), _quartile(traced) / _quartile(plain)
    print(
        f"submit and result of a no-op, CPU here: {min(plain):.1f} µs plain, {min(traced):.1f} traced: {least:.3f} × "
        f"(lower quartiles {quartile:.3f} ×)"
    )


def _working() -> None:
    with (
        nbtrace.record() as rec,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool,
    ):
        pairs = [(spans(SPANS), pool.submit(spans, SPANS).result()) for _ in range(7)]
        here, there = (min(found) for found in zip(*pairs, strict=True))
        assert len(rec.spans(name="work")) == 14 * SPANS
    print(f"a span here {here:.1f} µs, in a worker {there:.1f} µs: {there / here:.2f} ×")


def _reading() -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder) / f"nbtrace-0-1-{'0' * 24}"
        home.mkdir(0o700)
        spool = Spool(str(home), 0, Settings(0, Redactor(True)))
        spool.begin()
        one = row(1, i=1, source="s3", x=1.5)
        for number in range(1, 4 * SPANS + 1):
            started = (one[0], number, *one[2:])
            spool.store.starts[0]((*started[:6], 0, *started[7:]))
            spool.store.append(started)
        (path,) = home.glob("*.journal")
        files = dict(enumerate(map(str, parts(path)), start=1))
        taken: list[Row] = []
        unlink: Callable[[str], None] = os.unlink
        found = []
        for _ in range(5):
            taken.clear()
            began = time.process_time()
            os.unlink = lambda path: None  # type: ignore[assignment] # it is read again
            SpoolReader(LineReader(taken.append, print)).read(os.getpid(), files, "")
            os.unlink = unlink  # type: ignore[assignment]
            found.append((time.process_time() - began) / len(taken) * 1e6)
        assert len(taken) == 4 * SPANS
        spool.close()
    print(f"reading a row that comes home: {min(found):.1f} µs")


def _forking() -> None:
    def forks() -> float:
        began = time.perf_counter()
        for _ in range(50):
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
        return (time.perf_counter() - began) / 50 * 1e3

    plain, traced = [], []
    for _ in range(8):
        plain.append(forks())
        with nbtrace.record():
            traced.append(forks())
    print(f"a child that ends at once: {min(plain):.2f} ms plain, {min(traced):.2f} ms traced")


def main() -> None:
    """Print a line for each."""
    _submitting()
    _working()
    _reading()
    _forking()
