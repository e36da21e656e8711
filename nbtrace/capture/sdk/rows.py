"""The SDK's spans become rows: those that have more to them than the tap takes at a glance, and those that run.

Enters: spans, and what was noted when they started. Leaves: rows, to the recorder. What is no plain value, or is heavy, is
cleaned and cut here: it must neither be asked by another thread nor wait in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from nbtrace.capture import exceptions
from nbtrace.capture.current_cell import CELL, THIS, carried_cell, identify
from nbtrace.capture.recorder import SpanRecorder, to_all
from nbtrace.capture.running_spans import SpanRef, Started, StrongRef
from nbtrace.capture.sdk.cleaning import CleaningSpan
from nbtrace.capture.sdk.reading import (
    attributes_of,
    copied,
    end_time,
    events_of,
    links_of,
    noted,
    pairs,
    plain,
    whole_time,
)
from nbtrace.capture.task_parent import recorded_id
from nbtrace.faults import came_in_between, fault
from nbtrace.store import semconv
from nbtrace.store.origins import origin
from nbtrace.store.rows import tell
from nbtrace.store.schema import MAX_TEXT, RUNNING, UNFINISHED, WIDTH, Extra, Origin, Row, RowFields
from nbtrace.store.values import clean_attributes, clean_text
from nbtrace.store.weight import weigh

_MAX_SHAPES = 1_000
_LONG_KEYS = 4_000

_PARENT, _START, _END, _STATUS, _EXTRA, _KEYS = map(
    RowFields._fields.index, ("parent_span_id", "start_ns", "end_ns", "status", "extra", "keys")
)


class SpanRows:
    """Makes rows of the SDK's spans for a recorder."""

    def __init__(self, recorder: SpanRecorder) -> None:
        self.recorder = recorder
        self.shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._origins: dict[int, tuple[Any, Origin]] = {}
        self.last_origin: tuple[Any, Origin] = (self, Origin())
        """The scope of the last span whose origin was asked for, and that origin."""
        recorder.makers = (*recorder.makers, self)

    # ── running spans ────────────────────────────────────────────────────────────────────────────────────────────────

    def running_rows(self, since: int = 0) -> list[Row]:
        """Return the rows of the spans that have not ended and started at monotonic time `since` or later, with what they
        have so far: as running, or as unfinished where nothing can end them any more."""
        self.close_freed()
        rows = []
        for span_id, started in self.recorder.running.known():
            span = started.ref()
            if started.monotonic_ns < since or span is None:
                continue
            try:
                # The SDK says that it has ended, and never handed it over: an interrupt came in between.
                lost = span.end_time is not None or span_id in self.recorder.running.unfinished
                rows.append(tuple(self._row(span, started, UNFINISHED if lost else RUNNING)))
            except Exception:
                fault("reading a running span")
        return rows

    def close_freed(self) -> None:
        """Record the spans that nobody holds any more as unfinished, with what they had."""
        for span_id, started in self.recorder.running.freed():
            try:
                self.recorder.cell_spans.discard(span_id)
                self.recorder.propagated.forget(span_id)
                row = self._started_row(span_id, started)
                self.recorder.deliver(row, weigh(row))
            except Exception as error:
                if came_in_between(error):  # to be recorded when somebody looks again
                    self.recorder.running.put_back(span_id, started)
                fault("recording an unfinished span")

    def tell_start(self, span: Any) -> None:
        """Tell whoever wants to know of a span that has started."""
        started = Started._make(self.recorder.running.table[span.context.span_id])
        row = tuple(self._row(span, started, RUNNING))
        tell(self.recorder.starts, row)

    # ── off the common path ──────────────────────────────────────────────────────────────────────────────────────────

    def note(self, span: Any, parent_context: Any, handled: BaseException | None) -> None:
        """Note a span that starts, by its public properties alone."""
        try:
            context, parent = span.context, span.parent
            ref: Any = SpanRef(span, self.recorder.running.gone.append)
            ref.span_id = context.span_id
        except TypeError:
            ref = StrongRef(span, context.span_id)
        self.recorder.running.table[context.span_id] = (
            ref,
            CELL.get() or carried_cell(parent_context),
            self.recorder.now(),
            0 if handled is None else id(handled),
            THIS.thread or identify(),
            self.origin_of(span),
            context.trace_id,
            0 if parent is None else recorded_id(parent),
            span.name,
            span.kind,
            span.start_time,
            span.attributes,
            (),
            (),
        )
        if self.recorder.starts:
            self.tell_start(span)

    def careful_end(
        self,
        span: Any,
        started: Started | None,
        ended: int,
        cut: BaseException | None,
        deliver: Callable[[Row, int], None] | None = None,
    ) -> None:
        """Record the end of a span that has more to it than name, times and plain attributes. `cut`: the exception that was
        being handled when it ended; `deliver`: to whom, if not to all."""
        row = self._row(span, started, None)
        keys, values = row[_KEYS], row[WIDTH:]
        extra: Extra = row[_EXTRA] or Extra()
        if started is not None and type(span.start_time) is int and type(span.end_time) is int:
            row[_END] = self.recorder.clock.end_ns(row[_START], row[_END], started.monotonic_ns, ended)
        if (
            row[_STATUS] == 0
            and started is not None
            and cut is not None
            and exceptions.is_failure(cut)
            and not isinstance(cut, Exception)
            and id(cut) != started.handled
        ):
            # An interrupt went through a `with span:` of the SDK, which leaves it UNSET and without a word.
            found = exceptions.attributes(cut)
            event = (row[_END], semconv.EXCEPTION_EVENT, tuple(found), tuple(found.values()))
            extra = extra._replace(status_message=exceptions.message(cut), events=(*extra.events, self._named(event)))
            row[_STATUS] = StatusCode.ERROR.value
            keys, values = (*keys, semconv.ERROR_TYPE), [*values, exceptions.type_name(cut)]
        # One that was being handled when the span started does not leave it.
        leaving = cut if started is not None and cut is not None and id(cut) != started.handled else None
        extra = self.recorder.propagated.told_once(
            extra, span.context.span_id, row[_PARENT], self.recorder.running.table, leaving
        )
        done = (*row[:_EXTRA], None if extra == Extra() else extra, keys, *values)
        (deliver or self.recorder.deliver)(done, weigh(done))

    def public_end(self, span: Any, known: Any, cut: BaseException | None) -> None:
        """Record a span that could not be recorded the usual way, where it has not been: by its public properties, or by what
        little can be read of it."""
        try:
            span_id = span.context.span_id
            row = (span.context.trace_id, span_id)
            # An interrupt may have come between two of them.
            missing = tuple(sink for sink in self.recorder.sinks if not sink.holds(row))
            if not missing:
                return
            deliver = missing[0].append if len(missing) == 1 else to_all(missing)
            known = known or self.recorder.running.table.pop(span_id, None)
            self.careful_end(span, None if known is None else Started._make(known), self.recorder.now(), cut, deliver)
        except Exception as error:
            if known is not None and (isinstance(error, RecursionError) or came_in_between(error)):
                # No room on the stack, or no time: it stays among the running, and is seen to have ended.
                self.recorder.running.table[known[0].span_id] = tuple(known)
            fault("recording a span by its public properties")

    def _row(self, span: Any, started: Started | None, end_ns: int | None) -> list[Any]:
        """The row of any span, by public properties alone; `end_ns` for one that has not ended."""
        context, parent, status = span.context, span.parent, span.status
        attributes = attributes_of(span)
        if type(span.kind) is not SpanKind:
            attributes["kind"] = span.kind
        message = status.description or None
        extra = Extra(
            status_message=None if message is None else clean_text(message),
            events=tuple(map(self._named, events_of(noted(span, "events")))),
            links=links_of(noted(span, "links")),
            dropped_attributes=_dropped_attributes(span, started),
            dropped_events=span.dropped_events,
            dropped_links=span.dropped_links,
        )
        keys, values = pairs(attributes)
        start_ns = whole_time(span.start_time)
        return [
            context.trace_id,
            context.span_id,
            0 if parent is None else recorded_id(parent),
            clean_text(span.name),
            span.kind.value if type(span.kind) is SpanKind else 0,
            start_ns,
            end_time(whole_time(span.end_time), start_ns) if end_ns is None else end_ns,
            status.status_code.value,
            CELL.get() if started is None else started.cell,
            self.origin_of(span),
            (THIS.thread or identify()) if started is None else started.thread,
            None if extra == Extra() else extra,
            self.shape(keys),
            *values,
        ]

    def _named(self, event: tuple[Any, ...]) -> tuple[Any, ...]:
        """An event whose stack trace, whoever has written it, names cells as the notebook does. Only in the recording: the
        user's exporters get the files, and here a trace is compared with those of the spans below after that."""
        if event[1] != semconv.EXCEPTION_EVENT or semconv.EXCEPTION_STACKTRACE not in event[2]:
            return event
        at = event[2].index(semconv.EXCEPTION_STACKTRACE)
        stack = event[3][at]
        if not isinstance(stack, str):
            return event
        return (
            *event[:3],
            (*event[3][:at], self.recorder.stack_shown(stack), *event[3][at + 1 :]),
        )

    def _started_row(self, span_id: int, started: Started) -> Row:
        """The row of a span that is gone, from what it has left."""
        keys, values = pairs(plain(started.attributes))
        extra = Extra(
            events=tuple(map(self._named, events_of(copied(started.events)))), links=links_of(copied(started.links))
        )
        return (
            started.trace_id,
            span_id,
            started.parent_span_id,
            clean_text(started.name),
            started.kind.value if type(started.kind) is SpanKind else 0,
            whole_time(started.start_ns),
            UNFINISHED,
            0,
            started.cell,
            started.origin,
            started.thread,
            None if extra == Extra() else extra,
            self.shape(keys),
            *values,
        )

    def shape(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return the one tuple that stands for these keys."""
        if not all(type(key) is str and len(key) <= MAX_TEXT for key in keys):
            return tuple(clean_text(key) for key in keys)  # not remembered: the table must not hold what is heavy
        if sum(map(len, keys)) > _LONG_KEYS:
            return keys  # not remembered either
        if len(self.shapes) > _MAX_SHAPES:
            self.shapes.clear()
        return self.shapes.setdefault(keys, keys)

    def origin_of(self, span: ReadableSpan) -> Origin:
        """Return where the span comes from. Known by the scope object, of which a tracer has one."""
        scope: Any = span.instrumentation_scope
        known = self._origins.get(id(scope))
        if known is None:
            resource = span.resource
            attributes = clean_attributes(resource.attributes)[0] if resource is not None else {}
            service = attributes.get(semconv.SERVICE_NAME)
            found = origin(
                None if service is None else clean_text(service),
                None if scope is None else clean_text(scope.name),
                None if scope is None or scope.version is None else clean_text(scope.version),
                attributes,
            )
            if len(self._origins) > _MAX_SHAPES:  # tracers made in a loop
                self._origins.clear()
            # The scope is kept with its origin, so that its address is not given to another.
            known = self._origins[id(scope)] = (scope, found)
        # One tuple, replaced as a whole: spans of other tracers end in other threads meanwhile.
        self.last_origin = known
        return known[1]


def _dropped_attributes(span: Any, started: Started | None) -> int:
    """How many attributes were more than the limit. The copy of a span that the SDK hands on knows only its own."""
    dropped: int = span.dropped_attributes
    original = None if started is None else started.ref()
    return dropped + original.left_out if original is not span and isinstance(original, CleaningSpan) else dropped
