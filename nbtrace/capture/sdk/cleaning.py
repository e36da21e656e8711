"""The SDK's span, made safe for code that was never meant to be recorded, by its public methods alone.

Without a provider, OpenTelemetry's spans are no-ops: they take any name, value and order of calls, and neither raise nor
log. A notebook must not notice that nbtrace gave it a provider, so the spans of that provider, and those nbtrace makes
itself, take everything too. The class adds nothing to OpenTelemetry's interface. Providers of the user's are left as
they are: see docs/decisions/0004."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from opentelemetry.trace import NonRecordingSpan, Status, StatusCode
from opentelemetry.trace.span import SpanContext

from nbtrace.capture import exceptions
from nbtrace.capture.sdk.limits import QuietLimits, shortened, whole
from nbtrace.capture.sdk.private import SdkSpan
from nbtrace.faults import fault
from nbtrace.store import semconv
from nbtrace.store.values import clean_attributes, clean_text, clean_value

_HARMLESS_STR = (BaseException.__str__, KeyError.__str__, OSError.__str__)


class CleaningSpan(SdkSpan):
    """The SDK's span that cleans what it is given, and stays silent once it has ended."""

    quiet_limits: QuietLimits
    """What it enforces by itself; given to it right after it has started."""
    left_out = 0
    """Attributes beyond the limit, which the SDK has not seen."""
    _ending = False

    def set_attribute(self, key: str, value: Any) -> None:
        """Set an attribute, cleaned; beyond the limit it is counted instead."""
        limits = self.quiet_limits
        key = key if type(key) is str else clean_text(key)
        if not key:
            self.left_out += 1
            return
        if self.end_time is None:
            known = self.attributes or {}
            if limits.attribute_count is None or len(known) < limits.attribute_count or key in known:
                # The plural, as in some SDKs the singular goes on to it.
                super().set_attributes({key: shortened(clean_value(value), limits.text_length)})
            else:
                self.left_out += 1

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        cleaned, dropped = clean_attributes(attributes)
        for key, value in cleaned.items():
            self.set_attribute(key, value)
        self.left_out += dropped

    @property
    def dropped_attributes(self) -> int:
        """How many attributes were more than the limit."""
        return super().dropped_attributes + self.left_out

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Add an event, cleaned."""
        if self.end_time is None:
            limits = self.quiet_limits
            bounded = _bounded(attributes, limits.event_attribute_count, limits.event_text_length)
            super().add_event(clean_text(name), bounded, whole(timestamp))

    def add_link(self, context: SpanContext, attributes: Any = None) -> None:
        """Add a link to another span, cleaned."""
        if self.end_time is None and issubclass(type(context), SpanContext):
            limits = self.quiet_limits
            super().add_link(context, _bounded(attributes, limits.link_attribute_count, limits.event_text_length))

    def is_recording(self) -> bool:
        """Whether the span runs; False too while an exception is handled whose `str()` raises.

        OpenTelemetry's `use_span` asks this before it prints the exception that leaves its block, and the second error
        would replace the user's. So that one is recorded here, safely, and there not at all."""
        if self.end_time is not None:
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
        if self.end_time is None and issubclass(type(status), (Status, StatusCode)):
            super().set_status(plain_status(status, description))

    def update_name(self, name: str) -> None:
        """Rename the span."""
        if self.end_time is None:
            super().update_name(clean_text(name))

    def end(self, end_time: int | None = None) -> None:
        """End the span; a second call does nothing."""
        if self.end_time is None and not self._ending:
            # The SDK takes its lock here: whoever interrupts it and ends the same span must not try.
            self._ending = True
            try:
                super().end(whole(end_time))
            finally:
                self._ending = False

    def __reduce__(self) -> Any:
        # As the no-op span it stands for: only its context can travel.
        return NonRecordingSpan, (self.get_span_context(),)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None and self.end_time is None:
            try:
                if exceptions.is_failure(error):
                    exceptions.fail(self, error, event=getattr(self, "_record_exception", True))
            except Exception:
                fault("recording an exception")
        self.end()


# What a user sees of the class, in a repr, is the SDK's name.
CleaningSpan.__name__ = CleaningSpan.__qualname__ = SdkSpan.__name__


def plain_status(status: Status | StatusCode, description: str | None) -> Status:
    """The status that is meant."""
    if isinstance(status, Status):
        return status
    keeps = status is StatusCode.ERROR and description is not None
    return Status(status, clean_text(description) if keeps else None)


def _bounded(attributes: Any, limit: int | None, length: int | None) -> dict[str, Any]:
    if attributes is None:
        return {}
    return {key: shortened(value, length) for key, value in clean_attributes(attributes, limit)[0].items()}
