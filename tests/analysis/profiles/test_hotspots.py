"""Where the time went, by function, line and library."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import nbtrace
from nbtrace.analysis.columns import TEXT
from nbtrace.analysis.profiles.hotspots import UnknownGroupError
from nbtrace.store.stacks import CUT
from tests.analysis.profiles.sampled import built, recordings, self_and_total
from tests.profiles import MERGE, MS, OTHER, OWN_FILE, PANDAS, SLEEP, TAKE, Made

LENGTH = np.dtype("m8[ns]")
DTYPES = {
    "function": TEXT,
    "file": TEXT,
    "line": pd.Int64Dtype(),
    "library": TEXT,
    **dict.fromkeys(["self", "total"], LENGTH),
    **dict.fromkeys(["self_share", "total_share"], np.dtype(float)),
    **dict.fromkeys(["python", "native", "waiting"], LENGTH),
    "samples": pd.Int64Dtype(),
}


def ms(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns; durations in milliseconds, None for what is missing."""
    plain = pd.DataFrame({name: _plain(table[name]) for name in columns}, dtype=object)
    return list(plain.itertuples(index=False, name=None))


def _plain(column: Any) -> list[Any]:
    values = column / pd.Timedelta("1ms") if column.dtype.kind == "m" else column.astype(object)
    return [None if gap else value for value, gap in zip(values, column.isna(), strict=True)]


def test_the_table_has_its_dtypes_even_when_empty() -> None:
    made = Made()
    made.sample(made.cell("x", 0, 50, [(0, 1)]), 40, 40, 1, MERGE)
    for rec in (nbtrace.record(), made.recording):
        for by in ("function", "line", "library"):
            assert rec.hotspots(by=by).dtypes.to_dict() == DTYPES  # type: ignore[arg-type]


def test_time_is_self_where_it_passed_and_total_along_the_stack() -> None:
    """A function bears the line at which it begins; a cell's code is named after the cell."""
    made = Made()
    cell = made.cell("a\nb\nc", 0, 100, [(0, 1), (40, 2), (90, 3)])
    made.sample(cell, 40, 30, 1, MERGE, TAKE, native=True, cpu=24)
    made.sample(cell, 60, 20, 2, MERGE, cpu=20)
    made.sample(cell, 80, 20, 2, SLEEP, cpu=0)
    table = made.recording.hotspots()
    assert ms(table, "function", "file", "line", "library", "self", "total", "samples") == [
        ("<module>", "cell [1]", 1, "notebook", 30, 100, 3),
        ("take_nd", TAKE[1], 60, "pandas", 30, 30, 1),
        ("DataFrame.merge", PANDAS, 10_400, "pandas", 20, 50, 2),
        ("wait", SLEEP[1], 280, "standard library", 20, 20, 1),
    ]
    assert ms(table, "python", "native", "waiting") == [(None, None, None), (0, 24, 6), (20, 0, 0), (0, 0, 20)]
    assert table["total_share"].tolist() == [1.0, 0.3, 0.5, 0.2]
    assert table.attrs["samples"] == 3
    assert ms(made.recording.hotspots(by="line"), "function", "file", "line", "self", "total", "samples") == [
        ("take_nd", TAKE[1], 90, 30, 30, 1),
        ("DataFrame.merge", PANDAS, 10_500, 20, 50, 2),
        ("wait", SLEEP[1], 300, 20, 20, 1),
        ("<module>", "cell [1]", 2, 10, 50, 2),
        ("<module>", "cell [1]", 1, 10, 40, 1),
        ("<module>", "cell [1]", 3, 10, 10, 0),
    ]
    assert ms(made.recording.hotspots(by="library"), "function", "file", "line", "library", "self", "total") == [
        (None, None, None, "pandas", 50, 50),
        (None, None, None, "notebook", 30, 100),
        (None, None, None, "standard library", 20, 20),
    ]


def test_what_calls_itself_counts_once() -> None:
    made = Made()
    cell = made.cell("f(3)", 0, 100, [(0, 1)])
    f = [("f", cell.file, line, 2) for line in (2, 3, 2)]
    made.sample(cell, 100, 100, 1, *f)
    assert ms(made.recording.hotspots(), "function", "total") == [("f", 100), ("<module>", 100)]
    by_line = made.recording.hotspots(by="line")
    assert ms(by_line, "line", "self", "total") == [(2, 100, 100), (1, 0, 100), (3, 0, 100)]


@given(recordings)
@settings(max_examples=50, deadline=None)
def test_it_is_what_counting_sample_by_sample_gives(cells: Any) -> None:
    told = built(cells)
    self_ns, total = self_and_total(told)
    table = told.made.recording.hotspots(by="line")
    names = {f"cell [{e.execution_count}]": e.file for e, *_ in told.cells}
    found = table[table["total"] > pd.Timedelta(0)]
    keys = [
        (function, names.get(file, file), 0 if line is pd.NA else line)
        for function, file, line in zip(found["function"], found["file"], found["line"], strict=True)
    ]
    assert dict(zip(keys, found["total"].astype("int64"), strict=True)) == dict(total)
    own = dict(zip(keys, found["self"].astype("int64"), strict=True))
    assert {key: ns for key, ns in own.items() if ns} == dict(self_ns)


@given(recordings)
@settings(max_examples=25, deadline=None)
def test_no_more_time_is_told_than_there_was(cells: Any) -> None:
    """Of each cell the self times of its own thread add up to its duration; shares are within 0 and 1."""
    told = built(cells)
    rec = told.made.recording
    others = sum((s.time - s.start) * MS for s in told.samples if not s.own)
    ran = sum((end - start) * MS for _, start, end, _ in told.cells)
    for by in ("function", "line", "library"):
        table = rec.hotspots(by=by)  # type: ignore[arg-type]
        assert int(table["self"].astype("int64").sum()) == ran + others
        assert (table["self"] <= table["total"]).all()
        for share in ("self_share", "total_share"):
            assert table[share].between(0, 1).all()
        parts = table[["python", "native", "waiting"]].astype("int64").where(table["python"].notna(), 0).sum(axis=1)
        assert (parts <= table["self"].astype("int64")).all()
    for execution, start, end, _ in told.cells:
        table = rec.hotspots(cell=execution.execution_count)
        of_others = sum((s.time - s.start) * MS for s in told.samples if not s.own and s.cell is execution)
        assert int(table["self"].astype("int64").sum()) == (end - start) * MS + of_others


def test_a_sampler_that_counted_too_much_does_not_make_a_cell_longer() -> None:
    """Its clock may be coarser, or set back: weights are scaled to the statement that they lie in."""
    made = Made()
    cell = made.cell("a\nb", 0, 100, [(0, 1), (50, 2)])
    for time in (10, 20, 30, 40):
        made.sample(cell, time, 25, 1, MERGE)
    found = ms(made.recording.hotspots(by="line"), "function", "line", "self", "total")
    assert sorted(found) == [("<module>", 1, 0, 50), ("<module>", 2, 50, 50), ("DataFrame.merge", 10_500, 50, 50)]


def test_short_cells_are_their_statements() -> None:
    made = Made()
    made.cell("a\nb", 0, 3, [(0, 1), (2, 2)])
    made.cell("c", 10, 11)
    table = made.recording.hotspots(by="line")
    assert ms(table, "file", "line", "self", "samples") == [
        ("cell [1]", 1, 2, 0),
        ("cell [1]", 2, 1, 0),
        ("cell [2]", None, 1, 0),
    ]
    assert table.attrs["samples"] == 0


def test_a_running_cell_is_told_as_far_as_it_has_come() -> None:
    made = Made()
    cell = made.cell("a\nb", 0, None, [(0, 1), (30, 2)])
    made.sample(cell, 80, 40, 2, MERGE)
    table = made.recording.hotspots(by="line")
    assert ms(table, "function", "line", "self") == [
        ("DataFrame.merge", 10_500, 40),
        ("<module>", 1, 30),
        ("<module>", 2, 10),
    ]


def test_a_cell_whose_span_is_gone_is_known_by_its_statements() -> None:
    made = Made()
    cell = made.cell("a\nb", 0, 100, [(0, 1), (50, 2)], own_span=False)
    made.sample(cell, 50, 30, 1, MERGE)
    assert ms(made.recording.hotspots(), "function", "self") == [("<module>", 70), ("DataFrame.merge", 30)]


def test_without_a_cpu_clock_it_is_not_said_who_computed() -> None:
    made = Made()
    cell = made.cell("a", 0, 100, [(0, 1)])
    made.sample(cell, 60, 60, 1, MERGE, cpu=-1)
    made.sample(cell, 100, 40, 1, SLEEP, cpu=-1)
    assert ms(made.recording.hotspots(), "self", "python", "native", "waiting") == [
        (60, None, None, None),
        (40, None, None, None),
        (0, 0, 0, 0),
    ]


def nested() -> tuple[Made, Any]:
    """Two cells; in the second a span `fit` with one below it."""
    made = Made()
    first = made.cell("load()", 0, 100, [(0, 1)])
    made.sample(first, 100, 60, 1, OWN_FILE)
    cell = made.cell("a\nb", 200, 400, [(200, 1), (300, 2)])
    fit = made.span(cell, "fit", 220, 300, rows=3)
    step = made.span(fit, "step", 240, 260)
    made.sample(cell, 220, 20, 1, SLEEP)
    made.sample(cell, 240, 20, 1, MERGE, span=fit)
    made.sample(cell, 260, 20, 1, MERGE, TAKE, span=step)
    made.sample(cell, 260, 20, SLEEP, span=step, thread=OTHER)
    return made, cell


def test_spans_choose_what_was_sampled_in_them_and_below() -> None:
    made, cell = nested()
    rec = made.recording
    fit = [("<module>", 0), ("DataFrame.merge", 20), ("take_nd", 20), ("wait", 20)]
    assert sorted(ms(rec.hotspots(name="fit"), "function", "self")) == fit
    assert sorted(ms(rec.hotspots(where="attributes.rows == 3"), "function", "self")) == fit
    step = [("<module>", 0), ("DataFrame.merge", 0), ("take_nd", 20), ("wait", 20)]
    assert sorted(ms(rec.hotspots(name="step"), "function", "self")) == step
    assert rec.hotspots(name="fit").attrs["samples"] == 3
    whole = rec.hotspots(trace_id=f"{cell.trace_id:032x}")
    assert ms(whole, "self") == ms(rec.hotspots(cell=2), "self")
    assert int(whole["self"].sum().total_seconds() * 1_000) == 220
    assert len(rec.hotspots(name="nope")) == 0
    assert len(rec.hotspots(name="fit", cell=1)) == 0


def test_cells_choose_too() -> None:
    made, _ = nested()
    asking = made.cell("%spans", 500, 600, [(500, 1)], asks=True)
    made.sample(asking, 550, 50, 1, OWN_FILE)
    rec = made.recording
    assert ms(rec.hotspots(cell=1), "function", "self") == [("load", 60), ("<module>", 40)]
    assert ms(rec.hotspots(last=1), "self") == ms(rec.hotspots(cell=2), "self")
    assert ms(rec.hotspots(last=1, asking=True), "self") == ms(rec.hotspots(cell=[3]), "self")
    assert rec.hotspots()["self"].sum() == pd.Timedelta("320ms")
    assert rec.hotspots(asking=True)["self"].sum() == pd.Timedelta("420ms")
    assert len(rec.hotspots(cell=99)) == 0


def test_programs_without_cells_are_answered() -> None:
    made = Made()
    made.sample(None, 10, 10, OWN_FILE, MERGE)
    assert ms(made.recording.hotspots(), "function", "self", "total") == [("DataFrame.merge", 10, 10), ("load", 0, 10)]


def test_frames_that_were_left_out_are_no_function() -> None:
    made = Made()
    cell = made.cell("deep()", 0, 100, [(0, 1)])
    frames = [(f"f{n}", "/home/x/deep.py", n) for n in range(90)]
    made.sample(cell, 100, 100, 1, *frames, (f"9,000 {CUT}", "", 0), MERGE)
    table = made.recording.hotspots()
    assert len(table) == 92
    assert not table["function"].str.contains(CUT).any()


@pytest.mark.parametrize("by", ["lines", None, 3, "x" * 1_000])
def test_what_it_cannot_count_by_is_told(by: Any) -> None:
    with pytest.raises(UnknownGroupError, match=re.escape('Type by="function", by="line" or by="library"')) as raised:
        Made().recording.hotspots(by=by)
    assert len(str(raised.value)) < 200


def test_a_copy_and_one_from_another_process_answer_the_same() -> None:
    rec = nested()[0].recording
    for other in (copy.deepcopy(rec), pickle.loads(pickle.dumps(rec))):
        for by in ("function", "line", "library"):
            pd.testing.assert_frame_equal(other.hotspots(by=by), rec.hotspots(by=by))
        pd.testing.assert_frame_equal(other.hotspots(name="fit"), rec.hotspots(name="fit"))


def test_many_samples_come_in_several_batches() -> None:
    """Each has a tree and names of its own; what is the same in them is one row."""
    made = Made()
    cell = made.cell("a", 0, 40_000, [(0, 1)])
    for time in range(40_000):
        made.sample(cell, time + 1, 1, 1, MERGE, *((TAKE,) if time % 2 else ()))
    assert len(made.store.snapshot().samples) > 1
    table = made.recording.hotspots()
    assert ms(table, "function", "self", "total", "samples") == [
        ("DataFrame.merge", 20_000, 40_000, 40_000),
        ("take_nd", 20_000, 20_000, 20_000),
        ("<module>", 0, 40_000, 40_000),
    ]
