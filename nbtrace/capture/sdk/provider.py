"""The provider for a notebook that has none: its tracers never raise or log, and step back for the user's.

Enters: sampler, limits and resource, as the environment has them. Leaves: spans, to the recorder and whoever is added."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from nbtrace.capture.sdk import private
from nbtrace.capture.sdk.ids import OwnIdGenerator
from nbtrace.capture.sdk.limits import QuietLimits
from nbtrace.capture.sdk.rows import SpanRows
from nbtrace.capture.sdk.tap import Tap
from nbtrace.capture.sdk.tracer import CleaningTracer, ForwardingTracer, QuietTracer
from nbtrace.faults import fault


class RecordOnly(Sampler):
    """Record for us without marking a trace as sampled: nobody else's sampler decides otherwise because of it."""

    def should_sample(
        self, parent_context: Any, trace_id: int, name: str, *rest: Any, **options: Any
    ) -> SamplingResult:
        """Return the decision, with the attributes as they are."""
        attributes = options.get("attributes") or (rest[1] if len(rest) > 1 else None)
        return SamplingResult(Decision.RECORD_ONLY, attributes)

    def get_description(self) -> str:
        """Return the name that a status would show."""
        return "nbtrace's private recording"


class Pipeline(SynchronousMultiSpanProcessor):
    """The processors of our own provider: the recorder, and whatever somebody adds. As long as that is nothing, a span
    goes to the recorder without the detour through a list of one."""

    def __init__(self, rows: SpanRows) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recorder_only = True
        """Whether nobody but the recorder sees the spans."""
        self._tap = Tap()
        self._tap.open(rows)
        self._on_ending = id  # type: ignore[assignment, method-assign]
        self.on_start = self._tap.on_start  # type: ignore[method-assign]
        self.on_end = self._tap.on_end  # type: ignore[method-assign]

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add a processor behind the recorder."""
        if self.recorder_only:
            self.recorder_only = False
            super().add_span_processor(self._tap)
            del self.on_start, self.on_end, self._on_ending
        super().add_span_processor(span_processor)


class OwnProvider(TracerProvider, trace.ProxyTracerProvider):
    """The provider for a notebook that has none. Its tracers never raise or log, and can be told to step back.

    Also a ProxyTracerProvider, which is what OpenTelemetry has where none is set: code that sets a provider only if there
    is none yet asks for that class, and must go on setting its own."""

    def __init__(
        self,
        *,
        rows: SpanRows,
        sampler: Sampler,
        ids: OwnIdGenerator,
        limits: QuietLimits,
        resource: Resource,
    ) -> None:
        self.pipeline = Pipeline(rows)
        self.rows, self.limits = rows, limits
        super().__init__(
            sampler=sampler,
            resource=resource,
            shutdown_on_exit=False,
            active_span_processor=self.pipeline,
            id_generator=ids,
            span_limits=limits,
        )
        self._quiet_tracers: dict[Any, CleaningTracer] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> Any:
        """Return the tracer of a scope, the same one at each call.

        The SDK's own method changes the warnings filter each time, which brings back warnings shown once already."""
        if is_disabled(self):
            return trace.NoOpTracer()
        try:
            key = (instrumenting_module_name, instrumenting_library_version, schema_url, repr(attributes))
            if key not in self._quiet_tracers:
                scope = InstrumentationScope(
                    str(instrumenting_module_name or ""),
                    instrumenting_library_version or "",
                    schema_url,
                    *([attributes] if attributes else ()),  # SDKs before 1.30 know no attributes of a scope
                )
                self._quiet_tracers[key] = quiet_tracer(self, self.id_generator, self.limits, scope)
            return self._quiet_tracers[key]
        except Exception:
            fault("making a tracer")
            return trace.NoOpTracer()

    def __reduce__(self) -> Any:
        return trace.get_tracer_provider, ()

    def step_back(self) -> None:
        """Let the tracers handed out so far pass on to the provider that is set at the time they are used."""
        for (name, version, schema_url, _), tracer in self._quiet_tracers.items():
            attributes = getattr(tracer.scope, "attributes", None)
            tracer.__class__ = ForwardingTracer
            proxy = trace.ProxyTracer(name, version, schema_url, *([dict(attributes)] if attributes else ()))
            tracer._target = proxy  # type: ignore[attr-defined]
        self._quiet_tracers = {}


def quiet_tracer(
    provider: Any, ids: Any, limits: SpanLimits, scope: InstrumentationScope, *, processors: Any = None
) -> CleaningTracer:
    """Return a tracer that feeds the provider's processors, or others, without the provider noticing."""
    quiet = QuietLimits.of(limits)
    if private.has(private.TRACER):
        processors = processors or provider._active_span_processor
        tracer: CleaningTracer = private.make_tracer(
            QuietTracer, provider.sampler, provider.resource, processors, ids, quiet, scope
        )
        return tracer
    return CleaningTracer.around(_sdk_tracer(provider, scope), quiet, scope, getattr(provider, "sampler", None))


def is_disabled(provider: Any) -> bool:
    """Whether a provider makes no spans because OTEL_SDK_DISABLED is set. Raise AttributeError for what is no provider of the
    SDK's."""
    if private.has(private.DISABLED) or not isinstance(provider, TracerProvider):
        return bool(provider._disabled)
    return isinstance(_sdk_tracer(provider, InstrumentationScope("nbtrace", "")), trace.NoOpTracer)


def _sdk_tracer(provider: Any, scope: InstrumentationScope) -> trace.Tracer:
    """The tracer that the SDK's own method gives."""
    get_tracer = super(OwnProvider, provider).get_tracer if isinstance(provider, OwnProvider) else provider.get_tracer
    attributes = getattr(scope, "attributes", None)
    found: trace.Tracer = get_tracer(
        scope.name, scope.version, scope.schema_url, *([dict(attributes)] if attributes else ())
    )
    return found
