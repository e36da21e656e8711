"""Whatever a cell sends to other processes behaves as without nbtrace, and comes home: every span once, below what sent it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.kernels.kernel import Kernel, Reply, start_kernel
from tests.kernels.many_processes import FIRST, KINDS, LOKY, MODULE, SOURCE


class Pair(NamedTuple):
    """Two kernels in which the same cells run."""

    plain: Kernel
    traced: Kernel

    def run(self, code: str) -> Reply:
        """Run a cell in both; what a person sees is the same."""
        replies = [kernel.run(code) for kernel in self]
        plain, traced = map(_seen, replies)
        assert plain == traced
        return replies[1]


def _seen(reply: Reply) -> list[str]:
    text = "\n".join([reply.status, *reply.output, *reply.traceback])
    text = re.sub(r"ipykernel_\d+", "ipykernel_1", text)
    text = re.sub(r"0x[0-9a-f]+|id='\d+'|In\[\d+\]", "0x1", text)
    # Before Python 3.12 what stands for a function takes some of the thousand levels that there are.
    text = re.sub(r"repeated \d+ more times", "repeated", text)
    # Whether `result` had to wait is the machine's affair.
    return re.sub(r"line \d+, in result\b", "line 1, in result", text).splitlines()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A kernel with nbtrace and one without."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / f"{MODULE}.py").write_text(SOURCE)
    pair = Pair(start_kernel(), start_kernel())
    try:
        pair.traced.load()
        pair.run(f"import sys; sys.path.insert(0, {str(folder)!r})")
        assert pair.run(FIRST).status == "ok"
        yield pair
        assert pair.traced.clean()
    finally:
        for kernel in pair:
            kernel.stop()


_ASK = """
import json as _json, nbtrace as _n
_t = _n.spans(attributes="dict")
_t = _t[_t["cell"] == {cell}]
print(_json.dumps([
    {{k: (None if v is None or v != v else int(v.value) if hasattr(v, "value") else v) for k, v in r.items()}}
    for r in _t.astype(object).where(_t.notna(), None).to_dict("records")], default=str))
"""


def rows_of(kernel: Kernel, cell: int | None) -> list[dict[str, Any]]:
    """The rows of a cell, whatever has become of them."""
    reply = kernel.run(_ASK.format(cell=cell), store_history=False)
    assert reply.status == "ok", reply
    found: list[dict[str, Any]] = json.loads(reply.stdout)
    return found


class Tree:
    """The rows of a cell, and how they hang together."""

    def __init__(self, kernel: Kernel, cell: int | None) -> None:
        self.rows = rows_of(kernel, cell)
        self.by_id = {row["span_id"]: row for row in self.rows}
        assert len(self.by_id) == len(self.rows), "a span is there twice"
        self.cell = next(row for row in self.rows if row["parent_span_id"] is None)
        assert self.cell["name"].startswith("cell [")

    def above(self, row: dict[str, Any]) -> list[str]:
        """The names of what a row hangs on, up to the cell; a task with its sign."""
        names = []
        at = self.by_id.get(row["parent_span_id"])
        while at is not None:
            names.append(f"▸{at['name']}" if is_task(at) else at["name"])
            parent = at["parent_span_id"]
            assert parent is None or parent in self.by_id, f"{at['name']} is an orphan"
            at = self.by_id.get(parent)
        assert names[-1].startswith("cell ["), f"{row['name']} is an orphan"
        return names[:-1]

    def places(self) -> dict[str, str]:
        """Of each span of the tasks, on what it hangs."""
        return {
            row["name"]: " < ".join(self.above(row)) for row in self.rows if "work " in row["name"] and not is_task(row)
        }


def is_task(row: dict[str, Any]) -> bool:
    """Whether it is one that nbtrace has made for a task."""
    return bool(row["scope_name"] == "nbtrace.tasks")


def tidy(names: list[str], kind: str) -> str:
    """Names without what tells one task from the other."""
    return " < ".join(re.sub(r"work \d+", "work", name.removeprefix(f"{kind} ")) for name in names)


_INSIDE = {
    "pools in pools": ["▸pools < send", "▸work < work < ▸pools < send", "▸work < ▸pools < send"],
    "pools in pools, spawn": [
        "▸spawned_pools < send",
        "▸work < work < ▸spawned_pools < send",
        "▸work < ▸spawned_pools < send",
    ],
    "processes in pools": ["▸processes < send"],
    "tasks that start threads": ["▸threads < send"],
    "tasks that fork": ["▸forks < send"],
    "a fork in the cell": ["send"],
    "process": ["send"],
}


def expected_places(kind: str) -> set[str]:
    """On what the spans of the tasks hang."""
    word = "▸notebook_work" if kind.endswith("notebook") else "▸work"
    return set(_INSIDE.get(kind) or _INSIDE.get(kind.split(",")[0]) or [f"{word} < send"])


@pytest.mark.parametrize("kind", [*KINDS, *LOKY])
def test_what_a_cell_sends_to_other_processes_comes_home(pair: Pair, kind: str) -> None:
    """Each span once, in its process, below its task and what has sent that; results, errors and tracebacks are those of a
    kernel without nbtrace."""
    if kind in LOKY:
        pytest.importorskip("loky", reason="loky is not installed by itself")
    reply = pair.run(f"kind = {kind!r}\n{(KINDS | LOKY)[kind]}")
    assert reply.status == "ok", reply.traceback
    assert "nbtrace/" not in reply.stdout, "a frame of nbtrace's is in a traceback"
    told = pair.traced.run("import json\nprint(json.dumps(done[kind]))", store_history=False)
    expected = Counter(map(tuple, json.loads(told.stdout)))
    tree = Tree(pair.traced, reply.execution_count)
    spans = [row for row in tree.rows if row["name"].startswith(f"{kind} work")]
    assert Counter((row["name"], row["process_pid"]) for row in spans) == expected
    outer = [row for row in spans if not row["name"].endswith("inner")]
    assert {tidy(tree.above(row), kind) for row in outer} == expected_places(kind)
    for row in spans:
        if row["name"].endswith("inner"):
            assert tree.by_id[row["parent_span_id"]]["name"] == row["name"].removesuffix(" inner")
    for row in tree.rows:
        assert row is tree.cell or tree.above(row) is not None
        assert row["state"] == "ended", row["name"]
        parent = tree.by_id.get(row["parent_span_id"], row)
        assert row["start_time"] >= parent["start_time"], row["name"]
        if is_task(row):
            assert row["process_pid"] != tree.cell["process_pid"]
            assert row["attributes"]["nbtrace.task.waited"] >= 0


_POOLS = {
    "executor": ("ProcessPoolExecutor(1, mp_context=context('fork'))", "kept.submit(work, n, 'in').result()"),
    "spawned executor": ("ProcessPoolExecutor(1, mp_context=context('spawn'))", "kept.submit(work, n, 'in').result()"),
    "pool": ("context('fork').Pool(1)", "kept.apply(work, (n, 'in'))"),
    "joblib": ("None", "joblib.Parallel(n_jobs=2, backend='loky')([joblib.delayed(work)(n, 'in')])[0]"),
}


@pytest.mark.parametrize("kind", _POOLS)
def test_a_pool_that_is_older_than_the_cell_or_nbtrace(pair: Pair, kind: str) -> None:
    """Its tasks belong to the cell that sends them, whether the pool was made in another one, before %load_ext, or has
    outlived an %unload_ext; without nbtrace they run as ever."""
    make, call = _POOLS[kind]
    use = f"with tracer.start_as_current_span('send'):\n    print({call}[0][0])"
    expected = {"in work 1": "▸work < send", "in work 1 inner": "in work 1 < ▸work < send"}
    pair.traced.run("%unload_ext nbtrace")
    pair.run(f"import joblib; n = 0; kept = {make}; print({call}[0][0])")
    pair.traced.load()
    for _ in range(2):
        assert Tree(pair.traced, pair.run(f"n = 1\n{use}").execution_count).places() == expected
    pair.traced.run("%unload_ext nbtrace")
    assert pair.run(use).stdout == "in work 1\n"
    pair.traced.load()
    assert Tree(pair.traced, pair.run(use).execution_count).places() == expected
    pair.run("getattr(kept, 'shutdown', getattr(kept, 'terminate', int))(); kept = None")


def test_what_is_called_when_a_task_is_done_belongs_to_whoever_asked_for_it(pair: Pair) -> None:
    """Though it is called in a thread of the pool's, while another cell runs; and so does what it sends."""
    sends = pair.run("""
import threading
gate, ready, later = context("fork").Event(), threading.Event(), []
def waits():
    gate.wait()
    return work(1, "in")
def then(future):
    later.append(kept.submit(work, 2, "in"))
    with tracer.start_as_current_span("work after"):
        ready.set()
kept = ProcessPoolExecutor(1, mp_context=context("fork"))
with tracer.start_as_current_span("send"):
    kept.submit(waits).add_done_callback(then)
""")
    other = pair.run("gate.set(); ready.wait(); print(later[0].result()[0][0])\nkept.shutdown()")
    assert other.stdout == "in work 2\n"
    assert [row["name"] for row in Tree(pair.traced, other.execution_count).rows[1:]] == []
    assert Tree(pair.traced, sends.execution_count).places() == {
        "in work 1": "▸waits < send",
        "in work 1 inner": "in work 1 < ▸waits < send",
        "work after": "send",
        "in work 2": "▸work < send",
        "in work 2 inner": "in work 2 < ▸work < send",
    }


_MOCKED = {
    "submit is mocked": """
import inspect
from unittest import mock
with ProcessPoolExecutor(1, mp_context=context("fork")) as pool:
    with mock.patch.object(ProcessPoolExecutor, "submit", autospec=True) as m:
        print(pool.submit(work, 1, kind="m"), m.call_args[0][1:], m.call_args[1], inspect.signature(pool.submit))
        tell(pool.submit)
    print(pool.submit(work, 1).result()[0][0])
    with mock.patch.object(pool, "submit", wraps=pool.submit) as m:
        print(pool.submit(work, 2).result()[0][0], list(pool.map(work, [3]))[0][0][0], m.mock_calls[0], len(m.mock_calls))
    with mock.patch.object(ProcessPoolExecutor, "submit", autospec=True, side_effect=ProcessPoolExecutor.submit) as m:
        print(pool.submit(work, 2).result()[0][0], list(pool.map(work, [3]))[0][0][0], len(m.mock_calls))
""",
    "an executor is mocked": """
import inspect
from unittest import mock
spec = mock.create_autospec(ProcessPoolExecutor)
print(sorted(n for n in dir(spec) if n[0] != "_"), inspect.signature(spec.submit), inspect.signature(spec))
spec = mock.create_autospec(ProcessPoolExecutor, instance=True)
print(spec.submit(work, 1)); spec.submit.assert_called_once_with(work, 1)
print(inspect.getsource(ProcessPoolExecutor.submit), inspect.signature(ProcessPoolExecutor.map))
""",
    "a pool is mocked": """
import inspect, multiprocessing.pool
from unittest import mock
Pool = multiprocessing.pool.Pool
with mock.patch("multiprocessing.Pool", autospec=True) as P, mock.patch("multiprocessing.Process", autospec=True) as Q:
    multiprocessing.Pool(2).map(work, [1]); multiprocessing.Process(target=work).start()
    print(P.mock_calls, Q.mock_calls)
with mock.patch.object(Pool, "apply_async", autospec=True) as m, mock.patch.object(Pool, "__del__", autospec=True):
    with mock.patch.object(Pool, "__init__", autospec=True, return_value=None):
        pool = Pool(1)
        pool.apply_async(work, (1,)); print(m.call_args[0][1:], hasattr(pool, "_taskqueue"))
with mock.patch.object(multiprocessing.process.BaseProcess, "start", autospec=True) as s:
    context("fork").Process(target=work).start(); print(s.call_count)
spec = mock.create_autospec(Pool, instance=True)
spec.map(work, [1]); print(spec.mock_calls, inspect.signature(spec.imap), sorted(n for n in dir(spec) if n[0] != "_"))
print(inspect.getsource(Pool._map_async))
""",
}


@pytest.mark.parametrize("case", _MOCKED)
def test_who_mocks_finds_the_original(pair: Pair, case: str) -> None:
    """By name, by signature and by source."""
    assert pair.run(_MOCKED[case]).status == "ok"


def test_a_library_that_wraps_what_pools_do_may_come_and_go(pair: Pair) -> None:
    """Put around it while nbtrace is loaded, it stays when that goes; and where it was not, all is as before."""
    pair.traced.run("%unload_ext nbtrace")
    pair.run("""
import concurrent.futures.process as of_executor
def known():
    config = dict(multiprocessing.process.current_process()._config)
    return [*sys.meta_path], dict(vars(Pool)), config, dict(vars(of_executor._WorkItem)), dict(vars(ProcessPoolExecutor))
Pool = multiprocessing.pool.Pool
before = known()
""")
    pair.traced.load()
    pair.traced.run("%unload_ext nbtrace")
    assert pair.run("print(known() == before)").stdout == "True\n"
    pair.traced.load()
    wrap = """
calls = []
def wrapped(function):
    def wrapper(*args, **kwargs):
        calls.append(function.__name__)
        return function(*args, **kwargs)
    return wrapper
originals = []
for owner, name in ((ProcessPoolExecutor, "submit"), (of_executor._WorkItem, "__init__"), (Pool, "apply_async")):
    originals.append((owner, name, vars(owner)[name]))
    setattr(owner, name, wrapped(vars(owner)[name]))
"""
    use = """
with ProcessPoolExecutor(1, mp_context=context("fork")) as pool, context("fork").Pool(1) as other:
    print(pool.submit(work, 1, "in").result()[0][0], list(pool.map(work, [2]))[0][0][0], other.apply(work, (4, "in"))[0][0])
    tell(lambda: pool.submit(fail, 3).result())
    tell(lambda: other.apply(fail, (3,)))
print(calls)
"""
    seen = pair.run(wrap + use)
    assert seen.status == "ok", seen.traceback
    places = Tree(pair.traced, seen.execution_count).places()
    assert {name: place for name, place in places.items() if not name.endswith("inner")} == {
        "in work 1": "▸work",
        " work 2": "▸work",
        "in work 4": "▸work",
    }
    pair.traced.run("%unload_ext nbtrace")
    assert pair.run(use).status == "ok"
    assert pair.run("for each in originals: setattr(*each)" + use).status == "ok"
    pair.traced.load()


_CANNOT = """
import threading, joblib
lock = threading.Lock()
def takes(x): return x
class Unsendable:
    def __reduce__(self): raise ValueError("cannot be sent")
def nested():
    def inner(n): return n
    return inner
def cases(send):
    for function, value in ((lambda n: n, 1), (nested(), 1), (takes, lock), (takes, Unsendable()), (takes, (n for n in ()))):
        tell(lambda: send(function, value))
def start(method, function, value):
    process = context(method).Process(target=function, args=(value,)); process.start(); process.join()
    return process.exitcode
"""
_CASES = """
with ProcessPoolExecutor(1, mp_context=context({method!r})) as pool:
    cases(lambda function, value: pool.submit(function, value).result())
    cases(lambda function, value: list(pool.map(function, [value])))
with context({method!r}).Pool(1) as pool:
    cases(lambda function, value: pool.apply(function, (value,)))
    cases(lambda function, value: pool.map(function, [value]))
    cases(lambda function, value: list(pool.imap(function, [value])))
cases(lambda function, value: start({method!r}, function, value))
"""


def test_what_cannot_be_sent_is_refused_in_the_same_words(pair: Pair) -> None:
    """Lambdas, functions within functions, locks: what pickle says, and where."""
    pair.run(_CANNOT)
    for method in ("fork", "spawn"):
        assert pair.run(_CASES.format(method=method)).stdout.count("Error") > 20
    for backend in ("loky", "multiprocessing"):
        said = pair.run(
            f"cases(lambda function, value: joblib.Parallel(2, backend={backend!r})([joblib.delayed(function)(value)] * 2))"
        )
        assert said.stdout.count("Error") > 2


def test_workers_that_end_badly_end_as_ever(pair: Pair) -> None:
    """By an exit, an interrupt, a result or an error that cannot be sent, or one that cannot be made again."""
    said = pair.run("""
import threading
class Unpicklable(Exception):
    def __init__(self, a):
        super().__init__(a)
        self.lock = threading.Lock()
class Two(Exception):
    def __init__(self, a, b): super().__init__("two")
def bad_result(n): return threading.Lock()
def bad_error(n): raise Unpicklable(n)
def two(n): raise Two(1, 2)
def dies(n): os._exit(4)
def exits(n): sys.exit(4)
def interrupts(n): raise KeyboardInterrupt
def deep(n): return deep(n)
for function in (bad_result, bad_error, exits, interrupts, dies, two, deep):
    with ProcessPoolExecutor(1, mp_context=context("fork")) as pool: tell(lambda: pool.submit(function, 1).result())
for function in (bad_result, bad_error, deep):
    with context("fork").Pool(1) as pool: tell(lambda: pool.apply(function, (1,)))
""")
    assert said.status == "ok", said.traceback
    assert "nbtrace/" not in said.stdout


_SAMPLED = """
_s = _n.samples(); _s = _s[(_s["cell"] == {cell}) & (_s["process_pid"] != os.getpid())]
_names = dict(zip(_n.spans()["span_id"], _n.spans()["name"]))
print(_json.dumps([
    [int(pid), [str(each).split(" ")[0] for each in stack], _names[span], cpu.value, wall.value]
    for pid, stack, span, cpu, wall in zip(*(_s[name] for name in ("process_pid", "stack", "span_id", "cpu", "wall")))]))
"""


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (
            "executor",
            "with ProcessPoolExecutor(2, mp_context=context('fork')) as pool:\n    go(pool.map(spin, [0.3] * 2))",
        ),
        ("pool", "with context('spawn').Pool(2) as pool:\n    go(pool.map(spin, [0.3] * 2, chunksize=1))"),
        (
            "joblib",
            "import joblib\ngo(joblib.Parallel(2, backend='loky')(joblib.delayed(spin)(0.3) for _ in range(2)))",
        ),
        (
            "process",
            "for _ in range(2):\n    p = context('fork').Process(target=spin, args=(0.3,)); p.start(); p.join(); go([p.pid])",
        ),
    ],
)
def test_what_workers_do_is_sampled(pair: Pair, kind: str, code: str) -> None:
    """From the function of the task on, with what it computes, in the process and below the task; a worker that waits for the next
    one gives no sample, though its pool is there all the while."""
    pair.traced.run(
        "import json as _json, time, nbtrace as _n\npids = set()\ndef go(found): pids.update(found); time.sleep(0.4)"
    )
    reply = pair.traced.run(f"pids.clear()\n{code}")
    assert reply.status == "ok", reply.traceback
    said = pair.traced.run(_SAMPLED.format(cell=reply.execution_count) + "print(_json.dumps(sorted(pids)))")
    samples, pids = map(json.loads, said.stdout.splitlines())
    assert sorted({each[0] for each in samples}) == pids
    samples = [
        each for each in samples if each[1][0] != "_find_and_load"
    ]  # what a worker imports before its first task
    assert {tuple(each[1][:2]) for each in samples} <= {("spin", "inner"), ("spin",)}
    assert {each[2].split(" ")[0] for each in samples} == {"cell" if kind == "process" else "spin"}
    for pid in pids:
        walls = [wall for found, *_, wall in samples if found == pid]
        assert sum(walls) > 150_000_000
        assert sum(cpu for found, *_, cpu, _ in samples if found == pid) > 0


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system does not tell what its threads do")
def test_a_worker_that_waits_for_long_does_nothing(pair: Pair) -> None:
    """The thread that samples it rests, until there is work again."""
    said = pair.traced.run("""
def switches(pid):
    files = [f"/proc/{pid}/task/{task}/status" for task in os.listdir(f"/proc/{pid}/task")]
    return sum(int(line.split()[1]) for file in files for line in open(file) if line.startswith("voluntary_ctxt"))
import time
kept = ProcessPoolExecutor(1, mp_context=context("fork"))
pid, until, before = kept.submit(spin, 0.2).result(), time.monotonic() + 20, -1
while before != (before := switches(pid)) and time.monotonic() < until: time.sleep(0.5)
print(before == switches(pid), len(os.listdir(f"/proc/{pid}/task")))
""")
    assert said.stdout == "True 2\n"
    more = pair.traced.run("kept.submit(spin, 0.3).result(); kept.shutdown()")
    said = pair.traced.run(_SAMPLED.format(cell=more.execution_count))
    assert len(json.loads(said.stdout)) > 3


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_task_ends_when_its_function_does(pair: Pair, method: str) -> None:
    """Also when it raises; nothing of nbtrace's is called between that and the worker's asking for the next."""
    seen = pair.traced.run(f"""
from {MODULE} import *
found = []
with ProcessPoolExecutor(1, mp_context=context({method!r})) as pool:
    for fails in (False, True):
        try:
            found.append(pool.submit(ended, 0.03, fails).result())
        except ValueError as error:
            found.append(*error.args)
    calls = []
    for fails in (False, True):
        failed = pool.submit(watch, fails).exception()
        calls.append(pool.submit(watched).result())
import json
print(json.dumps([found, calls]))
""")
    assert seen.status == "ok", seen.traceback
    truths, calls = json.loads(seen.stdout)
    ends = [row["end_time"] for row in Tree(pair.traced, seen.execution_count).rows if row["name"] == "ended"]
    for truth, end in zip(truths, ends, strict=True):
        assert -1_000_000 < end - truth < 50_000_000
    for each in calls:
        asks = each.index(next(call for call in each if call[1] == "get" and call[0].endswith("queues.py")))
        assert asks > 0
        assert [file for file, _ in each[:asks] if "nbtrace/" in file] == []
        assert [file for file, _ in each[asks:] if "nbtrace/" in file] != [], "the next task is not seen to arrive"
