"""What a cell that runs is doing, in words."""

from __future__ import annotations

from nbtrace.analysis.profiles.hottest_function import Hottest
from nbtrace.store.book import Execution
from nbtrace.store.now import Now
from nbtrace.views.doing import Doing, doing, said

FILE = "/cells/7.py"
S = 1_000_000_000
MERGE = Hottest("merge_asof", "/lib/python3/site-packages/pandas/core/merge.py", 0.62, 80)


def execution(source: str, **fields: object) -> Execution:
    return Execution(7, 4, None, source, 1, file=FILE, **fields)  # type: ignore[arg-type]


def now(
    first: int, last: int, line: int, *, begun: int = 0, since: int = 0, seen: int = 2 * S, **fields: object
) -> Now:
    known = {"timed_line": 0, "function": "<module>", "file": FILE, **fields}
    return Now(first, last, begun, line, since_ns=since, seen_ns=seen, **known)  # type: ignore[arg-type]


def words(seen: Now, cell: Execution, hottest: Hottest | None = None, at: int = 2 * S) -> str:
    return said(doing(seen, cell, hottest, at), at)


def test_one_line_with_its_time_and_the_hottest_function() -> None:
    cell = execution("import pandas\n\ndf = df.merge(other)  \nprint(df)")
    found = words(now(3, 3, 3), cell, MERGE)
    assert found == "line 3 df = df.merge(other) · 2.00 s · hottest: merge_asof (pandas) 62 %"


def test_a_line_of_a_longer_statement_has_the_time_of_both() -> None:
    """Of its own only once it has been stayed on: in a loop it changes with each look."""
    cell = execution("def f():\n    wait()\nfor x in y:\n    f()\n    g()")
    loop = "in lines 3–5"
    assert words(now(3, 5, 4, since=S + S // 2), cell) == f"line 4 f() · 2.00 s {loop}"
    assert words(now(3, 5, 4, since=S), cell) == f"line 4 f() · 1.00 s of 2.00 s {loop}"
    assert words(now(3, 5, 2, since=S), cell) == f"line 2 wait() · 1.00 s of 2.00 s {loop}"
    assert words(now(3, 5, 3), cell) == f"line 3 for x in y: · 2.00 s {loop}"
    assert words(now(5, 5, 2), cell) == "line 2 wait() · 2.00 s in line 5"


def test_while_nothing_is_known_to_be_hot_the_function_that_runs_is_told() -> None:
    cell = execution("load()")
    seen = now(1, 1, 1, function="load.<locals>.read", file="/home/me/work.py")
    assert words(seen, cell) == "line 1 load() · 2.00 s · in load.<locals>.read"
    own = Hottest("<module>", FILE, 0.07, 12)
    assert words(seen, cell, own) == "line 1 load() · 2.00 s · hottest: the cell's own lines 7.0 %"


def test_what_has_not_been_seen_for_long_says_since_when() -> None:
    """Code in C that keeps the interpreter's lock keeps the thread that looks waiting too."""
    cell = execution("solve(a)")
    seen = now(1, 1, 1, function="solve", file="/site-packages/scipy/linalg.py")
    assert words(seen, cell, MERGE, at=9 * S) == (
        "line 1 solve(a) · 9.00 s · in solve (scipy) · hottest: merge_asof (pandas) 62 % · last seen 7.00 s ago"
    )


def test_lines_are_those_that_were_typed() -> None:
    """Blank lines at the top are not compiled, and the body of %%time is compiled by itself."""
    typed = execution("\n\nx = 1\nwork()", compiled=("x = 1\n", "work()\n"))
    assert doing(now(2, 2, 2), typed, None, 2 * S)[:4] == (4, "work()", 4, 4)
    timed = execution("%%time\n\nx = 1\nwork()")
    assert doing(now(1, 1, 1, timed_line=2), timed, None, 2 * S)[:4] == (4, "work()", 1, 4)
    assert doing(now(1, 1, 1), timed, None, 2 * S)[:4] == (1, "%%time", 1, 1)
    assert doing(now(1, 1, 1, timed_line=9), timed, None, 2 * S)[:2] == (11, "")


def test_a_function_is_told_with_the_distribution_that_brings_it() -> None:
    """What is the notebook's own, or in a file of yours, needs no word."""
    cell = execution("f()")
    for file, said_of in (
        ("/usr/lib/python3.13/site-packages/sklearn/base.py", "f (scikit-learn)"),
        ("/usr/lib/python3.13/json/decoder.py", "f (standard library)"),
        ("/home/me/work.py", "f"),
        ("<string>", "f"),
        (FILE, "f"),
    ):
        assert doing(now(1, 1, 1, function="f", file=file), cell, None, 0).function == said_of


def test_code_that_is_not_kept_is_not_shown() -> None:
    cell = execution("", digest="abc")
    assert words(now(3, 3, 3), cell) == "line 3 · 2.00 s"
    assert words(now(1, 1, 1), execution("sha256:abc", digest="abc")) == "line 1 · 2.00 s"


def test_hostile_names_and_code_are_text_of_a_bounded_length() -> None:
    cell = execution("\x1b[31mred\x1b[0m\u202e" + "x" * 1_000_000)
    seen = now(1, 1, 1, function="<b>\x1b]0;t\x07" + "f" * 1_000, file="/x.py")
    found = words(seen, cell)
    assert found.isprintable()
    assert len(found) < 200
    assert "key-1" not in str(doing(now(1, 1, 1, function="key-1", file="/x.py"), cell, None, 0, lambda text: "***"))


def test_a_clock_that_was_set_back_makes_no_time_negative() -> None:
    found = said(Doing(1, "x", 1, 2, 5 * S, 6 * S, 4 * S, "", ""), S)
    assert found == "line 1 x · 1.00 s in lines 1–2 · last seen 0 ns ago"
