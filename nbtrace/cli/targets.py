"""Where a command writes: checked before anything is read, so that nobody waits for an error.

Enters: paths as they were typed. Leaves: a path that can be written to, or a `Problem`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbtrace.cli.problems import Problem, told

if TYPE_CHECKING:
    from nbtrace.store.span_store import Snapshot


@told()
def check_target(target: str, source: str, suffix: str) -> None:
    """Raise Problem where a file cannot be written, or where it would be written over the source or into it. suffix: that of what
    is written; "" for a folder."""
    from nbtrace.cli.files import journal_named
    from nbtrace.formats.files import check_name
    from nbtrace.formats.parquet.dataset import is_dataset
    from nbtrace.views.words import typed

    place, read = Path(target), Path(source)
    if not target:
        raise Problem("'' is no file.")
    check_name(place)
    if os.path.lexists(place) and os.path.exists(place) and os.path.samefile(place, read):
        raise Problem(f"{target!r} is what is read; name another file.")
    if read.is_dir() and read.resolve() in place.resolve().parents:
        raise Problem(f"{target!r} lies in {source!r}, which is read; name a file elsewhere.")
    if journal_named(target) is not None:
        raise Problem(f"{target!r} belongs to a journal; name another file.")
    inside = typed(str(place / ((read.stem or "run") + (suffix or ".parquet"))))
    if place.is_dir() and suffix:
        raise Problem(f"{target!r} is a folder; name a file in it, such as  {inside}")
    if place.is_dir() and not is_dataset(place) and any(place.iterdir()):
        within = typed(os.path.join(place, "runs", ""))
        raise Problem(
            f"{target!r} is a folder of other things; name a file in it, such as  {inside}  or a folder  {within}"
        )
    if not place.parent.is_dir():
        home = os.path.expanduser(target)
        meant = home if home != target else ""
        advice = f"Did you mean  {typed(meant)}?" if meant else f"Type  mkdir -p {typed(str(place.parent))}"
        raise Problem(f"there is no folder {str(place.parent)!r}. {advice}")


def check_suffix(target: str) -> str:
    """Return the suffix of what is to be written, "" for a folder; raise Problem if it names no format."""
    from nbtrace.formats.reading import UnknownFormatError
    from nbtrace.formats.register import FORMATS, names_folder, suffix_of
    from nbtrace.views.words import plain, typed

    if names_folder(target):
        return ""
    try:
        return suffix_of(Path(target))
    except UnknownFormatError as error:
        example = typed(f"{Path(target).stem or 'run'}.parquet")
        known = f"Known: {', '.join(FORMATS)}, and folders, whose names end in /. Name for example  {example}"
        raise Problem(f"cannot tell from {plain(repr(target))} what to write. {known}") from error


def beside(source: str, suffix: str) -> Path:
    """Return the path beside a recording that has its name and another suffix."""
    from nbtrace.cli.files import journal_named

    place = journal_named(source) or Path(source)
    # Of a folder that is written as `.` the name is known only to who asks.
    place = place if place.name and place.name != ".." else place.resolve()
    return place.with_name((place.name if place.is_dir() else place.stem) + suffix)


def tell(path: Path, *said: str) -> None:
    """Say where something was written, how large it is, and what else there is to say."""
    from nbtrace.views.words import plain, size

    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    line = [f"{plain(path)}  {size(sum(each.stat().st_size for each in files))}", *said]
    # Where it is a pipe, it may be the one that this would go into.
    click.echo(", ".join(line), err=not path.is_file() and not path.is_dir())


def nothing_met(source: str, given: dict[str, Any]) -> Problem:
    """Return the problem that what narrows has left nothing to be written."""
    from nbtrace.views.words import typed

    options = " and ".join(f"--{name}" for name in ("cell", "last", "where") if given.get(name))
    which = f"Type  nbtrace show {typed(source)} cells  to see which cells there are"
    return Problem(f"nothing in {source!r} meets {options}, so nothing was written. {which}")


def tell_lost(kept: Snapshot, suffix: str) -> None:
    """Say what of a recording the format has no place for, and whether it can be read again. suffix: "" for a folder."""
    from nbtrace.formats.register import FORMATS
    from nbtrace.views.words import count

    samples = sum(batch.length for batch in kept.samples)
    statements = sum(batch.length for batch in kept.statements)
    spans = sum(batch.length for batch in kept.batches)
    if suffix in (".jsonl", ".otlp"):
        there = [(samples, "sample"), (statements, "statement")]
    elif suffix and FORMATS[suffix].profile is not None:
        there = [(spans, "span")]
    else:
        there = []
    left = [count(number, noun) for number, noun in there if number]
    said = [f"{suffix} has no place for {' and '.join(left)}, which are left out"] if left else []
    if suffix and FORMATS[suffix].read is None:
        said.append(f"{suffix} is written for other programs, and not read again: keep what it was made of")
    if said:
        click.echo(f"nbtrace: {'; '.join(said)}.", err=True)
