"""Where the time went, for a page that nobody can ask: the hot lines of the slowest cells, and the profile to be taken along.

Enters: the tables of cells and of lines, and a profile as text. Leaves: HTML, all that comes from code escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape

import pandas as pd

from nbtrace.views import words
from nbtrace.views.grid import Column, Grid, Row, as_html

MAX_CELLS = 20
"""Cells that are shown, the slowest."""

MAX_LINES = 5
"""Lines that are shown of a cell, the hottest."""

MAX_PROFILE = 8_000_000
"""Characters of a profile that a page carries."""

_LEAST = 0.01
"""The share of a cell's time below which a line is not worth a row."""

_FEW = 10
"""A share that rests on fewer samples is marked."""

_COLUMNS = (Column("line"), Column("source", most=80), Column("time", right=True), Column("share", right=True))


def section(link: str, cells: pd.DataFrame | None = None, lines: pd.DataFrame | None = None) -> str:
    """Return what is said of the cells that have samples; `link` is of `profile_link`, and without tables is all of it.

    cells: cell, source, duration, as `nbtrace.cells()` has them; lines: cell, code_cell, line, source, time, share, samples, as
    `nbtrace.lines()`, and exact: whether that is the time of a statement, and not of samples."""
    cells_said = [] if cells is None or lines is None else _cells(cells, lines)
    return "\n".join(["<section>", "<h2>Where the time went</h2>", *cells_said, link, "</section>"])


def _cells(cells: pd.DataFrame, lines: pd.DataFrame) -> list[str]:
    sampled = lines.loc[lines["samples"] > 0, "cell"].unique()
    known = cells[cells["cell"].isin(sampled)].drop_duplicates("cell", keep="last")
    shown = known.sort_values("duration", ascending=False, kind="stable").head(MAX_CELLS)
    if not len(shown):
        return []
    which = (
        f"the slowest {len(shown)} of {len(known):,} cells" if len(known) > len(shown) else "the slowest cells first"
    )
    found = [f"<p>{which}; a line has the time of all that it called, so lines do not add up</p>"]
    for cell, source, duration in zip(shown["cell"], shown["source"], shown["duration"], strict=True):
        title = words.cut(words.plain(f"cell [{cell}] {_first_line(source)}".rstrip()), 80)
        length = "running" if pd.isna(duration) else words.duration(duration.value)
        found.append(f"<h3>{escape(title)} · {escape(length)}</h3>")
        found.append(as_html(_grid(cell, lines[lines["cell"] == cell])))
    return found


def profile_link(pieces: Iterable[str], stem: str) -> str:
    """Return the link by which a page hands out a profile, or where it is too long for a page, how to get it."""
    name = f"{stem}.speedscope.json"
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > MAX_PROFILE:
            typed = escape(f"nbtrace.save({name!r})")
            return f"<p>The profile was left out: it has more than {MAX_PROFILE // 10**6} MB. <code>{typed}</code> writes it.</p>"
    data = b64encode(text.encode("utf-8", "backslashreplace")).decode("ascii")
    href = f"data:application/json;base64,{data}"
    return (
        f'<p><a download="{escape(name, quote=True)}" href="{href}">Download the profile</a> '
        "and open it in https://www.speedscope.app, or drop it there.</p>"
    )


def _grid(cell: int, lines: pd.DataFrame) -> Grid:
    hot = lines.sort_values("time", ascending=False, kind="stable").head(MAX_LINES)
    rows: list[Row] = []
    for at, code_cell, source, time, share, samples, exact in zip(
        *(hot[name] for name in ("line", "code_cell", "source", "time", "share", "samples", "exact")), strict=True
    ):
        if rows and share < _LEAST:
            continue
        place = f"line {at}" if code_cell == cell else f"cell [{'?' if pd.isna(code_cell) else code_cell}] line {at}"
        text = "" if pd.isna(source) else words.plain(source.strip())
        # As everywhere: what few samples support is about.
        told = f"{'≈ ' if samples < _FEW and not exact else ''}{words.share(float(share))}"
        rows.append(Row((place, text, words.duration(time.value), told)))
    rest = len(lines) - len(rows)
    return Grid(_COLUMNS, rows, f"and {words.count(rest, 'line')} more" if rest > 0 else "")


def _first_line(source: object) -> str:
    lines = source.splitlines() if isinstance(source, str) else []
    return next((line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
