"""Runs of cells side by side, one or several a side, for every language that compares.

`python -m tests.vectors.comparisons` writes comparisons.json. A pair has a `frame` of all trees, whose roots are the rows
`before` and `after`, and the `changes`: path, depth, verdict, the times before and after in nanoseconds, the spreads before
and after (null for fewer than three runs), the counts before and after, the runs before and after; the largest change first."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from nbtrace.analysis.compare import cells_side, compare
from nbtrace.recording import Recording
from nbtrace.store.schema import Row
from nbtrace.store.span_store import SpanStore
from tests.rows import row
from tests.vectors.answers import BEGIN, frame_of, ns
from tests.vectors.files import lines

FILE = Path(__file__).with_suffix(".json")


def written() -> str:
    """The file as it should be."""
    return lines({"pairs": [changes(spans, after) for spans, after in pairs()]})


def pairs() -> Iterator[tuple[list[Row], int]]:
    """Spans of a tree for each run, and how many of the runs are those before."""
    for seed in range(40):
        chance = random.Random(seed)
        sizes = chance.randint(1, 9), chance.randint(1, 9)
        yield [each for run in (0, 1) for each in _tree(chance, run, sizes[run], sum(sizes[:run]), deep=False)], 1
    chance = random.Random(99)
    yield [each for run in (0, 1) for each in _tree(chance, run, 16, 16 * run, deep=True)], 1
    for seed in range(200, 260):
        chance = random.Random(seed)
        before = chance.randint(1, 6)
        yield list(_runs(chance, before + chance.randint(1, 6), before)), before


def _tree(chance: random.Random, run: int, number: int, first: int, *, deep: bool) -> Iterator[Row]:
    """The spans of a cell that has ended."""
    for each in range(number):
        above = each - 1 if deep else chance.randint(0, each - 1) if each else -1
        start = BEGIN + (100 * run + each) * 1_000_000
        yield row(
            first + each + 1,
            trace=run + 1,
            parent=0 if above < 0 else first + above + 1,
            name=f"cell [{run + 1}] {chance.choice('xy')} = 1" if not each else chance.choice("abc"),
            start=start,
            end=0 if each and chance.random() < 0.1 else start + chance.choice((0, 3, 4, 5, 8, 9)) * 1_000_000,
        )


def _runs(chance: random.Random, number: int, before: int) -> Iterator[Row]:
    """Runs of work that is the same but for noise, for what is slower, and for spans that a run has more, fewer or none of.
    Some overlap, as cells that await do."""
    noise, slower = chance.choice((0, 0.001, 0.02, 0.3)), chance.choice((1, 1, 1.004, 1.1, 2))
    # What is one span on one side, takes as long in so many on the other.
    split, parted, spans = chance.choice((1, 2, 3)), chance.random() < 0.5, 0
    for run in range(number):
        start, top, kept = (
            BEGIN + run * chance.choice((7, 3_000)) * 1_000_000 + run % 2,
            spans,
            chance.choice((1, 1, 0.8)),
        )
        spans += 1
        factor = slower if run >= before else 1
        took = round(factor * chance.uniform(1 - noise, 1 + noise) * 2_000_000_000)
        yield row(top + 1, trace=run + 1, name=f"cell [{run + 1}] x = 1", start=start, end=start + took)
        parts = split if (run >= before) == parted else 1
        for each, name in enumerate(
            "f" * parts + "aabc" + "d" * (run >= before) * chance.choice((0, 1, 2)) + "e" * (run % 3 == 0)
        ):
            if name != "f" and chance.random() > kept:
                continue
            begin = start + each * 1_000_003
            took = round(factor * chance.uniform(1 - noise, 1 + noise) * 10_000_001) // (parts if name == "f" else 1)
            above = spans if name == "b" and chance.random() < 0.3 else top + 1
            end = 0 if chance.random() < 0.02 else begin + took
            yield row(spans + 1, trace=run + 1, parent=above, name=name, start=begin, end=end)
            spans += 1


def changes(rows: list[Row], before: int) -> dict[str, Any]:
    """A pair, and what has changed."""
    store = SpanStore()
    for each in rows:
        store.append(each)
    spans = Recording(store).spans()
    spans["cell"] = spans["trace_id"].map(lambda trace_id: int(trace_id, 16)).astype("Int64")
    runs = sorted(set(spans["cell"]))
    table = compare(cells_side(spans, runs[:before]), cells_side(spans, runs[before:]))
    columns = [table[column].tolist() for column in ("path", "depth", "verdict")]
    columns += [ns(table[column]) for column in ("before", "after")]
    columns += [
        [None if pd.isna(each) else each.value for each in table[column]]
        for column in ("spread_before", "spread_after")
    ]
    columns += [table[column].tolist() for column in ("count_before", "count_after", "runs_before", "runs_after")]
    roots = [number for number, each in enumerate(rows) if not each[2]]
    return {
        "frame": b64encode(frame_of(store)).decode("ascii"),
        "before": roots[:before],
        "after": roots[before:],
        "changes": [list(each) for each in zip(*columns, strict=True)],
    }


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
