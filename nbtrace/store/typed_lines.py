"""Which line of a cell as it was typed each line of its code comes from: IPython drops blank lines at the top and puts magics
in other words before it compiles.

Enters: both texts. Leaves: line numbers."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

_COMPARED = 2_000
"""Longer cells of which magics have changed the number of lines are not compared line by line: that takes their square."""


def typed_lines(typed: str, compiled: Sequence[str]) -> tuple[int, ...] | None:
    """Return for each line of the code that was compiled the line that was typed, from 1; None if they are the same."""
    lines = typed.split("\n")
    blank = next((at for at, line in enumerate(lines) if line.strip()), 0)
    theirs = [line.rstrip("\r\n") for line in compiled]
    while theirs and not theirs[-1].strip():
        theirs.pop()
    ours = lines[blank:]
    while ours and not ours[-1].strip():
        ours.pop()
    if len(ours) == len(theirs) or len(ours) > _COMPARED:
        return None if blank == 0 else tuple(range(1 + blank, 1 + blank + len(compiled)))
    found: list[int] = []
    # What is left of a magic over several lines stands for the first of them.
    matcher = SequenceMatcher(None, [line.strip() for line in ours], [line.strip() for line in theirs], autojunk=False)
    for _, our_first, our_end, their_first, their_end in matcher.get_opcodes():
        last = max(our_first, our_end - 1)
        found += [min(our_first + step, last) + 1 + blank for step in range(their_end - their_first)]
    end = found[-1] if found else 1
    return tuple(found + [end] * (len(compiled) - len(found)))
