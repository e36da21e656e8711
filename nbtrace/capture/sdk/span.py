"""The span of nbtrace's on the short way: written past the SDK's lock and its second cleaning.

Enters: what anybody gives to a span. Leaves: the SDK's own collections, filled. What it may be given, and why it is silent, is
cleaning.py's, which does the same where the SDK has other private names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import opentelemetry.attributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status, StatusCode
from opentelemetry.trace.span import SpanContext

from nbtrace.capture.sdk.cleaning import CleaningSpan, plain_status
from nbtrace.capture.sdk.limits import QuietLimits, shortened, whole
from nbtrace.capture.sdk.private import SdkSpan
from nbtrace.store.values import clean_attributes, clean_text, clean_value

if TYPE_CHECKING:
    from opentelemetry.attributes import BoundedAttributes
else:
    BoundedAttributes = getattr(opentelemetry.attributes, "BoundedAttributes", None)


class QuietSpan(CleaningSpan):
    """A cleaning span whose methods are one step each: a signal handler or a finaliser that comes in between, and has something
    to say of the same span, would wait on the SDK's lock for the code that it has interrupted."""

    _limits: QuietLimits

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

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; a description that does not belong is left out."""
        if self._end_time is not None or not issubclass(type(status), (Status, StatusCode)):
            return
        status = plain_status(status, description)
        # OpenTelemetry's rule: OK is the last word, and UNSET is none.
        if self._status.status_code is not StatusCode.OK and status.status_code is not StatusCode.UNSET:
            self._status = status

    def update_name(self, name: str) -> None:
        """Rename the span."""
        if self._end_time is None:
            self._name = clean_text(name)

    def _readable_span(self) -> ReadableSpan:
        # The SDK hands its processors a copy. The recorder only reads, so where it is alone the copy is saved.
        return self if getattr(self._span_processor, "recorder_only", False) else super()._readable_span()


QuietSpan.__name__ = QuietSpan.__qualname__ = SdkSpan.__name__


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
