"""A journal is read, whatever has become of it."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nbtrace
from nbtrace.formats.journal import reader
from nbtrace.formats.journal.reader import read_journal
from nbtrace.formats.reading import PartlyReadWarning, UnreadableFileError
from nbtrace.store.book import Resources
from nbtrace.store.samples import SampleFields
from nbtrace.store.stacks import root
from tests.formats.journal.journals import Journalled, journalled
from tests.rows import THREAD, row

pytestmark = pytest.mark.once

SOURCE = """\
import time

@cached
def slow():
    time.sleep(1)

total = sum(
    range(10)
)"""


def written(folder: Path, spans: int = 20) -> Path:
    """A journal that was closed."""
    with journalled(folder) as made:
        for n in range(1, spans + 1):
            made.start(each := row(n, parent=n // 2, n=n, text=f"value {n % 3}"))
            made.end(each)
    return made.path


def code(line: int, last: int) -> Any:
    """Code of a statement on these lines."""
    return compile("\n" * (line - 1) + "f(" + "\n" * (last - line) + ")", "<cell>", "exec")


def cell(made: Journalled, **more: Any) -> Any:
    found = made.store.cells.open(execution_count=3, cell_id="abc", source=SOURCE, **more)
    made.start(row(50, name="cell [3]", trace=99, cell=found.number))
    found.trace_id, found.span_id = 99, 50
    return found


def test_a_cell_that_ended_is_there_with_all_that_it_was(tmp_path: Path) -> None:
    """Source, ids, resources, statements by their lines, samples by their stacks."""
    with journalled(tmp_path) as made:
        found = cell(made)
        stack = root().call("<module>", "/somewhere/cell.py", 7, 1).call("sum", "/somewhere/other.py", 3, 2)
        begun = [(1_000, code(1, 1)), (2_000, code(7, 9))]
        for moment, each in begun:
            made.journal.statement_begun(found.number, moment, each)
        sample = SampleFields(2_500_000, found.number, 99, 50, THREAD, 10_000_000, None, 163_840, True, stack)
        made.store.samples.append(sample)
        found.resources, found.file, found.failed = Resources(5, 6, shared=True), "/somewhere/cell.py", True
        made.store.statements.append((found, begun, 3_000, True))
        made.end(row(50, name="cell [3]", trace=99, cell=found.number))
    back = read_journal(made.path).snapshot
    assert back.executions == (made.store.executions())
    (statements,), (samples,) = back.statements, back.samples
    assert statements.statements.to_pylist() == made.store.snapshot().statements[0].statements.to_pylist()
    live = made.store.snapshot().samples[0]
    assert samples.samples.to_pylist() == live.samples.to_pylist()
    assert (samples.stacks.to_pylist(), samples.frames.to_pylist()) == (
        live.stacks.to_pylist(),
        live.frames.to_pylist(),
    )


def test_a_cell_that_died_is_there_up_to_then(tmp_path: Path) -> None:
    """Its source, where its statements were, and which of them ran; lines by the source where nobody wrote them."""
    with journalled(tmp_path) as made:
        found = cell(made)
        for moment, line, last in ((1_000, 1, 1), (2_000, 3, 5), (3_000, 7, 9)):
            made.journal.statement_begun(found.number, moment, code(line, last))
        back = read_journal(made.path).snapshot
        assert [each.source for each in back.executions] == [SOURCE]
        assert [(each.trace_id, each.span_id) for each in back.executions] == [(99, 50)]
        assert back.batches[0].spans["state"].to_pylist() == [2]
        assert back.statements[0].statements.select(["first_line", "last_line", "start_ns", "end_ns"]).to_pylist() == [
            {"first_line": 1, "last_line": 1, "start_ns": 1_000, "end_ns": 2_000},
            {"first_line": 3, "last_line": 5, "start_ns": 2_000, "end_ns": 3_000},
            {"first_line": 7, "last_line": 9, "start_ns": 3_000, "end_ns": None},
        ]


def test_a_file_that_ends_anywhere_gives_what_stands_before(tmp_path: Path) -> None:
    """As if the process had died at each byte: no span that had been written whole is lost, and none is made up."""
    path = written(tmp_path)
    whole = path.read_bytes()
    ends = [match.end() for match in re.finditer(rb"\n", whole)]
    before = -1
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length] + b"\0" * 50)
        lines = sum(end <= length for end in ends)
        if not lines:
            with pytest.raises(UnreadableFileError):
                read_journal(path)
            continue
        loaded = read_journal(path)
        assert loaded.unread == ()
        found = sum(batch.length for batch in loaded.snapshot.batches)
        assert found >= before
        before = found
    assert before == 20


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("whole"))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_that_have_changed_cost_the_lines_that_they_are_in(whole: Path, data: st.DataObject) -> None:
    """The others are read, and it is said how many are not; nothing else is raised."""
    content = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = whole.with_name("changed.journal")
    path.write_bytes(bytes(content))
    try:
        loaded = read_journal(path)
    except UnreadableFileError:
        return
    spans = sum(batch.length for batch in loaded.snapshot.batches)
    assert spans >= 10 or loaded.unread
    nbtrace.recording.from_elsewhere(loaded.snapshot).text()  # type: ignore[attr-defined]


HOSTILE = {
    "empty": b"",
    "zeros": b"\0" * 100_000,
    "pickle": pickle.dumps({"a": 1}),
    "page": b"<!doctype html>\n<html></html>\n",
    "json": b'{"resourceSpans": []}\n',
    "number": b"3\n",
    "deep": b"[" * 200_000 + b"\n",
    "a head that is none": b'["nbtrace.journal",1]\n["s"]\n',
    "latin": "é".encode("latin-1") * 1_000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_no_journal_is_told(tmp_path: Path, content: bytes) -> None:
    """And what to type instead."""
    path = tmp_path / "run.journal"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"run\.journal.*nbtrace\.load"):
        nbtrace.recover(path)


HEAD = b'["nbtrace.journal",1,{"pid":1}]\n'
LINES = {
    "deep": b"[" * 100_000,
    "unknown": b'["?",1]',
    "numbers beyond all bounds": b'["s",' + b"9" * 5_000 + b"]",
    "no such origin": b'["s",1,2,0,"x",0,0,77,78,79,5]',
    "another kind": b'["k",1,["a"]]\n["s",1,2,0,"x",0,0,1,1,1,5,6]',
    "values without keys": b'["o",1,null,null,null,"{}"]\n["t",2,1,1,"x"]\n["k",3,[]]\n["s",1,2,0,"x",0,0,1,2,3,5,6]',
    "a frame of a frame that is none": b'["f",1,9,"f","file",1,1]',
    "an execution of text": b'["c",{"number":"1"}]',
    "a list for a map": b'["c",[]]',
    "a kind that there is not": b'["o",1,null,null,null,"{}"]\n["t",2,1,1,"x"]\n["k",3,[]]\n["s",1,2,0,"x",9,0,1,2,3,5]',
    "no list": b'{"s":1}',
    "a resource that is none": b'["o",1,null,null,null,"[["]',
    "a resource that is a list": b'["o",1,null,null,null,"[]"]',
    "an execution with text for an id": b'["c",{"number":1,"trace_id":"abc"}]',
    "an execution with an id beyond all bounds": b'["c",{"number":1,"span_id":%d}]' % 2**90,
    "an execution with a count beyond all bounds": b'["c",{"number":1,"execution_count":%d}]' % 2**70,
    "lines of a cell that are none": b'["c",{"number":1,"line_map":["a"]}]',
    "resources that are texts": b'["c",{"number":1,"resources":{"cpu_ns":"z"}}]',
    "a thread beyond all bounds": b'["t",1,%d,1,"x"]' % 2**70,
    "a statement beyond all bounds": b'["b",1,%d,1]' % 2**70,
    "an end of statements beyond all bounds": b'["d",1,%d,false,[]]' % 2**70,
    "a sample beyond all bounds": b'["t",2,1,1,"x"]\n["p",%d,1,5,6,2,1,1,1,false,0]' % 2**70,
    "a stack deeper than any": b"\n".join(b'["f",%d,%d,"f","file",1,1]' % (n, n - 1) for n in range(1, 203)),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_that_cannot_be_read_is_counted(tmp_path: Path, line: bytes) -> None:
    """With its number; what stands around it is read."""
    path = written(tmp_path)
    path.write_bytes(HEAD + line + b"\n" + path.read_bytes())
    with pytest.warns(
        PartlyReadWarning, match=r"1 of \d+ lines cannot be read, the first of them line \d+ of 'run.journal'"
    ):
        recording = nbtrace.recover(path)
    assert len(recording.spans()) == 20


def test_numbers_that_no_column_holds_are_cut(tmp_path: Path) -> None:
    """A time beyond 64 bits, ids of many digits."""
    path = tmp_path / "run.journal"
    huge = 10**40
    made = [
        '["o",1,null,null,null,"{}"]',
        '["t",2,1,1,"x"]',
        '["k",3,["a"]]',
        f'["s",{huge},{huge + 7},{-huge},"x",4,0,1,2,3,{huge},{huge}]',
        f'["e",{huge},5,5,"y",3,{-huge},{huge},2,1,1,2,null,3,[[[1]],{{"b":[2]}}]]',
    ]
    path.write_bytes(HEAD + "\n".join(made).encode() + b"\n")
    recording = nbtrace.recover(path)
    assert recording.spans()["state"].tolist() == ["ended", "unfinished"]
    for answer in ("text", "critical_path", "self_times", "tree", "cells", "lines"):
        getattr(recording, answer)()
    recording.report(tmp_path / "run.html")


def test_a_line_longer_than_any_that_is_written_is_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not held whole to be told."""
    monkeypatch.setattr(reader, "MOST_BYTES", 1_000_000)
    path = tmp_path / "run.journal"
    path.write_bytes(HEAD + b'["s","' + b"x" * 5_000_000 + b'"]\n')
    with pytest.raises(UnreadableFileError, match="a line of it is longer"):
        nbtrace.recover(path)


def test_another_version_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    path.write_bytes(b'["nbtrace.journal",2,{"version":"9.0"}]\n')
    with pytest.raises(UnreadableFileError, match=r"another version of nbtrace \('9.0'\)"):
        nbtrace.recover(path)


def test_what_was_recorded_before_cannot_be_read(tmp_path: Path) -> None:
    """The journal can."""
    path = written(tmp_path)
    path.with_name("run.journal.before.parquet").write_bytes(b"PAR1nonsense")
    with pytest.warns(PartlyReadWarning, match="what was recorded before the journal began is left out"):
        assert len(nbtrace.recover(path).spans()) == 20


def test_any_file_of_a_journal_stands_for_it(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "run.journal.2").write_bytes(path.read_bytes())
    path.unlink()
    for name in ("run.journal", "run.journal.2"):
        assert len(nbtrace.recover(tmp_path / name).spans()) == 20
    with pytest.raises(FileNotFoundError, match=r"there is no journal .*other\.journal"):
        nbtrace.recover(tmp_path / "other.journal")


WRITTEN = Path(__file__).parent.parent / "data" / "journal-1.journal"


def test_a_journal_of_this_version_is_read_by_those_to_come(tmp_path: Path) -> None:
    """It was written by `test_a_cell_that_ended_is_there_with_all_that_it_was` and a span that never ended, without a machine's
    own names, and is committed: what reads journals must read it for ever."""
    path = tmp_path / "run.journal"
    path.write_bytes(WRITTEN.read_bytes())
    recording = nbtrace.recover(path)
    spans = recording.spans()
    assert spans[["name", "state", "cell"]].values.tolist() == [["cell [3]", "ended", 3], ["open", "unfinished", 3]]
    assert spans["attributes.file"].tolist()[1] == "a.csv"
    assert recording.cells()["source"].tolist() == [SOURCE]
    assert recording.statements()[["first_line", "last_line"]].values.tolist() == [[1, 1], [7, 9]]
    assert recording.samples()["stack"].tolist() == [("<module> (cell [3]:7)", "sum (/somewhere/other.py:3)")]
