"""The journals of a run: what its kernel writes, and what goes when that is kept elsewhere.

Enters: the path that the kernel was told. Leaves: paths."""

from __future__ import annotations

from pathlib import Path

from nbtrace.formats.journal import files, folder


def journals(path: Path) -> list[Path]:
    """Return the journals that a kernel has written where it was told to write one, the last one last: where nbtrace was loaded
    anew there are several, and the last one holds what the others do."""
    found, number = [path], 2
    while files.parts(following := path.with_name(f"{path.stem}-{number}{path.suffix}")):
        found.append(following)
        number += 1
    return [each for each in found if files.parts(each)]


def delete(path: Path) -> None:
    """Delete the journals of a run."""
    for each in journals(path):
        folder.delete(each)
