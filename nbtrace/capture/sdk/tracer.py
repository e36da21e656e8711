"""The SDK's tracer that cleans what it is given and makes quiet spans, the shortcuts on the way, and what it becomes when its
provider steps back."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import opentelemetry.sdk.trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Tracer
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON
from opentelemetry.trace import Span, SpanKind, TraceFlags, get_current_span, get_tracer
from opentelemetry.trace.span import SpanContext
from opentelemetry.util._decorator import _AgnosticContextManager

from nbtrace.capture.current import CurrentSpan
from nbtrace.capture.sdk.limits import NO_LINKS, QuietLimits, is_plain, valid_links, whole
from nbtrace.capture.sdk.span import QuietSpan
from nbtrace.store.values import clean_text

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
        if attributes is not None and not is_plain(attributes, limits):
            attributes, later = None, attributes
        if links is not None and links is not NO_LINKS:
            links = valid_links(links, limits)
        if type(name) is not str:
            name = clean_text(name)
        if type(start_time) is not int:
            start_time = whole(start_time)
        start = _short_start_span if self._short() else _sdk_start_span
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
        scope = self._instrumentation_scope
        return get_tracer, (scope.name, scope.version or None, None, scope.schema_url or None)

    def _short(self) -> bool:
        """Whether nobody but the recorder looks at the span and everything is sampled: most notebooks."""
        return (
            (self.sampler is DEFAULT_ON or self.sampler is ALWAYS_ON)
            and getattr(self.span_processor, "recorder_only", False)
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
