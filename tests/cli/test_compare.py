from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from nbtrace.cli.main import cli
from nbtrace.recording import Recording
from nbtrace.store.span_store import SpanStore
from tests.analysis.judging.recordings import MS, SECOND, Cell, recording
from tests.rows import row


def notebook(times: float = 1.0) -> list[Cell]:
    return [
        Cell("import x", 3 * MS),
        Cell("df = load()", int(times * 2 * SECOND), tags=("load",), spans=[("db.query", int(times * SECOND))]),
    ]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a dataset of three runs in runs/, and a slow one in slow.parquet."""
    for times in (1.0, 1.01, 0.99):
        recording(notebook(times)).save(f"{tmp_path}/runs/")
    recording(notebook(1.5)).save(tmp_path / "slow.parquet")
    recording(notebook()).save(tmp_path / "same.parquet")
    return tmp_path


def compare(*typed: object) -> Result:
    return CliRunner().invoke(cli, ["compare", *map(str, typed)])


def test_two_recordings_side_by_side(runs: Path) -> None:
    """As %spans compare shows it: the largest change first, with its verdict."""
    found = compare(f"{runs}/runs/", runs / "slow.parquet")
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert lines[0].split()[:5] == ["path", "verdict", "change", "ratio", "count"]
    assert lines[1].split()[:5] == ["run", "a.ipynb", "slower", "+1.00", "s"]
    (cell,) = [line for line in lines if line.startswith("run a.ipynb › cell df")]
    assert cell.split()[-11:] == ["slower", "+1.00", "s", "▲", "1.50", "×", "1", "2.00", "s", "3.00", "s"]
    assert "%spans" not in found.output


def test_a_limit_that_is_exceeded_fails_the_command(runs: Path) -> None:
    """With a line that names what it was, after the table, and what was kept beside it."""
    found = compare(f"{runs}/runs/", runs / "slow.parquet", "--fail-if", "p95 +20%", "--fail-if", "cell:1 +10%")
    assert found.exit_code == 3
    assert found.stdout.splitlines()[-2:] == [
        "FAILED   p95 +20%: cell df = load(): p95 2.00 s → 3.00 s (+50 %); db.query: p95 1.00 s → 1.50 s (+50 %); "
        "allowed is +20%",
        "kept     cell:1 +10%: cell [1] import x: 3.00 ms as before, within +10%",
    ]
    assert compare(f"{runs}/runs/", runs / "same.parquet", "--fail-if", "p95 +20%").exit_code == 0


def test_what_can_be_chance_fails_nothing_and_says_so(runs: Path) -> None:
    found = compare(runs / "same.parquet", runs / "slow.parquet", "--fail-if", "cell:load +20%")
    assert found.exit_code == 0
    assert found.stdout.splitlines()[-1] == (
        "UNCLEAR  cell:load +20%: cell [2] df = load(): 2.00 s → 3.00 s (+50 %): in 1 run against 1 that can be chance, "
        "3 runs of either side would tell"
    )


def test_machines_read_json(runs: Path) -> None:
    """All rows, times in whole nanoseconds, what is not known null."""
    found = compare(f"{runs}/runs/", runs / "slow.parquet", "--json", "--fail-if", "cell:load +20%")
    assert found.exit_code == 3
    told = json.loads(found.stdout)
    (row_,) = [each for each in told["compare"] if each["name"] == "cell df = load()"]
    assert (row_["verdict"], row_["before"], row_["after"], row_["runs_before"]) == (
        "slower",
        2 * SECOND,
        3 * SECOND,
        3,
    )
    assert (row_["spread_before"], row_["spread_after"]) == (20 * MS, None)
    said = "cell [2] df = load(): 2.00 s → 3.00 s (+50 %); allowed is +20%"
    assert told["judgements"] == [{"limit": "cell:load +20%", "kept": False, "unclear": False, "said": said}]
    assert json.loads(compare(runs / "same.parquet", runs / "slow.parquet", "--json").stdout)["judgements"] == []


def test_pipelines_read_junit(runs: Path) -> None:
    """A case per limit, written though one failed."""
    limits = ["--fail-if", "cell:load +20%", "--fail-if", "cell:load +90%"]
    assert compare(f"{runs}/runs/", runs / "slow.parquet", *limits, "--junit", runs / "junit.xml").exit_code == 3
    failed, kept = ElementTree.parse(runs / "junit.xml").iter("testcase")
    assert [case.get("name") for case in (failed, kept)] == ["cell:load +20%", "cell:load +90%"]
    assert [each.tag for case in (failed, kept) for each in case] == ["failure", "system-out"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["nope.parquet", "slow.parquet"], "nbtrace: there is no file 'nope.parquet'."),
        (["slow.parquet", "run.csv"], "nbtrace: there is no file 'run.csv'."),
        (
            ["nope.parquet", "slow.parquet", "--fail-if", "p59 +2%"],
            "nbtrace: limit 'p59 +2%': 'p59' is no measure. Did you mean p99?",
        ),
        (
            ["other.parquet", "slow.parquet", "--fail-if", "p95 +2%"],
            "nbtrace: the baseline is of 'b.ipynb', and this is 'a.ipynb'.",
        ),
        (
            ["slow.parquet", "slow.parquet", "--fail-if", "p95 +2%"],
            "nbtrace: the baseline holds these runs themselves and no other.",
        ),
        (["same.parquet", "slow.parquet", "--junit", "no/x.xml"], "nbtrace: there is no folder"),
    ],
)
def test_what_was_typed_wrong_is_told_in_one_line(
    runs: Path, monkeypatch: pytest.MonkeyPatch, typed: Sequence[str], said: str
) -> None:
    """A limit before anything is read."""
    recording(notebook(), notebook="b.ipynb").save(runs / "other.parquet")
    monkeypatch.chdir(runs)
    found = compare(*typed)
    assert found.exit_code == 2
    # Older versions of click have one stream of both in `output`, newer ones both there too.
    lines = found.output.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(said)


def test_names_from_spans_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    store = SpanStore()
    store.append(row(1, name="a\x1b]0;title\x07\x1b[2Jb\r\n[bold]c[/bold]", start=0, end=SECOND))
    Recording(store).save(tmp_path / "a.parquet")
    store = SpanStore()
    store.append(row(2, name="a\x1b]0;title\x07\x1b[2Jb\r\n[bold]c[/bold]", start=SECOND, end=9 * SECOND))
    Recording(store).save(tmp_path / "b.parquet")
    found = compare(
        tmp_path / "a.parquet", tmp_path / "b.parquet", "--fail-if", "names\x1b[2J +0%", "--fail-if", "p95 +0%"
    )
    assert found.exit_code == 2
    assert "\x1b" not in found.output
    found = compare(tmp_path / "a.parquet", tmp_path / "b.parquet", "--fail-if", "p95 +0%")
    assert "\x1b" not in found.output
    assert "ab [bold]c[/bold]" in found.output


def test_recordings_of_nothing_are_the_same(tmp_path: Path) -> None:
    Recording(SpanStore()).save(tmp_path / "a.parquet")
    found = compare(tmp_path / "a.parquet", tmp_path / "a.parquet")
    assert (found.exit_code, found.output) == (0, "nothing to compare\n")


def test_the_exit_status_of_the_process(runs: Path) -> None:
    """And in a terminal, lines no wider than it."""
    pexpect = pytest.importorskip("pexpect")
    typed = ["-m", "nbtrace", "compare", f"{runs}/runs/", str(runs / "slow.parquet"), "--fail-if", "p95 +20%"]
    assert subprocess.run([sys.executable, *typed], stdout=subprocess.DEVNULL).returncode == 3
    environment = {**os.environ, "COLUMNS": "", "TERM": "xterm"}
    child = pexpect.spawn(sys.executable, typed, dimensions=(50, 80), encoding="utf-8", env=environment)
    shown = child.read()
    child.wait()
    assert child.exitstatus == 3
    assert "\x1b[31mFAILED" in shown
    lines = shown.replace("\x1b[31m", "").replace("\x1b[0m", "").splitlines()
    assert max(map(len, lines)) <= 80
    assert "         cell df = load(): p95 2.00 s → 3.00 s (+50 %)" in "\n".join(lines)
