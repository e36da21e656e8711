from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.analysis.compare import Side, alike, cells_side, compare, recording_side
from tests.analysis.forests import Span, forests, parent_of, table

MS = 1_000_000


def runs(*lengths: float) -> Side:
    """A side whose runs took so many ms each, in a span `load` inside of each."""
    spans = table(
        [each for run, ms in enumerate(lengths) for each in ((-1, 0, int(ms * MS)), (2 * run, 0, int(ms * MS)))]
    )
    spans["name"] = ["cell [1] x", "load"] * len(lengths)
    spans["cell"] = pd.array(np.repeat(np.arange(len(lengths)), 2), dtype="Int64")
    return cells_side(spans, list(range(len(lengths))))


def verdict(before: Side, after: Side, path: str = "cell › load") -> str:
    return str(compare(before, after).set_index("path").loc[path, "verdict"])


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ((10, 11, 12), (20, 21, 22), "slower"),
        ((20, 21, 22), (10, 11, 12), "faster"),
        ((10, 20, 30), (12, 22, 33), "same"),
        ((10,), (11,), "unclear"),
        ((10,), (100,), "slower"),
        ((100,), (10, 11, 12), "faster"),
        ((10, 11, 12), (11.5,), "same"),
        ((10, 10, 10), (10.05, 10.05, 10.05), "same"),
        ((0, 0, 0), (0, 0, 0), "same"),
    ],
)
def test_the_verdict_knows_noise(before: tuple[float, ...], after: tuple[float, ...], wanted: str) -> None:
    assert verdict(runs(*before), runs(*after)) == wanted


def side_of(*counts: int, ms: int = 60) -> Side:
    """A side whose runs each have so many spans `item`, which take `ms` together."""
    spans = table([each for c in counts for each in [(-1, 0, 99 * MS), *[(-1, 0, ms * MS // max(c, 1))] * c]])
    first = np.cumsum([0, *[c + 1 for c in counts]])[:-1]
    spans["parent_span_id"] = pd.Series(
        [None if i in first else str(max(f for f in first if f <= i)) for i in range(len(spans))], dtype="str"
    )
    spans["name"] = ["cell [1] x" if i in first else "item" for i in range(len(spans))]
    spans["cell"] = pd.array(np.repeat(np.arange(len(counts)), [c + 1 for c in counts]), dtype="Int64")
    return cells_side(spans, list(range(len(counts))))


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (side_of(6), side_of(12), "more"),
        (side_of(12), side_of(6), "fewer"),
        (side_of(6), side_of(6), "unclear"),
        (side_of(6, 6, 6), side_of(7, 7, 8), "more"),
        (side_of(6, 7, 8), side_of(8, 9, 10), "same"),
        (side_of(6, 6, 6), side_of(12, 12, 12, ms=600), "slower"),
        (side_of(6, 6, 0), side_of(7, 7, 7), "more"),
    ],
)
def test_a_change_in_count_is_a_change(before: Side, after: Side, wanted: str) -> None:
    """Where the times do not tell, and counts that vary from run to run do not overlap."""
    assert verdict(before, after, "cell › item") == wanted
    (row,) = compare(before, after).query("name == 'item'").to_dict("records")
    if wanted in ("more", "fewer"):
        assert (row["count_after"] > row["count_before"]) == (wanted == "more")


@pytest.mark.once
@pytest.mark.parametrize(("number", "at_most"), [(3, 0.25), (5, 0.06), (10, 0.02)])
def test_equal_work_is_seldom_called_otherwise(number: int, at_most: float) -> None:
    """How often noise alone makes a verdict: 5 % of normal noise, seeded."""
    random = np.random.default_rng(0)
    wrong = sum(
        verdict(runs(*random.normal(100, 5, number)), runs(*random.normal(100, 5, number))) != "same"
        for _ in range(150)
    )
    assert wrong / 150 <= at_most


def test_a_difference_of_a_fifth_is_found_in_five_runs() -> None:
    random = np.random.default_rng(0)
    found = [verdict(runs(*random.normal(100, 5, 5)), runs(*random.normal(80, 5, 5))) for _ in range(50)]
    assert found.count("faster") > 40


def test_paths_that_are_new_or_gone_are_named() -> None:
    before, after = table([(-1, 0, 9), (0, 0, 4), (1, 0, 2)]), table([(-1, 0, 9), (0, 0, 4), (0, 4, 3)])
    before["name"], after["name"] = ["cell [3]", "load", "query"], ["cell [7]", "load", "query"]
    before["cell"], after["cell"] = (pd.array([n] * 3, dtype="Int64") for n in (3, 7))
    found = compare(cells_side(before, [3]), cells_side(after, [7])).set_index("path")
    assert found["verdict"].to_dict() == {
        "cell": "unclear",
        "cell › load": "unclear",
        "cell › load › query": "removed",
        "cell › query": "added",
    }
    assert found.loc["cell › query", "before"] == pd.Timedelta(0)
    assert found.loc["cell › load", "depth"] == 1
    assert found.index[0] in ("cell › query", "cell › load › query"), "the largest change first"


def test_a_run_without_a_span_counts_as_no_time() -> None:
    """A cache that is warm in two runs of three: the median is nothing."""
    spans = table([(-1, 0, 10), (0, 0, 5), (-1, 0, 10), (-1, 0, 10)])
    spans["name"] = ["cell [1]", "fetch", "cell [2]", "cell [3]"]
    spans["cell"] = pd.array([1, 1, 2, 3], dtype="Int64")
    found = compare(cells_side(spans, [1, 2, 3]), cells_side(spans, [1])).set_index("path")
    row = found.loc["cell › fetch"]
    assert (row["before"].value, row["after"].value, row["count_before"], row["runs_before"]) == (0, 5, 0, 3)


def test_cells_of_two_recordings_go_by_their_code() -> None:
    before, after = table([(-1, 0, 9), (-1, 9, 1)]), table([(-1, 0, 9)])
    before["name"], after["name"] = ["cell [1] load()", "fit"], ["cell [12] load()"]
    found = compare(recording_side(before), recording_side(after)).set_index("path")
    assert found["verdict"].to_dict() == {"cell load()": "unclear", "fit": "removed"}


def run_of(*cells: str, root: str = "run a.ipynb", took: int = 9) -> pd.DataFrame:
    """What `nbtrace run` records of a notebook."""
    spans = table([(-1, 0, took * len(cells)), *[(0, n * took, took) for n in range(len(cells))]])
    spans["name"] = [root, *cells]
    spans["scope_name"] = ["nbtrace.run", *["nbtrace"] * len(cells)]
    return spans


def test_cells_of_two_runs_go_by_their_code() -> None:
    """A cell more at the top moves no other."""
    before, after = (
        run_of("cell [1] load()", "cell [2] fit()"),
        run_of("cell [1] new", "cell [2] load()", "cell [3] fit()"),
    )
    found = compare(*alike(recording_side(before), recording_side(after))).set_index("path")
    assert found["verdict"].to_dict() == {
        "run a.ipynb": "unclear",
        "run a.ipynb › cell new": "added",
        "run a.ipynb › cell load()": "unclear",
        "run a.ipynb › cell fit()": "unclear",
    }
    assert found.loc["run a.ipynb › cell load()", "runs_before"] == 1


def test_what_is_called_as_a_cell_deeper_in_a_run_keeps_its_name() -> None:
    spans = run_of("cell [1] load()", "cell [2] inner")
    spans["parent_span_id"] = pd.Series([None, "0", "1"], dtype="str")
    found = compare(recording_side(spans), recording_side(spans))
    assert set(found["path"]) == {
        "run a.ipynb",
        "run a.ipynb › cell load()",
        "run a.ipynb › cell load() › cell [2] inner",
    }


def test_runs_meet_a_notebook_that_somebody_has_open_cell_by_cell() -> None:
    """There cells are roots, and no run is around them."""
    run, open_ = run_of("cell [1] load()", "cell [2] fit()"), table([(-1, 0, 9), (-1, 9, 90)])
    open_["name"], open_["scope_name"] = ["cell [7] load()", "cell [8] other"], "nbtrace"
    for before, after, other in ((run, open_, "added"), (open_, run, "removed")):
        found = compare(*alike(recording_side(before), recording_side(after))).set_index("path")["verdict"].to_dict()
        assert found == {
            "cell load()": "unclear",
            "cell fit()": "removed" if other == "added" else "added",
            "cell other": other,
        }


def test_a_run_that_never_ended_is_left_out_where_others_did() -> None:
    """Its cells would stand beside the other runs as if they were of none."""
    whole, died = run_of("cell [1] load()"), run_of("cell [1] load()")
    died["span_id"], died["parent_span_id"] = ["8", "9"], pd.Series([None, "8"], dtype="str")
    died.loc[0, "duration"] = pd.NaT
    both = pd.concat([whole, died], ignore_index=True)
    assert set(compare(recording_side(both), recording_side(whole))["path"]) == {
        "run a.ipynb",
        "run a.ipynb › cell load()",
    }
    alone = compare(*alike(recording_side(died), recording_side(whole)))
    assert alone["path"].tolist() == ["cell load()"]


def totals(spans: list[Span], names: list[str]) -> dict[str, float]:
    """The median, over the roots of a name, of the time on each path below them, in ns."""
    times: dict[str, dict[int, int]] = {}
    roots: dict[str, list[int]] = {}

    def visit(row: int, path: str, root: int) -> None:
        if spans[row][2] >= 0:
            times.setdefault(path, {}).setdefault(root, 0)
            times[path][root] += spans[row][2]
        for child in range(len(spans)):
            if parent_of(spans, child) == row:
                visit(child, f"{path} › {names[child]}", root)

    for row in range(len(spans)):
        if parent_of(spans, row) < 0:
            roots.setdefault(names[row], []).append(row)
            visit(row, names[row], row)
    return {
        path: float(np.median([found.get(root, 0) for root in roots[path.split(" › ")[0]]]) // 1)
        for path, found in times.items()
    }


@settings(max_examples=150, deadline=None)
@given(forests, st.data())
def test_times_are_those_of_a_loop(spans: list[Span], data: st.DataObject) -> None:
    spans = [
        (parent if parent < row else -1, start, max(length, 0)) for row, (parent, start, length) in enumerate(spans)
    ]
    names = data.draw(st.lists(st.sampled_from("ab"), min_size=len(spans), max_size=len(spans)))
    each = table(spans)
    each["name"] = names
    found = compare(recording_side(each), recording_side(table([])))
    assert {path: time.value for path, time in zip(found["path"], found["before"], strict=True)} == totals(spans, names)


@settings(max_examples=100, deadline=None)
@given(forests, forests)
def test_orphans_circles_and_running_spans_are_compared_too(before: list[Span], after: list[Span]) -> None:
    found = compare(recording_side(table(before)), recording_side(table(after)))
    assert found["path"].is_unique
    assert found["count_before"].sum() == sum(length >= 0 for _, _, length in before)


def test_a_chain_of_many_levels_is_compared_and_shown_by_its_end() -> None:
    n = 20_000
    chain = table([(i - 1, 0, 5) for i in range(n)])
    chain["name"] = "x"
    found = compare(recording_side(chain), recording_side(chain))
    assert len(found) == n
    assert found["path"].str.len().max() < 60
    assert found["path"].iloc[-1].startswith("… › ")


def test_nothing_is_compared_with_nothing() -> None:
    empty = recording_side(table([]))
    assert len(compare(empty, empty)) == 0
    assert set(compare(empty, recording_side(table([(-1, 0, 3)])))["verdict"]) == {"added"}
