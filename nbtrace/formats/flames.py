"""What a profile is in a file: named frames, stacks of them, and for how long each stack was seen.

Enters: nothing. Leaves: `Flames`, which analysis/profiles/flames.py makes of samples and speedscope.py and folded.py write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DIRECTIONS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class Frame(NamedTuple):
    """A frame as a person reads it."""

    name: str
    file: str = ""
    """"" where there is none; of a cell's code the cell, as cell [4]."""
    line: int = 0
    """From 1; 0 where none is known."""


@dataclass(frozen=True, slots=True)
class Flame:
    """What was seen of one cell, or of a program."""

    name: str
    stacks: list[int]
    """Places in `Flames.stacks`: a thread after the other, each in the order of time. No two neighbours are the same."""
    weights: list[int]
    """For how long, in ns, each more than 0; as many as `stacks`."""


@dataclass(frozen=True, slots=True)
class Flames:
    """Several, which share their frames."""

    frames: list[Frame]
    stacks: list[tuple[int, ...]]
    """Places in `frames`, the outermost first; none is empty."""
    parts: list[Flame]
    """In the order in which the cells ran."""


def harmless(text: str) -> str:
    """Return a name as one line that is what it seems: hostile code has control characters and marks of direction in its names.
    Never empty."""
    if not text.isprintable():
        text = _SURROGATES.sub("\ufffd", _DIRECTIONS.sub("", _CONTROLS.sub(" ", text)))
    return text.strip() or "?"
