"""The raw tables: samples and statements."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import nbtrace
from nbtrace.analysis.columns import TEXT
from nbtrace.analysis.where.errors import UnknownColumnError
from tests.profiles import EPOCH_NS, MERGE, OTHER, OWN_FILE, SLEEP, Made
from tests.rows import THREAD

SAMPLE_DTYPES = {
    "time": pd.DatetimeTZDtype("ns", "UTC"),
    "cell": pd.Int64Dtype(),
    "trace_id": TEXT,
    "span_id": TEXT,
    "thread_id": pd.Int64Dtype(),
    "process_pid": pd.Int64Dtype(),
    "wall": np.dtype("m8[ns]"),
    "cpu": np.dtype("m8[ns]"),
    "memory": pd.Int64Dtype(),
    "stack": np.dtype(object),
}
STATEMENT_DTYPES = {
    "cell": pd.Int64Dtype(),
    "first_line": pd.Int64Dtype(),
    "last_line": pd.Int64Dtype(),
    "source": TEXT,
    "start_time": pd.DatetimeTZDtype("ns", "UTC"),
    "duration": np.dtype("m8[ns]"),
    "status_code": TEXT,
}


def rows(table: pd.DataFrame) -> list[tuple[object, ...]]:
    """A table as plain tuples; what is missing is None."""
    plain = table.astype(object).where(table.notna(), None)
    return list(plain.itertuples(index=False, name=None))


def test_the_tables_have_their_dtypes_even_when_empty() -> None:
    rec, made = nbtrace.record(), Made()
    cell = made.cell("x", 0, 10, [(0, 1)])
    made.sample(cell, 5, 5, 1)
    for each in (rec, made.recording):
        assert each.samples().dtypes.to_dict() == SAMPLE_DTYPES
        assert each.statements().dtypes.to_dict() == STATEMENT_DTYPES
    assert len(made.recording.samples()) == len(made.recording.statements()) == 1


def test_a_sample_is_told_with_its_stack_the_innermost_last() -> None:
    """Files of libraries begin where they are imported from, those of cells bear the cell's name, and yours are whole."""
    made = Made()
    first = made.cell("def f():\n    return df.merge(o)", 0, 1)
    second = made.cell("f()", 10, 50, [(10, 1)])
    inner = ("f", first.file, 2)
    made.sample(second, 30, 20, 1, inner, OWN_FILE, MERGE, cpu=15, memory=3 * 16_384)
    made.sample(second, 30, 20, inner, SLEEP, cpu=-1, thread=OTHER, span=7)
    made.sample(None, 60, 5, SLEEP, cpu=0)
    time = pd.Timestamp(EPOCH_NS + 30_000_000, tz="UTC")
    own, other, outside = rows(made.recording.samples())
    assert own == (
        time,
        2,
        f"{second.trace_id:032x}",
        f"{second.span_id:016x}",
        THREAD.thread_id,
        THREAD.process_pid,
        pd.Timedelta("20ms"),
        pd.Timedelta("15ms"),
        3 * 16_384,
        (
            "<module> (cell [2]:1)",
            "f (cell [1]:2)",
            "load (/home/me/project/loading.py:7)",
            "DataFrame.merge (pandas/core/frame.py:10500)",
        ),
    )
    assert other[:2] == (time, 2)
    assert other[3:] == (
        f"{7:016x}",
        OTHER.thread_id,
        OTHER.process_pid,
        pd.Timedelta("20ms"),
        None,
        None,
        ("f (cell [1]:2)", "wait (threading.py:300)"),
    )
    assert outside[1:4] == (None, None, None)
    assert outside[7] == pd.Timedelta(0)


def test_a_line_of_a_cell_is_the_one_that_was_typed() -> None:
    """IPython compiles other lines than those of the cell where it begins with blank ones."""
    made = Made()
    cell = made.cell("\n\nx = 1\nwork()", 0, 50, [(0, 1), (1, 2)])
    cell.compiled = ("x = 1\n", "work()\n")
    made.sample(cell, 20, 19, 2)
    assert made.recording.samples()["stack"].tolist() == [("<module> (cell [1]:4)",)]
    assert rows(made.recording.statements()[["first_line", "last_line", "source"]]) == [
        (3, 3, "x = 1"),
        (4, 4, "work()"),
    ]


def test_code_that_is_run_again_is_named_by_the_run() -> None:
    """Both executions have one file; a function defined in a cell that ran twice is of the last that had begun."""
    made = Made()
    define = [made.cell("def f(): work()", at, at + 1, [(at, 1)]) for at in (0, 10)]
    use = made.cell("f()", 20, 60, [(20, 1)])
    again = made.cell("def f(): work()", 70, 71, [(70, 1)])
    assert define[0].file == define[1].file == again.file
    made.sample(use, 40, 20, 1, ("f", again.file, 1))
    assert made.recording.samples()["stack"].tolist() == [("<module> (cell [3]:1)", "f (cell [2]:1)")]


def test_statements_are_told_with_their_lines() -> None:
    made = Made()
    made.cell("x = 1\nfor i in x:\n    work(i)\n1 / 0", 0, 100, [(0, 1), (10, 2, 3), (70, 4)], failed=True)
    made.cell("y", 200, None, [(200, 1)])
    table = made.recording.statements()
    assert rows(table[["cell", "first_line", "last_line", "source", "duration", "status_code"]]) == [
        (1, 1, 1, "x = 1", pd.Timedelta("10ms"), "UNSET"),
        (1, 2, 3, "for i in x:\n    work(i)", pd.Timedelta("60ms"), "UNSET"),
        (1, 4, 4, "1 / 0", pd.Timedelta("30ms"), "ERROR"),
        (2, 1, 1, "y", None, "UNSET"),
    ]
    assert table["start_time"].tolist()[1] == pd.Timestamp(EPOCH_NS + 10_000_000, tz="UTC")


@pytest.mark.parametrize("capture_source", ["hash", "none"])
def test_without_the_source_statements_have_none(capture_source: str) -> None:
    made = Made(capture_source=capture_source)
    made.cell("x = 1", 0, 100, [(0, 1)])
    assert made.recording.statements()["source"].isna().all()


def test_a_cell_of_one_endless_line_is_cut() -> None:
    """A hundred thousand statements on a line of a megabyte are no hundred gigabytes."""
    made = Made()
    made.cell("x=1;" * 250_000, 0, 100, [(at / 1_000, 1) for at in range(5_000)])
    sources = made.recording.statements()["source"]
    assert len(sources) == 5_000
    assert set(sources.str.len()) == {1_000}
    assert sources[0].endswith("…")


def test_they_are_narrowed_like_the_rest() -> None:
    made = Made()
    for start, asks in ((0, False), (100, True), (200, False)):
        cell = made.cell(f"work({start})", start, start + 50, [(start, 1)], asks=asks)
        made.sample(cell, start + 20, 20, 1, cpu=start / 10)
    rec = made.recording
    for table in (rec.samples, rec.statements):
        assert table()["cell"].tolist() == [1, 3]
        assert table(asking=True)["cell"].tolist() == [1, 2, 3]
        assert table(cell=2)["cell"].tolist() == [2]
        assert table(cell=[3, 1])["cell"].tolist() == [1, 3]
        with pytest.raises(UnknownColumnError):
            table(where="nope > 1")
    assert rec.samples(where="cpu > 10ms")["cell"].tolist() == [3]
    assert rec.samples(trace_id=rec.samples()["trace_id"][1])["cell"].tolist() == [3]
    assert rec.statements(where="source ~ '200'")["cell"].tolist() == [3]


def test_a_copy_and_one_from_another_process_answer_the_same() -> None:
    made = Made()
    for start in (0, 100):
        cell = made.cell(f"work({start})", start, start + 50, [(start, 1)])
        for tick in range(1, 5):
            made.sample(cell, start + 10 * tick, 10, 1, MERGE, memory=tick * 16_384)
            made.sample(cell, start + 10 * tick, 10, ("f", cell.file, 1), thread=OTHER, cpu=0)
    rec = made.recording
    for other in (copy.deepcopy(rec), pickle.loads(pickle.dumps(rec))):
        pd.testing.assert_frame_equal(other.samples(), rec.samples())
        pd.testing.assert_frame_equal(other.statements(), rec.statements())


def test_hostile_names_are_text() -> None:
    made = Made()
    cell = made.cell("work()", 0, 50, [(0, 1)])
    hostile = "<img src=x onerror=alert(1)>\u202eevil\x1b[31m\n"
    made.sample(cell, 20, 20, 1, (hostile, hostile, 3))
    assert made.recording.samples()["stack"].tolist() == [("<module> (cell [1]:1)", f"{hostile} ({hostile}:3)")]
