"""`nbtrace recover`: from a kernel that has died to a file that answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nbtrace
from nbtrace.formats.journal import folder
from tests.cli.commands import a_run, refused, typed
from tests.formats.journal.journals import journalled
from tests.formats.journal.test_folder import died
from tests.rows import row

DIES = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "nbtrace")
shell.run_line_magic("nbtrace", "journal on")
shell.run_cell("import nbtrace, os\\nwith nbtrace.span('load'):\\n    pass", store_history=True)
shell.run_cell("with nbtrace.span('fit'):\\n    x = 1\\n    os.kill(os.getpid(), 9)", store_history=True)
"""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal whose process has died."""
    return died(tmp_path_factory.mktemp("left"))


@pytest.fixture
def here(left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which we are."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(path: str) -> str:
    found = folder.look(Path(path))
    assert found is not None
    return found.state


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_what_a_killed_kernel_had_is_found_and_becomes_a_file(here: Path) -> None:
    """Listed without an argument; what is typed next is said each time, and works."""
    root = str(Path(nbtrace.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", DIES], env={**os.environ, "PYTHONPATH": root}, capture_output=True, check=False
    )
    status, output, _ = typed("recover", COLUMNS="120")
    assert status == 0
    assert output.splitlines()[1].startswith("died ")
    following = output.splitlines()[-1].removeprefix("Type  nbtrace ").split()
    assert state(following[1]) == "died"
    status, output, error = typed(*following)
    assert (status, error) == (0, f"reading {following[1]} …\n")
    account, seen, written, then = output.splitlines()
    assert re.fullmatch(r"2 cells, 4 spans \(2 unfinished\)(, \d+ samples?)?; its kernel died .* ago", account)
    assert re.fullmatch(r"cell \[2\] .*: last seen at line \d .*, .* after it began", seen)
    assert written.startswith(following[1].replace(".journal", ".parquet  "))
    assert state(following[1]) == "recovered"
    status, output, _ = typed(*then.removeprefix("Type  nbtrace ").split())
    assert status == 0
    assert "fit" in output
    assert "last seen at line" in output


def test_a_journal_that_cannot_be_written_elsewhere_is_not_marked(left: Path, here: Path) -> None:
    """It stays one that is still to be recovered."""
    shutil.copy(left, here)
    for target in ("nix/x.parquet", "x.csv", "run.journal", "."):
        refused("recover", "run.journal", "-o", target)
    said = refused("recover", "run.journal", "-o", "x.folded")
    assert said == ".folded is not read again. Type  nbtrace convert run.journal x.folded"
    assert state("run.journal") == "died"
    assert typed("recover", "run.journal", "-o", "a b.jsonl")[1].splitlines()[-1] == "Type  nbtrace show 'a b.jsonl'"
    assert state("run.journal") == "recovered"
    assert nbtrace.load("a b.jsonl").spans()["state"].tolist() == ["unfinished"]


def test_a_file_that_is_there_is_not_written_over_unless_it_is_named(left: Path, here: Path) -> None:
    shutil.copy(left, here)
    a_run().recording.save("run.parquet")
    before = Path("run.parquet").read_bytes()
    said = refused("recover", "run.journal")
    assert said.endswith("or name another file:  nbtrace recover run.journal -o FILE")
    assert (Path("run.parquet").read_bytes(), state("run.journal")) == (before, "died")
    assert typed("recover", "run.journal", "-o", "run.parquet")[0] == 0
    assert len(nbtrace.load("run.parquet").spans()) == 1


def test_a_journal_that_is_being_written_gives_what_it_has_so_far(here: Path) -> None:
    with journalled(here) as made:
        made.end(row(1, name="load"))
        assert "its kernel is running" in typed("recover", "run.journal")[1]
        made.end(row(2, name="fit"))
    assert nbtrace.load("run.parquet").spans()["name"].tolist() == ["load"]
    assert nbtrace.recover("run.journal").spans()["name"].tolist() == ["load", "fit"]
    assert typed("recover")[1].splitlines()[1].startswith("closed ")


def test_a_folder_lists_its_own_and_those_of_its_notebooks(left: Path, here: Path) -> None:
    (here / "sub" / ".nbtrace").mkdir(parents=True)
    for place in ("sub", "sub/.nbtrace"):
        shutil.copy(left, place)
    assert typed("recover")[1].startswith("no journals in this folder, nor in .nbtrace there")
    lines = typed("recover", "sub", COLUMNS="120")[1].splitlines()
    assert {line.split()[-1] for line in lines[1:3]} == {"sub/run.journal", "sub/.nbtrace/run.journal"}
    assert [line.split()[0] for line in lines[1:3]] == ["died", "died"]


def test_what_is_no_journal(here: Path) -> None:
    a_run().recording.save("run.parquet")
    Path("odd.journal").write_bytes(b"\x1b[31m nonsense")
    assert refused("recover", "run.parquet").endswith("is no journal. Type  nbtrace show run.parquet")
    assert refused("recover", "nix.journal").endswith("Type  nbtrace recover  to see those that there are")
    assert refused("recover", "odd.journal").endswith("is no journal of nbtrace: its first line does not say so.")
    assert refused("recover", "-o", "x.parquet").startswith("which journal?")
    assert not Path("odd.parquet").exists()
