"""The one SpanProcessor: hears each span of a provider start and end.

Enters: the SDK's spans. Leaves: running spans and rows, in the recorder. This is the user's path, so a span with nothing special
about it costs a flat tuple, a look at each of its values and little else."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import SpanKind, StatusCode

from nbtrace.capture.clock import TOLERANCE_NS
from nbtrace.capture.current_cell import CELL, THIS, carried_cell, identify
from nbtrace.capture.running_spans import MAX_RUNNING, SpanRef, Started
from nbtrace.capture.sdk import private
from nbtrace.capture.sdk.rows import SpanRows
from nbtrace.faults import came_in_between, fault
from nbtrace.store.rows import ROW_BYTES, tell
from nbtrace.store.schema import RUNNING, WIDTH

LIGHT = 4_096
"""Characters that the name and the attributes of a span may have together without a closer look."""

_UNSET = StatusCode.UNSET
_INTERNAL = SpanKind.INTERNAL
_HEAVY = 1 << 30
_SMALL_INT = 1 << 62


def is_light(name: Any, items: dict[str, Any]) -> bool:
    """Whether a span's name and attributes are text and numbers, and not much of it."""
    if type(name) is not str:
        return False
    length = len(name) + 10 * len(items)
    for value in items.values():
        of = type(value)
        if of is str:
            length += len(value)
        elif of is not int and of is not float and of is not bool:
            return False
    return length <= LIGHT


Callbacks = tuple[Callable[..., None], Callable[[Any], None]]


def callbacks(rows: SpanRows, *, shielded: bool = False) -> Callbacks:
    """Return on_start and on_end that make rows. `shielded`: the provider's ids no longer come from the global `random`.

    This is the user's path. Everything is a local of the closure, private fields are read instead of properties, and a
    span with nothing special about it takes no call but the clock's; docs/decisions/0006 tells what each of it saves."""
    recorder = rows.recorder
    running = recorder.running.table
    gone = recorder.running.gone
    given_up = recorder.running.given_up
    note_gone = gone.append
    monotonic = recorder.clock.monotonic
    above = recorder.propagated.above
    cell_spans = recorder.cell_spans
    shapes = rows.shapes
    handled_now = sys.exception
    cell_here = CELL.get
    this = THIS

    def on_start(span: Any, parent_context: Any = None) -> None:
        handled = handled_now()
        try:
            parent = span._parent
            if shielded and parent is not None and parent[1] in cell_spans:
                # Below a cell a span needs no trace id; without nbtrace it would have drawn one, so draw it.
                random.getrandbits(128)
            if gone:
                recorder.close_freed()
            scope, origin = rows.last_origin
            if span._instrumentation_scope is not scope:
                origin = rows.origin_of(span)
            context = span._context
            ref = SpanRef(span, note_gone)
            ref.span_id = span_id = context[1]
            running[span_id] = (
                ref,
                cell_here() or (carried_cell(parent_context) if cell_spans else 0),
                monotonic(),
                0 if handled is None else id(handled),
                this.thread or identify(),
                origin,
                context[0],
                0 if parent is None else parent[1],
                span._name,
                span._kind,
                span._start_time,
                span._attributes,
                span._events,
                span._links,
            )
            if len(running) > MAX_RUNNING:
                running.pop(next(iter(running)), None)
            if starts := recorder.starts:
                items = span._attributes._dict
                if span._links._dq or not is_light(span._name, items):
                    rows.tell_start(span)
                    return
                started = running[span_id]
                shape = tuple(items)
                row = (
                    context[0],
                    span_id,
                    started[7],
                    span._name,
                    0 if span._kind is _INTERNAL else span._kind.value,
                    span._start_time,
                    RUNNING,
                    0,
                    started[1],
                    origin,
                    started[4],
                    None,
                    shapes.get(shape) or rows.shape(shape),
                    *items.values(),
                )
                tell(starts, row)
        except Exception as error:  # an SDK with other private names, a span that cannot be referenced weakly
            try:
                rows.note(span, parent_context, handled)
            except Exception:
                fault("noting a span that starts")
            if came_in_between(error):
                raise

    last_shape: tuple[str, ...] = ()

    def on_end(span: Any) -> None:
        nonlocal last_shape
        started: Any = None
        cut = handled_now()
        try:
            ended = monotonic()
            span_id = span._context[1]
            started = running.pop(span_id, None)
            if started is None:
                if span_id not in given_up:
                    rows.careful_end(span, None, ended, cut)
                return
            _, cell, began, _, thread, origin, trace_id, parent_id, _, kind, start_ns, attributes, events, links = (
                started
            )
            end_ns = span._end_time
            name = span._name
            items = attributes._dict
            weight = (len(name) if type(name) is str else _HEAVY) + 10 * len(items)
            for value in items.values():
                of = type(value)
                if of is str:
                    weight += len(value)
                elif of is int:
                    if not -_SMALL_INT < value < _SMALL_INT:
                        weight = _HEAVY
                elif of is not float and of is not bool:
                    weight = _HEAVY
            if (
                weight > LIGHT
                or cut is not None
                or span._status._status_code is not _UNSET
                or events._dq
                or links._dq
                or attributes.dropped
                or span_id in above
                or not -TOLERANCE_NS < end_ns - start_ns - ended + began < TOLERANCE_NS
            ):
                rows.careful_end(span, Started._make(started), ended, cut)
                return
            shape = tuple(items)
            if shape == last_shape:  # equal strings are the same objects here, which makes this cheaper than a look-up
                shape = last_shape
            else:
                last_shape = shapes.get(shape) or rows.shape(shape)
                if last_shape is not shape:
                    shape = last_shape
                else:  # new: from here on the rows that have it share it
                    weight += sum(map(len, shape)) + 50 * len(shape)
            row = (
                trace_id,
                span_id,
                parent_id,
                name,
                0 if kind is _INTERNAL else kind.value,
                start_ns,
                end_ns,
                0,
                cell,
                origin,
                thread,
                None,
                shape,
                *items.values(),
            )
            if len(row) != WIDTH + len(shape):  # another thread has set an attribute in between
                rows.careful_end(span, Started._make(started), ended, cut)
                return
            recorder.deliver(row, ROW_BYTES + 4 * weight)
        except Exception as error:  # an SDK with other private names, a kind that is none, a time that is no number
            rows.public_end(span, started, cut)
            if came_in_between(error):
                raise
        except BaseException:  # an interrupt while the row was being made: the span has ended all the same
            rows.public_end(span, started, cut)
            raise

    return on_start, on_end


def public_callbacks(rows: SpanRows, *, shielded: bool = False) -> Callbacks:
    """The same by the public properties of spans alone: for an SDK whose fields have other names."""
    recorder = rows.recorder
    running = recorder.running.table

    def on_start(span: Any, parent_context: Any = None) -> None:
        handled = sys.exception()
        try:
            parent = span.parent
            if shielded and parent is not None and parent.span_id in recorder.cell_spans:
                random.getrandbits(128)  # as above
            if recorder.running.gone:
                recorder.close_freed()
            rows.note(span, parent_context, handled)
            if len(running) > MAX_RUNNING:
                running.pop(next(iter(running)), None)
        except Exception:
            fault("noting a span that starts")

    def on_end(span: Any) -> None:
        cut = sys.exception()
        started: Any = None
        try:
            ended = recorder.now()
            started = running.pop(span.context.span_id, None)
            if started is not None or span.context.span_id not in recorder.running.given_up:
                rows.careful_end(span, None if started is None else Started._make(started), ended, cut)
        except Exception as error:
            rows.public_end(span, started, cut)
            if came_in_between(error):
                raise
        except BaseException:
            rows.public_end(span, started, cut)
            raise

    return on_start, on_end


class Tap(SpanProcessor):
    """What a provider is given, once and for ever, as the SDK cannot take a processor out: one that makes rows, or none.

    The methods are put on the instance, so that a span costs no call more than it must."""

    def __init__(self) -> None:
        self.shut_down = False
        """Whether the provider has been shut down."""
        self.close()

    def open(self, rows: SpanRows, *, shielded: bool = False) -> None:
        """Hear, and let `rows` make them. `shielded`: the provider's ids no longer come from the global `random`."""
        self._on_ending = id  # type: ignore[assignment, method-assign] # the SDK calls it for each span: a builtin is cheapest
        heard_by = callbacks if private.has(private.READING) else public_callbacks
        self.on_start, self.on_end = heard_by(rows, shielded=shielded)  # type: ignore[assignment, method-assign]

    def close(self) -> None:
        """Hear nothing."""
        self.on_start = self._deaf_start  # type: ignore[method-assign]
        self.on_end = self._deaf_end  # type: ignore[method-assign]

    def _deaf_start(self, span: SdkSpan, parent_context: Any = None) -> None: ...

    def _deaf_end(self, span: ReadableSpan) -> None: ...

    def shutdown(self) -> None:
        """Go on listening: a provider that has been shut down makes spans all the same. Ours must not go there any more, as
        its other processors would complain about each."""
        self.shut_down = True

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: a row is recorded when its span ends."""
        return True
