"""Files that a run is going to write, so that two runs at once do not write one.

Enters: paths. Leaves: locks, held until the process ends. They lie in the system's temporary folder, nothing beside the files.
A run on another machine does not see them."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: nobody is kept from writing what another writes
    fcntl = None  # type: ignore[assignment]


class ClaimedError(OSError):
    """Another run is going to write this file."""


class Claims:
    """The claims of this process."""

    def __init__(self) -> None:
        self._held: list[IO[str]] = []

    def claim(self, path: Path, option: str) -> None:
        """Claim a file; raise ClaimedError if another run has, or this one. `option` is what gives the file another name."""
        if fcntl is None:
            return
        name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]
        lock = open(_folder() / f"{name}.lock", "a+", encoding="utf-8")  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            process = lock.read(20).strip() or "of another user"
            lock.close()
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN):
                return  # a file system without locks
            raise ClaimedError(
                f"{str(path)!r} is being written by another run (process {process}). Name another file with {option}."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._held.append(lock)

    def release(self) -> None:
        """Give them back."""
        for lock in self._held:
            lock.close()
        self._held.clear()


def _folder() -> Path:
    whose = os.getuid() if hasattr(os, "getuid") else "us"
    folder = Path(tempfile.gettempdir()) / f"nbtrace-{whose}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
