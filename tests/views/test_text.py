from __future__ import annotations

import re

import pandas as pd

import nbtrace
from nbtrace.analysis import dataframes
from nbtrace.store.store import SpanStore
from nbtrace.views import html, text
from tests.rows import row

SECOND = 1_000_000_000


def tables(*rows: tuple) -> tuple[pd.DataFrame, pd.DataFrame]:  # type: ignore[type-arg]
    store = SpanStore()
    for each in rows:
        store.append(each)
    snapshot = store.snapshot()
    return dataframes.spans(snapshot), dataframes.errors(snapshot)


def test_the_tree_shows_who_called_whom_how_long_and_what_failed() -> None:
    found = text.tree(
        *tables(
            row(1, name="cell [2] df = load()", start=SECOND, end=3 * SECOND),
            row(2, parent=1, name="load", start=SECOND, end=2 * SECOND, source="s3", rows=1000),
            row(3, parent=2, name="GET", start=SECOND, end=SECOND + SECOND // 2, status=2),
            row(4, parent=1, name="clean", start=2 * SECOND, end=3 * SECOND),
            row(5, name="cell [3]", start=4 * SECOND, end=0),
        )
    )
    assert found.splitlines() == [
        "cell [2] df = load()     2.00 s  ██████████",
        "├─ load                  1.00 s  █████       source=s3 rows=1000",
        "│  └─ GET                500 ms  ██▌         ✗",
        "└─ clean                 1.00 s       █████",
        "cell [3]                running  ▏",
    ]


def test_what_is_left_out_is_said() -> None:
    spans, errors = tables(*[row(i + 1, name=f"s{i}", start=i * 10, end=i * 10 + 5) for i in range(30)])
    assert text.tree(spans, errors, max_rows=10).splitlines()[-1] == "… showing 10 of 30 spans"
    assert "<p>showing 10 of 30 spans</p>" in html.tree_table(spans, errors, max_rows=10)
    assert text.tree(*tables(), note="12 older spans were dropped") == "no spans\n12 older spans were dropped"


def test_branches_stay_open_to_siblings_that_are_not_shown() -> None:
    spans, errors = tables(
        row(1, name="root", start=0, end=100),
        *[row(i, parent=1, name=f"child {i}", start=i, end=i + 1) for i in range(2, 6)],
        row(9, parent=3, name="grandchild", start=3, end=4),
    )
    shown = text.tree(spans, errors, max_rows=4).splitlines()
    assert [line.split("  ")[0].rstrip() for line in shown[:4]] == ["root", "├─ child 2", "├─ child 3", "│"]


def test_a_very_deep_tree_stays_readable() -> None:
    spans, errors = tables(*[row(i + 1, parent=i, name=f"level {i}", start=i, end=10_000) for i in range(1_000)])
    assert "⋯150 level 150" in text.tree(spans, errors)


def test_hostile_names_are_text_everywhere() -> None:
    evil = '<script>alert(1)</script><img src=x onerror=alert(1)>&"\u202e\x1b[31m'
    with nbtrace.record() as rec:
        try:
            with nbtrace.span(evil, **{evil: evil}):
                raise ValueError(evil)
        except ValueError:
            pass
    shown = rec.view()._repr_html_()
    assert re.findall(r"<(\w+)", shown) == [
        "table",
        "thead",
        "tr",
        "th",
        "th",
        "th",
        "th",
        "tbody",
        "tr",
        "td",
        "td",
        "td",
        "td",
    ]
    assert "\u202e" not in str(rec.view())
    assert "\x1b" not in str(rec.view())


def test_the_html_needs_neither_script_nor_style() -> None:
    """It survives GitHub, nbconvert and an untrusted notebook; the tree is drawn with spaces that collapse nowhere."""
    spans, errors = tables(
        row(1, name="a", start=0, end=9), row(2, parent=1, name="b", start=1, end=2), row(3, parent=2, name="c")
    )
    shown = html.tree_table(spans, errors)
    assert not re.search(r"<(script|details|svg|link|iframe)|on\w+=|url\(", shown)
    assert "&nbsp;" in shown


def test_the_twin_of_a_large_trace_is_small() -> None:
    spans, errors = tables(*[row(i + 1, name="x" * 500, start=i, end=i + 1, k="v" * 500) for i in range(5_000)])
    assert len(html.tree_table(spans, errors)) < 50_000
