"""What a process that works for a kernel writes: a journal of its own in the kernel's directory, and when its task ended.

Enters: rows of spans and samples, by a store that keeps nothing; tasks, as they begin. Leaves: lines, redacted before they are
written. Spans made in a task hang on whoever sent it; in the recording the task stands between the two."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from nbtrace.faults import fault
from nbtrace.formats.journal.files import SUFFIX
from nbtrace.formats.journal.journal import Journal
from nbtrace.formats.spool import end_slot, home
from nbtrace.formats.spool.end_slot import EndSlot
from nbtrace.formats.spool.passing_store import PassingStore
from nbtrace.formats.spool.settings import Settings, read_settings, version_of
from nbtrace.store import semconv
from nbtrace.store.schema import RUNNING, UNFINISHED, Origin, Row, RowFields, Thread

SLOT, FAILED = ".slot", ".failed"
"""What the files beside a journal end with: when its last task ended; that it could not be written, and why."""

MAX_BYTES = 100_000_000
"""What a process may leave unread; beyond it the oldest goes."""

_FIRST_BYTES = 64_000

_LOOK_S = 0.05
"""How often it is looked whether the kernel wants something else by now."""

_TRACE_ID, _SPAN_ID, _PARENT, _START, _END = map(
    RowFields._fields.index, ("trace_id", "span_id", "parent_span_id", "start_ns", "end_ns")
)

_ORIGIN = Origin(None, semconv.TASK_SCOPE)
_KEYS = ((semconv.TASK_WAITED,), (semconv.TASK_WAITED, semconv.TASK_WORKER_START))


class Task(NamedTuple):
    """A task that begins."""

    trace_id: int
    span_id: int
    sender: int
    """Id of the span that has sent it, 0 for none."""
    outer: int
    """Of the task in which that was done, if none of its own spans was current: 0 for none."""
    name: str
    cell: int
    thread: Thread
    submitted_ns: int


class Spool:
    """Of one process, for one kernel."""

    def __init__(self, directory: str, launched_ns: int, settings: Settings | None = None) -> None:
        """`launched_ns`: when this process was started, 0 if that is not known; `settings`: those that it was born with."""
        self.directory = directory
        self._launched_ns = launched_ns
        self._version = version_of(directory)
        settings = settings or read_settings(directory)
        self.store = PassingStore(
            redactor=settings.redactor,
            sampling=settings.sampling,
            begun=self.begin,
        )
        self._path = os.path.join(directory, f"{os.getpid()}-{time.time_ns()}")
        head = {
            "pid": os.getpid(),
            "started": time.time_ns(),
            "launched": launched_ns,
            "version": sys.modules["nbtrace"].__version__,
        }
        self._journal = Journal(
            self.store, Path(self._path + SUFFIX), head=head, max_bytes=MAX_BYTES, first_bytes=_FIRST_BYTES, waits=True
        )
        self._begun = self._failed = False
        self._looked_s = 0.0
        self._slot: EndSlot | None = None
        self._task: Row | None = None

    def begin(self) -> None:
        """Make the files; a second call does nothing. Where they cannot be made, that is left behind, and nothing is written."""
        if self._begun:
            return
        self._begun = True
        try:
            home.Home(self.directory, owner=False).make()
            if end_slot.POSSIBLE:
                self._slot = EndSlot(self._path + SLOT)
            self._journal.start()
        except OSError as error:
            self._fail(error)

    @property
    def works(self) -> bool:
        """Whether what comes is written."""
        return self._begun and self._journal.on

    def look(self) -> None:
        """See whether the kernel's wishes have changed, and whether the disk still takes what is written."""
        now = time.monotonic()
        if now - self._looked_s < _LOOK_S:
            return
        self._looked_s = now
        version = version_of(self.directory)
        if version and version != self._version:
            self._version = version
            settings = read_settings(self.directory)
            self.store.sampling = settings.sampling
            if self.store.redactor.choice.call is None or settings.redactor.choice.call is None:
                self.store.redactor = settings.redactor
                self._journal.rules_changed()
        if self._begun and not self._journal.on and not self._failed:
            self._fail(OSError(self._journal.trouble))

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def task(self, task: Task) -> None:
        """Write that a task begins, and when the one before it ended."""
        self.begin()
        self.task_over()
        now = time.time_ns()
        waited = max(0, now - task.submitted_ns)
        values: tuple[float, ...] = (waited / 1e9,)
        if self._launched_ns:
            values = (*values, max(0, min(waited, now - self._launched_ns)) / 1e9)
            self._launched_ns = 0
        self._task = (
            *(task.trace_id, task.span_id, task.outer or task.sender, task.name, 0, now, RUNNING, 0),
            *(task.cell, _ORIGIN, task.thread, None, _KEYS[len(values) - 1], *values),
        )
        if self.works:
            self._journal.task_started(self._task)

    def watched(self, function: Any) -> Any:
        """Return what to call in the place of the function of the task that begins: when it is let go of, that has ended."""
        if self._slot is None or self._task is None:
            return function
        stand_in = partial(function)
        self._slot.begin(self._task[_SPAN_ID], stand_in)
        return stand_in

    def task_over(self) -> None:
        """Write when the last task ended: where that is not known, by now."""
        task = self._task
        if task is None:
            return
        end = time.time_ns() if self._slot is None else self._slot.ended()
        # Of a clock that was set back in between nothing can be told.
        end = UNFINISHED if end is None else max(end, task[_START])
        if self.works:
            self._journal.task_ended((*task[:_END], end, *task[_END + 1 :]))
        # Last: where a signal handler raises before, it is written with the next task, and twice does no harm.
        self._task = None

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Write no more."""
        self.task_over()
        self._journal.stop()

    def abandon(self) -> None:
        """In a forked child: leave all of it to the parent."""
        if self._slot is not None:
            self._slot.abandon()

    def _fail(self, error: OSError) -> None:
        self._failed = True
        try:
            file = os.open(self._path + FAILED, os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            try:
                os.write(file, (error.strerror or str(error)).encode("utf-8", "backslashreplace")[:200])
            finally:
                os.close(file)
        except OSError:
            pass  # that it has no room for this either is known to whoever looks at the disk
        except Exception:
            fault("noting that a process cannot write")
