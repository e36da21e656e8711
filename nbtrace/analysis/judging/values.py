"""What can be measured of what, and the values that it is held against: durations, sizes and numbers as they are written.

Enters: text. Leaves: nanoseconds, bytes and numbers, and their text again."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal, TypeAlias

from nbtrace.analysis.amounts import duration, size
from nbtrace.analysis.where.literals import UNITS, duration_ns

Unit: TypeAlias = Literal["time", "size", "count", "number"]
Kind: TypeAlias = Literal["cell", "cells", "name", "names", "run"]
"""What a selector chooses: cells by a name, each cell, spans by their name, spans of each name, the whole run."""
Number: TypeAlias = int | float

_OF_CELLS: dict[str, Unit] = {
    "duration": "time",
    "cpu": "time",
    "cores": "number",
    "memory_peak": "size",
    "memory_change": "size",
    "gc": "time",
    "read_bytes": "size",
    "written_bytes": "size",
    "span_count": "count",
    "error_count": "count",
    "gpu_memory_peak": "size",
}
_OF_NAMES: dict[str, Unit] = {
    "duration": "time",
    "count": "count",
    "errors": "count",
    "total": "time",
    "self": "time",
    "mean": "time",
    "min": "time",
    "p50": "time",
    "p95": "time",
    "p99": "time",
    "max": "time",
}
_OF_RUNS: dict[str, Unit] = {"duration": "time", "count": "count", "errors": "count", "memory_peak": "size"}

MEASURES: dict[Kind, dict[str, Unit]] = {
    "cell": _OF_CELLS,
    "cells": _OF_CELLS,
    "name": _OF_NAMES,
    "names": _OF_NAMES,
    "run": _OF_RUNS,
}
"""What can be measured of what each selector chooses; the first is what is meant where none is named."""

SIGNED = frozenset(("memory_change",))
"""What can be less than nothing."""

EXAMPLES: dict[Unit, str] = {"time": "30s", "size": "2GB", "count": "100", "number": "4"}

MAX_INT = 2**63 - 1

_SIZES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_BY_LOWER = {name.lower(): bytes_ for name, bytes_ in _SIZES.items()}
_NUMBER = r"[0-9]{1,20}(?:_[0-9]{1,20}){0,9}(?:\.[0-9]{1,20})?|\.[0-9]{1,20}"
_AMOUNT = re.compile(rf"(-?)\s*({_NUMBER})\s*(\S.*)?", re.DOTALL)
_TIMES = ("d", "h", "min", "s", "ms", "us", "ns")


class ValueReadError(ValueError):
    """A value that its measure does not have; the text says what is wrong."""


def read_value(text: str, measure: str, unit: Unit) -> Number:
    """Return what a value means, in ns or bytes where the unit has them. Raises ValueReadError."""
    text = text.strip()
    if not text:
        raise ValueReadError(f"a value is missing behind the comparison, such as {EXAMPLES[unit]}")
    if text.endswith("%"):
        raise ValueReadError(
            f"a budget is no share of something: write what {measure} may be, such as {EXAMPLES[unit]}"
        )
    match = _AMOUNT.fullmatch(text)
    if match is None and not (unit == "time" and duration_ns(text) is not None):
        raise ValueReadError(f"{_shown(text)} is {_NO[unit]}")
    if text.startswith("-") and measure not in SIGNED:
        raise ValueReadError(f"{measure} is never less than nothing")
    if unit == "time":
        return _time(text, measure)
    assert match is not None
    sign, digits, behind = match.groups()
    amount = Decimal(digits.replace("_", "")) * (-1 if sign else 1)
    if unit == "size":
        return _size(amount, digits, behind, measure)
    if behind is not None:
        raise ValueReadError(f"{measure} is a plain number, without {_shown(behind)}")
    if unit == "count" and amount != amount.to_integral_value():
        raise ValueReadError(f"{measure} is a whole number")
    found = int(amount) if amount == amount.to_integral_value() else float(amount)
    return _bounded(found, text)


def written(value: Number, unit: Unit) -> str:
    """Return a value as it is typed, which read again is the same."""
    if unit == "time":
        name = next(each for each in _TIMES if value % UNITS[each] == 0)
        return f"{int(value) // UNITS[name]}{name}"
    if unit == "size":
        name = max((each for each in _SIZES if value % _SIZES[each] == 0), key=lambda each: _SIZES[each])
        return f"{int(value) // _SIZES[name]}{name}" if value else "0B"
    return f"{Decimal(repr(value)).normalize():f}"


def in_words(value: Number, unit: Unit) -> str:
    """Return a value as a person reads it."""
    if unit == "time":
        return duration(round(value))
    if unit == "size":
        return size(round(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 1_000 else f"{value:,.0f}"


_NO: dict[Unit, str] = {
    "time": "no duration. Write 100ms, 1.5s, 2min or 1h",
    "size": "no size. Write 500MB, 2GB or 1GiB",
    "count": "no number",
    "number": "no number",
}


def _time(text: str, measure: str) -> int:
    found = duration_ns(text.replace("_", ""))
    if found is not None:
        return found
    number = re.fullmatch(_NUMBER, text)
    if number:
        raise ValueReadError(f"durations have a unit. Did you mean {text}s or {text}ms?")
    if re.fullmatch(rf"(?:{_NUMBER})\s*m", text):
        raise ValueReadError("m is ambiguous: write min for minutes, ms for milliseconds")
    if re.fullmatch(rf"(?:{_NUMBER})\s*(\w+)", text) and _unit_of(text) in UNITS:
        raise ValueReadError(f"{_shown(text)} is more than 292 years")
    if _unit_of(text).lower() in _BY_LOWER:
        raise ValueReadError(f"{measure} is a duration, and {_shown(text)} a size")
    raise ValueReadError(f"{_shown(text)} is {_NO['time']}")


def _size(amount: Decimal, digits: str, behind: str | None, measure: str) -> int:
    if behind is None:
        if not amount:
            return 0
        raise ValueReadError(f"sizes have a unit. Did you mean {digits}MB or {digits}GB?")
    unit = _BY_LOWER.get(behind.strip().lower())
    if unit is None:
        if (meant := behind.strip().upper() + "B") in ("KB", "MB", "GB", "TB"):
            raise ValueReadError(
                f"{_shown(behind)} is no unit of sizes. Did you mean {digits}{meant.replace('K', 'k')}?"
            )
        if behind.strip() in UNITS:
            raise ValueReadError(f"{measure} is a size, and {_shown(digits + behind)} a duration")
        raise ValueReadError(f"{_shown(behind)} is no unit of sizes. Known: {', '.join(_SIZES)}")
    return int(_bounded(int((amount * unit).to_integral_value()), digits + behind))


def _bounded(value: Number, text: str) -> Number:
    if abs(value) > MAX_INT:
        raise ValueReadError(f"{_shown(text)} is more than 64 bits hold")
    return value


def _unit_of(text: str) -> str:
    return text.lstrip("-0123456789._ \t")


def _shown(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:39] + "…")
