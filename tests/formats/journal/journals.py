"""Journals for tests: written by a store that nothing else writes into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbtrace.formats.journal.files import parts
from nbtrace.formats.journal.journal import Journal
from nbtrace.formats.journal.reader import read_journal
from nbtrace.recording import Recording, from_elsewhere
from nbtrace.store.rows import tell
from nbtrace.store.schema import RUNNING, Row
from nbtrace.store.span_store import SpanStore


class Journalled:
    """A store with a journal: what is said to it is in both."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.path = folder / "run.journal"
        self.store = SpanStore(**options)
        self.running: list[Row] = []
        self.store.sources[self] = lambda: list(self.running)
        self.journal = Journal(self.store, self.path)

    def start(self, row: Row) -> None:
        """A span starts: `row` is as it will be when it has ended."""
        begun = (*row[:6], RUNNING, 0, *row[8:11], None, *row[12:])
        self.running.append(begun)
        tell(self.store.starts, begun)

    def end(self, row: Row) -> None:
        self.running = [each for each in self.running if each[1] != row[1]]
        self.store.append(row)

    def read(self) -> Recording:
        """What somebody who comes later finds."""
        loaded = read_journal(self.path)
        assert loaded.unread == ()
        return from_elsewhere(loaded.snapshot)

    def bytes(self) -> bytes:
        """All that stands on the disk."""
        return b"".join(each.read_bytes() for each in self.path.parent.iterdir() if each.is_file())

    def part_names(self) -> list[str]:
        return [each.name for each in parts(self.path)]


@contextmanager
def journalled(folder: Path, **options: Any) -> Iterator[Journalled]:
    """A journal that is being written."""
    made = Journalled(folder, **options)
    made.journal.start()
    try:
        yield made
    finally:
        made.journal.stop()
