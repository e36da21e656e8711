"""How the values of a column are written in an answer: durations as 17.5 s, sizes as 410 MB, what is not worth saying as nothing.

Enters: a column of a DataFrame. Leaves: a text for each of its values, "" for those that are missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from nbtrace.analysis.compare import SEPARATOR
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.views import shapes, words

_USUAL = {"kind": "INTERNAL", "status_code": "UNSET", "state": "ended"}
"""What is not worth saying."""

_QUIET_ZEROS = frozenset(
    (
        "event_count",
        "link_count",
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
        "error_count",
        "errors",
        "error_rate",
    )
)
_QUIET_DURATIONS = frozenset(("self", "cpu", "python", "native", "waiting", "gc"))
"""What is not worth saying where it is nothing."""

_BYTES = frozenset(("bytes", "memory_peak", "read_bytes", "written_bytes", "gpu_memory_peak"))

IDS = frozenset(("trace_id", "span_id", "parent_span_id", "linked_trace_id", "linked_span_id", "cell_id"))
_NUMBERS = frozenset(
    (
        "cell",
        "code_cell",
        "line",
        "first_line",
        "last_line",
        "cell_before",
        "cell_after",
        "run",
        "thread_id",
        "process_pid",
    )
)
"""Numbers that count nothing: no separators."""

ID_LENGTH = 8
TEXT_LENGTH = 60
_PATH_LENGTH = 36


def texts(table: pd.DataFrame, name: Any) -> list[str]:
    """Return what stands in the rows of a column."""
    column = table[name]
    write = _writer(column, name)
    missing = column.isna().tolist()
    return ["" if gap else write(value) for value, gap in zip(column.tolist(), missing, strict=True)]


def _writer(column: pd.Series, name: Any) -> Callable[[Any], str]:
    """How a column's values are written; none of them is missing."""
    dtype = column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        return _clock(column)
    if dtype.kind == "m":
        if name in _QUIET_DURATIONS:
            return lambda d: words.duration(d.value) if d.value else ""
        return (lambda d: words.change(d.value)) if name == "change" else (lambda d: words.duration(d.value))
    if dtype.kind == "b":
        return lambda yes: "yes" if yes else ""
    if name in IDS:
        return lambda text: str(text)[:ID_LENGTH]
    if name in _USUAL:
        return lambda text: "" if text == _USUAL[name] else words.plain(text, TEXT_LENGTH)
    if name == "memory_change":
        return lambda n: words.growth(int(n)) if n else ""
    if name in _BYTES:
        return lambda n: words.size(int(n)) if n else ""
    if dtype.kind in "iu":
        quiet = name in _QUIET_ZEROS
        return lambda n: "" if quiet and n == 0 else str(n) if name in _NUMBERS else f"{n:,}"
    if dtype.kind == "f":
        return _float(str(name))
    if name in ("source", "code"):
        return lambda text: words.plain(_first_line(str(text)), TEXT_LENGTH)
    if name == "path":
        return _end_of_path
    if name == "file":  # to be copied: a part of it is of no use
        return lambda path: words.plain(path)
    if str(name).startswith(ATTRIBUTE_PREFIX):
        return lambda item: shapes.brief(item, TEXT_LENGTH)
    return lambda item: words.plain(item, TEXT_LENGTH)


def _float(name: str) -> Callable[[float], str]:
    if name == "ratio":
        return words.ratio
    if name.endswith("share"):
        return words.share
    if name == "gpu_utilization":
        return words.share
    if name == "cores":
        return lambda number: f"{number:.2f}"
    if name == "error_rate":
        return lambda part: "" if not part else words.share(part)
    if name.startswith("count_"):
        return lambda number: f"{number:,.10g}"
    return lambda number: f"{number:.6g}" if math.isfinite(number) else str(number)


def _clock(column: pd.Series) -> Callable[[Any], str]:
    """Times of day, with the date where there are several."""
    days = column.dropna().dt.normalize().nunique()
    form = "%Y-%m-%d %H:%M:%S.%f" if days > 1 else "%H:%M:%S.%f"
    return lambda time: str(time.strftime(form))[:-3]


def _end_of_path(path: Any) -> str:
    """A path of names, of a long one the last names."""
    text = words.plain(path)
    while words.width(text) > _PATH_LENGTH and SEPARATOR in text.removeprefix("…" + SEPARATOR):
        text = "…" + SEPARATOR + text.removeprefix("…" + SEPARATOR).partition(SEPARATOR)[2]
    return text


def _first_line(source: str) -> str:
    """The first line of code; of a cell of comments, the first of those."""
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith("#")), lines[0] if lines else "")
