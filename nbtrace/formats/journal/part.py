"""One file of a journal: lines are appended, each whole or not at all, by any thread, and without a lock.

Enters: lines. Leaves: a file that holds them, whatever becomes of the process: what is written into a mapped page is the system's
affair from then on. A loss of power is another thing: nothing here waits for a disk."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path

from nbtrace.formats.journal.processes import lock

MAPPED = hasattr(os, "posix_fallocate") and hasattr(mmap, "MAP_SHARED")
"""Whether files are mapped. Without blocks of its own a mapped page has none to go to on a full disk, and the process is killed
for it: where they cannot be had in advance, each line is a write."""

_LOOKED_AT = 65_536


class Part:
    """A file that is being written. It holds `length` bytes at most; behind the last line stand zeros until it is closed."""

    def __init__(self, path: Path, length: int) -> None:
        """Make the file, which must not be there. Raises OSError where it cannot be made, or has no room on the disk."""
        self.path = path
        self.length = length
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(path, flags, 0o600)
        self._written = 0
        self._map: mmap.mmap | None = None
        try:
            if MAPPED:
                os.posix_fallocate(self._file, 0, length)
                self._map = mmap.mmap(self._file, length)
            self.write: Callable[[bytes], object] = self._append if self._map is None else self._map.write
            """Append a line. Raises ValueError where it does not fit, or the part is closed."""
            # One call of C that holds the interpreter's lock: it copies and moves on, and nobody comes in between.
            self._inode = os.fstat(self._file).st_ino
            lock(self._file)
        except BaseException:
            os.close(self._file)
            path.unlink(missing_ok=True)
            raise

    def _append(self, line: bytes) -> None:
        if self._file < 0 or self._written + len(line) > self.length:
            raise ValueError("no room")
        self._written += len(line)
        os.write(self._file, line)

    @property
    def used(self) -> int:
        """How many bytes have been written."""
        return self._written if self._map is None or self._map.closed else self._map.tell()

    def is_whole(self) -> bool:
        """Whether the file is still there and as long as it was made: somebody may have deleted or emptied it."""
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return found.st_ino == self._inode and found.st_size >= (
            self.length if self._map is not None else self._written
        )

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._file >= 0

    def rename(self, path: Path) -> None:
        """Give the file another name, in the place of what has it."""
        os.replace(self.path, path)
        self.path = path

    def close(self) -> None:
        """Write no more, and cut off what was not needed. Who writes at this very moment is in the file, or is refused."""
        if self._file < 0:
            return
        if self._map is not None:
            at = self._written = self._map.tell()
            self._map.close()
            # What came between these two lines stands behind.
            while piece := os.pread(self._file, _LOOKED_AT, at):
                end = piece.find(b"\0")
                at += len(piece) if end < 0 else end
                if end >= 0:
                    break
            self._written = at
            if os.fstat(self._file).st_size > at:
                os.ftruncate(self._file, at)
        file, self._file = self._file, -1
        os.close(file)

    def abandon(self) -> None:
        """In a forked child: write no more, and leave the file to the parent."""
        if self._map is not None:
            self._map.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
