"""What each line of a cell took, and which is the hottest."""

from __future__ import annotations

import copy
import pickle
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import nbtrace
from nbtrace.analysis.columns import TEXT
from nbtrace.analysis.profiles.allotted import allotted
from nbtrace.analysis.profiles.hottest import hottest, named
from nbtrace.store.book import Resources
from tests.analysis.profiles.sampled import built, recordings
from tests.analysis.profiles.test_hotspots import ms
from tests.profiles import MERGE, MS, OTHER, OWN_FILE, SLEEP, TAKE, Made

LENGTH = np.dtype("m8[ns]")
DTYPES = {
    **dict.fromkeys(["cell", "code_cell", "line"], pd.Int64Dtype()),
    "source": TEXT,
    "time": LENGTH,
    "share": np.dtype(float),
    "cpu": LENGTH,
    **dict.fromkeys(["memory_change", "samples", "workers"], pd.Int64Dtype()),
}
MB = 2**20


def hot(made: Made) -> dict[int, str]:
    return hottest(allotted(made.store.snapshot()))


def test_samples_of_a_program_are_of_no_line() -> None:
    """A recording that knows no cell has samples all the same."""
    made = Made()
    made.sample(None, 20, 10, OWN_FILE)
    assert made.recording.lines().empty
    assert len(made.recording.hotspots()) == 1


def test_the_table_has_its_dtypes_even_when_empty() -> None:
    made = Made()
    made.sample(made.cell("x", 0, 50, [(0, 1)]), 40, 40, 1, MERGE)
    for rec in (nbtrace.record(), made.recording):
        assert rec.lines().dtypes.to_dict() == DTYPES


def test_a_program_has_samples_and_no_lines() -> None:
    """`record(sampling=100)` around code that no cell ran: lines are of cells, and there is none."""
    with nbtrace.record(sampling=1000) as rec, nbtrace.span("fit"):
        deadline = monotonic() + 60
        while not len(rec.samples()) and monotonic() < deadline:
            sum(range(10_000))
    assert len(rec.samples())
    assert len(rec.hotspots(name="fit"))
    assert rec.lines().dtypes.to_dict() == DTYPES
    assert not len(rec.lines())


def test_a_statement_of_one_line_has_its_exact_time_and_others_what_was_sampled() -> None:
    """What was not sampled of a loop goes to its first line."""
    made = Made()
    cell = made.cell("load()\nfor i in x:\n    fit(i)\n    score(i)\nend()", 0, 1_000, [(0, 1), (300, 2, 4), (900, 5)])
    made.sample(cell, 200, 100, 1, OWN_FILE, cpu=20)
    made.sample(cell, 600, 290, 3, MERGE, TAKE, cpu=290)
    made.sample(cell, 800, 200, 4, SLEEP, cpu=0)
    table = made.recording.lines()
    assert ms(table, "cell", "code_cell", "line", "source", "time", "share", "cpu", "samples") == [
        (1, 1, 1, "load()", 300, 0.3, 20, 1),
        (1, 1, 2, "for i in x:", 110, 0.11, None, 0),
        (1, 1, 3, "    fit(i)", 290, 0.29, 290, 1),
        (1, 1, 4, "    score(i)", 200, 0.2, 0, 1),
        (1, 1, 5, "end()", 100, 0.1, None, 0),
    ]
    assert table.attrs["samples"] == 3
    assert hot(made) == {cell.number: "line 1 load 30 %"}


def test_lines_of_functions_of_other_cells_are_told_as_called_from_here() -> None:
    """And a cell that was edited and run again has another file: its lines are found all the same."""
    made = Made()
    old = made.cell("def f(i):\n    return load(i)", 0, 1, [(0, 1, 2)])
    new = made.cell("def f(i):\n    i += 1\n    return load(i)", 10, 11, [(10, 1, 3)])
    again = made.cell(new.source, 20, 21, [(20, 1, 3)])
    assert (old.file != new.file, new.file == again.file) == (True, True)
    use = made.cell("x = 1\nf(3)", 30, 130, [(30, 1), (31, 2)])
    made.sample(use, 60, 29, 2, ("f", new.file, 3), OWN_FILE)
    made.sample(use, 120, 60, 2, ("f", old.file, 2), OWN_FILE)
    later = made.cell(new.source, 140, 141, [(140, 1, 3)])
    assert later.file == new.file
    table = made.recording.lines(cell=4)
    assert ms(table, "cell", "code_cell", "line", "source", "time") == [
        (4, 4, 1, "x = 1", 1),
        (4, 4, 2, "f(3)", 99),
        (4, 1, 2, "    return load(i)", 60),
        (4, 3, 3, "    return load(i)", 29),
    ]
    assert hot(made)[use.number] == "cell [1] line 2 load ~60 %"


def test_a_line_has_its_time_once_however_often_and_in_however_many_threads_it_runs() -> None:
    made = Made()
    cell = made.cell("def f():\n    work()\nfor _ in x:\n    f()", 0, 100, [(0, 1, 2), (10, 3, 4)])
    f = ("f", cell.file, 2)
    for tick in (40, 70, 100):
        made.sample(cell, tick, 30, 4, f, f, SLEEP, cpu=0)
        for _ in range(3):
            made.sample(cell, tick, 30, f, MERGE, cpu=30, thread=OTHER)
    table = made.recording.lines()
    assert ms(table, "line", "time", "cpu", "samples") == [
        (1, 10, None, 0),
        (2, 90, 270, 12),
        (4, 90, 0, 3),
    ]


def test_what_threads_do_after_the_end_of_their_cell_is_no_time_of_it() -> None:
    made = Made()
    cell = made.cell("def f():\n    work()\nstart(f)", 0, 100, [(0, 1, 2), (10, 3)])
    for tick in (60, 110, 160, 210):
        made.sample(cell, tick, 50, ("f", cell.file, 2), MERGE, thread=OTHER)
    assert ms(made.recording.lines(), "line", "time", "samples") == [(1, 10, 0), (2, 100, 2), (3, 90, 0)]
    assert made.recording.hotspots()["self"].sum() == pd.Timedelta("300ms")


@pytest.mark.parametrize("kept", ["full", "hash", "none"])
def test_the_body_of_a_timed_cell_has_lines(kept: Any) -> None:
    """It is one statement, and IPython compiles it as no file of the cell; the code is below the magic."""
    made = Made(capture_source=kept)
    blank = "" if kept == "full" else "x = 0\n"
    cell = made.cell(
        f"%%time\n{blank}\nx = 1\nfit(x)" if kept == "full" else "%%time\nx = 0\nx = 1\nfit(x)", 0, 100, [(0, 1)]
    )
    body = 2 if kept == "full" else 3
    magic = ("time", "/x/site-packages/IPython/core/magics/execution.py", 1_400)
    made.sample(cell, 100, 90, 1, magic, ("<module>", "<timed exec>", body), MERGE)
    texts = ["%%time", "fit(x)"] if kept == "full" else [None, None]
    rows = [(1, 100), (4, 90)]
    assert ms(made.recording.lines(), "line", "time", "source") == [
        (*row, text) for row, text in zip(rows, texts, strict=True)
    ]
    assert hot(made) == {cell.number: "line 4 DataFrame.merge ~90 %"}


def test_memory_grows_at_the_line_that_ran_between_two_looks() -> None:
    made = Made()
    cell = made.cell("for i in x:\n    a(i)\n    b(i)", 0, 100, [(0, 1, 3)])
    for time, line, memory in ((20, 2, 100), (40, 3, 150), (60, 2, 140), (80, 3, 160)):
        made.sample(cell, time, 20, line, MERGE, memory=memory * MB)
        made.sample(cell, time, 20, ("f", cell.file, line), thread=OTHER, memory=memory * MB)
    assert ms(made.recording.lines(), "line", "memory_change") == [(1, None), (2, -10 * MB), (3, 70 * MB)]


@pytest.mark.parametrize(
    ("looks", "found"),
    [
        ([(80, 2, 200), (100, 3, 210)], [(1, None), (2, 90 * MB), (3, 10 * MB)]),
        ([(10, 2, 200), (20, 2, 210)], [(1, None), (2, 10 * MB), (3, 90 * MB)]),
        ([], [(1, None), (2, None), (3, 100 * MB)]),
    ],
)
def test_memory_that_nobody_saw_grow_is_told_at_the_longer_time_without_a_look(looks: Any, found: Any) -> None:
    """Code that keeps the interpreter's lock lets nobody look: the first look comes when it is done."""
    made = Made()
    cell = made.cell("a\nb\nc", 0, 100, [(0, 1), (1, 2), (40, 3)])
    cell.resources = Resources(memory_change=100 * MB)
    for time, line, memory in looks:
        made.sample(cell, time, 5, line, MERGE, memory=memory * MB)
    assert ms(made.recording.lines(), "line", "memory_change") == found


@given(recordings)
@settings(max_examples=40, deadline=None)
def test_no_line_has_more_time_than_its_cell(cells: Any) -> None:
    """And the innermost lines of the cell's thread, with what was not sampled, add up to the statements."""
    told = built(cells)
    table = told.made.recording.lines()
    assert table["share"].between(0, 1).all()
    duration = {e.execution_count: (end - start) * MS for e, start, end, _ in told.cells}
    times = table["time"].astype("int64")
    assert (times <= table["cell"].map(duration)).all()
    # Each statement here is one line, and the lines of the cell are its statements and those of f.
    for execution, _, _, statements in told.cells:
        own = table[(table["cell"] == execution.execution_count) & (table["code_cell"] == execution.execution_count)]
        exact = dict(zip(own["line"], own["time"].astype("int64"), strict=True))
        for begin, end, line in statements:
            assert exact.get(line, 0) >= (end - begin) * MS


def test_a_running_cell_is_told_as_far_as_it_has_come() -> None:
    made = Made()
    cell = made.cell("a()\nb()", 0, None, [(0, 1), (30, 2)])
    made.sample(cell, 80, 50, 2, MERGE)
    assert ms(made.recording.lines(), "line", "time", "share") == [(1, 30, 0.375), (2, 50, 0.625)]
    assert hot(made) == {cell.number: "line 2 DataFrame.merge 62 %"}


def test_they_are_narrowed_like_the_rest() -> None:
    made = Made()
    for start, asks in ((0, False), (100, True), (200, False)):
        made.cell(f"work({start})\nx", start, start + 50, [(start, 1), (start + 49, 2)], asks=asks)
    rec = made.recording
    assert rec.lines()["cell"].tolist() == [1, 1, 3, 3]
    assert rec.lines(asking=True)["cell"].unique().tolist() == [1, 2, 3]
    assert rec.lines(cell=2)["line"].tolist() == [1, 2]
    assert rec.lines(last=1)["cell"].tolist() == [3, 3]
    assert rec.lines(where="time > 10ms")["source"].tolist() == ["work(0)", "work(200)"]


def test_a_copy_and_one_from_another_process_answer_the_same() -> None:
    made = Made()
    first = made.cell("\n\ndef f():\n    work()", 0, 1, [(0, 1, 2)])
    first.compiled = ("def f():\n", "    work()\n")
    cell = made.cell("f()\nx", 10, 100, [(10, 1), (90, 2)])
    cell.resources = Resources(memory_change=50 * MB)
    for tick in range(20, 90, 10):
        made.sample(cell, tick, 10, 1, ("f", first.file, 2), MERGE, memory=tick * MB)
    rec = made.recording
    assert ms(rec.lines(cell=2), "code_cell", "line", "source") == [(2, 1, "f()"), (2, 2, "x"), (1, 4, "    work()")]
    for other in (copy.deepcopy(rec), pickle.loads(pickle.dumps(rec))):
        pd.testing.assert_frame_equal(other.lines(), rec.lines())


def test_a_cell_of_ten_thousand_lines_is_answered() -> None:
    made = Made()
    many = 10_000
    cell = made.cell("\n".join(f"work({n})" for n in range(many)), 0, many, [(n, n + 1) for n in range(many)])
    made.sample(cell, 5_000, 0.5, 5_000, MERGE)
    table = made.recording.lines()
    assert len(table) == many
    assert table["time"].sum() == pd.Timedelta(f"{many}ms")


@pytest.mark.parametrize(
    ("source", "function", "text"),
    [
        ("out = df.merge(other)", "DataFrame.merge", "df.merge"),
        ("m = models.Ridge(alpha=1)", "Ridge.__init__", "models.Ridge"),
        ("fit(x)", "fit", "fit"),
        ("a + b", "Series.__add__", "Series.__add__"),
        ("x = [g(i) for i in y]", "<listcomp>", "g"),
        ("x = apply(lambda i: i)", "outer.<locals>.<lambda>", "apply"),
        ("model.fit(X, y)", "_fit_context.<locals>.decorator.<locals>.wrapper", "model.fit"),
        ("y = f(x) @ g(x)", "decorator.<locals>.wrapper", "decorator.wrapper"),
        ("text = json.dumps(a); time.sleep(1)", "", "text = json.dumps(a); time.sleep(1)"),
        ("n = len(sorted(numbers))", "", "n = len(sorted(numbers))"),
        ("import pandas as pd", "_find_and_load", "import pandas as pd"),
        ("from x import y", "_find_and_load", "from x import y"),
        ("%time busy(0.3)", "InteractiveShell.run_line_magic", "%time busy(0.3)"),
        ("def f(x):", "", "def f(x):"),
        ("if not (a or b): run(c)", "", "run"),
        ("x = 1", "", "x = 1"),
        (None, "DataFrame.merge", "DataFrame.merge"),
        (None, "", ""),
        ("f(x) + g(y)", None, "f(x) + g(y)"),
        ("y = f(x)", None, "f"),
        ("y = x" + " + x" * 100, "", "y = x + x + x + x + x + x + x + x + x +…"),
        ("remerge(df.merge_all())", "DataFrame.merge", "DataFrame.merge"),
        ("a" * 100_000 + "(", "f", "f"),
    ],
)
def test_what_a_line_calls_is_said_as_it_says_it(source: str | None, function: str | None, text: str) -> None:
    assert named(source, function) == text


@pytest.mark.parametrize(
    ("taken", "text"),
    [
        ({"f": 60, "g": 40}, "f"),
        ({"f": 49, "g": 41, "": 10}, "await gather(f(x), g(y))"),
        ({"f": 20, "": 80}, "await gather(f(x), g(y))"),
        ({"DisplayHook.__call__": 24, "": 76}, "await gather(f(x), g(y))"),
        ({"DisplayHook.__call__": 99, "": 1}, "await gather(f(x), g(y))"),
        ({"": 100}, "await gather(f(x), g(y))"),
    ],
    ids=str,
)
def test_a_function_is_named_if_it_took_most_of_the_lines_time(taken: dict[str, int], text: str) -> None:
    """The share that is told is the line's. What shows a result is called by no line."""
    made = Made()
    cell = made.cell("await gather(f(x), g(y))", 0, 1_000, [(0, 1)])
    moment = 0
    for name, share in taken.items():
        for _ in range(share):
            moment += 10
            made.sample(cell, moment, 10, 1, *([(name, "/opt/somewhere.py", 1)] if name else []))
    assert hot(made) == {cell.number: f"line 1 {text} 100 %"}


def test_trivial_cells_and_cells_without_anything_have_what_is_known() -> None:
    made = Made()
    first = made.cell("x = 1\ny()", 0, 1, [(0, 1), (0.75, 2)])
    made.cell("z", 10, 11)
    assert hot(made) == {first.number: "line 1 x = 1 75 %"}
