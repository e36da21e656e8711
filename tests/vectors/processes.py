"""Random recordings of cells that have a pool, and what is answered about all their processes together.

`python -m tests.vectors.processes` writes processes.json. A recording has its `frames`, `lines` and `hottest` as profiles.json has
them. `cores` and `memory` are as counters.json has them, of all processes: cores are added up; memory is known at the moments at
which some process was looked at, and there it is the sum of each one's last reading, of those between their first and last look.

No two processes are looked at at the same moment, and the kernel's thread is the first that is seen."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nbtrace.analysis.profiles.allotted import allotted
from nbtrace.analysis.profiles.hottest import hottest
from nbtrace.analysis.profiles.lines import NUMBERS, lines
from nbtrace.formats.counters import cores_busy
from nbtrace.store.book import Resources
from nbtrace.store.samples import MEMORY_UNIT_BYTES, TIME_UNIT_NS, SampleBatch
from nbtrace.store.schema import Thread
from nbtrace.store.span_store import SpanStore
from tests.profiles import MERGE, SLEEP, Frame, Made
from tests.rows import THREAD
from tests.vectors.counters import of_steps
from tests.vectors.files import lines as written_lines
from tests.vectors.profiles import Book, frames_of, of_lines

FILE = Path(__file__).with_suffix(".json")

POOLS = 12
WORKERS = [*(Thread(pid, 1, "MainThread") for pid in (4_001, 4_002, 4_003)), Thread(4_002, 2, "prefetch")]
ASIDE = (1.12, 2.33, 4.57, 6.91)
"""Milliseconds by which the looks of each stand beside the kernel's."""

STEP = 0.06


def written() -> str:
    """The file as it should be."""
    return written_lines({"recordings": [answers(store) for store in recordings()]})


def recordings() -> Iterator[SpanStore]:
    """A cell that defines a function and one that has a pool run it, whose workers begin and end when they like, some of them seen
    once, some forked; and a cell without a pool behind them."""
    for seed in range(POOLS):
        yield _pool(random.Random(seed)).store


def _pool(chance: random.Random) -> Made:
    made = Made()
    made.store.cells = Book()
    defined = made.cell("def fit(x):\n    y = load(x)\n    return y.merge(x)", 0, 8.5, [(0, 1, 3)])
    one = chance.random() < 0.5
    cell = made.cell("p = Pool()\np.map(fit, data)", 10, 400.37, [(10, 1), (31.003, 2)] if one else [(10, 1, 2)])
    after = made.cell("x = 1", 450, 500, [(450, 1)])
    if chance.random() < 0.5:
        cell.resources = Resources(memory_change=chance.randint(-500, 5_000) * MEMORY_UNIT_BYTES)
    looks = [(10.0 * n, THREAD) for n in range(2, 41)] + [(460.0, THREAD), (470.0, THREAD)]
    forked = {worker for worker in WORKERS if chance.random() < 0.3}
    for worker, aside in zip(WORKERS, ASIDE, strict=True):
        begin, end = sorted(chance.sample(range(2, 44), 2))
        looks += [(10.0 * n + aside, worker) for n in range(begin, end) if chance.random() < 0.9]
    for time, thread in sorted(looks, key=lambda look: look[0]):
        of = after if time > 450 else cell
        computed = chance.choice(
            (1.0, 1 / 3, 0.0, 0.0 if thread is THREAD else 1.0, None if chance.random() < 0.2 else 0.0)
        )
        stack: list[Frame | int] = (
            [1 if of is after or time < 31 else 2] if thread is THREAD or thread in forked else []
        )
        if thread is not THREAD and chance.random() < 0.9:
            stack.append(("fit", defined.file, chance.choice((2, 3, 3)), 1))
        wall = 9.6 - STEP * chance.randint(0, 50)
        made.sample(
            of,
            time,
            wall,
            *stack,
            MERGE if computed else SLEEP,
            cpu=-1 if computed is None else wall * computed,
            memory=chance.randint(1, 1_000) * MEMORY_UNIT_BYTES if chance.random() < 0.8 else None,
            thread=thread,
        )
    return made


def answers(store: SpanStore) -> dict[str, Any]:
    """A recording, and what is answered."""
    snapshot = store.snapshot()
    time, numbers = allotted(snapshot), [each.number for each in store.executions()]
    table, texts = lines(time, numbers), hottest(time)
    everybody = dict.fromkeys((thread.process_pid for thread in (THREAD, *WORKERS)), 0)
    return {
        "frames": [b64encode(each).decode("ascii") for each in frames_of(store)],
        "lines": {number: of_lines(table[table[NUMBERS[0]] == number]) for number in numbers},
        "hottest": {number: texts.get(number) for number in numbers},
        "cores": of_steps(cores_busy(snapshot.samples, everybody, [])),
        "memory": together(snapshot.samples),
    }


def together(batches: Sequence[SampleBatch]) -> list[list[float]]:
    """The memory of all processes, moment by moment."""
    read: dict[int, list[tuple[int, int]]] = {}
    for batch in batches:
        threads = batch.samples.column("thread").to_pylist()
        for time, memory, thread in zip(batch.numbers("time"), batch.numbers("memory"), threads, strict=True):
            if memory >= 0:
                read.setdefault(thread["process_pid"], []).append((int(time), int(memory)))
    found: list[list[float]] = []
    for moment in sorted({time for looks in read.values() for time, _ in looks}):
        there = [looks for looks in read.values() if looks[0][0] <= moment <= looks[-1][0]]
        whole = float(sum([memory for time, memory in looks if time <= moment][-1] for looks in there))
        if not found or found[-1][1] != whole:
            found.append([moment // TIME_UNIT_NS, whole])
    return found


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
