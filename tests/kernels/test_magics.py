"""%%span, %span, %spans and %nbtrace as a person types them, in a real kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbtrace.magics.completion import OPERATORS
from tests.kernels.kernel import Kernel, new_kernel, start_kernel


@pytest.mark.parametrize(
    ("code", "tree", "result"),
    [
        ("%%span load\nx = 1\nx", [["load", []]], "1"),
        ("%%span load data n={1+1}\n5", [["load data", []]], "5"),
        ("\n\n%%span late\n5", [["late", []]], "5"),
        ("%%span a\n%%span b\nawait asyncio.sleep(0)\n7", [["a", [["b", []]]]], "7"),
        ("%%span a\n%%time\n5", [["a", []]], "5"),
        ("%%span a\n\n%%time\n5", [["a", []]], "5"),
        ("%%time\n%%span a\n5", [["a", []]], "5"),
        ("%%span a\n%%time\n%%span b\nx = 3", [["a", [["b", []]]]], ""),
        ("%%capture\n%%span a\n5", [["a", []]], ""),
        ("%%span a\n%%capture\n%%span b\n5", [["a", [["b", []]]]], ""),
        ("%%span a\n%%bash\necho hi", [["a", []]], ""),
        ("%%time\n%%span a\n%%bash\necho hi", [["a", []]], ""),
        ("%%span only", [["only", []]], ""),
        ("%%span a\n# a comment\n!echo hi\n%pwd\n1;", [["a", []]], ""),
        ("%%span a\nwith nbtrace.span('in'):\n    pass", [["a", [["in", []]]]], ""),
        ("%span one\nx = 1\n%span two k=v\nx = 2\nx", [["one", []], ["two", []]], "2"),
        ("%%span whole\n%span one\n1\n%span two\n2", [["whole", [["one", []], ["two", []]]]], "2"),
        ("for i in range(2):\n    %span step i={i}\n    x = i", [["step", []], ["step", []]], ""),
        ("%span one\nawait asyncio.sleep(0)\n%span two\n1", [["one", []], ["two", []]], "1"),
        ("%span fit lr=0.1 -- 3 + 4", [["fit", []]], "7"),
        ("y = %span fit -- 3 + 4\ny", [["fit", []]], "7"),
        ("%span fit -- z = 9\nz", [["fit", []]], "9"),
        ("def f(a):\n    r = %span inner a={a} -- a * 2\n    return r\nf(4)", [["inner", []]], "8"),
        ("get_ipython().run_cell_magic('span', 'called', '5 + 5')", [["called", []]], "10"),
    ],
)
def test_span_magics_nest_with_everything(shared_kernel: Kernel, code: str, tree: list[Any], result: str) -> None:
    """The cell is otherwise the ordinary cell: its value is shown, it can await, its names stay."""
    reply = shared_kernel.run(code)
    assert (reply.status, reply.result, reply.stderr) == ("ok", result, ""), reply
    assert shared_kernel.tree()[-1][1] == tree
    assert shared_kernel.clean()


def test_names_and_lines_are_those_of_the_cell(kernel: Kernel) -> None:
    """The traceback counts lines as they stand in the cell, and del and star imports work."""
    reply = kernel.run("%%span a\nx = 1\ndel x\nfrom math import *\nfloor(1/0)")
    assert reply.ename == "ZeroDivisionError"
    assert "----> 5 floor(1/0)" in "".join(reply.traceback).replace("\x1b", "").replace("[0m", "") or "5" in "".join(
        reply.traceback
    )
    assert "nbtrace" not in "".join(reply.traceback)
    assert kernel.run("floor(2.5)").result == "2"


def test_attributes_keep_their_types(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nn = 3")
    kernel.run("%%span 'load {n}' rows={n} share=0.5 ok=true source=s3 arr={np.arange(2)} text='a b'\n1")
    row = next(row for row in kernel.rows() if row["name"] == "load 3")
    assert row["attributes"] == {"rows": 3, "share": 0.5, "ok": True, "source": "s3", "arr": [0, 1], "text": "a b"}


def test_an_expression_that_fails_does_not_keep_the_cell_from_running(kernel: Kernel) -> None:
    reply = kernel.run("%%span a n={missing}\n5")
    assert (reply.status, reply.result) == ("ok", "5")
    assert (
        reply.stderr
        == "nbtrace: {missing}: NameError: name 'missing' is not defined — the cell runs, the span holds the error.\n"
    )
    assert kernel.rows()[-1]["attributes"]["n"] == "<NameError: name 'missing' is not defined>"


WRONG = [
    tuple(entry.strip("\n").split("\n  "))
    for entry in Path(__file__).with_name("wrong_lines.txt").read_text(encoding="utf-8").split("\n\n")
]
"""Lines as they are typed, with what is answered; (help) for the magic's forms."""

FORMS = ("Show what was", "Look after", "Put a piece")


def as_cell(line: str) -> str:
    return line + "\nran = True" if line.startswith("%%") else line


def lines_advised(answer: str) -> list[str]:
    """The lines that an answer says to type: each stands between two blanks and two blanks, or the end."""
    return [line.rstrip("?") for line in answer.split("  ")[1::2] if "FILE" not in line]


def test_a_wrong_line_is_told_in_one_line_what_to_type(kernel: Kernel) -> None:
    """The nearest right line, by numbers that exist; no traceback, and the cell below a wrong %%span does not run."""
    kernel.run("import asyncio, nbtrace")
    kernel.run("%%span load rows=3\nlimit = 1")
    assert len(WRONG) >= 57
    answers = {}
    for line, _ in WRONG:
        reply = kernel.run(as_cell(line), store_history=False)
        assert reply.traceback == [], line
        if reply.stdout.startswith(FORMS):
            answers[line] = "(help)"
            assert (reply.stderr, reply.result) == ("", ""), line
            continue
        assert reply.stderr.startswith("UsageError: "), line
        assert reply.stderr.strip().isprintable(), line
        answers[line] = reply.stderr.strip().removeprefix("UsageError: ")
    assert answers == dict(WRONG)
    assert kernel.run("'ran' in globals()").result == "False"


@pytest.mark.once
def test_what_a_wrong_lines_answer_says_to_type_works(tmp_path: Path) -> None:
    """Whatever it names as a whole line can be typed as it stands."""
    (tmp_path / "n.ipynb").write_text('{"cells": []}', encoding="utf-8")
    kernel = start_kernel(cwd=str(tmp_path)).load()
    try:
        kernel.run(f"import nbtrace\n__vsc_ipynb_file__ = {str(tmp_path / 'n.ipynb')!r}\nn = m = 1", cell_id="c")
        for _ in range(8):
            kernel.run("%%span load rows=3\nlimit = 1", cell_id="c")
        kernel.run("sum(range(10_000_000))")  # long enough to have samples
        advised = dict.fromkeys(line for _, answer in WRONG for line in lines_advised(answer))
        assert len(advised) > 60
        # Those that take from the recording come last. All are stored: %span is a section of a traced cell.
        for line in sorted(advised, key=lambda line: line.startswith(("%nbtrace forget", "%nbtrace reset"))):
            reply = kernel.run(as_cell(line))
            assert "UsageError" not in reply.stderr, (line, reply)
            assert reply.traceback == [], (line, reply)
    finally:
        kernel.stop()


@pytest.mark.parametrize(
    "line",
    [
        "%spans " + "x" * 100_000,
        "%spans " + "x " * 50_000,
        "%spans --cell " + "3," * 50_000,
        "%spans --cell " + "3" * 100_000,
        "%spans --where " + "(" * 100_000,
        "%spans --where name == " + "'" * 99_999,
        "%spans compare " + "1-" * 50_000,
        "%spans ta\x01b\x1b[31mle",
        "%spans \u202etable",
        "%spans \ud83d\udca9",
        "%nbtrace 数据 --größe",
        "%nbtrace " + "--" * 50_000,
        "%%span " + "a, " * 30_000 + "k=v",
        "%%span " + "a = " * 30_000,
        "%%span a k=v " + '"' * 30_001,
        "%span {" + "[" * 10_000,
        "%span \x01 = \x1b[31m",
    ],
)
@pytest.mark.once
def test_a_hostile_line_is_told_in_one_short_line(shared_kernel: Kernel, line: str) -> None:
    reply = shared_kernel.run(as_cell(line.encode("utf-16", "surrogatepass").decode("utf-16")), store_history=False)
    assert reply.traceback == []
    assert reply.stderr.startswith("UsageError: ")
    assert reply.stderr.strip().isprintable()
    assert len(reply.stderr) < 1_500


def test_help_prints_the_forms_and_runs_nothing(kernel: Kernel) -> None:
    for line, form in (
        ("%spans help", "%spans compare 3,4,5 6-8"),
        ("%spans table --help", "%spans errors | cells | stats"),
        ("%nbtrace -h", "%nbtrace display on | off"),
        ("%span --help", "%span NAME [key=value …] -- STATEMENT"),
        ("%%span --help\nran = True", "%%span NAME [key=value …]"),
    ):
        reply = kernel.run(line)
        assert form in reply.stdout
        assert (reply.stderr, reply.result, reply.traceback) == ("", "", [])
    assert kernel.run("'ran' in globals()").result == "False"
    assert kernel.run("%%span '--help'\nran = True\nran").result == "True"


def test_several_runs_of_each_side_are_compared(kernel: Kernel) -> None:
    for _ in range(4):
        kernel.run("x = 1")
    kernel.run("df = %spans compare 2-3 4,5")
    assert kernel.run("df[['runs_before', 'runs_after']].values.tolist()").result == "[[2, 2]]"


def test_the_headings_of_a_file_that_is_named(kernel: Kernel, tmp_path: Path) -> None:
    path = tmp_path / "with blank.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "# Load"}]}), encoding="utf-8")
    kernel.run(f"df = %spans headings '{path}'")
    assert kernel.run("df.heading.tolist()[:1]").result == "['Load']"


def test_spans_shows_what_was_recorded(kernel: Kernel) -> None:
    kernel.run("import nbtrace\nlimit = 1\n1/0")
    kernel.run("%%span load rows=3\npass")
    assert "ZeroDivisionError" in kernel.run("%spans").result
    assert kernel.run("%spans --cell 3").result.splitlines()[1].startswith("└─ load")
    assert kernel.run("%spans --last 2").result.splitlines()[0].startswith("cell [2]")
    assert kernel.run("%spans --last 2 --asking").result.splitlines()[0].startswith("cell [5]")
    assert kernel.run("len(nbtrace.spans(cell=3))").result == "2"
    kernel.run("df = %spans table --where attributes.rows > @limit")
    assert kernel.run("df.name.tolist()").result == "['load']"
    kernel.run("df = %spans table --where name ~ '^lo' and not duration > 1h & status = 'UNSET' --cell 3")
    assert kernel.run("df.name.tolist()").result == "['load']"
    assert kernel.run("t = %spans errors\nt.exception_type.tolist()").result == "['ZeroDivisionError']"
    assert kernel.run("t = %spans stats\nlist(t.columns)[:3]").result == "['name', 'count', 'errors']"
    assert kernel.run('t = %spans stats --where "attributes.rows == 3" --cell 3\nt["count"].tolist()').result == "[1]"
    cells = kernel.run(
        "t = %spans cells --cell 2,3\nt[['cell', 'run', 'status_code', 'span_count', 'error_count']].values.tolist()"
    )
    assert cells.result == "[[2, 1, 'ERROR', 0, 1], [3, 1, 'UNSET', 1, 0]]"


QUERY = """
from opentelemetry import trace
with trace.get_tracer("db").start_as_current_span("SELECT", attributes={"db.system": "sqlite", "db.statement": "SELECT * FROM users"}):
    1 / 0
"""


def test_tables_say_what_spans_did(kernel: Kernel) -> None:
    """Beside their names; the DataFrame has names alone."""
    kernel.run(QUERY)
    for word in ("table", "errors", "self", "path"):
        done = kernel.run(f"%spans {word} --cell 2")
        assert re.search(r"SELECT  +SELECT users", done.result), done
        assert kernel.run(f"t = %spans {word} --cell 2\n'caption' in t").result == "False"


def test_a_cell_that_runs_again_is_counted(kernel: Kernel) -> None:
    for _ in range(2):
        kernel.run("x = 1", cell_id="same")
    kernel.run("x = 1", cell_id="other")
    kernel.run("import nbtrace")
    reply = kernel.run("nbtrace.cells()[['cell_id', 'run', 'source']].head(3).values.tolist()")
    assert reply.result == "[['same', 1, 'x = 1'], ['same', 2, 'x = 1'], ['other', 1, 'x = 1']]"


def test_a_cell_run_again_is_compared_with_its_run_before(kernel: Kernel) -> None:
    """By its id when it was edited, too; two cells by their numbers; the history has both runs."""
    # So much slower that no busy machine makes it chance.
    slow = "import time, nbtrace\nfor _ in range(20):\n    with nbtrace.span('query'): time.sleep(0.03)"
    kernel.run(slow, cell_id="a")
    kernel.run("x = 1", cell_id="b")
    kernel.run("import nbtrace\nwith nbtrace.span('query'): pass", cell_id="a")
    show = "[[r['path'], r['verdict'], r['count_before'], r['count_after']] for r in df.to_dict('records')]"
    wanted = "[['cell', 'faster', 1.0, 1.0], ['cell › query', 'faster', 20.0, 1.0]]"
    for question in ("%spans compare", "%spans compare 4", "%spans compare 2 4"):
        kernel.run(f"df = {question}", cell_id="q")
        found = kernel.run(f"sorted({show})", cell_id="r").result
        assert found == wanted, question
    assert "has run once" in kernel.run("%spans compare 3").stderr
    kernel.run("df = %spans history", cell_id="s")
    runs = "{r['code']: (r['runs'], r['ratio'] < 1) for r in df.to_dict('records') if r['cell'] == 4}"
    assert kernel.run(runs).result == "{'import nbtrace': (2, True)}"
    changes = "[bool(d < 0) for d in nbtrace.cells(cell=[2, 4])['change'].dropna().dt.total_seconds()]"
    assert kernel.run(changes).result == "[True]"


def test_where_the_last_cells_time_went_in_a_word(kernel: Kernel) -> None:
    kernel.run("import nbtrace\nwith nbtrace.span('a'):\n    with nbtrace.span('b'): pass")
    kernel.run("df = %spans self")
    assert kernel.run("sorted(df.name.str.slice(0, 4))").result == "['a', 'b', 'cell']"
    assert "contribution" in kernel.run("%spans path --cell 2").result
    assert kernel.run("%spans gaps --cell 2").result == "no gaps"
    assert kernel.run("%spans repeats --cell 2").result == "nothing repeats"


def test_time_below_each_heading_of_the_notebook(kernel: Kernel, tmp_path: Path) -> None:
    """VS Code says which file it is by a variable; the file is read when it is asked."""
    path = tmp_path / "a.ipynb"
    cells = [
        {"cell_type": "markdown", "source": "# Load"},
        {"cell_type": "code", "id": "a", "source": "x = 1"},
    ]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    kernel.run(f"__vsc_ipynb_file__ = {str(path)!r}")
    kernel.run("x = 1", cell_id="a")
    kernel.run("x = 2", cell_id="a")
    kernel.run("df = %spans headings")
    assert kernel.run("df[df.heading == 'Load'][['level', 'cells', 'runs']].values.tolist()").result == "[[1, 1, 2]]"


def test_nothing_is_displayed_unless_asked_for(kernel: Kernel) -> None:
    assert kernel.run("x = 1").displayed == []
    kernel.run("%nbtrace display on")
    (shown,) = kernel.run("%%span load\nx = 2").displayed
    assert shown["text/plain"].splitlines()[1].startswith("└─ load")
    assert "<table" in shown["text/html"]
    kernel.run("%nbtrace display off")
    assert kernel.run("x = 3").displayed == []


def test_status_off_on_and_reset(kernel: Kernel) -> None:
    kernel.run("x = 1")
    status = kernel.run("%nbtrace").stdout
    assert "is on" in status
    assert "Recorded: 1 span, 1 running" in status
    kernel.run("%nbtrace off")
    kernel.run("import nbtrace\nwith nbtrace.span('unseen'): pass")
    assert "is off" in kernel.run("%nbtrace status").stdout
    assert "%%span" not in kernel.run("%%span quiet\n1").stderr
    kernel.run("%nbtrace on")
    kernel.run("y = 1")
    names = [row["name"] for row in kernel.rows()]
    assert "unseen" not in names
    assert names[-1].endswith("y = 1")
    assert kernel.run("%nbtrace reset").stdout.startswith("nbtrace: forgot")
    assert [row["name"].split("] ")[1] for row in kernel.rows()] == ["%nbtrace reset"]


def test_the_live_recording_can_be_stopped_and_started(kernel: Kernel) -> None:
    """As any recording; cells run on, and OpenTelemetry's global state is left alone meanwhile."""
    kernel.run("import nbtrace\nfrom opentelemetry import trace\n_ = nbtrace.live().stop()")
    assert kernel.run("type(trace.get_tracer_provider()).__name__").result == "'ProxyTracerProvider'"
    kernel.run("%%span unseen\n1/0")
    kernel.run("_ = nbtrace.live().start()")
    kernel.run("y = 1")
    names = [row["name"] for row in kernel.rows()]
    assert "unseen" not in names
    assert names[-1].endswith("y = 1")


def test_status_tells_what_is_dropped(kernel: Kernel) -> None:
    kernel.run("%config NBTrace.max_spans = 10")
    kernel.run("import nbtrace\nfor _ in range(30):\n    with nbtrace.span('x'): pass")
    assert "older ones dropped; kept at most 10" in kernel.run("%nbtrace status").stdout
    assert "older spans were dropped" in kernel.run("%spans").result


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("max_spans = 0", "NBTrace.max_spans is 0, but must be a whole number of at least 1."),
        ("max_bytes = -1", "NBTrace.max_bytes is -1, but must be a whole number of at least 1."),
        ("max_spans = 'many'", "must be a whole number of at least 1"),
        ("unstored_cells = 'maybe'", "NBTrace.unstored_cells is 'maybe', but must be 'auto', True or False."),
        ("display = 5", "display"),
    ],
)
def test_a_bad_option_is_a_clear_error_and_poisons_nothing(kernel: Kernel, setting: str, message: str) -> None:
    reply = kernel.run(f"%config NBTrace.{setting}")
    assert message in reply.evalue + reply.stderr
    reply = kernel.run("%reload_ext nbtrace")
    assert (reply.status, reply.traceback) == ("ok", [])
    kernel.run("x = 1")
    assert kernel.rows()[-1]["name"].endswith("x = 1")


def test_help_of_the_question_mark(kernel: Kernel) -> None:
    for magic, text in (("%span", "section"), ("%%span", "section"), ("%spans", "--where"), ("%nbtrace", "reset")):
        kernel.client.inspect(magic, len(magic))
        content = kernel.client.get_shell_msg(timeout=30)["content"]
        assert text in content["data"]["text/plain"], magic
    assert "max_spans" in kernel.run("%config NBTrace").stdout


WORDS = [
    "tree",
    "view",
    "table",
    "errors",
    "cells",
    "stats",
    "self",
    "path",
    "gaps",
    "repeats",
    "tasks",
    "compare",
    "history",
    "headings",
    "hot",
    "lines",
]
OPTIONS = ["--cell", "--last", "--where"]


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("%spans ", [*(f"%spans {each}" for each in [*WORDS, *OPTIONS, "--asking"])]),
        ("%spans ta", ["%spans table", "%spans tasks"]),
        ("x = 1\ndf = %spans tab", ["x = 1\ndf = %spans table"]),
        ("%spans tasks --where wai", ["%spans tasks --where waited"]),
        ("%spans zzz", ["%spans zzz"]),
        ("%spans table ", [f"%spans table {each}" for each in OPTIONS]),
        ("%spans table --w", ["%spans table --where"]),
        ("%spans hot --b", ["%spans hot --by"]),
        ("%spans hot --by ", [f"%spans hot --by {each}" for each in ("function", "line", "library")]),
        ("%spans hot --by=li", ["%spans hot --by=line", "%spans hot --by=library"]),
        ("%spans hot --by line ", [f"%spans hot --by line {each}" for each in [*OPTIONS, "--asking"]]),
        ("%spans lines --where sha", ["%spans lines --where share"]),
        ("%spans path --cell 2 ", ["%spans path --cell 2 --asking"]),
        ("%spans path --cell 2 --asking ", ["%spans path --cell 2 --asking "]),
        ("%spans --cell ", ["%spans --cell 3", "%spans --cell 2"]),
        ("%spans --cell=", ["%spans --cell=3", "%spans --cell=2"]),
        ("%spans --cell 2,", ["%spans --cell 2,3", "%spans --cell 2,2"]),
        ("%spans compare 2 ", ["%spans compare 2 3", "%spans compare 2 2"]),
        ("%spans --where dur", ["%spans --where duration"]),
        ("%spans --where attributes.ro", ["%spans --where attributes.rows"]),
        ("%spans --where attributes.x", ["%spans --where attributes.x-y"]),
        ('%spans --where "attributes.ro', ['%spans --where "attributes.rows']),
        ("%spans --where (attributes.ro", ["%spans --where (attributes.rows"]),
        ("%spans --where not attributes.ro", ["%spans --where not attributes.rows"]),
        ("%spans --where duration > 1s and attributes.ro", ["%spans --where duration > 1s and attributes.rows"]),
        ("%spans --where name == 'lo", ["%spans --where name == 'load'"]),
        ('%spans --where name == "lo', ['%spans --where name == "load"']),
        ("%spans --where name in ['fit', 'lo", ["%spans --where name in ['fit', 'load'"]),
        ("%spans --where status_code == ", [f"%spans --where status_code == '{s}'" for s in ("UNSET", "OK", "ERROR")]),
        (
            "%spans --where duration > 1",
            [f"%spans --where duration > {each}" for each in ("100ms", "1s", "10s", "1min")],
        ),
        ("%spans --where attributes.rows > @", ["%spans --where attributes.rows > @limit"]),
        ("%spans --where attributes.rows > @li", ["%spans --where attributes.rows > @limit"]),
        ("%spans --where attributes.rows ", [f"%spans --where attributes.rows {each}" for each in OPERATORS]),
        ("%spans --where duration > 1s ", ["%spans --where duration > 1s and", "%spans --where duration > 1s or"]),
        ("%spans --where duration > 1s --c", ["%spans --where duration > 1s --cell"]),
        ("%spans errors --where exception_t", ["%spans errors --where exception_type"]),
        ("%spans cells --where sour", ["%spans cells --where source"]),
        (
            "%nbtrace ",
            [
                f"%nbtrace {each}"
                for each in (
                    "status",
                    "on",
                    "off",
                    "reset",
                    "forget",
                    "display",
                    "journal",
                    "propagate",
                    "receive",
                    "dask",
                )
            ],
        ),
        ("%nbtrace journal ", ["%nbtrace journal on", "%nbtrace journal off"]),
        ("%nbtrace display ", ["%nbtrace display on", "%nbtrace display off"]),
        ("%nbtrace forget ", ["%nbtrace forget --cell", "%nbtrace forget --where"]),
        ("%nbtrace forget --where dur", ["%nbtrace forget --where duration"]),
        ("%nbtrace on ", ["%nbtrace on "]),
        ("%spans " + "x" * 5_000, None),
    ],
)
def test_completion_offers_our_words_alone(completing: Kernel, line: str, whole: list[str] | None) -> None:
    """No files, no other magics; the line is right once the offer stands in it."""
    offered = completing.completed(line)
    if whole is not None:
        assert offered == whole


@pytest.mark.parametrize("line", ["%spans --where attributes.", "%spans table --where "])
def test_completion_offers_what_the_recording_has(completing: Kernel, line: str) -> None:
    offered = completing.completed(line)
    for attribute in ("rows", "http.route", "x-y"):
        assert f"{line.removesuffix('attributes.')}attributes.{attribute}" in offered
    assert all("%" not in each[1:] for each in offered)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%spa", "%spans"),
        ("%config NBTrace.ma", "%config NBTrace.max_spans"),
        ("lim", "limit"),
        ("nbtrace.statis", "nbtrace.statistics"),
        ("%span fit -- lim", "%span fit -- limit"),
        ("%%span load rows={lim", "%%span load rows={limit"),
        ("'%spans ta' + lim", "'%spans ta' + limit"),
    ],
)
def test_other_lines_are_completed_as_ever(completing: Kernel, line: str, expected: str) -> None:
    assert expected in completing.completed(line)


def test_completion_goes_on_in_the_middle_of_a_line(completing: Kernel) -> None:
    assert completing.completed("%spans tab --cell 3", 10) == ["%spans table --cell 3"]


@pytest.fixture(scope="module")
def completing() -> Iterator[Kernel]:
    """A kernel with a cell of attributes, and variables plain and not."""
    kernel = new_kernel().load()
    try:
        kernel.run("%%span load rows=3 http.route=/a x-y=1\nimport nbtrace, re\nlimit = 3\ndef lift(): pass")
        kernel.run("1")
        yield kernel
    finally:
        kernel.stop()


def test_load_unload_and_reload_leave_no_duplicates(bare_kernel: Kernel) -> None:
    """In any number and order; after unloading, the shell is as it was."""
    kernel = bare_kernel
    look = (
        "import threading; from opentelemetry import trace as _t\n"
        "print([len(get_ipython().events.callbacks[e]) for e in ('pre_run_cell', 'post_run_cell')],"
        " len(get_ipython().input_transformers_cleanup),"
        " [c for c in get_ipython().configurables if type(c).__module__.startswith('nbtrace')],"
        " len(get_ipython().Completer.custom_matchers), len(get_ipython().Completer.magic_arg_matchers), sorted(n for k in ('line', 'cell') for n in"
        " get_ipython().magics_manager.magics[k] if 'span' in n or 'nbtrace' in n), threading.Thread.start.__module__, type(threading._limbo).__name__,"
        " type(_t.get_tracer_provider()).__name__, [t.name for t in threading.enumerate() if 'nbtrace' in t.name])"
    )
    before = kernel.run(look).stdout
    for step in ("load", "unload", "load", "reload", "reload", "load", "unload", "unload"):
        assert kernel.run(f"%{step}_ext nbtrace").status == "ok"
    assert kernel.run(look).stdout == before
    kernel.run("%reload_ext nbtrace\n%reload_ext nbtrace")
    kernel.run("import nbtrace; nbtrace.load_ipython_extension(get_ipython())")
    kernel.run("%%span once\nx = 1")
    rows = kernel.rows()
    assert [row["name"] for row in rows].count("once") == 1
    kernel.run("%unload_ext nbtrace")
    assert kernel.run(look).stdout == before
    assert kernel.run("len(nbtrace.spans()) > 1").result == "True", "what was recorded can still be asked for"


def test_a_magic_of_the_users_comes_back_after_unloading(bare_kernel: Kernel) -> None:
    bare_kernel.run(
        "from IPython.core.magic import register_line_magic\n@register_line_magic\ndef span(line):\n    return 'mine ' + line"
    )
    bare_kernel.run("%load_ext nbtrace")
    bare_kernel.run("%unload_ext nbtrace")
    assert bare_kernel.run("%span x").result == "'mine x'"


def test_unloading_leaves_the_users_tracing_as_it_was(kernel: Kernel) -> None:
    kernel.run(
        "from opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor\n"
        "from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter\n"
        "exporter, provider = InMemorySpanExporter(), TracerProvider()\n"
        "provider.add_span_processor(SimpleSpanProcessor(exporter))\ntrace.set_tracer_provider(provider)"
    )
    kernel.run("x = 1")
    kernel.run("%unload_ext nbtrace")
    kernel.run("with trace.get_tracer('mine').start_as_current_span('after'): pass")
    names = kernel.run("print([s.name.split('] ')[-1] for s in exporter.get_finished_spans()])").stdout
    assert names == "['x = 1', '%unload_ext nbtrace', 'after']\n"
    assert kernel.run("import nbtrace; 'after' in set(nbtrace.spans().name)").result == "False"
