"""An answer as a magic shows it: the DataFrame that a function returns, which shows itself formatted.

Enters: a DataFrame of an answer. Leaves: the same data as an `Answer`; whatever is made of it is a plain DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from nbtrace.analysis.profiles.hotspots import SAMPLES
from nbtrace.faults import fault
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.views import captions, tasks, words
from nbtrace.views.formatters import ID_LENGTH, IDS, TEXT_LENGTH, texts
from nbtrace.views.grid import Column, Grid, Row, as_html, as_text
from nbtrace.views.hotspots import placed

TEXT_ROWS = 20
HTML_ROWS = 60
SCREEN = 90
"""Characters that fit beside each other in a notebook on a small screen; other columns are in the DataFrame."""

CAPTION = "caption"
"""A column that stands in no DataFrame: what is shown in place of a span's name, where that is not the name."""

LEADING: dict[str, tuple[str, ...]] = {
    "table": (
        "name",
        CAPTION,
        "duration",
        "cell",
        "start_time",
        "status_code",
        "state",
        ATTRIBUTE_PREFIX,
        "status_message",
    ),
    "errors": ("exception_type", "exception_message", "cell", "span_name", CAPTION, "time"),
    "cells": (
        *("cell", "source", "duration", "change", "exception_type", "hottest", "cpu", "memory_change"),
        *("span_count", "run", "start_time"),
    ),
    "lines": ("cell", "code_cell", "line", "source", "time", "share", "cpu", "memory_change", "samples"),
    "hot": ("function", "in", "library", "self", "self %", "mostly", "total", "total %", "python", "native", "waiting"),
    "stats": ("name", "total", "count", "self", "mean", "p50", "p95", "max", "errors", "error_rate"),
    "self": ("name", CAPTION, "self_time", "self_share", "duration", "total_share", "cell"),
    "path": ("name", CAPTION, "contribution", "share", "start_time", "end_time"),
    "gaps": ("duration", "cell_before", "cell_after", "start_time", "end_time"),
    "repeats": ("name", "count", "total", "mean", "parent_name", "cell"),
    "tasks": (
        *("name", "key", "worker", "process_pid", "outcome", "run", "waited", "worker_start", "transfer", "duration"),
        *("cell", "status_code", "state", "host", "span_count"),
    ),
    "compare": ("path", "verdict", "change", "ratio", "count", "before", "after"),
    "history": ("cell", "code", "last", "change", "ratio", "runs", "errors", "median", "fastest", "slowest", "total"),
    "headings": ("heading", "total", "share", "own", "cells", "runs", "errors"),
    "journals": ("state", "written", "bytes", "file"),
}
"""What each answer shows first; the rest follows in its order, ids last."""

_LEFT_OUT = {
    "compare": ("name", "depth", "count_before", "count_after"),
    "headings": ("level",),
    "hot": ("line", "file"),
    "errors": ("exception_stacktrace",),
    "journals": ("notebook", "started"),  # a file's name begins with both
}
"""What is shown in another column already, or is too long for one."""

_SAME = frozenset(("thread_id", "thread_name", "process_pid", "service_name", "scope_name", "cell_id", "host"))
"""What is left out where it is the same in all rows."""

_OWN_ATTRIBUTES = (ATTRIBUTE_PREFIX + "jupyter.", ATTRIBUTE_PREFIX + "code.", ATTRIBUTE_PREFIX + "error.type")
"""What other columns say."""

_NOTHING = {
    "errors": "no errors",
    "cells": "no cells",
    "gaps": "no gaps",
    "repeats": "nothing repeats",
    "tasks": "no tasks; those of a Dask cluster need %nbtrace dask",
    "compare": "nothing to compare",
    "history": "no cells",
    "headings": "no headings",
    "lines": "no lines",
    "hot": "no time",
    "journals": "no journals here; %nbtrace journal on begins one",
}

_FOOT = {"journals": "rec = nbtrace.recover(FILE) opens one"}
"""What is to be done with an answer. Those that have none tell how to have the columns that are not shown."""

_IN_TIME = ("table", "errors", "cells", "gaps", "path", "tasks")
"""Answers in the order of time: of a long one both ends are shown, of the others what comes first."""

_BROKEN = 24


class Answer(pd.DataFrame):
    """A DataFrame that shows itself formatted: durations as 17.5 s, changes as ▲ 1.80 ×, blanks blank, ids last and short."""

    _metadata: ClassVar[list[str]] = ["_nbtrace_word", "_nbtrace_captions"]

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    @classmethod
    def of(
        cls, table: pd.DataFrame, word: str, captions: Callable[[list[str]], dict[str, str]] | None = None
    ) -> Answer:
        """Return a table as the answer to `%spans word`. captions: of spans with these ids, for a table that names spans and has
        none of their attributes."""
        answer = cls(table)
        answer.attrs.update(table.attrs)
        object.__setattr__(answer, "_nbtrace_word", word)
        if captions and CAPTION in LEADING.get(word, ()) and word != "table" and "span_id" in table:
            shown, _ = _rows(table, word, HTML_ROWS)
            object.__setattr__(answer, "_nbtrace_captions", captions(shown["span_id"].tolist()))
        return answer

    def __repr__(self) -> str:
        grid = self._grid(TEXT_ROWS)
        return as_text(grid) if grid is not None else super().__repr__()

    __str__ = __repr__

    def as_text(self, width: int, rows: int, more: str) -> str:
        """Return what it shows in lines of at most so many columns, for who is not in Python: `more` is how to have the columns
        that are not shown."""
        table = pd.DataFrame(self)
        table.attrs.update(self.attrs)
        word, said = getattr(self, "_nbtrace_word", ""), getattr(self, "_nbtrace_captions", None)
        return as_text(formatted(table, word, rows, screen=width, more=more, said=said), width)

    def _repr_html_(self) -> str | None:
        grid = self._grid(HTML_ROWS)
        shown: str | None = as_html(grid) if grid is not None else pd.DataFrame(self)._repr_html_()  # type: ignore[operator]
        return shown

    def _grid(self, most: int) -> Grid | None:
        """The formatted table; None for one that somebody has given another shape, which pandas shows."""
        if self.columns.nlevels > 1 or self.index.nlevels > 1 or not self.columns.is_unique:
            return None
        try:
            table = pd.DataFrame(self)
            table.attrs.update(self.attrs)
            word, said = getattr(self, "_nbtrace_word", ""), getattr(self, "_nbtrace_captions", None)
            return formatted(table, word, most, said=said)
        except Exception:  # a column of the user's whose values cannot be written
            fault("showing an answer")
            return None


def formatted(
    table: pd.DataFrame,
    word: str,
    most: int,
    *,
    screen: int = SCREEN,
    more: str = "",
    said: Mapping[str, str] | None = None,
) -> Grid:
    """Return an answer as a grid of at most so many rows, which alone are formatted. screen: characters that fit beside each
    other. more: how to have the columns that are not shown; as in a notebook unless it is given. said: captions by
    ids of spans."""
    if not len(table):
        return Grid((Column("", most=TEXT_LENGTH),), (Row((_NOTHING.get(word, "no spans"),)),), headed=False)
    shown, foot = _rows(table, word, most)
    if word == "table":
        shown = _captioned(shown)
    elif said and CAPTION not in shown and "span_id" in shown:
        shown = shown.assign(caption=[said.get(each, "") for each in shown["span_id"]])
    if word == "compare":
        shown = _compared(shown)
    if word == "hot":
        shown = placed(shown)
    if word == "journals" and "file" in shown:
        shown = shown.assign(file=[_from_here(str(path)) for path in shown["file"]])
    summary = ""
    if word == "tasks":
        shown, summary = tasks.shown(shown), tasks.summary(table)
    if table.attrs.get(SAMPLES):
        foot = " · ".join(filter(None, [foot, words.count(table.attrs[SAMPLES], "sample")]))
    columns = [(name, texts(shown, name)) for name in _ordered(shown, word)]
    columns = [(name, cells) for name, cells in columns if any(cells) and (name not in _SAME or len({*cells}) > 1)]
    columns = columns[: _fitting(columns, shown, screen)]
    if not columns:  # whatever somebody has made of it
        columns = [(name, texts(shown, name)) for name in list(shown.columns)[:1]] or [("", [""] * len(shown))]
    captioned = any(name == CAPTION for name, _ in columns)
    wraps = word == "journals"
    grid_columns = [
        Column(_title(name, shown), _is_number(shown, name), _widest(name, captioned), wraps=wraps and name == "file")
        for name, _ in columns
    ]
    rows = [Row(tuple(cells)) for cells in zip(*(cells for _, cells in columns), strict=True)]
    hidden = len(table.columns) - sum(name in table for name, _ in columns)
    if word in _FOOT:
        foot = " · ".join(filter(None, [foot, _FOOT[word]]))
    elif hidden and word:
        foot = " · ".join(
            filter(None, [foot, f"{words.count(hidden, 'more column')}: {more or f'df = %spans {word}'}"])
        )
    elif more and len(shown) < len(table):
        foot = f"{foot}: {more}"
    if len(shown) < len(table):
        rows.insert((len(rows) + 1) // 2 if word in _IN_TIME else len(rows), Row(tuple("…" for _ in columns)))
    return Grid(grid_columns, rows, ("\n" if "\n" in summary else " · ").join(filter(None, [summary, foot])))


def _rows(table: pd.DataFrame, word: str, most: int) -> tuple[pd.DataFrame, str]:
    if len(table) <= most:
        return table, ""
    foot = f"showing {most:,} of {len(table):,} rows"
    if word not in _IN_TIME:
        return table.iloc[:most], foot
    return pd.concat([table.iloc[: (most + 1) // 2], table.iloc[len(table) - most // 2 :]]), foot


def _fitting(columns: list[tuple[Any, list[str]]], table: pd.DataFrame, screen: int) -> int:
    """How many columns fit on a screen; long texts are broken there."""
    taken = 0
    for number, (name, cells) in enumerate(columns):
        widest = max(map(words.width, [_title(name, table), *cells]))
        taken += min(widest, _BROKEN) + 2
        if number and taken > screen:
            return number
    return len(columns)


def _captioned(table: pd.DataFrame) -> pd.DataFrame:
    """With what spans did, where their names do not say it."""
    wanted = captions.columns([each for each in table.columns if str(each).startswith(ATTRIBUTE_PREFIX)])
    if not wanted or CAPTION in table or not {"name", "kind"} <= {*table.columns}:
        return table
    return table.assign(caption=[captions.beside_name(record, wanted) for _, record in table.iterrows()])


def _compared(table: pd.DataFrame) -> pd.DataFrame:
    """With counts in one column; no ratio to nothing, and no arrow where the verdict sees no change."""
    numbers = ("count_before", "count_after", "ratio")
    if "verdict" not in table or not all(name in table and table[name].dtype.kind in "if" for name in numbers):
        return table
    counts = zip(table["count_before"], table["count_after"], strict=True)
    table = table.assign(count=[f"{a:,.10g}" if a == b else f"{a:,.10g} → {b:,.10g}" for a, b in counts])
    told = zip(table["verdict"].astype(object), table["ratio"], strict=True)
    table["ratio"] = [_ratio(str(verdict), float(times)) for verdict, times in told]
    return table


def _ratio(verdict: str, times: float) -> str:
    if verdict in ("added", "removed"):
        return ""
    text = words.ratio(times)
    return text.lstrip("▲▼ ") if verdict in ("same", "unclear") else text


def _ordered(table: pd.DataFrame, word: str) -> list[Any]:
    """The columns in the order in which they are shown."""
    known = list(table.columns)
    found: list[Any] = []
    for name in LEADING.get(word, ()):
        found += [each for each in known if each == name or (name == ATTRIBUTE_PREFIX and str(each).startswith(name))]
    if word == "stats":  # by another column than the name
        found = [*(each for each in known[:1] if each not in found), *found]
    hidden = _LEFT_OUT.get(word, ())
    found = [each for each in found if not str(each).startswith(_OWN_ATTRIBUTES)]
    rest = [each for each in known if each not in found and each not in hidden]
    rest = [each for each in rest if not str(each).startswith(_OWN_ATTRIBUTES)]
    return [*found, *(each for each in rest if each not in IDS), *(each for each in rest if each in IDS)]


def _title(name: Any, table: pd.DataFrame) -> str:
    title = words.plain(str(name).removeprefix(ATTRIBUTE_PREFIX), TEXT_LENGTH)
    zone = getattr(table[name].dtype, "tz", None) if name in table else None
    return title if zone is None else f"{title} {words.plain(zone, 20)}"


def _is_number(table: pd.DataFrame, name: Any) -> bool:
    return name in table and (name in ("ratio", "self %", "total %") or table[name].dtype.kind in "iufm")


def _widest(name: Any, captioned: bool) -> int:
    """Columns of a text at most: what a span did stands beside its name, and both leave room for how long that took."""
    if name in IDS:
        return max(ID_LENGTH, len(str(name)))
    if str(name).startswith(ATTRIBUTE_PREFIX):
        return 20
    if name == CAPTION:
        return 32
    return 36 if name in ("source", "code") or (captioned and name in ("name", "span_name")) else TEXT_LENGTH


def _from_here(path: str) -> str:
    """A path as a person would type it where the process works."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path
