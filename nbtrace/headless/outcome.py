"""How a run of a notebook has ended, cell by cell.

Enters: nothing. Leaves: what the summary, JUnit and the exit status are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Ending = Literal["fine", "failed", "lost", "interrupted"]
"""All cells ran; a cell failed; the kernel did not start, died or hung; somebody stopped it."""


@dataclass(slots=True)
class CellRun:
    """A code cell of the notebook."""

    index: int
    """Its place among all cells of the notebook, from 0."""
    source: str
    execution_count: int | None = None
    began: bool = False
    seconds: float | None = None
    """How long it took, as it was seen from outside; None if it has not ended."""
    error: str = ""
    """The class and the message of the exception that ended the notebook here."""
    traceback: str = ""
    """Without terminal codes."""


@dataclass(slots=True)
class Outcome:
    """How a run has ended."""

    ending: Ending
    kind: str = ""
    """What kind of error it was; "" where all is well."""
    said: str = ""
    """What is said of it, in a sentence or two; "" where all is well."""
    cells: list[CellRun] = field(default_factory=list)
    log: str = ""
    """What the kernel has written beside its outputs, if it was lost."""
    signal: int = 0
    """Which signal stopped it."""
