"""Where journals lie, which there are, and which go.

Enters: a notebook's folder. Leaves: paths, and what is known of each journal. They lie in `.nbtrace` beside the notebook, out of
the way of version control, for two weeks or until they take a gigabyte; and so do the files of `nbtrace run` that nobody has
named, which are called as a journal is."""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbtrace.formats.journal import files
from nbtrace.formats.journal.ends import ends_with, head_of
from nbtrace.formats.journal.part import is_written
from nbtrace.formats.journal.processes import runs

NAME = ".nbtrace"

OF_COMMAND = ".journals"
"""How a folder is called in which the kernels of one `nbtrace exec` write theirs."""

KEPT_DAYS = 14
KEPT_BYTES = 1_000_000_000

_DAY_NS = 86_400 * 10**9

_OF_RUN = re.compile(r"(?P<run>.+-[0-9]{8}-[0-9]{6}-[0-9]+-[0-9a-f]{4})\.(?:ipynb|parquet|html)", re.DOTALL)
"""A file of `nbtrace run`, called as its journal was."""


@dataclass(frozen=True, slots=True)
class Found:
    """A journal that lies somewhere."""

    path: Path
    state: str
    """"running" while its process runs, "closed" if that closed it, "died" if it did not, "recovered" if somebody has read it
    since; "elsewhere" if another machine wrote it and has not closed it."""
    notebook: str | None
    started_ns: int
    written_ns: int
    """When something was written last, as far as the file system tells."""
    nbytes: int


def folder_of(notebook: str | None) -> Path:
    """Return where the journals of a notebook lie; without one, those of the folder in which the process works."""
    return (Path(notebook).parent if notebook else Path.cwd()) / NAME


def new_path(folder: Path, notebook: str | None) -> Path:
    """Return where a new journal of a notebook goes. Makes the folder of journals if it is not there, and has git leave it
    alone."""
    if folder.name == NAME:
        folder.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileExistsError), open(folder / ".gitignore", "x", encoding="utf-8") as file:
            file.write("*\n")
    stem = Path(notebook).stem[:80] if notebook else "session"
    moment = time.strftime("%Y%m%d-%H%M%S")
    return folder / f"{stem}-{moment}-{os.getpid()}-{secrets.token_hex(2)}{files.SUFFIX}"


def unused(path: Path) -> Path:
    """Return a path at which no journal lies: this one, or `run-2.journal` where there is a `run.journal`."""
    number, found = 1, path
    while files.parts(found) or found.exists() or files.before(found).exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def journals(folder: Path) -> list[Found]:
    """Return the journals in a folder, the last one first."""
    if not folder.is_dir():
        return []
    paths = {files.journal_of(each) for each in folder.iterdir() if files.SUFFIX in each.name}
    return sorted(filter(None, map(look, paths)), key=lambda found: -found.started_ns)


def beside(notebook: str | None) -> list[Found]:
    """Return the journals of a notebook, the last one first: in the folder that is theirs, in those of commands whose kernels
    have written them, and in the notebook's own, where a person puts a file with a name."""
    where = folder_of(notebook)
    commands = [each for each in where.glob(f"*{OF_COMMAND}") if each.is_dir()] if where.is_dir() else []
    found = [each for place in (where, where.parent, *commands) for each in journals(place)]
    return sorted(found, key=lambda each: -each.started_ns)


def look(path: Path) -> Found | None:
    """Return what is known of a journal; None for another file."""
    parts = files.parts(path)
    heads = {part: head for part in parts if (head := head_of(part)) is not None}
    ours = list(heads)
    if not heads:
        return None
    head, stats = heads[ours[0]], [part.stat() for part in parts if part.exists()]
    pid, started, host = head.get("pid"), head.get("process_started"), head.get("host")
    # Behind the last one that has a head there may be one that was made ready, or a file of somebody else's.
    last = {ends_with(part) for part in ours[-2:]}
    if last & {"z", "r"}:
        state = "closed" if "z" in last else "recovered"
    elif any(map(is_written, parts)):
        # Asked before its number: in a container it is another one, and where the clock was set it seems another process.
        state = "running"
    elif host != socket.gethostname():
        state = "elsewhere"
    else:
        state = "running" if type(pid) is int and runs(pid, started) else "died"
    notebook, started_ns = head.get("notebook"), head.get("started")
    return Found(
        path,
        state,
        notebook if isinstance(notebook, str) else None,
        started_ns if type(started_ns) is int else 0,
        max(each.st_mtime_ns for each in stats),
        sum(each.st_size for each in stats),
    )


def note_recovered(path: Path) -> None:
    """Note in a journal whose process has died that somebody has read it, so that nobody is told of it any more."""
    found, parts = look(path), files.parts(path)
    if found is None or found.state != "died":
        return
    with suppress(OSError):  # it may lie where nothing can be written
        ours = [each for each in parts if head_of(each) is not None]
        before = ours[-1].stat()
        for each in parts:
            if each in ours:
                _trimmed(each)
            elif _is_room(each):
                each.unlink()  # made ready, and never written to
        with open(ours[-1], "ab") as file:
            file.write(f'["r",{time.time_ns()}]\n'.encode("ascii"))
        os.utime(ours[-1], ns=(before.st_atime_ns, before.st_mtime_ns))  # when it died is worth knowing


def _is_room(path: Path) -> bool:
    """Whether a file is nothing but zeros: others than ours may be called as a part is."""
    with open(path, "rb") as file:
        blocks = iter(lambda: file.read(1_000_000), b"")
        return path.stat().st_size > 0 and not any(block.strip(b"\0") for block in blocks)


def _trimmed(path: Path) -> None:
    """Cut off the room behind the last line of a part."""
    with open(path, "r+b") as file:
        end = file.seek(0, 2)
        while end:
            start = max(0, end - 65_536)
            file.seek(start)
            kept = len(file.read(end - start).rstrip(b"\0"))
            if kept:
                end = start + kept
                break
            end = start
        file.seek(max(0, end - 1))
        torn = end and file.read(1) != b"\n"
        file.truncate(end)
        if torn:
            file.seek(end)
            file.write(b"\n")


def clear_old(folder: Path, now_ns: Callable[[], int] = time.time_ns) -> None:
    """Delete the journals, and the files of runs, that are older than two weeks, and the oldest ones beyond a gigabyte, but none
    of what is written to."""
    kept = 0
    for written_ns, nbytes, paths in sorted(_deletable(folder), key=lambda each: -each[0]):
        kept += nbytes
        if now_ns() - written_ns > KEPT_DAYS * _DAY_NS or kept > KEPT_BYTES:
            for path in paths:
                delete(path)


def _deletable(folder: Path) -> list[tuple[int, int, list[Path]]]:
    """What may go, together: when it was written last, its bytes, and its files."""
    found: dict[str, list[tuple[int, int, Path]]] = {}
    running = set()
    for journal in journals(folder):
        if journal.state == "running":
            running.add(journal.path.stem)
        found.setdefault(journal.path.stem, []).append((journal.written_ns, journal.nbytes, journal.path))
    for path in folder.iterdir() if folder.is_dir() else ():
        if (match := _OF_RUN.fullmatch(path.name)) is not None and path.is_file():
            stat = path.stat()
            found.setdefault(match["run"], []).append((stat.st_mtime_ns, stat.st_size, path))
    return [
        (max(each[0] for each in group), sum(each[1] for each in group), [each[2] for each in group])
        for run, group in found.items()
        if run not in running
    ]


def delete(path: Path) -> None:
    """Delete a file, or all files of a journal."""
    for each in (path, *files.parts(path), files.before(path)):
        with suppress(OSError):
            each.unlink(missing_ok=True)
