"""What JUnit XML is told of runs and of judgements.

Enters: a `Ran`, judgements. Leaves: a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nbtrace.headless.junit import Case, Failure, Suite, junit

if TYPE_CHECKING:
    from nbtrace.analysis.judging.judgement import Judgement
    from nbtrace.headless.outcome import CellRun
    from nbtrace.headless.ran import Ran


def write(path: Path, suites: Sequence[Suite]) -> None:
    """Write suites into a file. Raises OSError."""
    from nbtrace.formats.files import write_whole

    data = junit(suites)

    def content(file: BinaryIO) -> None:
        file.write(data)

    write_whole(path, content)


def of_judgements(judgements: Sequence[Judgement]) -> list[Case]:
    """Return a case for each budget or limit."""
    return [
        Case(
            each.typed,
            failure=None if each.kept else Failure(each.said, kind="budget"),
            output=each.said if each.kept else "",
        )
        for each in judgements
    ]


def of_run(ran: Ran, judgements: Sequence[Judgement]) -> Suite:
    """Return a suite of the cells of a notebook, and what was judged of it."""
    took = _recorded_seconds(ran)
    cases = [_of_cell(ran, cell, took) for cell in ran.outcome.cells]
    path = str(ran.job.path)
    return Suite(path, [*cases, *of_judgements(judgements)], file=path, seconds=ran.duration_ns / 1e9)


def _recorded_seconds(ran: Ran) -> dict[int, float]:
    """By execution count, how long cells took by themselves: what is seen from outside has the kernel's talking in it."""
    table = ran.recording.cells(asking=True)
    known = table[table["cell"].notna() & table["duration"].notna()]
    if known["cell"].duplicated().any():  # of several kernels
        return {}
    return dict(zip(known["cell"].tolist(), known["duration"].dt.total_seconds().tolist(), strict=True))


def _of_cell(ran: Ran, cell: CellRun, took: Mapping[int, float]) -> Case:
    from nbtrace.cli.cell_progress import first_line

    name = f"cell [{cell.execution_count if cell.execution_count is not None else ' '}] {first_line(cell.source)}"
    if not cell.began:
        return Case(name, skipped=f"not reached: {ran.outcome.said}")
    failure = Failure(cell.error, cell.traceback or ran.outcome.said, ran.outcome.kind) if cell.error else None
    return Case(name, took.get(cell.execution_count or 0, cell.seconds), failure)
