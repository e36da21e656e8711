"""What was to be run, and what has come of it.

Enters: whoever runs it fills it in. Leaves: what the summary, JUnit and judgements are made of. Knows no way to run notebooks, so
that nobody needs nbclient to look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrace.headless.outcome import Outcome
from nbtrace.headless.places import Places
from nbtrace.recording import Recording


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run."""

    path: Path
    """The notebook; of a command that runs some by itself, its name."""
    notebook: Any
    """As nbformat has it; None for a command."""
    kernel: str
    places: Places
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    """For each cell."""


@dataclass(slots=True)
class Ran:
    """What has been run, and is kept."""

    job: Job
    outcome: Outcome
    recording: Recording
    duration_ns: int
    kept: dict[str, Path] = field(default_factory=dict)
    """What has been written: "notebook", "recording", "report", or "journal" where the recording could not be."""
    problems: list[str] = field(default_factory=list)
    """What could not be written or read, a sentence each."""
    notes: list[str] = field(default_factory=list)
    """What else is worth knowing, likewise."""

    def write(self, name: str, path: str | Path, write: Callable[[], object]) -> bool:
        """Have `write` write a file, and note that it is there, or why it is not: what cannot be written keeps nothing else from
        being written."""
        try:
            write()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.problems.append(f"the {name} could not be written to {str(path)!r}: {reason.rstrip('.')}.")
            return False
        self.kept[name] = Path(path)
        return True
