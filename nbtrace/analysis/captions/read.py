"""Attributes as conventions mean them, whatever stands there: a text, a number, or nothing.

Enters: the attributes of a span. Leaves: short texts on one line, and numbers that are ones. Never raises.

Attributes come from anybody: a key may hold a value of another type, megabytes, or what no terminal should be sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Attributes = Mapping[str, Any]

MAX_PART = 120
"""Characters of one part of a caption: a path, a table, a model."""

_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Said:
    """What a convention makes of a span."""

    head: str
    """What it did, and to what: `GET /users 500`; "" where only `rest` is known."""
    rest: str = ""
    """How much of it: tokens, rows, cost."""
    known: tuple[str, ...] = ()
    """Values that say no more than `head` does: a name made of them is no name of its own."""
    told: tuple[str, ...] = ()
    """Keys of which all is said."""


def text(attributes: Attributes, *keys: str) -> str:
    """Return the first of these that is a text, on one line and cut; "" where none is."""
    for key in keys:
        item = attributes.get(key)
        if isinstance(item, str) and (line := one_line(item)):
            return line
    return ""


def one_line(item: str, most: int = MAX_PART) -> str:
    """Return a text on one line, cut."""
    line = " ".join(item[: 4 * most].split())
    return line if len(line) <= most else line[: most - 1] + "…"


def number(attributes: Attributes, *keys: str) -> float | None:
    """Return the first of these that is a number of something, be it written as a text; None where none is."""
    for key in keys:
        item = attributes.get(key)
        if isinstance(item, str) and 0 < len(item) < 20:
            try:
                item = float(item)
            except ValueError:
                continue
        if isinstance(item, (int, float)) and not isinstance(item, bool) and 0 <= item < _LARGEST:
            return item
    return None


def whole(attributes: Attributes, *keys: str) -> int | None:
    """Return the first of these that is a whole number; None where none is."""
    found = number(attributes, *keys)
    return int(found) if found is not None and found == math.floor(found) else None


def unpacked(attributes: Attributes, key: str) -> dict[str, Any]:
    """Return the object that stands at a key as JSON, or as a map; an empty one for anything else."""
    item = attributes.get(key)
    if isinstance(item, str) and len(item) < 10_000:
        try:
            item = json.loads(item)
        except (ValueError, RecursionError):
            return {}
    return item if isinstance(item, dict) else {}
