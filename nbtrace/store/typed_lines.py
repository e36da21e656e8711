"""Which lines of a cell a statement has, and from which line that was typed each line of its code comes: IPython drops blank
lines at the top and puts magics in other words before it compiles.

Enters: code, and both texts. Leaves: line numbers."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from types import CodeType

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


def lines_of(code: CodeType) -> tuple[int, int]:
    """Return the first and the last line of a statement, in the cell as it was compiled."""
    # Entries of no width are of the frame that IPython puts around a cell that awaits.
    # Nothing is kept of them on the way: the collector is not to work in the thread that asks, and code has up to millions.
    first_line = last_line = 0
    for first, last, left, right in code.co_positions():
        if first and last and not (first == last and left == right):
            if first < first_line or not first_line:
                first_line = first
            if last > last_line:
                last_line = last
    for constant in code.co_consts:
        if isinstance(constant, CodeType):  # a function's body, which its `def` does not run, too
            first, last = lines_of(constant)
            first_line, last_line = min(first, first_line or first), max(last, last_line)
    return (first_line, last_line) if first_line else (code.co_firstlineno, code.co_firstlineno)
