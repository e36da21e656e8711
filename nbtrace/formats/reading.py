"""What reading a file gives, and what is said of one that cannot be read.

Enters: nothing. Leaves: the names that all formats share."""

from __future__ import annotations

from dataclasses import dataclass

from nbtrace.store.span_store import Snapshot


class UnknownFormatError(ValueError):
    """A path whose suffix is that of no format."""


class UnreadableFileError(ValueError):
    """A file that is not what its name says, or of which nothing can be read."""


class PartlyReadWarning(UserWarning):
    """Parts of a file could not be read; the others were."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds, as the process that wrote it counted its cells: see `Snapshot.from_elsewhere`."""

    snapshot: Snapshot
    unread: tuple[str, ...] = ()
    """What could not be read, with numbers and places: "3 of 120 lines are no JSON, the first of them line 17"."""
