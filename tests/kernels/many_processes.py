"""Cells that send work to other processes, in every way that Python and joblib know, for tests that compare kernels.

Each prints what it has found, the same in every kernel, and keeps in `done` what its workers say of themselves: the name of each
span, and the process it was in."""

from __future__ import annotations

MODULE = "nbtrace_tried"

SOURCE = '''
"""What a person has in a file beside the notebook."""
import multiprocessing, os, sys, threading, time
from concurrent.futures import ProcessPoolExecutor
from opentelemetry import trace

tracer = trace.get_tracer("tried")

class Trouble(Exception):
    pass

def told(name):
    with tracer.start_as_current_span(name + " inner"):
        return [(name, os.getpid()), (name + " inner", os.getpid())]

def work(n, kind=""):
    name = f"{kind} work {n}"
    with tracer.start_as_current_span(name) as span:
        span.set_attribute("n", n)
        return told(name)

def two(n, kind):
    return work(n, kind)

def fail(n, kind=""):
    try:
        {}[n]
    except KeyError as error:
        raise Trouble("failed", n) from error

def run(found, n, kind):
    found.put(work(n, kind))

def end(n, kind=""):
    with tracer.start_as_current_span(f"{kind} work {n}"):
        raise SystemExit(3)

def threads(n, kind):
    found = []
    started = [threading.Thread(target=lambda i=i: found.extend(work(10 * n + i, kind))) for i in range(3)]
    for each in started: each.start()
    for each in started: each.join()
    return found

def forks(n, kind):
    found = work(n, kind)
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(write, repr(work(n + 100, kind)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe: found += eval(pipe.read())
    os.waitpid(pid, 0)
    return found

def pools(n, kind, method="fork"):
    found = work(n, kind)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        found += pool.submit(work, n + 100, kind).result()
        with tracer.start_as_current_span(f"{kind} work {n + 200}"):
            return found + [(f"{kind} work {n + 200}", os.getpid())] + pool.submit(work, n + 300, kind).result()

def spawned_pools(n, kind):
    return pools(n, kind, "spawn")

def processes(n, kind):
    found = work(n, kind)
    for at, method in enumerate(("fork", "spawn")):
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        started = context.Process(target=run, args=(queue, n + 100 + 100 * at, kind))
        started.start()
        found += queue.get()
        started.join()
    return found

def inner(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass

def spin(seconds):
    inner(seconds)
    return os.getpid()

def ended(seconds, fails=False):
    time.sleep(seconds)
    if fails:
        raise ValueError(time.time_ns())
    return time.time_ns()

called = []

def watch(fails=False):
    def note(frame, event, arg):
        if event in ("call", "c_call"):
            called.append((frame.f_code.co_filename, frame.f_code.co_name))
    sys.setprofile(note)
    if fails:
        raise ValueError

def watched():
    sys.setprofile(None)
    return called
'''

FIRST = f"""
import multiprocessing, os, pickle, sys, traceback, warnings
warnings.simplefilter("ignore")
from concurrent.futures import ProcessPoolExecutor
import {MODULE} as tried
from {MODULE} import *
done, kind = {{}}, ""
def notebook_work(n, kind=""):
    return work(n, kind)
def notebook_fail(n, kind=""):
    return fail(n, kind)
def keep(found):
    # What workers told: in a dict for the test, without processes on the screen.
    done.setdefault(kind, []).extend(tuple(each) for each in found)
    print(sorted(name for name, _ in found))
def tell(call):
    try:
        print(call())
    except BaseException as error:
        print(type(error), error.args, type(error.__cause__), error.__cause__)
        traceback.print_exception(error, file=sys.stdout)
def context(method):
    return multiprocessing.get_context(method)
"""

_EXECUTOR = """
with ProcessPoolExecutor(2, mp_context=context({method!r})) as pool:
    with tracer.start_as_current_span(kind + " send"):
        futures = [pool.submit({work}, n, kind) for n in range(3)] + [pool.submit({work}, n=3, kind=kind)]
        for each in futures: keep(each.result())
        for each in pool.map({work}, range(4, 9), [kind] * 5, chunksize=2): keep(each)
        tell(lambda: pool.submit({fail}, 1).result())
        tell(lambda: list(pool.map({fail}, [1, 2])))
"""

_POOL = """
with context({method!r}).Pool(2) as pool:
    with tracer.start_as_current_span(kind + " send"):
        keep(pool.apply({work}, (0, kind)))
        keep(pool.apply_async({work}, (1,), dict(kind=kind)).get())
        for each in pool.starmap({work}, [(n, kind) for n in range(2, 5)], chunksize=2): keep(each)
        import functools
        mapped = functools.partial({work}, kind=kind)
        for each in pool.map(mapped, range(5, 10), chunksize=2): keep(each)
        for each in pool.imap(mapped, range(10, 13)): keep(each)
        for each in sorted(pool.imap_unordered(mapped, range(13, 16), chunksize=2)): keep(each)
        tell(lambda: pool.apply({fail}, (1,)))
        tell(lambda: pool.map({fail}, [1, 2], chunksize=2))
        tell(lambda: list(pool.imap({fail}, [1, 2])))
        tell(lambda: pool.starmap_async({fail}, [(1, kind)]).get())
    pool.close(); pool.join()
"""

_PROCESS = """
with tracer.start_as_current_span(kind + " send"):
    queue = context({method!r}).Queue()
    started = [context({method!r}).Process(target=run, args=(queue, n, kind)) for n in range(2)]
    for each in started: each.start()
    for each in sorted(queue.get() for _ in started): keep(each)
    for each in started: each.join()
    print([each.exitcode for each in started])
    ended = context({method!r}).Process(target=end, args=(9, kind)); ended.start(); ended.join()
    print(ended.exitcode)
    done[kind].append((kind + " work 9", ended.pid))
"""

_JOBLIB = """
import joblib
with tracer.start_as_current_span(kind + " send"):
    with joblib.parallel_config(backend={backend!r}, n_jobs=2):
        for each in joblib.Parallel()(joblib.delayed({work})(n, kind) for n in range(6)): keep(each)
        tell(lambda: joblib.Parallel()(joblib.delayed({fail})(n) for n in [1]))
"""

_LOKY = """
from loky import get_reusable_executor
with tracer.start_as_current_span(kind + " send"):
    pool = get_reusable_executor(max_workers=2)
    for each in [pool.submit({work}, n, kind) for n in range(3)]: keep(each.result())
    for each in pool.map({work}, range(3, 6), [kind] * 3): keep(each)
    tell(lambda: pool.submit({fail}, 1).result())
"""

METHODS = ("fork", "spawn", "forkserver")
_OF_THE_NOTEBOOK = {"work": "notebook_work", "fail": "notebook_fail"}
_OF_A_MODULE = {"work": "work", "fail": "fail"}

KINDS: dict[str, str] = {}
for _method in METHODS:
    KINDS[f"executor, {_method}"] = _EXECUTOR.format(method=_method, **_OF_A_MODULE)
    KINDS[f"pool, {_method}"] = _POOL.format(method=_method, **_OF_A_MODULE)
    KINDS[f"process, {_method}"] = _PROCESS.format(method=_method)
KINDS["executor, notebook"] = _EXECUTOR.format(method="fork", **_OF_THE_NOTEBOOK)
KINDS["pool, notebook"] = _POOL.format(method="fork", **_OF_THE_NOTEBOOK)
for _backend in ("loky", "multiprocessing"):
    KINDS[f"joblib, {_backend}"] = _JOBLIB.format(backend=_backend, **_OF_A_MODULE)
    KINDS[f"joblib, {_backend}, notebook"] = _JOBLIB.format(backend=_backend, **_OF_THE_NOTEBOOK)
LOKY = {"loky": _LOKY.format(**_OF_A_MODULE), "loky, notebook": _LOKY.format(**_OF_THE_NOTEBOOK)}
"""Where loky is installed by itself."""
_INSIDE = """
with ProcessPoolExecutor(2, mp_context=context("fork")) as pool:
    with tracer.start_as_current_span(kind + " send"):
        for each in [pool.submit({work}, n, kind) for n in range(2)]: keep(each.result())
"""
KINDS["pools in pools"] = _INSIDE.format(work="pools")
KINDS["pools in pools, spawn"] = _INSIDE.format(work="spawned_pools")
KINDS["processes in pools"] = _INSIDE.format(work="processes")
KINDS["tasks that start threads"] = _INSIDE.format(work="threads")
KINDS["tasks that fork"] = _INSIDE.format(work="forks")
KINDS["a fork in the cell"] = """
with tracer.start_as_current_span(kind + " send"):
    keep(forks(0, kind))
"""
