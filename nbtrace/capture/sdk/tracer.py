"""The tracers that clean what they are given and make quiet spans, the shortcuts on the way, and what they become when their
provider steps back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import opentelemetry.sdk.trace
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import Tracer
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Span, SpanKind, TraceFlags, get_current_span, get_tracer
from opentelemetry.trace.span import SpanContext

from nbtrace.capture.current_span import CurrentSpan
from nbtrace.capture.sdk import private
from nbtrace.capture.sdk.cleaning import CleaningSpan
from nbtrace.capture.sdk.limits import NO_LINKS, QuietLimits, is_plain, valid_links, whole
from nbtrace.capture.sdk.span import QuietSpan
from nbtrace.store.values import clean_text


class CleaningTracer(trace.Tracer):
    """A tracer that cleans what it is given, hands it on to another, and makes a cleaning span of what comes back."""

    limits: QuietLimits
    scope: InstrumentationScope
    may_be_short = False
    sampler: Any = None
    start_by_sdk: Callable[..., Span]
    """Takes the tracer and the arguments of `start_span`, in their order."""

    @classmethod
    def around(
        cls, inner: trace.Tracer, limits: QuietLimits, scope: InstrumentationScope, sampler: Any
    ) -> CleaningTracer:
        """Return a tracer in front of `inner`."""
        tracer = cls()
        tracer.limits, tracer.scope, tracer.sampler = limits, scope, sampler
        tracer.start_by_sdk = _cleaned_after(lambda _, *args: inner.start_span(*args))
        return tracer

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
        limits = self.limits
        later: Any = None
        if attributes is not None and not is_plain(attributes, limits):
            attributes, later = None, attributes
        if links is not None and links is not NO_LINKS:
            links = valid_links(links, limits)
        if type(name) is not str:
            name = clean_text(name)
        if type(start_time) is not int:
            start_time = whole(start_time)
        start = _short_start_span if self._short() else self.start_by_sdk
        span: Span = start(
            self,
            name,
            context,
            kind,
            attributes,
            NO_LINKS if links is None else links,
            start_time,
            record_exception,
            set_status_on_exception,
        )
        if later is not None:
            span.set_attributes(later)
        return span

    def __reduce__(self) -> Any:
        # To another process, where it means the same scope with that one's provider: without a provider it could travel.
        scope = self.scope
        return get_tracer, (scope.name, scope.version or None, None, scope.schema_url or None)

    def _short(self) -> bool:
        """Whether the shortest way can be taken."""
        return False

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


class QuietTracer(CleaningTracer, Tracer):  # type: ignore[misc]
    """The SDK's tracer, feeding processors of one's own choice."""

    def __init__(
        self, sampler: Any, resource: Any, processors: Any, ids: Any, info: Any, limits: Any, scope: Any
    ) -> None:
        Tracer.__init__(self, sampler, resource, processors, ids, info, limits, scope)
        self.limits, self.scope = limits, scope
        self.may_be_short = private.has(private.CONSTRUCTOR)
        self.start_by_sdk = _sdk_start_span()  # in the instance's dict, and so called without the instance

    def _short(self) -> bool:
        """Whether nobody but the recorder looks at the span and everything is sampled: most notebooks."""
        return (
            self.may_be_short
            and (self.sampler is DEFAULT_ON or self.sampler is ALWAYS_ON)
            and getattr(self.span_processor, "recorder_only", False)
            and self._is_enabled_here()
        )

    def _is_enabled_here(self) -> bool:
        enabled: Any = getattr(self, "_is_enabled", None)  # SDKs before 1.39 cannot switch a tracer off
        return enabled is None or bool(enabled())


_FLAGS = TraceFlags(TraceFlags.SAMPLED | getattr(TraceFlags, "RANDOM_TRACE_ID", 0))


def _short_start_span(
    tracer: Any,
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
        span: Span = tracer.start_by_sdk(
            tracer, name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        )
        return span
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
        limits=tracer.limits,
        instrumentation_scope=tracer.scope,
    )
    if attributes:  # plain ones, which need no cleaning
        span._attributes._dict.update(attributes)  # type: ignore[union-attr]
    span.start(start_time=start_time, parent_context=context)
    return span


@cache
def _sdk_start_span() -> Callable[..., Span]:
    """The SDK's start_span, which names the class of its span as a global. The same code with our class under that name keeps all
    of the SDK's decisions, in every version; changing a span's class afterwards would cost a tenth of a span."""
    original: Any = Tracer.start_span
    if not private.has(private.START):
        return _cleaned_after(original)
    return FunctionType(
        original.__code__,
        {**vars(opentelemetry.sdk.trace), "_Span": QuietSpan},
        "start_span",
        original.__defaults__,
        original.__closure__,
    )


def _cleaned_after(start_span: Callable[..., Span]) -> Callable[..., Span]:
    """The same way to start a span, which makes it a cleaning one after it has started."""

    def start(tracer: CleaningTracer, *args: Any) -> Span:
        span = start_span(tracer, *args)
        if isinstance(span, SdkSpan):
            span.__class__ = CleaningSpan
            span.quiet_limits = tracer.limits  # type: ignore[attr-defined]
        return span

    return start


_Decorator: Any = private.decorator() or object


class _TracersCurrentSpan(CurrentSpan, _Decorator):  # type: ignore[misc]
    """As a decorator it is the one of OpenTelemetry, frame by frame: what the user sees in a traceback is the same."""

    if private.decorator() is not None:
        __call__ = _Decorator.__call__

    def _recreate_cm(self) -> CurrentSpan:
        return self._again()


class ForwardingTracer(CleaningTracer, Tracer):
    """What a quiet tracer becomes when its provider steps back: it passes on to whatever provider is set by then."""

    _target: Any

    def start_span(self, *args: Any, **options: Any) -> Span:
        """Start a span with the tracer of the provider that is set now."""
        span: Span = self._target.start_span(*args, **options)
        return span

    def start_as_current_span(self, *args: Any, **options: Any) -> Any:
        """Start a current span with the tracer of the provider that is set now."""
        return self._target.start_as_current_span(*args, **options)
