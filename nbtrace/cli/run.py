"""`nbtrace run`: unmodified notebooks, executed, recorded, reported and judged."""

from __future__ import annotations

import asyncio
import importlib.util
import math
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbtrace.cli import exits
from nbtrace.cli.problems import Problem, told
from nbtrace.cli.progress import working
from nbtrace.cli.results import result_options

if TYPE_CHECKING:
    from nbtrace.cli.judged import Judge
    from nbtrace.headless.ran import Job, Ran
    from nbtrace.headless.started import Started
    from nbtrace.headless.stopping import Stopping

_EXAMPLES = """\b
Examples:
  nbtrace run analysis.ipynb
  nbtrace run train.ipynb --param epochs=3 --timeout 600 -o out.ipynb --save run.parquet
  nbtrace run notebooks/*.ipynb --budget "cells memory_peak < 2GB" --junit report.xml
  nbtrace run train.ipynb --save runs/ --baseline runs/ --fail-if "cells duration +20%"

\b
Exit status: 0 fine, 1 a cell failed, 2 it could not be done as typed, 3 a budget was broken,
4 the kernel did not start, died or hung, 130 Ctrl-C.
"""


def _number(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    """Refuse nan, which is in no range and out of none."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no number of seconds.", context, option)
    return value


@click.command(epilog=_EXAMPLES)
@click.argument("notebooks", nargs=-1, required=True, metavar="NB…", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT.ipynb", help="The executed notebook.")
@click.option(
    "--param", multiple=True, metavar="k=v", help="A value for a name that the cell tagged `parameters` sets."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    callback=_number,
    metavar="S",
    help="For each cell, in seconds.",
)
@click.option("--kernel", default="", metavar="NAME", help="Another kernel than the notebook asks for.")
@result_options
def run(
    notebooks: tuple[Path, ...],
    output: Path | None,
    save: str,
    report: Path | None,
    param: tuple[str, ...],
    timeout: float | None,
    kernel: str,
    budget: tuple[str, ...],
    baseline: str,
    fail_if: tuple[str, ...],
    junit: Path | None,
) -> None:
    """Run notebooks traced, from top to bottom, each in a kernel of its own and in its own folder.

    The notebooks stay as they are. What has no name given goes beside them into .nbtrace/, for 14 days or 1 GB: the executed
    notebook, the recording and the report, which are written however the run ends."""
    if importlib.util.find_spec("nbclient") is None:
        raise Problem('nbtrace run needs nbclient. Type  pip install "nbtrace[run]"')
    from nbtrace.cli.wanted import Files, wanted
    from nbtrace.headless.claims import Claims
    from nbtrace.headless.stopping import Stopping

    claims = Claims()
    with asyncio.Runner() as runner, ExitStack() as undone:
        undone.callback(claims.release)
        stopping = undone.enter_context(Stopping(_said))
        with told():
            files = Files(output, save, report, junit)
            found = wanted(notebooks, files, param, timeout_s=timeout, kernel=kernel)
            files.claim(claims)
            # Reading the notebook opens a lot, while its kernel can boot. Of several none begins before all are read.
            first = found[0].start(runner) if len(found) == 1 else None
            if first is not None:
                undone.callback(lambda: None if stopping.begun else first.abandon(runner))
            with working("reading") if sys.stderr.isatty() else nullcontext():
                from nbtrace.cli.judged import Judge

                judge = Judge(budget, baseline, fail_if, save=save)
                judge.check(notebooks)
                jobs = [each.job() for each in found]
        status = _run_all(jobs, first, judge, junit, runner, stopping)
    click.get_current_context().exit(status)


def _said(text: str) -> None:
    from nbtrace.cli.cell_progress import console

    console().print(f"nbtrace: {text}")


def _run_all(
    jobs: list[Job],
    first: Started | None,
    judge: Judge,
    junit: Path | None,
    runner: asyncio.Runner,
    stopping: Stopping,
) -> int:
    from nbtrace.cli import cases
    from nbtrace.cli.cell_progress import Progress, console
    from nbtrace.cli.summary import summarize, summarize_all
    from nbtrace.headless.notebooks import is_run
    from nbtrace.headless.run import run_notebook
    from nbtrace.headless.started import start

    out, status = console(), exits.FINE
    done: list[tuple[Ran, bool]] = []
    suites = []
    for job in jobs:
        cells = sum(map(is_run, job.notebook.cells))
        with Progress(out, f"{job.path} · {job.kernel}", cells) as progress:
            started = first or start(job.path, job.places, job.kernel, runner)
            ran = run_notebook(job, progress, started, runner, stopping, judge.exceeded)
        judged = judge.last
        summarize(out, ran, judged.judgements, judged.changes)
        kept = all(each.kept for each in judged.judgements)
        done.append((ran, kept))
        suites.append(cases.of_run(ran, judged.judgements))
        status = exits.worse(status, _status(ran, kept))
        if stopping.number:  # it may have come when all cells had run
            status = exits.by_signal(stopping.number)
            break
        if job is not jobs[-1]:
            out.print()
    if len(jobs) > 1:
        summarize_all(out, done, len(jobs))
    if junit is not None:
        try:
            cases.write(junit, suites)
        except OSError as error:
            out.print(f"nbtrace: {junit} could not be written: {error.strerror or error}", style="yellow")
            status = exits.worse(status, exits.USAGE)
    return status


def _status(ran: Ran, kept: bool) -> int:
    """The exit status that a run asks for."""
    ending = ran.outcome.ending
    if ending == "interrupted":
        return exits.by_signal(ran.outcome.signal)
    if ending != "fine":
        return exits.KERNEL_LOST if ending == "lost" else exits.CELL_FAILED
    return exits.OVER_BUDGET if not kept else exits.USAGE if ran.problems else exits.FINE
