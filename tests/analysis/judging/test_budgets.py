from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.analysis.judging.budgets import judge
from nbtrace.analysis.judging.judgement import Judgement
from nbtrace.analysis.judging.reading import Selector, read_budget
from nbtrace.analysis.judging.values import EXAMPLES, MEASURES
from nbtrace.recording import Recording
from nbtrace.store.book import Resources
from nbtrace.store.span_store import SpanStore
from tests.analysis.judging.made_up import NAMES, recordings
from tests.analysis.judging.recordings import BEGIN, MS, SECOND, Cell, add_cells, add_run, in_lab, recording
from tests.rows import row

GB = 10**9
LOAD = Cell("df = load()", 2 * SECOND, cell_id="a1", spans=[("load", SECOND), *[("db.query", 5 * MS)] * 120])
FIT = Cell("fit(X, y)", int(41.2 * SECOND), tags=("train", "slow"), resources=Resources(30 * SECOND, int(2.3 * GB)))
NOTEBOOK = (Cell("import x", 3 * MS), LOAD, FIT)


def judged(of: Recording, typed: str) -> Judgement:
    (judgement,) = judge(of, [read_budget(typed)])
    assert judgement.typed == typed
    return judgement


@pytest.mark.parametrize(
    ("typed", "kept", "said"),
    [
        ("cell:train < 30s", False, "cell [3] fit(X, y): 41.2 s, over the budget of 30.0 s (1.37 ×)"),
        ("cell:train < 50s", True, "cell [3] fit(X, y): 41.2 s, within the budget of 50.0 s"),
        ("cell:a1 < 1s", False, "cell [2] df = load(): 2.00 s, over the budget of 1.00 s (2.00 ×)"),
        ("cell:3 cpu < 20s", False, "cell [3] fit(X, y): cpu 30.0 s, over the budget of 20.0 s (1.50 ×)"),
        ("cell:load span_count < 100", False, "cell [2] df = load(): 121 spans, over the budget of 100 (1.21 ×)"),
        (
            "cells memory_peak < 2GB",
            False,
            "cell [3] fit(X, y): memory_peak 2.30 GB, over the budget of 2.00 GB (1.15 ×)",
        ),
        ("cells memory_peak < 4GB", True, "cell [3] fit(X, y): memory_peak 2.30 GB, within the budget of 4.00 GB"),
        ("cells < 1min", True, "cell [3] fit(X, y): 41.2 s, within the budget of 1 min 00 s; the most of 3"),
        (
            "cells < 1s",
            False,
            "cell [3] fit(X, y): 41.2 s, over the budget of 1.00 s (41.2 ×); cell [2] df = load(): 2.00 s (2.00 ×)",
        ),
        ("cells > 1ms", True, "cell [1] import x: 3.00 ms, above the 1.00 ms; the least of 3"),
        ("cell:train > 1min", False, "cell [3] fit(X, y): 41.2 s, short of the 1 min 00 s (0.69 ×)"),
        ("name:db.query count < 100", False, "db.query: 120 spans, over the budget of 100 (1.20 ×)"),
        ("name:load p95 < 1s", False, "load: p95 1.00 s, not below 1.00 s"),
        ("name:load p95 <= 1s", True, "load: p95 1.00 s, within the budget of 1.00 s"),
        ("name:db.query total == 600ms", True, "db.query: total 600 ms"),
        ("run < 5min", True, "run a.ipynb: 43.2 s, within the budget of 5 min 00 s"),
        ("run errors == 0", True, "run a.ipynb: 0 errors"),
        ("run count == 100", False, "run a.ipynb: 124 spans, not 100"),
        ("run memory_peak < 1GB", False, "run a.ipynb: memory_peak 2.30 GB, over the budget of 1.00 GB (2.30 ×)"),
    ],
)
def test_a_run_is_held_against_a_budget(typed: str, kept: bool, said: str) -> None:
    """With the numbers, and the name of what is over it."""
    assert judged(recording(NOTEBOOK), typed) == Judgement(typed, kept, said)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("cell:trian < 30s", "no cell has a tag, an id, a number or a span 'trian'; did you mean train?"),
        (
            "cell:zzzzzzzz < 30s",
            "no cell has a tag, an id, a number or a span 'zzzzzzzz'; there are db.query, load, slow, train",
        ),
        ("name:db.qery p95 < 1s", "no span is named 'db.qery'; did you mean db.query?"),
        ("cells gpu_memory_peak < 1GB", "gpu_memory_peak is known of none of 3 cells: there was no GPU that tells"),
        (
            "cell:1 memory_peak < 1GB",
            "memory_peak is known of none of 1 cell: the system did not tell, or the cells took less than 2 ms",
        ),
    ],
)
def test_what_nothing_meets_is_not_kept(typed: str, said: str) -> None:
    """A budget that is mistyped must not pass for ever."""
    assert judged(recording(NOTEBOOK), typed) == Judgement(typed, False, said)


def test_spans_that_there_are_none_of_count_as_none() -> None:
    """A budget that allows none is kept. One that allows some would be kept for ever if its name was mistyped, and is broken."""
    for typed in ("name:db.qery count == 0", "name:db.qery count < 1", "name:db.qery errors <= 0"):
        found = judged(recording(NOTEBOOK), typed)
        assert found.kept
        assert found.said.endswith("(no span is named 'db.qery'; did you mean db.query?)")
    said = "no span is named 'db.qery'; did you mean db.query?"
    assert judged(recording(NOTEBOOK), "name:db.qery count < 5") == Judgement("name:db.qery count < 5", False, said)


def test_nothing_was_recorded() -> None:
    empty = Recording(SpanStore())
    assert judged(empty, "run < 5min") == Judgement("run < 5min", False, "nothing was recorded")
    assert judged(empty, "run errors == 0").kept
    assert judged(empty, "cells < 1s") == Judgement("cells < 1s", False, "no cell ran")
    assert judged(empty, "cells error_count == 0") == Judgement("cells error_count == 0", True, "no cell ran")
    assert judged(empty, "name:x p95 < 1s").said == "no span is named 'x'; there are none at all"


def test_a_cell_in_which_the_kernel_died_took_as_long_as_the_run_lasted() -> None:
    """That can be over a budget, but not within one."""
    died = recording([LOAD, Cell("fit()", ended=False, tags=("train",))], after=40 * SECOND)
    over = "cell [2] fit(): at least 40.0 s, over the budget of 30.0 s (1.33 ×)"
    assert judged(died, "cell:train < 30s") == Judgement("cell:train < 30s", False, over)
    unknown = "cell [2] fit(): never ended, 40.0 s so far"
    assert judged(died, "cell:train < 50s") == Judgement("cell:train < 50s", False, unknown)
    assert judged(died, "cell:train > 30s").kept


def test_a_run_that_never_ended_took_at_least_as_long_as_its_cells() -> None:
    died = recording(NOTEBOOK, ended=False)
    assert judged(died, "run < 30s").said == "run a.ipynb: at least 43.2 s, over the budget of 30.0 s (1.44 ×)"
    assert judged(died, "run < 1min").said == "run a.ipynb: never ended, 43.2 s so far"


def test_a_span_that_never_ended_took_no_longer_than_the_cell_that_it_is_in() -> None:
    """What was left open says nothing of the rest of the notebook."""
    store = SpanStore()
    add_cells(store, [Cell("x", 2 * SECOND), Cell("y", 60 * SECOND)], BEGIN, notebook=None)
    (trace, cell) = _ids(Recording(store), "cell [1] x")
    store.append(row(1 << 40, parent=cell, trace=trace, name="left open", start=BEGIN + SECOND, end=-1))
    found = judged(Recording(store), "name:'left open' < 1min")
    assert found.said == "left open: never ended, 1.00 s so far"


def _ids(of: Recording, name: str) -> tuple[int, int]:
    (found,) = of.spans(name=name)[["trace_id", "span_id"]].itertuples(index=False)
    return int(found.trace_id, 16), int(found.span_id, 16)


def test_of_many_that_are_over_three_are_named() -> None:
    many = recording([Cell(f"f({n})", n * SECOND) for n in range(1, 8)])
    assert judged(many, "cells <= 2s").said == (
        "cell [7] f(7): 7.00 s, over the budget of 2.00 s (3.50 ×); cell [6] f(6): 6.00 s (3.00 ×); "
        "cell [5] f(5): 5.00 s (2.50 ×); and 2 more"
    )


def test_each_run_of_several_is_judged() -> None:
    """And each execution of a cell: the run is named where there are several."""
    store = SpanStore()
    for number, seconds in enumerate((1, 9, 2)):
        cells = [Cell("fit()", seconds * SECOND, tags=("train",), spans=[("step", SECOND)] * seconds)]
        add_run(store, cells, BEGIN + number * 60 * SECOND, notebook=f"{number}.ipynb")
    several = Recording(store)
    assert (
        judged(several, "cell:train < 5s").said
        == "run 1.ipynb: cell [1] fit(): 9.00 s, over the budget of 5.00 s (1.80 ×)"
    )
    assert judged(several, "name:step count < 5").said == "run 1.ipynb: step: 9 spans, over the budget of 5 (1.80 ×)"
    assert judged(several, "run < 5s").said == "run 1.ipynb: 9.01 s, over the budget of 5.00 s (1.80 ×)"
    again = in_lab(Cell("fit()", SECOND, 1), Cell("fit()", 9 * SECOND, 2))
    assert judged(again, "cell:2 < 5s").said == "cell [2] fit(): 9.00 s, over the budget of 5.00 s (1.80 ×)"
    assert judged(again, "run < 5s").said == "the recording: 10.0 s, over the budget of 5.00 s (2.00 ×)"


def test_cells_that_only_ask_are_judged_by_their_names_alone() -> None:
    asked = in_lab(Cell("x = 1", SECOND), Cell("%spans", 9 * SECOND, tags=("look",)))
    assert judged(asked, "cells < 5s").kept
    assert not judged(asked, "cell:look < 5s").kept


def test_a_notebook_that_saves_itself_has_ended() -> None:
    """The cell that does it is in the recording as one that has not."""
    saved = in_lab(Cell("x = 1", SECOND), Cell("%spans", ended=False))
    assert judged(saved, "run < 5s") == Judgement(
        "run < 5s", True, "the recording: 1.00 s, within the budget of 5.00 s"
    )


def test_an_error_counts_once_though_the_run_fails_with_it() -> None:
    failed = recording([Cell("1 / 0", failed=True), Cell("x")])
    assert judged(failed, "run errors == 0").said == "run a.ipynb: 1 error, not 0"
    assert judged(failed, "cells error_count < 1").said == "cell [1] 1 / 0: 1 error, not below 1"


def test_a_recording_that_was_saved_is_judged_alike(tmp_path: Path) -> None:
    """Tags come back as tuples, and spans of a run's root are of no cell."""
    from nbtrace.api import load

    before = recording(NOTEBOOK)
    for name in ("run.parquet", "run.jsonl"):
        after = load(before.save(tmp_path / name))
        for typed in ("cell:train < 30s", "cells span_count < 121", "run count == 100", "cell:a1 < 1s"):
            assert judged(after, typed) == judged(before, typed)


def test_tags_are_found_where_a_recording_has_hundreds_of_other_keys() -> None:
    store = SpanStore()
    add_cells(store, [FIT], BEGIN, notebook=None)
    for number in range(500):
        store.append(row(1 << 40 | number, name="x", **{f"key{number}": 1}))
    assert not judged(Recording(store), "cell:train < 30s").kept
    assert judged(Recording(store), "cell:train < 50s").kept


@settings(max_examples=50, deadline=None)
@given(recordings(), st.data())
def test_judging_never_raises_whatever_was_recorded(of: Recording, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["cell", "cells", "name", "run"]))
    names = ("train", "1", "id", "9" * 50, *NAMES) if kind == "cell" else NAMES
    selector = Selector(kind, data.draw(st.sampled_from(names).filter(str.strip)) if kind in ("cell", "name") else "")
    budgets = [
        read_budget(f"{selector} {measure} {operator} {EXAMPLES[unit]}")
        for measure, unit in MEASURES[kind].items()
        for operator in ("<", ">", "==")
    ]
    for judgement in judge(of, budgets):
        assert judgement.said
        assert "\n" not in judgement.said
