from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings

import nbtrace
from nbtrace.analysis import dataframes
from nbtrace.store.schema import Extra, Origin, Thread
from nbtrace.store.semconv import TASK_SCOPE
from nbtrace.store.span_store import SpanStore
from nbtrace.views import words
from nbtrace.views.captions import MOST_READ
from nbtrace.views.grid import as_html, as_text
from nbtrace.views.outline import axis, bar, outline
from tests.analysis.forests import Span, forests
from tests.rows import row

SECOND = 1_000_000_000


def tables(*rows: tuple) -> tuple[pd.DataFrame, pd.DataFrame]:  # type: ignore[type-arg]
    store = SpanStore()
    for each in rows:
        store.append(each)
    snapshot = store.snapshot()
    return dataframes.spans(snapshot), dataframes.errors(snapshot)


def lines(*rows: tuple, max_rows: int = 100) -> list[str]:  # type: ignore[type-arg]
    return as_text(outline(*tables(*rows), max_rows=max_rows)).splitlines()


def test_the_tree_shows_who_called_whom_how_long_and_what_failed() -> None:
    """A root shows the length of the axis that the bars below it stand on; one without anything below has no axis."""
    assert lines(
        row(1, name="cell [2] df = load()", start=SECOND, end=3 * SECOND),
        row(2, parent=1, name="load", start=SECOND, end=2 * SECOND, source="s3", rows=1000),
        row(3, parent=2, name="GET", start=SECOND, end=SECOND + SECOND // 2, status=2),
        row(4, parent=1, name="clean", start=2 * SECOND, end=3 * SECOND),
        row(5, name="cell [3]", start=4 * SECOND, end=0),
    ) == [
        "cell [2] df = load()     2.00 s  ├─ 2.00 s ─┤",
        "├─ load                  1.00 s  ━━━━━━        source=s3 rows=1000",
        "│  └─ GET                500 ms  ━━━           ✗",
        "└─ clean                 1.00 s        ━━━━━━",
        "cell [3]                running",
    ]


def test_calls_are_called_by_what_they_did() -> None:
    """The caption stands in place of the name, how much of it before the attributes; what is said there, and the pages of a
    conversation, are not said again. Siblings that are folded read as what all of them did."""
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1_204}
    chat |= {"gen_ai.usage.output_tokens": 310, "gen_ai.input.messages": "[" * 900, "gen_ai.request.temperature": 0.5}
    get = {"http.request.method": "GET", "url.path": "/users", "http.response.status_code": 503}
    gets = [row(n, parent=1, name="GET", start=SECOND, end=2 * SECOND, **get) for n in range(10, 15)]
    assert lines(
        row(1, name="cell [2]", start=0, end=4 * SECOND),
        row(2, parent=1, name="chat gpt-4o", start=0, end=SECOND, **chat),
        row(3, parent=2, name="POST", start=0, end=SECOND, status=2, **get | {"url.path": "/v1/" + "x" * 60}),
        row(
            4,
            parent=2,
            name="load",
            start=0,
            end=SECOND,
            **{"db.system": "sqlite", "db.operation": "SELECT", "rows": 3},
        ),
        *gets,
    ) == [
        "cell [2]                                         4.00 s  ├─ 4.00 s ─┤",
        "├─ chat gpt-4o                                   1.00 s  ━━━",
        "│  │  1,204 → 310 tokens · gen_ai.request.temperature=0.5",
        "│  ├─ POST · GET /v1/xxxxxxxxxxxxxxxxxxxxxx…     1.00 s  ━━━",
        "│  │     ✗ http.request.method=GET",
        "│  │     url.path=/v1/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
        "│  │     http.response.status_code=503",
        "│  └─ load · SELECT                              1.00 s  ━━━",
        "│        db.system=sqlite rows=3",
        "└─ GET /users 503 × 5                            1.00 s     ━━━",
        "      mean 1.00 s, slowest 1.00 s",
    ]


def test_what_mlflow_notes_on_spans_of_others_is_not_told() -> None:
    """Where it shares the notebook's provider it writes into every span."""
    noted = {"mlflow.traceRequestId": '"tr-1"', "mlflow.spanType": "null"}
    assert lines(row(1, name="mine", start=0, end=SECOND, rows=3, **noted)) == [
        "mine             1.00 s                rows=3"
    ]
    chain = noted | {"mlflow.spanType": '"CHAIN"'}
    assert "mlflow.spanType" in lines(row(1, name="mine", start=0, end=SECOND, **chain))[0]
    assert (
        "mlflow.spanType" in lines(row(1, name="mine", start=0, end=SECOND, **noted | {"mlflow.spanType": ("a", 1)}))[0]
    )


def folded(*members: dict[str, Any], name: str) -> str:
    """The line of siblings of a name."""
    rows = [
        row(n, parent=1, name=name, start=n * SECOND, end=(n + 1) * SECOND, **each) for n, each in enumerate(members, 2)
    ]
    return " ".join(" ".join(lines(row(1, name="cell [2]", start=0, end=20 * SECOND), *rows)[1:]).split())


def test_siblings_read_as_what_all_of_them_did() -> None:
    """Where they did different things they have their name. Some that failed have done the same all the same."""
    users = {"db.system": "sqlite", "db.statement": "SELECT * FROM users"}
    assert folded(*[users] * 7, name="SELECT") == "└─ SELECT users × 7 7.00 s ━━━━╸ mean 1.00 s, slowest 1.00 s"
    orders = users | {"db.statement": "SELECT * FROM orders"}
    assert folded(*[users] * 6, orders, name="SELECT").startswith("└─ SELECT × 7")
    get = {"http.request.method": "GET", "url.path": "/users"}
    lost = get | {"http.response.status_code": 500}
    assert folded(*[get] * 6, lost, name="GET").startswith("└─ GET /users × 7")
    assert folded(*[lost] * 6, name="GET").startswith("└─ GET /users 500 × 6")
    assert folded(*[get] * 6, {}, name="GET").startswith("└─ GET × 7"), "one of which nothing is known"
    long = get | {"url.path": "/" + "x" * 90}
    numbered = [users | {"db.statement": f"SELECT * FROM users WHERE id = {n}"} for n in range(MOST_READ + 1)]
    assert folded(*numbered[1:], name="SELECT").startswith("└─ SELECT users × 1,000")
    assert folded(*numbered, name="SELECT").startswith("└─ SELECT × 1,001"), "not all of them are read"
    assert "xxx… × 6 " in folded(*[long] * 6, name="GET"), "how many there are is not cut off"


def test_calls_of_models_sum_up_what_they_used() -> None:
    """Tokens that went in and that came out, and the cost as far as it is given, be the models different ones."""
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    used = chat | {"gen_ai.usage.input_tokens": 1_204, "gen_ai.usage.output_tokens": 310}
    took = "5.00 s ━━━ 6,020 → 1,550 tokens · mean 1.00 s, slowest 1.00 s"
    assert folded(*[used] * 5, name="chat gpt-4o") == f"└─ chat gpt-4o × 5 {took}"
    paid = used | {"gen_ai.usage.cost": 0.1}
    assert "7,224 → 1,860 tokens · $0.20 · mean" in folded(*[used] * 4, paid, paid, chat, name="chat")
    mini = used | {"gen_ai.request.model": "mini"}
    assert folded(*[used] * 4, mini, name="chat").startswith("└─ chat × 5 5.00 s ━━━ 6,020 → 1,550 tokens · mean")
    total = chat | {"gen_ai.usage.total_tokens": 1_000}
    assert "7,056 tokens · mean" in folded(*[used] * 4, total, name="chat"), (
        "one of which is not known how much went in"
    )
    wrong = chat | {
        "gen_ai.usage.input_tokens": -5,
        "gen_ai.usage.output_tokens": float("nan"),
        "gen_ai.usage.cost": "inf",
    }
    assert folded(*[wrong] * 5, name="chat").endswith("━━━ mean 1.00 s, slowest 1.00 s")


def test_a_task_says_in_words_how_long_it_waited() -> None:
    """Many of a name say the longest; what is no time stands as it is."""
    waits = [{"nbtrace.task.waited": 5.0, "nbtrace.task.worker_start": 4.5}, {"nbtrace.task.waited": 0.25}]
    tasks = [row(n, parent=1, name=f"fit {n}", start=SECOND, end=2 * SECOND, **waits[n - 2]) for n in (2, 3)]
    told = " ".join(" ".join(lines(row(1, name="cell [2]", start=0, end=4 * SECOND), *tasks)).split())
    assert "waited 5.00 s (4.50 s until its worker had started)" in told
    assert told.endswith("waited 250 ms")
    many = [row(n, parent=1, name="fit", start=SECOND, end=2 * SECOND, **waits[1]) for n in range(2, 12)]
    assert lines(row(1, name="cell [2]", start=0, end=4 * SECOND), *many)[-1].endswith("waited up to 250 ms")
    odd = row(2, parent=1, name="odd", start=0, end=SECOND, **{"nbtrace.task.waited": "long"})
    assert lines(row(1, name="cell [2]", start=0, end=SECOND), odd)[-1].endswith("nbtrace.task.waited=long")


def test_a_task_of_an_engine_says_where_it_was_done_and_what_it_fetched() -> None:
    """The host where it is not the kernel's; which part of a collection; which run. Many say on how many workers, and what became of
    some."""
    told = {"nbtrace.task.waited": 5.0, "nbtrace.task.transfer": 1.5, "nbtrace.task.clock": 0.1, "host.name": "node7"}
    told |= {"nbtrace.task.key": "('fit-ab12', 3)", "nbtrace.task.worker": "tcp://10.0.0.7:4000", "nbtrace.task.run": 2}
    tasks = Origin("nbtrace", TASK_SCOPE)
    here = row(2, parent=1, name="fit", start=SECOND, end=2 * SECOND, origin=tasks, **told)
    there = (*here[:10], Thread(2**32 + 5, 1, "worker"), *here[11:])
    cell = row(1, name="cell [2]", start=0, end=4 * SECOND)
    said = "waited 5.00 s (1.50 s for results of other workers) #3 on 10.0.0.7:4000"
    for each, where in ((here, ""), (there, " (node7)")):
        assert " ".join(lines(cell, each)[-2].split() + lines(cell, each)[-1].split()).endswith(
            f"{said}{where} 2nd run"
        )
    lost = told | {"nbtrace.task.worker": "tcp://10.0.0.8:4000", "nbtrace.task.outcome": "lost", "nbtrace.task.run": 1}
    many = [
        row(n, parent=1, name="fit", start=SECOND, end=2 * SECOND, origin=tasks, **(lost if n == 2 else told))
        for n in range(2, 12)
    ]
    assert " ".join(" ".join(lines(cell, *many)).split()).endswith(
        "waited up to 5.00 s, of that up to 1.50 s for results of other workers, on 2 workers, 9 made again, 1 lost with its worker"
    )


def test_the_axis_is_as_long_as_the_trace_and_says_so() -> None:
    """Where a child outlives its root, the axis is longer than the root took."""
    root, child = lines(
        row(1, name="root", start=0, end=SECOND), row(2, parent=1, name="late", start=0, end=2 * SECOND)
    )
    assert root.split()[1:] == ["1.00", "s", "├─", "2.00", "s", "─┤"]
    assert child.endswith("━" * 12)


def test_what_a_cell_took_stands_apart_from_how_it_failed_and_what_it_carries() -> None:
    told = Extra(events=((5, "exception", ("exception.type",), ("ValueError",)),))
    spans, errors = tables(row(1, name="cell [2]", start=0, end=SECOND, status=2, extra=told, rows=3))
    span_id = spans["span_id"].iloc[0]
    shown = as_text(outline(spans, errors, max_rows=9, said={span_id: "cpu 971 ms · hot: line 3 t += i 99 %"}))
    assert "✗ ValueError · cpu 971 ms · hot: line 3 t += i 99 % · rows=3" in " ".join(shown.split())


def test_siblings_that_repeat_are_one_line() -> None:
    """From five on; with the time in which any of them ran, the mean and the slowest."""
    steps = [row(i, parent=1, name="step", start=i * SECOND, end=i * SECOND + SECOND // 2) for i in range(2, 32)]
    inside = [row(100 + i, parent=i, name="inner", start=i * SECOND, end=i * SECOND + 5) for i in range(2, 32)]
    found = lines(row(1, name="root", start=0, end=40 * SECOND), *steps, *inside, row(50, parent=1, name="end"))
    assert found[2:] == [
        "└─ step × 30     15.0 s  ╺━━━━━━━━╸    mean 500 ms, slowest 500 ms",
    ]
    assert len(lines(row(1, name="root", start=0, end=40 * SECOND), *steps[:4])) == 5
    assert len(lines(row(1, name="root", start=0, end=40 * SECOND), *steps[:5])) == 2


def test_an_error_among_folded_siblings_stays_visible() -> None:
    """Counted on the line, and the first three with lines of their own down to where it happened."""
    told = Extra(events=((5, "exception", ("exception.type",), ("ValueError",)),))
    steps = [row(i, parent=1, name="step", start=i, end=i + 1) for i in range(2, 32)]
    failed = [row(100 + i, parent=i, name="inner", start=i, end=i + 1, status=2, extra=told) for i in range(7, 12)]
    found = lines(row(1, name="root", start=0, end=40), *steps, *failed)
    assert "✗ 5 failed" in " ".join(found)
    assert sum("─ inner" in line for line in found) == 3
    assert sum("✗ ValueError" in line for line in found) == 3
    assert "<td" in as_html(outline(*tables(row(1), *steps, *failed), max_rows=50))


def test_concurrent_siblings_take_the_time_in_which_they_ran() -> None:
    """Two hundred tasks of 150 ms each in a cell of 312 ms are no 30 seconds."""
    tasks = [row(i, parent=1, name="task", start=0, end=SECOND) for i in range(2, 202)]
    assert lines(row(1, name="cell [2]", start=0, end=SECOND), *tasks)[1].split()[:6] == [
        "└─", "task", "×", "200", "1.00", "s",
    ]  # fmt: skip


def test_what_is_left_out_is_said() -> None:
    spans, errors = tables(
        row(99, name="root", start=0, end=400), *[row(i + 1, parent=99, name=f"s{i}", start=i * 10) for i in range(30)]
    )
    grid = outline(spans, errors, max_rows=10)
    assert as_text(grid).splitlines()[-1] == "showing 10 of 31 spans"
    assert "<p>showing 10 of 31 spans</p>" in as_html(grid)
    roots = tables(*[row(i + 1, name=f"s{i}", start=i * 10, end=i * 10 + 5) for i in range(30)])
    found = as_text(outline(*roots, max_rows=10)).splitlines()
    assert [found[0].split()[0], found[-2].split()[0]] == ["s20", "s29"]
    assert found[-1] == "20 spans of 20 earlier traces not shown (--cell N, --where …)"
    with nbtrace.record(max_spans=5) as rec:
        for _ in range(12):
            with nbtrace.span("x"):
                pass
    rec.clear()
    assert str(rec.view()) == "no spans"


def test_branches_stay_open_to_siblings_that_are_not_shown() -> None:
    shown = lines(
        row(1, name="root", start=0, end=100),
        *[row(i, parent=1, name=f"child {i}", start=i, end=i + 1) for i in range(2, 6)],
        row(9, parent=3, name="grandchild", start=3, end=4),
        max_rows=4,
    )
    assert [line.split("  ")[0].rstrip() for line in shown[:4]] == ["root", "├─ child 2", "├─ child 3", "│"]


def test_a_very_deep_tree_stays_readable() -> None:
    spans, errors = tables(*[row(i + 1, parent=i, name=f"level {i}", start=i, end=10_000) for i in range(1_000)])
    shown = as_text(outline(spans, errors, max_rows=200))
    assert "⋯150 level 150" in shown
    assert max(map(words.width, shown.splitlines())) <= 80


def test_long_details_go_on_below() -> None:
    """Nothing is clipped at 80 columns: what does not fit stands in lines of its own, beside the branches that go on."""
    texts = {f"k{i}": "several words of text" for i in range(4)}
    found = lines(
        row(1, name="root " + "x" * 60, start=0, end=9 * SECOND),
        row(2, parent=1, name="y", end=SECOND, **texts),
        row(3, parent=2, name="z", end=5),
        row(4, parent=1, name="end", start=2 * SECOND, end=9 * SECOND),
    )
    assert all(words.width(line) <= 80 for line in found)
    at = next(i for i, line in enumerate(found) if "─ y" in line)
    assert found[at + 1].startswith("│  │  k0=")
    joined = " ".join(line.strip("│ ") for line in found)
    assert all(f'{key}="several words of text"' in joined for key in texts)


@settings(max_examples=60, deadline=None)
@given(forests)
def test_any_forest_is_shown_whole_and_narrow(spans: list[Span]) -> None:
    """Running spans, circles and orphans included: no line is wider than 80, and every span is on a line or counted."""
    rows = [row(i + 1, parent=p + 1 if p >= 0 else 0, name=f"n{i % 3}", start=s + 1, end=s + 1 + d if d >= 0 else 0)
            for i, (p, s, d) in enumerate(spans)]  # fmt: skip
    found = as_text(outline(*tables(*rows), max_rows=100)) if rows else ""
    assert all(words.width(line) <= 80 for line in found.splitlines())


@pytest.mark.parametrize(
    ("left", "right", "drawn"),
    [
        (0, 1, "━━━━━━"), (0, 0.5, "━━━"), (0.5, 1, "   ━━━"), (0, 0, "╸"), (1, 1, "     ╺"), (-1, 2, "━━━━━━"),
        (1 / 12, 0.5, "╺━━"), (0.25, 0.25, " ╺"), (0, 7 / 12, "━━━╸"),
    ],
)  # fmt: skip
def test_a_bar_joins_without_seams(left: float, right: float, drawn: str) -> None:
    assert bar(left, right, 6) == drawn


def test_an_axis_too_short_for_its_length_says_nothing() -> None:
    assert axis(2 * SECOND) == "├─ 2.00 s ─┤"
    assert axis(725 * SECOND) == "├──────────┤"


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
    shown = as_html(outline(spans, errors, max_rows=50))
    assert not re.search(r"<(script|details|svg|link|iframe)|on\w+=|url\(", shown)
    assert "&nbsp;" in shown


def test_the_twin_of_a_large_trace_is_small() -> None:
    spans, errors = tables(*[row(i + 1, name="x" * 500, start=i, end=i + 1, k="v" * 500) for i in range(5_000)])
    assert len(as_html(outline(spans, errors, max_rows=50))) < 50_000
