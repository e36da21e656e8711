"""`nbtrace recover`: what a kernel that died has left.

Enters: a journal, or a folder of them. Leaves: a recording in a file, or a list."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbtrace.cli.files import PATH, journal_named, read_recording
from nbtrace.cli.problems import Problem, told
from nbtrace.cli.progress import working
from nbtrace.cli.targets import beside, check_suffix, check_target, tell, tell_lost

if TYPE_CHECKING:
    from nbtrace.formats.journal.folder import Found
    from nbtrace.recording import Recording


@click.command()
@click.argument("journal", required=False, metavar="[JOURNAL|FOLDER]", type=PATH)
@click.option("-o", "--output", metavar="FILE", type=PATH, help="Where it goes; beside the journal unless given.")
def recover(journal: str | None, output: str | None) -> None:
    """Get back what a kernel recorded until it died.

    Lists the journals of a folder, and of .nbtrace in it. What a journal holds is written into a .parquet beside it, or into the
    file that -o names; the journal stays.

    \b
    Examples:
      nbtrace recover
      nbtrace recover .nbtrace/analysis.journal
      nbtrace recover .nbtrace/analysis.journal -o analysis.parquet
    """
    from nbtrace.views.words import typed

    if journal is None or Path(journal).is_dir():
        if output is not None:
            raise Problem(f"which journal? Type  nbtrace recover JOURNAL -o {typed(output)}")
        _list(Path.cwd() if journal is None else Path(journal), named=journal)
    else:
        _recover(journal, output)


@told()
def _list(folder: Path, named: str | None) -> None:
    from nbtrace.formats.journal.folder import NAME, journals
    from nbtrace.views.grid import Column, Grid, Row, as_text
    from nbtrace.views.words import plain, size, typed

    found = {each.path: each for where in (folder / NAME, folder) for each in journals(where)}
    listed = sorted(found.values(), key=lambda each: -each.started_ns)
    if not listed:
        where = "this folder" if named is None else repr(named)
        click.echo(f"no journals in {plain(where)}, nor in {NAME} there; %nbtrace journal on begins one in a notebook")
        return
    columns = (
        Column("state"),
        Column("written"),
        Column("size", right=True),
        Column("journal", wraps=True),
    )
    names = [_from_here(each.path) for each in listed]
    rows = [
        Row((each.state, _ago(each.written_ns), size(each.nbytes), plain(name)))
        for each, name in zip(listed, names, strict=True)
    ]
    click.echo(as_text(Grid(columns, rows), _width()))
    first = next((name for each, name in zip(listed, names, strict=True) if each.state == "died"), names[0])
    click.echo(f"Type  nbtrace recover {typed(first)}")


@told()
def _recover(journal: str, output: str | None) -> None:
    from nbtrace.formats.journal.folder import look, note_recovered
    from nbtrace.formats.register import FORMATS
    from nbtrace.views.words import typed

    path = journal_named(journal)
    if path is None:
        if Path(journal).exists():
            raise Problem(f"{journal!r} is no journal. Type  nbtrace show {typed(journal)}")
        raise Problem(f"there is no journal {journal!r}. Type  nbtrace recover  to see those that there are")
    target = str(beside(journal, ".parquet")) if output is None else output
    if output is None and Path(target).exists():
        raise Problem(
            f"{target!r} is there already. Type  nbtrace show {typed(target)}  to look at it, or name another file:  "
            f"nbtrace recover {typed(journal)} -o FILE"
        )
    suffix = check_suffix(target)
    if suffix and FORMATS[suffix].read is None:
        raise Problem(f"{suffix} is not read again. Type  nbtrace convert {typed(journal)} {typed(target)}")
    check_target(target, journal, suffix)
    with working(f"reading {journal}"):
        state = look(path)
        recording = read_recording(journal)
        saved = recording.save(target)
        note_recovered(path)
    for line in _account(recording, state):
        click.echo(line)
    tell(saved)
    tell_lost(recording._snapshot(), suffix)
    click.echo(f"Type  nbtrace show {typed(str(saved))}")


def _account(recording: Recording, found: Found | None) -> list[str]:
    """What the journal held, and where it ends."""
    from nbtrace.views.last_seen import last_seen
    from nbtrace.views.words import count, plain

    snapshot, spans = recording._snapshot(), recording.spans()
    open_ = int((spans["state"] == "unfinished").sum())
    samples = sum(batch.length for batch in snapshot.samples)
    held = [count(len(snapshot.executions), "cell"), count(len(spans), "span")]
    held[-1] += f" ({open_:,} unfinished)" if open_ else ""
    held += [count(samples, "sample")] if samples else []
    lines = [", ".join(held) + (f"; {_said(found)}" if found is not None else "")]
    seen = last_seen(spans, snapshot)
    for span_id, name in zip(spans["span_id"], spans["name"], strict=True):
        if span_id in seen:
            lines.append(f"{plain(name, 80)}: {seen[span_id]}")
    return lines


def _said(found: Found) -> str:
    """How a journal ended."""
    when = _ago(found.written_ns)
    return {
        "died": f"its kernel died {when}",
        "recovered": f"its kernel died {when}",
        "closed": f"it was closed {when}",
        "running": f"its kernel is running, last written {when}",
        "elsewhere": f"of another machine, last written {when}",
    }[found.state]


def _ago(ns: int) -> str:
    from nbtrace.views.words import duration

    past = time.time_ns() - ns
    if past < 86_400 * 10**9:
        return f"{duration(max(0, past))} ago"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ns / 1e9))


def _from_here(path: Path) -> str:
    """A path as a person would type it where the process works."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((120, 0)).columns
