"""Two cells side by side, for every language that compares.

`python -m tests.vectors.comparisons` writes comparisons.json. A pair has a `frame` of both trees, whose roots are the rows
`before` and `after`, and the `changes`: path, depth, verdict, the times before and after in nanoseconds, the counts before
and after; the largest change first."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    """Spans of two trees, and the row of the second root."""
    for seed in range(40):
        chance = random.Random(seed)
        sizes = chance.randint(1, 9), chance.randint(1, 9)
        spans = [each for side in (0, 1) for each in _tree(chance, side, sizes[side], sum(sizes[:side]), deep=False)]
        yield spans, sizes[0]
    chance = random.Random(99)
    yield [each for side in (0, 1) for each in _tree(chance, side, 16, 16 * side, deep=True)], 16


def _tree(chance: random.Random, side: int, number: int, first: int, *, deep: bool) -> Iterator[Row]:
    """The spans of a cell that has ended."""
    for each in range(number):
        above = each - 1 if deep else chance.randint(0, each - 1) if each else -1
        start = BEGIN + (100 * side + each) * 1_000_000
        yield row(
            first + each + 1,
            trace=side + 1,
            parent=0 if above < 0 else first + above + 1,
            name=f"cell [{side + 1}] {chance.choice('xy')} = 1" if not each else chance.choice("abc"),
            start=start,
            end=0 if each and chance.random() < 0.1 else start + chance.choice((0, 3, 4, 5, 8, 9)) * 1_000_000,
        )


def changes(rows: list[Row], after: int) -> dict[str, Any]:
    """A pair, and what has changed."""
    store = SpanStore()
    for each in rows:
        store.append(each)
    spans = Recording(store).spans()
    spans["cell"] = spans["trace_id"].map(lambda trace_id: int(trace_id, 16)).astype("Int64")
    table = compare(cells_side(spans, [1]), cells_side(spans, [2]))
    columns = [table[column].tolist() for column in ("path", "depth", "verdict")]
    columns += [ns(table[column]) for column in ("before", "after")]
    columns += [[int(count) for count in table[column]] for column in ("count_before", "count_after")]
    return {
        "frame": b64encode(frame_of(store)).decode("ascii"),
        "before": 0,
        "after": after,
        "changes": [list(each) for each in zip(*columns, strict=True)],
    }


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
