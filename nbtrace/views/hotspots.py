"""Hotspots as a person reads them: where a function is in one column, what it mostly did in another.

Enters: a table of analysis/profiles/hotspots.py. Leaves: the same rows with columns to be shown."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nbtrace.analysis.profiles.hotspots import BY
from nbtrace.analysis.profiles.libraries import NOTEBOOK, shortened
from nbtrace.analysis.profiles.places import MODULE
from nbtrace.analysis.profiles.profile import FEW
from nbtrace.views import words

_LONG = 28
"""Characters of a place."""

_MOSTLY = 0.5

_NEEDED = {
    "function",
    "file",
    "line",
    "library",
    "self",
    "self_share",
    "total_share",
    "samples",
    "python",
    "native",
    "waiting",
}


def placed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with `in` (the library, or the file and line, or the cell), `mostly` (what most of self was), and shares in
    words, a ~ before those that fewer than ten samples support. Another table than hotspots stays as it is."""
    if not {*map(str, table.columns)} >= _NEEDED:
        return table
    by = table.attrs.get(BY)
    rows = table.astype(object).to_dict("records")
    columns: dict[str, Any] = {"function": [_function(row) for row in rows]}
    if by == "library":
        columns["function"] = None
    else:
        columns["in"] = [_place(row, by) for row in rows]
        columns["mostly"] = [_mostly(row) for row in rows]
    for name in ("self", "total"):
        columns[f"{name} %"] = [_share(row[f"{name}_share"], row["samples"]) for row in rows]
    hidden = ["self_share", "total_share", *(["library", "python", "native", "waiting"] if by != "library" else [])]
    return table.assign(**columns).drop(columns=hidden)


def _function(row: dict[Any, Any]) -> str:
    """Its name; a cell's own code has that of the cell."""
    if row["library"] == NOTEBOOK and row["function"] == MODULE and isinstance(row["file"], str):
        return str(row["file"])
    return "" if pd.isna(row["function"]) else str(row["function"])


def _place(row: dict[Any, Any], by: Any) -> str:
    if by != "line" and row["library"] != NOTEBOOK:
        return words.plain(row["library"], _LONG)
    path = "" if pd.isna(row["file"]) else words.plain(shortened(str(row["file"])))
    if by != "line":
        return NOTEBOOK if row["function"] == MODULE else path
    behind = "" if pd.isna(row["line"]) else f":{row['line']}"
    most = _LONG - len(behind)
    return (path if len(path) <= most else "…" + path[1 - most :]) + behind


def _mostly(row: dict[Any, Any]) -> str:
    if pd.isna(row["python"]) or not row["self"].value:
        return ""
    part, kind = max((row[kind].value / row["self"].value, kind) for kind in ("python", "native", "waiting"))
    return kind if part >= _MOSTLY else "mixed" if part else ""


def _share(share: float, samples: int) -> str:
    return "" if not share else ("~" if 0 < samples < FEW else "") + words.share(share)
