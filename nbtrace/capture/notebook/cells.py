"""Every cell execution becomes a span, current for whatever runs inside.

Enters: IPython's pre_run_cell and post_run_cell, the moment at which code failed (failing.py), and the text of cells on its way
to the parser. Leaves: spans. No function of IPython is wrapped; docs/decisions/0003 tells which designs fail where."""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context, get_current, set_value
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from nbtrace.capture import exceptions
from nbtrace.capture.current_cell import CELL, CELL_KEY, attach
from nbtrace.capture.current_span import leave, still_open
from nbtrace.capture.notebook import cell_attributes
from nbtrace.capture.notebook.magic_line import MAGIC, is_span_line, span_lines, without_span_lines
from nbtrace.capture.notebook.open_cells import HERE, OpenCell, OpenCells, Opened, await_task
from nbtrace.capture.notebook.spanline import SpanLine
from nbtrace.capture.notebook.tracebacks import named_cells
from nbtrace.capture.profile import Profile, noted_file
from nbtrace.capture.sdk.attach import Attachment
from nbtrace.config import NBTrace
from nbtrace.faults import came_in_between, fault
from nbtrace.store import semconv
from nbtrace.store.book import CellBook, Execution

_DISPLAY_FAILED = "_last_traceback_during_displayhook"
"""What ipykernel, from 7.1 on, marks the shell with; its reply says "error" then."""


class CellTracer:
    """The hooks of one shell."""

    def __init__(
        self,
        shell: Any,
        attachment: Attachment,
        book: CellBook,
        config: NBTrace,
        profile: Profile,
        shown: Callable[[str], str] = str,
        asks: Callable[[str], bool] = lambda source: False,
        *,
        parent: Context | None = None,
        notebook: str | None = None,
    ) -> None:
        self.shell = shell
        self._shown = shown
        """Gives what a name may show of a line of code."""
        self._asks = asks
        """Tells whether code does nothing but ask nbtrace."""
        self.enabled = True
        self._profile = profile
        self.on_closed: Callable[[Execution], None] | None = None
        """Called after a cell that is not nested has closed."""
        self._attachment = attachment
        attachment.recorder.stack_shown = _with_cells_named(weakref.ref(shell))
        self._book = book
        self._config = config
        self._open = OpenCells()
        self._stored = False
        self._unstored_count = 0
        self._any_event = False
        # What cannot change while the kernel lives is asked for once: around a cell every look-up is a cold one.
        self._constants: dict[str, Any] | None = None
        self._parent = Context() if parent is None else parent
        """That of all cells; a cell is a root where there is none."""
        self._notebook = notebook
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
            cell = self._open.take(result)
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
            cell = self._open.failing(result)
            if cell is not None and cell.failed is None:
                cell.failed_ns = self._attachment.recorder.time_of(cell.span.get_span_context().span_id)
                cell.failed = error
                cell.run.failed = True
                cell.usage.stop()
        except Exception:
            fault("noting that a cell failed")

    def transform(self, lines: list[str]) -> list[str]:
        """Make a leading %%span line a comment of the same length: the cell stays an ordinary cell.

        pre_run_cell reads the line from the raw cell. Below another cell magic there is no pre_run_cell for the rest, so
        there the line becomes a call. A line that cannot be read stays a magic, which says what is wrong."""
        try:
            if lines and is_span_line(lines[0]):
                return without_span_lines(lines, nested=self._open.here() is not None)
            return lines
        except Exception:
            fault("reading a %%span line")
            return lines

    # ── the rest of the interface ────────────────────────────────────────────────────────────────────────────────────

    def open_span(self, line: SpanLine, *, section: bool) -> tuple[str, ...]:
        """Open a span that lasts to the end of the cell, as a section only to the next section; return what could not be
        evaluated. Raise LookupError outside a cell."""
        cell = self._open.here()
        if cell is None:
            raise LookupError("no cell is traced here")
        if section:
            while cell.opened and cell.opened[-1].section:
                self._close_opened(cell.opened.pop(), None)
        return self._open_line(cell, line, section=section)

    def close(self) -> None:
        """Close all cells: the extension is being unloaded, or tracing switched off."""
        for cell in self._open.take_all():
            self._finish(cell, None)

    # ── beginning and end ────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, info: Any) -> None:
        for cell in self._open.take_lost():
            self._finish(cell, cell.failed, unfinished=cell.failed is None)
        while (here := HERE.get()) is not None and here.closing:
            self._restore(here)  # an interrupt has hit the end of that cell
        outer = self._open.here()
        traced = self.enabled and self._wants(info, nested=outer is not None)
        self._stored = self._stored or info.store_history
        if not traced:
            return
        self._attachment.look()
        count = self._count(info)
        asked_by = cell_attributes.header(self.shell)
        source = info.raw_cell
        execution = self._book.open(
            execution_count=count,
            cell_id=cell_attributes.cell_id_of(info, asked_by),
            source=source,
            asks=self._asks(source),
        )
        previous = get_current()
        lines = span_lines(info.raw_cell) if outer is None and MAGIC in info.raw_cell else []
        CELL.set(execution.number)  # before the span starts, as the cell's own span belongs to the cell too
        try:
            span = self._attachment.start_span(
                cell_attributes.title(count, info.raw_cell, self._shown),
                context=previous if outer else self._parent,
                attributes=self._attributes(execution, asked_by),
            )
        except BaseException:
            CELL.set(outer.execution.number if outer else 0)
            raise
        context = span.get_span_context()
        execution.trace_id, execution.span_id = context.trace_id, context.span_id
        self._attachment.recorder.cell_spans.add(context.span_id)
        attached = set_value(CELL_KEY, execution.number, set_span_in_context(span, previous))
        task = await_task()
        begun: list[Any] = []
        run, usage = self._profile.begin(
            execution, begun, outer=outer.usage if outer else None, awaits=task is not None
        )
        cell = OpenCell(
            info, execution, span, previous, attached, outer, threading.get_ident(), task, begun, run, usage
        )
        cell.shown_before = id(getattr(sys, "last_value", None))
        # From here on the cell is known, so that whatever fails it is closed again.
        self._open.add(cell)
        # In this order: an interrupt in between leaves a cell that its end, or the next cell, takes back.
        HERE.set(cell)
        attach(attached)
        for line in lines:
            for problem in self._open_line(cell, line, section=False):
                print(f"nbtrace: {problem} — the cell runs, the span holds the error.", file=sys.stderr)  # noqa: T201

    def _end(self, cell: OpenCell, result: Any) -> None:
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

    def _display_error(self, cell: OpenCell) -> BaseException | None:
        """What showing the cell's last value has raised, where the kernel counts that as a failure of the cell."""
        if not getattr(self.shell, _DISPLAY_FAILED, False):
            return None
        # The mark outlives its cell where an await cell follows; the exception tells whose it is.
        shown = getattr(sys, "last_value", None)
        return shown if isinstance(shown, BaseException) and id(shown) != cell.shown_before else None

    def _finish(self, cell: OpenCell, error: BaseException | None, *, unfinished: bool = False) -> None:
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
        self._profiled(cell, ended_ns, failed=error is not None)
        if getattr(cell.span, "dropped_attributes", 0):
            # The user's attributes were more than the limit, and an SDK that drops the oldest has dropped ours.
            cell.span.set_attributes(self._attributes(cell.execution, {}))
        cell.span.end(end_time=ended_ns)
        self._attachment.recorder.cell_spans.discard(cell.execution.span_id)
        if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
            self._attachment.recorder.interrupted(cell.execution.number, still_open)

    def _profiled(self, cell: OpenCell, ended_ns: int | None, *, failed: bool) -> None:
        """Hand on what is known of the inside of a cell."""
        try:
            if cell.file:
                noted_file(cell.execution, cell.file)
            self._profile.end(cell.execution, cell.run, cell.usage, ended_ns=ended_ns, failed=failed)
        except Exception:
            fault("handing on what a cell did inside")

    def _restore(self, cell: OpenCell) -> None:
        """Make current again what was before the cell, if this is the Context in which the cell was attached.

        What else the cell has attached and left (baggage, say) stays, as it would without nbtrace."""
        if HERE.get() is not cell:
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
        HERE.set(cell.outer)

    # ── spans within a cell ──────────────────────────────────────────────────────────────────────────────────────────

    def _open_line(self, cell: OpenCell, line: SpanLine, *, section: bool) -> tuple[str, ...]:
        evaluated = line.evaluate(self.shell.user_ns)
        previous = get_current()
        span = self._attachment.start_span(evaluated.name, attributes=evaluated.attributes)
        self._attachment.recorder.cell_spans.add(span.get_span_context().span_id)
        attached = set_span_in_context(span, previous)
        cell.opened.append(Opened(span, previous, attached, section))
        attach(attached)
        return evaluated.problems

    def _close_opened(
        self, opened: Opened, error: BaseException | None, *, told: bool = False, ended_ns: int | None = None
    ) -> None:
        leave(opened.attached, opened.previous, opened.span)
        if error is not None:
            self._tell(opened.span, error, told=told)
        opened.span.end(end_time=ended_ns)
        self._attachment.recorder.cell_spans.discard(opened.span.get_span_context().span_id)

    def _tell(self, span: Span, error: BaseException, *, told: bool) -> None:
        """Mark a span as failed; the exception is told once, on the innermost."""
        _fail(span, error, event=not told)
        propagated, span_id = self._attachment.recorder.propagated, span.get_span_context().span_id
        if told:
            propagated.passed_on(span_id)
        else:
            propagated.ended_by(span_id, error)

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

    def _correct(self, cell: OpenCell, count: int) -> None:
        if cell.execution.execution_count != count:
            cell.execution.execution_count = count
            cell.span.update_name(cell_attributes.title(count, cell.info.raw_cell, self._shown))
            cell.span.set_attribute(semconv.JUPYTER_CELL_EXECUTION_COUNT, count)

    def _attributes(self, execution: Execution, asked_by: dict[str, Any]) -> dict[str, Any]:
        if self._constants is None:
            self._constants = cell_attributes.kernel_attributes(self._notebook)
        return cell_attributes.attributes(self._constants, self.shell.user_ns, execution, asked_by)


def _with_cells_named(shell: Callable[[], Any]) -> Callable[[str], str]:
    """A function that gives a stack trace with the cells of a shell named as its notebook does."""

    def shown(stack: str) -> str:
        # IPython 7 keeps no such map, and shows the files itself.
        return named_cells(stack, getattr(getattr(shell(), "compile", None), "_filename_map", {}))

    return shown


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
