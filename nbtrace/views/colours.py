"""The colour of a span: its name's, wherever spans are drawn. frontend/src/engine/colour.ts says the same for a browser, where of
names that share one the later give way."""

from __future__ import annotations

import re
import zlib

CELL = "#cfd4da"
"""Cells, whose names are another each time."""

HUES = ("#8ecae6", "#f4c77b", "#8fd3b6", "#e3b1cd", "#b9c6f2", "#d9d27a", "#a9d8d8", "#d8c3a5")
"""After Okabe and Ito: people of any colour vision can tell them apart, and black text can be read on all."""

_CELL_NAME = re.compile(r"cell \[\d*\]", re.ASCII)


def hue(name: str) -> int:
    """Return the number of a name's colour: 0 for a cell, else 1 up to the number of `HUES`."""
    if _CELL_NAME.match(name):
        return 0
    return 1 + zlib.crc32(name.encode("utf-8", "replace")) % len(HUES)


def colour(name: str) -> str:
    """Return the colour of a name on light ground, as #rrggbb."""
    number = hue(name)
    return HUES[number - 1] if number else CELL
