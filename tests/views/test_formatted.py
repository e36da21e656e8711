"""What a magic shows of an answer, and what it stays."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrace
from nbtrace.store.schema import Extra
from nbtrace.store.span_store import SpanStore
from nbtrace.views import words
from nbtrace.views.formatted import Answer
from tests.rows import row

MS = 1_000_000
START = 1_700_000_000_000_000_000


@pytest.fixture
def rec() -> nbtrace.Recording:
    store = SpanStore()
    told = Extra(events=((START, "exception", ("exception.type", "exception.message"), ("ValueError", "no")),))
    rows = [
        row(1, name="cell [2] load()", start=START, end=START + 17_484 * MS, n=3),
        row(2, parent=1, name="load", start=START + MS, end=START + 9_000 * MS, s="s3", rows=1_000_000),
        row(3, parent=1, name="GET", start=START + 2 * MS, end=START + 3 * MS, status=2, extra=told),
        row(4, name="runs", start=START + 9 * MS, end=0),
    ]
    for each in rows:
        store.append(each)
    return nbtrace.Recording(store)


def shown(table: pd.DataFrame, word: str) -> list[list[str]]:
    """The lines of an answer, in pieces."""
    return [re.split(r"\s{2,}", line.strip()) for line in str(Answer.of(table, word)).splitlines()]


def calls() -> nbtrace.Recording:
    """What an instrumentation has sent, and spans that it has nothing to do with."""
    store = SpanStore()
    get = {"http.request.method": "GET", "url.path": "/users", "http.response.status_code": 500}
    told = Extra(events=((START, "exception", ("exception.type", "exception.message"), ("ValueError", "no")),))
    chat = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1_204, "gen_ai.usage.output_tokens": 310}
    for each in (
        row(1, name="cell [2]", start=START, end=START + 9 * MS),
        row(2, parent=1, name="GET", start=START + MS, end=START + 3 * MS, status=2, extra=told, **get),
        row(3, parent=1, name="chat gpt-4o", start=START + 4 * MS, end=START + 8 * MS, **chat),
    ):
        store.append(each)
    return nbtrace.Recording(store)


def test_what_spans_did_stands_beside_their_names() -> None:
    """Where the names do not say it; what the function returns has names alone."""
    rec = calls()
    lines = shown(rec.spans(), "table")
    assert [line[:2] for line in lines[:2]] == [["name", "caption"], ["cell [2]", "9.00 ms"]]
    assert [line[:2] for line in lines[2:4]] == [
        ["GET", "GET /users 500"],
        ["chat gpt-4o", "1,204 → 310 tokens"],
    ]
    assert "caption" not in rec.spans().columns
    for word, found in (("errors", rec.errors()), ("self", rec.self_times()), ("path", rec.critical_path())):
        answer = Answer.of(found, word, rec._captions)
        assert "GET /users 500" in str(answer), word
        assert "GET /users 500" in (answer._repr_html_() or ""), word
        assert "caption" not in answer.columns
        assert "GET /users 500" in str(pickle.loads(pickle.dumps(answer))), word
        assert "caption" not in str(Answer.of(found, word)), word


def test_long_names_and_captions_leave_room_for_durations() -> None:
    """And what stands in the name already is not said again beside it."""
    model = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.cost": 0.012,
    }
    with (
        nbtrace.record() as rec,
        nbtrace.span("summarise the report for the board", **model),
        nbtrace.span("x" * 200, **model),
    ):
        pass
    lines = str(Answer.of(rec.spans(), "table")).splitlines()
    assert lines[0].split() == ["name", "caption", "duration"]
    (told,) = (line for line in lines if line.startswith("summarise the report for the board  "))
    assert re.search(r"  chat gpt-4o-mini-2024-07-18 · \$…?\S*  +[\d.]+ (ns|µs|ms)$", told), told


def test_a_table_in_which_names_say_it_all_has_no_captions(rec: nbtrace.Recording) -> None:
    for word, found in (("table", rec.spans()), ("errors", rec.errors()), ("self", rec.self_times())):
        assert "caption" not in str(Answer.of(found, word, rec._captions)), word


def test_an_answer_is_the_dataframe_that_a_function_returns(rec: nbtrace.Recording) -> None:
    raw = rec.spans()
    answer = Answer.of(raw, "table")
    assert isinstance(answer, pd.DataFrame)
    pd.testing.assert_frame_equal(pd.DataFrame(answer), raw)
    assert answer.dtypes.to_dict() == raw.dtypes.to_dict()
    assert type(answer.head()) is type(answer[answer["cell"].isna()]) is type(answer.copy()) is pd.DataFrame
    assert type(answer.groupby("name").duration.sum()) is pd.Series
    for other in (pickle.loads(pickle.dumps(answer)), copy.deepcopy(answer), answer.merge(raw)):
        assert isinstance(other, pd.DataFrame)
        assert len(other) == len(raw)
    assert pd.concat([answer, answer]).shape[0] == 2 * len(raw)


def test_names_durations_and_cells_come_first_and_ids_last(rec: nbtrace.Recording) -> None:
    """Durations in words, times of day, blanks blank, ids short; what is the same everywhere is left out."""
    lines = shown(rec.spans(), "table")
    assert lines[0][:3] == ["name", "duration", "start_time UTC"]
    assert lines[1][:3] == ["cell [2] load()", "17.5 s", "22:13:20.000"]
    text = rec.spans().pipe(Answer.of, "table")._repr_html_()
    titles = re.findall(r"<th [^>]*>([^<]*)", text or "")
    assert sum(map(len, titles)) + 2 * len(titles) <= 90
    assert not {"kind", "service_name", "thread_name", "dropped_links", "cell", "span_id"} & set(titles)
    assert shown(rec.errors(), "errors")[0][-2:] == ["trace_id", "span_id"]
    assert shown(rec.errors(), "errors")[1][-2:] == ["00000000", "00000000"]
    assert not re.search(r">(NaN|NaT|None|&lt;NA&gt;|0 days[^<]*)<", text or "")
    assert "1,000,000" in (text or "")


def test_changes_and_ratios_have_arrows() -> None:
    table = pd.DataFrame(
        {
            "cell": pd.array([3, 4, 5], "Int64"),
            "code": ["a", "b", "# c\nd"],
            "last": pd.to_timedelta([2, 1, None], unit="s"),
            "change": pd.to_timedelta([1.4321, -1.4322, None], unit="s"),
            "ratio": [1.8, 0.55, np.nan],
        }
    )
    assert shown(table, "history")[1:] == [
        ["3", "a", "2.00 s", "+1.43 s", "▲ 1.80 ×"],
        ["4", "b", "1.00 s", "−1.43 s", "▼ 0.55 ×"],
        ["5", "d"],
    ]


def test_a_comparison_shows_its_verdict_and_counts_in_the_first_80_columns() -> None:
    store = SpanStore()
    for cell, times in ((1, 6), (2, 12)):
        number = store.cells.open(execution_count=cell, cell_id="a", source="x").number
        store.append(row(100 * cell, name=f"cell [{cell}] x", start=START, end=START + 99 * MS, cell=number))
        for i in range(times):
            store.append(
                row(
                    100 * cell + 1 + i,
                    parent=100 * cell,
                    name="item",
                    start=START,
                    end=START + 60 * MS // times,
                    cell=number,
                )
            )
    lines = shown(nbtrace.Recording(store).compare(1, 2), "compare")
    assert lines[0][:7] == ["path", "verdict", "change", "ratio", "count", "before", "after"]
    assert ["cell", "unclear", "0 ns", "1.00 ×", "1", "99.0 ms", "99.0 ms"] in [line[:7] for line in lines]
    assert ["cell › item", "more", "0 ns", "1.00 ×", "6 → 12", "60.0 ms", "60.0 ms"] in [line[:7] for line in lines]


@pytest.mark.parametrize("rows", [0, 1, 20, 21, 500])
def test_a_long_answer_shows_both_ends_or_the_largest(rows: int) -> None:
    table = pd.DataFrame({"name": [f"s{i}" for i in range(rows)], "duration": pd.to_timedelta(range(rows), unit="s")})
    lines = shown(table, "table")
    if rows == 0:
        assert lines == [["no spans"]]
    elif rows <= 20:
        assert len(lines) == rows + 1
    else:
        assert (lines[1][0], lines[11][0], lines[21][0]) == ("s0", "…", f"s{rows - 1}")
        assert lines[22] == [f"showing 20 of {rows} rows"]
        assert shown(table, "stats")[20][0] == "s19"


def test_noise_has_no_arrow() -> None:
    table = pd.DataFrame(
        {
            "path": ["a", "b", "c"],
            "verdict": ["unclear", "slower", "added"],
            "ratio": [1.07, 1.07, np.inf],
            "count_before": [1.0, 1.0, 0.0],
            "count_after": [1.0, 1.0, 2.0],
        }
    )
    assert shown(table, "compare")[1:4] == [
        ["a", "unclear", "1.07 ×", "1"],
        ["b", "slower", "▲ 1.07 ×", "1"],
        ["c", "added", "0 → 2"],
    ]


def test_only_what_is_shown_is_formatted() -> None:
    class Counted:
        asked = 0

        def __str__(self) -> str:
            Counted.asked += 1
            return "x"

    table = pd.DataFrame({"name": "s", "attributes.k": [Counted() for _ in range(1_000)]})
    str(Answer.of(table, "table"))
    assert 0 < Counted.asked <= 40


EVIL = "<script>alert(1)</script>\x1b[31m\u202e\nnext"


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.insert(0, EVIL, EVIL),
        lambda t: t.__setitem__("x", [{"a": [1, 2]}, b"bytes", None, object()]),
        lambda t: t.__setitem__(3, 1.5),
        lambda t: t.__setitem__("c", pd.Categorical(["a", "b", None, "a"])),
        lambda t: t.__setitem__("i", pd.interval_range(0, 4)),
        lambda t: t.__setitem__("f", [np.inf, -np.inf, np.nan, 1e300]),
        lambda t: t.__setitem__("z", 1 + 2j),
        lambda t: t.__setitem__("d", pd.Timestamp("2020-01-01")),
        lambda t: t.__setitem__("p", pd.period_range("2020", periods=4, freq="D")),
        lambda t: t.__setitem__("name", "訓練 🚀 " * 200),
        lambda t: t.__setitem__("duration", "text"),
        lambda t: t.__setitem__("ratio", "text"),
        lambda t: t.__setitem__("cell", [1.5, None, "x", 3]),
        lambda t: setattr(t, "index", pd.MultiIndex.from_tuples([(1, 2), (1, 3), (2, 1), (2, 2)])),
        lambda t: setattr(t, "columns", pd.MultiIndex.from_product([["a"], t.columns])),
        lambda t: setattr(t, "columns", ["same"] * len(t.columns)),
        lambda t: setattr(t, "index", list("abcd")),
        lambda t: [t.pop(column) for column in list(t.columns)],
    ],
)
@pytest.mark.parametrize("word", ["table", "compare", ""])
def test_whatever_somebody_makes_of_it_is_shown(rec: nbtrace.Recording, change: Any, word: str) -> None:
    """Columns of any type, shapes that are no answer's; as text of at most 80 columns, as HTML without markup of others."""
    answer = Answer.of(rec.spans(), word)
    change(answer)
    text, html = str(answer), answer._repr_html_() or ""
    assert text
    assert "<script" not in html
    assert "\x1b" not in text
    if answer.columns.nlevels == answer.index.nlevels == 1 and answer.columns.is_unique:
        assert all(words.width(line) <= 80 for line in text.splitlines())
