"""The private directory of a kernel, into which the processes that work for it write what they record.

Enters: nothing. Leaves: a directory that nobody else may enter, made when it is first needed and gone with the kernel; of kernels
that died it is deleted by the next one. Its name cannot be guessed, and what is not ours is not read."""

from __future__ import annotations

import _thread
import errno
import os
import re
import stat
import time
from contextlib import suppress

from nbtrace.formats.journal.processes import is_there

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_OWNER = "owner"
_NAME = re.compile(r"nbtrace-(?P<uid>\d+)-(?P<pid>\d+)-[0-9a-f]{24}")
_YOUNG_S = 60.0
"""A directory that is younger than that is nobody's to delete: its kernel may be about to say that it is there."""


def _uid() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


class Home:
    """A directory, and whose it is."""

    def __init__(self, path: str, *, owner: bool) -> None:
        """`owner`: this process made it up, and deletes it."""
        self.path = path
        self._owner = os.getpid() if owner else 0
        self._made = False
        self._lock = -1

    @classmethod
    def new(cls) -> Home:
        """Return one with a name of its own; nothing is made yet."""
        name = f"nbtrace-{_uid()}-{os.getpid()}-{os.urandom(12).hex()}"
        return cls(os.path.join(_temporary(), name), owner=True)

    @property
    def owned(self) -> bool:
        """Whether it is this process that reads what others write here, and deletes it."""
        return self._owner == os.getpid()

    @property
    def made(self) -> bool:
        """Whether the directory is there: whoever works for the kernel may have made it."""
        return os.path.isdir(self.path)

    @property
    def vanished(self) -> bool:
        """Whether somebody has deleted what was made here."""
        return self._made and not self.made

    def make(self) -> None:
        """Make the directory where it is missing. Raises OSError where that cannot be done, or somebody else has it."""
        if self._made and self.made:
            return
        with suppress(FileExistsError):
            os.mkdir(self.path, 0o700)
        check(self.path)
        if self.owned:
            self._let_go()
            self._lock = os.open(self._file(_OWNER), os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            if fcntl is not None:
                with suppress(OSError):
                    fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(RuntimeError):  # no thread to be had
                _thread.start_new_thread(_delete_forsaken, ())
        self._made = True

    def remove(self) -> None:
        """Delete it, if it is this process's own."""
        if not self.owned:
            return
        self._let_go()
        self._made = False
        _delete(self.path)

    def _let_go(self) -> None:
        if self._lock >= 0:
            with suppress(OSError):
                os.close(self._lock)
            self._lock = -1

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name)


def _temporary() -> str:
    """Where temporary files go; without `tempfile`, which would remember it, and raises where there is none."""
    places = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    return next(
        (os.path.abspath(each) for each in (*places, "/tmp", os.getcwd()) if each and os.path.isdir(each)), os.sep
    )


def check(path: str) -> None:
    """Raise OSError unless a directory is a home by its name, and this user's alone."""
    if not _NAME.fullmatch(os.path.basename(path)):
        raise OSError(errno.EINVAL, "is no directory of nbtrace's", path)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or (
        hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o077)
    ):
        raise OSError(errno.EPERM, "is not a directory of this user alone", path)


def open_ours(path: str) -> int:
    """Open a file in a directory that has been checked, to read it. Raises OSError where it is no plain file of this user's: a
    pipe would keep whoever reads it for ever."""
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    file = os.open(path, flags)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
        os.close(file)
        raise OSError(errno.EPERM, "is not a file of this user's", path)
    return file


def _delete(path: str) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def _delete_forsaken() -> None:
    """Delete the directories of kernels that died."""
    with suppress(OSError), os.scandir(_temporary()) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            with suppress(OSError):
                check(entry.path)
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _YOUNG_S and not _is_held(
                    entry.path, int(match["pid"])
                ):
                    _delete(entry.path)


def _is_held(path: str, pid: int) -> bool:
    """Whether the kernel whose directory it is still runs, as far as the system tells."""
    if fcntl is None:
        return is_there(pid)
    try:
        file = open_ours(os.path.join(path, _OWNER))
    except FileNotFoundError:  # only a child of the kernel has been here so far
        return is_there(pid)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
