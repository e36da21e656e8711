"""`nbtrace exec`: another runner of notebooks, unmodified, with its kernels recorded, reported and judged."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbtrace.cli import exits
from nbtrace.cli.problems import Problem, told
from nbtrace.cli.results import result_options

if TYPE_CHECKING:
    from rich.console import Console

    from nbtrace.cli.judged import Judge
    from nbtrace.headless.command import Ended

_EXAMPLES = """\b
Examples:
  nbtrace exec -- papermill in.ipynb out.ipynb -p epochs 3
  nbtrace exec --save runs/ -- jupyter nbconvert --execute --to html report.ipynb
  nbtrace exec --report run.html -- jupyter execute *.ipynb

\b
Exit status: the command's own; but 2 if it could not be done as typed, 3 a budget was broken where the
command's is 0, 4 a kernel died where it is not, 130 Ctrl-C (128 and the number of another signal).
"""


@click.command("exec", epilog=_EXAMPLES, context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND…", type=click.UNPROCESSED)
@result_options
def exec_(
    command: tuple[str, ...],
    save: str,
    report: Path | None,
    budget: tuple[str, ...],
    baseline: str,
    fail_if: tuple[str, ...],
    junit: Path | None,
) -> None:
    """Run a command that runs notebooks, such as papermill, with its kernels traced.

    The command is not changed: for its time, the kernels of Python that Jupyter finds are ones that load nbtrace, where their
    Python has it. What has no name given goes into .nbtrace/ here, for 14 days or 1 GB: the recording and the report. What is
    said of them goes to stderr, after what the command says."""
    from nbtrace.headless.command import CommandError, label, notebook_of, run_command

    with told():
        from nbtrace.cli.cell_progress import console
        from nbtrace.cli.judged import Judge
        from nbtrace.cli.wanted import Files
        from nbtrace.headless.claims import Claims
        from nbtrace.headless.places import places

        claims, notebook = Claims(), notebook_of(command)
        found = places(Path(label(command)), recording=save, report=report)
        Files(recording=save, report=report, junit=junit).claim(claims)
        judge = Judge(budget, baseline, fail_if, save=save)
        judge.check([] if notebook is None else [notebook])
    out = console(stderr=True)
    try:
        with told():
            ended = run_command(command, found, lambda text: out.print(f"nbtrace: {text}"), judge.exceeded)
        status = _summarize(out, ended, judge, junit, wanted=bool(save or report))
    except CommandError as error:
        raise Problem(
            f"{error} Type it as you would without us, as in  nbtrace exec -- papermill in.ipynb out.ipynb"
        ) from None
    finally:
        claims.release()
    click.get_current_context().exit(status)


def _summarize(out: Console, ended: Ended, judge: Judge, junit: Path | None, *, wanted: bool) -> int:
    """Say what it comes to, and return the exit status. wanted: whether a file was asked for."""
    from nbtrace.cli import cases
    from nbtrace.cli.summary import summarize

    ran = ended.ran
    judged = judge.last
    if not ended.kernels:
        ran.problems.append(f"nothing was recorded: {_why(ended)}")
    summarize(out, ran, judged.judgements, judged.changes)
    if junit is not None:
        with told():
            cases.write(junit, [cases.of_run(ran, judged.judgements)])
    if ended.status:
        if ran.outcome.ending == "interrupted":
            return exits.by_signal(ran.outcome.signal)
        return exits.KERNEL_LOST if ran.outcome.ending == "lost" else ended.status
    if not all(each.kept for each in judged.judgements):
        return exits.OVER_BUDGET
    return exits.USAGE if ran.problems and (ended.kernels or wanted) else exits.FINE


def _why(ended: Ended) -> str:
    """Why no kernel has recorded anything, and what to type."""
    for spec in ended.specs:
        python = spec.ask()
        if python is not None and not python.has_nbtrace:
            install = f"{shlex.quote(python.executable)} -m pip install nbtrace"
            return f"the Python of the kernel {spec.name!r} has no nbtrace. Type  {install}"
    known = ", ".join(spec.name for spec in ended.specs) or "none"
    return f"the command has started none of the kernels that nbtrace can be loaded in ({known})."
