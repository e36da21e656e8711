"""What a notebook sends to Dask behaves as without nbtrace, and nests below its cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.kernels.kernel import Kernel, Reply, start_kernel
from tests.kernels.test_processes import Pair, Tree, is_task

pytest.importorskip("distributed")

CLIENT = """
import dask, time
from dask.distributed import Client, LocalCluster, as_completed, wait, worker_client
from opentelemetry import trace
tracer = trace.get_tracer("mine")
client = Client(n_workers=2, threads_per_worker=2, dashboard_address=None)

def work(x):
    with tracer.start_as_current_span(f"work {x}"):
        return x * x

def fail(x):
    with tracer.start_as_current_span("work fail"):
        raise ValueError(f"no {x}")

def nested(x):
    with worker_client() as inner:
        return sum(inner.gather(inner.map(work, range(x, x + 2))))

async def waits(x):
    with tracer.start_as_current_span(f"work {x}"):
        return x
"""

KINDS = {
    "map": "print(client.gather(client.map(work, range(8))))",
    "submit, of others' results": "print(client.submit(sum, client.map(work, range(8))).result())",
    "delayed": "print(dask.compute(*[dask.delayed(work)(x) for x in range(4)]))",
    "persist": "print(sum(client.gather(client.compute(client.persist([dask.delayed(work)(x) for x in range(4)])))))",
    "as completed": "print(sorted(f.result() for f in as_completed(client.map(work, range(4)))))",
    "sent by tasks": "print(client.submit(nested, 3).result())",
    "coroutines": "print(client.gather(client.map(waits, range(4))))",
    "one that fails": """
try:
    client.submit(fail, 3).result()
except ValueError:
    import traceback; traceback.print_exc(limit=-2)
""",
    "one that fails, and the cell": "client.submit(fail, 4).result()",
    "annotations of one's own": """
with dask.annotate(mine=3, priority=1):
    print(dask.get_annotations(), client.gather(client.map(work, range(2))))
print(dask.get_annotations())
""",
    "a result that cannot be pickled": """
try:
    client.submit(lambda: (i for i in range(3)), pure=False).result()
except BaseException as error:
    print(type(error).__name__)
""",
    "a function that cannot be sent": """
import threading
lock = threading.Lock()
try:
    client.submit(lambda: lock)
except TypeError as error:
    import traceback; print(traceback.format_exc())
""",
    "nothing but looking": "print(len(client.scheduler_info()['workers']), client.run(lambda: 1).values().__len__(), type(client._graph_to_futures))",
}

TASKS = {
    "map": {"work": 8},
    "submit, of others' results": {"work": 8, "sum": 1},
    "delayed": {"work": 4},
    "persist": {"work": 4},
    "as completed": {"work": 4},
    "sent by tasks": {"nested": 1, "work": 2},
    "coroutines": {"waits": 4},
    "one that fails": {"fail": 1},
    "one that fails, and the cell": {"fail": 1},
    "annotations of one's own": {"work": 2},
}


def _seen(reply: Reply) -> str:
    text = "\n".join([reply.status, reply.stdout, reply.stderr, reply.result, *reply.traceback])
    text = re.sub(r"ipykernel_\d+|\b\d{12,}\b|0x[0-9a-f]+|tcp://[\d.:]+|-[0-9a-f]{32}|In\[\d+\]", "…", text)
    return re.sub(r"20\d\d-\d\d-\d\d [\d:,]+|<class 'functools.partial'>|<class 'method'>", "…", text)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A kernel with nbtrace and one without, each with a cluster of its own."""
    pair = Pair(start_kernel(), start_kernel())
    try:
        pair.traced.load()
        for kernel in pair:
            assert kernel.run(CLIENT).status == "ok"
        said = pair.traced.run("%nbtrace dask")
        assert "nests below the cell" in said.stdout, said
        yield pair
        for kernel in pair:
            kernel.run("client.close()")
        assert pair.traced.clean()
    finally:
        for kernel in pair:
            kernel.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_cell_sends_to_dask(pair: Pair, kind: str) -> None:
    """Each task and span once, the span in the task, the task below the cell or the task that has sent it; a person sees what they
    would see without nbtrace."""
    plain, traced = (kernel.run(KINDS[kind]) for kernel in pair)
    assert _seen(plain) == _seen(traced)
    assert "nbtrace" not in _seen(traced), "a frame of nbtrace's is in a traceback"
    tree = Tree(pair.traced, traced.execution_count)
    tasks = [row for row in tree.rows if is_task(row)]
    names = [row["name"] for row in tasks]
    # One whose function, or result, cannot be sent has never run, or as often as Dask has tried.
    assert {name: names.count(name) for name in names} == TASKS.get(kind, {}) or kind not in TASKS
    for row in tree.rows:
        if row["name"].startswith("work "):
            assert tree.above(row)[0].startswith("▸"), "a span stands in its task"
    if kind == "sent by tasks":
        inner = [row for row in tasks if row["name"] == "work"]
        assert [tree.above(row) for row in inner] == [["▸nested"]] * 2


def test_what_was_sent_before_it_was_asked_for(kernel: Kernel) -> None:
    """Nothing is traced before %nbtrace dask, all is after it, and nothing after off; then Dask is as before."""
    kernel.run(CLIENT)
    before = kernel.run("print(client.submit(work, 1).result())")
    asked = kernel.run("%nbtrace dask client")
    after = kernel.run("print(client.submit(work, 2).result())")
    off = kernel.run("%nbtrace dask off")
    last = kernel.run("print(client.submit(work, 3).result())")
    assert [before.stdout, after.stdout, last.stdout] == ["1\n", "4\n", "9\n"]
    assert ("nests" in asked.stdout, off.stdout) == (True, "nbtrace: clients of Dask's are followed no more.\n")
    counts = [sum(map(is_task, Tree(kernel, reply.execution_count).rows)) for reply in (before, after, last)]
    assert counts == [0, 1, 0]
    left = kernel.run(
        "import json; print(json.dumps([type(vars(Client)['_graph_to_futures']).__name__, "
        "*client.run(lambda dask_worker: [name for name in dask_worker.plugins if 'nbtrace' in name]).values()]))"
    )
    assert json.loads(left.stdout) == ["function", [], []]
    assert kernel.run("client.close()").status == "ok"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%nbtrace dask nope", "there is no variable nope"),
        ("x = 3\n%nbtrace dask x", "x cannot be followed: int is no dask.distributed.Client"),
        ("%nbtrace dask client again", "again is one word too many behind %nbtrace dask"),
        ("client.close()\n%nbtrace dask client", "client cannot be followed: the client is closed"),
    ],
)
def test_what_cannot_be_followed(kernel: Kernel, line: str, said: str) -> None:
    """One line says why, and what to type."""
    kernel.run("from dask.distributed import Client\nclient = Client(processes=False, dashboard_address=None)")
    reply = kernel.run(line)
    assert said in reply.stderr
    assert "Traceback" not in reply.stderr
    kernel.run("client.close()")


def test_a_cluster_of_threads_in_the_kernel(kernel: Kernel) -> None:
    """Its spans are recorded once, in their tasks."""
    kernel.run(
        CLIENT.replace("n_workers=2, threads_per_worker=2", "processes=False, n_workers=1, threads_per_worker=3")
    )
    kernel.run("%nbtrace dask")
    reply = kernel.run("print(sum(client.gather(client.map(work, range(10)))))")
    tree = Tree(kernel, reply.execution_count)
    assert sorted(row["name"] for row in tree.rows if row["name"].startswith("work ")) == sorted(
        f"work {x}" for x in range(10)
    )
    assert {tuple(tree.above(row)) for row in tree.rows if row["name"].startswith("work ")} == {("▸work",)}
    assert sum(map(is_task, tree.rows)) == 10
    kernel.run("client.close()")


def test_the_client_is_closed_when_the_work_is_done(kernel: Kernel) -> None:
    """What its workers have recorded last comes home before; nothing is left running, and nothing asked in between."""
    kernel.run("%nbtrace dask")
    reply = kernel.run("""
from dask.distributed import Client
import time

def nap(x):
    time.sleep(0.03)
    return x

with Client(n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
    print(sum(client.gather(client.map(nap, range(10)))))
    try:
        client.submit(lambda: 1 / 0).result()
    except ZeroDivisionError:
        print("caught")
""")
    assert reply.stdout == "45\ncaught\n"
    tasks = list(filter(is_task, Tree(kernel, reply.execution_count).rows))
    assert sorted(row["name"] for row in tasks) == ["lambda", *["nap"] * 10]
    assert {row["state"] for row in tasks} == {"ended"}
    assert [row["name"] for row in tasks if row["status_code"] == "ERROR"] == ["lambda"]
    running = kernel.run("client = Client(n_workers=1, dashboard_address=':0')\nlong = client.submit(time.sleep, 60)")
    kernel.run(
        "while not client.processing() or not any(client.processing().values()): time.sleep(0.01)\nclient.close()"
    )
    left = list(filter(is_task, Tree(kernel, running.execution_count).rows))
    assert {row["state"] for row in left} <= {"unfinished"}, "what runs when its client is closed is nobody's any more"


@pytest.mark.parametrize(
    ("defined", "sent"),
    [
        ("def slow(s):\n    time.sleep(s)", "client.submit(slow, 0.3).result()"),
        ("@dask.delayed\ndef slow(s):\n    time.sleep(s)", "dask.compute(slow(0.3))"),
        ("class Job:\n  def slow(self, s):\n    time.sleep(s)", "client.submit(Job().slow, 0.3).result()"),
        (
            "def around(f):\n  import functools\n  return functools.wraps(f)(lambda *a: f(*a))\n@around\ndef slow(s):\n    time.sleep(s)",
            "client.submit(slow, 0.3).result()",
        ),
    ],
)
def test_lines_of_what_workers_ran(kernel: Kernel, defined: str, sent: str) -> None:
    """They stand beside the lines of the notebook, whatever has wrapped the function."""
    kernel.run(
        "import dask, time\nfrom dask.distributed import Client\nclient = Client(n_workers=1, dashboard_address=':0')"
    )
    kernel.run("%nbtrace dask")
    assert kernel.run(defined).status == "ok"
    reply = kernel.run(sent)
    assert reply.status == "ok", reply
    told = kernel.run(
        f"import json, nbtrace\nlines = nbtrace.lines(cell={reply.execution_count})\n"
        "print(json.dumps([text for text in lines.loc[lines['time'].dt.total_seconds() > 0.1, 'source'] if 'sleep' in text]))"
    )
    assert [text.strip() for text in json.loads(told.stdout)] == ["time.sleep(s)"], told
    kernel.run("client.close()")
