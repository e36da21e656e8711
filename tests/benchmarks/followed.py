"""What it takes to show samples in an inspector: bytes of each, the kernel's time for them, and what an inspector that follows costs
a cell that computes. No browser: what is measured is the kernel's side."""

from __future__ import annotations

import random
import statistics
import time

from nbtrace.store.samples import SampleFields
from nbtrace.store.schema import SAMPLE_BYTES
from nbtrace.views.inspector.feed import Feed
from nbtrace.views.inspector.protocol import COLUMNS, PROFILE
from tests.benchmarks.hotspots import FUNCTIONS, LINES, stacks
from tests.kernels.kernel import start_kernel
from tests.profiles import MS, Made, at
from tests.rows import THREAD
from tests.views.inspector.test_wire import read

SAMPLES, STACKS, SPANS, CELLS = 100_000, 4_000, 10_000, 100
ROUNDS, TURNS = 5, 10

NAMES = [name for name, _ in COLUMNS[PROFILE]]
OWN = slice(NAMES.index("after"), NAMES.index("origin") + 1)
"""Columns with a number for each sample."""

WORK = """
import time
def work(loops):
    x = 0
    for i in range(loops):
        x += i * i % 7
    return x
def measured(loops):
    wall, cpu = time.perf_counter(), time.process_time()
    work(loops)
    return time.perf_counter() - wall, time.process_time() - cpu
def spent(feed):
    thread = feed._thread
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident)) if thread.is_alive() else 0.0
loops = 1_000_000
loops = int(loops * 3 / measured(loops)[0])
"""


def filled() -> Made:
    """Samples at a hundred a second, of so many stacks, in spans of a tenth of a second."""
    made, chance = Made(), random.Random(0)
    path = "/opt/lib/python3.12/site-packages/library_{}/module_{}.py"
    functions = [(f"function_{n}", path.format(n % 12, n % 40), 10 * n + 1) for n in range(FUNCTIONS)]
    many, memory = SAMPLES // CELLS, 10**9
    for number in range(CELLS):
        start = number * (many + 1) * 10
        source = f"# {number}\n" + "\n".join(f"step_{line}()" for line in range(LINES - 1))
        begun = [(start + line * many * 10 / LINES, line + 1) for line in range(LINES)]
        cell = made.cell(source, start, start + many * 10, begun)
        tree = chance.sample(stacks(cell.file, functions, chance), STACKS // CELLS)
        span = 0
        for tick in range(many):
            if tick % (CELLS * many // SPANS) == 0:
                span = made.span(cell, "step", start + tick * 10, start + (tick + 10) * 10)
            memory += chance.randrange(-(10**6), 10**6)
            made.store.samples.append(
                SampleFields(
                    at(start + (tick + 1) * 10 + chance.random()), cell.number, cell.trace_id, span, THREAD, 10 * MS,
                    chance.choice((0, 10 * MS, chance.randrange(10 * MS))), memory, chance.random() < 0.5, chance.choice(tree),
                ),
                SAMPLE_BYTES,
            )  # fmt: skip
    return made


def told() -> None:
    """Print what a recording is on the wire, and how long it takes to say it."""
    store = filled().store
    store.snapshot()
    times, sizes, own = [], [], 0
    for _ in range(ROUNDS):
        feed = Feed(store, lambda frame: None)
        feed.first()
        began = time.perf_counter()
        sent = []
        while not sent or read(sent[-1])[0]["kind"] == "profile":
            sent += feed._told.next_unsent()
        times.append(time.perf_counter() - began)
        sizes = [len(frame) for frame in sent[:-1]]
        own = sum(column.nbytes for frame in sent[:-1] for column in read(frame)[1][OWN])
        feed.close()
    seconds = statistics.median(times)
    print(
        f"  {SAMPLES:,} samples of {STACKS:,} stacks beside {SPANS:,} spans: {sum(sizes) / SAMPLES:.1f} B each, {own / SAMPLES:.1f} B of "
        f"them without stacks, spans and statements; {len(sizes)} frames "
        f"made in {seconds:.2f} s, {seconds / SAMPLES * 1e6:.1f} µs each; the first has {sizes[0] / 1_000:.0f} kB"
    )


def live() -> None:
    """Print how much slower a cell of pure Python is while an inspector follows it: turns with and without, alternately."""
    kernel = start_kernel()
    try:
        kernel.run("%load_ext nbtrace\nimport nbtrace\n" + WORK)
        kernel.run("view = nbtrace.view(); feed = view._feed; feed.hello(0, 0, 0)")
        walls, cpus, shares = [], [], []
        for _ in range(TURNS):
            pair = []
            for begin in ("feed.hello(*feed._told.so_far)", "feed.rest()"):
                kernel.run(begin)
                reply = kernel.run(
                    "before = spent(feed)\nprint(*measured(loops), spent(feed) - before, feed._told.so_far[2])"
                )
                pair.append([float(each) for each in reply.stdout.split()])
            walls.append(pair[0][0] / pair[1][0])
            cpus.append(pair[0][1] / pair[1][1])
            shares.append(pair[0][2] / pair[0][0])
        print(
            f"  a cell of {pair[1][0]:.1f} s of pure Python, followed: {statistics.median(walls):.3f} × the time "
            f"({min(walls):.3f}–{max(walls):.3f}), {statistics.median(cpus):.3f} × the CPU time ({min(cpus):.3f}–{max(cpus):.3f}) "
            f"of one with nobody looking; the inspector's thread computed {statistics.median(shares):.1%} of the time, "
            f"and sent {pair[0][3]:.0f} frames of samples"
        )
    finally:
        kernel.stop()


def main() -> None:
    """All of it."""
    print("followed: samples in an inspector")
    told()
    live()
