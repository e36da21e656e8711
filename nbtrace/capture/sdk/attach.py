"""Which TracerProvider the spans come from: the user's, tapped, or one of our own that steps back for the user's.

Enters: whatever OpenTelemetry's global state holds. Leaves: spans in the recorder, and a way to start our own. Whatever
cannot be captured (an always_off sampler, OTEL_SDK_DISABLED, a provider that is no SDK's) is told by `Attachment.report`."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider, sampling
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Span

from nbtrace.capture.patches import Patch
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.sdk import private
from nbtrace.capture.sdk.ids import OwnIdGenerator, shield, unshield
from nbtrace.capture.sdk.limits import QuietLimits
from nbtrace.capture.sdk.provider import OwnProvider, Pipeline, RecordOnly, is_disabled, quiet_tracer
from nbtrace.capture.sdk.rows import SpanRows
from nbtrace.capture.sdk.tap import Tap
from nbtrace.capture.sdk.tracer import CleaningTracer
from nbtrace.faults import fault

SCOPE = "nbtrace"
_TAP = "_nbtrace_tap"
_MAX_LOST_TAPS = 20


class Attachment:
    """Spans into a recorder while at least one recording is open: taps providers, and starts spans of our own."""

    def __init__(self, recorder: SpanRecorder | None = None, ids: OwnIdGenerator | None = None) -> None:
        self.recorder = recorder or SpanRecorder()
        self.rows = SpanRows(self.recorder)
        self._ids = ids or OwnIdGenerator()
        self._problems: dict[str, str] = {}
        self._own: OwnProvider | None = None
        self._private: CleaningTracer | None = None
        self._tracer: Any = None
        self._seen: Any = None
        self._lost_taps = 0
        self._listening: Tap | None = None
        """The tap of the user's provider; None if ours is set, or if there is nothing to watch any more."""
        self._shut_down = False
        self._installed = False
        self._hook: Patch | None = None
        self._taps: list[tuple[weakref.ref[Any], Tap, Any]] = []

    # ── on and off ───────────────────────────────────────────────────────────────────────────────────────────────────

    def install(self) -> None:
        """Tap the provider that is set, or set one of our own without spending the API's set-once."""
        self._problems.clear()
        self._installed = True
        recording = self._make_provider(RecordOnly())
        self._private = quiet_tracer(recording, self._ids, recording.limits, _scope())
        if hasattr(trace, "_set_tracer_provider"):
            self._hook = Patch(trace, "_set_tracer_provider", self._around_set)
        self.look()

    def uninstall(self) -> None:
        """Hear nothing more, and leave OpenTelemetry's global state as it would be without us."""
        self._installed = False
        if self._hook is not None:
            self._hook.undo()
            self._hook = None
        for _, tap, generator in self._taps:
            tap.close()
            if generator is not None:
                unshield(generator)
        self._taps.clear()
        if self._own is not None:
            if hasattr(trace, "_TRACER_PROVIDER") and trace._TRACER_PROVIDER is self._own:
                trace._TRACER_PROVIDER = None
            self._own.step_back()
        self._own = self._private = self._tracer = self._seen = self._listening = None

    def look(self) -> None:
        """Look again at which provider is set; called before each cell, so it returns at once where nothing changed."""
        if not self._installed:
            return
        provider = _set_provider()
        if provider is not None and provider is self._seen:
            return
        if provider is None:
            provider = self._load_or_make()
        elif isinstance(provider, OwnProvider) and provider.rows is self.rows:
            self._own = provider  # ours of before, where it could not be taken out again
        elif self._own is not None and provider is not self._own:
            self._own.step_back()
            self._own = None
        self._seen = provider
        self._lost_taps = 0
        self._tracer = self._listening = None
        self._shut_down = False
        if provider is self._own:
            self._tracer = self._tracer_of(provider)
        else:
            self._tap(provider)

    def _around_set(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """After the user sets a provider, tap it at once: spans of the same cell count."""

        def set_tracer_provider(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            try:
                self.look()
            except Exception:
                fault("tapping a new provider")
            return result

        return set_tracer_provider

    def _load_or_make(self) -> Any:
        if "OTEL_PYTHON_TRACER_PROVIDER" in os.environ:
            try:
                return trace.get_tracer_provider()  # loads the one named there, as the first use would
            except Exception as error:
                self._problems["OTEL_PYTHON_TRACER_PROVIDER"] = f"could not be loaded ({error}); ignored"
        with _overheard("opentelemetry.sdk.trace.sampling") as complaints:
            try:
                sampler = _sampler_of_the_environment()
            except Exception as error:
                complaints.append(str(error))
                sampler = DEFAULT_ON
        if complaints:
            self._problems["OTEL_TRACES_SAMPLER"] = " ".join(complaints)
        own = self._own = self._make_provider(sampler)
        if hasattr(trace, "_TRACER_PROVIDER"):
            # Not by set_tracer_provider(): that can be called once, and the call is the user's.
            trace._TRACER_PROVIDER = own
        else:
            trace.set_tracer_provider(own)
        return own

    def _make_provider(self, sampler: Sampler) -> OwnProvider:
        try:
            limits = SpanLimits()
        except ValueError as error:
            self._problems["span limits"] = f"{error}; the defaults hold"
            limits = _default_limits()
        with _overheard("opentelemetry.sdk.resources") as complaints:
            try:
                resource = Resource.create({})
            except Exception as error:
                complaints.append(f"{type(error).__name__}: {error}; left empty")
                resource = Resource.get_empty()
        if complaints:
            self._problems["OTEL_RESOURCE_ATTRIBUTES"] = " ".join(complaints)
        return OwnProvider(
            rows=self.rows, sampler=sampler, ids=self._ids, limits=QuietLimits(limits), resource=resource
        )

    def _tap(self, provider: Any) -> None:
        """Listen to the user's provider, and feed it the spans that we make."""
        tap = vars(provider).get(_TAP) if hasattr(provider, "__dict__") else None
        try:
            if tap is None:
                tap = Tap()
                tap.shut_down = _is_shut_down(provider)
                provider.add_span_processor(tap)
                setattr(provider, _TAP, tap)
        except Exception:
            return  # no SDK's provider; report() says so
        generator = getattr(provider, "id_generator", None)
        shielded = shield(generator, self._ids)
        tap.open(self.rows, shielded=shielded)
        self._listening = tap
        self._taps.append((weakref.ref(provider), tap, generator if shielded else None))
        self._tracer = self._tracer_of(provider)

    def _tracer_of(self, provider: Any) -> Any:
        try:
            if not is_disabled(provider):
                return quiet_tracer(provider, self._ids, _limits_of(provider), _scope())
        except Exception:  # a wrapper around an SDK provider, or an SDK with other private names
            return provider.get_tracer(SCOPE)
        return None

    # ── spans of our own ─────────────────────────────────────────────────────────────────────────────────────────────

    def start_span(self, name: str, /, **options: Any) -> Span:
        """Start a span below the current one, with the provider that is set; where that one does not record it, with a
        private one, so that the recording has it and nobody else notices."""
        if self._listening is not None and self._listening.shut_down:
            self._leave_shut_down()
        if self._tracer is not None:
            span: Span = self._tracer.start_span(name, **options)
            if span.is_recording():
                if not self.recorder.runs(span.get_span_context().span_id):
                    self._tap_again(span)
                return span
        if self._private is not None:
            return self._private.start_span(name, **options)
        return trace.get_tracer(SCOPE).start_span(name, **options)

    def _leave_shut_down(self) -> None:
        """The user's provider has been shut down: make our spans past its processors, which would say so for each span. Its
        sampler still decides, so that the user's spans below a cell are what they are without one."""
        self._listening = None
        if not isinstance(self._seen, TracerProvider):
            # A proxy: the provider behind it has been shut down because there is another one now, as logfire does.
            self._tap_anew()
            return
        self._shut_down = True
        try:
            if private.has(private.TRACER):
                self._tracer = quiet_tracer(
                    self._seen, self._ids, self._seen._span_limits, _scope(), processors=Pipeline(self.rows)
                )
            else:
                seen = OwnProvider(
                    rows=self.rows,
                    sampler=self._seen.sampler,
                    ids=self._ids,
                    limits=QuietLimits.of(_limits_of(self._seen)),
                    resource=self._seen.resource,
                )
                self._tracer = quiet_tracer(seen, self._ids, seen.limits, _scope())
        except Exception:
            self._tracer = None
            fault("leaving a provider that was shut down")

    def _tap_again(self, span: Span) -> None:
        """The span did not reach us: a library has put another provider behind the one that is set, as logfire does when it
        is configured twice. A provider that hides its spans from processors altogether is left alone after a few times."""
        if self._lost_taps >= _MAX_LOST_TAPS:
            return
        self._lost_taps += 1
        self._tap_anew()
        for _, tap, _ in self._taps[-1:]:
            tap.on_start(getattr(span, "span", span))  # type: ignore[arg-type]

    def _tap_anew(self) -> None:
        provider = self._seen
        # The old one hears nothing more: were it still reached after all, each span would be told of twice.
        for ref, tap, _ in self._taps:
            if ref() is provider:
                tap.close()
        try:
            delattr(provider, _TAP)
        except AttributeError:
            pass
        self._tap(provider)

    # ── what a person is told ────────────────────────────────────────────────────────────────────────────────────────

    def report(self) -> list[str]:
        """Return a sentence each on what is captured, what is not, and what was wrong with the environment."""
        lines = []
        provider = self._seen
        if provider is None:
            lines.append("No recording is open: nothing is captured.")
        elif provider is self._own:
            lines.append("Provider: nbtrace's own, until you set one (trace.set_tracer_provider).")
            if is_disabled(self._own):
                lines.append(
                    "OTEL_SDK_DISABLED is set: cells and nbtrace.span are recorded, OpenTelemetry code makes no spans."
                )
        else:
            kind = f"{type(provider).__module__}.{type(provider).__qualname__}"
            if any(ref() is provider for ref, _, _ in self._taps):
                lines.append(f"Provider: yours ({kind}), with all its processors; nbtrace listens to it.")
                if self._shut_down or (self._listening is not None and self._listening.shut_down):
                    lines.append(
                        "It has been shut down, and its processors want no spans any more: cells and nbtrace.span are "
                        "recorded past them. Set up tracing anew in a fresh kernel if they should be exported."
                    )
                if _says_disabled(provider):
                    lines.append(
                        "OTEL_SDK_DISABLED is set: your provider makes no spans; cells and nbtrace.span are recorded."
                    )
            else:
                lines.append(
                    f"Provider: {kind}, which has no add_span_processor: cells and nbtrace.span are recorded, "
                    "its own spans are not."
                )
        if self._tracer is not None:
            sampler = getattr(self._tracer, "sampler", None)
            description = _description(sampler)
            if description and not description.startswith(("AlwaysOn", "ParentBased{root:AlwaysOn")):
                lines.append(
                    f"Sampler: {description}. Spans it drops are not captured, but for cells and nbtrace.span."
                )
        if provider is not None:
            lines += private.report()
        lines += [f"Environment: {what}: {problem}." for what, problem in self._problems.items()]
        return lines


@contextmanager
def _overheard(logger: str) -> Iterator[list[str]]:
    """Collect what the SDK would log about the environment: it belongs into %nbtrace status, not below a cell."""
    messages: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        messages.append(record.getMessage())
        return False

    logging.getLogger(logger).addFilter(note)
    try:
        yield messages
    finally:
        logging.getLogger(logger).removeFilter(note)


def _scope() -> InstrumentationScope:
    return InstrumentationScope(SCOPE, "")


def _set_provider() -> Any:
    """The provider that is set, None if none is; asking the API would load or proxy one."""
    if hasattr(trace, "_TRACER_PROVIDER"):
        return trace._TRACER_PROVIDER
    try:
        provider = trace.get_tracer_provider()
    except Exception:  # OTEL_PYTHON_TRACER_PROVIDER names none that can be loaded
        return None
    none_set = isinstance(provider, trace.ProxyTracerProvider) and not isinstance(provider, OwnProvider)
    return None if none_set else provider


def _sampler_of_the_environment() -> Sampler:
    if private.has(private.SAMPLER):
        return sampling._get_from_env_or_default()
    # A new provider reads the same variables.
    return TracerProvider(
        resource=Resource.get_empty(), shutdown_on_exit=False, span_limits=private.no_limits()
    ).sampler


def _limits_of(provider: Any) -> SpanLimits:
    """The limits of the user's provider. Where they cannot be known the SDK keeps them all the same, and says so."""
    if hasattr(provider, "_span_limits") or not isinstance(provider, TracerProvider):
        limits: SpanLimits = provider._span_limits
        return limits
    try:
        return SpanLimits()  # the environment's
    except ValueError:
        return _default_limits()


def _says_disabled(provider: Any) -> bool:
    try:
        return is_disabled(provider)
    except AttributeError:
        return False


def _default_limits() -> SpanLimits:
    count = 128
    return SpanLimits(
        max_attributes=count,
        max_events=count,
        max_links=count,
        max_span_attributes=count,
        max_event_attributes=count,
        max_link_attributes=count,
        max_attribute_length=SpanLimits.UNSET,
        max_span_attribute_length=SpanLimits.UNSET,
    )


def _is_shut_down(provider: Any) -> bool:
    """Whether a provider was shut down before we came: it does not say so, but all of its processors do."""
    processors = getattr(getattr(provider, "_active_span_processor", None), "_span_processors", ())
    return bool(processors) and all(map(_says_shut_down, processors))


def _says_shut_down(processor: Any) -> bool:
    """By the flags of the SDK's own processors and exporters, which differ from version to version."""
    parts = (processor, getattr(processor, "_batch_processor", None), getattr(processor, "span_exporter", None))
    return any(getattr(part, flag, False) is True for part in parts for flag in ("_shutdown", "done", "_stopped"))


def _description(sampler: Any) -> str:
    try:
        return str(sampler.get_description())
    except Exception:
        return ""
