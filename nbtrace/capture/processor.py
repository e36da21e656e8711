"""The one SpanProcessor: a span that ends becomes a row, and the row goes to every recording that listens.

Enters: the SDK's spans, of whatever provider is tapped. Leaves: rows. This is the user's path, so it builds a flat tuple
and little else; cleaning, typing and sealing happen when the rows are sealed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import SpanKind, StatusCode

from nbtrace.capture import exceptions
from nbtrace.capture.clock import TOLERANCE_NS, Clock
from nbtrace.capture.faults import fault
from nbtrace.store import semconv
from nbtrace.store.origins import ORIGINS, Origin
from nbtrace.store.schema import Extra, Row
from nbtrace.store.values import clean_attributes

CELL: ContextVar[int] = ContextVar("nbtrace_cell", default=0)
"""The number of the execution that runs here, 0 outside a cell. Threads of a cell get it with their context."""

CELL_KEY = context_api.create_key("nbtrace-cell")
"""The same number in OpenTelemetry's context, for threads that somebody else's instrumentation carries over."""

_UNSET = StatusCode.UNSET
_INTERNAL = SpanKind.INTERNAL
_MAX_RUNNING = 100_000
_MAX_PASSING = 64

_Started = tuple[SdkSpan, int, int, int]
"""A running span, its cell, the monotonic time of its start, and the id of the exception being handled then."""


class SpanRecorder:
    """Turns spans into rows for all listeners; knows which spans run."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._monotonic = self._clock.monotonic
        self._running: dict[int, _Started] = {}
        self._listeners: tuple[Callable[[Row], None], ...] = ()
        self._origin = -1
        self._resource: object = None
        self._scope: object = None
        # By the id of a span that still runs: the stack traces that ended spans below it.
        self._passing: dict[int, dict[str, None]] = {}
        self.cell_spans: set[int] = set()
        """Ids of the running spans that stand for a cell or its %%span: without nbtrace there would be no parent."""

    def listen(self, listener: Callable[[Row], None]) -> None:
        """Hand every row to `listener` from here on."""
        self._listeners += (listener,)

    def unlisten(self, listener: Callable[[Row], None]) -> None:
        """Stop handing rows to `listener`; without any, spans are not looked at."""
        self._listeners = tuple(known for known in self._listeners if known != listener)
        if not self._listeners:
            self.forget()

    def silence(self) -> None:
        """Hand rows to nobody."""
        self._listeners = ()
        self.forget()

    def forget(self) -> None:
        """Let go of the running spans."""
        self._running.clear()
        self._passing.clear()
        self.cell_spans.clear()

    @property
    def listening(self) -> bool:
        """Whether anybody wants rows."""
        return bool(self._listeners)

    def running_rows(self, since: int = 0) -> list[Row]:
        """Return the rows of the spans that run and started at monotonic time `since` or later, with what they have so far."""
        rows = []
        for span, cell, started, _ in list(self._running.values()):
            if started >= since:
                try:
                    rows.append(self._row(span, cell, running=True))
                except Exception:
                    fault("reading a running span")
        return rows

    def now(self) -> int:
        """Return the monotonic time, for `running_rows`."""
        return self._monotonic()

    # ── on the user's path ───────────────────────────────────────────────────────────────────────────────────────────

    def on_start(self, span: SdkSpan, parent_context: Any = None) -> None:
        """Note a span as running."""
        try:
            if self._listeners:
                handled = sys.exception()
                self._running[span._context[1]] = (  # type: ignore[index]
                    span,
                    CELL.get() or _carried_cell(parent_context),
                    self._monotonic(),
                    0 if handled is None else id(handled),
                )
                if len(self._running) > _MAX_RUNNING:
                    self._running.pop(next(iter(self._running)), None)
        except Exception:
            fault("noting a span that starts")

    def on_end(self, span: ReadableSpan) -> None:
        """Make the row of a span and hand it on."""
        listeners = self._listeners
        if not listeners:
            return
        started = None
        try:
            ended = self._monotonic()
            context: Any = span._context
            started = self._running.pop(context[1], None)
            start_ns, end_ns = span._start_time, span._end_time
            attributes = span._attributes._dict  # type: ignore[union-attr]
            if (
                started is None
                or span._status._status_code is not _UNSET
                or span._events
                or span._links
                or self._passing
                or sys.exception() is not None
                or span._attributes.dropped  # type: ignore[union-attr]
                or not -TOLERANCE_NS < (end_ns - start_ns) - (ended - started[2]) < TOLERANCE_NS  # type: ignore[operator]
            ):
                row = self._careful_row(span, started, ended)
            else:
                if span._resource is not self._resource or span._instrumentation_scope is not self._scope:
                    self._learn_origin(span)
                parent = span._parent
                row = (
                    context[0],
                    context[1],
                    0 if parent is None else parent[1],  # type: ignore[index]
                    span._name,
                    0 if span._kind is _INTERNAL else span._kind.value,
                    start_ns,
                    end_ns,
                    0,
                    started[1],
                    self._origin,
                    tuple(attributes),
                    tuple(attributes.values()),
                    None,
                )
            for listener in listeners:
                listener(row)
        except Exception:  # an SDK with other private names, a kind that is none, a time that is no number
            self._public_end(span, started)

    # ── off the common path ──────────────────────────────────────────────────────────────────────────────────────────

    def _public_end(self, span: ReadableSpan, started: _Started | None) -> None:
        """Record a span by its public properties alone."""
        try:
            started = started or self._running.pop(span.context.span_id, None)
            row = self._careful_row(span, started, self._monotonic())
            for listener in self._listeners:
                listener(row)
        except Exception:
            fault("recording a span by its public properties")

    def _careful_row(self, span: ReadableSpan, started: _Started | None, ended: int) -> Row:
        """A row for the span that has more to it than name, times and attributes."""
        span_id = span.context.span_id
        cell = CELL.get() if started is None else started[1]
        row = self._row(span, cell)
        fields = list(row)
        if started is not None and type(row[5]) is int and type(row[6]) is int:
            fields[6] = self._clock.end_ns(row[5], row[6], started[2], ended)
        extra: Extra = row[12] or Extra()
        below = self._passing.pop(span_id, None)
        cut = sys.exception()
        if (
            row[7] == 0
            and started is not None
            and exceptions.is_failure(cut)
            and not isinstance(cut, Exception)
            and id(cut) != started[3]
        ):
            # An interrupt went through a `with span:` of the SDK, which leaves it UNSET and without a word.
            assert cut is not None
            fields[7] = StatusCode.ERROR.value
            found = exceptions.attributes(cut)
            extra = extra._replace(
                status_message=exceptions.message(cut),
                events=(*extra.events, (fields[6], semconv.EXCEPTION_EVENT, tuple(found), tuple(found.values()))),
            )
            fields[10] = (*row[10], semconv.ERROR_TYPE)
            fields[11] = (*row[11], exceptions.type_name(cut))
        extra, stacks = _without_repeats(extra, below)
        if stacks and row[2]:
            above = self._passing.setdefault(row[2], {})
            for stack in stacks:
                above[stack] = None
            while len(above) > _MAX_PASSING:
                del above[next(iter(above))]
            while len(self._passing) > _MAX_RUNNING:  # parents that never end
                del self._passing[next(iter(self._passing))]
        fields[12] = None if extra == Extra() else extra
        return tuple(fields)

    def _row(self, span: Any, cell: int, *, running: bool = False) -> Row:
        """The row of any span, by public properties alone."""
        context, parent, status = span.context, span.parent, span.status
        attributes = dict(span.attributes or {})
        if type(span.kind) is not SpanKind:
            attributes["kind"] = span.kind
        self._learn_origin(span)
        extra = Extra(
            status_message=status.description or None,
            events=tuple(
                (event.timestamp, event.name, *_pairs(event.attributes)) for event in list(span.events)
            ),
            links=tuple(
                (link.context.trace_id, link.context.span_id, *_pairs(link.attributes)) for link in list(span.links)
            ),
            dropped_attributes=span.dropped_attributes,
            dropped_events=span.dropped_events,
            dropped_links=span.dropped_links,
        )
        return (
            context.trace_id,
            context.span_id,
            0 if parent is None else parent.span_id,
            span.name,
            span.kind.value if type(span.kind) is SpanKind else 0,
            span.start_time,
            0 if running else span.end_time,
            status.status_code.value,
            cell,
            self._origin,
            tuple(attributes),
            tuple(attributes.values()),
            None if extra == Extra() else extra,
        )

    def _learn_origin(self, span: ReadableSpan) -> None:
        resource, scope = span.resource, span.instrumentation_scope
        if resource is self._resource and scope is self._scope:
            return
        attributes = clean_attributes(resource.attributes)[0] if resource is not None else {}
        service = attributes.get(semconv.SERVICE_NAME)
        self._origin = ORIGINS.index(
            Origin(
                None if service is None else str(service),
                None if scope is None else scope.name,
                None if scope is None else scope.version,
                attributes,
            )
        )
        self._resource, self._scope = resource, scope


def _carried_cell(parent_context: Any) -> int:
    number = context_api.get_value(CELL_KEY, parent_context)
    return number if isinstance(number, int) else 0


def _pairs(attributes: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    found = dict(attributes or {})
    return tuple(found), tuple(found.values())


def _without_repeats(extra: Extra, below: dict[str, None] | None) -> tuple[Extra, list[str]]:
    """Drop the exceptions that a span below has recorded already; return what is left, and the stack traces to look for
    in the spans above.

    The same exception, further out, has the same innermost frames and message: the trace below is the end of the one
    here. The text is compared because the SDK hands on nothing else, and because an exception can neither be weakly
    referenced nor, once freed, told from the next one at its address."""
    stacks = list(below or ())
    events, propagated = [], False
    for event in extra.events:
        stack = _stack_of(event)
        if stack is None:
            events.append(event)
        elif any(_ends_with(stack, known) for known in stacks):
            propagated = True
        else:
            events.append(event)
            stacks.append(stack)
    if propagated:
        extra = extra._replace(events=tuple(events), propagated=True)
    return extra, stacks


def _stack_of(event: tuple[Any, ...]) -> str | None:
    if event[1] != semconv.EXCEPTION_EVENT:
        return None
    stack = dict(zip(event[2], event[3], strict=True)).get(semconv.EXCEPTION_STACKTRACE)
    return stack if isinstance(stack, str) else None


def _ends_with(stack: str, known: str) -> bool:
    body = known.partition("\n")[2] or known  # without "Traceback (most recent call last):"
    if stack.endswith(body):
        return True
    # Python folds deep recursion into a count of lines, and the counts differ from span to span.
    return "[Previous line repeated" in stack and stack[-300:] == known[-300:]


class Tap(SpanProcessor):
    """What a provider is given, once and for ever, as the SDK cannot take a processor out: a recorder's ears, or none.

    The methods are put on the instance, so that a span costs no call more than it must."""

    def __init__(self) -> None:
        self.close()

    def open(self, recorder: SpanRecorder, *, shielded: bool = False) -> None:
        """Hear with `recorder`. `shielded`: the provider's ids no longer come from the global `random`."""
        self.on_start = _drawing(recorder) if shielded else recorder.on_start  # type: ignore[method-assign]
        self.on_end = recorder.on_end  # type: ignore[method-assign]

    def close(self) -> None:
        """Hear nothing."""
        self.on_start = self._deaf_start  # type: ignore[method-assign]
        self.on_end = self._deaf_end  # type: ignore[method-assign]

    def _deaf_start(self, span: SdkSpan, parent_context: Any = None) -> None: ...

    def _deaf_end(self, span: ReadableSpan) -> None: ...

    def shutdown(self) -> None:
        """Go on: a provider that the user has shut down makes spans all the same."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: a row is recorded when its span ends."""
        return True


def _drawing(recorder: SpanRecorder) -> Callable[..., None]:
    """Below a cell a span needs no trace id; without nbtrace it would have drawn one, so draw it."""

    def on_start(span: SdkSpan, parent_context: Any = None) -> None:
        parent: Any = span.parent
        if parent is not None and parent.span_id in recorder.cell_spans:
            random.getrandbits(128)
        recorder.on_start(span, parent_context)

    return on_start
