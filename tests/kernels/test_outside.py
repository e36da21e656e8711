"""nbtrace loaded from outside, as `nbtrace run`, `nbtrace exec` and `nbtrace enable` do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrace
from nbtrace.extension.handed import ARGUMENT, Handed
from tests.kernels.kernel import Kernel, start_kernel

PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


@pytest.fixture
def outside(journal: Path) -> Iterator[Kernel]:
    """A kernel of a run."""
    handed = Handed(PARENT, "vendor=1", str(journal), "/somewhere/a.ipynb")
    kernel = start_kernel(
        extra_arguments=[ARGUMENT], env={**os.environ, **handed.variables(), "TRACEPARENT": PARENT, "TRACESTATE": "x=1"}
    )
    try:
        yield kernel
    finally:
        kernel.stop()


def test_the_code_sees_nothing_of_it(outside: Kernel) -> None:
    """Neither in the environment, nor in what it starts, nor among the kernel's arguments."""
    told = "[name for name in os.environ if name in ('NBTRACE_RUN', 'TRACEPARENT', 'TRACESTATE')]"
    assert outside.run(f"import os, sys\n{told}").result == "[]"
    assert outside.run("!env | grep -cE 'NBTRACE_RUN|TRACEPARENT|TRACESTATE'").stdout.strip() == "0"
    arguments = outside.run(
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('-f')\nparser.parse_args() and len(sys.argv)"
    )
    assert (arguments.result, arguments.stderr) == ("3", "")


def test_cells_are_children_of_the_run(outside: Kernel) -> None:
    outside.run("x = 1")
    outside.run("%load_ext nbtrace")
    outside.run("%reload_ext nbtrace")
    outside.run("x = 2")
    rows = [row for row in outside.rows() if "x =" in row["name"]]
    assert [(row["trace_id"], row["parent_span_id"], row["cell"]) for row in rows] == [
        ("a" * 32, "b" * 16, 1),
        ("a" * 32, "b" * 16, 4),
    ]
    assert rows[0]["attributes"]["jupyter.notebook.path"] == "/somewhere/a.ipynb"


def test_a_notebook_that_loads_nbtrace_itself_hears_nothing_of_it(outside: Kernel) -> None:
    for magic in ("%load_ext nbtrace", "%reload_ext nbtrace", "%unload_ext nbtrace", "%load_ext nbtrace"):
        assert outside.run(magic).output == ("", "", "", "", "")
    outside.run("x = 1")
    assert outside.rows()[-1]["name"] == "cell [5] x = 1"


def test_the_notebooks_own_journal_is_another_one(outside: Kernel, journal: Path, tmp_path: Path) -> None:
    """Switched on and off, it leaves that of the run alone; status says nothing of that."""
    assert re.search(r"Journal: off\.", outside.run("%nbtrace status").stdout)
    outside.run(f"%nbtrace journal on {tmp_path}/mine.journal")
    outside.run("x = 1")
    outside.run("%nbtrace journal off")
    outside.run("x = 2")
    mine, run = (nbtrace.recover(path).spans()["name"].tolist() for path in (tmp_path / "mine.journal", journal))
    assert "cell [3] x = 1" in mine
    assert "cell [5] x = 2" not in mine
    assert {"cell [3] x = 1", "cell [5] x = 2"} <= set(run)


def test_statements_stand_in_both_journals(outside: Kernel, journal: Path, tmp_path: Path) -> None:
    """Those of a cell that never ended, too."""
    outside.run(f"%nbtrace journal on {tmp_path}/mine.journal")
    outside.start("import os\nx = 1\nos._exit(1)")
    outside.manager.provisioner.process.wait(timeout=60)
    for path in (tmp_path / "mine.journal", journal):
        assert nbtrace.recover(path).statements()["source"].tolist()[-1] == "os._exit(1)", path


def test_loaded_anew_a_second_journal_holds_what_the_first_one_did(outside: Kernel, journal: Path) -> None:
    outside.run("x = 1")
    outside.run("%load_ext nbtrace")
    outside.run("%reload_ext nbtrace")
    outside.run("x = 2")
    second = journal.with_name("run-2.journal")
    assert {"cell [1] x = 1", "cell [4] x = 2"} <= set(nbtrace.recover(second).spans()["name"])


def test_the_tree_below_a_cell_is_that_of_the_cell(outside: Kernel) -> None:
    """All cells are of one trace there."""
    outside.run("%nbtrace display on")
    outside.run("x = 1")
    (shown,) = outside.run("x = 2").displayed
    assert "x = 2" in shown["text/plain"]
    assert "x = 1" not in shown["text/plain"]


def test_what_has_no_cell_stays_without_one(outside: Kernel, journal: Path) -> None:
    """A span between cells is of the run's trace in no way, nor is one that a thread ends later taken for the last cell's."""
    outside.run("x = 1")
    outside.run("import nbtrace, threading\nfrom opentelemetry import context")
    outside.run(
        "def late():\n    go.wait()\n    context.attach(context.Context())\n    with nbtrace.span('alone'):\n        done.set()\n"
        "go, done = threading.Event(), threading.Event()\nthreading.Thread(target=late, daemon=True).start()"
    )
    outside.run("go.set()\ndone.wait()")
    spans = nbtrace.recover(journal).spans(name="alone")
    assert spans["trace_id"].tolist() != ["a" * 32]


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"other": 1}', ""])
def test_what_is_handed_and_cannot_be_read_loads_all_the_same(text: str) -> None:
    kernel = start_kernel(extra_arguments=[ARGUMENT], env={**os.environ, "NBTRACE_RUN": text})
    try:
        assert kernel.run("import os\nos.environ.get('NBTRACE_RUN')").output == ("", "", "", "", "")
        assert kernel.rows()[-1]["parent_span_id"] is None
    finally:
        kernel.stop()
