"""How durations, values and hostile text are written for people; the same in plain text and in HTML."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_BIDI = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def duration(ns: int | None) -> str:
    """Write a duration with three significant digits: 850 ns, 12.3 µs, 1.20 s, 2 min 05 s; "running" for None."""
    if ns is None:
        return "running"
    if ns < 0:
        return "-" + duration(-ns)
    if ns < 1_000:
        return f"{ns} ns"
    for size, unit, below in ((1e3, "µs", 999.5e3), (1e6, "ms", 999.5e6), (1e9, "s", 59.95e9)):
        if ns < below:
            number = ns / size
            return f"{number:.{2 if number < 9.995 else 1 if number < 99.95 else 0}f} {unit}"
    seconds = round(ns / 1e9)
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    minutes = seconds // 60
    return f"{minutes // 60} h {minutes % 60:02} min"


def plain(text: object, limit: int = 0) -> str:
    """Return one line of text without terminal codes, direction marks and control characters, cut at `limit`."""
    line = _ANSI.sub("", str(text)).translate(_BIDI)
    line = "".join(_visible(char) for char in line) if not line.isprintable() else line
    return line if not limit or len(line) <= limit else line[: limit - 1] + "…"


def _visible(char: str) -> str:
    if char in "\n\r\t\v\f":
        return " "
    if unicodedata.category(char) in ("Cc", "Cs"):
        return "\ufffd"
    return char


def value(item: Any, limit: int = 60) -> str:
    """Write an attribute's value: text that could be taken for something else in quotes, numbers short."""
    if isinstance(item, str):
        line = plain(item, limit)
        return line if line and not re.search(r"[\s=\"']", line) else f'"{line}"'
    if isinstance(item, float):
        return f"{item:.6g}"
    return plain(item, limit)


def count(number: int, noun: str, plural: str = "") -> str:
    """Write "1 span", "2 spans"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
