"""How tasks ended, as those learn it who have sent them: in the worker nothing of ours runs after a task.

Enters: futures, as tasks are sent and done. Leaves: rows of tasks, with the exception that the sender got."""

from __future__ import annotations

import random
import time
import weakref
from collections import deque
from typing import Any

from nbtrace.capture import exceptions
from nbtrace.capture.processes.called import Called
from nbtrace.faults import fault
from nbtrace.store import semconv
from nbtrace.store.schema import STATUS_CODES, WIDTH, Extra, Row, RowFields

_MOST = 100_000
"""So many outcomes are kept until the rows of their tasks come home."""

_PATIENCE_S = 1.0
"""So long the row of a task that has ended is kept back until its result has arrived."""

_SPAN_ID, _START, _END, _STATUS, _THREAD, _EXTRA, _KEYS = map(
    RowFields._fields.index, ("span_id", "start_ns", "end_ns", "status", "thread", "extra", "keys")
)
_ERROR = STATUS_CODES.index("ERROR")

_bits = random.Random().getrandbits

_pending: dict[int, None] = {}
"""Numbers of tasks that are not done."""

_failed: dict[int, tuple[str, str, dict[str, Any]]] = {}
"""By number: the kind of the exception of a task, its message, and the attributes of its event."""


class Callbacks(list[Any]):
    """What is called when a task is done, and, once it is gone through for that, what became of it."""

    __slots__ = ("_future", "number")

    def __init__(self, future: Any, *, known: bool) -> None:
        """`known`: whether it is this process to which the row of the task comes home."""
        self.number = 0
        """The task's: the id of its row; 0 for one that its worker gives it."""
        if not known:
            return
        self.number = _bits(64) | 1
        self._future = weakref.ref(future)
        if len(_pending) >= _MOST:  # whose pools never tell
            _pending.clear()
        _pending[self.number] = None

    def append(self, function: Any) -> None:
        """Note one more."""
        super().append(Called(function))

    def __iter__(self) -> Any:
        if self.number in _pending:
            try:
                self._done()
            except Exception:
                fault("noting what became of a task")
        return super().__iter__()

    def _done(self) -> None:
        error = getattr(self._future(), "_exception", None)
        if error is not None:
            known = exceptions.attributes(error, escaped=True)
            remote = getattr(error.__cause__, "tb", None)  # what concurrent.futures and loky bring of the worker
            if isinstance(remote, str):
                known[semconv.EXCEPTION_STACKTRACE] = remote.strip('\n"')
            if len(_failed) >= _MOST:
                _failed.clear()
            _failed[self.number] = exceptions.type_name(error), exceptions.message(error), known
        _pending.pop(self.number, None)  # last: whoever sees it gone finds what became of it


class Outcomes:
    """Puts together the rows of tasks and what became of them."""

    def __init__(self) -> None:
        self._late: dict[int, tuple[Row, float]] = {}
        """Rows of tasks that have ended, and whose results are on their way; since when."""
        self._told: dict[int | None, deque[tuple[int, str, str]]] = {}
        """By process: the exceptions that spans in it have recorded last."""

    def note(self, row: Row) -> None:
        """Note what a span of another process has recorded: a task that fails by it need not tell it again."""
        extra: Extra | None = row[_EXTRA]
        if extra is None or row[_STATUS] != _ERROR:
            return
        told = self._told.setdefault(row[_THREAD].process_pid, deque(maxlen=16))
        for _, name, keys, values in extra.events:
            if name == semconv.EXCEPTION_EVENT:
                said = dict(zip(keys, values, strict=False))
                kind, message = said.get(semconv.EXCEPTION_TYPE), said.get(semconv.EXCEPTION_MESSAGE)
                told.append((row[_START], str(kind), str(message)))

    def finished(self, row: Row) -> Row | None:
        """Return the row of a task that has ended with its outcome; None where that is not known yet."""
        number = row[_SPAN_ID]
        if number in _pending:
            since = self._late.setdefault(number, (row, time.monotonic()))[1]
            if time.monotonic() - since < _PATIENCE_S:
                return None
        self._late.pop(number, None)
        found = _failed.pop(number, None)
        if found is None:
            return row
        kind, message, known = found
        told = self._told.get(row[_THREAD].process_pid, ())
        again = any(start >= row[_START] and (kind, message) == tuple(said) for start, *said in told)
        event = (max(row[_START], row[_END]), semconv.EXCEPTION_EVENT, tuple(known), tuple(known.values()))
        extra = Extra(status_message=message, events=() if again else (event,), propagated=again)
        keys = (*row[_KEYS], semconv.ERROR_TYPE)
        return (*row[:_STATUS], _ERROR, *row[_STATUS + 1 : _EXTRA], extra, keys, *row[WIDTH:], kind)

    def waiting(self) -> list[Row]:
        """Return the rows that are kept back."""
        return [row for row, _ in list(self._late.values())]

    def give_up(self) -> list[Row]:
        """Return them, and keep none back any more."""
        rows = self.waiting()
        self._late.clear()
        return rows
