"""Attributes as conventions mean them, whatever stands there: a text, a number, or nothing.

Enters: the attributes of a span. Leaves: short texts on one line, and numbers that are ones. Never raises.

Attributes come from anybody: a key may hold a value of another type, megabytes, or what no terminal should be sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

Attributes = Mapping[str, Any]

MAX_PART = 120
"""Characters of one part of a caption: a path, a table, a model."""

_LARGEST = 2**53


def text(attributes: Attributes, *keys: str) -> str:
    """Return the first of these that is a text, on one line and cut; "" where none is."""
    for key in keys:
        item = attributes.get(key)
        if isinstance(item, str) and (line := one_line(_unquoted(item))):
            return line
    return ""


def _unquoted(item: str) -> str:
    """MLflow writes each attribute as JSON: a text stands in quotes."""
    if item[:1] != '"' or item[-1:] != '"' or len(item) > 4 * MAX_PART:
        return item
    try:
        found = json.loads(item)
    except ValueError:
        return item
    return found if isinstance(found, str) else item


def one_line(item: str, most: int = MAX_PART) -> str:
    """Return a text on one line, cut. What JSON may hold and no text that is written is its escape: `\\ud800`."""
    line = " ".join(item[: 4 * most].encode("utf-8", "backslashreplace").decode("utf-8").split())
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
