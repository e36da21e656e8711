"""Which files a journal consists of.

Enters: the path by which a person knows it, or any of its files. Leaves: paths. `run.journal` is the first part,
`run.journal.2` the second; `run.journal.before.parquet` holds what was recorded before it began."""

from __future__ import annotations

import re
from pathlib import Path

SUFFIX = ".journal"

_BEFORE = ".before.parquet"
_NUMBERED = re.compile(r"(?P<stem>.+)\.(?P<number>[2-9]|[1-9][0-9]{1,8})\Z", re.DOTALL)


def before(path: Path) -> Path:
    """Return where stands what was recorded before the journal began."""
    return path.with_name(path.name + _BEFORE)


def part(path: Path, number: int) -> Path:
    """Return the path of a part, from 1."""
    return path if number == 1 else path.with_name(f"{path.name}.{number}")


def parts(path: Path) -> list[Path]:
    """Return the parts that are there, the oldest first. A bound may have taken the first ones."""
    found = {1: path} if path.is_file() else {}
    if path.parent.is_dir():
        for each in path.parent.iterdir():
            match = _NUMBERED.match(each.name)
            if match is not None and match["stem"] == path.name and each.is_file():
                found[int(match["number"])] = each
    return [found[number] for number in sorted(found)]


def journal_of(path: Path) -> Path:
    """Return the journal to which a file belongs: the file itself, if it is no part of another."""
    if path.name.endswith(_BEFORE):
        return path.with_name(path.name.removesuffix(_BEFORE))
    match = _NUMBERED.match(path.name)
    return path if match is None or not match["stem"].endswith(SUFFIX) else path.with_name(match["stem"])
