"""Children of `subprocess`: told nothing, or, when a person asks for it, what was current where they were started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.kernels.kernel import Kernel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no fork_exec")

_CHILD = """import os, nbtrace
print(nbtrace.arrive(), os.environ.get("TRACEPARENT", "")[:3])
with nbtrace.span("in child", password="hunter2-hunter2"): pass
"""
_STOCK = """from opentelemetry import trace
with trace.get_tracer("x").start_as_current_span("stock"): print("ran")
"""


@pytest.fixture
def children(kernel: Kernel, tmp_path: Path) -> Kernel:
    """A kernel that knows two programs and how to run them."""
    (tmp_path / "child.py").write_text(_CHILD)
    (tmp_path / "stock.py").write_text(_STOCK)
    kernel.run(
        f"import os, subprocess, sys, nbtrace\nos.chdir({str(tmp_path)!r})\n"
        "def run(*words, **options):\n"
        "    print(subprocess.run(words, capture_output=True, text=True, check=True, **options).stdout.strip())"
    )
    return kernel


def below(kernel: Kernel, name: str) -> list[str]:
    """The names of the spans above the first one of this name, and whether it is of another process."""
    rows = {row["span_id"]: row for row in kernel.rows()}
    at = next(row for row in rows.values() if row["name"] == name)
    pids = {row["process_pid"] for row in rows.values() if row["name"].startswith("cell [")}
    assert at["process_pid"] not in pids
    found = []
    while at["parent_span_id"]:
        at = rows[at["parent_span_id"]]
        found.append(at["name"].split("]")[0])
    return found


def test_a_child_is_told_nothing_unless_somebody_asks_for_it(children: Kernel) -> None:
    """What it calls does nothing then, and says so."""
    assert children.run("run(sys.executable, 'child.py')").stdout == "False\n"
    assert "are told nothing (%nbtrace propagate on)" in children.run("%nbtrace status").stdout
    assert [row["name"] for row in children.rows() if row["name"] == "in child"] == []


def test_a_python_program_that_arrives_nests_below_what_started_it(children: Kernel) -> None:
    assert "gets TRACEPARENT" in children.run("%nbtrace propagate").stdout
    assert children.run("with nbtrace.span('launch'): run(sys.executable, 'child.py')").stdout == "True 00-\n"
    assert below(children, "in child") == ["launch", "cell [4"]
    (row,) = [row for row in children.rows() if row["name"] == "in child"]
    assert row["attributes"]["password"] == "[redacted: password]"
    assert "get TRACEPARENT" in children.run("%nbtrace status").stdout
    children.run("%nbtrace propagate off")
    assert children.run("run(sys.executable, 'child.py')").stdout == "False\n"


def test_what_a_line_with_an_exclamation_mark_starts_nests_too(children: Kernel) -> None:
    children.run("%nbtrace propagate on")
    assert children.run(f"!{sys.executable} child.py").stdout.split() == ["True", "00-"]
    assert below(children, "in child") == ["cell [4"]


def test_under_opentelemetry_instrument_a_program_comes_home_by_itself(children: Kernel) -> None:
    pytest.importorskip("opentelemetry.distro")
    children.run("%nbtrace propagate on")
    options = "'--traces_exporter', 'none', '--metrics_exporter', 'none', '--logs_exporter', 'none'"
    program = str(Path(sys.executable).with_name("opentelemetry-instrument"))
    assert children.run(f"run({program!r}, {options}, sys.executable, 'stock.py')").stdout == "ran\n"
    assert below(children, "stock") == ["cell [4"]


def test_the_environment_that_a_person_gives_stays_as_it_is(children: Kernel) -> None:
    """What stands in it is not replaced, and nothing of it gets into the kernel's own."""
    children.run("%nbtrace propagate on")
    show = "run(sys.executable, '-c', 'import os; print(os.environ.get(\"TRACEPARENT\"), sorted(os.environ))', env={})"
    assert children.run(show.format("{'TRACEPARENT': 'mine'}")).stdout.startswith(
        "mine ['LC_CTYPE', 'NBTRACE_ARRIVES', "
    )
    assert children.run("print({'TRACEPARENT', 'NBTRACE_ARRIVES'} & {*os.environ})").stdout == "set()\n"


@pytest.mark.parametrize("options", ["", ", close_fds=False"])
def test_a_program_that_is_not_there_fails_as_without_nbtrace(children: Kernel, options: str) -> None:
    """No frame of nbtrace is in the traceback, whatever Popen uses to start it."""
    children.run("%nbtrace propagate on")
    failed = children.run(f"subprocess.run(['/none/such'] {options})")
    assert failed.ename == "FileNotFoundError"
    assert "nbtrace" not in "".join(failed.traceback)


def test_what_is_no_letter_of_ours_is_not_read(children: Kernel) -> None:
    """A variable that somebody else has set opens nothing."""
    for text in ("x", "1 zz zz 1 1 /tmp", "5 1 1 1 1 /root", "5 1 1 1 1 /none/such", "-1"):
        told = children.run(f"run(sys.executable, 'child.py', env={{**os.environ, 'NBTRACE_ARRIVES': {text!r}}})")
        assert told.stdout == "False\n", text


def test_unloading_ends_it(children: Kernel) -> None:
    children.run("before = subprocess._USE_POSIX_SPAWN\n%nbtrace propagate on")
    children.run("%unload_ext nbtrace")
    told = children.run("print(subprocess._USE_POSIX_SPAWN == before, subprocess._fork_exec.__module__)")
    assert told.stdout == "True _posixsubprocess\n"
