"""Reading the recording that somebody names: a file, a folder that was saved into, or a journal.

Enters: a path as it was typed. Leaves: a `Recording`, or a `Problem` that says which file may have been meant."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbtrace.cli.problems import Problem, told

if TYPE_CHECKING:
    from nbtrace.recording import Recording

PATH = click.Path(readable=False)
"""A path that a shell completes; whether it can be read or written is told by who does it."""

_NAMED = 3
"""So many files are named where one of them may be meant."""


def read_recording(path: str) -> Recording:
    """Return the recording in a file, a folder or a journal; it does not record.

    All that nbtrace.load takes, and journals as nbtrace.recover reads them, but not marked as recovered: who only looks has not
    kept anything. A journal may be named by any of its files, and may still be written to. What cannot be read of it is told in
    a line. Raises Problem."""
    check_there(path)
    with told():
        from nbtrace.formats.reading import UnreadableFileError
        from nbtrace.formats.register import read
        from nbtrace.recording import from_elsewhere
        from nbtrace.store.libraries import open_libraries

        open_libraries()
        journal = journal_named(path)
        try:
            if journal is None:
                loaded = read(path)
            else:
                from nbtrace.formats.journal.reader import read_journal

                loaded = read_journal(journal)
        except ModuleNotFoundError as error:  # that of .otlp, which says what to install
            raise Problem(str(error)) from error
        except UnicodeEncodeError as error:  # pyarrow's
            raise Problem(f"{path!r} has a name that is no UTF-8, which cannot be opened; rename it.") from error
        except UnreadableFileError as error:
            # Its advice is for who is in Python.
            raise UnreadableFileError(str(error).partition(" nbtrace.load() reads")[0]) from error
        if loaded.unread:
            from nbtrace.views.words import plain

            click.echo(f"nbtrace: {plain(f'{path!r}: ' + '; '.join(loaded.unread))}.", err=True)
        return from_elsewhere(loaded.snapshot)


def journal_named(path: str) -> Path | None:
    """Return the journal that a path means, by any of its files; None for another file."""
    from nbtrace.formats.journal.files import SUFFIX, journal_of, parts

    journal = journal_of(Path(path))
    return journal if journal.suffix == SUFFIX and not Path(path).is_dir() and parts(journal) else None


@told()
def check_there(path: str) -> None:
    """Raise Problem for a path at which there is nothing that can be read, and name what may have been meant."""
    from nbtrace.formats.files import check_name
    from nbtrace.formats.parquet.dataset import is_dataset
    from nbtrace.formats.reading import UnknownFormatError
    from nbtrace.formats.register import names_folder, suffix_of
    from nbtrace.views.words import plain, typed

    if not path:
        raise Problem("'' is no file.")
    place = Path(path)
    check_name(place)
    if journal_named(path) is not None:
        return
    if not os.path.lexists(place):
        home = os.path.expanduser(path)
        beside: list[str] = []
        with suppress(OSError):
            beside += (each.name for each in _readable(place.parent))
        near = difflib.get_close_matches(place.name, beside, n=_NAMED)
        named = [home] if home != path and os.path.exists(home) else [str(place.with_name(each)) for each in near]
        meant = f" Did you mean  {'  or  '.join(map(typed, named))}?" if named else ""
        raise Problem(f"there is no file {path!r}.{meant}")
    if not place.exists():
        raise Problem(f"{path!r} is a link that leads nowhere.")
    if not place.is_dir() and not place.is_file():  # to open a pipe that nobody writes to takes for ever
        raise Problem(f"{path!r} is no file, but a pipe or a device.")
    if names_folder(path) and place.is_dir() and not is_dataset(place):
        found = sorted(_readable(place), key=lambda each: -each.stat().st_mtime)
        named = [typed(str(each)) for each in found[:_NAMED]]
        held = f"but holds {len(found)}. Name one of them:  {'  or  '.join(named)}" if named else "and holds none."
        raise Problem(f"{path!r} is a folder and no recording, {held}")
    if place.suffix == ".ipynb" and place.is_file():
        raise Problem(f"{path!r} is a notebook, and not what was recorded of it. Type  nbtrace run {typed(path)}")
    if not names_folder(path):
        try:
            suffix_of(place, to_read=True)
        except UnknownFormatError as error:
            said = str(error).partition(" Type for example")[0].partition(" Known")[0]
            raise Problem(f"{plain(said)} {_known()}") from error


def _known() -> str:
    from nbtrace.formats.journal.files import SUFFIX
    from nbtrace.formats.register import FORMATS

    suffixes = [suffix for suffix, known in FORMATS.items() if known.read is not None]
    return f"What is read: {', '.join([*suffixes, SUFFIX])}, and folders that nbtrace saved into."


def _readable(folder: Path) -> Iterator[Path]:
    """What in a folder is a recording, as far as its name tells."""
    from nbtrace.formats.journal.files import SUFFIX
    from nbtrace.formats.parquet.dataset import is_dataset
    from nbtrace.formats.register import FORMATS

    suffixes = (*(suffix for suffix, known in FORMATS.items() if known.read is not None), SUFFIX)
    for each in folder.iterdir():
        if is_dataset(each) or (each.name.lower().endswith(suffixes) and each.is_file()):
            yield each
