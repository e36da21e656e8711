"""What a cell that runs was doing when it was last looked at.

Enters: `Now`, from the thread that looks. Leaves: the same, for whoever asks while the kernel answers nobody. Each look puts a
new one in the place of the last, in one step: who reads sees one moment."""

from __future__ import annotations

from typing import NamedTuple


class Now(NamedTuple):
    """What a cell was doing at a moment. Lines are those of the cell as it was compiled."""

    first_line: int
    last_line: int
    """Of the statement that runs."""
    begun_ns: int
    """When that began, in ns since the epoch."""
    line: int
    """The innermost line of the cell's own code."""
    timed_line: int
    """The line within what %%time runs, from 1; 0 where that is not it."""
    since_ns: int
    """When it was first seen on this line since it was last seen on another, or since the statement began."""
    seen_ns: int
    """When it was looked at: while code holds the interpreter's lock nobody can look."""
    function: str
    """What runs, as its code calls it; `<module>` for the cell's own lines."""
    file: str
    """The file as which that was compiled."""
