"""Where the files of a run go: what has a name goes there, the rest into `.nbtrace` beside the notebook.

Enters: a notebook's path, and the names that were given. Leaves: `Places`, or an OSError before anything has run."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbtrace.formats.files import check_name
from nbtrace.formats.journal import folder


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one run."""

    executed: Path
    recording: str
    """A path, with a separator at its end if it is a folder for a dataset."""
    report: Path
    journal: Path
    note: str
    """What is to be said of where they are; "" as a rule."""


def places(notebook: Path, *, executed: Path | None = None, recording: str = "", report: Path | None = None) -> Places:
    """Return where the files of a run of a notebook go, and make the folder of those that nobody has named. Raises OSError for a
    named place that cannot be written to, UnknownFormatError for a recording of an unknown format."""
    for path, option in ((executed, "-o"), (report, "--report")):
        if path is not None:
            check(path, option)
    if recording:
        from nbtrace.formats.register import names_folder, suffix_of

        is_folder = names_folder(recording)
        check(Path(recording), "--save", folder_is_fine=is_folder)
        if not is_folder:
            suffix_of(Path(recording))
    usual, note = _usual(notebook)
    journal = folder.new_path(usual, str(notebook))
    with suppress(OSError):
        folder.clear_old(usual)
    # Whole paths: a notebook may delete the folder in which we are.
    folder_mark = os.sep if recording.endswith(("/", os.sep)) else ""
    return Places(
        (executed or journal.with_suffix(".ipynb")).absolute(),
        f"{os.path.abspath(recording)}{folder_mark}" if recording else str(journal.with_suffix(".parquet").absolute()),
        (report or journal.with_suffix(".html")).absolute(),
        journal.absolute(),
        note,
    )


def _usual(notebook: Path) -> tuple[Path, str]:
    """The folder for what has no name, and what is to be said of it."""
    usual = folder.folder_of(str(notebook))
    try:
        usual.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=usual):
            pass
    except OSError as error:
        elsewhere = Path(tempfile.mkdtemp(prefix="nbtrace-"))
        return elsewhere, f"{str(usual)!r} cannot be written to ({error.strerror}): files go into {str(elsewhere)!r}."
    return usual, ""


def check(path: Path, option: str, *, folder_is_fine: bool = False) -> None:
    """Raise OSError if a file, or a dataset, cannot be written there; say which option gives it another place."""
    check_name(path)
    if path.is_dir() and not folder_is_fine:
        raise IsADirectoryError(f"{str(path)!r} is a folder. Name a file with {option}.")
    where = path if path.is_dir() else path.parent
    if not where.is_dir():
        raise FileNotFoundError(f"there is no folder {str(where)!r} for {option} {str(path)!r}; make it first.")
    if not os.access(path if path.exists() else where, os.W_OK):
        raise PermissionError(errno.EACCES, f"cannot be written to. Name another place with {option}", str(path))
