"""Every kind of cell, in a real kernel: one span, with the right end, and nothing left current."""

from __future__ import annotations

import re

import pytest

from tests.kernels.kernel import Kernel

CELLS: list[tuple[str, str, str | None]] = [
    ("sync", "x = 1", None),
    ("value", "x", None),
    ("await", "import asyncio\nawait asyncio.sleep(0)", None),
    ("raising", "1/0", "ZeroDivisionError"),
    ("raising in await", "await asyncio.sleep(0)\n1/0", "ZeroDivisionError"),
    ("syntax error", "def f(:", "SyntaxError"),
    ("indentation error", "  x = 1\n y = 2", "IndentationError"),
    ("system exit", "raise SystemExit(3)", "SystemExit"),
    ("keyboard interrupt", "raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("comment only", "# nothing", None),
    ("timed", "%%time\nx = 2", None),
    ("timed often", "%%timeit -n1 -r1\nx = 2", None),
    ("captured", "%%capture out\nprint(3)", None),
    ("bash", "%%bash\necho hi", None),
    ("failing bash", "%%bash\nexit 3", "subprocess.CalledProcessError"),
    ("shell", "!echo hi", None),
    ("unknown magic", "%nonsense", None),
    ("help", "len?", None),
    ("nested run_cell", "r = get_ipython().run_cell('y = 1')", None),
    ("nested run_cell that fails", "r = get_ipython().run_cell('1/0')", None),
    ("nested await", "r = get_ipython().run_cell('await asyncio.sleep(0)')", None),
    ("exception group", "raise ExceptionGroup('g', [ValueError(1)])", "ExceptionGroup"),
    # Not as deep as it could be: IPython takes seconds to show a thousand frames.
    (
        "deep recursion",
        "import sys\ndef f(): f()\ntry:\n    sys.setrecursionlimit(200); f()\nfinally:\n    sys.setrecursionlimit(1_000)",
        "RecursionError",
    ),
    ("last", "x", None),
]


def test_every_kind_of_cell_is_one_span(kernel: Kernel) -> None:
    """With its execution count, and with status and type of the error that ended it."""
    replies = [kernel.run(code) for _, code, _ in CELLS]
    rows = [row for row in kernel.rows() if row["name"].startswith("cell [")]
    assert len(rows) == len(CELLS)
    for (kind, code, error), row, reply in zip(CELLS, rows, replies, strict=True):
        attributes = row["attributes"]
        if kind == "unknown magic":
            error = "IPython.core.error.UsageError"
        assert attributes.get("error.type") == error, kind
        assert row["status_code"] == ("ERROR" if error else "UNSET"), kind
        assert row["parent_span_id"] is None, kind
        assert re.match(rf"cell \[{row['cell']}\]", row["name"]), kind
        assert attributes["jupyter.cell.execution_count"] == row["cell"], kind
        if "nested" not in kind and reply.execution_count:
            assert row["cell"] == reply.execution_count, kind
        assert code.splitlines()[0].strip()[:10] in row["name"] or "#" in code or "import" in code, kind
    assert len({row["trace_id"] for row in rows}) == len(CELLS), "each cell is the root of its own trace"


def test_an_empty_cell_leaves_nothing(kernel: Kernel) -> None:
    for code in ("", "   \n ", "\n"):
        kernel.run(code)
    assert kernel.rows() == []


def test_a_cell_says_where_it_is(kernel: Kernel) -> None:
    kernel.run("import os; os.environ['JPY_SESSION_NAME'] = '/home/me/work.ipynb'")
    kernel.run("%reload_ext nbtrace")
    kernel.run("x = 1", cell_id="abc-123")
    row = kernel.rows()[-1]
    assert row["attributes"]["jupyter.cell.id"] == "abc-123"
    assert row["attributes"]["jupyter.notebook.path"] == row["attributes"]["code.file.path"] == "/home/me/work.ipynb"
    assert row["attributes"]["jupyter.session.id"]


def test_the_error_of_a_cell_has_the_users_frames_alone(kernel: Kernel) -> None:
    kernel.run("def deep():\n    raise ValueError('boo')\ndef outer():\n    deep()")
    kernel.run("outer()")
    kernel.run("%%time\nouter()")  # IPython 7 shows the error itself, and the cell does not fail
    kernel.run("import nbtrace")
    stacks = kernel.run("print(*nbtrace.errors()['exception_stacktrace'], sep='=====')").stdout.split("=====")
    for stack in stacks:
        frames = [line.split(" in ")[-1] for line in stack.splitlines() if line.startswith(("  File", "  Cell"))]
        assert frames[-2:] == ["outer", "deep"]
        assert "IPython" not in stack
        assert "nbtrace" not in stack


UNPRINTABLE = "class E(Exception):\n    def __str__(self): raise {}\n"


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (UNPRINTABLE.format("RuntimeError") + "raise E", "__main__.E", "<E: unprintable, RuntimeError>"),
        (UNPRINTABLE.format("RuntimeError") + "await f(); raise E", "__main__.E", "<E: unprintable, RuntimeError>"),
        (UNPRINTABLE.format("KeyboardInterrupt") + "raise E", "__main__.E", "<E: unprintable, KeyboardInterrupt>"),
        (UNPRINTABLE.format("GeneratorExit") + "raise E", "__main__.E", "<E: unprintable, GeneratorExit>"),
        ("raise GeneratorExit", "GeneratorExit", ""),
        ("%%span outer\nraise GeneratorExit", "GeneratorExit", ""),
        ("get_ipython().call_pdb = True\n1 / 0", "ZeroDivisionError", "division by zero"),
    ],
)
def test_a_cell_whose_failure_ipython_stumbles_over_has_its_error_and_its_end(
    shared_kernel: Kernel, code: str, kind: str, message: str
) -> None:
    """The exception cannot be printed, is one that nobody expects, or the debugger that is to show it finds no stdin: from
    8 on IPython gives no result then."""
    before = len(shared_kernel.rows())
    shared_kernel.run("async def f(): pass", store_history=False)
    started = shared_kernel.start(code)
    shared_kernel.wait(started, reply=False)  # a kernel whose IPython raises sends none
    shared_kernel.run("get_ipython().call_pdb = False", store_history=False)
    rows = shared_kernel.rows()[before:]
    assert len(rows) == 1 + ("%%span" in code)
    for row in rows:
        assert row["status_code"] == "ERROR"
        assert (row["status_message"] or "") == message
        assert row["attributes"]["error.type"] == kind
        assert "jupyter.cell.unfinished" not in row["attributes"]


def test_a_last_value_that_cannot_be_shown_fails_the_cell_where_the_reply_says_so(kernel: Kernel) -> None:
    """ipykernel says "error" from 7.1 on; before, and for what `display` shows, it is the cell's output alone."""
    kernel.run("class R:\n    def __repr__(self): raise ValueError('no repr')")
    replies = [kernel.run(code) for code in ("R()", "display(R())", "import asyncio\nawait asyncio.sleep(0)", "R()")]
    rows = kernel.rows()[1:]
    assert [row["status_code"] for row in rows[:2]] == [
        "ERROR" if reply.status == "error" else "UNSET" for reply in replies[:2]
    ]
    assert rows[2]["status_code"] == "UNSET", "it showed nothing"
    assert rows[3]["status_code"] == rows[0]["status_code"]
    for row in rows:
        if row["status_code"] == "ERROR":
            assert (row["attributes"]["error.type"], row["status_message"]) == ("ValueError", "no repr")


def test_stack_traces_name_cells_as_the_notebook_does(kernel: Kernel) -> None:
    """Whoever has written them; a function of another cell by that cell. And the exception is told once all the same."""
    kernel.run("from opentelemetry import trace\nimport nbtrace\ndef f():\n    return 1 / 0")
    kernel.run("with trace.get_tracer('t').start_as_current_span('theirs'):\n    f()")
    kernel.run("with nbtrace.span('ours'):\n\n    f()")
    kernel.run("f()")
    if kernel.run("hasattr(get_ipython().compile, '_filename_map')").result != "True":
        pytest.skip("this IPython shows files itself")
    errors = kernel.run("print(*nbtrace.errors()['exception_stacktrace'], sep='=====')").stdout.split("=====")
    assert len(errors) == 3
    for number, (stack, line) in enumerate(zip(errors, (2, 3, 1), strict=True), 3):
        assert f"  Cell In[{number}], line {line}\n" in stack
        assert "  Cell In[2], line 4, in f\n" in stack
        assert "ipykernel" not in stack


SLOW_TRACEBACK = """
import time
def render(*args, _rendered=get_ipython().InteractiveTB.structured_traceback, **options):
    global rendering_ns
    rendering_ns = time.time_ns()
    return _rendered(*args, **options)
get_ipython().InteractiveTB.structured_traceback = render
"""


@pytest.mark.parametrize(
    "code",
    [
        "%%span outer\n%span section\n1 / 0",
        "import asyncio\nawait asyncio.sleep(0)\n1 / 0",
        "raise KeyboardInterrupt",
        "raise ZeroDivisionError() from ValueError('cause')",
    ],
)
def test_a_cell_that_fails_ends_before_its_traceback_is_rendered(shared_kernel: Kernel, code: str) -> None:
    """With its %%span and its section: rendering took 1.4 s where the code had failed after a millisecond."""
    shared_kernel.run(SLOW_TRACEBACK)
    before = len(shared_kernel.rows())
    assert shared_kernel.run(code).status == "error"
    rows = shared_kernel.rows()[before:]
    rendering_ns = int(shared_kernel.run("print(rendering_ns)", store_history=False).stdout)
    assert len(rows) == (3 if "%%span" in code else 1)
    for row in rows:
        assert row["status_code"] == "ERROR"
        assert row["start_time"] <= row["end_time"] <= rendering_ns
    shared_kernel.run("del get_ipython().InteractiveTB.structured_traceback")


def test_the_result_of_a_cell_looks_as_without_us(kernel: Kernel) -> None:
    """The moment is noticed on IPython's result of a cell, which keeps its errors where it did; unload leaves nothing."""
    asked = (
        "from IPython.core.interactiveshell import ExecutionResult as R\nip = get_ipython()\n"
        "a, b = ip.run_cell('1'), ip.run_cell('raise GeneratorExit')\n"
        "a.error_in_exec, vars(a).keys(), vars(b).keys(), type(vars(b)['error_in_exec']), R.error_in_exec, R(None).success, "
        "b.success, __import__('copy').copy(b).error_in_exec is b.error_in_exec"
    )
    traced = kernel.run(asked).result
    kernel.run("%unload_ext nbtrace")
    assert kernel.run(asked).result == traced
    assert kernel.run("vars(R)['error_in_exec'], vars(R)['error_before_exec']").result == "(None, None)"


def test_an_exception_raised_from_another_counts_once_through_functions_of_another_cell(kernel: Kernel) -> None:
    """pandas raises such a KeyError. It is on the innermost span, and neither on those that it leaves nor on the cell."""
    kernel.run(
        "import nbtrace, pandas as pd\n\ndef forecast():\n    with nbtrace.span('forecast'), nbtrace.span('predict'):\n"
        "        pd.DataFrame({'a': [1]})['no such column']\n\ndef pipeline():\n"
        "    with nbtrace.span('pipeline'):\n        forecast()\n"
    )
    kernel.run("def work():\n    pipeline()\n\nwork()")
    assert kernel.run("nbtrace.errors()['span_name'].tolist()").result == "['predict']"


def test_an_interrupted_cell_is_an_error(kernel: Kernel) -> None:
    """A sync cell, with a span of plain OpenTelemetry inside that the interrupt went through."""
    started = kernel.start(
        "import time\nfrom opentelemetry import trace\nwith trace.get_tracer('x').start_as_current_span('inner'):\n"
        "    print('ready')\n    time.sleep(60)"
    )
    reply = kernel.interrupt_when("ready", started)
    assert reply.ename == "KeyboardInterrupt"
    rows = kernel.rows()
    assert [row["status_code"] for row in rows] == ["ERROR", "ERROR"]
    assert rows[0]["attributes"]["error.type"] == "KeyboardInterrupt"
    assert kernel.run("import nbtrace; nbtrace.errors()['span_name'].tolist()").result == "['inner']"


def test_an_interrupted_await_cell_is_an_error(kernel: Kernel) -> None:
    started = kernel.start(
        # In ticks: a signal that arrives while the loop sleeps is only seen when it wakes, with us and without.
        "import asyncio\nprint('ready')\nfor _ in range(3000): await asyncio.sleep(0.02)"
    )
    reply = kernel.interrupt_when("ready", started)
    assert reply.ename in ("CancelledError", "KeyboardInterrupt")
    (row,) = kernel.rows()
    assert row["status_code"] == "ERROR"
    assert row["attributes"]["error.type"].endswith(("CancelledError", "KeyboardInterrupt"))
    kernel.run("x = 1")
    assert len(kernel.rows()) == 2


def test_a_cell_that_asks_is_traced(kernel: Kernel) -> None:
    reply = kernel.run("name = input('who? ')\nprint(name)", stdin="me")
    assert reply.stdout.endswith("me\n")
    assert len(kernel.rows()) == 1


def test_a_script_run_from_a_cell_nests(kernel: Kernel, tmp_path) -> None:  # type: ignore[no-untyped-def]
    script = tmp_path / "script.py"
    script.write_text("import nbtrace\nwith nbtrace.span('in script'): pass\n")
    kernel.run(f"%run {script}")
    assert kernel.tree() == [[f"cell [2] %run {script}"[:69], [["in script", []]]]] or kernel.tree()[0][1] == [
        ["in script", []]
    ]


def test_nested_cells_that_are_stored_nest(kernel: Kernel) -> None:
    kernel.run("r = get_ipython().run_cell('y = 1', store_history=True)")
    (outer,) = kernel.tree()
    assert outer[0].startswith("cell [")
    assert [child[0].split("] ")[1] for child in outer[1]] == ["y = 1"]


def test_silent_executions_leave_nothing(kernel: Kernel) -> None:
    kernel.run("x = 1", silent=True, store_history=False)
    assert kernel.rows() == []


def test_executions_that_store_nothing_are_traced_where_all_are_such(bare_kernel: Kernel) -> None:
    """A test runner stores nothing; an editor's variable inspector asks in a kernel that has stored cells."""
    kernel = bare_kernel
    kernel.run("%load_ext nbtrace", store_history=False)
    for code in ("x = 1", "%%capture\nprint(1)", "import nbtrace"):
        kernel.run(code, store_history=False)
    assert (
        kernel.run("print([n for n in nbtrace.spans().name])", store_history=False).stdout
        == str(
            [
                "cell [2] x = 1",
                "cell [3] %%capture",
                "cell [4] import nbtrace",
                "cell [5] print([n for n in nbtrace.spans().name])",
            ]
        )
        + "\n"
    )
    kernel.run("x = 2")
    kernel.run("inspect_variables = 1", store_history=False)
    names = kernel.run("print(list(nbtrace.spans().name)[-2:])").stdout
    assert "inspect_variables" not in names


def test_the_policy_for_unstored_cells_can_be_set(kernel: Kernel) -> None:
    kernel.run("inspect = 1", store_history=False)
    kernel.run("%config NBTrace.unstored_cells = True")
    kernel.run("wanted = 1", store_history=False)
    kernel.run("%config NBTrace.unstored_cells = False")
    names = [row["name"] for row in kernel.rows()]
    assert "cell [ ] wanted = 1" in names
    assert not any("inspect = 1" in name for name in names)


def test_a_task_that_outlives_its_cell_stays_its(kernel: Kernel) -> None:
    """Also the spans that it makes afterwards."""
    kernel.run(
        "import asyncio, nbtrace\nwake = asyncio.Event()\nasync def later():\n    with nbtrace.span('long'):\n"
        "        await wake.wait()\n        with nbtrace.span('late'):\n            pass\ntask = asyncio.ensure_future(later())\n"
        "await asyncio.sleep(0)"
    )
    kernel.run("wake.set()\nawait task")
    rows = {row["name"]: row for row in kernel.rows()}
    first = next(row for name, row in rows.items() if "import asyncio" in name)
    assert rows["long"]["parent_span_id"] == first["span_id"]
    assert rows["late"]["parent_span_id"] == rows["long"]["span_id"]
    assert rows["long"]["cell"] == rows["late"]["cell"] == first["cell"]
    assert rows["long"]["end_time"] > first["end_time"]


def test_threads_nest_under_the_cell_that_started_them(kernel: Kernel) -> None:
    kernel.run(
        "from concurrent.futures import ThreadPoolExecutor\nimport threading, nbtrace\npool = ThreadPoolExecutor(1)"
    )
    work = "def work():\n    with nbtrace.span('work'):\n        pass\n"
    kernel.run(work + "pool.submit(work).result()\nt = threading.Thread(target=work)\nt.start(); t.join()")
    kernel.run("pool.submit(work).result()")
    tree = kernel.tree()
    assert [len(children) for _, children in tree] == [0, 2, 1]
    assert {row["cell"] for row in kernel.rows() if row["name"] == "work"} == {3, 4}


def test_a_cell_whose_end_is_lost_is_closed_by_the_next(kernel: Kernel) -> None:
    """A hook that was interrupted, or a front end that does not tell."""
    kernel.run("ip = get_ipython()\nlost = ip.events.callbacks['post_run_cell'][:]")
    kernel.run("ip.events.callbacks['post_run_cell'][:] = []")
    kernel.run("x = 1")
    kernel.run("ip.events.callbacks['post_run_cell'][:] = lost")
    kernel.run("y = 1")
    rows = kernel.rows()
    assert [row["attributes"].get("jupyter.cell.unfinished", False) for row in rows] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert {row["parent_span_id"] for row in rows} == {None}


def test_what_a_cell_attaches_and_leaves_stays_but_its_span_does_not(kernel: Kernel) -> None:
    """Baggage survives, as it would without nbtrace; a span that was entered and never left does not."""
    kernel.run(
        "from opentelemetry import baggage, context, trace\n_ = context.attach(baggage.set_baggage('user', 'u1'))"
    )
    kernel.run("cm = trace.get_tracer('x').start_as_current_span('left open')\n_ = cm.__enter__()")
    assert kernel.run("baggage.get_baggage('user')").result == "'u1'"
    rows = kernel.rows()
    assert {row["parent_span_id"] for row in rows if row["name"].startswith("cell")} == {None}


def test_attributes_of_the_cell_span_survive_a_flood(kernel: Kernel) -> None:
    """Beyond the limit of 128 an SDK drops the oldest, which would be ours."""
    flood = "s = trace.get_current_span()\nfor i in range(300): s.set_attribute(f'k{i}', i)"
    kernel.run("from opentelemetry import trace\n" + flood)
    kernel.run("from opentelemetry.sdk.trace import TracerProvider\ntrace.set_tracer_provider(TracerProvider())")
    kernel.run("import logging; logging.disable()\n" + flood)
    rows = kernel.rows()
    for row in (rows[0], rows[2]):
        assert row["attributes"]["jupyter.cell.execution_count"] == row["cell"]
        assert row["dropped_attributes"] > 100


def test_a_traceparent_that_the_kernel_has_inherited_is_nobodys_parent(bare_kernel: Kernel) -> None:
    """A server's kernels inherit it for days; it counts under `nbtrace run` and `nbtrace exec` alone."""
    bare_kernel.run(f"import os; os.environ['TRACEPARENT'] = '00-{'a' * 32}-{'b' * 16}-01'")
    bare_kernel.load()
    bare_kernel.run("x = 1")
    assert bare_kernel.rows()[-1]["parent_span_id"] is None
    assert bare_kernel.run("os.environ['TRACEPARENT'][:2]").result == "'00'"


def test_subshells_run_cells_at_the_same_time(kernel: Kernel) -> None:
    """Each has its own span, and their children do not mix."""
    subshell = kernel.subshell()
    if subshell is None:
        pytest.skip("this kernel knows no subshells")
    kernel.run("import threading, nbtrace\ngate, inside = threading.Event(), threading.Event()")
    main = kernel.start("with nbtrace.span('in main'):\n    inside.set()\n    gate.wait(30)")
    kernel.start("inside.wait(30)\nwith nbtrace.span('in subshell'):\n    pass\ngate.set()", subshell=subshell)
    kernel.wait(main)
    rows = {row["name"]: row for row in kernel.rows()}
    parents = {
        name: next(n for n, r in rows.items() if r["span_id"] == rows[name]["parent_span_id"])
        for name in ("in main", "in subshell")
    }
    assert "with nbtrace.span('in main')" in parents["in main"]
    assert "inside.wait" in parents["in subshell"]
