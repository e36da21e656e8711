from __future__ import annotations

import json
import os
import re
import select
import signal
import stat
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import nbformat
import pexpect
import pytest
from click.testing import CliRunner, Result
from nbclient import NotebookClient

import nbtrace
from nbtrace.cli.main import cli
from tests.headless.notebooks import ROOT, kept, start, text_of, write
from tests.waiting import wait_for

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`nbtrace run …` in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    for name in ("TRACEPARENT", "TRACESTATE"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(cli, ["run", *map(str, arguments)])


# ── what is written ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_notebook_is_run_recorded_and_reported(run: Run, tmp_path: Path) -> None:
    """It stays as it is; the cells are children of the run, with their sources, ids and tags."""
    path = write(tmp_path / "a.ipynb", "x = 1", "print(x + 1)", tags={1: ["sum"]})
    before = path.read_bytes()
    result = run("a.ipynb")
    assert result.exit_code == 0, result.output
    assert path.read_bytes() == before
    assert "✓ 2 cells ran in" in result.output
    assert text_of(kept(result.output, "Notebook", tmp_path)) == "2\n"
    assert "nbtrace inspector" in kept(result.output, "Report", tmp_path).read_text(encoding="utf-8")
    rec = nbtrace.load(kept(result.output, "Recording", tmp_path))
    spans = rec.spans()
    root, first, second = spans.to_dict("records")
    assert [root["name"], first["name"], second["name"]] == ["run a.ipynb", "cell [1] x = 1", "cell [2] print(x + 1)"]
    assert first["parent_span_id"] == second["parent_span_id"] == root["span_id"]
    assert {root["trace_id"], first["trace_id"], second["trace_id"]} == {root["trace_id"]}
    assert root["start_time"] <= first["start_time"]
    assert second["end_time"] <= root["end_time"]
    assert root["cell"] is None or root["cell"] != root["cell"]
    assert (first["cell"], second["cell"]) == (1, 2)
    assert second["attributes.jupyter.cell.tags"] == ["sum"]
    assert set(spans["attributes.jupyter.notebook.path"]) == {str(path)}
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert rec.cells()["cell_id"].tolist() == ids
    assert not list((tmp_path / ".nbtrace").glob("*.journal*"))


@pytest.mark.once
def test_outputs_of_an_earlier_run_are_not_taken_for_those_of_this_one(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "print('old')", "print('old too')")
    run("a.ipynb", "-o", "out.ipynb")
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    notebook.cells[0].source = "1 / 0"
    nbformat.write(notebook, tmp_path / "b.ipynb")
    result = run("b.ipynb", "-o", "again.ipynb")
    assert result.exit_code == 1
    assert text_of(tmp_path / "again.ipynb") == ""
    assert nbformat.read(tmp_path / "again.ipynb", as_version=4).cells[1].execution_count is None


@pytest.mark.once
def test_what_has_a_name_goes_there(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "print('out')")
    result = run("a.ipynb", "-o", "out.ipynb", "--save", "run.jsonl", "--report", "r.html", "--junit", "j.xml")
    assert result.exit_code == 0, result.output
    assert text_of(tmp_path / "out.ipynb") == "out\n"
    assert len(nbtrace.load(tmp_path / "run.jsonl").spans()) == 2
    assert (tmp_path / "r.html").exists()
    (case,) = ElementTree.parse(tmp_path / "j.xml").getroot().iter("testcase")
    assert case.get("name") == "cell [1] print('out')"


_ALL = (
    "import sys, os\nprint(sys.argv[1] == '-f', len(sys.argv), os.environ.get('TRACEPARENT'), os.environ.get('NBTRACE_RUN'))",
    "%load_ext nbtrace",
    "x = 1",
    "class A: pass\nA.__name__",
    "print('a'); import sys; print('b', file=sys.stderr); 3",
    "from IPython.display import display, HTML\nh = display(HTML('<b>1</b>'), display_id='h')\nh.update(HTML('<b>2</b>'))",
    "import threading\nprint(threading.active_count(), [t.name for t in threading.enumerate()][:1])",
    "%%capture out\nprint('kept')",
    "out.show()",
    "await __import__('asyncio').sleep(0)\nIn[3]",
    "%unload_ext nbtrace",
    "%%bash\necho from a shell",
    "raise ValueError('wrong')",
)


def _without_process(cell: nbformat.NotebookNode) -> str:
    """A cell, without the number of its process, which older versions of IPython show in tracebacks."""
    return re.sub(r"ipykernel_\d+", "ipykernel", json.dumps(cell, sort_keys=True))


def test_outputs_are_those_of_plain_nbclient(run: Run, tmp_path: Path) -> None:
    """Tracebacks, displays, streams and execution counts; also of a notebook that loads and unloads nbtrace itself."""
    write(tmp_path / "a.ipynb", *_ALL, tags={len(_ALL) - 1: ["raises-exception"]})
    plain = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    NotebookClient(plain, resources={"metadata": {"path": str(tmp_path)}}).execute()
    result = run("a.ipynb", "-o", "out.ipynb")
    assert result.exit_code == 0, result.output
    traced = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    for one, other in zip(plain.cells, traced.cells, strict=True):
        one.metadata.pop("execution")
        other.metadata.pop("execution")
        assert _without_process(other) == _without_process(one)
    assert traced.metadata == plain.metadata


# ── how it ends ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cell_that_fails_ends_the_run(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "print('before')", "def f():\n    return 1 / 0\nf()", "print('never')")
    result = run("a.ipynb", "--junit", "j.xml")
    assert result.exit_code == 1
    assert "✗ cell [2]: ZeroDivisionError: division by zero" in result.output
    assert "1 cell ran in" in result.output
    assert "1 cell did not" in result.output
    assert "----> 2     return 1 / 0" in result.output
    assert text_of(kept(result.output, "Notebook", tmp_path)) == "before\n"
    rec = nbtrace.load(kept(result.output, "Recording", tmp_path))
    assert rec.errors()["exception_type"].tolist()[-1] == "ZeroDivisionError"
    assert rec.spans()["status_code"].tolist() == ["ERROR", "UNSET", "ERROR"]
    first, second, third = ElementTree.parse(tmp_path / "j.xml").getroot().iter("testcase")
    failure = second.find("failure")
    assert failure is not None
    assert failure.get("message") == "ZeroDivisionError: division by zero"
    assert failure.text is not None
    assert "return 1 / 0" in failure.text
    assert first.find("failure") is None
    assert third.find("skipped") is not None


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("os.kill(os.getpid(), 9)", "the kernel was killed by SIGKILL"),
        ("os._exit(3)", "the kernel ended by itself, with status 3"),
        ("import ctypes; ctypes.string_at(0)", "the kernel crashed by SIGSEGV"),
    ],
)
def test_a_kernel_that_dies_leaves_what_there_was(run: Run, tmp_path: Path, ends: str, said: str) -> None:
    code = f"import os, nbtrace\nwith nbtrace.span('done'):\n    pass\nwith nbtrace.span('open'):\n    {ends}"
    write(tmp_path / "a.ipynb", "print('before')", code, "print('never')")
    result = run("a.ipynb")
    assert result.exit_code == 4
    assert f"✗ cell [2]: {said}" in result.output
    assert "last seen at line 4 with nbtrace.span('open'):" in result.output
    assert text_of(kept(result.output, "Notebook", tmp_path)) == "before\n"
    spans = nbtrace.load(kept(result.output, "Recording", tmp_path)).spans()
    assert dict(zip(spans["name"], spans["state"], strict=True)) == {
        "run a.ipynb": "ended",
        "cell [1] print('before')": "ended",
        "cell [2] import os, nbtrace": "unfinished",
        "done": "ended",
        "open": "unfinished",
    }


def test_a_cell_that_runs_for_too_long_is_interrupted(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "import time\nprint('begun')\nwhile True:\n    time.sleep(0.01)")
    result = run("a.ipynb", "--timeout", "1")
    assert result.exit_code == 4
    assert "✗ cell [1]: the cell ran for longer than 1 s and was interrupted." in result.output
    assert text_of(kept(result.output, "Notebook", tmp_path)) == "begun\n"
    rec = nbtrace.load(kept(result.output, "Recording", tmp_path))
    assert rec.errors()["exception_type"].tolist()[-1] == "KeyboardInterrupt"


@pytest.mark.once
def test_a_cell_that_no_interrupt_ends_is_killed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbtrace.headless.client.GRACE_S", 1.0)
    code = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('begun')\nwhile True: time.sleep(0.01)"
    write(tmp_path / "a.ipynb", code)
    result = run("a.ipynb", "--timeout", "1")
    assert result.exit_code == 4
    assert "was killed, as an interrupt did not end it." in result.output
    assert text_of(kept(result.output, "Notebook", tmp_path)) == "begun\n"
    assert "unfinished" in set(nbtrace.load(kept(result.output, "Recording", tmp_path)).spans()["state"])


_WAITS = (
    "from pathlib import Path\nimport time\nprint('begun')\nPath('begun').touch()\nwhile True:\n    time.sleep(0.01)"
)
_STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + _WAITS


@pytest.mark.once
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_interrupts_the_cell_and_keeps_all(tmp_path: Path, number: int, status: int) -> None:
    write(tmp_path / "a.ipynb", _WAITS, "print('never')")
    process = start("run", "a.ipynb", folder=tmp_path)
    wait_for((tmp_path / "begun").exists)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == status, said
    assert "stopping: the cell is interrupted. Once more kills its kernel." in said
    assert text_of(kept(said, "Notebook", tmp_path)) == "begun\n"
    rec = nbtrace.load(kept(said, "Recording", tmp_path))
    assert rec.errors()["exception_type"].tolist()[-1] == "KeyboardInterrupt"
    assert kept(said, "Report", tmp_path).exists()


def test_ctrl_c_twice_kills_the_kernel_and_keeps_all(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", _STUBBORN)
    process = start("run", "a.ipynb", folder=tmp_path)
    wait_for((tmp_path / "begun").exists)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    before = ""
    while "Once more kills its kernel" not in before:
        line = process.stdout.readline()
        assert line, before
        before += line
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "killing the kernel; what was recorded is kept." in said
    assert len(nbformat.read(kept(said, "Notebook", tmp_path), as_version=4).cells) == 1
    states = nbtrace.load(kept(said, "Recording", tmp_path)).spans()["state"]
    assert states.tolist() == ["ended", "unfinished"]


@pytest.mark.once
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe holds the moment")
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_a_signal_while_the_files_are_written_loses_none(tmp_path: Path, twice: bool) -> None:
    """Once: the rest is written, and the status tells of the signal. Twice: what is there stays, and nothing else is left."""
    write(tmp_path / "a.ipynb", "print('all ran')")
    os.mkfifo(tmp_path / "report.html")  # nobody reads it yet: the report, which is the last file, waits
    process = start(
        "run", "a.ipynb", "-o", "out.ipynb", "--save", "r.parquet", "--report", "report.html", folder=tmp_path
    )
    wait_for((tmp_path / "r.parquet").exists)
    wait_for(lambda: not list((tmp_path / ".nbtrace").glob("*journal*")))
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    before = ""
    while "Once more ends without" not in before:
        line = process.stdout.readline()
        assert line, before
        before += line
    if twice:
        process.send_signal(signal.SIGTERM)
    else:
        assert "nbtrace inspector" in (tmp_path / "report.html").read_text(encoding="utf-8")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert "Traceback" not in said
    assert text_of(tmp_path / "out.ipynb") == "all ran\n"
    assert nbtrace.load(tmp_path / "r.parquet").spans()["state"].tolist() == ["ended", "ended"]
    assert not list((tmp_path / ".nbtrace").glob("*journal*"))


@pytest.mark.once
def test_when_we_are_killed_ourselves_journal_and_notebook_stay(tmp_path: Path) -> None:
    """The notebook with what its cells have put out so far, also the one that still ran. And the kernel does not outlive us."""
    write(
        tmp_path / "a.ipynb", "x = 1; print('x')", "import os\nn = open('pid', 'w').write(str(os.getpid()))\n" + _WAITS
    )
    process = start("run", "a.ipynb", "-o", "out.ipynb", folder=tmp_path)
    out = tmp_path / "out.ipynb"
    wait_for(lambda: out.exists() and text_of(out) == "x\nbegun\n", "the notebook of a run that goes on")
    process.kill()
    process.communicate()
    kernel = int((tmp_path / "pid").read_text())

    def gone() -> bool:
        try:
            os.kill(kernel, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{kernel}/stat")
        return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"

    wait_for(gone)
    (journal,) = (tmp_path / ".nbtrace").glob("*.journal")
    spans = nbtrace.recover(journal).spans()
    assert spans["name"].tolist() == ["cell [1] x = 1; print('x')", "cell [2] import os"]


# ── what cannot be done ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.ipynb"], "there is no file 'nowhere.ipynb'."),
        (["."], "'.' is a folder. Name the notebooks in it"),
        (["text.ipynb"], "'text.ipynb' is no notebook: "),
        (["json.ipynb"], "'json.ipynb' is no notebook: "),
        (["binary.ipynb"], "'binary.ipynb' is no notebook: it is not text."),
        (["a.ipynb", "--kernel", "nope"], "there is no kernel 'nope': there are "),
        (["r.ipynb"], "there is no kernel 'ir-of-mine': the notebook asks for it; there are "),
        (["a.ipynb", "--param", "alpha=1"], "the notebook takes no parameters"),
        (["a.ipynb", "--param", "alpha"], "'alpha' is no parameter"),
        (["a.ipynb", "--timeout", "0"], "0.0 is not in the range"),
        (["a.ipynb", "--timeout", "nan"], "nan is no number of seconds."),
        (["a.ipynb", "--budget", "cels < 3s"], "Did you mean cells?"),
        (["a.ipynb", "--fail-if", "p95 +20%"], "--fail-if needs a baseline"),
        (["a.ipynb", "--baseline", "nowhere/"], "there is no file 'nowhere/'"),
        (["a.ipynb", "-o", "nowhere/out.ipynb"], "there is no folder 'nowhere' for -o"),
        (["a.ipynb", "--save", "run.xyz"], "cannot tell the format of 'run.xyz'"),
        (["a.ipynb", "--report", "r.html", "--junit", "r.html"], "'r.html' is named twice"),
        (["a.ipynb", "-o", "./a.ipynb"], "'a.ipynb' is the notebook that is to be run. Name another file with -o."),
        (["a.ipynb", "--budget", "train < 3s"], "'train' is nothing to judge. Did you mean cell:train?"),
        (["a.ipynb", "b.ipynb", "--junit", "./b.ipynb"], "'b.ipynb' is the notebook that is to be run. Name another"),
        (["a.ipynb", "--report", "a.ipynb"], "'a.ipynb' is the notebook that is to be run. Name another"),
        (["a.ipynb", "b.ipynb", "-o", "out.ipynb"], "-o names one file, and there are 2 notebooks."),
        (["a.ipynb", "b.ipynb", "--save", "run.parquet"], "Give a folder, as in  --save runs/"),
        ([], "missing argument"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line_before_anything_runs(
    run: Run, tmp_path: Path, arguments: list[str], said: str
) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.ipynb", "open('ran', 'w').close()")
    write(tmp_path / "r.ipynb", "open('ran', 'w').close()", kernel="ir-of-mine")
    (tmp_path / "text.ipynb").write_text("x = 1")
    (tmp_path / "json.ipynb").write_text(json.dumps({"cells": 3}))
    (tmp_path / "binary.ipynb").write_bytes(b"\xff\xfe\x00")
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.startswith("nbtrace: ")
    assert result.output.count("\n") == 1
    assert not (tmp_path / "ran").exists()


def _kernel(folder: Path, *argv: str, language: str = "python") -> None:
    spec = folder / "kernels" / "odd"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "odd", "language": language}))


@pytest.mark.once
def test_a_kernel_that_does_not_start_is_told_with_what_it_wrote(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _kernel(tmp_path, "sh", "-c", "echo 'no module of that name' >&2; exit 1")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    write(tmp_path / "a.ipynb", "x = 1", kernel="odd")
    result = run("a.ipynb")
    assert result.exit_code == 4
    assert "the kernel 'odd' did not start: the kernel ended by itself, with status 1." in result.output
    assert "no module of that name" in result.output
    assert kept(result.output, "Notebook", tmp_path).exists()


@pytest.mark.once
def test_a_kernel_that_hangs_at_its_start_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _kernel(tmp_path, "sh", "-c", "exec sleep 1000")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setattr("nbtrace.headless.client.STARTUP_S", 1)
    write(tmp_path / "a.ipynb", "x = 1", kernel="odd")
    result = run("a.ipynb")
    assert result.exit_code == 4
    assert "the kernel 'odd' did not start: Kernel didn't respond in 1 seconds." in result.output
    assert kept(result.output, "Notebook", tmp_path).exists()


@pytest.mark.once
def test_on_a_terminal_the_cell_that_runs_is_counted(tmp_path: Path) -> None:
    """Before it, that the kernel starts; and each cell is printed once."""
    write(tmp_path / "a.ipynb", "x = 1", "import time\ntime.sleep(0.6)")
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "nbtrace", "run", "a.ipynb"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        dimensions=(40, 80),
        encoding="utf-8",
        timeout=60,
    )
    said = terminal.read()
    terminal.close()
    assert terminal.exitstatus == 0, said
    assert "starting the kernel" in said
    assert re.search(r"[⠀-⣿] \[2\] import time +\d{3} ms", said)
    assert re.search(r"✓ 2 cells ran in [\d.]+ ms; [\d.]+ s with the start and the end of the kernel", said)
    progress, _, _ = said.partition(
        "✓ 2 cells ran"
    )  # the table of the slowest cells below it may name a cell once more
    assert len(re.findall(r"  \[1\] x = 1 ", progress)) == 1


@pytest.mark.once
def test_a_kernel_of_another_language_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _kernel(tmp_path, "R", language="R")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    write(tmp_path / "a.ipynb", "x = 1", kernel="odd")
    result = run("a.ipynb")
    assert (result.exit_code, "the kernel 'odd' speaks R; nbtrace is for kernels of Python" in result.output) == (
        2,
        True,
    )


@pytest.mark.once
def test_two_runs_into_one_file_at_once_are_told(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", _WAITS)
    first = start("run", "a.ipynb", "--save", "run.parquet", folder=tmp_path)
    wait_for((tmp_path / "begun").exists)
    second = start("run", "a.ipynb", "--save", "run.parquet", folder=tmp_path)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 2
    assert (
        f"'run.parquet' is being written by another run (process {first.pid}). Name another file with --save." in said
    )
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert len(nbtrace.load(tmp_path / "run.parquet").spans()) == 2


@pytest.mark.once
@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_in_a_folder_that_must_not_be_written_to_the_files_go_elsewhere(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "x = 1")
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        result = run("a.ipynb")
    finally:
        tmp_path.chmod(stat.S_IRWXU)
    assert result.exit_code == 0, result.output
    assert "cannot be written to (Permission denied): files go into" in result.output


@pytest.mark.once
def test_where_a_file_is_in_the_way_the_files_go_elsewhere(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "x = 1")
    (tmp_path / ".nbtrace").write_text("")
    result = run("a.ipynb")
    assert result.exit_code == 0, result.output
    assert "cannot be written to" in result.output
    assert kept(result.output, "Recording", tmp_path).exists()


# ── parameters, several notebooks, a larger trace ────────────────────────────────────────────────────────────────────


@pytest.mark.once
def test_parameters_take_the_place_of_the_defaults(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "alpha = 1\nname = 'x'", "print(alpha, name)", tags={0: ["parameters"]})
    result = run("a.ipynb", "--param", "alpha=0.5", "-o", "out.ipynb")
    assert result.exit_code == 0, result.output
    assert text_of(tmp_path / "out.ipynb") == "0.5 x\n"
    spans = nbtrace.load(kept(result.output, "Recording", tmp_path)).spans(name="run a.ipynb")
    assert spans["attributes.nbtrace.run.parameters.alpha"].tolist() == [0.5]


@pytest.mark.once
def test_several_notebooks_run_in_turn_with_one_summary(run: Run, tmp_path: Path) -> None:
    """One that fails keeps the next one from nothing; each works in its own folder."""
    (tmp_path / "below").mkdir()
    write(tmp_path / "a.ipynb", "1 / 0")
    write(tmp_path / "below" / "b.ipynb", "from pathlib import Path\nprint(Path.cwd().name)")
    result = run("a.ipynb", "below/b.ipynb", "--save", "runs/")
    assert result.exit_code == 1
    summary = result.output[result.output.index("All notebooks") :]
    assert re.search(r"✗ a\.ipynb +0 of 1 .*ZeroDivisionError", summary)
    assert re.search(r"✓ below/b\.ipynb +1 of 1 ", summary)
    (executed,) = (tmp_path / "below" / ".nbtrace").glob("b-*.ipynb")
    assert text_of(executed) == "below\n"
    spans = nbtrace.load(f"{tmp_path}/runs/").spans()
    assert spans["name"][spans["scope_name"] == "nbtrace.run"].tolist() == ["run a.ipynb", "run b.ipynb"]


@pytest.mark.parametrize("flags", ["01", "00"])
def test_traceparent_joins_a_larger_trace(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str
) -> None:
    """One that is not sampled drops no cell, with a provider of the notebook's own either; and the code does not see it."""
    monkeypatch.setenv("TRACEPARENT", f"00-{'a' * 32}-{'b' * 16}-{flags}")
    provider = "from opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\n"
    write(
        tmp_path / "a.ipynb",
        "import os\nprint(os.environ.get('TRACEPARENT'))",
        provider + "trace.set_tracer_provider(TracerProvider())",
        "with trace.get_tracer('mine').start_as_current_span('theirs'): pass",
    )
    result = run("a.ipynb", "-o", "out.ipynb")
    assert result.exit_code == 0, result.output
    assert text_of(tmp_path / "out.ipynb") == "None\n"
    spans = nbtrace.load(kept(result.output, "Recording", tmp_path)).spans()
    assert set(spans["trace_id"]) == {"a" * 32}
    assert spans["parent_span_id"].tolist()[0] == "b" * 16
    assert spans["name"].tolist()[-1] == "theirs"
    assert len(spans) == 5


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.once
def test_a_budget_that_is_broken_is_named_with_its_numbers(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "import time\ntime.sleep(0.05)", tags={0: ["slow"]})
    result = run("a.ipynb", "--budget", "cell:slow < 10ms", "--budget", "run < 5min", "--junit", "j.xml")
    assert result.exit_code == 3
    assert re.search(r"FAILED +cell:slow < 10ms: cell \[1\] .* over the budget of 10.0 ms \([\d.,]+ ×\)", result.output)
    assert re.search(r"kept +run < 5min: ", result.output)
    _, slow, whole = ElementTree.parse(tmp_path / "j.xml").getroot().iter("testcase")
    assert slow.get("name") == "cell:slow < 10ms"
    assert slow.find("failure") is not None
    assert whole.find("failure") is None


@pytest.mark.once
def test_a_baseline_of_several_runs_knows_noise(run: Run, tmp_path: Path) -> None:
    """The first runs fill it; a slower one is told, and counts."""
    arguments = ("a.ipynb", "--save", "runs/", "--baseline", "runs/", "--fail-if", "cells duration +50%")
    write(tmp_path / "a.ipynb", "import time", "time.sleep(0.1)", tags={1: ["work"]})
    first = run(*arguments)
    assert (first.exit_code, "there is no baseline yet" in first.output) == (0, True), first.output
    for _ in range(2):
        again = run(*arguments)
        assert again.exit_code == 0, again.output
    text = (tmp_path / "a.ipynb").read_text()
    (tmp_path / "a.ipynb").write_text(text.replace("sleep(0.1)", "sleep(0.4)"))
    slower = run(*arguments)
    assert slower.exit_code == 3, slower.output
    assert re.search(r"FAILED +cells duration \+50%: cell \[2\] time.sleep\(0.4\): 1\d\d ms → 4\d\d ms", slower.output)


@pytest.mark.once
def test_a_run_that_exceeds_a_limit_is_no_baseline(run: Run, tmp_path: Path) -> None:
    """Else it would pass when it is only run often enough."""
    arguments = ("a.ipynb", "--save", "runs/", "--baseline", "runs/", "--fail-if", "cell:work +50%")
    write(tmp_path / "a.ipynb", "import time", "time.sleep(0.1)", tags={1: ["work"]})
    assert run(*arguments).exit_code == 0
    text = (tmp_path / "a.ipynb").read_text()
    (tmp_path / "a.ipynb").write_text(text.replace("sleep(0.1)", "sleep(0.4)"))
    for _ in range(3):
        slower = run(*arguments)
        assert slower.exit_code == 3, slower.output
        assert re.search(r"FAILED +cell:work \+50%: cell \[2\] time.sleep\(0.4\): 1\d\d ms → 4\d\d ms", slower.output)
    spans = nbtrace.load(f"{tmp_path}/runs/").spans(where="scope_name == 'nbtrace.run'")
    assert spans["attributes.nbtrace.run.limits_exceeded"].notna().tolist() == [False, True, True, True]


@pytest.mark.once
def test_a_baseline_of_another_notebook_is_told_before_anything_runs(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "x = 1")
    write(tmp_path / "b.ipynb", "open('ran', 'w').close()")
    run("a.ipynb", "--save", "run.parquet")
    result = run("b.ipynb", "--baseline", "run.parquet")
    assert result.exit_code == 2
    assert "the baseline is of 'a.ipynb', and not of 'b.ipynb'." in result.output
    assert not (tmp_path / "ran").exists()


@pytest.mark.once
def test_what_cannot_be_written_meanwhile_ends_no_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook's folder is gone while it runs, and there again at the end."""
    (tmp_path / "out").mkdir()
    write(
        tmp_path / "a.ipynb",
        "import os, shutil\nshutil.rmtree('out', True)",
        "print(1)",
        "os.makedirs('out', exist_ok=True)",
    )
    monkeypatch.setattr("nbtrace.headless.client.SAVE_S", 0.01)
    result = run("a.ipynb", "-o", "out/a.ipynb")
    assert result.exit_code == 0, result.output
    assert text_of(tmp_path / "out" / "a.ipynb") == "1\n"


def test_a_message_that_cannot_be_read_ends_the_run_and_not_us(run: Run, tmp_path: Path) -> None:
    """A library that sends what no front end understands: what there is is kept, as when the kernel dies."""
    sends = (
        "kernel = get_ipython().kernel\n"
        "kernel.session.send(kernel.iopub_socket, 'stream', {'bad': 1}, parent=kernel.get_parent())"
    )
    write(tmp_path / "a.ipynb", "print(1)", sends, "print('never')")
    result = run("a.ipynb", "-o", "out.ipynb", "--save", "run.parquet")
    assert result.exit_code == 4, result.output
    assert "✗ cell [2]: talking to the kernel failed: KeyError: 'name'." in result.output
    assert text_of(tmp_path / "out.ipynb") == "1\n"
    assert len(nbtrace.load(tmp_path / "run.parquet").cells()) == 2


@pytest.mark.once
def test_a_journal_that_a_cell_has_emptied_is_told_and_stays(run: Run, tmp_path: Path) -> None:
    """The rest is written; who looks closer may find something in it."""
    empties = "import glob, os\nfor name in glob.glob('.nbtrace/*.journal*'): os.truncate(name, 0)\nos._exit(1)"
    write(tmp_path / "a.ipynb", "print(1)", empties)
    result = run("a.ipynb", "-o", "out.ipynb", "--save", "run.parquet")
    assert result.exit_code == 4, result.output
    assert "is no journal of nbtrace" in result.output
    assert "only 0 of the 2 cells that ran are in the recording." in result.output
    assert text_of(tmp_path / "out.ipynb") == "1\n"
    assert nbtrace.load(tmp_path / "run.parquet").spans()["name"].tolist() == ["run a.ipynb"]
    assert list((tmp_path / ".nbtrace").glob("*.journal"))


@pytest.mark.once
def test_a_long_traceback_is_cut_in_its_middle(run: Run, tmp_path: Path) -> None:
    """What it begins and ends with is said; the notebook has all of it."""
    write(tmp_path / "a.ipynb", "raise ValueError('first' + '.' * 1_000_000 + '\\n' * 500 + 'last')")
    result = run("a.ipynb", "-o", "out.ipynb")
    assert result.exit_code == 1
    assert "ValueError: first..." in result.output
    assert re.search(r"… \d+ lines more …\n(.*\n)+  last\n", result.output)
    assert len(result.output) < 20_000
    assert "." * 1_000_000 in (tmp_path / "out.ipynb").read_text("utf-8")


@pytest.mark.once
def test_a_notebook_that_deletes_its_own_folder_is_kept_elsewhere(tmp_path: Path) -> None:
    """What was to be written into the folder is named, what has another place is there."""
    (folder := tmp_path / "gone").mkdir()
    write(folder / "a.ipynb", "import os, shutil\nshutil.rmtree(os.getcwd())", "print(1)")
    out = tmp_path / "out.ipynb"
    process = start("run", "a.ipynb", "-o", str(out), folder=folder)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert "nbtrace: the recording could not be written to" in said
    assert "Traceback" not in said
    assert text_of(out) == "1\n"


# ── cells that are not run, signals that are not heeded ──────────────────────────────────────────────────────────────


@pytest.mark.once
def test_a_cell_to_be_skipped_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    """As under plain nbclient: with what it has put out before. It counts as no cell that ran."""
    path = write(tmp_path / "a.ipynb", "print(1)", "print('never')", tags={1: ["skip-execution"]})
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].update(execution_count=7, outputs=[nbformat.v4.new_output("stream", text="before\n")])
    nbformat.write(notebook, path)
    result = run("a.ipynb", "-o", "out.ipynb", "--junit", "j.xml")
    assert result.exit_code == 0, result.output
    assert "✓ 1 cell ran in" in result.output
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert executed.cells[1] == notebook.cells[1]
    assert [cell.execution_count for cell in executed.cells] == [1, 7]
    assert text_of(tmp_path / "out.ipynb") == "1\nbefore\n"
    assert len(list(ElementTree.parse(tmp_path / "j.xml").getroot().iter("testcase"))) == 1


@pytest.mark.once
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_ctrl_c_while_files_are_written_loses_none_of_them(tmp_path: Path) -> None:
    """The executed notebook goes into a pipe that nobody empties before: so it is being written when the signal comes."""
    write(tmp_path / "a.ipynb", "print('x' * 1_000_000)")
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    process = start("run", "a.ipynb", "-o", "pipe", "--save", "run.parquet", folder=tmp_path)
    select.select([pipe], [], [], 60)
    process.send_signal(signal.SIGINT)
    os.set_blocking(pipe, True)
    with open(pipe, "rb") as file:
        notebook = json.load(file)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "what was recorded is being written. Once more ends without." in said
    assert len(notebook["cells"][0]["outputs"][0]["text"][0]) == 1_000_001
    assert len(nbtrace.load(tmp_path / "run.parquet").cells()) == 1


@pytest.mark.once
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_a_signal_that_was_ignored_before_stays_so(tmp_path: Path) -> None:
    """nohup: a run outlives its terminal."""
    goes_on = (
        "from pathlib import Path\nimport time\nPath('begun').touch()\nwhile not Path('go').exists(): time.sleep(0.01)"
    )
    write(tmp_path / "a.ipynb", goes_on, "print('last')")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("run", "a.ipynb", "-o", "out.ipynb", folder=tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for((tmp_path / "begun").exists)
    process.send_signal(signal.SIGHUP)
    (tmp_path / "go").touch()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert text_of(tmp_path / "out.ipynb") == "last\n"


# ── nobody who reads ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.once
def test_a_run_goes_on_when_nobody_reads_what_it_says(tmp_path: Path) -> None:
    """`nbtrace run … | head -1`: its files and its exit status are as ever."""
    write(tmp_path / "a.ipynb", *(f"print({n})" for n in range(20)), "1 / 0")
    process = start("run", "a.ipynb", "-o", "out.ipynb", "--save", "run.parquet", folder=tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 1
    assert text_of(tmp_path / "out.ipynb").split() == [str(n) for n in range(20)]
    assert len(nbtrace.load(tmp_path / "run.parquet").cells()) == 21


@pytest.mark.once
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_a_run_goes_on_when_what_it_says_cannot_be_written(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", "print(1)")
    with open("/dev/full", "w") as full:
        process = start("run", "a.ipynb", "-o", "out.ipynb", folder=tmp_path, stdout=full)
        assert process.wait(60) == 0
    assert text_of(tmp_path / "out.ipynb") == "1\n"
