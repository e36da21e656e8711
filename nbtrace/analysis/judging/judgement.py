"""What was found when a budget, or a limit of change, was held against a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_NAMED = 3
"""So many of what is over a budget are named."""

MAX_LABEL = 60
"""Characters of the name of a span or a cell."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One budget or limit, judged."""

    typed: str
    """The budget or the limit as somebody typed it."""
    kept: bool
    said: str
    """One line with the numbers. Names in it are as spans have them: what shows it makes them plain."""
    unclear: bool = False
    """Whether it counts as kept only because runs are too few, or differ too much, to tell."""


def named(things: Sequence[str]) -> str:
    """Return the first few of these, each once, and how many more there are."""
    things = list(dict.fromkeys(things))
    more = len(things) - MAX_NAMED
    return "; ".join([*things[:MAX_NAMED], *([f"and {more:,} more"] if more > 0 else [])])


def label(name: str) -> str:
    """Return a name in one line, cut where it is long."""
    line = " ".join(name.split()) if len(name) < 10_000 else " ".join(name[:10_000].split())
    return line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 1] + "…"
