"""The colours of names, for every language that draws.

`python -m tests.vectors.colours` writes colours.json: the colour of cells and the others on light ground, and names with the
number of their colour, 0 for cells."""

from __future__ import annotations

from pathlib import Path

from nbtrace.views.colours import CELL, HUES, colour, hue
from tests.vectors.files import lines

FILE = Path(__file__).with_suffix(".json")

NAMES = [
    "",
    "load",
    "query",
    "GET /users/{id}",
    "cell [3] x = 1",
    "cell [] x",
    "cell [x]",
    "a cell [3]",
    "cell [\u0663]",
]
NAMES += ["größe", "東京", "🎉", "\x00", "x" * 300, *(f"step {number}" for number in range(40))]


def written() -> str:
    """The file as it should be."""
    return lines({"palette": [CELL, *HUES], "names": [[name, hue(name), colour(name)] for name in NAMES]})


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
