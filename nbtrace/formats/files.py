"""How a file comes to be whole or not at all, and what is said of names that no file can have.

Enters: a path, and who writes. Leaves: a file."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, write: Callable[[BinaryIO], None], *, mode: int = 0o666) -> None:
    """Have `write` write a file. Whatever happens meanwhile, it is either what it was or all of the new one: others never
    see half of it, and no other file is left, but by a process that is killed: a hidden one beside it. A link is followed; a pipe
    or a device is written into. A new file has this mode, less the umask. Raises OSError where the folder is not there, or where
    it or the file must not be written to."""
    check_name(path)
    target = Path(os.path.realpath(path))  # through a link, not in its place
    if not target.parent.is_dir():
        told = f"there is no folder {str(target.parent)!r}; make it, or save elsewhere."
        raise FileNotFoundError(told + at_home(path, "save"))
    try:
        old = os.lstat(target)
    except FileNotFoundError:
        old = None
    if old is not None and stat.S_ISDIR(old.st_mode):
        inside = str(target / f"run{''.join(target.suffixes)}")
        raise IsADirectoryError(f"{str(target)!r} is a folder; save({inside!r}) writes into it.")
    if old is not None and stat.S_ISLNK(old.st_mode):
        raise OSError(errno.ELOOP, "the link leads back to itself", str(path))
    if old is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file must not be written to; save elsewhere", str(target))
    try:
        if old is not None and not stat.S_ISREG(old.st_mode):
            with open(target, "wb") as file:
                write(file)
        else:
            _replace(target, old, write, mode)
    except OSError as error:
        if error.errno is not None:  # else it is a sentence of a library's, which a name would blot out
            # A person knows the name that was typed, and not the one beside it.
            error.filename, error.filename2 = str(target), None
        raise


def _replace(target: Path, old: os.stat_result | None, write: Callable[[BinaryIO], None], mode: int) -> None:
    # Beside it, as only within a file system one name can be put in the place of another. Short, as names may be no longer than
    # 255 bytes.
    beside = target.with_name(f".nbtrace-{secrets.token_hex(6)}.tmp")
    mode = mode if old is None else stat.S_IMODE(old.st_mode)
    try:
        # Never open to more than the old one is, not even meanwhile.
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if old is not None:
            _as_before(beside, old)
        os.replace(beside, target)
    except BaseException:  # an interrupt, too
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _as_before(path: Path, old: os.stat_result) -> None:
    """Give a file the owner and the mode of another."""
    now = path.stat()
    if hasattr(os, "chown") and (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
        with suppress(OSError):  # only root gives files away
            os.chown(path, old.st_uid, old.st_gid)
    if stat.S_IMODE(now.st_mode) != stat.S_IMODE(old.st_mode):
        os.chmod(path, stat.S_IMODE(old.st_mode))


def check_name(path: Path) -> None:
    """Raise OSError for a name that no file can have here."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        character = error.object[error.start : error.end]
        raise OSError(f"no file can be called {str(path)!r}, because of {character!r}; choose another name.") from None
    if "\0" in str(path):
        raise OSError(f"no file can be called {str(path)!r}, because of '\\x00'; choose another name.")


def at_home(path: Path, verb: str) -> str:
    """A hint for who has typed a path as a shell takes it."""
    if not str(path).startswith("~"):
        return ""
    try:
        meant = str(path.expanduser())
    except RuntimeError:  # nobody's home
        return ""
    return f" Python takes ~ for a name; type {verb}({meant!r})."


def write_text(pieces: Iterator[str], file: BinaryIO) -> None:
    """Write text in pieces, in UTF-8."""
    for piece in pieces:
        file.write(piece.encode("utf-8", "backslashreplace"))
