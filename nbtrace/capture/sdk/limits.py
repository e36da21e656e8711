"""Limits that are kept without a word, and what is given to a span made ready for them.

Enters: names, attributes, links and times, as anybody may give them. Leaves: what the SDK takes without raising or logging."""

from __future__ import annotations

from itertools import islice
from typing import Any

from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import Link
from opentelemetry.trace.span import SpanContext

from nbtrace.faults import came_in_between
from nbtrace.store.values import clean_attributes, clean_text


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

    @classmethod
    def of(cls, limits: Any) -> QuietLimits:
        """Return the same limits, quiet."""
        return limits if isinstance(limits, cls) else cls(limits)


NO_LINKS: tuple[Link, ...] = ()
_MANY_LINKS = 10_000
"""Links that are looked at; those beyond the limit are counted by the SDK."""


def shortened(value: Any, length: int | None) -> Any:
    """Return a text, or each text of a tuple, cut to so many characters; None cuts nothing."""
    if length is not None:
        if isinstance(value, str):
            return value[:length]
        if isinstance(value, tuple):
            return tuple(shortened(item, length) for item in value)
    return value


def valid_links(links: Any, limits: QuietLimits) -> list[Link]:
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


def is_plain(attributes: Any, limits: QuietLimits) -> bool:
    """Whether the SDK takes these attributes without a word. What else they may be (long, unencodable) is sealing's."""
    if type(attributes) is not dict or limits.text_length is not None:
        return False
    if limits.attribute_count is not None and len(attributes) > limits.attribute_count:
        return False
    for key, value in attributes.items():
        if type(value) not in _PLAIN or type(key) is not str or not key:
            return False
    return True


def whole(time_ns: Any) -> int | None:
    """A time as the SDK needs it: a float is rounded, what is no number means now."""
    if time_ns is None or type(time_ns) is int:
        return time_ns
    try:
        return int(time_ns)
    except Exception as error:
        if came_in_between(error):
            raise
        return None
