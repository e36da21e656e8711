"""Durations and moments as they are written: '1.5s', '2min 30s', '2026-01-31 12:00'. Integer nanoseconds leave.

Written by hand and not pandas', so that the browser reads the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

MAX_INT = 2**63 - 1

_EPOCH = datetime(1970, 1, 1)
_SECOND = 1_000_000_000
_WORDS = {
    1: "ns nanosecond nanoseconds",
    1_000: "us µs μs microsecond microseconds",
    1_000_000: "ms millisecond milliseconds",
    _SECOND: "s sec second seconds",
    60 * _SECOND: "min mins minute minutes",
    3_600 * _SECOND: "h hr hour hours",
    86_400 * _SECOND: "d day days",
}
UNITS = {word: ns for ns, words in _WORDS.items() for word in words.split()}
"""Nanoseconds of every unit."""

SHORT_UNITS = ("ns", "us", "ms", "s", "min", "h", "d")

_PART = re.compile(r"\s*([0-9]{1,20}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})\s*([^\W\d]{1,12})")
_CLOCK = re.compile(r"\s*(?:([0-9]{1,6}) days? )?([0-9]{1,6}):([0-9]{2}):([0-9]{2}(?:\.[0-9]{1,9})?)", re.ASCII)
_ZONE = r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_MOMENT = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:[T ]([0-9]{{2}}:[0-9]{{2}})(?::([0-9]{{2}})(?:\.([0-9]{{1,9}}))?)?\s?{_ZONE}?)?"
)


def duration_ns(text: str) -> int | None:
    """Return the nanoseconds of '100ms', '1 s', '2min 30s', '-1h' or '0 days 00:01:30.5'; None if it is none of these, or
    longer than 292 years, which is what 64 bits hold."""
    text = text.strip()
    sign, text = (-1, text[1:]) if text.startswith("-") else (1, text)
    total, at = Decimal(0), 0
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = clock.groups()
        total = ((Decimal(days or 0) * 24 + Decimal(hours)) * 60 + Decimal(minutes)) * 60 + Decimal(seconds)
        return _within(sign * total * _SECOND)
    while part := _PART.match(text, at):
        unit = UNITS.get(part[2])
        if unit is None:
            return None
        total += Decimal(part[1]) * unit
        at = part.end()
    return _within(sign * total) if at and at == len(text) else None


def moment_ns(text: str) -> int | None:
    """Return the nanoseconds since the epoch of an ISO date or time, read as UTC where no zone stands behind it; None if it
    is none, or not between the years 1678 and 2261."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    day, clock, seconds, fraction, zone = match.groups()
    try:
        moment = datetime.strptime(f"{day} {clock or '00:00'}:{seconds or '00'}", "%Y-%m-%d %H:%M:%S")
        moment -= _offset(zone)
    except (ValueError, OverflowError):
        return None
    whole = moment - _EPOCH
    ns = (whole.days * 86_400 + whole.seconds) * _SECOND + int((fraction or "0").ljust(9, "0"))
    return ns if -MAX_INT <= ns <= MAX_INT else None


def datetime_ns(moment: datetime) -> int | None:
    """Return the nanoseconds since the epoch of a datetime, read as UTC where it has no zone; None outside 64 bits."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return timedelta_ns(moment - _EPOCH)


def timedelta_ns(delta: timedelta) -> int | None:
    """Return the nanoseconds of a timedelta; None outside 64 bits."""
    return _within(Decimal((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000)


def written(ns: int) -> str:
    """Return a duration as one writes it, in the largest unit that keeps it short: 100ms, 1.5s."""
    for unit in ("d", "h", "min", "s", "ms", "us", "ns"):
        if abs(ns) >= UNITS[unit] or unit == "ns":
            return f"{Decimal(ns) / UNITS[unit]:.12g}{unit}"
    raise AssertionError


def _within(ns: Decimal) -> int | None:
    whole = int(ns.to_integral_value()) if abs(ns) <= MAX_INT else MAX_INT + 1
    return whole if -MAX_INT <= whole <= MAX_INT else None


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    return (1 if zone[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes)
