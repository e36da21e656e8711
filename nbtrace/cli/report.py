"""`nbtrace report`: the inspector in one file, of a recording in another.

Enters: a file, what narrows it, where the page goes. Leaves: a page of HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nbtrace.cli.files import PATH, check_there, read_recording
from nbtrace.cli.narrowing import answered, command_named, conditions, narrowing, read_options
from nbtrace.cli.problems import Problem, told
from nbtrace.cli.progress import working
from nbtrace.cli.targets import beside, check_target, nothing_met, tell

_BEGIN = b"<title>nbtrace: "
"""What stands in the head of each report, and in no other page."""


@click.command()
@click.argument("file", type=PATH)
@click.option("-o", "--output", metavar="HTML", type=PATH, help="Where the page goes; beside FILE unless given.")
@narrowing
def report(file: str, output: str | None, **given: Any) -> None:
    """Write the whole inspector into one HTML file.

    It opens in any browser, without a server, a kernel or a network. A report that is there already is written anew; another
    file only if -o names it.

    \b
    Examples:
      nbtrace report run.parquet
      nbtrace report run.parquet -o slow.html --where "duration > 100ms"
      nbtrace report .nbtrace/analysis.journal -o analysis.html --last 5
    """
    from nbtrace.views.inspector.told import MAX_DETAILS
    from nbtrace.views.words import count, typed

    check_there(file)
    magic = command_named("nbtrace report", file)
    asked = read_options(magic, given)
    assert asked is not None  # there is no word that could ask for help
    target = str(beside(file, ".html")) if output is None else output
    check_target(target, file, ".html")
    if output is None and not _is_ours(Path(target)):
        other = str(Path(target).with_name(f"report-{Path(target).name}"))
        raise Problem(f"{target!r} is there and no report of nbtrace. Type  {magic.name} -o {typed(other)}")
    with working(f"writing {target}"), answered(magic, file):
        recording = read_recording(file)
        narrowed = conditions(asked)
        if any(given[name] for name in ("cell", "last", "where")):
            spans = len(recording.text(**narrowed))
            if not spans:
                raise nothing_met(file, given)
        else:
            spans = sum(batch.length for batch in recording._snapshot().batches)
        path = recording.report(target, **narrowed)
    of = f"the last {MAX_DETAILS:,} of {count(spans, 'span')}" if spans > MAX_DETAILS else count(spans, "span")
    tell(path, f"{of}; open it in a browser")


@told()
def _is_ours(path: Path) -> bool:
    """Whether a report may be written here: nothing is there, or one that we have written."""
    if not path.exists():
        return True
    with open(path, "rb") as file:
        return _BEGIN in file.read(2_000)
