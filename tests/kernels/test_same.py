"""A traced notebook behaves exactly as an untraced one: the same cells in two kernels, and every output compared."""

from __future__ import annotations

import re

import pytest

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
    "def recurse(): recurse()\nrecurse()",
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
    "quit",
]


def normal(text: str) -> str:
    """What differs between any two kernels is made alike: addresses, process ids, times, colours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"ipykernel_\d+", "ipykernel_N", text)
    text = re.sub(r"at (0x)?[0-9a-f]{8,}", "at ADDRESS", text)
    text = re.sub(r"Thread-\d+", "Thread-N", text)
    return re.sub(r"(CPU times|Wall time|user).*", "TIME", text)


def seen(reply: Reply) -> list[object]:
    """Everything a person sees of a cell."""
    traceback = [normal(part) for part in reply.traceback]
    return [*map(normal, reply.output), reply.displayed, traceback, reply.status, reply.execution_count]


@pytest.mark.parametrize("own_spans", [False, True])
def test_every_output_is_the_same_with_and_without(own_spans: bool) -> None:
    """Outputs, tracebacks and execution counts; with the spans looked at in between, too."""
    first = ["x = 0", "%load_ext nbtrace"]
    kernels = [start_kernel() for _ in first]
    try:
        for kernel, code in zip(kernels, first, strict=True):
            assert kernel.run(code).output == ("", "", "", "", "")
        for code in CELLS:
            untraced, traced = (seen(kernel.run(code)) for kernel in kernels)
            assert traced == untraced, code
            if own_spans:
                for kernel, look in zip(
                    kernels, ("1", "import nbtrace as _nb; _nb_table = _nb.spans(); del _nb, _nb_table"), strict=True
                ):
                    kernel.run(look, store_history=False, silent=True)
    finally:
        for kernel in kernels:
            kernel.stop()


def test_completion_and_inspection_are_the_same(kernel: Kernel) -> None:
    # Jedi answers within a time limit of its own, and with nothing on a busy machine.
    kernel.run("%config Completer.use_jedi = False\nsome_long_name = 1")
    kernel.client.complete("some_lo", 7)
    assert kernel.client.get_shell_msg(timeout=60)["content"]["matches"] == ["some_long_name"]
