"""A command that runs notebooks by itself (papermill, nbconvert, `jupyter execute`), with its kernels traced.

Enters: a command, and where files go. Leaves: a `Ran`, as of a notebook that was run here, and the command's exit status. The
command is not changed: it finds other kernelspecs than it would, of the same names."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrace.extension.handed import TRACE_VARIABLES, Handed
from nbtrace.formats.journal import files, folder
from nbtrace.formats.journal.ends import head_of
from nbtrace.headless.kernelspecs import Kernelspec, python_of
from nbtrace.headless.outcome import CellRun, Outcome
from nbtrace.headless.places import Places
from nbtrace.headless.ran import Job, Ran
from nbtrace.headless.recorded import held, with_run
from nbtrace.headless.run_span import RunSpan
from nbtrace.headless.shadow import JUPYTER_PATH, path_with, shadow, shadowable
from nbtrace.headless.stopping import Stopping
from nbtrace.headless.tagged import tagged
from nbtrace.recording import Recording, from_elsewhere
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import Row
from nbtrace.store.semconv import CODE_FILE_PATH, JUPYTER_NOTEBOOK_PATH, RUN_LIMITS_EXCEEDED
from nbtrace.views.words import cut, plain

if TYPE_CHECKING:
    import pandas as pd

_NAME = 80
"""Columns of a command, as the name of its span."""

_ENDING_S = 5.0
"""So long kernels may take to end after the command."""


class CommandError(ValueError):
    """A command that cannot be started."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has been run."""

    ran: Ran
    status: int
    """Its exit status, as shells count: 128 and the signal that has ended it."""
    kernels: int
    """How many of them have recorded."""
    specs: list[Kernelspec]
    """The kernelspecs whose kernels were to record."""


def label(command: Sequence[str]) -> str:
    """Return a short name of a command for its files: that of the program, of the module that Python runs, or of Jupyter's
    subcommand."""
    words = list(command)
    if "-m" in words[1:-1]:
        words = words[words.index("-m") + 1 :]
    name = Path(words[0]).stem
    return "-".join(words[:2]) if name == "jupyter" and words[1:] and words[1].isalnum() else name


def notebook_of(command: Sequence[str]) -> Path | None:
    """Return the notebook that a command runs: as a rule, the first one that it names and that is there."""
    return next((Path(word) for word in command[1:] if word.endswith(".ipynb") and Path(word).is_file()), None)


def run_command(
    command: Sequence[str], places: Places, say: Callable[[str], None], judge: Callable[[Ran], Sequence[str]]
) -> Ended:
    """Run a command to its end, and keep what its kernels have recorded. say: told what is to be said meanwhile. judge: told of
    the run before it is kept; gives the limits of change that it exceeds. Raises CommandError if it cannot be started, and
    OSError."""
    if shutil.which(command[0]) is None:
        raise CommandError(f"there is no command {command[0]!r}.")
    specs = shadowable(python_of(command[0]))
    span = RunSpan(_name(command))
    into = places.journal.with_suffix(folder.OF_COMMAND).absolute()
    _clear_old(into.parent)
    into.mkdir(mode=0o700)
    try:
        with Stopping(say) as stopping:
            with tempfile.TemporaryDirectory(prefix="nbtrace-", ignore_cleanup_errors=True) as kernels:
                handed = Handed(span.traceparent, span.tracestate, str(into))
                shadow(Path(kernels), specs, handed.variables())
                # Who started us is the parent of our span, and we are that of the kernels' cells.
                environment = {name: value for name, value in os.environ.items() if name not in TRACE_VARIABLES}
                environment[JUPYTER_PATH] = path_with(Path(kernels))
                code = _Process().run(command, environment, stopping)
                span.end()
                died = _await_kernels(into)
            journals = _of_kernels(into)
            snapshot, unread = held(journals)
            if (notebook := notebook_of(command)) is not None:
                snapshot = tagged(snapshot, notebook)
            outcome = _outcome(from_elsewhere(snapshot), label(command), code, died, stopping.number)
            recording = with_run(snapshot, _row(command, span, outcome))
            ran = Ran(
                Job(Path(label(command)), None, "", places), outcome, recording, span.duration_ns, problems=unread
            )
            if exceeded := judge(ran):
                ran.recording = with_run(snapshot, _row(command, span, outcome, exceeded))
            if journals:
                _keep(ran, into)
    finally:
        with suppress(OSError):  # where anything is left, it may be wanted
            into.rmdir()
    return Ended(ran, 128 - code if code < 0 else code, len(journals), specs)


def _name(command: Sequence[str]) -> str:
    """What was typed, without what looks like a secret, as far as it is short."""
    redactor = Redactor()
    words = list(command)
    for number, word in enumerate(words[1:], 1):
        # `-p password hunter2`, `--token abc`: the name stands in the word before.
        words[number] = str(redactor.value(words[number - 1].lstrip("-"), word))
        name, equals, value = word.partition("=")
        if equals:
            words[number] = f"{name}={redactor.value(name.lstrip('-'), value)}"
    words[0] = Path(words[0]).name
    return cut(plain(redactor.title(shlex.join(words))), _NAME)


# ── the process ──────────────────────────────────────────────────────────────────────────────────────────────────────


class _Process:
    """A command with our stdin, stdout and stderr, and the signals that come to us."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str], environment: dict[str, str], stopping: Stopping) -> int:
        """Run it; return how it ended, as subprocess tells it. Raises CommandError."""
        with stopping.told(self._signalled):
            try:
                self._process = subprocess.Popen(list(command), env=environment)
            except OSError as error:
                raise CommandError(f"the command {command[0]!r} cannot be started: {error.strerror}.") from error
            if stopping.number:  # before there was anybody to pass it on to
                self._process.send_signal(stopping.number)
            return self._process.wait()

    def _signalled(self, signum: int) -> None:
        # Ctrl-C in a terminal reaches the command without us: twice is more than was typed.
        if self._process is not None and not (signum == signal.SIGINT and _in_foreground()):
            self._process.send_signal(signum)


def _in_foreground() -> bool:
    """Whether a terminal sends what is typed to us, and so to the command too."""
    if os.name == "nt":
        return True  # all processes of a console get it
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


# ── what its kernels have left ───────────────────────────────────────────────────────────────────────────────────────


def _await_kernels(into: Path) -> int:
    """Wait for kernels that are about to end, and return how many have died. Those of a command that was killed see that within
    a second."""
    until = time.monotonic() + _ENDING_S
    while any(found.state == "running" for found in folder.journals(into)) and time.monotonic() < until:
        time.sleep(0.02)
    return sum(found.state == "died" for found in folder.journals(into))


def _of_kernels(into: Path) -> list[Path]:
    """The last journal of each kernel, in the order of their starts: where nbtrace was loaded anew, that holds what others do."""
    of_kernel: dict[Any, Path] = {}
    for found in reversed(folder.journals(into)):
        head = head_of(files.parts(found.path)[0]) or {}
        of_kernel[head.get("pid")] = found.path
    return list(of_kernel.values())


def _outcome(recording: Recording, name: str, code: int, died: int, came: int) -> Outcome:
    """How it ended: what the command says counts, and what the recording knows is said with it."""
    cells = _cells(recording)
    if code < 0 or (came and code):
        signum = -code if code < 0 else came
        return Outcome(
            "interrupted", "KeyboardInterrupt", f"{name} was ended by {_signal(signum)}.", cells, signal=signum
        )
    if code == 0:
        for cell in cells:
            cell.error = ""  # the command was told that cells may fail
        return Outcome("fine", cells=cells)
    ended = f"{name} ended with exit status {code}"
    if died:
        return Outcome("lost", "DeadKernelError", f"{'a' if died > 1 else 'the'} kernel died; {ended}.", cells)
    failed = next((cell for cell in reversed(cells) if cell.error), None)
    if failed is None:
        return Outcome("failed", "CommandError", f"{ended}.", cells)
    return Outcome("failed", failed.error.partition(":")[0], f"{failed.error} ({ended})", cells)


def _cells(recording: Recording) -> list[CellRun]:
    errors = recording.errors()
    found = []
    for number, row in enumerate(_records(recording.cells(asking=True))):
        error = ""
        if isinstance(row["exception_type"], str):
            same = errors[(errors["cell"] == row["cell"]) & (errors["exception_type"] == row["exception_type"])]
            messages = [message for message in same["exception_message"] if isinstance(message, str)]
            error = f"{row['exception_type']}: {messages[-1]}" if messages else row["exception_type"]
        took = row["duration"]
        seconds = took.total_seconds() if took == took else None
        count = None if row["cell"] != row["cell"] else int(row["cell"])
        found.append(CellRun(number, row["source"] or "", count, began=True, seconds=seconds, error=error))
    return found


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.astype(object).to_dict("records")]


def _signal(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"


def _row(command: Sequence[str], span: RunSpan, outcome: Outcome, exceeded: Sequence[str] = ()) -> Row:
    """The span of the command, and what is known of it."""
    notebook = notebook_of(command)
    path = "" if notebook is None else str(notebook.absolute())
    attributes: dict[str, Any] = {JUPYTER_NOTEBOOK_PATH: path, CODE_FILE_PATH: path} if path else {}
    return span.row(
        attributes | ({RUN_LIMITS_EXCEEDED: tuple(exceeded)} if exceeded else {}),
        failed="" if outcome.ending == "fine" else outcome.kind,
        message=outcome.said,
        told=any(cell.error for cell in outcome.cells),
    )


def _keep(ran: Ran, into: Path) -> None:
    """Write the recording and the report; the journals go once the recording is there."""
    places, was_read = ran.job.places, not ran.problems
    kept = ran.write("recording", places.recording, lambda: ran.recording.save(places.recording)) and was_read
    for found in folder.journals(into):
        if not kept:
            ran.kept["journal"] = found.path
        elif found.state != "running":
            folder.delete(found.path)
        else:
            ran.problems.append(f"a kernel still runs; what it records from now on is in {str(found.path)!r}.")
    ran.write("report", places.report, lambda: ran.recording.report(places.report))


def _clear_old(usual: Path) -> None:
    """Delete what earlier commands have left and nobody has come for, as it is done with other journals."""
    for each in usual.glob(f"*{folder.OF_COMMAND}"):
        if each.is_dir() and not each.is_symlink():
            folder.clear_old(each)
            with suppress(OSError):  # another one's, that still runs
                each.rmdir()
