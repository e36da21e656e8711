"""A cell's code with what each line took beside it, and hotspots as they are shown."""

from __future__ import annotations

import html
import re
from typing import Any

import pandas as pd
import pytest

from nbtrace.answers.register import by_word
from nbtrace.store.book import Resources
from nbtrace.views import words
from nbtrace.views.cell_notes import notes
from nbtrace.views.formatted import Answer
from nbtrace.views.listing import heat
from tests.profiles import MERGE, OTHER, OWN_FILE, SLEEP, TAKE, Made

MB = 1_000_000


def listing(made: Made, **conditions: Any) -> Any:
    return by_word()["lines"].show(made.recording, **conditions)


def merged() -> Made:
    """Two cells: the second calls a function of the first, and most of its time is a merge."""
    made = Made()
    first = made.cell("def f(i):\n    x = load(i)\n    return x", 0, 1, [(0, 1, 3)])
    cell = made.cell("import pandas\n\nfor i in x:\n\tdf.merge(f(i))\nend", 10, 1_010, [(10, 1), (60, 3, 4), (960, 5)])
    cell.resources = Resources(cpu_ns=900 * MB, memory_change=410 * MB)
    for tick in range(1, 90):
        frames = (MERGE, TAKE) if tick % 3 else (("f", first.file, 2), OWN_FILE)
        memory = 2**28 + tick * 2**16
        made.sample(cell, 60 + 10 * tick, 10, 4, *frames, cpu=9 if tick % 3 else 0, native=True, memory=memory)
    return made


def test_all_of_the_code_is_shown_with_what_each_line_took() -> None:
    """And below it the lines of functions of other cells, as they were called from here."""
    shown = repr(listing(merged(), cell=2)).splitlines()
    assert [re.sub(r" +", " ", line).strip() for line in shown] == [
        "line time share cpu memory code",
        "1.00 s 900 ms +410 MB ── cell [2] ──",
        "1 ▎ 50.0 ms 5.0 % import pandas",
        "2",
        "3 10.0 ms 1.0 % for i in x:",
        "4 █████▍ 890 ms 89 % 540 ms +410 MB df.merge(f(i))",
        "5 ▎ 50.0 ms 5.0 % end",
        "── from cell [1] ──",
        "2 █▊ 290 ms 29 % 0 ns +1.90 MB x = load(i)",
        "89 samples",
    ]
    assert all(words.width(line) <= 80 for line in shown)
    assert "    df.merge(f(i))" in repr(listing(merged(), cell=2))


def test_long_lines_are_cut_and_never_left_out() -> None:
    """However wide the figures beside them are."""
    made = merged()
    wide = made.cell("x = " + "z" * 300 + "\ny = " + "w" * 300, 2_000, 3_999, [(2_000, 1), (2_100, 2)])
    wide.resources = Resources(cpu_ns=1_999 * MB, memory_change=-410 * MB)
    shown = repr(listing(made)).splitlines()
    assert shown[0].split()[-1] == "code"
    assert any("x = zzz" in line for line in shown)
    assert not any("not shown here" in line for line in shown)
    assert all(words.width(line) <= 80 for line in shown)


def test_it_is_the_dataframe_that_the_function_returns() -> None:
    made = merged()
    found = listing(made, cell=2)
    pd.testing.assert_frame_equal(pd.DataFrame(found), made.recording.lines(cell=2))
    assert type(found.head(1)) is pd.DataFrame


def test_a_condition_leaves_lines_without_the_code_around_them() -> None:
    shown = repr(listing(merged(), cell=2, where="time > 100ms"))
    assert "df.merge(f(i))" in shown
    assert "import pandas" not in shown


@pytest.mark.parametrize("kept", ["hash", "none"])
def test_without_the_code_the_figures_stand_alone(kept: Any) -> None:
    made = Made(capture_source=kept)
    cell = made.cell("a\nb", 0, 100, [(0, 1), (50, 2)])
    made.sample(cell, 100, 50, 2, MERGE)
    shown = repr(listing(made))
    assert "the code of cell [1] is not kept" in shown
    assert re.search(r"2 +███ +50\.0 ms +50 %", shown)


def test_of_a_long_cell_the_neighbourhood_of_hot_lines_is_shown_and_the_rest_counted() -> None:
    made = Made()
    many = 10_000
    source = "\n".join(["for i in x:", *(f"    work({n})" for n in range(2, many + 1))])
    cell = made.cell(source, 0, 20_000, [(0, 1, many)])
    for tick in range(1, 1_001):
        made.sample(cell, 10 * tick, 10, 5_000 if tick % 10 else 9_000, MERGE)
    shown = repr(listing(made)).splitlines()
    assert len(shown) < 30
    text = "\n".join(shown)
    for number in (1, 2, 3, 4_998, 5_000, 5_002, 9_000):
        assert f"\n{number:>4} " in text, number
    assert "⋯ 4,994 lines" in text
    assert "showing 13 of the 10,000 lines of cell [1]" in text


def test_a_line_of_a_megabyte_is_cut() -> None:
    made = Made()
    made.cell("x=1;" * 250_000, 0, 100, [(0, 1)])
    found = listing(made)
    assert len(repr(found)) < 1_000
    assert len(found._repr_html_()) < 5_000


def test_few_samples_are_marked_and_exact_times_are_not() -> None:
    made = Made()
    cell = made.cell("for i in x:\n    f(i)\ng()", 0, 1_000, [(0, 1, 2), (500, 3)])
    made.sample(cell, 100, 100, 2, MERGE)
    made.sample(cell, 600, 100, 3, MERGE)
    shares = [line.split()[-3:] for line in repr(listing(made)).splitlines() if "%" in line]
    text = repr(listing(made))
    assert "~10 %" in text
    assert " 50 %" in text
    assert shares


def test_hostile_code_and_names_are_text() -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e\x1b[31m"
    made = Made()
    cell = made.cell(f"x = '{hostile}'\ny", 0, 100, [(0, 1), (90, 2)])
    made.sample(cell, 80, 70, 1, (hostile, hostile, 3), MERGE)
    for found in (
        listing(made),
        *(Answer.of(made.recording.hotspots(by=by), "hot") for by in ("function", "line", "library")),  # type: ignore[arg-type]
        Answer.of(made.recording.cells(), "cells"),
        made.recording.text(),
    ):
        for shown in (repr(found), found._repr_html_()):
            assert "\u202e" not in shown
            assert "\x1b" not in shown
        assert "<img" not in found._repr_html_()


def test_several_cells_stand_one_after_the_other() -> None:
    made = merged()
    shown = repr(listing(made, cell=[1, 2]))
    assert shown.index("── cell [1] ──") < shown.index("── cell [2] ──") < shown.index("── from cell [1] ──")


def test_nothing_is_said_of_nothing() -> None:
    assert repr(listing(Made())) == "no lines"
    assert repr(Answer.of(Made().recording.hotspots(), "hot")) == "no time"


@pytest.mark.parametrize(
    ("share", "drawn"), [(0, ""), (0.01, ""), (0.03, "▏"), (0.5, "███"), (1, "██████"), (2, "██████")]
)
def test_a_share_is_drawn(share: float, drawn: str) -> None:
    assert heat(share) == drawn


def test_hotspots_are_shown_with_self_and_total() -> None:
    """Cells bear their names, places are short, and few samples are marked."""
    made = merged()
    other = made.cell("g()", 2_000, 2_010, [(2_000, 1)])
    made.sample(other, 2_005, 5, SLEEP, cpu=0, thread=OTHER)
    shown = repr(Answer.of(made.recording.hotspots(), "hot")).splitlines()
    assert [re.sub(r" +", " ", line).strip() for line in shown][:5] == [
        "function in self self % mostly total total %",
        "take_nd pandas 600 ms 59 % native 600 ms 59 %",
        "load your files 290 ms 29 % waiting 290 ms 29 %",
        "cell [2] notebook 110 ms 11 % 1.00 s 98 %",
        "cell [3] notebook 10.0 ms 1.0 % 10.0 ms 1.0 %",
    ]
    assert any("~0.5 %" in line for line in shown)
    assert "90 samples" in "\n".join(shown[-2:])
    by_line = repr(Answer.of(made.recording.hotspots(by="line"), "hot"))
    assert "pandas/core/algorithms.py:90" in by_line
    assert "cell [2]:4" in by_line
    assert repr(Answer.of(made.recording.hotspots(by="library"), "hot")).startswith("library")
    assert all(words.width(line) <= 80 for line in [*shown, *by_line.splitlines()])
    assert "take_nd" in html.unescape(Answer.of(made.recording.hotspots(), "hot")._repr_html_() or "")


def test_a_changed_answer_shows_itself_all_the_same() -> None:
    table = Answer.of(merged().recording.hotspots(), "hot")
    del table["library"]
    assert "take_nd" in repr(table)


def test_the_tree_says_of_a_cell_what_it_took() -> None:
    shown = str(merged().recording.text())
    assert "cpu 900 ms · +410 MB · hot: line 4 df.merge 60 %" in shown
    assert shown.count("hot:") == 1


@pytest.mark.parametrize(
    ("taken", "ms", "lines", "note"),
    [
        ({"cpu": 11_800, "memory_change": 410 * MB, "hottest": "line 3 df.merge 62 %"}, 12_300, 5, "cpu 11.8 s · +410 MB · hot: line 3 df.merge 62 %"),
        ({"cpu": 3_900, "cores": 3.9}, 1_000, 5, "cpu 3.90 s (3.9 cores)"),
        ({"cpu": 10, "hottest": "line 1 f 100 %"}, 1_000, 1, "cpu 10.0 ms"),
        ({"cpu": 10, "hottest": "cell [2] line 1 f 100 %"}, 1_000, 1, "cpu 10.0 ms · hot: cell [2] line 1 f 100 %"),
        ({"cpu": 99, "hottest": "line 2 f 99 %", "memory_change": MB}, 99, 3, ""),
        ({"cpu": 500, "gc": 300, "read_bytes": 2_000 * MB, "written_bytes": 3, "shared": True}, 1_000, 3, "cpu 500 ms · gc 300 ms · read 2.00 GB · shared"),
        ({"memory_change": -50 * MB}, 1_000, 3, "−50.0 MB"),
        ({"shared": True}, 1_000, 3, ""),
    ],
)  # fmt: skip
def test_a_note_says_what_is_worth_saying(taken: dict[str, Any], ms: int, lines: int, note: str) -> None:
    durations = {name: pd.to_timedelta([taken.get(name)], unit="ms") for name in ("cpu", "gc")}
    numbers = {
        name: pd.array([taken.get(name)], dtype="Int64") for name in ("memory_change", "read_bytes", "written_bytes")
    }
    rest = {
        "cores": [taken.get("cores", 0.5)],
        "hottest": [taken.get("hottest")],
        "shared": [taken.get("shared", False)],
    }
    assert notes({**durations, **numbers, **rest}, [ms * MB], [lines]) == [note]
