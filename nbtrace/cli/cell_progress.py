"""How a run goes on, while it does: a line for each cell that has ended, and on a terminal one that counts for what runs.

Enters: what client.py tells. Leaves: lines on a console."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import AbstractContextManager
from typing import IO, Any, cast

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from nbtrace.cli.lasting import Lasting
from nbtrace.headless.outcome import CellRun
from nbtrace.views import words

_TIME = 10
"""Columns of a time."""


def console(*, stderr: bool = False) -> Console:
    """Return where to write: as wide as the terminal, or 110 columns where there is none and nobody has set COLUMNS.
    That nobody reads it any more ends no run."""
    stream = sys.stderr if stderr else sys.stdout
    file = None if stream is None else cast(IO[str], Lasting(stream))  # None: it was closed before we began
    made = Console(file=file, stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not made.file.isatty() and "COLUMNS" not in os.environ:
        made.width = 110
    return made


def is_animated(out: Console) -> bool:
    """Whether what moves can be shown: FORCE_COLOR, which kernels set for what they start, makes no terminal of a pipe."""
    return out.file.isatty() and out.is_terminal and not out.is_dumb_terminal


class Progress(AbstractContextManager["Progress"]):
    """The progress of one notebook."""

    def __init__(self, out: Console, title: str, cells: int) -> None:
        self._out, self._title, self._cells = out, title, cells
        self._number = 0
        self._live: Live | None = None
        self._running: tuple[CellRun, float] | None = None

    def __enter__(self) -> Progress:
        self._out.print(Text(f"{words.plain(self._title)} · {words.count(self._cells, 'cell')}", style="bold"))
        if is_animated(self._out):
            self._live = Live(
                get_renderable=self._now, console=self._out, refresh_per_second=8, transient=True, redirect_stdout=False
            )
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def cell_started(self, cell: CellRun) -> None:
        """A cell begins."""
        self._number += 1
        self._running = (cell, time.monotonic())

    def cell_ended(self, cell: CellRun) -> None:
        """A cell has ended, or never will."""
        self._running = None
        if self._live is not None:
            self._live.refresh()  # else the line that counts would stand below the one that is printed, for a moment
        row = self._line(cell, round((cell.seconds or 0.0) * 1e9))
        if cell.error:
            row.stylize("red")
        self._out.print(row)

    def cells_ended(self) -> None:
        """No cell runs any more: what the summary needs is opened while the kernel ends. Before, it would be in cells' way."""
        threading.Thread(target=_open_tables, daemon=True).start()

    def said(self, text: str) -> None:
        """Something is to be said meanwhile."""
        self._out.print(Text(f"nbtrace: {text}", style="yellow"))

    def _now(self) -> Any:
        running = self._running
        if running is None:
            return Text("") if self._number else Spinner("dots", Text("starting the kernel"))
        cell, began = running
        row = Table.grid(padding=(0, 1))
        row.add_row(Spinner("dots"), self._line(cell, round((time.monotonic() - began) * 1e9), running=True))
        return row

    def _line(self, cell: CellRun, ns: int, *, running: bool = False) -> Text:
        count = f"[{cell.execution_count if cell.execution_count is not None else self._number}]"
        mark = f"{sign(self._out, fine=False)} " if cell.error else "" if running else "  "
        head = f"{mark}{count:>{len(str(self._cells)) + 2}} "
        width = max(20, self._out.width - (2 if running else 0) - len(head) - _TIME - 1)
        code = words.cut(words.plain(first_line(cell.source)), width)
        padding = " " * max(0, width - words.width(code))
        return Text(f"{head}{code}{padding} {words.duration(ns):>{_TIME}}")


def _open_tables() -> None:
    import nbtrace.analysis.dataframes
    import nbtrace.views.formatted
    import nbtrace.views.tree  # noqa: F401


def sign(out: Console, *, fine: bool) -> str:
    """Return the sign of what went well, or did not, as far as the console has it."""
    try:
        "✓✗".encode(out.encoding)
    except (UnicodeEncodeError, LookupError):
        return "+" if fine else "x"
    return "✓" if fine else "✗"


def first_line(source: str) -> str:
    """The first line of code: no comment or decorator if there is anything else."""
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith(("#", "@"))), lines[0] if lines else "")
