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

_TRACE_ID, _SAMPLE_TRACE_ID = 0, 2
"""Where the id of its trace stands in the row of a span, and of a sample: `SampleFields`, which would open pyarrow."""


def _never(rows: list[Row]) -> Any:
    raise AssertionError("nothing is kept here")


def _nothing() -> None: ...


class _Told(Rows[Any]):
    """Rows that are told of."""

    def __init__(self, trace_at: int, wanted: Callable[[int], bool] | None) -> None:
        """`trace_at`: where in a row the id of its trace stands."""
        super().__init__(_never, _never, max_rows=_ONE, max_bytes=_ONE)
        self._trace_at, self._wanted = trace_at, wanted
        self._last: deque[tuple[int, int]] = deque(maxlen=_LAST)

    def append(self, row: Row, weight: int = ROW_BYTES) -> None:
        """Tell of a row."""
        self._last.append(row[:2])
        if self._subscribers and (self._wanted is None or self._wanted(row[self._trace_at])):
            tell(self._subscribers, row)

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
        begun: Callable[[], None] = _nothing,
        wanted: Callable[[int], bool] | None = None,
    ) -> None:
        """`begun` is called before anything is told of; `wanted` says by the id of its trace whether a row is of interest."""
        super().__init__(sampling=sampling)
        self.redactor = redactor
        spans = _Told(_TRACE_ID, wanted)
        self._rows, self.samples, self.statements = spans, _Told(_SAMPLE_TRACE_ID, wanted), _Told(_TRACE_ID, None)
        self.append, self.holds, self.settle = spans.append, spans.holds, _nothing
        self._begun, self._wanted = begun, wanted
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
        if self._wanted is not None and not self._wanted(row[_TRACE_ID]):
            return
        self._begun()
        tell(self._told, row)
