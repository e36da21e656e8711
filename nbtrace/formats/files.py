"""Files that a recording is saved as: which suffix means which format, and how one comes to be whole or not at all.

Enters: a path, and who writes. Leaves: a file."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nbtrace.formats.chrome import write_chrome
from nbtrace.formats.flames import Flames
from nbtrace.formats.folded import folded
from nbtrace.formats.otlp.read_json import read_json_lines
from nbtrace.formats.otlp.read_protobuf import read_protobuf
from nbtrace.formats.otlp.write_json import write_json_lines
from nbtrace.formats.otlp.write_protobuf import write_protobuf
from nbtrace.formats.parquet import read_parquet, write_parquet
from nbtrace.formats.reading import Loaded, UnreadableFileError
from nbtrace.formats.speedscope import speedscope
from nbtrace.store.span_store import Snapshot


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files. What it can neither write nor read is None."""

    says: str
    """What it is, to who looks for one."""
    write: Callable[[Snapshot, BinaryIO], None] | None = None
    read: Callable[[Path], Loaded] | None = None
    profile: Callable[[Flames, str], Iterator[str]] | None = None
    """Gives the text of a file of flames; the second is what the profile is called."""


FORMATS: dict[str, Format] = {
    ".parquet": Format("Parquet: all of a recording, without loss", write_parquet, read_parquet),
    ".jsonl": Format(
        "OTLP JSON lines, as OpenTelemetry's Collector writes and reads them", write_json_lines, read_json_lines
    ),
    ".otlp": Format("OTLP as protobuf", write_protobuf, read_protobuf),
    ".speedscope.json": Format("a profile for https://www.speedscope.app", profile=speedscope),
    ".json": Format("Chrome trace events for https://ui.perfetto.dev", write=write_chrome),
    ".folded": Format("stacks for flamegraph.pl and inferno", profile=lambda flames, name: folded(flames)),
}
"""By suffix."""


class UnknownFormatError(ValueError):
    """A path whose suffix is that of no format."""


def names_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path means a folder for a dataset: it ends as one, or is one that is not named as a file of another format."""
    text = os.fspath(path)
    others = tuple(suffix for suffix in FORMATS if suffix != ".parquet")
    return text.endswith(("/", os.sep)) or (os.path.isdir(text) and not text.lower().endswith(others))


def suffix_of(path: Path, *, to_read: bool = False) -> str:
    """Return which of the suffixes a path has; raise UnknownFormatError if it has none, and say which there are.

    to_read: only of formats that can be read."""
    name = path.name.lower()
    usable = {suffix: known for suffix, known in FORMATS.items() if known.read is not None or not to_read}
    for suffix in sorted(FORMATS, key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix):
            if suffix in usable:
                return suffix
            raise UnknownFormatError(
                f"{str(path)!r} is {FORMATS[suffix].says}, which is written for other programs and not read. Known to load: "
                f"{_listed(usable)}."
            )
    told = (
        f"cannot tell the format of {str(path)!r} from its suffix. Known: {_listed(usable)}, and folders, whose names end in "
        f"{os.sep!r}."
    )
    folder = path.parent if path.name else path
    for suffix in usable:
        meant = folder / f"{path.name.split('.')[0] or 'run'}{suffix}"
        if to_read and not meant.exists():
            continue
        told += f" Type for example {'load' if to_read else 'save'}({str(meant)!r})."
        break
    raise UnknownFormatError(told)


def read(path: Path) -> Loaded:
    """Return what a file holds. Raises UnknownFormatError, UnreadableFileError, and OSError where there is none."""
    reader = FORMATS[suffix_of(path, to_read=True)].read
    assert reader is not None
    _encodable(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {str(path)!r}.{_at_home(path, 'load')}")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder, and not a file of this format.")
    if not path.is_file():  # to open a pipe that nobody writes to takes for ever, and some devices have no end
        raise UnreadableFileError(f"{str(path)!r} is no file, but a pipe or a device.")
    return reader(path)


def _listed(formats: dict[str, Format]) -> str:
    return ", ".join(f"{suffix} ({known.says})" for suffix, known in formats.items())


def write_whole(path: Path, write: Callable[[BinaryIO], None], *, mode: int = 0o666) -> None:
    """Have `write` write a file. Whatever happens meanwhile, it is either what it was or all of the new one: others never
    see half of it, and no other file is left, but by a process that is killed: a hidden one beside it. A link is followed; a pipe
    or a device is written into. A new file has this mode, less the umask. Raises OSError where the folder is not there, or where
    it or the file must not be written to."""
    _encodable(path)
    target = Path(os.path.realpath(path))  # through a link, not in its place
    if not target.parent.is_dir():
        told = f"there is no folder {str(target.parent)!r}; make it, or save elsewhere."
        raise FileNotFoundError(told + _at_home(path, "save"))
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


def _encodable(path: Path) -> None:
    """Raise OSError for a name that no file can have here."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        character = error.object[error.start : error.end]
        raise OSError(f"no file can be called {str(path)!r}, because of {character!r}; choose another name.") from None
    if "\0" in str(path):
        raise OSError(f"no file can be called {str(path)!r}, because of '\\x00'; choose another name.")


def _at_home(path: Path, verb: str) -> str:
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
