"""Files that a recording is saved as: which suffix means which format, and how one comes to be whole or not at all.

Enters: a path, and who writes. Leaves: a file."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nbtrace.formats.flames import Flames
from nbtrace.formats.folded import folded
from nbtrace.formats.parquet import read_parquet, write_parquet
from nbtrace.formats.reading import Loaded
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
    ".speedscope.json": Format("a profile for https://www.speedscope.app", profile=speedscope),
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
    stem = path.name.split(".")[0] or "run"
    meant = str(path.with_name(stem + next(iter(usable))))
    raise UnknownFormatError(
        f"cannot tell the format of {str(path)!r} from its suffix. Known: {_listed(usable)}, and folders, whose names end in "
        f"{os.sep!r}. Type for example "
        f"{'load' if to_read else 'save'}({meant!r})."
    )


def read(path: Path) -> Loaded:
    """Return what a file holds. Raises UnknownFormatError, UnreadableFileError, and OSError where there is none."""
    reader = FORMATS[suffix_of(path, to_read=True)].read
    assert reader is not None
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder, and not a file of this format.")
    return reader(path)


def _listed(formats: dict[str, Format]) -> str:
    return ", ".join(f"{suffix} ({known.says})" for suffix, known in formats.items())


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Have `write` write a file. Whatever happens meanwhile, it is either what it was or all of the new one: others never
    see half of it, and no other file is left. Raises OSError where the folder is not there, or cannot be written to."""
    target = Path(os.path.realpath(path))  # through a link, not in its place
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(target.parent)!r}; make it, or save elsewhere.")
    if target.is_dir():
        raise IsADirectoryError(
            f"{str(target)!r} is a folder; save({str(target / 'run.speedscope.json')!r}) writes into it."
        )
    # Beside it, as only within a file system one name can be put in the place of another.
    beside = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        with open(beside, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(beside, target.stat().st_mode & 0o7777)
        os.replace(beside, target)
    except BaseException:  # an interrupt, too
        beside.unlink(missing_ok=True)
        raise


def write_text(pieces: Iterator[str], file: BinaryIO) -> None:
    """Write text in pieces, in UTF-8."""
    for piece in pieces:
        file.write(piece.encode("utf-8", "backslashreplace"))
