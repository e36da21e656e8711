"""The private names of OpenTelemetry that capture uses, and what it does without them.

Enters: the SDK that is installed. Leaves: which of the shortcuts can be taken. Each is asked about once, on a span made for the
purpose; where a single name of it is missing, the public API does the same, slower, and %nbtrace status says so. What the user
gets is the same either way: tests/capture/sdk/test_private.py takes each name away in turn."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

import opentelemetry.sdk.trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanLimits, Tracer, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from nbtrace.capture.sdk.ids import OwnIdGenerator

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import _Span

    SdkSpan = _Span
else:
    SdkSpan = getattr(opentelemetry.sdk.trace, "_Span", Span)
    """The class of the SDK's spans; its public base where it has another name."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What private names are used for."""

    names: tuple[str, ...]
    """Each as an attribute of what `_samples` makes: `span._events._dq`."""
    instead: str
    """What is done where one of them is missing, as a person is told."""


READING = Shortcut(
    (
        "span._parent",
        "span._context",
        "span._name",
        "span._kind",
        "span._start_time",
        "span._end_time",
        "span._status._status_code",
        "span._attributes._dict",
        "span._events._dq",
        "span._links._dq",
        "span._instrumentation_scope",
    ),
    "rows are made from the public properties of spans, which takes longer",
)

WRITING = Shortcut(
    (
        "span._attributes._dict",
        "span._attributes._immutable",
        "attributes.BoundedAttributes",
        "span._events._dq",
        "span._links._dq",
        "span._context",
        "span._end_time",
        "span._limits",
        "span._name",
        "span._record_exception",
        "span._span_processor",
        "span._status",
    ),
    "nbtrace's spans are written by their public methods, which take longer and wait for the span's lock",
)

START = Shortcut(
    ("sdk._Span",),
    "nbtrace's spans get their class after they have started, which takes longer",
)

CONSTRUCTOR = Shortcut(
    ("tracer.instrumentation_info",),
    "the SDK's sampler is asked about each span, which takes longer",
)

TRACER = Shortcut(
    ("provider._active_span_processor", "provider._span_limits"),
    "nbtrace's spans are made by tracers of the provider's, which takes longer",
)

DISABLED = Shortcut(("provider._disabled",), "whether the SDK is disabled is told by the tracers it gives")

GLOBAL = Shortcut(
    ("api._TRACER_PROVIDER",),
    "nbtrace sets its provider as you would: to use one of your own, set it before %load_ext nbtrace",
)

SETTING = Shortcut(
    ("api._set_tracer_provider",),
    "a provider that you set is listened to from the next cell on",
)

SAMPLER = Shortcut(("sampling._get_from_env_or_default",), "the sampler is the one that a new provider has")

DECORATOR = Shortcut(
    ("decorator._AgnosticContextManager",),
    "a function below @tracer.start_as_current_span has a frame of nbtrace's in its tracebacks",
)

SHORTCUTS = (READING, WRITING, START, CONSTRUCTOR, TRACER, DISABLED, GLOBAL, SETTING, SAMPLER, DECORATOR)

_CONSTRUCTED = frozenset(
    {
        "name",
        "context",
        "parent",
        "sampler",
        "resource",
        "attributes",
        "span_processor",
        "kind",
        "links",
        "instrumentation_info",
        "record_exception",
        "set_status_on_exception",
        "limits",
        "instrumentation_scope",
    }
)
"""What a span is constructed with."""


def has(shortcut: Shortcut) -> bool:
    """Whether the SDK has all that a shortcut takes."""
    return shortcut not in missing()


@cache
def missing() -> Mapping[Shortcut, str]:
    """The shortcuts that cannot be taken, each with the name that is missing."""
    found: dict[Shortcut, str] = {}
    try:
        samples = _samples()
    except Exception as error:  # not even a provider can be made the way it is documented
        return dict.fromkeys(SHORTCUTS, f"the way to make a span ({type(error).__name__})")
    for shortcut in SHORTCUTS:
        for name in shortcut.names:
            if not _is_there(samples, name):
                found[shortcut] = name
                break
    if START not in found and not is_plain_function(Tracer.start_span):
        found[START] = "Tracer.start_span as it was"
    if CONSTRUCTOR not in found and not _takes(Span.__init__, _CONSTRUCTED):
        found[CONSTRUCTOR] = "the arguments of Span"
    if TRACER not in found and samples["made"] is None:
        found[TRACER] = "the arguments of Tracer"
    for shortcut in (START, CONSTRUCTOR):  # they end where those begin
        for cause in (WRITING, TRACER):
            if cause in found and (cause is WRITING or shortcut is CONSTRUCTOR):
                found[shortcut] = found[cause]
    return found


def report() -> list[str]:
    """A sentence for each shortcut that cannot be taken."""
    causes = {missing().get(WRITING), missing().get(TRACER)}
    return [
        f"This OpenTelemetry SDK differs from those that nbtrace knows ({name}): {shortcut.instead}."
        for shortcut, name in missing().items()
        if shortcut not in (START, CONSTRUCTOR) or name not in causes
    ]


def is_plain_function(function: Any) -> bool:
    """Whether the SDK's way to start a span is its own, unwrapped, and names the class of its spans."""
    return (
        type(function) is FunctionType
        and function.__module__ == opentelemetry.sdk.trace.__name__
        and not hasattr(function, "__wrapped__")
        and "_Span" in function.__code__.co_names
    )


def decorator() -> Any:
    """The class by which OpenTelemetry's context managers are decorators; None where it has another name."""
    return getattr(_module("opentelemetry.util._decorator"), "_AgnosticContextManager", None)


def no_limits() -> SpanLimits:
    """Limits that limit nothing, whatever the environment says."""
    unset = SpanLimits.UNSET
    return SpanLimits(
        max_attributes=unset,
        max_events=unset,
        max_links=unset,
        max_span_attributes=unset,
        max_event_attributes=unset,
        max_link_attributes=unset,
        max_attribute_length=unset,
        max_span_attribute_length=unset,
    )


def make_tracer(
    kind: Callable[..., Any], sampler: Any, resource: Any, processors: Any, ids: Any, limits: Any, scope: Any
) -> Any:
    """Call the constructor of the SDK's tracer. The deprecated instrumentation info is left out: making one warns."""
    return kind(sampler, resource, processors, ids, None, limits, scope)


def _samples() -> dict[str, Any]:
    """A span of the SDK's, what it comes from, and the modules that have names of their own."""
    ids, limits = OwnIdGenerator(), no_limits()
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource.get_empty(),
        shutdown_on_exit=False,
        id_generator=ids,
        span_limits=limits,
    )
    processors = getattr(provider, "_active_span_processor", None)
    try:
        # Not the provider's get_tracer: that changes the filter of warnings, and shows again what was shown already.
        scope = InstrumentationScope("nbtrace", "")
        made = make_tracer(Tracer, ALWAYS_ON, provider.resource, processors, ids, limits, scope)
        span = made.start_span("probe")
    except Exception:
        made = None
        span = provider.get_tracer("nbtrace").start_span("probe")
    return {
        "span": span,
        "tracer": made,
        "made": made,
        "provider": provider,
        "sdk": opentelemetry.sdk.trace,
        "attributes": _module("opentelemetry.attributes"),
        "api": _module("opentelemetry.trace"),
        "sampling": _module("opentelemetry.sdk.trace.sampling"),
        "decorator": _module("opentelemetry.util._decorator"),
    }


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _is_there(samples: Mapping[str, Any], path: str) -> bool:
    first, *names = path.split(".")
    value = samples[first]
    for name in names:
        try:
            value = getattr(value, name)
        except Exception:
            return False
    return True


def _takes(function: Any, names: frozenset[str]) -> bool:
    """Whether a function takes these arguments by name, and needs no others."""
    try:
        parameters = dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return False
    parameters.pop("self", None)
    needed = {name for name, each in parameters.items() if each.default is each.empty and each.kind not in (2, 4)}
    return names <= parameters.keys() and needed <= names
