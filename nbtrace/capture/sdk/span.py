"""The SDK's span, made safe for code that was never meant to be recorded.

Without a provider, OpenTelemetry's spans are no-ops: they take any name, value and order of calls, and neither raise nor
log. A notebook must not notice that nbtrace gave it a provider, so the spans of that provider, and those nbtrace makes
itself, take everything too. The class adds nothing to OpenTelemetry's interface. Providers of the user's are left as
they are: see docs/decisions/0004."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, _Span
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Status,
    StatusCode,
)
from opentelemetry.trace.span import SpanContext

from nbtrace.capture import exceptions
from nbtrace.capture.sdk.limits import QuietLimits, shortened, whole
from nbtrace.faults import fault
from nbtrace.store import semconv
from nbtrace.store.values import clean_attributes, clean_text, clean_value

_HARMLESS_STR = (BaseException.__str__, KeyError.__str__, OSError.__str__)


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
        value = shortened(clean_value(value), limits.text_length)
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
            _put(self._events, Event(clean_text(name), bounded, whole(timestamp)))

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
                super().end(whole(end_time))
            finally:
                self._ending = False

    def _readable_span(self) -> ReadableSpan:
        # The SDK hands its processors a copy. The recorder only reads, so where it is alone the copy is saved.
        return self if getattr(self._span_processor, "recorder_only", False) else super()._readable_span()

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
        bounded._dict.update((key, shortened(value, length)) for key, value in cleaned.items())
    bounded._immutable = True
    return bounded
