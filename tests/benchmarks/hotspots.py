"""From samples to answers: a hundred thousand of them, with the stacks of pandas and scikit-learn, in a hundred cells."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from nbtrace.api import Recording
from nbtrace.store.samples import SampleFields
from nbtrace.store.schema import SAMPLE_BYTES
from nbtrace.store.stacks import Stack, root
from tests.benchmarks.dataframes import ROUNDS, seconds
from tests.profiles import MS, Made, at
from tests.rows import THREAD

SAMPLES, CELLS, NODES, DEEPEST, LINES = 100_000, 100, 150, 60, 20
FUNCTIONS = 400


def stacks(file: str, functions: list[tuple[str, str, int]], chance: random.Random) -> list[Stack]:
    """A tree of calls below the lines of a cell: wide at its beginning, with a few long branches."""
    tree = root()
    found = [tree.call("<module>", file, line + 1, 1) for line in range(LINES)]
    depth = dict.fromkeys(found, 1)
    while len(found) < NODES:
        above = chance.choice(found[-50:])
        if depth[above] < DEEPEST:
            function, path, line = chance.choice(functions)
            below = above.call(function, path, line + chance.randrange(5), line)
            depth[below] = depth[above] + 1
            found.append(below)
    return found


def filled() -> Made:
    """A recording of so many samples."""
    made, chance = Made(), random.Random(0)
    path = "/opt/lib/python3.12/site-packages/library_{}/module_{}.py"
    functions = [(f"function_{n}", path.format(n % 12, n % 40), 10 * n + 1) for n in range(FUNCTIONS)]
    for number in range(CELLS):
        many = SAMPLES // CELLS
        start = number * (many + 1) * 10
        source = f"# {number}\n" + "\n".join(f"step_{line}()" for line in range(LINES - 1))
        cell = made.cell(
            source, start, start + many * 10, [(start + line * many / 2, line + 1) for line in range(LINES)]
        )
        tree = stacks(cell.file, functions, chance)
        for tick in range(many):
            made.store.samples.append(
                SampleFields(
                    at(start + (tick + 1) * 10), cell.number, cell.trace_id, cell.span_id, THREAD, 10 * MS,
                    chance.randrange(10 * MS), 10**8 + chance.randrange(10**8), chance.random() < 0.5, chance.choice(tree),
                ),
                SAMPLE_BYTES,
            )  # fmt: skip
    return made


def main() -> None:
    """Ask."""
    made = filled()
    recording = Recording(made.store)
    asked: dict[str, Callable[[], object]] = {
        "hotspots()": recording.hotspots,
        'hotspots(by="line")': lambda: recording.hotspots(by="line"),
        'hotspots(by="library")': lambda: recording.hotspots(by="library"),
        "lines()": recording.lines,
        "cells()": recording.cells,
        "hotspots(cell=5)": lambda: recording.hotspots(cell=5),
        "samples()": recording.samples,
    }
    recording.hotspots()
    print(f"{SAMPLES:,} samples in {CELLS:,} cells: {made.store.samples.nbytes / SAMPLES:.0f} B each in memory")
    for name, question in asked.items():
        began = time.process_time()
        took = seconds(question)
        print(f"  {name:<24} {took * 1_000:.0f} ms, {(time.process_time() - began) / ROUNDS * 1_000:.0f} ms of CPU")
