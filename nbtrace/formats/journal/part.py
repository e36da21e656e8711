"""One file of a journal: lines are appended, each whole or not at all, by any thread, and without a lock.

Enters: lines. Leaves: a file that holds them, whatever becomes of the process: what is written into a mapped page is the system's
affair from then on. A loss of power is another thing: nothing here waits for a disk."""

from __future__ import annotations

import errno
import mmap
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MAPPED = hasattr(os, "posix_fallocate") and hasattr(mmap, "MAP_SHARED")
"""Whether files are mapped. Without blocks of its own a mapped page has none to go to on a full disk, and the process is killed
for it: where they cannot be had in advance, each line is a write."""

_CANNOT = (errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV, errno.EINVAL)
"""What file systems say that know no blocks in advance, or no shared pages."""

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
        self.trouble: OSError | None = None
        """Why it takes nothing more, if not for being full."""
        self._map: mmap.mmap | None = None
        try:
            if MAPPED:
                try:
                    os.posix_fallocate(self._file, 0, length)
                    self._map = _mapped(self._file, length)
                except OSError as error:
                    if error.errno not in _CANNOT:
                        raise
                    os.ftruncate(self._file, 0)
            self.write: Callable[[bytes], object] = self._append if self._map is None else self._map.write
            """Append a line. Raises ValueError where it does not fit, or the part is closed."""
            # One call of C that holds the interpreter's lock: it copies and moves on, and nobody comes in between.
            _lock(self._file)
            self._identity = _identity(os.fstat(self._file))
        except BaseException:
            os.close(self._file)
            path.unlink(missing_ok=True)
            raise

    def _append(self, line: bytes) -> None:
        if self._file < 0 or self._written + len(line) > self.length:
            raise ValueError("no room")
        if self.trouble is not None or not self._is_ours():
            raise ValueError("no room")
        self._written += len(line)
        try:
            written = os.write(self._file, line)
            if written < len(line):
                os.write(self._file, line[written:])
        except OSError as error:
            self.trouble = error
            raise ValueError("no room") from error

    def _is_ours(self) -> bool:
        """Whether the descriptor is still the file's: who closes all that there are may get its number for another file."""
        try:
            return self._file >= 0 and _identity(os.fstat(self._file)) == self._identity
        except OSError:
            return False

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
        return _identity(found) == self._identity and found.st_size >= (
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
            if not self._is_ours():
                self._cut_by_name(at)
                self._file = -1
                return
            # What came between these two lines stands behind.
            while piece := os.pread(self._file, _LOOKED_AT, at):
                end = piece.find(b"\0")
                at += len(piece) if end < 0 else end
                if end >= 0:
                    break
            self._written = at
            if os.fstat(self._file).st_size > at:
                os.ftruncate(self._file, at)
        file, is_ours, self._file = self._file, self._is_ours(), -1
        if is_ours:
            os.close(file)

    def _cut_by_name(self, at: int) -> None:
        with suppress(OSError):
            if _identity(os.stat(self.path)) == self._identity:
                os.truncate(self.path, at)

    def abandon(self) -> None:
        """In a forked child: write no more, and leave the file to the parent."""
        if self._map is not None:
            self._map.close()
        file, is_ours, self._file = self._file, self._is_ours(), -1
        if is_ours:
            os.close(file)


def is_written(path: Path) -> bool:
    """Whether somebody has the file open to write it, as far as the system tells: of whatever process, in whatever container."""
    if fcntl is None:
        return False
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # some network file systems have no locks
        return False
    return False


def _lock(file: int) -> None:
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _mapped(file: int, length: int) -> mmap.mmap:
    if sys.version_info >= (3, 13):
        # Without a descriptor of its own, which it would close even when that has become somebody else's.
        return mmap.mmap(file, length, trackfd=False)
    return mmap.mmap(file, length)
