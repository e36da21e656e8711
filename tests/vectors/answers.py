"""Random forests and what is answered about them, for every language that answers.

`python -m tests.vectors.answers` writes answers.json. A forest has a `frame` as the inspector is sent it, in base64; the
moment that it says is now is before all others, so that running spans reach to the latest moment known. A span is told by
its row, a time is in nanoseconds: `order` (row and depth, in reading order), `self` (null for a running span), `errors`
(how many a span has), `critical` (row and contribution, in the order of time), `statistics` (name, count, errors, total,
self, p50, p95) of all spans and of those not called b, and `folds` (the rows of siblings that are one
line, and its time in words)."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from nbtrace.analysis.criticalpath import critical_path
from nbtrace.analysis.selftime import self_time
from nbtrace.analysis.statistics import statistics
from nbtrace.analysis.tree import depth_first
from nbtrace.recording import Recording
from nbtrace.store.schema import Extra, Row
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.frames import Frame
from nbtrace.views.inspector.wire import Encoder
from nbtrace.views.outline import _Tree
from tests.rows import row
from tests.vectors.files import lines

FILE = Path(__file__).with_suffix(".json")
BEGIN = 1_769_860_800_000_000_000
"""2026-01-31 12:00, in nanoseconds."""

MISSING = 0xFF
"""The id of a parent that is in no forest."""

TOLD = (BEGIN, "exception", ("exception.type",), ("ValueError",))
TICK = (BEGIN, "tick", (), ())


def written() -> str:
    """The file as it should be."""
    return lines({"forests": [answers(spans) for spans in forests()]})


def forests() -> Iterator[list[Row]]:
    """Small ones with many ties, running spans, orphans and circles; wide ones with siblings of a name; one without spans."""
    yield []
    for seed in range(70):
        chance = random.Random(seed)
        number = chance.randint(1, 12)
        yield [_span(chance, each, chance.randint(-2, number - 1), moments=12) for each in range(number)]
    for seed in range(8):
        chance = random.Random(1_000 + seed)
        yield [_span(chance, each, chance.randint(-1, each // 6), moments=60) for each in range(50)]


def _span(chance: random.Random, number: int, above: int, *, moments: int) -> Row:
    """A span whose parent is that row; -1: it has none, -2: its parent is missing."""
    start = BEGIN + chance.randint(0, moments) * 1_000_001
    running = chance.random() < 0.12
    status = chance.choice((0, 0, 0, 1, 2, 2))
    events = tuple(chance.choice((TOLD, TICK)) for _ in range(chance.choice((0, 0, 0, 1, 3))))
    extra = Extra(events=events, propagated=status == 2 and chance.random() < 0.3)
    return row(
        number + 1,
        parent=0 if above == -1 or above == number else MISSING if above == -2 else above + 1,
        name=chance.choice("abc"),
        start=start,
        end=0 if running else start + chance.choice((0, 1, 1, 2, 3, 5, 8)) * 1_000_001,
        status=status,
        extra=extra,
    )


def frame_of(store: SpanStore) -> Frame:
    """All spans of a store, as the inspector is sent them."""
    batches, _ = store.since(None)
    found, _ = Encoder(live=False).spans(batches, (), {"reset": True, "dropped": 0, "now": 0})
    return found


def answers(rows: list[Row]) -> dict[str, Any]:
    """A forest, and what is answered."""
    store = SpanStore()
    for each in rows:
        store.append(each)
    recording = Recording(store)
    spans, errors = recording.spans(), recording.errors()
    here = numbers(spans["span_id"])  # the table is in the order of starts, the frame in the recording's
    order, depths = depth_first(spans)
    path = critical_path(spans)
    failed = [0] * len(rows)
    for number in numbers(errors["span_id"]):
        failed[number] += 1
    return {
        "frame": b64encode(frame_of(store)).decode("ascii"),
        "order": [[here[place], depth] for place, depth in zip(order.tolist(), depths.tolist(), strict=True)],
        "self": [
            None if time is pd.NaT else time.value for _, time in sorted(zip(here, self_time(spans), strict=True))
        ],
        "errors": failed,
        "critical": [list(pair) for pair in zip(numbers(path["span_id"]), ns(path["contribution"]), strict=True)],
        "statistics": times(spans),
        "statistics_without_b": times(recording.spans(where="name != 'b'")),
        "folds": folds(spans, errors),
    }


def numbers(ids: pd.Series) -> list[int]:
    """The rows of spans."""
    return [int(span_id, 16) - 1 for span_id in ids]


def ns(times: pd.Series) -> list[int]:
    """Durations as numbers."""
    return [int(each) for each in times.astype("int64")]


def times(spans: pd.DataFrame) -> list[list[Any]]:
    """The statistics that the inspector shows."""
    table = statistics(spans)
    columns = [table["name"].tolist(), table["count"].tolist(), table["errors"].tolist()]
    columns += [ns(table[column]) for column in ("total", "self", "p50", "p95")]
    return [list(each) for each in zip(*columns, strict=True)]


def folds(spans: pd.DataFrame, errors: pd.DataFrame) -> list[list[Any]]:
    """What the tree in text folds, but for what lies in a folded span: the text opens those that failed."""
    tree = _Tree(spans, errors, {})
    rows, above = [numbers(spans["span_id"])[place] for place in tree._order], tree._above
    folded: set[int] = set()
    found = []
    for entry in tree.entries():
        ways = [above[entry.place]]
        while ways[-1] >= 0:
            ways.append(above[ways[-1]])
        if entry.members and not folded.intersection(ways):
            found.append([[rows[place] for place in entry.members], tree.row(entry, "", "").cells[1]])
            folded.update(entry.members)
    return found


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
