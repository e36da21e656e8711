from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.analysis.judging.changes import judge_change
from nbtrace.analysis.judging.errors import BaselineError
from nbtrace.analysis.judging.judgement import Judgement
from nbtrace.analysis.judging.reading import read_limit
from nbtrace.analysis.judging.values import MEASURES, SIGNED
from nbtrace.recording import Recording
from nbtrace.store.book import Resources
from nbtrace.store.span_store import SpanStore
from tests.analysis.judging.made_up import recordings
from tests.analysis.judging.recordings import BEGIN, MS, SECOND, Cell, add_run, in_lab, recording

LIKE_BEFORE = (1.0, 1.01, 0.99, 1.02, 1.0)
"""How long five runs of a baseline took."""


def notebook(times: float = 1.0, *, queries: int = 100, ids: bool = True) -> list[Cell]:
    return [
        Cell("import x", 3 * MS, cell_id="c1" if ids else None),
        Cell(
            "df = load()",
            int(times * 2 * SECOND),
            cell_id="c2" if ids else None,
            spans=[("load", int(times * SECOND)), *[("db.query", int(times * 5 * MS))] * queries],
        ),
        Cell(
            "fit(X)", 4 * SECOND, tags=("train",), cell_id="c3" if ids else None, resources=Resources(memory_peak=10**9)
        ),
    ]


BASELINE = recording(*map(notebook, LIKE_BEFORE))


def judged(before: Recording, after: Recording, typed: str) -> Judgement:
    (judgement,) = judge_change(before, after, [read_limit(typed)])
    assert judgement.typed == typed
    return judgement


@pytest.mark.parametrize(
    ("typed", "kept", "said"),
    [
        ("name:load p95 +20%", False, "load: p95 1.00 s → 1.50 s (+50 %); allowed is +20%"),
        ("name:load p95 +60%", True, "load: p95 1.00 s → 1.50 s (+50 %), within +60%"),
        ("cells +20%", False, "cell [2] df = load(): 2.00 s → 3.00 s (+50 %); allowed is +20%"),
        ("cell:load +20%", False, "cell [2] df = load(): 2.00 s → 3.00 s (+50 %); allowed is +20%"),
        ("cell:train +15%", True, "cell [3] fit(X): 4.00 s as before, within +15%"),
        ("run +10%", False, "run a.ipynb: 6.01 s → 7.01 s (+17 %); allowed is +10%"),
        ("run count +0%", True, "run a.ipynb: count 104 as before, within +0%"),
        ("name:db.query count +0%", True, "db.query: count 100 as before, within +0%"),
        ("cells memory_peak +30%", True, "cell [3] fit(X): memory_peak 1.00 GB as before, within +30%"),
        (
            "p95 +20%",
            False,
            "cell df = load(): p95 2.00 s → 3.00 s (+50 %); load: p95 1.00 s → 1.50 s (+50 %); "
            "db.query: p95 5.00 ms → 7.50 ms (+50 %); allowed is +20%",
        ),
    ],
)
def test_a_run_is_held_against_a_baseline_of_several(typed: str, kept: bool, said: str) -> None:
    assert judged(BASELINE, recording(notebook(1.5)), typed) == Judgement(typed, kept, said)


@pytest.mark.parametrize(("counts", "kept"), [((101,), False), ((100,), True), ((99,), True), ((100, 101), True)])
def test_a_count_is_exact(counts: Sequence[int], kept: bool) -> None:
    """One query more fails, though there is one run: numbers do not vary by chance, unless they were seen to."""
    after = recording(*[notebook(queries=number) for number in counts])
    assert judged(recording(notebook()), after, "name:db.query count +0%").kept is kept


def test_what_must_not_grow_smaller() -> None:
    assert judged(BASELINE, recording(notebook(queries=50)), "name:db.query count -10%") == Judgement(
        "name:db.query count -10%", False, "db.query: count 100 → 50 (−50 %); allowed is -10%"
    )
    assert judged(BASELINE, recording(notebook(queries=200)), "name:db.query count -10%").kept


def test_one_run_against_one_is_unclear_below_a_factor() -> None:
    """What is over the limit but can be chance fails nothing, and what would tell is said."""
    one = recording(notebook())
    assert judged(one, recording(notebook(1.5)), "cell:load +20%") == Judgement(
        "cell:load +20%",
        True,
        "cell [2] df = load(): 2.00 s → 3.00 s (+50 %): in 1 run against 1 that can be chance, "
        "3 runs of either side would tell",
        unclear=True,
    )
    assert not judged(one, recording(notebook(2)), "cell:load +20%").kept


def test_what_lies_within_the_noise_of_the_runs_is_unclear() -> None:
    noisy = recording(*map(notebook, (1.0, 2.0, 3.0, 1.5, 2.5)))
    assert judged(noisy, recording(notebook(2.6)), "cell:load +20%") == Judgement(
        "cell:load +20%",
        True,
        "cell [2] df = load(): 4.00 s → 5.20 s (+30 %): runs differ by 4.60 s anyhow",
        unclear=True,
    )


def test_a_few_milliseconds_of_a_cell_that_nobody_named_are_no_change() -> None:
    slower = [Cell("import x", 9 * MS, cell_id="c1"), *notebook()[1:]]
    assert judged(BASELINE, recording(slower), "cells +20%").kept
    assert not judged(BASELINE, recording(slower), "cell:c1 +20%").kept


def test_a_cell_more_at_the_top_moves_no_other() -> None:
    after = recording([Cell("new", SECOND), *notebook()])
    assert judged(BASELINE, after, "cells +20%").said.endswith(
        "within +20%; the most of 3; not in the baseline: cell [1] new"
    )


@pytest.mark.parametrize("ids", [True, False])
def test_cells_are_the_same_by_their_ids_or_their_code(ids: bool) -> None:
    """By the id also where the first line is another; a notebook of an old format has none, or others each time."""
    before = recording(*[notebook(ids=ids)] * 3)
    after = notebook(1.5, ids=ids)
    assert not judged(before, recording(after), "cells +20%").kept
    edited = [
        after[0],
        Cell("df = load(fast=True)", 3 * SECOND, cell_id=after[1].cell_id, spans=[("load", 1)]),
        after[2],
    ]
    found = judged(before, recording(edited), "cells +20%")
    assert found.kept is not ids
    assert ("not in the baseline: cell [2] df = load(fast=True)" in found.said) is not ids
    assert not judged(before, recording(edited), "cell:load +20%").kept, "one is called so on either side"


def test_what_is_on_one_side_only_is_said_and_fails_nothing() -> None:
    without = recording([notebook()[0], notebook()[2]])
    assert judged(BASELINE, without, "cell:load +20%") == Judgement(
        "cell:load +20%", True, "nothing is on both sides; only in the baseline: cell [2] df = load()"
    )
    assert judged(without, BASELINE, "name:load p95 +20%").said == "nothing is on both sides; not in the baseline: load"


def test_what_is_on_neither_side_is_not_kept() -> None:
    found = judged(BASELINE, recording(notebook()), "cell:trian +20%")
    assert (found.kept, found.said) == (
        False,
        "no cell has a tag, an id, a number or a span 'trian'; did you mean train?",
    )
    assert not judged(BASELINE, recording(notebook()), "cells gpu_memory_peak +20%").kept


def test_what_one_side_does_not_know() -> None:
    """Nothing can be told of what was not measured now; that it was not measured before is said."""
    with_memory, without = recording(notebook()), recording([Cell(each.code) for each in notebook()])
    before = judged(without, with_memory, "cells memory_peak +20%")
    assert before.kept
    assert "the baseline does not know memory_peak of cell [3] fit(X)" in before.said
    assert not judged(with_memory, without, "cells memory_peak +20%").kept


def test_a_cell_that_died_is_as_long_as_it_came() -> None:
    cells = [*notebook()[:2], Cell("fit(X)", ended=False, tags=("train",), cell_id="c3")]
    died = recording(cells, after=40 * SECOND)
    assert judged(BASELINE, died, "cell:train +20%").said == (
        "cell [3] fit(X): 4.00 s → 40.0 s (+900 %); allowed is +20%; never ended: cell [3] fit(X)"
    )


def test_runs_that_failed_are_no_baseline_where_others_are() -> None:
    store = SpanStore()
    for number in range(3):
        add_run(store, notebook(), BEGIN + number * 60 * SECOND, notebook="a.ipynb")
    for number in range(3, 7):
        cells = [Cell("df = load()", MS, cell_id="c2", failed=True)]
        add_run(store, cells, BEGIN + number * 60 * SECOND, notebook="a.ipynb")
    assert (
        judged(Recording(store), recording(notebook()), "cell:c2 +20%").said
        == "cell [2] df = load(): 2.00 s as before, within +20%"
    )


def test_no_run_is_a_baseline_of_itself() -> None:
    """The folder of runs into which this one was saved, too."""
    store = SpanStore()
    add_run(store, notebook(), BEGIN, notebook="a.ipynb")
    before = Recording(store).__copy__()
    add_run(store, notebook(9), BEGIN + 60 * SECOND, notebook="a.ipynb")
    both = Recording(store)
    slow = both.__copy__()
    slow.forget(trace_id=before.spans()["trace_id"].iloc[0])
    assert not judged(both, slow, "cell:load +20%").kept
    with pytest.raises(BaselineError, match="holds these runs themselves and no other"):
        judged(slow, slow, "cell:load +20%")


def test_each_notebook_is_held_against_its_own_runs() -> None:
    before, after = SpanStore(), SpanStore()
    for number, name in enumerate(("a.ipynb", "b.ipynb")):
        for run in range(3):
            add_run(before, notebook(1 + number), BEGIN + (number * 9 + run) * 60 * SECOND, notebook=name)
    for number, name in enumerate(("a.ipynb", "b.ipynb", "c.ipynb")):
        add_run(after, notebook(1 + number), BEGIN + number * 60 * SECOND, notebook=f"elsewhere/{name}")
    found = judged(Recording(before), Recording(after), "cell:load +20%")
    assert found.kept
    assert found.said.endswith("; no baseline of 'c.ipynb'")
    after = SpanStore()
    add_run(after, notebook(1.5), BEGIN, notebook="a.ipynb")
    add_run(after, notebook(2), BEGIN + 60 * SECOND, notebook="b.ipynb")
    assert judged(Recording(before), Recording(after), "cell:load +20%").said == (
        "a.ipynb: cell [2] df = load(): 2.00 s → 3.00 s (+50 %); allowed is +20%"
    )


def test_a_baseline_of_another_notebook_is_refused() -> None:
    with pytest.raises(BaselineError, match=r"the baseline is of 'b\.ipynb', and this is 'a\.ipynb'\."):
        judged(recording(notebook(), notebook="b.ipynb"), recording(notebook()), "p95 +20%")
    other = recording([Cell(f"f({number})") for number in range(9)])
    with pytest.raises(
        BaselineError, match=r"is of 'a\.ipynb', and this is 'a\.ipynb': they have 0 of 3 cells in common"
    ):
        judged(other, recording(notebook()), "p95 +20%")


def test_a_notebook_that_somebody_has_open_is_held_against_runs() -> None:
    """There no root says what belongs together: what ran again is another run."""
    assert not judged(BASELINE, in_lab(*notebook(1.5)), "cells +20%").kept
    assert not judged(BASELINE, in_lab(*notebook(1.5)), "name:load total +20%").kept
    again = [Cell("df = load()", 2 * SECOND, 9 + n, "c2", spans=[("load", SECOND)]) for n in range(3)]
    before = in_lab(*notebook(), *again)
    assert not judged(before, in_lab(*notebook(2)), "cell:c2 +20%").kept
    assert judged(before, in_lab(*notebook()), "name:load total +0%").said == "load: total 1.00 s as before, within +0%"


def test_a_cell_that_ran_alone_again_is_no_run_of_what_is_elsewhere() -> None:
    """Else what stands in the other cells would be nothing in most runs."""
    again = [Cell("fit(X)", SECOND, 9 + n, "c3", tags=("train",)) for n in range(5)]
    before = in_lab(*notebook(queries=100), *again)
    assert not judged(before, in_lab(*notebook(queries=120)), "name:db.query count +10%").kept


def test_nothing_against_something() -> None:
    empty = Recording(SpanStore())
    assert judged(BASELINE, empty, "cells +20%") == Judgement("cells +20%", False, "no cell ran; " + _gone())
    with pytest.raises(BaselineError, match="nothing is recorded in the baseline"):
        judged(empty, recording(notebook()), "run +20%")


def _gone() -> str:
    return "only in the baseline: cell [1] import x; cell [2] df = load(); cell [3] fit(X)"


@settings(max_examples=30, deadline=None)
@given(recordings(), recordings(), st.sampled_from(["cell:train", "cells", "name:load", "run", ""]))
def test_judging_never_raises_whatever_was_recorded(before: Recording, after: Recording, selector: str) -> None:
    """But for a baseline of another notebook."""
    kind = selector.partition(":")[0] or "names"
    measures = [measure for measure in MEASURES[kind] if measure not in SIGNED]  # type: ignore[index]
    limits = [read_limit(f"{selector} {measure} {change}") for measure in measures for change in ("+0%", "-5%")]
    try:
        found = judge_change(before, after, limits)
    except BaselineError:
        return
    assert all(judgement.said for judgement in found)
