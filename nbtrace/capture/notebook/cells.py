"""Every cell execution becomes a span, current for whatever runs inside.

Enters: IPython's pre_run_cell and post_run_cell, the moment at which code failed (failing.py), and the text of cells on its way
to the parser. Leaves: spans. No function of IPython is wrapped; docs/decisions/0003 tells which designs fail where.

A cell and its end are matched by `result.info is info`, never by popping a stack: await cells, nested cells, cells of
subshells and cells whose end is lost do not come in the order of one."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, get_current, set_value
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from nbtrace.capture import exceptions
from nbtrace.capture.current import leave, still_open
from nbtrace.capture.here import CELL, CELL_KEY, attach
from nbtrace.capture.notebook.spanline import SpanLine, SpanLineError, parse
from nbtrace.capture.sdk.attach import Attachment
from nbtrace.config import NBTrace
from nbtrace.faults import came_in_between, fault
from nbtrace.store import semconv
from nbtrace.store.cells import CellBook, Execution

_TITLE_LENGTH = 60
_LOOKED_AT = 500
_MAGIC = "%%span"
_DISPLAY_FAILED = "_last_traceback_during_displayhook"
"""What ipykernel, from 7.1 on, marks the shell with; its reply says "error" then."""


@dataclass(slots=True, eq=False)
class _Opened:
    """A span opened within a cell by %%span or %span."""

    span: Span
    previous: Context
    attached: Context
    section: bool
    """Ends at the next %span."""


@dataclass(slots=True, eq=False)
class _OpenCell:
    """A cell that runs."""

    info: Any
    execution: Execution
    span: Span
    previous: Context
    attached: Context
    outer: _OpenCell | None
    thread: int
    task: asyncio.Task[Any] | None
    """The task of an await cell, which has a Context of its own."""
    opened: list[_Opened] = field(default_factory=list)
    closing: bool = False
    """Its end has begun; an interrupt may have kept it from being made whole."""
    failed: BaseException | None = None
    """What ended its code, from the moment on at which it did."""
    failed_ns: int | None = None
    """That moment; whatever is shown of the failure comes later, and is not the cell's work."""
    shown_before: int = 0
    """Id of the exception that was the last to be shown when the cell began."""


_HERE: ContextVar[_OpenCell | None] = ContextVar("nbtrace_open_cell", default=None)
"""Answers "am I in the Context in which this cell was attached?" without keeping a token, whose use could fail."""


class CellTracer:
    """The hooks of one shell."""

    def __init__(
        self,
        shell: Any,
        attachment: Attachment,
        book: CellBook,
        config: NBTrace,
        shown: Callable[[str], str] = str,
        asks: Callable[[str], bool] = lambda source: False,
    ) -> None:
        self.shell = shell
        self._shown = shown
        """Gives what a name may show of a line of code."""
        self._asks = asks
        """Tells whether code does nothing but ask nbtrace."""
        self.enabled = True
        self.on_closed: Callable[[Execution], None] | None = None
        """Called after a cell that is not nested has closed."""
        self._attachment = attachment
        shell_ref = weakref.ref(shell)
        # IPython 7 keeps no such map, and shows the files itself.
        attachment.recorder.cell_files = lambda: getattr(getattr(shell_ref(), "compile", None), "_filename_map", {})
        self._book = book
        self._config = config
        self._open: dict[int, _OpenCell] = {}
        self._stored = False
        self._unstored_count = 0
        self._any_event = False
        # What cannot change while the kernel lives is asked for once: around a cell every look-up is a cold one.
        self._constants: dict[str, Any] | None = None
        self._parent = _parent_context()
        # IPython counts on before the hook from 9.10 on.
        self._counts_before = getattr(sys.modules.get("IPython"), "version_info", (0,))[:2] >= (9, 10)

    # ── IPython's hooks ──────────────────────────────────────────────────────────────────────────────────────────────

    def pre_run_cell(self, info: Any) -> None:
        """Open the cell's span."""
        try:
            self._any_event = True
            self._begin(info)
        except Exception:
            fault("opening a cell")

    def post_run_cell(self, result: Any) -> None:
        """Close the cell's span."""
        try:
            cell = self._cell_of(result)
            if cell is not None:
                self._end(cell, result)
            elif not self._any_event and result is not None:
                # The cell that loaded the extension: its beginning was before us. It counts all the same.
                self._stored = self._stored or bool(result.info.store_history)
                self._unstored_count += not result.info.store_history
            self._any_event = True
        except Exception:
            fault("closing a cell")

    def note_failure(self, result: Any, error: BaseException) -> None:
        """Note when the code of a cell failed. What follows, a traceback that is rendered, is IPython's time."""
        try:
            cell = self._open.get(id(result.info))
            if cell is not None and cell.info is result.info and cell.failed is None:
                cell.failed_ns = self._attachment.recorder.time_of(cell.span.get_span_context().span_id)
                cell.failed = error
        except Exception:
            fault("noting that a cell failed")

    def transform(self, lines: list[str]) -> list[str]:
        """Make a leading %%span line a comment of the same length: the cell stays an ordinary cell.

        pre_run_cell reads the line from the raw cell. Below another cell magic there is no pre_run_cell for the rest, so
        there the line becomes a call. A line that cannot be read stays a magic, which says what is wrong."""
        try:
            return self._transformed(lines)
        except Exception:
            fault("reading a %%span line")
            return lines

    # ── the rest of the interface ────────────────────────────────────────────────────────────────────────────────────

    def open_span(self, line: SpanLine, *, section: bool) -> tuple[str, ...]:
        """Open a span that lasts to the end of the cell, as a section only to the next section; return what could not be
        evaluated. Raise LookupError outside a cell."""
        cell = self._here()
        if cell is None:
            raise LookupError("no cell is traced here")
        if section:
            while cell.opened and cell.opened[-1].section:
                self._close_opened(cell.opened.pop(), None)
        return self._open_line(cell, line, section=section)

    def close(self) -> None:
        """Close all cells: the extension is being unloaded, or tracing switched off."""
        for cell in list(self._open.values())[::-1]:
            self._open.pop(id(cell.info), None)
            self._finish(cell, None)

    # ── beginning and end ────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, info: Any) -> None:
        self._close_lost()
        while (here := _HERE.get()) is not None and here.closing:
            self._restore(here)  # an interrupt has hit the end of that cell
        outer = self._here()
        traced = self.enabled and self._wants(info, nested=outer is not None)
        self._stored = self._stored or info.store_history
        if not traced:
            return
        self._attachment.look()
        count = self._count(info)
        header = _header(self.shell)
        source = info.raw_cell
        execution = self._book.open(
            execution_count=count, cell_id=_cell_id(info, header), source=source, asks=self._asks(source)
        )
        previous = get_current()
        lines = _span_lines(info.raw_cell) if outer is None and _MAGIC in info.raw_cell else []
        CELL.set(execution.number)  # before the span starts, as the cell's own span belongs to the cell too
        try:
            span = self._attachment.start_span(
                self._title(count, info.raw_cell),
                context=previous if outer else self._parent,
                attributes=self._attributes(execution, header),
            )
        except BaseException:
            CELL.set(outer.execution.number if outer else 0)
            raise
        context = span.get_span_context()
        execution.trace_id, execution.span_id = context.trace_id, context.span_id
        self._attachment.recorder.cell_spans.add(context.span_id)
        attached = set_value(CELL_KEY, execution.number, set_span_in_context(span, previous))
        cell = _OpenCell(info, execution, span, previous, attached, outer, threading.get_ident(), _await_task())
        cell.shown_before = id(getattr(sys, "last_value", None))
        # From here on the cell is known, so that whatever fails it is closed again.
        self._open[id(info)] = cell
        # In this order: an interrupt in between leaves a cell that its end, or the next cell, takes back.
        _HERE.set(cell)
        attach(attached)
        for line in lines:
            for problem in self._open_line(cell, line, section=False):
                print(f"nbtrace: {problem} — the cell runs, the span holds the error.", file=sys.stderr)  # noqa: T201

    def _end(self, cell: _OpenCell, result: Any) -> None:
        # The first of two counts: the other is IPython's stumbling over it.
        error: Any = cell.failed
        if result is None:
            # An await cell that was cancelled before it gave a result, or an exception that cannot be printed.
            error = error or sys.exception() or asyncio.CancelledError()
        else:
            error = error or result.error_before_exec or result.error_in_exec or self._display_error(cell)
            if cell.info.store_history and result.execution_count is not None:
                self._correct(cell, result.execution_count)
        self._finish(cell, error if isinstance(error, BaseException) else None)
        if self.on_closed is not None and cell.outer is None:
            self.on_closed(cell.execution)

    def _display_error(self, cell: _OpenCell) -> BaseException | None:
        """What showing the cell's last value has raised, where the kernel counts that as a failure of the cell."""
        if not getattr(self.shell, _DISPLAY_FAILED, False):
            return None
        # The mark outlives its cell where an await cell follows; the exception tells whose it is.
        shown = getattr(sys, "last_value", None)
        return shown if isinstance(shown, BaseException) and id(shown) != cell.shown_before else None

    def _finish(self, cell: _OpenCell, error: BaseException | None, *, unfinished: bool = False) -> None:
        cell.closing = True
        self._restore(cell)
        cell.execution.failed = error is not None  # before its span is handed on
        ended_ns = None if error is None else cell.failed_ns
        cell.failed = None  # whoever has copied the cell's Context keeps the cell, and would keep the exception
        told = False
        while cell.opened:
            self._close_opened(cell.opened.pop(), error, told=told, ended_ns=ended_ns)
            told = True
        if error is not None:
            self._tell(cell.span, error, told=told)
        if unfinished:
            cell.span.set_attribute(semconv.JUPYTER_CELL_UNFINISHED, True)
        if getattr(cell.span, "dropped_attributes", 0):
            # The user's attributes were more than the limit, and an SDK that drops the oldest has dropped ours.
            cell.span.set_attributes(self._attributes(cell.execution, {}))
        cell.span.end(end_time=ended_ns)
        self._attachment.recorder.cell_spans.discard(cell.execution.span_id)
        if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
            self._attachment.recorder.interrupted(cell.execution.number, still_open)

    def _restore(self, cell: _OpenCell) -> None:
        """Make current again what was before the cell, if this is the Context in which the cell was attached.

        What else the cell has attached and left (baggage, say) stays, as it would without nbtrace."""
        if _HERE.get() is not cell:
            return  # an await cell: its Context has died with its task
        current = get_current()
        if current is cell.attached:
            attach(cell.previous)
        else:
            ours = [key for key, value in cell.attached.items() if cell.previous.get(key) is not value]
            kept = {key: value for key, value in current.items() if key not in ours}
            kept.update((key, cell.previous[key]) for key in ours if key in cell.previous)
            attach(Context(kept))
        CELL.set(cell.outer.execution.number if cell.outer else 0)
        _HERE.set(cell.outer)

    # ── spans within a cell ──────────────────────────────────────────────────────────────────────────────────────────

    def _open_line(self, cell: _OpenCell, line: SpanLine, *, section: bool) -> tuple[str, ...]:
        evaluated = line.evaluate(self.shell.user_ns)
        previous = get_current()
        span = self._attachment.start_span(evaluated.name, attributes=evaluated.attributes)
        self._attachment.recorder.cell_spans.add(span.get_span_context().span_id)
        attached = set_span_in_context(span, previous)
        cell.opened.append(_Opened(span, previous, attached, section))
        attach(attached)
        return evaluated.problems

    def _close_opened(
        self, opened: _Opened, error: BaseException | None, *, told: bool = False, ended_ns: int | None = None
    ) -> None:
        leave(opened.attached, opened.previous, opened.span)
        if error is not None:
            self._tell(opened.span, error, told=told)
        opened.span.end(end_time=ended_ns)
        self._attachment.recorder.cell_spans.discard(opened.span.get_span_context().span_id)

    def _tell(self, span: Span, error: BaseException, *, told: bool) -> None:
        """Mark a span as failed; the exception is told once, on the innermost."""
        _fail(span, error, event=not told)
        if told:
            self._attachment.recorder.propagated.passed_on(span.get_span_context().span_id)

    def _transformed(self, lines: list[str]) -> list[str]:
        if not lines or not _is_span_line(lines[0]):
            return lines
        count = 0
        while count < len(lines) and _is_span_line(lines[count]):
            count += 1
        body = lines[count:]
        try:
            for line in lines[:count]:
                if parse(_arguments(line)).statement is not None:
                    return lines
        except SpanLineError:
            return lines
        while body and not body[0].strip():
            blank, body = body[0], body[1:]
            if not (body and any(rest.strip() for rest in body)):
                body = [blank, *body]
                break
        if body and body[0].lstrip().startswith("%%"):
            # That magic must see its own first line. Below another magic the real %%span runs it.
            return lines if self._here() else body
        if self._here():
            calls = [f"get_ipython().run_cell_magic('span', {_arguments(line)!r}, '\\n')\n" for line in lines[:count]]
            return [*calls, *lines[count:]]
        return ["# " + line.lstrip()[2:] for line in lines[:count]] + lines[count:]

    # ── which cells, and what they are called ────────────────────────────────────────────────────────────────────────

    def _wants(self, info: Any, *, nested: bool) -> bool:
        if info.silent:
            return False
        policy = self._config.unstored_cells
        if info.store_history or policy is True:
            return True
        # A nested cell that stores nothing is a magic's way of running its body (%%capture), not somebody's cell.
        return policy == "auto" and not self._stored and not nested

    def _count(self, info: Any) -> int | None:
        """The cell's execution count as far as it is known at its beginning; the end corrects it."""
        if not info.store_history:
            if self._stored:
                return None
            # A runner that stores nothing (nbval) leaves the counter at 1; number its cells as a stored run would be.
            self._unstored_count += 1
            return self._unstored_count
        count: int = self.shell.execution_count
        return count - 1 if self._counts_before else count

    def _correct(self, cell: _OpenCell, count: int) -> None:
        if cell.execution.execution_count != count:
            cell.execution.execution_count = count
            cell.span.update_name(self._title(count, cell.info.raw_cell))
            cell.span.set_attribute(semconv.JUPYTER_CELL_EXECUTION_COUNT, count)

    def _title(self, count: int | None, source: str) -> str:
        """`cell [N]` and the first line of code, without secrets: a name goes to the user's exporters too."""
        first = self._shown(_first_line(source))
        if len(first) > _TITLE_LENGTH:
            first = first[: _TITLE_LENGTH - 1] + "…"
        return f"cell [{' ' if count is None else count}] {first}".rstrip()

    def _attributes(self, execution: Execution, header: dict[str, Any]) -> dict[str, Any]:
        if self._constants is None:
            self._constants = _kernel_attributes()
        found = dict(self._constants)
        path = self.shell.user_ns.get("__vsc_ipynb_file__")
        if isinstance(path, str):
            found[semconv.CODE_FILE_PATH] = found[semconv.JUPYTER_NOTEBOOK_PATH] = path
        session = header.get("header", {}).get("session")
        if session:
            found[semconv.JUPYTER_SESSION_ID] = session
        if execution.cell_id:
            found[semconv.JUPYTER_CELL_ID] = execution.cell_id
        if execution.execution_count is not None:
            found[semconv.JUPYTER_CELL_EXECUTION_COUNT] = execution.execution_count
        return found

    # ── which cell is open here ──────────────────────────────────────────────────────────────────────────────────────

    def _cell_of(self, result: Any) -> _OpenCell | None:
        if result is not None:
            info = getattr(result, "info", None)
            cell = self._open.get(id(info))
            return self._open.pop(id(info)) if cell is not None and cell.info is info else None
        here = _HERE.get()
        if here is not None and here.task is None and self._open.get(id(here.info)) is here and _lost(here):
            return self._open.pop(id(here.info))  # a cell out of which IPython itself has raised
        for key, cell in list(self._open.items()):
            if cell.task is not None and cell.task.done() and cell.thread == threading.get_ident():
                return self._open.pop(key)
        return None

    def _here(self) -> _OpenCell | None:
        cell = _HERE.get()
        return cell if cell is not None and self._open.get(id(cell.info)) is cell and not _lost(cell) else None

    def _close_lost(self) -> None:
        """Close cells whose end was never told: an interrupt hit a hook, or the front end sends none for await cells."""
        for key, cell in list(self._open.items()):
            if _lost(cell):
                self._open.pop(key, None)
                self._finish(cell, cell.failed, unfinished=cell.failed is None)


def _fail(span: Span, error: BaseException, *, event: bool) -> None:
    """Mark a span of a cell as failed, also where the exception's own `__str__` raises an interrupt or an exit: IPython has
    met that already, and from a hook it would be shown a second time."""
    try:
        exceptions.fail(span, error, event=event)
    except Exception:
        raise
    except BaseException as raised:
        if came_in_between(raised) or not hasattr(type(error).__str__, "__code__"):
            raise
        span.set_attribute(semconv.ERROR_TYPE, exceptions.type_name(error))
        message = f"<{type(error).__name__}: unprintable, {type(raised).__name__}>"
        span.set_status(Status(StatusCode.ERROR, message))


def _lost(cell: _OpenCell) -> bool:
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


def _await_task() -> asyncio.Task[Any] | None:
    """The task that is this cell, None for a sync cell (which may run inside a task of the kernel's)."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    return task if getattr(task and task.get_coro(), "__name__", None) == "run_cell_async" else None


def _is_span_line(line: str) -> bool:
    line = line.lstrip()
    return line.startswith(_MAGIC) and line[len(_MAGIC) : len(_MAGIC) + 1] in ("", " ", "\t", "\n", "\r")


def _arguments(line: str) -> str:
    return line.strip()[len(_MAGIC) :].strip()


def _span_lines(source: str) -> list[SpanLine]:
    """The leading %%span lines of a cell; none if one of them cannot be read, as then the magic itself runs."""
    found = []
    for line in source.lstrip().splitlines():
        if not _is_span_line(line):
            break
        try:
            found.append(parse(_arguments(line)))
        except SpanLineError:
            return []
    return [] if any(line.statement is not None for line in found) else found


def _first_line(source: str) -> str:
    """The first line of code: no comment, decorator or %%span line if there is anything else."""
    first = ""
    for line in map(str.strip, source.splitlines() if len(source) < 10_000 else source[:10_000].splitlines()):
        if line and not line.startswith(("#", "@")) and not _is_span_line(line):
            return line[:_LOOKED_AT]
        first = first or line
    return first[:_LOOKED_AT]


def _header(shell: Any) -> dict[str, Any]:
    """The message that asked for this execution; empty where there is no kernel."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return {}
    try:
        parent = kernel.get_parent("shell")
    except Exception:  # kernels older than ipykernel 6.12 keep it elsewhere
        parent = getattr(kernel, "_parent_header", None)
    return parent if isinstance(parent, dict) else {}


def _cell_id(info: Any, header: dict[str, Any]) -> str | None:
    cell_id = getattr(info, "cell_id", None) or header.get("metadata", {}).get("cellId")
    return cell_id if isinstance(cell_id, str) else None


def _parent_context() -> Context:
    """The root, or in a headless run the parent that the environment names. A server's kernel inherits TRACEPARENT from
    whatever started the server days ago."""
    if "TRACEPARENT" in os.environ and "JPY_SESSION_NAME" not in os.environ:
        carrier = {"traceparent": os.environ["TRACEPARENT"], "tracestate": os.environ.get("TRACESTATE", "")}
        return TraceContextTextMapPropagator().extract(carrier, context=Context())
    return Context()


def _kernel_attributes() -> dict[str, Any]:
    """What is the same for all cells of this kernel."""
    found = {}
    path = os.environ.get("JPY_SESSION_NAME", "")
    if path.endswith(".ipynb"):  # a console has a session too
        found[semconv.CODE_FILE_PATH] = found[semconv.JUPYTER_NOTEBOOK_PATH] = path
    application = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    if application is None or not application.initialized():
        return found
    name = os.path.basename(getattr(application.instance(), "connection_file", "") or "")
    match = re.fullmatch(r"kernel-(.+)\.json", name)
    if match:
        found[semconv.JUPYTER_KERNEL_ID] = match[1]
    return found


def current_span_is_clean() -> bool:
    """Whether no span and no cell is current here; tests prove with it that nothing was left behind."""
    return _HERE.get() is None and CELL.get() == 0 and not trace.get_current_span().get_span_context().is_valid
