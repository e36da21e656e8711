"""The journal of a recording: whatever comes into a store stands in a file from then on, whatever becomes of the process.

Enters: a store's rows and executions, as they come. Leaves: lines in the parts of a journal. It is on the user's path: what takes
long is left to the thread of the parts, and a failure stops the journal, is said once, and reaches nobody's code."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import sys
import time
import weakref
from contextlib import suppress
from operator import is_
from pathlib import Path
from types import CodeType
from typing import Any

from nbtrace.formats.journal.files import before, parts
from nbtrace.formats.journal.parcels import Parcel, Parcels
from nbtrace.formats.journal.part import Part
from nbtrace.formats.journal.processes import started_at
from nbtrace.formats.journal.records import HEAD, VERSION, Lines
from nbtrace.formats.journal.series import Series
from nbtrace.store.book import Execution
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import WIDTH, Origin, Row, RowFields
from nbtrace.store.span_store import SpanStore
from nbtrace.store.typed_lines import lines_of

MAX_BYTES = 500_000_000
"""What the parts of a journal may take; beyond it the oldest go."""

MAX_OPEN = 100_000
"""So many spans that run are known; one that is not is written in full when it ends."""

_LONG_SOURCE = 10_000
"""Characters of a cell's source from which on secrets are looked for beside the cell, not before it."""

_LONG_CODE = 20_000
"""Bytes of code of which the lines are looked for when the cell ends; of more the reader takes them from the source."""

_SPAN_ID, _NAME, _END, _STATUS, _CELL, _ORIGIN, _THREAD, _EXTRA, _KEYS = map(
    RowFields._fields.index,
    ("span_id", "name", "end_ns", "status", "cell", "origin", "thread", "extra", "keys"),
)


class Journal:
    """Writes down what comes into a store, from `start` to `stop`."""

    def __init__(
        self,
        store: SpanStore,
        path: Path,
        *,
        notebook: str | None = None,
        head: dict[str, Any] | None = None,
        max_bytes: int = MAX_BYTES,
        first_bytes: int = 0,
        waits: bool = False,
        parcels: Parcels | None = None,
    ) -> None:
        """`head`: what is said of who writes, if not who this process is; `first_bytes`: how long the first part is, 0 for as
        always; `waits`: see `Series`; `parcels`: what takes the lines, rather than files at `path`."""
        self.path = path
        self._store = store
        self._head = _this_process(notebook) if head is None else head
        self._series: Series | Parcels
        if parcels is None:
            self._series = Series(
                path, self._opened, self._running, max_bytes=max_bytes, first_bytes=first_bytes, waits=waits
            )
        else:
            self._series = parcels
            parcels.opened = self._opened
        self._known: set[int] = set()
        """Numbers of the executions of which is known that they have begun."""
        self._cells: dict[int, int] = {}
        """Those that run, by the id of their span."""
        self._open: dict[int, Row] = {}
        """Spans that run, as they have started, by their id."""
        self._unfiled: set[int] = set()
        """Those of which is not written yet as which file their code was compiled."""

    # ── on and off ───────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Write from here on, and what runs. Raises OSError where the file cannot be made, FileExistsError if it is there."""
        self._series.begin()
        store = self._store
        store.subscribe(self)
        store.statements.subscribe(self._statements_over)
        store.samples.subscribe(self._sampled)
        store.taken_out = (*store.taken_out, self._begin_anew)
        _ALL.add(self)
        try:
            self._write_before()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close the journal: it says that it was."""
        store = self._store
        store.gather_all()
        _ALL.discard(self)
        store.unsubscribe(self)
        store.statements.unsubscribe(self._statements_over)
        store.samples.unsubscribe(self._sampled)
        store.taken_out = tuple(each for each in store.taken_out if each != self._begin_anew)
        self._series.close(lambda lines: lines.say("z", self._series.lost))

    @property
    def on(self) -> bool:
        """Whether it is written to."""
        return self._series.lines is not None

    @property
    def nbytes(self) -> int:
        """How much has been written, and is kept."""
        return self._series.nbytes

    @property
    def trouble(self) -> str:
        """Why it is not whole; "" if it is."""
        if (error := self._series.trouble) is not None:
            return error.strerror or str(error)
        if self._series.lost:
            return f"the disk was too slow: {self._series.lost:,} lines are missing"
        return ""

    def rules_changed(self) -> None:
        """Redact by the store's rules of now."""
        if (lines := self._series.lines) is not None:
            lines.redact(self._redactor())

    # ── spans: on the user's path ────────────────────────────────────────────────────────────────────────────────────

    def started(self, row: Row) -> None:
        """Write that a span has started."""
        lines = self._series.lines
        if lines is None:
            return
        cell = row[_CELL]
        if cell and cell not in self._known:
            self._cell_begun(cell, row)
        if lines.hushed is not None:
            hushed = _without_texts(row)
            self._series.say(lambda lines: (lines.hushed or lines).started(hushed))
            return
        try:
            lines.started(row)
        except ValueError:
            self._series.say(lambda lines: lines.started(row))
        self._open[row[_SPAN_ID]] = row  # last: an end may only refer to what stands there
        if len(self._open) > MAX_OPEN:  # who never ends its spans
            self._open.pop(next(iter(self._open)), None)

    def ended(self, row: Row) -> None:
        """Write that a span has ended."""
        lines = self._series.lines
        if lines is None:
            return
        if lines.hushed is not None:
            # The user's callable may be slow, and has the last word: until then nothing is written but ids and times.
            self._series.say_later(lambda lines: lines.ended(row))
            hushed = _without_texts(row)
            self._series.say(lambda lines: (lines.hushed or lines).ended(hushed, as_="i"))
        else:
            started = self._open.get(row[_SPAN_ID])
            # What may have changed since its start are the same objects, if it has not.
            if (
                started is not None
                and row[_STATUS] == 0
                and row[_EXTRA] is None
                and row[_NAME] is started[_NAME]
                and row[_KEYS] is started[_KEYS]
                and all(map(is_, row[WIDTH:], started[WIDTH:]))
            ):
                span_id, end_ns = row[_SPAN_ID], row[_END]
                try:
                    lines.ended_as_started(span_id, end_ns)
                except ValueError:
                    self._series.say(lambda lines: lines.ended_as_started(span_id, end_ns))
            else:
                try:
                    lines.ended(row)
                except ValueError:
                    self._series.say(lambda lines: lines.ended(row))
            self._open.pop(row[_SPAN_ID], None)
        if row[_SPAN_ID] in self._cells:
            self._cell_over(row[_SPAN_ID])

    def task_started(self, row: Row) -> None:
        """Write that a task has started, of which only the name of a function is the user's: redacted by the rules alone, as
        it has to be known at once."""
        if self._asks():
            self._series.say(lambda lines: lines.ruled.started(row))
        else:
            self.started(row)

    def task_ended(self, row: Row) -> None:
        """Write that it has ended."""
        if self._asks():
            self._series.say(lambda lines: lines.ruled.ended(row))
        else:
            self.ended(row)

    def _asks(self) -> bool:
        return (lines := self._series.lines) is not None and lines.hushed is not None

    # ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _cell_begun(self, number: int, row: Row) -> None:
        self._known.add(number)
        execution = self._store.cells.execution(number)
        if execution is None:
            return
        trace_id, span_id = (execution.trace_id, execution.span_id) if execution.span_id else row[:2]
        self._cells[span_id] = number
        self._unfiled.add(number)
        self._say_execution(execution, trace_id, span_id)

    def _cell_over(self, span_id: int) -> None:
        number = self._cells.pop(span_id)
        self._unfiled.discard(number)
        execution = self._store.cells.execution(number)
        if execution is not None:
            self._say_execution(execution, execution.trace_id, execution.span_id)
        if self._open:
            self._tell_missed()
        self._series.look()

    def _tell_missed(self) -> None:
        """Write what has ended without being told of: an interrupt came between the recording and this. Twice does no harm."""
        runs = {row[_SPAN_ID] for row in self._store.running_rows()}
        for row in self._store.ended_rows({span_id for span_id in self._open.copy() if span_id not in runs}):
            self.ended(row)

    def _say_execution(self, execution: Execution, trace_id: int, span_id: int) -> None:
        lines, shown = self._series.lines, self._store.shown
        ids = {"trace_id": trace_id, "span_id": span_id}
        # In a long source it takes long to find secrets, and to compare the lines that were compiled with those typed.
        later = (lines is not None and lines.hushed is not None) or len(execution.source) > _LONG_SOURCE
        known = execution if later else shown(execution)
        hushed = {"source": "", "file": ""} if later else {}
        self._series.say(lambda lines: lines.execution(known, **ids, **hushed))
        if later:
            self._series.say_later(lambda lines: lines.execution(shown(execution), **ids))

    def statement_begun(self, number: int, start_ns: int, code: CodeType) -> None:
        """Write that a statement of a cell has begun. `start_ns`: since the epoch."""
        if (lines := self._series.lines) is not None:
            # No frame more than must be: a profile that the person has switched on sees them.
            at = 0
            for _, _, line in code.co_lines():
                if line:
                    at = line
                    break
            try:
                lines.statement(number, start_ns, at)
            except ValueError:
                self._series.say(lambda lines: lines.statement(number, start_ns, at))

    def _statements_over(self, row: Row) -> None:
        execution, begun, end_ns, failed = row  # the fields of `StatementFields`, whose module opens pyarrow
        short = sum(len(code.co_code) for _, code in begun) < _LONG_CODE
        found = [(start_ns, *(lines_of(code) if short else (0, 0))) for start_ns, code in begun]
        self._series.say(lambda lines: lines.say("d", execution.number, end_ns, failed, found))

    def _sampled(self, row: Row) -> None:
        """Called in the sampling thread."""
        lines = self._series.lines
        if lines is None:
            return
        number = row[1]
        if number in self._unfiled:
            execution = self._store.cells.execution(number)
            if execution is not None and execution.file:
                # What a kernel that dies in this cell leaves: to which lines of it its samples belong.
                self._unfiled.discard(number)
                self._say_execution(execution, execution.trace_id, execution.span_id)
        if lines.hushed is not None:
            self._series.say_later(lambda lines: lines.sample(row))
            return
        try:
            lines.sample(row)
        except ValueError:
            self._series.say(lambda lines: lines.sample(row))

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _opened(self, part: Part | Parcel, number: int) -> Lines:
        lines = Lines(part.write, self._redactor())
        lines.say(HEAD, VERSION, {**self._head, "part": number})
        return lines

    def _redactor(self) -> Redactor:
        return self._store.redactor.uncounted()  # hits are counted when rows are sealed

    def _running(self, lines: Lines) -> None:
        """Say what runs: spans, and the cells that they belong to."""
        self._known.clear()
        for row in self._store.running_rows():
            self.started(row)

    def _begin_anew(self) -> None:
        """Something was taken out of the recording: what stays is written anew. Where that cannot be done, the journal goes, as
        what somebody wants to be forgotten stands in it."""
        if isinstance(self._series, Parcels):  # what has been sent is gone
            return
        try:
            self._series.begin_anew(self._write_before)
        except BaseException as error:
            why = error.strerror or str(error) if isinstance(error, OSError) else type(error).__name__
            self._series.give_up(
                OSError(errno.EIO, f"it was to be begun anew without what was taken out, and deleted: {why}")
            )
            for each in (*parts(self.path), before(self.path)):
                with suppress(OSError):
                    each.unlink()
            if not isinstance(error, OSError):
                raise

    def _write_before(self) -> None:
        """Write what is in the recording already, and say what runs."""
        self._series.say(self._running)
        if isinstance(self._series, Parcels):  # of a store that keeps nothing
            return
        if (
            not len(self._store) and not self._store.cells.executions()
        ):  # as at the beginning of a session: nothing is opened
            before(self.path).unlink(missing_ok=True)
            return
        from nbtrace.formats.files import write_whole
        from nbtrace.formats.parquet.whole import write_parquet

        snapshot = self._store.snapshot()
        write_whole(before(self.path), lambda file: write_parquet(snapshot, file), mode=0o600)


def _this_process(notebook: str | None) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "process_started": started_at(os.getpid()),
        "host": socket.gethostname(),
        "started": time.time_ns(),
        "notebook": notebook,
        "version": sys.modules["nbtrace"].__version__,
    }


def _without_texts(row: Row) -> Row:
    """A row that holds ids, times, and of its name a hash."""
    name = hashlib.sha256(str(row[_NAME]).encode("utf-8", "backslashreplace")).hexdigest()[:16]
    thread = row[_THREAD]._replace(thread_name=None)
    return (*row[:_NAME], f"#{name}", *row[_NAME + 1 : _ORIGIN], Origin(), thread, None, ())


_ALL: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """The file is the parent's."""
    for journal in list(_ALL):
        journal._series.abandon()
    _ALL.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
