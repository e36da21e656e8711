"""How durations, values and hostile text are written for people; the same in plain text and in HTML."""

from __future__ import annotations

import re
import shlex
import unicodedata
from typing import Any

# What judges says its numbers in these words too, and lies below.
from nbtrace.analysis.amounts import change as change
from nbtrace.analysis.amounts import count as count
from nbtrace.analysis.amounts import duration as duration
from nbtrace.analysis.amounts import growth as growth
from nbtrace.analysis.amounts import ratio as ratio
from nbtrace.analysis.amounts import share as share
from nbtrace.analysis.amounts import size as size

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_BIDI = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def width(text: str) -> int:
    """Return how many columns a line takes in a terminal: characters of East Asian scripts and pictures take two, marks that
    are set over others none."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cut(text: str, columns: int) -> str:
    """Return the text, cut with an ellipsis where it takes more columns."""
    if width(text) <= columns:
        return text
    taken, found = 0, []
    for char in text:
        taken += _columns(char)
        if taken > columns - 1:
            break
        found.append(char)
    return "".join(found) + "…"


def without_codes(text: str) -> str:
    """Return a text without terminal codes and direction marks; its lines stay."""
    return _ANSI.sub("", text).translate(_BIDI)


def plain(text: object, limit: int = 0) -> str:
    """Return one line of text without terminal codes, direction marks and control characters, cut at `limit`."""
    whole = str(text)
    # Of a page a line needs no more, whatever codes stand in it.
    line = without_codes(whole[: 4 * limit] if limit else whole)
    line = "".join(_visible(char) for char in line) if not line.isprintable() else line
    return line if not limit or len(line) <= limit else line[: limit - 1] + "…"


def _visible(char: str) -> str:
    if char in "\n\r\t\v\f":
        return " "
    if unicodedata.category(char) in ("Cc", "Cs"):
        return "\ufffd"
    return char


def typed(text: str) -> str:
    """Return a text as one types it in a shell: in quotes where it needs them, and in one line whatever it contains."""
    if not text.isprintable():
        found = (each if each.isprintable() else f"\\U{ord(each):08x}" for each in text.replace("\\", "\\\\"))
        return "$'" + "".join(found).replace("'", "\\'") + "'"
    if "'" in text and not re.search(r'["$`\\!]', text):
        return f'"{text}"'
    return shlex.quote(text)


def value(item: Any, limit: int = 60) -> str:
    """Write an attribute's value: text that could be taken for something else in quotes, numbers short."""
    if isinstance(item, str):
        line = plain(item, limit)
        return line if line and not re.search(r"[\s=\"']", line) else f'"{line}"'
    if isinstance(item, float):
        return f"{item:.6g}"
    return plain(item, limit)
