"""`nbtrace compare`: two recordings side by side, and whether they differ by more than they may.

Enters: files or datasets. Leaves: the table of changes, and a judgement of each limit, as text, JSON or JUnit XML."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbtrace.cli import exits
from nbtrace.cli.problems import told

if TYPE_CHECKING:
    import pandas as pd

    from nbtrace.analysis.judging.judgement import Judgement

ROWS = 20
"""So many changes are shown."""

WIDTHS = 80, 120
"""Columns that are made use of, at least and at most."""

INDENT = 9
"""Columns in which a judgement is one word."""


@click.command(
    epilog="""\b
Examples:
  nbtrace compare before.parquet after.parquet
  nbtrace compare runs/ run.parquet --fail-if "p95 +20%"
  nbtrace compare runs/ run.parquet --fail-if "cell:train +15%" --fail-if "name:db.query count +0%"
  nbtrace compare runs/ run.parquet --json | jq '.compare[] | select(.verdict == "slower")'
"""
)
@click.argument("before")
@click.argument("after")
@click.option(
    "--fail-if",
    "limits",
    multiple=True,
    metavar="LIMIT",
    help="Exit with 3 if AFTER exceeds it: [SELECTOR] [MEASURE] +N%. SELECTOR is cell:NAME, cells, name:SPAN or run; without "
    "one each cell is judged, or the spans of each name (p95 +20%). What can be chance fails nothing. Can be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON: the table, durations in ns, and the judgements.")
@click.option("--junit", metavar="FILE", help="Write the judgements into a file of JUnit XML.")
def compare(before: str, after: str, limits: tuple[str, ...], as_json: bool, junit: str | None) -> None:
    """Say what changed from BEFORE to AFTER.

    Each is a file that was saved, or a folder of them (runs/). With three runs or more on one side it is known what they differ
    by anyhow, and what is more than that is told as slower or faster."""
    with told():
        from nbtrace.analysis.judging.reading import read_limit

        read = [read_limit(text) for text in limits]
        from nbtrace.analysis.judging.changes import judge_change
        from nbtrace.cli import cases
        from nbtrace.cli.files import read_recording
        from nbtrace.headless.junit import Suite

        old, new = read_recording(before), read_recording(after)
        judgements = judge_change(old, new, read)
        table = new.compare(old, new)
        if junit is not None:
            cases.write(Path(junit), [Suite(f"compare {before} {after}", cases.of_judgements(judgements), file=after)])
    if as_json:
        from nbtrace.cli.as_json import rows

        judged = json.dumps([_row(each) for each in judgements], indent=1)
        click.echo(f'{{"compare": {"".join(rows(table)).rstrip()},\n"judgements": {judged}}}')
    else:
        click.echo(shown(table))
        if judgements:
            click.echo()
            for each in judgements:
                click.echo(line(each))
    if not all(each.kept for each in judgements):
        sys.exit(exits.OVER_BUDGET)


def shown(table: pd.DataFrame, rows: int = ROWS) -> str:
    """Return the table as %spans compare shows it."""
    from dataclasses import replace

    from nbtrace.views.formatted import formatted
    from nbtrace.views.grid import as_text

    foot = f"showing {rows:,} of {len(table):,} paths; nbtrace compare --json has all" if len(table) > rows else ""
    return as_text(replace(formatted(table, "compare", rows), foot=foot), _width())


def line(judgement: Judgement) -> str:
    """Return a judgement in words: they are read in logs, too, where there are no colours. There it is one line, to be found."""
    from nbtrace.views.words import plain

    word, colour = (
        ("UNCLEAR", "yellow") if judgement.unclear else ("kept", "green") if judgement.kept else ("FAILED", "red")
    )
    head, said = click.style(f"{word:<{INDENT}}", fg=colour) + plain(judgement.typed), plain(judgement.said)
    if not sys.stdout.isatty():
        return f"{head}: {said}"
    lines = textwrap.wrap(said, max(_width() - INDENT, 20), break_on_hyphens=False)
    return "\n".join([head, *(" " * INDENT + line for line in lines)])


def _width() -> int:
    """Columns of what is written to."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTHS[0]
    return min(max(width, WIDTHS[0]), WIDTHS[1])


def _row(judgement: Judgement) -> dict[str, Any]:
    return {
        "limit": judgement.typed,
        "kept": judgement.kept,
        "unclear": judgement.unclear,
        "said": judgement.said,
    }
