"""A store that keeps nothing: what comes is told of, and gone.

Enters: what a recording is given. Leaves: the same, to subscribers. A worker's memory is the user's; what it records is kept by
the kernel it works for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.rows import ROW_BYTES, Rows, tell
from nbtrace.store.schema import Row
from nbtrace.store.span_store import SpanStore, Subscriber

_LAST = 64
_ONE = 2**62


class _Told(Rows[Any]):
    """Rows that are told of."""

    def __init__(self) -> None:
        super().__init__(_never, _never, max_rows=_ONE, max_bytes=_ONE)
        self.placed: Callable[[Row], Row] = _as_it_is
        self._last: deque[tuple[int, int]] = deque(maxlen=_LAST)

    def append(self, row: Row, weight: int = ROW_BYTES) -> None:
        """Tell of a row."""
        self._last.append(row[:2])
        if self._subscribers:
            tell(self._subscribers, self.placed(row))

    def holds(self, row: Row) -> bool:
        """Whether a row with the ids of this one is among the last that came."""
        return row[:2] in self._last.copy()


class PassingStore(SpanStore):
    """Spans, samples and statements pass through it."""

    def __init__(
        self,
        *,
        redactor: Redactor,
        sampling: int,
        begun: Callable[[], None],
        starting: Callable[[Row], Row],
        ending: Callable[[Row], Row],
    ) -> None:
        """`begun` is called before anything is told of; `starting` and `ending` give the rows of spans that start and end as they
        are to be told of."""
        super().__init__(sampling=sampling)
        self.redactor = redactor
        spans = _Told()
        spans.placed = ending
        self._rows, self.samples, self.statements = spans, _Told(), _Told()
        self.append, self.holds, self.settle = spans.append, spans.holds, _nothing
        self._begun, self._starting = begun, starting
        self._told: tuple[Callable[[Row], None], ...] = ()
        self.starts = (self._started,)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Tell of each span that starts or ends from here on."""
        self._told = (*self._told, subscriber.started)
        self._rows.subscribe(subscriber.ended)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Tell it no more."""
        self._told = tuple(told for told in self._told if told != subscriber.started)
        self._rows.unsubscribe(subscriber.ended)

    def _started(self, row: Row) -> None:
        self._begun()
        tell(self._told, self._starting(row))


def _as_it_is(row: Row) -> Row:
    return row


def _never(rows: list[Row]) -> Any:
    raise AssertionError("nothing is kept here")


def _nothing() -> None: ...
