"""A grid of text, and the one renderer that makes plain text and HTML of it.

Enters: a `Grid` of cells that are formatted already. Leaves: lines of at most 80 columns, or an HTML table that survives
GitHub, nbconvert, an untrusted notebook and the loss of all CSS: no script, no <details> (a sanitiser prints it raw), no
SVG. Everything that stands in a cell is escaped here, and nowhere else."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import count

from nbtrace.views import words

WIDTH = 80
"""Columns of plain text: what a narrow terminal and a printed notebook have."""

GAP = "  "
"""What stands between columns of plain text."""

_LEAST_WIDE = 12
_MOST_LINES = 4
_SHORT = 24
"""Columns of text no wider than this are not broken in HTML."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid."""

    title: str
    right: bool = False
    most: int = 40
    """Characters beyond which a cell is cut, in plain text; in HTML twice as many."""
    least: int = 0
    """Characters that it takes in any case: so that what stands behind it does not move from run to run."""
    branches: bool = False
    """Begins with the branches of a tree: spaces count."""
    bars: bool = False
    """Drawn with characters of one width."""
    code: bool = False
    """In characters of one width; spaces count."""
    wraps: bool = False
    """The last column, which takes what width is left, and goes on in further lines."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a grid."""

    cells: tuple[str, ...]
    failed: bool = False
    stem: str = ""
    """What stands at the beginning of the lines in which the last column goes on."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns, rows, and what is said below them."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    foot: str = ""
    """Lines, each of which goes on where it is too long."""
    headed: bool = True
    """Whether plain text has a line of titles; HTML always has."""


def as_text(grid: Grid, width: int = WIDTH) -> str:
    """Return the grid as lines of at most `width` columns. A column that wraps goes on in lines of its own; where there is
    none, those columns at the end that do not fit are left out, and the foot says which."""
    fitting, widths = _fitting(grid, width)
    columns = grid.columns[:fitting]
    titles = [column.title for column in columns]
    # A column that wraps has no width of its own.
    lines = [_line(columns, titles, [*widths[:-1], max(widths[-1], words.width(titles[-1]))])] if grid.headed else []
    for row in grid.rows:
        *cells, last = row.cells[:fitting]
        if not columns[-1].wraps:
            lines.append(_line(columns, row.cells[:fitting], widths))
            continue
        line = _line(columns[:-1], cells, widths)
        room = width - sum(widths[:-1]) - len(GAP) * (fitting - 1)
        if words.width(last) <= room:
            lines.append(_padded(line, width - room, last).rstrip())
            continue
        lines.append(line)
        indent = row.stem + GAP
        lines += [indent + each for each in _wrapped(last, width - words.width(indent))]
    feet = grid.foot.splitlines()
    if fitting < len(grid.columns):
        left = [column.title for column in grid.columns[fitting:]]
        feet.append(f"not shown here: {', '.join(left)}")
    for foot in feet:
        lines += textwrap.wrap(foot, width, break_on_hyphens=False)
    return "\n".join(lines)


def as_html(grid: Grid) -> str:
    """Return the grid as one HTML table, with all its columns."""
    lines = ['<table class="nbtrace">', "<thead><tr>"]
    lines[-1] += "".join(
        f'<th style="text-align:{_side(column)}">{escape(column.title)}</th>' for column in grid.columns
    )
    lines[-1] += "</tr></thead>"
    lines.append("<tbody>")
    short = [all(words.width(row.cells[at]) <= _SHORT for row in grid.rows) for at in range(len(grid.columns))]
    for row in grid.rows:
        cells = (_cell(*each, row) for each in zip(grid.columns, row.cells, short, strict=True))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    lines.append("</tbody></table>")
    if grid.foot:
        lines.append(f"<p>{'<br>'.join(escape(foot) for foot in grid.foot.splitlines())}</p>")
    return "\n".join(lines)


def _cell(column: Column, text: str, short: bool, row: Row) -> str:
    style = f"text-align:{_side(column)}"
    if column.branches:
        style += ";white-space:pre-wrap;min-width:15em"
    elif column.bars:
        style += ";white-space:pre;font-family:monospace;color:#3572b0"
    elif column.code:
        style += ";white-space:pre;font-family:monospace"
    elif column.wraps:
        style += ";min-width:12em;overflow-wrap:anywhere" + (";color:#d9534f" if row.failed else "")
    elif column.right or short:
        style += ";white-space:nowrap"
    limit = 600 if column.wraps else 60 if column.branches else 2 * column.most
    # Spaces that draw a tree must stay where a sanitiser drops the style.
    return f'<td style="{style}">{escape(words.cut(text, limit)).replace("  ", " &nbsp;")}</td>'


def _side(column: Column) -> str:
    return "right" if column.right else "left"


def _fitting(grid: Grid, width: int) -> tuple[int, list[int]]:
    """How many columns fit, and how wide each is. The first one gives way before another is left out."""
    natural = []
    for at, column in enumerate(grid.columns):
        texts = [row.cells[at] for row in grid.rows] + ([column.title] if grid.headed else [])
        natural.append(min(column.most, max([column.least, *map(words.width, texts)])))
    if grid.columns[-1].wraps:
        natural[-1] = 0
        used = sum(natural) + len(GAP) * (len(natural) - 1)
        natural[0] = max(_LEAST_WIDE, natural[0] - max(0, used - width))
        return len(natural), natural
    for fitting in count(len(natural), -1):
        widths = natural[:fitting]
        over = sum(widths) + len(GAP) * (fitting - 1) - width
        if over <= 0 or fitting == 1 or (widths[0] - over >= min(2 * _LEAST_WIDE, widths[0]) and fitting < 8):
            widths[0] = min(widths[0], max(_LEAST_WIDE, widths[0] - max(over, 0)))
            return fitting, widths
    raise AssertionError  # a grid has a column


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    line, end = "", 0
    for column, text, wide in zip(columns, cells, widths, strict=False):
        text = words.cut(text, wide)
        if column.right:
            text = " " * (wide - words.width(text)) + text
        line = _padded(line, end, text)
        end += wide + len(GAP)
    return line.rstrip()


def _padded(line: str, end: int, text: str) -> str:
    return line + " " * (end - words.width(line)) + text


def _wrapped(text: str, width: int) -> list[str]:
    """A text in a few lines of at most `width` columns."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and words.width(lines[-1]) + 1 + words.width(word) <= width:
            lines[-1] += " " + word
            continue
        while words.width(word) > width and len(lines) <= _MOST_LINES:
            head = words.cut(word, width + 1)[:-1]
            lines.append(head)
            word = word[len(head) :]
        lines.append(word)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], words.cut(" ".join(lines[_MOST_LINES - 1 :]), width)]
    return lines
