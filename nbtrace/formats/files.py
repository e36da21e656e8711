"""Files that a recording is saved as: which suffix means which format, and how one comes to be whole or not at all.

Enters: a path, text in pieces. Leaves: a file."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from nbtrace.formats.flames import Flames
from nbtrace.formats.folded import folded
from nbtrace.formats.speedscope import speedscope

Writer = Callable[[Flames, str], Iterator[str]]
"""Gives the text of a file; the second is what it is called."""

FORMATS: dict[str, tuple[str, Writer]] = {
    ".speedscope.json": ("a profile for https://www.speedscope.app", speedscope),
    ".folded": ("stacks for flamegraph.pl and inferno", lambda flames, name: folded(flames)),
}
"""By suffix: what it is, and who writes it."""


class UnknownFormatError(ValueError):
    """A path whose suffix is that of no format."""


def suffix_of(path: Path) -> str:
    """Return which of the suffixes a path has; raise UnknownFormatError if it has none, and say which there are."""
    name = path.name.lower()
    for suffix in sorted(FORMATS, key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix):
            return suffix
    known = ", ".join(f"{suffix} ({says})" for suffix, (says, _) in FORMATS.items())
    stem = path.name.split(".")[0] or "run"
    meant = path.with_name(stem + next(iter(FORMATS)))
    raise UnknownFormatError(
        f"cannot tell the format of {str(path)!r} from its suffix. Known: {known}. Type for example save({str(meant)!r})."
    )


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a file in UTF-8. Whatever happens meanwhile, it is either what it was or all of the new one: others never see half
    of it, and no other file is left. Raises OSError where the folder is not there, or cannot be written to."""
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
        with open(beside, "x", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(beside, target.stat().st_mode & 0o7777)
        os.replace(beside, target)
    except BaseException:  # an interrupt, too
        beside.unlink(missing_ok=True)
        raise
