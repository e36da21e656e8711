"""Other runners of notebooks, unmodified, with their kernels recorded."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pexpect
import pytest
from click.testing import CliRunner, Result

import nbtrace
from nbtrace.cli.main import cli
from tests.cli.environments import make_environment
from tests.headless.notebooks import ROOT, kept, start, text_of, write
from tests.waiting import wait_for

EXECUTE = str(Path(sys.executable).with_name("jupyter-execute"))
"""What `jupyter execute` starts."""

Exec = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Exec:
    """`nbtrace exec …` in an empty folder, in this process; what the command writes does not come back with it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    for name in ("TRACEPARENT", "TRACESTATE"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(cli, ["exec", *map(str, arguments)])


# ── what is recorded ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_nbconvert_runs_as_ever_and_its_cells_are_recorded_below_it(
    run: Exec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its stdout is its own. In a larger trace the command is the child of who started us; the notebook sees nothing of it."""
    monkeypatch.setenv("TRACEPARENT", f"00-{'ab' * 16}-{'cd' * 8}-00")
    monkeypatch.setenv("TRACESTATE", "vendor=1")
    seen = "import os, sys\nprint([n for n in [*os.environ, *sys.argv] if n.startswith(('NBTRACE_RUN', 'TRACE', '--ext'))])"
    path = write(tmp_path / "a b.ipynb", "x = 1", seen)
    before = path.read_bytes()
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "markdown", "--stdout", "a b.ipynb"]
    result = run("--", *command)
    assert result.exit_code == 0, result.output
    assert path.read_bytes() == before
    stdout = capfd.readouterr().out
    assert "    []\n" in stdout
    assert "Recording" not in stdout
    assert "✓ 2 cells ran in" in result.output
    root, first, second = nbtrace.load(kept(result.output, "Recording", tmp_path)).spans().to_dict("records")
    assert root["name"] == f"{Path(sys.executable).name} -m nbconvert --execute --to markdown --stdout 'a b.ipynb'"
    assert (root["scope_name"], root["trace_id"], root["parent_span_id"]) == ("nbtrace.run", "ab" * 16, "cd" * 8)
    assert root["attributes.jupyter.notebook.path"] == str(path)
    assert [first["name"], second["name"]] == ["cell [1] x = 1", "cell [2] import os, sys"]
    assert first["parent_span_id"] == second["parent_span_id"] == root["span_id"]
    assert root["start_time"] <= first["start_time"] <= second["end_time"] <= root["end_time"]
    assert sorted(each.suffix for each in (tmp_path / ".nbtrace").iterdir()) == ["", ".html", ".parquet"]


@pytest.mark.once
def test_several_kernels_are_one_recording_and_what_failed_is_said(run: Exec, tmp_path: Path) -> None:
    """The exit status is the command's; cells of different kernels that have one number are told apart."""
    write(tmp_path / "fine.ipynb", "one = 1")
    write(tmp_path / "bad.ipynb", "two = 2", "1 / 0", "three = 3")
    result = run("--save", "run.parquet", "--report", "r.html", "--junit", "j.xml", EXECUTE, "fine.ipynb", "bad.ipynb")
    assert result.exit_code == 1, result.output
    assert "✗ cell [2]: ZeroDivisionError: division by zero (jupyter-execute ended with exit status 1)" in result.output
    assert "  2 cells ran in" in result.output
    rec = nbtrace.load(tmp_path / "run.parquet")
    assert rec.cells()[["cell", "source"]].values.tolist() == [[1, "one = 1"], [1, "two = 2"], [2, "1 / 0"]]
    spans = rec.spans()
    assert spans["trace_id"].nunique() == 1
    assert spans["process_pid"].nunique() == 3
    root = spans[spans["scope_name"] == "nbtrace.run"].iloc[0]
    assert (root["status_code"], root["attributes.error.type"]) == ("ERROR", "ZeroDivisionError")
    assert "nbtrace inspector" in (tmp_path / "r.html").read_text("utf-8")
    assert '<failure message="ZeroDivisionError: division by zero"' in (tmp_path / "j.xml").read_text("utf-8")


@pytest.mark.once
def test_a_kernel_that_dies_leaves_its_recording_and_a_status_of_its_own(run: Exec, tmp_path: Path) -> None:
    """4, whatever the command makes of it, and the cell that never ended is there."""
    write(tmp_path / "dies.ipynb", "x = 1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    result = run(EXECUTE, "dies.ipynb")
    assert result.exit_code == 4, result.output
    assert "✗ the kernel died; jupyter-execute ended with exit status 1." in result.output
    spans = nbtrace.load(kept(result.output, "Recording", tmp_path)).spans()
    assert spans["state"].tolist() == ["ended", "ended", "unfinished"]


@pytest.mark.once
def test_papermill_runs_as_ever_and_is_recorded(run: Exec, tmp_path: Path) -> None:
    """With its parameters, whose secrets are in no name."""
    pytest.importorskip("papermill")
    write(tmp_path / "in.ipynb", "password = alpha = 0", "print(alpha + 1)", tags={0: ["parameters"]}, kernel="python3")
    words = ["in.ipynb", "out.ipynb", "-p", "alpha", "2", "-p", "password", "hunter2"]
    result = run("--", sys.executable, "-m", "papermill", *words)
    assert result.exit_code == 0, result.output
    assert text_of(tmp_path / "out.ipynb") == "3\n"
    rec = nbtrace.load(kept(result.output, "Recording", tmp_path))
    assert len(rec.cells()) == 3
    assert "hunter2" not in rec.spans()["name"].str.cat()


@pytest.mark.once
def test_a_broken_budget_fails_what_the_command_takes_for_fine(run: Exec, tmp_path: Path) -> None:
    """3, and the numbers; a baseline that is not there yet fails nothing."""
    limits = ("--save", "runs/", "--baseline", "runs/", "--fail-if", "run duration +20%")
    result = run("--budget", "run duration < 1ns", *limits, sys.executable, "-c", "")
    assert result.exit_code == 3, result.output
    assert "FAILED   run duration < 1ns: " in result.output
    assert "over the budget of 1 ns" in result.output
    assert "there is no baseline yet" in result.output


# ── what cannot be recorded, or done ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.once
def test_a_command_without_kernels_ends_as_ever_and_it_is_said_that_nothing_was_recorded(
    run: Exec, tmp_path: Path
) -> None:
    """The status is the command's own; only where that is 0, what was asked for and cannot be told is an error."""
    result = run(sys.executable, "-c", "raise SystemExit(7)")
    assert result.exit_code == 7
    assert "✗ python" in result.output
    assert (
        "nbtrace: nothing was recorded: the command has started none of the kernels that nbtrace can be"
        in result.output
    )
    assert run(sys.executable, "-c", "").exit_code == 0
    assert run("--save", "run.parquet", sys.executable, "-c", "").exit_code == 2
    assert run("--budget", "cells duration < 1s", sys.executable, "-c", "").exit_code == 3
    assert [each.name for each in (tmp_path / ".nbtrace").iterdir()] == [".gitignore"]


@pytest.mark.once
def test_a_kernel_whose_python_has_no_nbtrace_is_named(
    run: Exec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to type."""
    bare = make_environment(tmp_path, filled=False)
    bare.kernelspec("bare")
    monkeypatch.setenv("JUPYTER_PATH", str(bare.jupyter))
    monkeypatch.delenv("PYTHONPATH")
    result = run(sys.executable, "-c", "")
    assert result.exit_code == 0
    assert (
        f"nbtrace: nothing was recorded: the Python of the kernel 'bare' has no nbtrace. Type  {bare.python} -m pip install nbtrace"
        in result.output.replace("\n", " ")
    )


@pytest.mark.once
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nbtrace: there is no command 'nowhere'. Type it as you would without us, as in"),
        ([""], "nbtrace: there is no command ''."),
        (["./torn"], "nbtrace: the command './torn' cannot be started: "),
        (["--budget", "x", "torn"], "nbtrace: budget 'x': "),
        (["--fail-if", "p95 +20%", "torn"], "nbtrace: --fail-if needs a baseline."),
        (["--save", "nowhere/run.parquet", "torn"], "nbtrace: there is no folder 'nowhere' for --save"),
        (["--save", "run.trc", "torn"], "nbtrace: cannot tell the format of 'run.trc'"),
        (["--junit", "nowhere/j.xml", "torn"], "nbtrace: there is no folder 'nowhere' for --junit"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(run: Exec, tmp_path: Path, words: list[str], said: str) -> None:
    """2, before anything has run, and nothing is left."""
    (tmp_path / "torn").write_bytes(b"\x00")
    (tmp_path / "torn").chmod(0o755)
    result = run(*words)
    assert (result.exit_code, result.output.count("\n")) == (2, 1), result.output
    assert result.output.startswith(said)
    assert {each.name for each in tmp_path.rglob("*")} <= {"torn", ".nbtrace", ".gitignore"}


def test_tags_and_ids_that_the_runner_does_not_send_are_taken_from_the_file(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "x = 1", "y = 2", tags={1: ["train"]})
    process = start(
        *("exec", "--save", "run.parquet", "--budget", "cell:train < 1min", "--", EXECUTE, "a.ipynb"),
        folder=tmp_path,
        IPYTHONDIR=str(tmp_path / ".ipython"),
    )
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "kept     cell:train < 1min: cell [2] y = 2: " in said
    rec = nbtrace.load(tmp_path / "run.parquet")
    assert rec.spans()["attributes.jupyter.cell.tags"].tolist()[1:] == [None, ["train"]]
    assert rec.cells()["cell_id"].tolist() == [cell.id for cell in nbformat.read(tmp_path / "a.ipynb", 4).cells]


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_how_the_command_ends_is_how_we_do(tmp_path: Path, number: signal.Signals) -> None:
    """As shells count it."""
    code = "import pathlib, signal; pathlib.Path('here').touch(); signal.pause()"
    process = start("exec", sys.executable, "-c", code, folder=tmp_path)
    wait_for((tmp_path / "here").exists)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert f"✗ {Path(sys.executable).stem} was ended by {number.name}." in said


@pytest.mark.once
def test_what_was_recorded_until_a_signal_came_is_kept(tmp_path: Path) -> None:
    """The cell that ran is in the recording as well."""
    write(tmp_path / "a.ipynb", "x = 1", "import pathlib, time\npathlib.Path('here').touch()\ntime.sleep(100)")
    process = start("exec", EXECUTE, "a.ipynb", folder=tmp_path, IPYTHONDIR=str(tmp_path / ".ipython"))
    wait_for((tmp_path / "here").exists)
    process.send_signal(signal.SIGHUP)  # jupyter knows nothing of it, and ends at once
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP, said
    spans = nbtrace.load(kept(said, "Recording", tmp_path)).spans()
    assert spans[["name", "state"]].values.tolist()[1:] == [
        ["cell [1] x = 1", "ended"],
        ["cell [2] import pathlib, time", "unfinished"],
    ]


@pytest.mark.once
def test_ctrl_c_in_a_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    """The terminal sends it to the command too: we do not send it again."""
    code = (
        "import signal\n"
        "came = []\n"
        "signal.signal(signal.SIGINT, lambda *_: (came.append(1), print('came', len(came), flush=True)))\n"
        "print('here', flush=True)\n"
        "input()\n"
        "print('altogether', len(came), flush=True)\n"
    )
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "nbtrace", "exec", sys.executable, "-c", code],
        cwd=str(tmp_path),
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        encoding="utf-8",
        timeout=60,
    )
    terminal.expect("here")
    terminal.sendintr()
    terminal.expect("came 1")
    terminal.sendline("")
    terminal.expect("altogether 1\r\n")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
