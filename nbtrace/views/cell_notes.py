"""What a cell took, in a line: cpu 11.8 s · +410 MB · hot: line 3 df.merge 62 %.

Enters: columns of analysis/profiles/resources.py. Leaves: texts, which say what is worth saying and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nbtrace.views import words

LEAST_NS = 100_000_000
"""Shorter cells need no explanation."""

_BUSY = 1.3
"""So many cores are worth saying."""

_MUCH_GC = 0.05
"""Such a part of the duration likewise."""

_BYTES = 10_000_000
"""So much more or less memory likewise, and so much of files."""

_LONG = 80


def notes(taken: dict[str, Any], durations_ns: Sequence[int], lines: Sequence[int]) -> list[str]:
    """Return a note for each cell. lines: how many its code has; of a single one it need not be said which is hot."""
    rows = pd.DataFrame({**taken, "ns": list(durations_ns), "lines": list(lines)}).to_dict("records")
    return [_note(row) if row["ns"] >= LEAST_NS else "" for row in rows]


def _note(row: dict[Any, Any]) -> str:
    said = []
    if not pd.isna(row["cpu"]):
        cores = f" ({row['cores']:.1f} cores)" if row["cores"] >= _BUSY else ""
        said.append(f"cpu {words.duration(row['cpu'].value)}{cores}")
    if _much(row["memory_change"]):
        said.append(words.growth(int(row["memory_change"])))
    if not pd.isna(row["gc"]) and row["gc"].value >= _MUCH_GC * row["ns"]:
        said.append(f"gc {words.duration(row['gc'].value)}")
    for name, word in (("read_bytes", "read"), ("written_bytes", "written")):
        if _much(row[name]):
            said.append(f"{word} {words.size(int(row[name]))}")
    if row["shared"] and said:
        said.append("shared")
    hottest = row["hottest"]
    if isinstance(hottest, str) and not (row["lines"] <= 1 and hottest.startswith("line")):
        said.append(f"hot: {words.plain(hottest, _LONG)}")
    return " · ".join(said)


def _much(bytes_: Any) -> bool:
    return not pd.isna(bytes_) and abs(int(bytes_)) >= _BYTES
