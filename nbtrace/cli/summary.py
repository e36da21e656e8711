"""What a run comes to: its slowest cells and lines, its errors, its budgets, and where its files are.

Enters: a `Ran`. Leaves: text on a console."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbtrace.cli.cell_progress import first_line, sign
from nbtrace.headless.ran import Ran
from nbtrace.headless.recorded import last_seen
from nbtrace.views import words

if TYPE_CHECKING:
    import pandas as pd

    from nbtrace.analysis.judging.judgement import Judgement

_MOST = 5
"""So many cells, and so many lines, are shown."""

_LEAST_NS, _LEAST_SHARE = 1_000_000, 0.01
"""What took less is nobody's concern."""

_NUMBER = 10
"""Columns of a time, a share or a size, and of what is between them."""

_SHORT = 24
"""Columns that a text has at least, however narrow the terminal is."""

_LINES, _LONG = 40, 2_000
"""So many lines of a traceback are shown at its beginning and at its end, and so many characters of each."""

_WIDE = 100
"""Columns of a terminal from which on there is room for everything."""

_KINDS = {"notebook": "Notebook", "recording": "Recording", "report": "Report", "journal": "Journal"}


def summarize(out: Console, ran: Ran, judgements: Sequence[Judgement] = (), changes: str = "") -> None:
    """Print what a run comes to. changes: the table of what differs from a baseline."""
    _headline(out, ran)
    cells = ran.recording.cells()
    total_ns = int(cells["duration"].dropna().astype("int64").sum())
    _cells(out, cells, total_ns)
    _lines(out, ran.recording.lines(), total_ns)
    _errors(out, ran)
    if changes:
        out.print()
        out.print(Text(changes), soft_wrap=True)
    _judgements(out, judgements)
    _files(out, ran)


def summarize_all(out: Console, done: Sequence[tuple[Ran, bool]], wanted: int) -> None:
    """Print what several runs come to, a line each: the runs that were made, with whether they kept their budgets, of those that
    were wanted."""
    out.print()
    table = _grid("All notebooks", ("cells", "time"))
    table.add_column(Text("ended"), no_wrap=True)
    for ran, kept in done:
        ran_cells = sum(cell.seconds is not None and not cell.error for cell in ran.outcome.cells)
        fine = ran.outcome.ending == "fine" and kept
        said = ran.outcome.said or ("" if kept else "a budget is broken")
        table.add_row(
            Text(words.cut(f"{sign(out, fine=fine)} {words.plain(ran.job.path)}", max(_SHORT, out.width // 2))),
            f"{ran_cells} of {len(ran.outcome.cells)}",
            words.duration(ran.duration_ns),
            Text(words.cut(words.plain(said), max(_SHORT, out.width // 2 - 30))),
            style="" if fine else "red",
        )
    out.print(table)
    if len(done) < wanted:
        _say(out, f"{words.count(wanted - len(done), 'notebook')} did not run.", "red")


def _headline(out: Console, ran: Ran) -> None:
    outcome = ran.outcome
    done = sum(cell.seconds is not None and not cell.error for cell in outcome.cells)
    cells_ns = round(sum(cell.seconds or 0.0 for cell in outcome.cells) * 1e9)
    took = f"{words.count(done, 'cell')} ran in {words.duration(cells_ns)}"
    took += f"; {words.duration(ran.duration_ns)} with the start and the end of the {'kernel' if ran.job.kernel else 'command'}"
    if outcome.ending == "fine":
        out.print(Text(f"{sign(out, fine=True)} {took}", style="green"))
        return
    failed = next((cell for cell in reversed(outcome.cells) if cell.error), None)
    where = "" if failed is None else f"cell [{failed.execution_count or ' '}]: "
    _say(out, f"{sign(out, fine=False)} {where}{words.plain(outcome.said, 500)}", "bold red")
    if outcome.ending == "lost" and (seen := last_seen(ran.recording)):
        _say(out, f"  {seen}", "red")
    left = sum(not cell.began for cell in outcome.cells)
    _say(out, f"  {took}; {words.count(left, 'cell')} did not" if left else f"  {took}", "red")


def _cells(out: Console, cells: pd.DataFrame, total_ns: int) -> None:
    slow = _slowest(cells, "duration", total_ns)
    if not slow:
        return
    # Where there is room for two numbers, it is for these.
    heads = ("time", "share", "cpu", "peak") if out.width >= _WIDE else ("time", "share")
    table = _grid("Slowest cells", heads)
    table.add_column(Text("hottest line"), no_wrap=True)
    room = max(2 * _SHORT, out.width - len(heads) * _NUMBER - 4)
    codes = [f"  [{row['cell']}] {words.plain(first_line(row['source'] or ''))}" for row in slow]
    code_room = min(max(map(words.width, codes)), room * 11 // 20)
    for row, code in zip(slow, codes, strict=True):
        ns = row["duration"].value
        hottest = "" if _missing(row["hottest"]) else words.plain(row["hottest"])
        numbers = [
            words.duration(ns),
            words.share(ns / max(total_ns, 1)),
            "" if _missing(row["cpu"]) else words.duration(row["cpu"].value),
            "" if _missing(row["memory_peak"]) else words.size(int(row["memory_peak"])),
        ]
        table.add_row(
            Text(words.cut(code, code_room)), *numbers[: len(heads)], Text(words.cut(hottest, room - code_room))
        )
    out.print()
    out.print(table)


def _lines(out: Console, lines: pd.DataFrame, total_ns: int) -> None:
    slow = _slowest(lines, "time", total_ns)
    if not slow:
        return
    table = _grid("Slowest lines, with all that they call", ("time", "share", "cpu"))
    for row in slow:
        source = "" if _missing(row["source"]) else words.plain(str(row["source"]).strip())
        line = f"  [{row['code_cell']}] line {row['line']}  {source}"
        ns = row["time"].value
        table.add_row(
            Text(words.cut(line, max(_SHORT, out.width - 3 * _NUMBER - 2))),
            words.duration(ns),
            words.share(ns / max(total_ns, 1)),
            "" if _missing(row["cpu"]) else words.duration(row["cpu"].value),
        )
    out.print()
    out.print(table)


def _slowest(table: pd.DataFrame, column: str, total_ns: int) -> list[dict[str, Any]]:
    """The rows that took longest, as far as they are worth a look."""
    least = max(_LEAST_NS, _LEAST_SHARE * total_ns)
    known = table[table[column].notna()]
    return [
        {str(name): value for name, value in row.items()}
        for row in known.nlargest(_MOST, column).to_dict("records")
        if row[column].value >= least
    ]


def _grid(title: str, heads: Sequence[str]) -> Table:
    """A table of a text and numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False, header_style="dim")
    table.add_column(Text(title), no_wrap=True)
    for head in heads:
        table.add_column(Text(head), justify="right", no_wrap=True, min_width=_NUMBER - 2)
    return table


def _errors(out: Console, ran: Ran) -> None:
    written = [(f"Error in cell [{cell.execution_count}]", cell.traceback) for cell in ran.outcome.cells]
    for title, text in (*written, ("What the kernel wrote at its end", ran.outcome.log)):
        if text:
            out.print()
            _say(out, title, "dim")
            for line in _middle_cut(text.splitlines()):
                _say(out, f"  {words.plain(line, _LONG)}".rstrip())


def _middle_cut(lines: list[str]) -> list[str]:
    """The beginning and the end of a long text: a recursion has thousands of lines, and the notebook all of them."""
    left = len(lines) - 2 * _LINES
    return lines if left <= 1 else [*lines[:_LINES], f"… {left:,} lines more …", *lines[-_LINES:]]


def _judgements(out: Console, judgements: Sequence[Judgement]) -> None:
    if not judgements:
        return
    from nbtrace.cli.compare import line

    out.print()
    for each in judgements:
        out.print(Text.from_ansi(line(each)), soft_wrap=True)


def _files(out: Console, ran: Ran) -> None:
    out.print()
    for name, path in ran.kept.items():
        _say(out, f"{_KINDS[name]:<10} {words.plain(short(path))}")
    for name, command in (("journal", "recover"), ("recording", "show")):
        if name in ran.kept:
            _say(out, f"{'Look at it':<10} nbtrace {command} {words.plain(shlex.quote(short(ran.kept[name])))}", "dim")
            break
    for problem in filter(None, (ran.job.places.note, *ran.notes, *ran.problems)):
        _say(out, f"nbtrace: {words.plain(problem)}", "yellow")


def _say(out: Console, text: str, style: str = "") -> None:
    """Print a line that a terminal may break, and nobody else."""
    out.print(Text(text, style=style), soft_wrap=True)


def short(path: Path) -> str:
    """A path as a person would write it here."""
    try:
        found = os.path.relpath(path)
    except (ValueError, OSError):  # on another drive; the folder in which we are is gone
        return str(path)
    return str(path) if found.startswith(os.pardir) else found


def _missing(value: Any) -> bool:
    return bool(value is None or value != value)
