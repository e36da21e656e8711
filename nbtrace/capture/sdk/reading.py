"""What a span of the SDK's holds: past its lock, which whoever is interrupted may hold, where the fields have the names that
they had so far; else by its public properties.

Enters: spans, running or ended, and their collections. Leaves: plain and light values."""

from __future__ import annotations

from typing import Any

from nbtrace.faults import came_in_between
from nbtrace.store.schema import MAX_TEXT, RUNNING, UNFINISHED
from nbtrace.store.values import clean_text
from nbtrace.store.weight import light


def pairs(attributes: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Keys and values, plain and light."""
    found = dict(attributes or {})
    return tuple(key if type(key) is str and len(key) <= MAX_TEXT else clean_text(key) for key in found), tuple(
        map(light, found.values())
    )


def attributes_of(span: Any) -> dict[Any, Any]:
    """The attributes so far. Past the SDK's lock, which whoever is setting one may hold here."""
    known = getattr(getattr(span, "_attributes", None), "_dict", None)
    return known.copy() if type(known) is dict else dict(span.attributes or {})


def noted(span: Any, what: str) -> list[Any]:
    """The events or links so far, past the SDK's lock too."""
    known = getattr(span, "_" + what, None)
    return copied(known if hasattr(known, "_dq") else getattr(span, what))


def plain(attributes: Any) -> Any:
    """The dict in which the SDK keeps attributes, or what they are otherwise."""
    return getattr(attributes, "_dict", attributes)


def copied(noted: Any) -> list[Any]:
    """A copy of events or links."""
    return list(getattr(noted, "_dq", noted) or ())


def events_of(events: list[Any]) -> tuple[tuple[Any, ...], ...]:
    """Time, name, keys and values of each."""
    return tuple((whole_time(each.timestamp), clean_text(each.name), *pairs(each.attributes)) for each in events)


def links_of(links: list[Any]) -> tuple[tuple[Any, ...], ...]:
    """Trace, span, keys and values of each."""
    return tuple((each.context.trace_id, each.context.span_id, *pairs(each.attributes)) for each in links)


def whole_time(time_ns: Any) -> int:
    """A time as 64 bits hold it; what is no time is 0."""
    if type(time_ns) is not int:
        try:
            time_ns = int(time_ns)
        except Exception as error:
            if came_in_between(error):
                raise
            return 0
    found: int = min(max(time_ns, -(2**63) + 1), 2**63 - 1)
    return found


def end_time(end_ns: int, start_ns: int) -> int:
    """An end that is not taken for none."""
    return end_ns if end_ns not in (RUNNING, UNFINISHED) else start_ns or 1
