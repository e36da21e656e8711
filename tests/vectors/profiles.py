"""Random recordings with statements and samples, and what is answered about them, for every language that answers.

`python -m tests.vectors.profiles` writes profiles.json. A recording has its `frames` as the inspector is sent them, in base64: one
of spans, whose moment of now is before all others, and those of samples. By the number of each execution of which anything is known:
`lines` (number of the execution whose code it is, line, time and CPU time in ns, by how many bytes memory grew, samples, whether the
time is that of statements), `hottest` (its hottest line in words, or null) and `hotspots` (function, file, self and total in ns,
samples), of its samples and of what of it was not sampled. CPU time and memory are null where they are not known.

Statements begin 3 µs beside the hundredths of a millisecond of samples, and no two last equally long: what is first is no matter of
rounding."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from nbtrace.analysis.profiles.allotted import allotted
from nbtrace.analysis.profiles.hotspots import hotspots
from nbtrace.analysis.profiles.hottest import hottest
from nbtrace.analysis.profiles.lines import EXACT, NUMBERS, lines
from nbtrace.store.book import CellBook, Execution, Resources, digest
from nbtrace.store.samples import MEMORY_UNIT_BYTES
from nbtrace.store.schema import Thread
from nbtrace.store.span_store import SpanStore
from nbtrace.store.stacks import CUT
from nbtrace.views.inspector.frames import Frame as WireFrame
from nbtrace.views.inspector.profiled import ProfileTold
from nbtrace.views.inspector.wire import Encoder
from tests.profiles import MERGE, OTHER, OWN_FILE, SLEEP, TAKE, Frame, Made
from tests.rows import THREAD
from tests.vectors.answers import ns
from tests.vectors.files import lines as written_lines

FILE = Path(__file__).with_suffix(".json")

RECORDINGS = 22
ASIDE = 0.003
"""Milliseconds by which statements begin beside samples."""

TICK, STEP = 10, 0.06
"""Milliseconds between two looks, and what those that samples stand for are multiples of: a half and a third of it are whole too."""

POOL = Thread(11, 44, "pool-1")
SOURCES = (
    "def f(n):\n    return f(n - 1) if n else g()\n\ng = lambda: df.merge(other)",
    "x = 1\ny = df.merge(\n    other,\n)\nz = f(3)\nf(2); print(z)",
    "for i in range(3):\n    f(i)\nimport json\nf(1)",
    "%%time\na = f(2)\nb = merge(a)",
    "await gather(f(1))\n\nprint('größe', 東京)",
)
TIMED = "%%time"


class Book(CellBook):
    """Counts executions from 1: the numbers of others are given once in a process."""

    def open(self, *, execution_count: int | None, cell_id: str | None, source: str, asks: bool = False) -> Execution:
        known = self.executions()
        run = 1 + sum(each.source == source for each in known)
        execution = Execution(len(known) + 1, execution_count, cell_id, source, run, digest=digest(source), asks=asks)
        self.take((execution,))
        return execution


def written() -> str:
    """The file as it should be."""
    return written_lines({"recordings": [answers(store) for store in recordings()]})


def recordings() -> Iterator[SpanStore]:
    """Cells that call functions of other cells, run again, with %%time, that fail, that run; other threads; one without samples,
    one without cells."""
    alone = Made()
    alone.store.cells = Book()
    alone.cell(SOURCES[0], ASIDE, 8, [(ASIDE, 1, 2), (2 + ASIDE, 4)])
    yield alone.store
    program = Made()
    program.span(0, "main", 0, 100)
    for time in (10, 20, 730.02, 740):
        program.sample(None, time, 9.6, OWN_FILE, SLEEP, span=500_001)
    yield program.store
    for seed in range(RECORDINGS):
        yield _Chance(seed).made.store


class _Chance:
    """A random recording."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.made = Made()
        self.made.store.cells = Book()
        self._cells: list[Execution] = []
        self._now = 0.0
        many = self._chance.randint(2, 5)
        for at in range(many):
            self._cell(running=at == many - 1 and self._chance.random() < 0.3)
            self._now += self._chance.randint(0, 500) / 100

    def _cell(self, *, running: bool) -> None:
        chance, made = self._chance, self.made
        source = chance.choice(SOURCES) if self._cells else SOURCES[0]
        start = self._now + ASIDE
        statements, moment = [], start
        for first, last in self._statements(source):
            statements.append((moment, first, last))
            # All lengths are different ones, as no two lines are to take equally long.
            moment = round(moment + chance.choice((0.5, 20, 60)) * (1 + chance.random()), 2) + ASIDE
        end = None if running else moment
        cell = made.cell(source, start, end, statements, failed=chance.random() < 0.2, numbered=chance.random() < 0.9)
        self._cells.append(cell)
        if not running and chance.random() < 0.7:
            memory = None if chance.random() < 0.2 else chance.randint(-500, 5_000) * MEMORY_UNIT_BYTES
            cell.resources = Resources(memory_change=memory, shared=chance.random() < 0.2)
        # Of a running cell the latest moment that is known is a sample's or a statement's, and no span's inside.
        span = 0 if running or chance.random() < 0.5 else made.span(cell, "inner", start, moment)
        self._samples(cell, statements, moment, span)
        self._now = moment

    def _statements(self, source: str) -> list[tuple[int, int]]:
        """The lines of its statements; sometimes it fails at one of them, or none has been noted."""
        if source.startswith(TIMED):
            return [(1, 1)]
        known = {0: [(1, 2), (4, 4)], 1: [(1, 1), (2, 4), (5, 5), (6, 6), (6, 6)], 2: [(1, 2), (3, 3), (4, 4)]}
        found = known.get(SOURCES.index(source), [(1, 1), (3, 3)])
        return found[: self._chance.choice((len(found), len(found), 1))]

    def _samples(self, cell: Execution, statements: list[tuple[float, int, int]], end: float, span: int) -> None:
        chance = self._chance
        memory = 65_536
        time = round(statements[0][0], 2)
        late = chance.choice((0, 0, 2))
        while (time := round(time + TICK - chance.choice((0, 0, 0.02, 3)), 2)) < end + late * TICK:
            ran = [each for each in statements if each[0] < time]
            memory += chance.randint(-40, 200)
            known: dict[str, Any] = {
                "memory": memory * MEMORY_UNIT_BYTES if chance.random() < 0.8 else None,
                "span": span if chance.random() < 0.5 else 0,
            }
            if time < end and chance.random() < 0.9:
                line = chance.randint(ran[-1][1], ran[-1][2]) if ran else 1
                since = max(STEP, min(TICK, time - ran[-1][0]))
                self._sample(cell, time, since, self._own(cell, line), THREAD, known)
            for thread in (OTHER, POOL):
                if chance.random() < 0.2:
                    stack = self._called(cell) or (SLEEP,)
                    self._sample(cell, time, chance.choice((TICK, 40, 720)), stack, thread, known)
            if chance.random() < 0.05:
                self.made.sample(None, time, 6, OWN_FILE, thread=POOL)

    def _sample(
        self, cell: Execution, time: float, most: float, stack: tuple[Frame, ...], thread: Thread, known: dict[str, Any]
    ) -> None:
        # No two alike, as far as chance goes: what takes most is not to be a matter of rounding.
        wall = max(1, int(most / STEP) - self._chance.randint(0, 50)) * STEP
        computed = self._chance.choice((1.0, 1.0, 1 / 2, 1 / 3, 0.0, None))
        cpu = -1 if computed is None else wall * computed
        native = self._chance.random() < 0.3
        self.made.sample(cell, time, wall, *stack, cpu=cpu, native=native, thread=thread, **known)

    def _own(self, cell: Execution, line: int) -> tuple[Frame, ...]:
        """A stack on the thread of the cell."""
        own: tuple[Frame, ...] = (("<module>", cell.file, line),)
        if cell.source.startswith(TIMED):
            magic: Frame = ("time", "/opt/lib/python3.12/site-packages/IPython/core/magics/execution.py", 1_300, 1_200)
            own += (magic, ("<module>", "<timed exec>", self._chance.randint(1, 2)))
        return own + self._called(cell)

    def _called(self, cell: Execution) -> tuple[Frame, ...]:
        """Functions of cells, which call themselves and others, and of files."""
        chance = self._chance
        found: list[Frame] = []
        source = SOURCES[0]
        with_functions = [each for each in self._cells if each.source == source]
        if chance.random() < 0.6:
            file = chance.choice(with_functions).file
            found += [("f", file, 2, 1)] * chance.randint(1, 3)
            if chance.random() < 0.5:
                found += [("<lambda>", file, 4, 4), ("<lambda>.<locals>.inner", file, 4, 4)]
        if chance.random() < 0.2:
            found.append((f"12 {CUT}", "", 0, 0))
        if chance.random() < 0.6:
            found.append(MERGE)
            found += [TAKE] if chance.random() < 0.5 else []
        elif chance.random() < 0.3:
            found.append(SLEEP)
        return tuple(found)


def frames_of(store: SpanStore) -> list[WireFrame]:
    """All of a store, as the inspector is sent it."""
    batches, _ = store.since(None)
    batches = [*batches, (store.sealed_now(store.running_rows()), 0)]
    encoder = Encoder(live=False)
    note = {"reset": True, "dropped": 0, "narrowed": False, "now": 0}
    spans, placed = encoder.spans(batches, store.executions(), note)
    told = ProfileTold(store, outside=False)
    told.anew(encoder, placed)
    found = [spans]
    while told.has_unsent:
        found += [each for each in [told.next()] if each is not None]
    return found


def answers(store: SpanStore) -> dict[str, Any]:
    """A recording, and what is answered."""
    time = allotted(store.snapshot())
    numbers = [each.number for each in store.executions()]
    table, texts = lines(time, numbers), hottest(time)
    return {
        "frames": [b64encode(each).decode("ascii") for each in frames_of(store)],
        "lines": {number: of_lines(table[table[NUMBERS[0]] == number]) for number in numbers},
        "hottest": {number: texts.get(number) for number in numbers},
        "hotspots": {
            number: of_functions(hotspots(time, "function", time.samples.cell == number, [number]))
            for number in numbers
        },
    }


def of_lines(table: pd.DataFrame) -> list[list[Any]]:
    """The rows of lines as numbers."""
    columns = [table[NUMBERS[1]].tolist(), table["line"].tolist(), ns(table["time"])]
    columns += [
        known(table["cpu"].astype("int64"), table["cpu"]),
        known(table["memory_change"].fillna(0), table["memory_change"]),
    ]
    columns += [table["samples"].tolist(), table[EXACT].tolist()]
    return [list(each) for each in zip(*columns, strict=True)]


def known(numbers: pd.Series, of: pd.Series) -> list[int | None]:
    """Numbers, without those of which nothing is known."""
    return [int(number) if is_known else None for number, is_known in zip(numbers, of.notna(), strict=True)]


def of_functions(table: pd.DataFrame) -> list[list[Any]]:
    """The rows of hotspots, in an order of their own: those that took equally long may stand either way."""
    columns = [table["function"].tolist(), table["file"].tolist(), ns(table["self"]), ns(table["total"])]
    return sorted([list(each) for each in zip(*columns, table["samples"].tolist(), strict=True)])


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
