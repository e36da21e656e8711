"""What one process has left in its spool is read, from where the last reading ended.

Enters: the files of a process, which may be writing. Leaves: rows, as spans end; what has not ended is known, and is unfinished
once the process is gone. What has been read is deleted. A line that is being written does not count yet."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from nbtrace.formats.journal.files import part
from nbtrace.formats.journal.line_reader import LineReader
from nbtrace.formats.journal.part import is_written
from nbtrace.formats.journal.processes import is_there
from nbtrace.formats.spool.end_slot import read_end
from nbtrace.formats.spool.home import open_ours
from nbtrace.store import semconv
from nbtrace.store.schema import RUNNING, Row, RowFields

_BLOCK = 262_144
_PEEK = 4_096
_LONGEST = 64_000_000

_END, _ORIGIN = map(RowFields._fields.index, ("end_ns", "origin"))


class SpoolReader:
    """Reads the spool of one process."""

    def __init__(self, lines: LineReader) -> None:
        self._lines = lines
        self._part = 0
        """Number of the part that is being read."""
        self._at = 0
        self._rest = b""
        self.bad = 0
        """How many lines could not be read."""

    @property
    def lost(self) -> int:
        """How many lines were not written, or are in parts that went before they were read."""
        return self._lines.lost

    def running_rows(self) -> list[Row]:
        """Return the rows of what has not ended, as running."""
        return [(*row[:_END], RUNNING, *row[_END + 1 :]) for row in self._lines.open.copy().values()]

    def read(self, pid: int, parts: dict[int, str], slot: str) -> bool:
        """Read what is new, and delete what has been read. Return whether the process is gone, and with it all that there was.

        parts: paths by number, at least one; slot: the path of the file that says when the last task ended."""
        gone = False
        # Asked before reading: what a process wrote before it was seen to be gone is all that it ever will.
        silent = _none_is_written(parts)
        # It may have gone on in further parts since they were listed, and write there, or have been ended after that.
        while silent and (asked := _further(parts)):
            parts = parts | asked
            silent = _none_is_written(asked)
        for number in sorted(parts):
            if number < self._part:
                continue
            if number > self._part:
                self._begin(number)
            closed = self._read_part(parts[number])
            # It has locked its file before it says who it is.
            gone = silent and (bool(self._lines.heads) or not is_there(pid))
            if not gone and (number == max(parts) or not closed):
                break
            with suppress(OSError):
                os.unlink(parts[number])
            self._part = number + 1
            self._at, self._rest = 0, b""
            self._lines.begin_part()
        self._end_task(slot)
        if gone:
            self.give_up()
            with suppress(OSError):
                os.unlink(slot)
        return gone

    def give_up(self) -> None:
        """Nobody is left who would tell more: what has not ended is unfinished."""
        self._lines.give_up()

    def _begin(self, number: int) -> None:
        if self._part:
            self._lines.lost += 1  # the bound has taken parts before they were read; how long they were nobody knows
        self._part, self._at, self._rest = number, 0, b""
        self._lines.begin_part()

    def _read_part(self, path: str) -> bool:
        """Read what is new in a part; return whether nothing more will come in it."""
        try:
            file = open_ours(path)
        except OSError:
            return True
        try:
            length = _PEEK
            while block := os.pread(file, length, self._at + len(self._rest)):
                end = block.find(b"\0")
                whole, newline, rest = (self._rest + (block if end < 0 else block[:end])).rpartition(b"\n")
                if newline:
                    self.bad += self._lines.read_all(whole.split(b"\n"))
                self._at += len(whole) + len(newline)
                self._rest = rest
                if end >= 0:
                    self._rest = b""  # what is being written is read again when it is whole
                    return False
                if len(rest) > _LONGEST:
                    return True
                length = _BLOCK
            return self._at + len(self._rest) >= os.fstat(file).st_size
        finally:
            os.close(file)

    def _end_task(self, slot: str) -> None:
        """End the last task by what its slot says, if it has ended and its worker has not begun another."""
        if not any(row[_ORIGIN].scope_name == semconv.TASK_SCOPE for row in self._lines.open.values()):
            return
        with suppress(OSError):
            if (found := read_end(slot)) is not None:
                self._lines.end_open(*found)


def _none_is_written(parts: dict[int, str]) -> bool:
    return not any(is_written(Path(path)) for path in parts.values())


def _further(parts: dict[int, str]) -> dict[int, str]:
    """The parts that have come since."""
    first = min(parts)
    journal = Path(parts[first] if first == 1 else parts[first].removesuffix(f".{first}"))
    found: dict[int, str] = {}
    number = max(parts) + 1
    while (path := part(journal, number)).exists():
        found[number] = str(path)
        number += 1
    return found
