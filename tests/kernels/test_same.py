"""A traced notebook behaves exactly as an untraced one: the same cells in two kernels, and every output compared."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import nbtrace
from tests.kernels import busy_cells
from tests.kernels.kernel import Kernel, Reply, start_kernel

CELLS = [
    "x = 1\nprint('out')\nimport sys\nprint('err', file=sys.stderr)\nx",
    "1/0",
    "def inner():\n    raise ValueError('boo')\ndef outer():\n    try:\n        inner()\n    except ValueError as e:\n        raise KeyError('k') from e\nouter()",
    "def f(:",
    "  x = 1\n y = 2",
    "import asyncio\nawait asyncio.sleep(0)\nx",
    "await asyncio.sleep(0)\nouter()",
    "async def fail():\n    raise RuntimeError('async')\nawait asyncio.gather(fail(), fail())",
    "raise SystemExit(3)",
    "%%capture cap\nprint('captured')\n5",
    "cap.stdout",
    "%%capture\n1/0",
    "%%bash\necho hi; echo no >&2",
    "%%bash\nexit 3",
    "%nonsense",
    "%%nonsense\nx",
    "!echo shell",
    "get_ipython().run_cell('print(x); x').result",
    "get_ipython().run_cell('1/0').success",
    "exec('raise ValueError(1)')",
    "import warnings\nwarnings.warn('once')",
    "for _ in range(2): warnings.warn('loop')",
    "warnings.warn('once more', DeprecationWarning)",
    "import logging\nlogging.warning('root')\nlogging.getLogger('lib').warning('lib')",
    "from opentelemetry import trace\ntracer = trace.get_tracer('lib')\nwith tracer.start_as_current_span('work') as span:\n    span.set_attribute('bad', object())\n    span.set_attribute('', 1)\n    span.end()\n    span.set_attribute('late', 1)\n    span.end()",
    "class Evil(Exception):\n    def __str__(self): raise RuntimeError('no')\nwith tracer.start_as_current_span('work'):\n    raise Evil",
    "@tracer.start_as_current_span('decorated')\ndef decorated(n):\n    return n + 1\ndecorated(1)",
    "with tracer.start_as_current_span('work'):\n    outer()",
    "@tracer.start_as_current_span('failing')\ndef failing():\n    outer()\nfailing()",
    "@tracer.start_as_current_span('failing')\nasync def failing():\n    outer()\nawait failing()",
    "with tracer.start_span('work') as span:\n    outer()",
    "with trace.use_span(tracer.start_span('work'), end_on_exit=True):\n    outer()",
    "import threading\nt = threading.Thread(target=outer)\nt.start(); t.join()",
    "t.start()",
    "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool:\n    pool.submit(outer).result()",
    "import random\nrandom.seed(0)\nrandom.random()",
    "random.random()",
    "from opentelemetry.sdk.trace import TracerProvider\nfrom opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor\nprovider = TracerProvider()\ntrace.set_tracer_provider(provider)\nprint(type(trace.get_tracer_provider()).__name__)",
    "random.seed(1)\nwith trace.get_tracer('mine').start_as_current_span('seeded'):\n    with trace.get_tracer('mine').start_as_current_span('child'):\n        pass\nrandom.random()",
    "trace.set_tracer_provider(TracerProvider())",
    "with trace.get_tracer('mine').start_as_current_span('mine') as span:\n    span.set_attribute('bad', object)\nspan.end()",
    "import contextvars\nv = contextvars.ContextVar('v', default=0)\n_ = v.set(1)",
    "v.get()",
    "from opentelemetry import baggage, context\ntoken = context.attach(baggage.set_baggage('a', 'b'))",
    "baggage.get_baggage('a')",
    "context.detach(token)\nbaggage.get_baggage('a')",
    "import gc, sys\nclass Thing: pass\nthing = Thing()\nsys.getrefcount(thing)",
    "_, __, len(In) > 3, 5 in Out or True",
    "def g():\n    yield 1\nlist(g())",
    "from IPython.display import display, HTML\ndisplay(HTML('<b>hi</b>'))",
    "sorted(set(globals()) - {'_i', '_ii'})[:5]",
    "len?",
    "%pip --version\n",
    "limit = sys.getrecursionlimit()\ndef recurse(): recurse()\ntry:\n    sys.setrecursionlimit(200); recurse()\nfinally:\n    sys.setrecursionlimit(limit)",
    "assert x == 2, 'message'",
    "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
    "e = ValueError('noted')\ne.add_note('a note')\nraise e",
    "import inspect\ninspect.currentframe().f_back is not None, inspect.stack()[0].function",
    "%%timeit -n1 -r1 -q\nx",
    "%xmode Minimal",
    "outer()",
    "%xmode Verbose",
    "outer()",
    "%debug_nothing",
    "x = 5;\nx",
    "x;",
    "%time x",
]

LAST = "quit"


def normal(text: str) -> str:
    """What differs between any two kernels is made alike: addresses, process ids, times, colours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"ipykernel_\d+", "ipykernel_N", text)
    text = re.sub(r"at (0x)?[0-9a-f]{8,}", "at ADDRESS", text)
    text = re.sub(r"Thread-\d+", "Thread-N", text)
    text = re.sub(r"/tmp/tmp\w+", "FOLDER", text)
    return re.sub(r"(CPU times|Wall time|user).*", "TIME", text)


def seen(reply: Reply) -> list[object]:
    """Everything a person sees of a cell."""
    traceback = [normal(part) for part in reply.traceback]
    return [*map(normal, reply.output), reply.displayed, traceback, reply.status, reply.execution_count]


FIRST = "100 Hz"
OFTEN = "1,000 Hz, from the first millisecond"

TRACED: dict[str, tuple[int, str, str]] = {
    FIRST: (100, "", ""),
    "100 Hz, looked at in between, with a journal": (
        100,
        "",
        "import nbtrace as _nb; _nb_table = _nb.spans(); del _nb, _nb_table",
    ),
    # Cells that end before a hundredth of a second are not looked at but for this.
    OFTEN: (
        1000,
        "import nbtrace.capture.instruments.sampler as _s; _s.FIRST_S = 0.001; del _s",
        "",
    ),
}
"""How often a second the threads of a cell are looked at, what is run before, and what after each cell, where nobody sees it."""


HELD = "import nbtrace\nfrom nbtrace import faults\nprint(len(nbtrace.live()._store.samples), faults.faults())"
"""How many samples there are: the comparison has been one with cells that were looked at."""


def started(first: str) -> Kernel:
    kernel = start_kernel()
    assert kernel.run(first).output == ("", "", "", "", "")
    assert kernel.run(busy_cells.SETUP, store_history=False).output == ("", "", "", "", "")
    return kernel


def test_every_output_is_the_same_with_and_without(tmp_path: Path) -> None:
    """Outputs, tracebacks and execution counts; however often the cells are looked at, with their spans asked for in between, and
    with a journal of all of it."""
    untraced = started("extension = 'IPython.extensions.storemagic'")
    kernels = {"untraced": untraced}
    try:
        for mode, (rate, before, _) in TRACED.items():
            kernels[mode] = started(
                f"get_ipython().config.NBTrace.sampling = {rate}; extension = 'nbtrace'\n"
                f"get_ipython().config.NBTrace.journal = {'' if mode == FIRST else str(tmp_path / f'{rate}.journal')!r}\n"
                f"%load_ext nbtrace\n{before}"
            )
        different: list[str] = []
        for code in [*CELLS, *busy_cells.CELLS.values(), LAST]:
            if code == LAST:
                found = {mode: kernels[mode].run(HELD, store_history=False).stdout.split(maxsplit=1) for mode in TRACED}
                assert all(int(samples) > 50 and faults == "[]\n" for samples, faults in found.values()), found
                assert (nbtrace.recover(tmp_path)["state"] == "running").sum() == 2, (
                    "the journals are written to the end"
                )
            replies = together(kernels, code)
            for _ in range(2):
                # On a machine that is too small what a cell gives may hang on chance, in the untraced kernel too; and where the
                # system takes the processor from the sampling thread within a look, the code goes on within it. Not each time.
                if code != LAST and any(replies[mode] != replies["untraced"] for mode in TRACED):
                    replies = together(kernels, code)
            for mode, (_, _, after) in TRACED.items():
                if replies[mode] != replies["untraced"]:
                    different.append(f"{mode}:\n{code}\n{difference(replies['untraced'], replies[mode])}")
                if after and code != LAST:  # which has ended it
                    kernels[mode].run(after, store_history=False, silent=True)
        assert not different, "\n\n".join(different)
        for mode, kernel in kernels.items():
            assert kernel.manager.provisioner.process.wait(30) == 0, mode
    finally:
        for kernel in kernels.values():
            kernel.stop()


def together(kernels: dict[str, Kernel], code: str) -> dict[str, list[object]]:
    """What a cell gives in each kernel, run in all at the same time: they are as busy as each other."""
    running = {mode: kernel.start(code) for mode, kernel in kernels.items()}
    return {mode: seen(kernels[mode].wait(message)) for mode, message in running.items()}


def difference(untraced: list[object], traced: list[object]) -> str:
    """The lines that are not the same."""
    lines = ("\n".join(map(str, each)).replace("\\n", "\n").splitlines() for each in (untraced, traced))
    return "\n".join(difflib.unified_diff(*lines, "untraced", "traced", lineterm="", n=0))


def test_completion_and_inspection_are_the_same(kernel: Kernel) -> None:
    # Jedi answers within a time limit of its own, and with nothing on a busy machine.
    kernel.run("%config Completer.use_jedi = False\nsome_long_name = 1")
    kernel.client.complete("some_lo", 7)
    assert kernel.client.get_shell_msg(timeout=60)["content"]["matches"] == ["some_long_name"]
