"""%%span, %span, %spans and %nbtrace as a person types them, in a real kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.kernel import Kernel


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


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("%span", "a span needs a name. Type: %%span NAME"),
        ("%%span\n1", "a span needs a name"),
        ("%%span a n={1+}\n1", "{1+} is no Python expression"),
        ("%span a --", "Type: %span NAME -- STATEMENT"),
        ("%%span a -- 5\n1", "leave out `--`"),
        ("%spans nonsense", "invalid choice: 'nonsense'"),
        ("%spans --cell x", "--cell x is no cell. Type a number"),
        ("%spans --last 0", "Type for example  %spans --last 3"),
        ("%spans table 3", "Did you mean  %spans table --cell 3?"),
        ("%spans compare 1 2 3", "nbtrace.compare([3, 4], [5, 6])"),
        ("%spans compare 900 901", "nothing is recorded of a cell [900]"),
        ("%spans path --where name == 'x'", "takes no --where"),
        ("%spans history --cell 3", "takes neither --cell nor --last"),
        ("%spans headings", 'nbtrace.headings("analysis.ipynb")'),
        ("%spans --cell 1 --last 2", "Leave one of them out"),
        ("%spans --where", "--where needs a condition"),
        ("%spans --where durations > '1s'", "Did you mean 'duration'"),
        ("%spans table --where duration >", "at the end: something is missing"),
        (
            "%spans --where duration > 1 --cell 1",
            "character 12, `1`: durations are written '100ms'. Did you mean '1s'?",
        ),
        ("%spans --where status = 'error'", "Did you mean 'ERROR'?"),
        ("%spans --where name.to_csv('/f') == 1", "this is not known: .isna()"),
        ("%spans --where name == @print", "there is no variable print"),
        ("%nbtrace nonsense", "invalid choice: 'nonsense'"),
        ("%nbtrace display", "display on  or  display off"),
        ("%nbtrace on now", "type  %nbtrace status"),
    ],
)
def test_a_bad_line_is_one_line_that_says_what_to_type(shared_kernel: Kernel, code: str, message: str) -> None:
    """No traceback, and the cell's other lines are not run behind the user's back."""
    reply = shared_kernel.run(code)
    assert reply.traceback == []
    assert reply.stderr.startswith("UsageError: ")
    assert message in reply.stderr
    assert reply.stderr.strip().count("\n") == 0


def test_spans_shows_what_was_recorded(kernel: Kernel) -> None:
    kernel.run("import nbtrace\nlimit = 1\n1/0")
    kernel.run("%%span load rows=3\npass")
    assert "ZeroDivisionError" in kernel.run("%spans").result
    assert kernel.run("%spans --cell 3").result.splitlines()[1].startswith("└─ load")
    assert kernel.run("%spans --last 2").result.splitlines()[0].startswith("cell [4]")
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


def test_a_cell_that_runs_again_is_counted(kernel: Kernel) -> None:
    for _ in range(2):
        kernel.run("x = 1", cell_id="same")
    kernel.run("x = 1", cell_id="other")
    kernel.run("import nbtrace")
    reply = kernel.run("nbtrace.cells()[['cell_id', 'run', 'source']].head(3).values.tolist()")
    assert reply.result == "[['same', 1, 'x = 1'], ['same', 2, 'x = 1'], ['other', 1, 'x = 1']]"


def test_a_cell_run_again_is_compared_with_its_run_before(kernel: Kernel) -> None:
    """By its id when it was edited, too; two cells by their numbers; the history has both runs."""
    slow = "import time, nbtrace\nfor _ in range(20):\n    with nbtrace.span('query'): time.sleep(0.002)"
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
    for word, column in (("path", "contribution"), ("gaps", "duration"), ("repeats", "mean")):
        assert column in kernel.run(f"%spans {word} --cell 2").result, word


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


def test_help_and_completion(kernel: Kernel) -> None:
    for magic, text in (("%span", "section"), ("%%span", "section"), ("%spans", "--where"), ("%nbtrace", "reset")):
        kernel.client.inspect(magic, len(magic))
        content = kernel.client.get_shell_msg(timeout=30)["content"]
        assert text in content["data"]["text/plain"], magic
    assert "max_spans" in kernel.run("%config NBTrace").stdout
    kernel.run("%%span a rows=3\n1")
    for line, expected in (
        ("%spans ta", "table"),
        ("%spans ", "errors"),
        ("%spans table --w", "--where"),
        ("%nbtrace re", "reset"),
        ("%nbtrace display o", "on"),
        ("%spa", "%spans"),
        ("%spans --where dur", "duration"),
        ("%config NBTrace.ma", "NBTrace.max_spans"),
    ):
        kernel.client.complete(line, len(line))
        matches = kernel.client.get_shell_msg(timeout=30)["content"]["matches"]
        assert expected in matches, (line, matches)


def test_load_unload_and_reload_leave_no_duplicates(bare_kernel: Kernel) -> None:
    """In any number and order; after unloading, the shell is as it was."""
    kernel = bare_kernel
    look = (
        "import threading; from opentelemetry import trace as _t\n"
        "print([len(get_ipython().events.callbacks[e]) for e in ('pre_run_cell', 'post_run_cell')],"
        " len(get_ipython().input_transformers_cleanup),"
        " [c for c in get_ipython().configurables if type(c).__module__.startswith('nbtrace')],"
        " len(get_ipython().Completer.custom_matchers), sorted(n for k in ('line', 'cell') for n in"
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
