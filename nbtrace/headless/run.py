"""A notebook run and kept: executed, recorded, reported.

Enters: what is to be run, and where its files go. Leaves: a `Ran`; whatever went wrong, what there is has been written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

from nbformat import writes

from nbtrace.analysis.amounts import count
from nbtrace.formats.files import write_whole
from nbtrace.headless.client import NotebookRun, Watcher
from nbtrace.headless.journals import delete, journals
from nbtrace.headless.outcome import Outcome
from nbtrace.headless.ran import Job, Ran
from nbtrace.headless.recorded import held, with_run
from nbtrace.headless.started import Started
from nbtrace.headless.stopping import Stopping
from nbtrace.store.schema import Row
from nbtrace.store.semconv import CODE_FILE_PATH, JUPYTER_NOTEBOOK_PATH, RUN_LIMITS_EXCEEDED

PARAMETER = "nbtrace.run.parameters."
"""Before the name of a parameter, as an attribute of the run's span."""


def run_notebook(
    job: Job,
    watcher: Watcher,
    started: Started,
    runner: asyncio.Runner,
    stopping: Stopping,
    judge: Callable[[Ran], Sequence[str]],
) -> Ran:
    """Run a notebook that has been started, and keep what there is of it; `stopping` holds the signals.

    judge: told of the run before it is kept; gives the limits of change that it exceeds."""
    run = NotebookRun(
        job.notebook, started.kernel, watcher, timeout_s=job.timeout_s, save=lambda: _write_meanwhile(job)
    )
    outcome = runner.run(run.run(stopping))
    # Before the journal is read, which takes longer than whoever ends us may wait.
    with suppress(OSError, ValueError):
        _write_meanwhile(job)
    started.span.end()
    found = journals(job.places.journal)
    snapshot, unread = held(found[-1:])  # which holds what those before it do
    recording = with_run(snapshot, _row(job, outcome, started))
    ran = Ran(job, outcome, recording, started.span.duration_ns, problems=unread)
    ran.notes += _missing(ran)
    try:
        if exceeded := judge(ran):
            ran.recording = with_run(snapshot, _row(job, outcome, started, exceeded))
    finally:
        _keep(ran)
    return ran


def _row(job: Job, outcome: Outcome, started: Started, exceeded: Sequence[str] = ()) -> Row:
    """The span of a run, and what is known of it."""
    # As it was: the folder that it is relative to may be gone by now.
    path = started.kernel.handed.notebook_path
    attributes = {JUPYTER_NOTEBOOK_PATH: path, CODE_FILE_PATH: path}
    attributes |= {PARAMETER + name: _attribute(value) for name, value in job.parameters.items()}
    return started.span.row(
        attributes | ({RUN_LIMITS_EXCEEDED: tuple(exceeded)} if exceeded else {}),
        failed="" if outcome.ending == "fine" else outcome.kind or outcome.ending,
        message=outcome.said,
        told=any(cell.traceback for cell in outcome.cells),
    )


def _missing(ran: Ran) -> list[str]:
    """Say so if cells that have run are not in the recording: the notebook may have switched nbtrace off, or somebody has cut the
    journal."""
    begun = sum(cell.began for cell in ran.outcome.cells)
    known = len(ran.recording.cells(asking=True))
    if known >= begun:
        return []
    return [f"only {known:,} of the {count(begun, 'cell')} that ran are in the recording."]


def _keep(ran: Ran) -> None:
    """Write what there is; what cannot be written keeps nothing else from being written."""
    places, was_read = ran.job.places, not ran.problems
    ran.write("notebook", places.executed, lambda: _write_notebook(ran.job))
    if ran.write("recording", places.recording, lambda: ran.recording.save(places.recording)) and was_read:
        with suppress(OSError):
            delete(places.journal)
    elif found := journals(places.journal):
        ran.kept["journal"] = found[-1]
    ran.write("report", places.report, lambda: ran.recording.report(places.report))


def _write_meanwhile(job: Job) -> None:
    if job.places.executed.is_file() or not job.places.executed.exists():  # a pipe takes one notebook
        _write_notebook(job)


def _write_notebook(job: Job) -> None:
    def write(file: BinaryIO) -> None:
        file.write((writes(job.notebook).rstrip("\n") + "\n").encode("utf-8", "surrogatepass"))

    write_whole(job.places.executed, write)


def _attribute(value: Any) -> Any:
    """A value as an attribute of a span can have it."""
    return value if isinstance(value, (bool, int, float, str)) else repr(value)
