"""The tree of spans in plain text: what a terminal shows, and what a test of a notebook compares.

Enters: a spans and an errors DataFrame. Leaves: lines. Says what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.tree import depth_first
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.views import words

MAX_ROWS = 200
MAX_ATTRIBUTES = 6
_MAX_DEPTH = 24
_WIDTH = 44
_BAR = 10

# What the tree says already, or what is the same for every cell of a notebook.
_LEFT_OUT = ("jupyter.", "code.", "error.type", "exception.")


def tree(spans: pd.DataFrame, errors: pd.DataFrame, note: str = "", *, max_rows: int = MAX_ROWS) -> str:
    """Return the tree: a bar on its root's time, name, duration, and what is worth knowing of each span.

    cell [2] df = load()                1.20 s  ██████████
    ├─ load data                        1.18 s  █████████▉  source=s3 rows=1000
    │  └─ GET                          80.0 ms  ▋           ✗ ConnectionError: no route to host
    """
    if not len(spans):
        return "\n".join(filter(None, ["no spans", note]))
    shown = list(rows(spans, errors, max_rows=max_rows))
    width = min(_WIDTH, max(len(row["label"]) for row in shown))
    lines = []
    for row in shown:
        label = row["label"] if len(row["label"]) <= width else row["label"][: width - 1] + "…"
        details = " ".join(filter(None, [row["error"], row["attributes"]]))
        lines.append(f"{label:<{width}}  {row['duration']:>9}  {row['bar']:<{_BAR}}  {details}".rstrip())
    if len(spans) > len(shown):
        lines.append(f"… showing {len(shown):,} of {len(spans):,} spans")
    return "\n".join([*lines, note] if note else lines)


def rows(
    spans: pd.DataFrame, errors: pd.DataFrame, *, max_rows: int, bar_width: int = _BAR
) -> Iterator[dict[str, Any]]:
    """Yield what is shown of each span, in reading order: label with branches, duration, bar, error, attributes."""
    order, depths = depth_first(spans)
    starts: npt.NDArray[Any] = spans["start_time"].astype("int64").to_numpy()
    lengths: npt.NDArray[Any] = spans["duration"].astype("int64").to_numpy()
    running = spans["duration"].isna().to_numpy()
    attributes = [column for column in spans.columns if column.startswith(ATTRIBUTE_PREFIX)]
    failures = _failures(errors)
    now = int(np.maximum(starts + lengths * ~running, starts).max())
    branches = _branches(depths, min(max_rows, len(depths)))
    root_start = root_length = 0
    for place, (row, depth) in enumerate(zip(order[:max_rows].tolist(), depths[:max_rows].tolist(), strict=True)):
        length = int(lengths[row])
        if running[row]:  # an unfinished span has no end, and is not growing either
            length = now - int(starts[row]) if spans["state"].iat[row] == "running" else 0
        if depth == 0:
            root_start, root_length = int(starts[row]), max(length, 1)
        record = spans.iloc[row]
        status = record["status_code"]
        yield {
            "row": row,
            "depth": depth,
            "label": branches[place] + words.plain(record["name"], 120),
            "duration": record["state"] if running[row] else words.duration(int(lengths[row])),
            "bar": bar(int(starts[row]) - root_start, length, root_length, bar_width),
            "error": failures.get(record["span_id"], "✗" if status == "ERROR" else ""),
            "attributes": _attributes(record, attributes),
        }


def bar(offset: int, length: int, whole: int, width: int = _BAR) -> str:
    """Draw where a span lies within its root, in eighths of a character."""
    left = min(max(offset / whole, 0.0), 1.0) * width
    right = min(max((offset + length) / whole, 0.0), 1.0) * width
    cells = int(left)
    eighths = max(1, round((right - left) * 8))
    blocks = "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
    return (" " * min(cells, width - 1) + blocks)[:width]


def _branches(depths: npt.NDArray[np.int64], shown: int) -> list[str]:
    """Draw the lines that join a span to its parent. A level is open while a later sibling is still to come."""
    # What follows the shown rows keeps open the levels that it comes back to: each new minimum of its depths.
    open_levels = set(np.minimum.accumulate(depths[shown:]).tolist())
    drawn = []
    for depth in depths[:shown][::-1].tolist():  # from the last row to the first: only then is it known what comes
        if depth > _MAX_DEPTH:
            drawn.append(f"⋯{depth:,} ")
        else:
            stems = "".join("│  " if level in open_levels else "   " for level in range(1, depth))
            drawn.append(stems + ("├─ " if depth in open_levels else "└─ ") if depth else "")
        open_levels = {level for level in open_levels if level < depth} | {depth}
    return drawn[::-1]


def _failures(errors: pd.DataFrame) -> dict[str, str]:
    found: dict[str, str] = {}
    for span_id, kind, message in zip(
        errors["span_id"], errors["exception_type"], errors["exception_message"], strict=True
    ):
        parts = [str(part) for part in (kind, message) if isinstance(part, str) and part]
        found[span_id] = "✗ " + words.plain(": ".join(parts), 100) if parts else "✗"
    return found


def _attributes(record: pd.Series, columns: list[str]) -> str:
    found = []
    for column in columns:
        key = column[len(ATTRIBUTE_PREFIX) :]
        item = record[column]
        if key.startswith(_LEFT_OUT) or item is None or item is pd.NA or (isinstance(item, float) and item != item):
            continue
        found.append(f"{words.plain(key, 40)}={words.value(item)}")
    more = len(found) - MAX_ATTRIBUTES
    return " ".join([*found[:MAX_ATTRIBUTES], f"[+{more}]"] if more > 0 else found)
