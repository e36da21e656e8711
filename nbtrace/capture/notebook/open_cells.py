"""The cells that run: which of them is meant by a result, which one is open here, and which have lost their end.

Enters: what IPython hands to its hooks, and the Context. Leaves: the cell. It is found by `result.info is info`, never by popping
a stack: await cells, nested cells, cells of subshells and cells whose end is lost do not come in the order of one."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span

from nbtrace.capture.current_cell import CELL
from nbtrace.capture.instruments.resources import Usage
from nbtrace.capture.sampling.run import Run
from nbtrace.store.book import Execution


@dataclass(slots=True, eq=False)
class Opened:
    """A span opened within a cell by %%span or %span."""

    span: Span
    previous: Context
    attached: Context
    section: bool
    """Ends at the next %span."""


@dataclass(slots=True, eq=False)
class OpenCell:
    """A cell that runs."""

    info: Any
    execution: Execution
    span: Span
    previous: Context
    attached: Context
    outer: OpenCell | None
    thread: int
    task: asyncio.Task[Any] | None
    """The task of an await cell, which has a Context of its own."""
    begun: list[tuple[int, CodeType]]
    """When its statements began, by the monotonic clock, and their code."""
    run: Run
    """What the sampler knows of it."""
    usage: Usage
    """Of its resources."""
    file: str = ""
    """The file as which its code was compiled."""
    opened: list[Opened] = field(default_factory=list)
    closing: bool = False
    """Its end has begun; an interrupt may have kept it from being made whole."""
    failed: BaseException | None = None
    """What ended its code, from the moment on at which it did."""
    failed_ns: int | None = None
    """That moment; whatever is shown of the failure comes later, and is not the cell's work."""
    shown_before: int = 0
    """Id of the exception that was the last to be shown when the cell began."""


HERE: ContextVar[OpenCell | None] = ContextVar("nbtrace_open_cell", default=None)
"""Answers "am I in the Context in which this cell was attached?" without keeping a token, whose use could fail."""


class OpenCells:
    """The open cells of one shell."""

    def __init__(self) -> None:
        self._open: dict[int, OpenCell] = {}

    def add(self, cell: OpenCell) -> None:
        """Know a cell from here on."""
        self._open[id(cell.info)] = cell

    def failing(self, result: Any) -> OpenCell | None:
        """Return the cell whose result this is."""
        cell = self._open.get(id(result.info))
        return cell if cell is not None and cell.info is result.info else None

    def here(self) -> OpenCell | None:
        """Return the cell that is open in this Context."""
        cell = HERE.get()
        return cell if cell is not None and self._open.get(id(cell.info)) is cell and not lost(cell) else None

    def take(self, result: Any) -> OpenCell | None:
        """Take out the cell that has ended; without a result, the one that can be meant."""
        if result is not None:
            info = getattr(result, "info", None)
            cell = self._open.get(id(info))
            return self._open.pop(id(info)) if cell is not None and cell.info is info else None
        here = HERE.get()
        if here is not None and here.task is None and self._open.get(id(here.info)) is here and lost(here):
            return self._open.pop(id(here.info))  # a cell out of which IPython itself has raised
        for key, cell in list(self._open.items()):
            if cell.task is not None and cell.task.done() and cell.thread == threading.get_ident():
                return self._open.pop(key)
        return None

    def take_all(self) -> Iterator[OpenCell]:
        """Take out all cells one by one, the latest first."""
        for cell in list(self._open.values())[::-1]:
            self._open.pop(id(cell.info), None)
            yield cell

    def take_lost(self) -> Iterator[OpenCell]:
        """Take out the cells whose end was never told: an interrupt hit a hook, or the front end sends none for await cells."""
        for key, cell in list(self._open.items()):
            if lost(cell):
                self._open.pop(key, None)
                yield cell


def lost(cell: OpenCell) -> bool:
    """Whether nothing is left that could tell the end of a cell."""
    if cell.task is not None:
        return cell.task.done()
    if cell.thread != threading.get_ident():
        return cell.thread not in sys._current_frames()
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name in ("run_cell_async", "_run_cell") and frame.f_locals.get("info") is cell.info:
            return False
        frame = frame.f_back  # type: ignore[assignment]
    return True


def await_task() -> asyncio.Task[Any] | None:
    """The task that is this cell, None for a sync cell (which may run inside a task of the kernel's)."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    return task if getattr(task and task.get_coro(), "__name__", None) == "run_cell_async" else None


def current_span_is_clean() -> bool:
    """Whether no span and no cell is current here; tests prove with it that nothing was left behind."""
    return HERE.get() is None and CELL.get() == 0 and not trace.get_current_span().get_span_context().is_valid
