"""Stacks of calls as a tree: what many samples have in common is there once.

Enters: frames, from the outermost to the innermost. Leaves: `Stack`, the innermost with its callers above it. A sample holds its
stack itself, as a row holds its origin: a number would need a table, and mean nothing in another process."""

from __future__ import annotations

from collections.abc import Iterator

MAX_DEPTH = 200
"""Frames kept of one stack: the outer half and the inner half; between them stands how many were left out."""

CUT = "frames left out"
"""How the function of the frame that stands for those left out ends."""


class Stack:
    """A frame, called by those above it. Equal only to itself: who wants to find one again asks the one above for it."""

    __slots__ = ("above", "below", "file", "first_line", "function", "line")

    def __init__(self, above: Stack | None, function: str, file: str, line: int, first_line: int) -> None:
        self.above = above
        self.function = function
        """As its code calls it: `Model.fit`, `<module>`, `load.<locals>.<lambda>`."""
        self.file = file
        """The file as which its code was compiled, which of a cell is no file."""
        self.line = line
        """The line that runs, 0 where none is known."""
        self.first_line = first_line
        """The line at which the function begins."""
        self.below: dict[tuple[str, str, int, int], Stack] = {}

    def call(self, function: str, file: str, line: int, first_line: int) -> Stack:
        """Return the frame that was called from here."""
        key = (function, file, line, first_line)
        found = self.below.get(key)
        return self.below.setdefault(key, Stack(self, *key)) if found is None else found

    def outwards(self) -> Iterator[Stack]:
        """Give this frame and those above it; the root, which is no frame, is not among them."""
        at = self
        while at.above is not None:
            yield at
            at = at.above


def root() -> Stack:
    """Return what the outermost frames are called from."""
    return Stack(None, "", "", 0, 0)
