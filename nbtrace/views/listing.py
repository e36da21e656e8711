"""A cell's code with what each line took beside it: what %spans lines shows.

Enters: lines of analysis/profiles/lines.py, and the code of cells. Leaves: an `Answer` that shows itself as a listing. Of a
long cell the surroundings of its hot lines are shown, and what lies between them is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from nbtrace.analysis.profiles.cell_code import CellCode, cell_name
from nbtrace.analysis.profiles.hotspots import SAMPLES
from nbtrace.analysis.profiles.lines import DURATION, EXACT, NUMBERS
from nbtrace.analysis.profiles.profile import FEW
from nbtrace.store.book import Execution
from nbtrace.views import words
from nbtrace.views.formatted import HTML_ROWS, Answer
from nbtrace.views.grid import WIDTH, Column, Grid, Row, as_text

TEXT_LINES = 60
HTML_LINES = 150
"""Lines of a cell that are shown; of a longer one, those around the hot ones."""

AROUND = 2
"""Lines before and behind a hot one."""

_BAR = 6
_WIDEST = 120
"""Characters of a line in HTML."""

_SMALL = 0.001
"""Shares below this are not told."""

_LITTLE = 1_000_000
"""Bytes below which growth is not told."""

_CODE = 7
"""The place of the code among the columns."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class _Line:
    """What a line took, in words."""

    share: float
    cells: tuple[str, str, str, str, str, str]
    """Bar, time, share, CPU, memory, how many workers ran it."""


class Listing(Answer):
    """The lines as a DataFrame, which shows itself as the code with the figures beside it."""

    _metadata: ClassVar[list[str]] = [*Answer._metadata, "_nbtrace_cells"]

    def _grid(self, most: int) -> Grid | None:
        cells = getattr(self, "_nbtrace_cells", None)
        if cells is None or not len(self):
            return super()._grid(most)
        in_text = most < HTML_ROWS
        grid: Grid = cells.grid(
            TEXT_LINES if in_text else HTML_LINES, self._listing_notes(), width=WIDTH if in_text else None
        )
        return grid

    def as_text(self, width: int, rows: int, more: str) -> str:
        """Return the listing in lines of at most so many columns."""
        cells = getattr(self, "_nbtrace_cells", None)
        if cells is None or not len(self):
            return super().as_text(width, rows, more)
        return as_text(cells.grid(TEXT_LINES, self._listing_notes(), width=width), width)

    def _listing_notes(self) -> list[str]:
        samples = self.attrs.get(SAMPLES, 0)
        return [words.count(samples, "sample")] if samples else ["no samples: each statement has its exact time"]


def listed(public: pd.DataFrame, table: pd.DataFrame, code: CellCode) -> Listing:
    """Return the public table, to be shown as a listing. table: the same rows, with the columns for views."""
    answer = Listing(public)
    answer.attrs.update(public.attrs)
    object.__setattr__(answer, "_nbtrace_word", "lines")
    object.__setattr__(answer, "_nbtrace_cells", _Cells(table, code))
    return answer


def slowest(table: pd.DataFrame, code: CellCode, *, most_cells: int, most_lines: int) -> Grid | None:
    """Return the listing of the slowest cells that have samples, the slowest first; None if none has. table: as for `listed`."""
    cells = _Cells(table, code)
    only, known = cells.slowest(most_cells)
    if not only:
        return None
    notes = [f"the slowest {len(only)} of {known:,} cells"] if len(only) < known else []
    return cells.grid(most_lines, notes, width=None, only=only)


class _Cells:
    """Cells with their lines."""

    def __init__(self, table: pd.DataFrame, code: CellCode) -> None:
        self._code = code
        self._took: dict[int, dict[int, dict[int, _Line]]] = {}
        self._duration: dict[int, int] = {}
        for record in table.to_dict("records"):
            own = self._took.setdefault(record[NUMBERS[0]], {}).setdefault(record[NUMBERS[1]], {})
            own[record["line"]] = _line(record)
            self._duration[record[NUMBERS[0]]] = record[DURATION]
        self._sampled = set(table.loc[table["samples"] > 0, NUMBERS[0]])

    def slowest(self, most: int) -> tuple[list[int], int]:
        """The numbers of the slowest cells that have samples, and how many such cells there are."""
        known = [number for number in self._took if number in self._sampled]
        return sorted(known, key=lambda number: -self._duration[number])[:most], len(known)

    def grid(self, most: int, notes: list[str], *, width: int | None, only: list[int] | None = None) -> Grid:
        """The listing of all cells, or of some in this order, of each at most so many lines; below it stand the notes. width: of
        a line of text; None for HTML."""
        rows: list[Row] = []
        for number in self._took if only is None else only:
            rows += self._cell(number, most, notes)
        drawn = [at for at in range(_CODE) if at == 0 or any(row.cells[at].strip() for row in rows)]
        figures = (
            Column("line", right=True),
            Column("", least=_BAR, most=_BAR, bars=True),
            Column("time", right=True),
            Column("share", right=True),
            Column("cpu", right=True),
            Column("memory", right=True),
            Column("workers", right=True),
        )
        # The code has what is left of the line: it is what the figures are about.
        widths = [
            max(figures[at].least, *map(words.width, (figures[at].title, *(row.cells[at] for row in rows)))) + 2
            for at in drawn
        ]
        columns = (*figures, Column("code", most=width - sum(widths) if width is not None else _WIDEST // 2, code=True))
        kept = [*drawn, _CODE]
        return Grid(
            [columns[at] for at in kept],
            [Row(tuple(row.cells[at] for at in kept), row.failed) for row in rows],
            " · ".join(notes),
        )

    def _cell(self, number: int, most: int, notes: list[str]) -> Iterator[Row]:
        execution = self._code.by_number.get(number)
        if execution is None:
            return
        yield _title(execution, self._duration[number])
        own = self._took[number].get(number, {})
        lines = self._code.lines(number)
        if lines is None:
            notes.append(f"the code of {cell_name(execution)} is not kept")
            for at in sorted(own):
                yield _row(at, own[at], "")
        else:
            while lines and not lines[-1].strip():
                lines = lines[:-1]
            shown = _around(own, len(lines), most)
            before = 0
            for at in [*shown, len(lines) + 1]:
                if at - before > 1:
                    yield _beside(f"⋯ {words.count(at - before - 1, 'line')}")
                if at <= len(lines):
                    yield _row(at, own.get(at), lines[at - 1])
                before = at
            if len(shown) < len(lines):
                notes.append(f"showing {len(shown):,} of the {len(lines):,} lines of {cell_name(execution)}")
        for other, took in self._took[number].items():
            if other == number or other not in self._code.by_number:
                continue
            yield _beside(f"── from {cell_name(self._code.by_number[other])} ──")
            hottest = sorted(took, key=lambda at: -took[at].share)[:most]
            for at in sorted(hottest):
                yield _row(at, took[at], self._code.text(other, at, at) or "")
            if len(hottest) < len(took):
                yield _beside(f"⋯ {words.count(len(took) - len(hottest), 'line')} that took less")


def _line(record: dict[Any, Any]) -> _Line:
    share, time = float(record["share"]), record["time"].value
    guess = "~" if not record[EXACT] and 0 < record["samples"] < FEW else ""
    told = share >= _SMALL or time >= 1_000_000
    growth = record["memory_change"]
    return _Line(
        share,
        (
            heat(share),
            words.duration(time) if time else "",
            guess + words.share(share) if told and share >= _SMALL else "",
            "" if pd.isna(record["cpu"]) or not told else words.duration(record["cpu"].value),
            "" if pd.isna(growth) or abs(growth) < _LITTLE else words.growth(int(growth)),
            str(record["workers"] or ""),
        ),
    )


def heat(share: float) -> str:
    """Draw a share as a bar, in eighths of a character."""
    eighths = round(min(max(share, 0.0), 1.0) * 8 * _BAR)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def _title(execution: Execution, duration_ns: int) -> Row:
    taken = execution.resources
    cpu = "" if taken is None or taken.cpu_ns is None else words.duration(taken.cpu_ns)
    growth = None if taken is None else taken.memory_change
    memory = "" if growth is None or abs(growth) < _LITTLE else words.growth(growth)
    name = f"── {cell_name(execution)} ──" + (
        " shared with a cell that ran meanwhile" if taken and taken.shared else ""
    )
    return Row(("", "", words.duration(duration_ns), "", cpu, memory, "", name))


def _beside(text: str) -> Row:
    """A row of text where the code stands."""
    return Row((*("",) * _CODE, text))


def _row(at: int, line: _Line | None, source: str) -> Row:
    shown = words.plain(source[: 2 * _WIDEST].rstrip("\r").expandtabs(4)).rstrip()
    return Row((str(at), *(line.cells if line is not None else ("",) * 6), shown))


def _around(own: dict[int, _Line], many: int, most: int) -> list[int]:
    """The lines that are shown: all of them, or those around the hottest."""
    if many <= most:
        return list(range(1, many + 1))
    shown: set[int] = set()
    for at in sorted(own, key=lambda at: -own[at].share):
        more = shown | {each for each in range(at - AROUND, at + AROUND + 1) if 0 < each <= many}
        if len(more) > most:
            break
        shown = more
    return sorted(shown)
