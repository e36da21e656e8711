"""The SDK's tracer and span, made safe for code that was never meant to be recorded.

Without a provider, OpenTelemetry's spans are no-ops: they take any name, value and order of calls, and neither raise nor
log. A notebook must not notice that nbtrace gave it a provider, so the spans of that provider, and those nbtrace makes
itself, take everything too. These classes add nothing to OpenTelemetry's interface. Providers of the user's are left as
they are: see docs/decisions/0004."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import islice
from types import FunctionType, TracebackType
from typing import Any

import opentelemetry.sdk.trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, Tracer, _Span
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    get_tracer,
)
from opentelemetry.trace.span import SpanContext
from opentelemetry.util._decorator import _AgnosticContextManager

from nbtrace.capture import exceptions
from nbtrace.capture.current import CurrentSpan
from nbtrace.faults import came_in_between, fault
from nbtrace.store import semconv
from nbtrace.store.values import clean_attributes, clean_text, clean_value


class QuietLimits(SpanLimits):
    """Limits that our span enforces without a warning; the SDK, which would log each time, is given none for them.

    At the limit a new attribute is left out and counted, as the specification says; the SDK drops the oldest."""

    def __init__(self, limits: SpanLimits) -> None:
        unset = SpanLimits.UNSET
        super().__init__(
            max_attributes=unset,
            max_span_attributes=unset,
            max_event_attributes=unset,
            max_link_attributes=unset,
            max_attribute_length=unset,
            max_span_attribute_length=unset,
            max_events=unset if limits.max_events is None else limits.max_events,
            max_links=unset if limits.max_links is None else limits.max_links,
        )
        self.attribute_count = limits.max_span_attributes
        self.event_attribute_count = limits.max_event_attributes
        self.link_attribute_count = limits.max_link_attributes
        self.text_length = limits.max_span_attribute_length
        self.event_text_length = limits.max_attribute_length


_NO_LINKS: tuple[Link, ...] = ()
_MANY_LINKS = 10_000
"""Links that are looked at; those beyond the limit are counted by the SDK."""

_HARMLESS_STR = (BaseException.__str__, KeyError.__str__, OSError.__str__)


def _shortened(value: Any, length: int | None) -> Any:
    if length is not None:
        if isinstance(value, str):
            return value[:length]
        if isinstance(value, tuple):
            return tuple(_shortened(item, length) for item in value)
    return value


class QuietSpan(_Span):
    """The SDK's span that cleans what it is given, and stays silent once it has ended.

    Its methods go past the SDK's lock, each being one step: a signal handler or a finaliser that comes in between, and has
    something to say of the same span, would wait on it for the code that it has interrupted."""

    _limits: QuietLimits
    _ending = False

    def set_attribute(self, key: str, value: Any) -> None:
        """Set an attribute, cleaned; beyond the limit it is counted instead."""
        limits = self._limits
        if type(key) is not str or not key:
            key = clean_text(key)
            if not key:
                self._attributes.dropped += 1  # type: ignore[union-attr]
                return
        value = _shortened(clean_value(value), limits.text_length)
        if self._end_time is None:
            bounded: Any = self._attributes
            known = bounded._dict
            if limits.attribute_count is None or len(known) < limits.attribute_count or key in known:
                # Past the SDK's own cleaning: ours is done, and older SDKs refuse maps, mixed arrays and None.
                known[key] = value
            else:
                bounded.dropped += 1

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        cleaned, dropped = clean_attributes(attributes)
        for key, value in cleaned.items():
            self.set_attribute(key, value)
        self._attributes.dropped += dropped  # type: ignore[union-attr]

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Add an event, cleaned."""
        if self._end_time is None:
            limits = self._limits
            bounded = _bounded(attributes, limits.event_attribute_count, limits.event_text_length)
            _put(self._events, Event(clean_text(name), bounded, _whole(timestamp)))

    def add_link(self, context: SpanContext, attributes: Any = None) -> None:
        """Add a link to another span, cleaned."""
        if self._end_time is None and issubclass(type(context), SpanContext):
            limits = self._limits
            _put(
                self._links,
                Link(context, _bounded(attributes, limits.link_attribute_count, limits.event_text_length)),
            )

    def is_recording(self) -> bool:
        """Whether the span runs; False too while an exception is handled whose `str()` raises.

        OpenTelemetry's `use_span` asks this before it prints the exception that leaves its block, and the second error
        would replace the user's. So that one is recorded here, safely, and there not at all."""
        if self._end_time is not None:
            return False
        cut = sys.exception()
        if cut is None or type(cut).__str__ in _HARMLESS_STR:
            return True
        try:
            str(cut)
        except Exception:
            exceptions.fail(self, cut)
            return False
        return True

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Record an exception as an event, whatever its `str()` does."""
        try:
            found = exceptions.attributes(exception, escaped=escaped)
        except Exception:
            fault("describing an exception")
            return
        if attributes is not None:
            found.update(clean_attributes(attributes)[0])
        self.add_event(semconv.EXCEPTION_EVENT, found, timestamp)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; a description that does not belong is left out."""
        if self._end_time is not None or not issubclass(type(status), (Status, StatusCode)):
            return
        if isinstance(status, StatusCode):
            keeps = status is StatusCode.ERROR and description is not None
            status = Status(status, clean_text(description) if keeps else None)
        # OpenTelemetry's rule: OK is the last word, and UNSET is none.
        if self._status.status_code is not StatusCode.OK and status.status_code is not StatusCode.UNSET:
            self._status = status

    def update_name(self, name: str) -> None:
        """Rename the span."""
        if self._end_time is None:
            self._name = clean_text(name)

    def end(self, end_time: int | None = None) -> None:
        """End the span; a second call does nothing."""
        if self._end_time is None and not self._ending:
            # The SDK takes its lock here: whoever interrupts it and ends the same span must not try.
            self._ending = True
            try:
                super().end(_whole(end_time))
            finally:
                self._ending = False

    def _readable_span(self) -> ReadableSpan:
        # The SDK hands its processors a copy. The recorder only reads, so where it is alone the copy is saved.
        return self if getattr(self._span_processor, "alone", False) else super()._readable_span()

    def __reduce__(self) -> Any:
        # As the no-op span it stands for: only its context can travel.
        return NonRecordingSpan, (self._context,)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None and self._end_time is None:
            try:
                if exceptions.is_failure(error):
                    exceptions.fail(self, error, event=self._record_exception)
            except Exception:
                fault("recording an exception")
        self.end()


# What a user sees of the class, in a repr, is the SDK's name.
QuietSpan.__name__ = QuietSpan.__qualname__ = _Span.__name__


def _put(bounded: Any, item: Any) -> None:
    """Add an event or a link as the SDK does, but for its lock."""
    known = bounded._dq
    if known.maxlen is not None and len(known) == known.maxlen:
        bounded.dropped += 1
    known.append(item)


def _bounded(attributes: Any, limit: int | None, length: int | None) -> BoundedAttributes:
    """The attributes of an event or a link as the SDK keeps them, cleaned by us alone."""
    bounded = BoundedAttributes(immutable=False)
    if attributes is not None:
        cleaned, bounded.dropped = clean_attributes(attributes, limit)
        bounded._dict.update((key, _shortened(value, length)) for key, value in cleaned.items())
    bounded._immutable = True
    return bounded


def _links(links: Any, limits: QuietLimits) -> list[Link]:
    """The links that are some, each with attributes that the SDK's copying of them cannot trip over."""
    try:
        # There may be no end of them.
        most = max(_MANY_LINKS, limits.max_links or 0)
        found = [
            link
            for link in islice(links, most)
            if issubclass(type(link), Link) and issubclass(type(link.context), SpanContext)
        ]
        return [
            Link(link.context, _scalars(clean_attributes(link.attributes, limits.link_attribute_count)[0]))
            if link.attributes
            else link
            for link in found
        ]
    except Exception as error:
        if came_in_between(error):
            raise
        return []  # what cannot be gone through is no list of links


def _scalars(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: value if type(value) in _PLAIN else clean_text(value) for key, value in attributes.items()}


_PLAIN = frozenset((str, int, float, bool))


def _is_plain(attributes: Any, limits: QuietLimits) -> bool:
    """Whether the SDK takes these attributes without a word. What else they may be (long, unencodable) is sealing's."""
    if type(attributes) is not dict or limits.text_length is not None:
        return False
    if limits.attribute_count is not None and len(attributes) > limits.attribute_count:
        return False
    for key, value in attributes.items():
        if type(value) not in _PLAIN or type(key) is not str or not key:
            return False
    return True


def _whole(time_ns: Any) -> int | None:
    """A time as the SDK needs it: a float is rounded, what is no number means now."""
    if time_ns is None or type(time_ns) is int:
        return time_ns
    try:
        return int(time_ns)
    except Exception as error:
        if came_in_between(error):
            raise
        return None


# The SDK's start_span names the class of its span as a global. The same code with our class under that name keeps all of
# the SDK's decisions, in every version; changing a span's class afterwards would cost a tenth of a span.
_sdk_start_span = FunctionType(
    Tracer.start_span.__code__,
    {**vars(opentelemetry.sdk.trace), "_Span": QuietSpan},
    "start_span",
    Tracer.start_span.__defaults__,
    Tracer.start_span.__closure__,
)


_FLAGS = TraceFlags(TraceFlags.SAMPLED | getattr(TraceFlags, "RANDOM_TRACE_ID", 0))


def _short_start_span(
    tracer: QuietTracer,
    name: str,
    context: Context | None,
    kind: SpanKind,
    attributes: Any,
    links: Any,
    start_time: int | None,
    record_exception: bool,
    set_status_on_exception: bool,
) -> Span:
    """Start a span that is sampled whatever happens, without asking sampler, metrics and configuration.

    Around a cell, where every line of code is a cold one, this halves what the span costs. A remote parent, whose flags
    decide, goes the SDK's way."""
    parent: SpanContext | None = get_current_span(context).get_span_context()
    if parent is None or not parent.is_valid:
        parent = None
        trace_id, state = tracer.id_generator.generate_trace_id(), None
    elif parent.trace_flags == _FLAGS:
        trace_id, state = parent.trace_id, parent.trace_state
    else:
        return _sdk_start_span(  # type: ignore[no-any-return]
            tracer, name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        )
    span = QuietSpan(
        name=name,
        context=SpanContext(trace_id, tracer.id_generator.generate_span_id(), False, _FLAGS, state),
        parent=parent,
        sampler=tracer.sampler,
        resource=tracer.resource,
        attributes=None,
        span_processor=tracer.span_processor,
        kind=kind,
        links=links,
        instrumentation_info=tracer.instrumentation_info,
        record_exception=record_exception,
        set_status_on_exception=set_status_on_exception,
        limits=tracer._span_limits,
        instrumentation_scope=tracer._instrumentation_scope,
    )
    if attributes:  # plain ones, which need no cleaning
        span._attributes._dict.update(attributes)  # type: ignore[union-attr]
    span.start(start_time=start_time, parent_context=context)
    return span


class QuietTracer(Tracer):
    """The SDK's tracer that cleans what it is given and makes quiet spans."""

    _span_limits: QuietLimits

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Any = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """Start a span below the current one, as the SDK's tracer does."""
        limits = self._span_limits
        later: Any = None
        if attributes is not None and not _is_plain(attributes, limits):
            attributes, later = None, attributes
        if links is not None and links is not _NO_LINKS:
            links = _links(links, limits)
        if type(name) is not str:
            name = clean_text(name)
        if type(start_time) is not int:
            start_time = _whole(start_time)
        start = _short_start_span if self._short() else _sdk_start_span
        span: Span = start(
            self,
            name,
            context,
            kind,
            attributes,
            _NO_LINKS if links is None else links,
            start_time,
            record_exception,
            set_status_on_exception,
        )
        if later is not None:
            span.set_attributes(later)
        return span

    def __reduce__(self) -> Any:
        # To another process, where it means the same scope with that one's provider: without a provider it could travel.
        scope = self._instrumentation_scope
        return get_tracer, (scope.name, scope.version or None, None, scope.schema_url or None)

    def _short(self) -> bool:
        """Whether nobody but the recorder looks at the span and everything is sampled: most notebooks."""
        return (
            (self.sampler is DEFAULT_ON or self.sampler is ALWAYS_ON)
            and getattr(self.span_processor, "alone", False)
            and self._is_enabled_here()
        )

    def _is_enabled_here(self) -> bool:
        enabled: Any = getattr(self, "_is_enabled", None)  # SDKs before 1.39 cannot switch a tracer off
        return enabled is None or bool(enabled())

    def start_as_current_span(  # type: ignore[override]
        self, name: str, context: Context | None = None, kind: SpanKind = SpanKind.INTERNAL, *rest: Any, **options: Any
    ) -> CurrentSpan:
        """Start a span and let it be current: a context manager and a decorator, as the SDK's is."""
        if rest:
            positions = (
                "attributes",
                "links",
                "start_time",
                "record_exception",
                "set_status_on_exception",
                "end_on_exit",
            )
            options.update(zip(positions, rest, strict=False))
        return _TracersCurrentSpan(self, name, context=context, kind=kind, **options)


class _TracersCurrentSpan(CurrentSpan, _AgnosticContextManager[Span]):
    """As a decorator it is the one of OpenTelemetry, frame by frame: what the user sees in a traceback is the same."""

    __call__ = _AgnosticContextManager.__call__  # type: ignore[assignment]

    def _recreate_cm(self) -> CurrentSpan:  # type: ignore[override]
        return self._again()


class ForwardingTracer(QuietTracer):
    """What a quiet tracer becomes when its provider steps back: it passes on to whatever provider is set by then."""

    _target: Any

    def start_span(self, *args: Any, **options: Any) -> Span:
        """Start a span with the tracer of the provider that is set now."""
        span: Span = self._target.start_span(*args, **options)
        return span

    def start_as_current_span(self, *args: Any, **options: Any) -> Any:
        """Start a current span with the tracer of the provider that is set now."""
        return self._target.start_as_current_span(*args, **options)
