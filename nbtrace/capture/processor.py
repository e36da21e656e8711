"""The one SpanProcessor: a span that ends becomes a row, and the row goes to every recording that listens.

Enters: the SDK's spans, of whatever provider is tapped. Leaves: rows. This is the user's path, so it builds a flat tuple
and little else; cleaning, typing and sealing happen when the rows are sealed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from opentelemetry import context as context_api
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import SpanKind, StatusCode

from nbtrace.capture import exceptions
from nbtrace.capture.clock import TOLERANCE_NS, Clock
from nbtrace.capture.faults import fault
from nbtrace.store import semconv
from nbtrace.store.origins import ORIGINS, Origin
from nbtrace.store.schema import Extra, Row, RowFields
from nbtrace.store.values import clean_attributes, clean_text

CELL: ContextVar[int] = ContextVar("nbtrace_cell", default=0)
"""The number of the execution that runs here, 0 outside a cell. Threads of a cell get it with their context."""

CELL_KEY = context_api.create_key("nbtrace-cell")
"""The same number in OpenTelemetry's context, for threads that somebody else's instrumentation carries over."""

_UNSET = StatusCode.UNSET
_INTERNAL = SpanKind.INTERNAL
_MAX_RUNNING = 100_000
_MAX_PASSING = 64
_MAX_SHAPES = 10_000

_PARENT, _START, _END, _STATUS, _EXTRA, _KEYS = map(
    RowFields._fields.index, ("parent_span_id", "start_ns", "end_ns", "status", "extra", "keys")
)

_Started = tuple[SdkSpan, int, int, int]
"""A running span, its cell, the monotonic time of its start, and the id of the exception being handled then."""


class Sink(Protocol):
    """Where rows go."""

    def append(self, row: Row) -> None:
        """Take a row, from any thread."""
        ...


class SpanRecorder:
    """Turns spans into rows for all listeners; knows which spans run."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._monotonic = self._clock.monotonic
        self._running: dict[int, _Started] = {}
        self._sinks: tuple[Sink, ...] = ()
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.deliver: Callable[[Row], None] = _nobody
        """Hands a row to whoever listens."""
        self._origins: dict[int, tuple[Any, int]] = {}
        self.last_origin: tuple[Any, int] = (self, 0)
        """The scope of the last span whose origin was asked for, and the index of that origin."""
        # By the id of a span that still runs: the stack traces that ended spans below it.
        self._passing: dict[int, dict[str, None]] = {}
        self.cell_spans: set[int] = set()
        """Ids of the running spans that stand for a cell or its %%span: without nbtrace there would be no parent."""

    def listen(self, sink: Sink) -> None:
        """Hand every row to `sink` from here on."""
        self._feed((*self._sinks, sink))

    def unlisten(self, sink: Sink) -> None:
        """Stop handing rows to `sink`."""
        self._feed(tuple(known for known in self._sinks if known is not sink))

    def silence(self) -> None:
        """Hand rows to nobody."""
        self._feed(())

    def _feed(self, sinks: tuple[Sink, ...]) -> None:
        self._sinks = sinks
        if not sinks:
            self.deliver = _nobody
            self.forget()
        elif len(sinks) == 1:
            self.deliver = sinks[0].append
        else:

            def to_all(row: Row) -> None:
                for sink in sinks:
                    sink.append(row)

            self.deliver = to_all

    def forget(self) -> None:
        """Let go of the running spans."""
        self._running.clear()
        self._passing.clear()
        self.cell_spans.clear()

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

    def runs(self, span_id: int) -> bool:
        """Whether a span has been seen to start and not to end."""
        return span_id in self._running

    def now(self) -> int:
        """Return the monotonic time, for `running_rows`."""
        return self._monotonic()

    # ── off the common path ──────────────────────────────────────────────────────────────────────────────────────────

    def public_end(self, span: ReadableSpan, started: _Started | None) -> None:
        """Record a span by its public properties alone."""
        try:
            started = started or self._running.pop(span.context.span_id, None)
            row = self.careful_row(span, started, self._monotonic())
            self.deliver(row)
        except Exception:
            fault("recording a span by its public properties")

    def careful_row(self, span: ReadableSpan, started: _Started | None, ended: int) -> Row:
        """A row for the span that has more to it than name, times and attributes."""
        span_id = span.context.span_id
        row = list(self._row(span, CELL.get() if started is None else started[1]))
        extra: Extra = row[_EXTRA] or Extra()
        if started is not None and type(row[_START]) is int and type(row[_END]) is int:
            row[_END] = self._clock.end_ns(row[_START], row[_END], started[2], ended)
        cut = sys.exception()
        if (
            row[_STATUS] == 0
            and started is not None
            and exceptions.is_failure(cut)
            and not isinstance(cut, Exception)
            and id(cut) != started[3]
        ):
            # An interrupt went through a `with span:` of the SDK, which leaves it UNSET and without a word.
            assert cut is not None
            found = exceptions.attributes(cut)
            event = (row[_END], semconv.EXCEPTION_EVENT, tuple(found), tuple(found.values()))
            extra = extra._replace(status_message=exceptions.message(cut), events=(*extra.events, event))
            row[_STATUS] = StatusCode.ERROR.value
            row[_KEYS] = (*row[_KEYS], semconv.ERROR_TYPE)
            row.append(exceptions.type_name(cut))
        extra, stacks = _without_repeats(extra, self._passing.pop(span_id, None))
        if stacks and row[_PARENT] in self._running:  # a parent elsewhere, or ended, will not see it here
            self._pass_up(row[_PARENT], stacks)
        row[_EXTRA] = None if extra == Extra() else extra
        return tuple(row)

    def _pass_up(self, parent_span_id: int, stacks: list[str]) -> None:
        """Keep stack traces for the parent, which may see the same exceptions."""
        above = self._passing.setdefault(parent_span_id, {})
        for stack in stacks:
            above[stack] = None
        while len(above) > _MAX_PASSING:
            del above[next(iter(above))]

    def _row(self, span: Any, cell: int, *, running: bool = False) -> Row:
        """The row of any span, by public properties alone."""
        context, parent, status = span.context, span.parent, span.status
        attributes = dict(span.attributes or {})
        if type(span.kind) is not SpanKind:
            attributes["kind"] = span.kind
        extra = Extra(
            status_message=status.description or None,
            events=tuple((event.timestamp, event.name, *_pairs(event.attributes)) for event in list(span.events)),
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
            self.origin_of(span),
            None if extra == Extra() else extra,
            self.shape(tuple(attributes)),
            *attributes.values(),
        )

    def shape(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return the one tuple that stands for these keys."""
        if len(self._shapes) > _MAX_SHAPES:
            self._shapes.clear()
        return self._shapes.setdefault(keys, keys)

    def origin_of(self, span: ReadableSpan) -> int:
        """Return the index of the span's origin. Known by the scope object, of which a tracer has one."""
        scope: Any = span.instrumentation_scope
        known = self._origins.get(id(scope))
        if known is None:
            resource = span.resource
            attributes = clean_attributes(resource.attributes)[0] if resource is not None else {}
            service = attributes.get(semconv.SERVICE_NAME)
            index = ORIGINS.index(
                Origin(
                    None if service is None else clean_text(service),
                    None if scope is None else clean_text(scope.name),
                    None if scope is None else scope.version,
                    attributes,
                )
            )
            if len(self._origins) > _MAX_SHAPES:  # tracers made in a loop
                self._origins.clear()
            # The scope is kept with its number, so that its address is not given to another.
            known = self._origins[id(scope)] = (scope, index)
        # One tuple, replaced as a whole: spans of other tracers end in other threads meanwhile.
        self.last_origin = known
        return known[1]


def _nobody(row: Row) -> None: ...


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


def ears(recorder: SpanRecorder, *, shielded: bool = False) -> tuple[Callable[..., None], Callable[[Any], None]]:
    """Return on_start and on_end for a recorder. `shielded`: the provider's ids no longer come from the global `random`.

    This is the user's path. Everything is a local of the closure, private fields are read instead of properties, and a
    span with nothing special about it takes no call but the clock's; docs/decisions/0006 tells what each of it saves."""
    running = recorder._running
    monotonic = recorder._monotonic
    passing = recorder._passing
    cell_spans = recorder.cell_spans
    shapes = recorder._shapes
    handled_now = sys.exception
    cell_here = CELL.get

    def on_start(span: Any, parent_context: Any = None) -> None:
        try:
            if shielded and (parent := span._parent) is not None and parent[1] in cell_spans:
                # Below a cell a span needs no trace id; without nbtrace it would have drawn one, so draw it.
                random.getrandbits(128)
            handled = handled_now()
            running[span._context[1]] = (
                span,
                cell_here() or (_carried_cell(parent_context) if cell_spans else 0),
                monotonic(),
                0 if handled is None else id(handled),
            )
            if len(running) > _MAX_RUNNING:
                running.pop(next(iter(running)), None)
        except Exception:
            fault("noting a span that starts")

    last_shape: tuple[str, ...] = ()

    def on_end(span: Any) -> None:
        nonlocal last_shape
        started = None
        try:
            ended = monotonic()
            context = span._context
            started = running.pop(context[1], None)
            start_ns = span._start_time
            end_ns = span._end_time
            bounded = span._attributes
            if (
                started is None
                or span._status._status_code is not _UNSET
                or span._events._dq
                or span._links._dq
                or bounded.dropped
                or passing
                or handled_now() is not None
                or not -TOLERANCE_NS < end_ns - start_ns - ended + started[2] < TOLERANCE_NS
            ):
                recorder.deliver(recorder.careful_row(span, started, ended))
                return
            scope, origin = recorder.last_origin
            if span._instrumentation_scope is not scope:
                origin = recorder.origin_of(span)
            parent = span._parent
            attributes = bounded._dict
            shape = tuple(attributes)
            if shape == last_shape:  # equal strings are the same objects here, which makes this cheaper than a look-up
                shape = last_shape
            else:
                shape = last_shape = shapes.get(shape) or recorder.shape(shape)
            recorder.deliver(
                (
                    context[0],
                    context[1],
                    0 if parent is None else parent[1],
                    span._name,
                    0 if span._kind is _INTERNAL else span._kind.value,
                    start_ns,
                    end_ns,
                    0,
                    started[1],
                    origin,
                    None,
                    shape,
                    *attributes.values(),
                )
            )
        except Exception:  # an SDK with other private names, a kind that is none, a time that is no number
            recorder.public_end(span, started)

    return on_start, on_end


class Tap(SpanProcessor):
    """What a provider is given, once and for ever, as the SDK cannot take a processor out: a recorder's ears, or none.

    The methods are put on the instance, so that a span costs no call more than it must."""

    def __init__(self) -> None:
        self.close()

    def open(self, recorder: SpanRecorder, *, shielded: bool = False) -> None:
        """Hear with `recorder`. `shielded`: the provider's ids no longer come from the global `random`."""
        self._on_ending = id  # type: ignore[assignment, method-assign] # the SDK calls it for each span: a builtin is cheapest
        self.on_start, self.on_end = ears(recorder, shielded=shielded)  # type: ignore[assignment, method-assign]

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
