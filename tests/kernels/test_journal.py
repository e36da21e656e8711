"""A kernel dies, and nothing is lost."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrace
from tests.kernels.kernel import Kernel, new_kernel
from tests.waiting import wait_for

ENDS = {
    "SIGKILL": "os.kill(os.getpid(), 9)",
    "os._exit": "os._exit(3)",
    "segfault": "import faulthandler; faulthandler.disable()\n    import ctypes; ctypes.string_at(0)",
    "abort": "import faulthandler; faulthandler.disable()\n    os.abort()",
}


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel that works in a folder of its own."""
    kernel = new_kernel()
    try:
        kernel.run(f"import os; os.chdir({str(tmp_path)!r})", store_history=False)
        yield kernel.load()
    finally:
        kernel.stop()


def journal(folder: Path) -> str:
    """The one journal that lies beside a notebook."""
    found = nbtrace.recover(folder / ".nbtrace")
    assert len(found) == 1
    return str(found["file"][0])


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_kernel_that_dies_in_a_cell_leaves_all_that_it_had(beside: Kernel, tmp_path: Path, end: str) -> None:
    """What was recorded before the journal, each finished span, each open one as unfinished, the cell's source and where it
    was; and another kernel says so."""
    beside.run("import os, time, nbtrace\nwith nbtrace.span('early', n=1): pass")
    said = beside.run("%nbtrace journal on").stdout
    assert said.startswith("nbtrace: what is recorded is written to .nbtrace/session-")
    beside.run("with nbtrace.span('before', rows=3): pass\ntime.sleep(0.1)")
    beside.run("1/0")
    beside.start(
        "with nbtrace.span('outer', file='a.csv'):\n"
        "    for n in range(10):\n"
        "        with nbtrace.span('inner', n=n): pass\n"
        "    time.sleep(0.2)\n"
        f"    {end}"
    )
    wait_for(lambda: not beside.manager.is_alive(), "the end of the kernel")
    rec = nbtrace.recover(journal(tmp_path))
    spans = rec.spans()
    assert spans["name"].tolist() == [
        "cell [2] import os, time, nbtrace",
        "early",
        "cell [3] %nbtrace journal on",
        "cell [4] with nbtrace.span('before', rows=3): pass",
        "before",
        "cell [5] 1/0",
        "cell [6] with nbtrace.span('outer', file='a.csv'):",
        "outer",
        *["inner"] * 10,
    ]
    unfinished = spans[spans["state"] == "unfinished"]
    assert unfinished["name"].tolist() == [spans["name"][6], "outer"]
    assert unfinished["attributes.file"].tolist()[1] == "a.csv"
    assert spans["attributes.n"].dropna().tolist() == [1, *range(10)]
    assert spans["cell"].tolist() == [2, 2, 3, 4, 4, 5, *[6] * 12]
    assert rec.errors()["exception_type"].tolist() == ["ZeroDivisionError"]
    cells = rec.cells(asking=True).set_index("cell")
    assert cells["source"][6].endswith(end)
    assert cells["memory_peak"][4] > 10_000_000
    assert cells["hottest"][4].startswith("line 2 time.sleep")
    assert rec.lines(cell=6)["source"].tolist()[-1].strip() == "time.sleep(0.2)"
    assert rec.statements(cell=4)["first_line"].tolist() == [1, 2]
    assert repr(rec) == "<Recording: 18 spans, 2 unfinished, stopped>"
    text = str(rec.text())
    assert "unfinished" in text
    assert re.search(r"last seen at line [45] .*, \d+ ms after it began", text), text


def test_the_next_kernel_says_that_there_is_something_to_recover(beside: Kernel, tmp_path: Path) -> None:
    """Until somebody has recovered it."""
    beside.run("%nbtrace journal on")
    beside.start("import os; os.kill(os.getpid(), 9)")
    wait_for(lambda: not beside.manager.is_alive(), "the end of the kernel")
    after = new_kernel()
    try:
        after.run(f"import os; os.chdir({str(tmp_path)!r})")
        status = after.load().run("%nbtrace status").stdout
        path = os.path.relpath(journal(tmp_path), tmp_path)
        assert "Journal: off. What is recorded dies with the kernel (%nbtrace journal on)." in status
        assert f"Type  rec = nbtrace.recover({path!r})" in status
        reply = after.run(f"import nbtrace\nrec = nbtrace.recover({path!r})\nrec.spans()['state'].tolist()")
        assert reply.result == "['ended', 'unfinished']"
        assert "recover(" not in after.run("%nbtrace status").stdout
        assert after.run("nbtrace.recover()['state'].tolist()").result == "['recovered']"
    finally:
        after.stop()


def test_of_many_that_died_the_last_ones_are_told_of(beside: Kernel, tmp_path: Path) -> None:
    """And how many there are beside them; those in a file of one's own count."""
    (tmp_path / ".nbtrace").mkdir()
    beside.run("%nbtrace journal on 'one.journal'")
    beside.start("import os; os.kill(os.getpid(), 9)")
    wait_for(lambda: not beside.manager.is_alive(), "the end of the kernel")
    for n in range(5):
        shutil.copy(tmp_path / "one.journal", tmp_path / ".nbtrace" / f"{n}.journal")
    after = new_kernel()
    try:
        after.run(f"import os; os.chdir({str(tmp_path)!r})")
        lines = [
            line.strip() for line in after.load().run("%nbtrace status").stdout.splitlines() if "To recover" in line
        ]
    finally:
        after.stop()
    assert len(lines) == 4
    assert lines[-1] == "To recover: 3 more. Type  nbtrace.recover()"


def test_a_journal_is_switched_on_off_and_asked_about(beside: Kernel, tmp_path: Path) -> None:
    """By a magic or an option; in a place of one's own; the extension that goes closes it."""
    assert beside.run("%nbtrace journal").stdout.startswith("nbtrace: Journal: off.")
    beside.run("%config NBTrace.journal = True")
    assert "it survives the kernel" in beside.run("%nbtrace journal").stdout
    assert "written to .nbtrace/session-" in beside.run("%nbtrace journal on").stdout, (
        "it says where, and begins no other"
    )
    closed = beside.run("%nbtrace journal off").stdout
    assert re.fullmatch(r"nbtrace: (\S+) is closed; nbtrace\.recover\('\1'\) opens it\.\n", closed)
    assert beside.run("%nbtrace journal off").output == ("", "", "", "", "")
    assert nbtrace.recover(tmp_path / ".nbtrace")["state"].tolist() == ["closed"]
    said = beside.run("%nbtrace journal on 'my run.journal'").stdout
    assert said == "nbtrace: what is recorded is written to my run.journal as it happens.\n"
    assert "already" in beside.run("%nbtrace journal on 'my run'").stdout, "its suffix need not be typed"
    beside.run("%nbtrace journal off")
    said = beside.run("%nbtrace journal on 'my run.journal'").stdout
    assert said.endswith("my run-2.journal as it happens. my run.journal is there from before, and stays as it is.\n")
    beside.run("%unload_ext nbtrace")
    assert set(nbtrace.recover(tmp_path)["state"]) == {"closed"}
    spans = nbtrace.recover(tmp_path / "my run-2.journal").spans()
    assert "cell [2] %nbtrace journal" in spans["name"].tolist(), "what was recorded before is in it"
    assert oct((tmp_path / "my run.journal").stat().st_mode)[-3:] == "600"


def test_a_line_that_cannot_be_meant_is_told(beside: Kernel) -> None:
    for line, said in {
        "%nbtrace journal maybe": "neither on nor off",
        "%nbtrace journal off run.journal": "one word too many",
        "%nbtrace journal on /proc/none/run.journal": "no journal is written: there is no folder '/proc/none'. Type",
        "%nbtrace journal on /dev/null": "no journal is written: '/dev/null' is a pipe or a device",
        "%config NBTrace.journal = 'a\\0b'": "no journal is written: 'a\\x00b' is no name for a file",
        "%config NBTrace.journal = 'a\\ud800b'": "no journal is written: 'a\\ud800b' is no name for a file",
        "%nbtrace recover": "nbtrace.recover()",
        "%config NBTrace.journal = 3": "must be True, False, or the path of a file",
    }.items():
        reply = beside.run(line)
        assert said in reply.evalue + reply.stderr, (line, reply)


def test_a_file_that_is_deleted_is_said_once_and_the_recording_goes_on(beside: Kernel, tmp_path: Path) -> None:
    """The cell does what it does."""
    beside.run("%nbtrace journal on run.journal")
    (tmp_path / "run.journal").unlink()
    first, second = beside.run("1 + 1"), beside.run("2 + 2")
    assert (first.result, second.result) == ("2", "4")
    assert "nbtrace: the journal is not whole: somebody has deleted its file, or cut it." in first.stderr
    assert second.stderr == ""
    assert "Journal: stopped, as somebody has deleted its file" in beside.run("%nbtrace status").stdout
    assert beside.run("import nbtrace; len(nbtrace.spans())").result == "5"
    assert "run-2.journal" in beside.run("%nbtrace journal on run.journal").stdout
    assert len(nbtrace.recover(tmp_path / "run-2.journal").spans()) >= 5


def test_a_kernel_that_forks_keeps_its_journal_to_itself(beside: Kernel, tmp_path: Path) -> None:
    """multiprocessing's children, and those that a cell makes itself, write journals of their own. What comes home of those stands
    in the kernel's, once."""
    beside.run("%nbtrace journal on run.journal\nimport os, multiprocessing, nbtrace")
    reply = beside.run(
        "def work(n):\n    with nbtrace.span('in a child', n=n): return n\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: found = pool.map(work, range(4))\n"
        "if (child := os.fork()) == 0:\n"
        "    work(9); os._exit(0)\n"
        "os.waitpid(child, 0)[1], found"
    )
    assert reply.result == "(0, [0, 1, 2, 3])"
    beside.run("with nbtrace.span('parent'): pass\nnbtrace.spans()")
    spans = nbtrace.recover(tmp_path / "run.journal").spans()
    assert spans["name"].tolist().count("in a child") == 5
    assert spans["name"].tolist().count("parent") == 1
    assert spans["span_id"].is_unique


def test_what_is_reset_or_forgotten_is_not_in_the_file_any_more(beside: Kernel, tmp_path: Path) -> None:
    beside.run("%nbtrace journal on run.journal\nimport nbtrace")
    beside.run("with nbtrace.span('mistake'): text = 'not for others'")
    beside.run("%nbtrace forget --cell 3")
    content = b"".join(each.read_bytes() for each in tmp_path.iterdir() if each.is_file())
    assert b"mistake" not in content
    assert b"not for others" not in content
    beside.run("with nbtrace.span('second'): other = 'nor this'")
    beside.run("%nbtrace reset")
    content = b"".join(each.read_bytes() for each in tmp_path.iterdir() if each.is_file())
    assert b"nor this" not in content
    beside.run("with nbtrace.span('third'): pass")
    assert "third" in nbtrace.recover(tmp_path / "run.journal").spans()["name"].tolist()


COUNTS = """
import mmap, os, sys
from pathlib import Path
import nbtrace
from nbtrace.formats.journal.journal import Journal
rec = nbtrace.record().start()
Journal(rec._store, Path(sys.argv[1])).start()
counter = mmap.mmap(os.open(sys.argv[2], os.O_RDWR), 16)
n = 0
with nbtrace.span("open", n=-1):
    counter[8] = 1
    while True:
        with nbtrace.span("work", n=n, text="x" * (n % 50)):
            pass
        n += 1
        counter[0:8] = n.to_bytes(8, "little")
"""


def killed(folder: Path, seconds: float) -> tuple[int, int, bool]:
    """Let a process count the spans that it has ended, kill it, and return its count, what is found, and whether the one that was
    open is."""
    folder.mkdir()
    counter = folder / "count"
    counter.write_bytes(bytes(16))
    process = subprocess.Popen([sys.executable, "-c", COUNTS, str(folder / "run.journal"), str(counter)])
    try:
        wait_for(lambda: counter.read_bytes()[8], "the first span")
        deadline = random.uniform(0, seconds)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(deadline)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    count = int.from_bytes(counter.read_bytes()[:8], "little")
    spans = nbtrace.recover(folder / "run.journal").spans()
    work = spans[(spans["name"] == "work") & (spans["state"] == "ended")]
    assert work["attributes.n"].tolist() == list(range(len(work))), "in order, without a gap"
    return count, len(work), spans.loc[spans["name"] == "open", "state"].tolist() == ["unfinished"]


@pytest.mark.once
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_process_killed_at_any_moment_has_lost_nothing(tmp_path: Path) -> None:
    """While parts follow each other, too. `python -m tests.benchmarks journal` tries it a hundred times."""
    for attempt in range(4):
        count, found, is_open = killed(tmp_path / str(attempt), 0.6)
        assert found in (count, count + 1), "the last may have ended, and not been counted yet"
        assert is_open
