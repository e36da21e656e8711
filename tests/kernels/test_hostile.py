"""Odd values, heavy values, two shells, shut-down providers, interrupts: in a real kernel, as a user would meet them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.kernels.kernel import Kernel

_USER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
"""


def status(kernel: Kernel) -> str:
    """What %nbtrace status says."""
    return kernel.run("%nbtrace status").stdout


@pytest.mark.parametrize("provider", ["", _USER])
def test_no_object_costs_the_recording_anything(kernel: Kernel, provider: str) -> None:
    """As name, key, value, id, time: each span is a row, the questions answer, and no cell prints what it did not say."""
    kernel.run(
        provider + "from opentelemetry import trace\nimport nbtrace\nt = trace.get_tracer('t')\n"
        "class H:\n"
        "    def __hash__(self): raise ValueError('hash')\n"
        "    def __eq__(self, other): raise ValueError('eq')\n"
        "    def __str__(self): return 'an H'\n"
        "class G:\n"
        "    def __getattribute__(self, name): raise ValueError('getattribute')\n"
        "class S(str):\n"
        "    def __hash__(self): raise ValueError('hash')\n"
        "    def __eq__(self, other): raise ValueError('eq')\n"
        "    def __len__(self): raise ValueError('len')\n"
    )
    made = 0
    for code in (
        "t.start_span(H()).end()",
        "t.start_span(S('s')).end()",
        "t.start_span(['unhashable']).end()",
        "t.start_span(None).end()",
        "t.start_span(7).end()",
        "t.start_span('x' * 1_000_000).end()",
        "t.start_span('surrogate \\udc80').end()",
        "s = t.start_span('times', start_time=2**70); s.end(-2**70)",
        "s = t.start_span('floats', start_time=1.5); s.end(2.5)",
        "s = t.start_span('zero'); s.end(0)",
        "s = t.start_span('minus one'); s.end(-1)",
        "s = t.start_span('big'); s.set_attribute('n', 10**5_000 if False else 10**4_000); s.set_attribute('huge', 1 << 100_000); s.end()",
        "s = t.start_span('kind', kind='no kind'); s.end()",
        "s = t.start_span('event'); s.add_event('e', timestamp=2**80); s.add_event('f', {'x' * 100_000: 'y' * 100_000}); s.end()",
        "s = t.start_span('status'); s.set_status(trace.Status(trace.StatusCode.ERROR, 'x' * 100_000)); s.end()",
    ):
        assert kernel.run(code).output[1:] == ("", "", "", ""), code
        made += 1
    kernel.run("for i in range(17_000): t.start_span('many').end()")  # the sealing thread has all of them now
    rows = kernel.rows()
    assert sum(row["name"] not in ("many",) and not row["name"].startswith("cell [") for row in rows) == made
    assert sum(row["name"] == "many" for row in rows) == 17_000
    assert kernel.run("1").output == ("", "", "1", "", "")
    assert kernel.run("%spans table --last 1").status == "ok"
    assert "fault" not in status(kernel)


def test_a_name_whose_attributes_cannot_be_asked_is_a_name(kernel: Kernel) -> None:
    """On nbtrace's provider, where untraced code makes spans that take anything."""
    code = (
        "from opentelemetry import trace\n"
        "class G:\n"
        "    def __getattribute__(self, name): raise ValueError('getattribute')\n"
        "with trace.get_tracer('t').start_as_current_span(G()) as span: span.set_attribute(G(), G()); span.add_event(G())\n"
    )
    assert kernel.run(code).output == ("", "", "", "", "")
    assert len(kernel.rows()) == 2


HEAVY = {
    "attributes": (
        1_500,
        "for i in range({n}):\n  with t.start_as_current_span('h') as s:\n    for k in range(16): s.set_attribute(f'k{{k}}', f'{{i}}{{k}}' + 'x' * 60_000)",
    ),
    "long strings": (
        40,
        "for i in range({n}): t.start_span('h', attributes={{'text': f'{{i}}' + 'x' * 50_000_000}}).end()",
    ),
    "events": (
        200,
        "for i in range({n}):\n  s = t.start_span('h')\n  for k in range(100): s.add_event('e', {{'text': f'{{i}}{{k}}' + 'x' * 60_000}})\n  s.end()",
    ),
    "never ended": (10_000, "for i in range({n}): t.start_span('h', attributes={{'text': f'{{i}}' + 'x' * 50_000}})"),
    "wide text": (
        20_000,
        "for i in range({n}): t.start_span('h', attributes={{'text': f'{{i}}' + '\\U0001f600' * 900}}).end()",
    ),
    "tuples": (
        2_000,
        "for i in range({n}): t.start_span('h', attributes={{'v': [float(i + k) for k in range(1_000)]}}).end()",
    ),
}


@pytest.mark.parametrize(
    ("what", "provider"),
    [
        ("events", ""),
        pytest.param("events", _USER, marks=pytest.mark.once),
        *(pytest.param(what, "", marks=pytest.mark.once) for what in HEAVY if what != "events"),
        pytest.param("never ended", _USER, marks=pytest.mark.once),
    ],
)
def test_the_bound_in_bytes_holds_whatever_comes(bare_kernel: Kernel, what: str, provider: str) -> None:
    """Within a quarter, at every moment, by what Python and Arrow have allocated; what is gone is counted."""
    count, code = HEAVY[what]
    bound = 100_000_000 if what == "events" else 20_000_000  # a span of 6 MB is a third of the smaller one
    bare_kernel.run(
        f"{provider}\nimport gc, tracemalloc\n%load_ext nbtrace\n%config NBTrace.max_bytes = {bound}\n"
        "import nbtrace, pyarrow\nfrom opentelemetry import trace\nt = trace.get_tracer('t')\n"
        "nbtrace.spans(), t.start_span('first').end(); nbtrace.spans()"
    )
    # What is held between the steps is asked for, not what is in flight: the string of a step is the user's.
    step = max(1, count // 40)
    assert bare_kernel.run("tracemalloc.start()").status == "ok"
    told = bare_kernel.run(
        "peak = 0\nbefore = tracemalloc.get_traced_memory()[0] + pyarrow.total_allocated_bytes()\nmade = 0\n"
        f"for _ in range({count // step}):\n"
        + "".join(f"  {line}\n" for line in code.format(n=step).splitlines())
        + f"  s = None; made += {step}\n"
        "  peak = max(peak, tracemalloc.get_traced_memory()[0] + pyarrow.total_allocated_bytes() - before)\n"
        "store = nbtrace.live()._store\nimport json\n"
        "rec = nbtrace.live()\n"
        "unended = len([r for r in store.running_rows() if r[3] == 'h'])\n"
        "print(json.dumps([peak, made, len(rec) + rec.dropped_spans + unended, store.nbytes, rec.dropped_spans]))"
    )
    assert told.stderr == ""
    peak, made, known, nbytes, dropped = json.loads(told.stdout)
    assert known >= made
    assert nbytes <= bound * 1.25
    assert dropped > 0 or what in ("long strings", "tuples")  # cut, or sealed, they fit
    assert peak < bound * 1.25 + 6_000_000  # the tables of interned texts, of shapes and of tracemalloc's own


@pytest.mark.parametrize("before_loading", [False, True])
@pytest.mark.parametrize("processor", ["SimpleSpanProcessor", "BatchSpanProcessor"])
def test_a_provider_that_was_shut_down_lets_cells_go_on_silently(
    bare_kernel: Kernel, processor: str, before_loading: bool
) -> None:
    """Nothing is printed below a cell, the cells are recorded, the user's own spans are what they are, and status says why."""
    bare_kernel.run(
        "from opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor, BatchSpanProcessor\n"
        "from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter\n"
        "provider = TracerProvider(); exporter = InMemorySpanExporter()\n"
        f"provider.add_span_processor({processor}(exporter)); trace.set_tracer_provider(provider)"
    )
    if before_loading:
        bare_kernel.run("provider.shutdown()")
    bare_kernel.load()
    if not before_loading:
        bare_kernel.run("provider.shutdown()")
    for _ in range(3):
        assert bare_kernel.run("x = 1").output == ("", "", "", "", "")
    bare_kernel.run("import nbtrace")
    assert bare_kernel.run("with nbtrace.span('ours'): pass").output == ("", "", "", "", "")
    bare_kernel.run("with trace.get_tracer('t').start_as_current_span('theirs') as s: print(s.is_recording())")
    rows = {row["name"]: row for row in bare_kernel.rows()}
    assert sum(name.startswith("cell [") for name in rows) >= 6
    assert rows["ours"]["parent_span_id"] is not None
    assert rows["theirs"]["parent_span_id"] is not None
    said = status(bare_kernel)
    assert "has been shut down" in said
    assert "fault" not in said


def test_two_shells_in_one_process_unload_one_and_the_other_goes_on(bare_kernel: Kernel) -> None:
    bare_kernel.load()
    bare_kernel.run(
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import nbtrace.extension as e\n"
        "other = InteractiveShell()\ne.load(other)\nother.run_cell('y = 1')"
    )
    bare_kernel.run("e.unload(other)")
    bare_kernel.run("after_the_unload = 1")
    assert any("after_the_unload" in row["name"] for row in bare_kernel.rows())
    assert "is on" in status(bare_kernel)
    assert "No recording" not in status(bare_kernel)
    bare_kernel.run("%unload_ext nbtrace")
    assert bare_kernel.run("from nbtrace.capture.live import LIVE\nprint(LIVE.stores())").stdout == "[]\n"


@pytest.mark.parametrize("provider", ["", _USER])
def test_an_interrupted_loop_of_stock_spans_leaves_none_running(kernel: Kernel, provider: str) -> None:
    """One interrupt a cell, wherever it hits; each span is there once."""
    kernel.run(provider + "from opentelemetry import trace\nt = trace.get_tracer('t')\nmade = 0")
    for _ in range(25):
        message = kernel.start(
            # In one statement: while IPython compiles the next one, an interrupt can cost the reply, with old versions.
            "for told in (False,):\n    while True:\n        told = told or not print('go')\n"
            "        with t.start_as_current_span('stock'):\n            made += 1"
        )
        assert kernel.interrupt_when("go", message).ename == "KeyboardInterrupt"
    kernel.run("1/0")  # what the last traceback has held, a suspended generator say, is let go of
    told = kernel.run(
        "import gc, json, nbtrace\ngc.collect()\ntable = nbtrace.spans(name='stock')\n"
        "print(json.dumps([bool(table['span_id'].is_unique), len(table) >= made, int((table['state'] == 'running').sum())]))"
    ).stdout
    unique, complete, running = json.loads(told)
    assert unique
    assert complete
    assert running == 0


def test_a_cell_is_forgotten_with_its_source(kernel: Kernel) -> None:
    """%nbtrace forget: out of every answer; status counts it."""
    kernel.run("import nbtrace\npassword = 'hunter2'", cell_id="first")
    secret = kernel.run("with nbtrace.span('login', password='hunter2'): pass", cell_id="second")
    kernel.run("kept = 1")
    assert kernel.run(f"%nbtrace forget --cell {secret.execution_count}").stdout == "nbtrace: forgot 2 spans.\n"
    assert kernel.run("%nbtrace forget --where name.str.contains('hunter2')").status == "ok"
    assert kernel.run("%nbtrace forget --cell 2").status == "ok"
    # The question is no reason to find it either: it is put together.
    told = kernel.run(
        "w = 'hun' + 'ter2'\n"
        "print(w in nbtrace.cells().to_string(), w in nbtrace.spans().to_string(), w in str(nbtrace.text()), len(nbtrace.cells(asking=True)) > 2)"
    )
    assert told.stdout == "False False False True\n"
    assert "Forgotten because somebody asked for it: " in status(kernel)
    assert "Type for example  %nbtrace forget --cell" in kernel.run("%nbtrace forget").stderr
    assert "takes no --cell; %nbtrace forget does" in kernel.run("%nbtrace status --cell 3").stderr


def test_a_cell_whose_span_is_gone_is_forgotten_with_its_source_and_only_here(kernel: Kernel) -> None:
    """The bound has dropped the span, not the source; and another recording keeps its own."""
    kernel.run("import nbtrace, pickle\n%config NBTrace.max_spans = 8\nother = nbtrace.record().start()")
    cell = kernel.run("word = 'hunter2'\nwith nbtrace.span('kept elsewhere'): pass").execution_count
    kernel.run("for i in range(100):\n    with nbtrace.span('x'): pass")
    assert kernel.run(f"%nbtrace forget --cell {cell}").status == "ok"
    told = kernel.run(
        f"w = 'hun' + 'ter2'\nprint(w in pickle.dumps(nbtrace.live()).decode('latin-1'), "
        f"other.spans(cell={cell})['name'].tolist()[-1:], len(other.cells(cell={cell})))"
    ).stdout
    assert told == "False ['kept elsewhere'] 1\n"
    kernel.run("other.stop()")


def test_an_unfinished_span_is_called_so_everywhere(kernel: Kernel) -> None:
    kernel.run("import nbtrace\nfrom opentelemetry import trace\n_ = trace.get_tracer('t').start_span('lost'); del _")
    text = kernel.run("print(nbtrace.text())").stdout
    (line,) = [line for line in text.splitlines() if "lost" in line]
    assert "unfinished" in line
    assert "running" not in line


def test_a_finaliser_that_uses_nbtrace_at_exit_is_silent() -> None:
    """Nothing can be imported then."""
    program = (
        "import nbtrace\n"
        "class Late:\n"
        "    def __del__(self):\n"
        "        with nbtrace.span('late') as span:\n"
        "            span.set_attribute('n', 1)\n"
        "        nbtrace.spans()\n"
        "import sys\n"
        "sys.late = Late()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
