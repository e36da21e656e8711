"""Cells that would notice a thread that looks at them: each works long enough to be looked at often, and tells what it found.

Enters: nothing. Leaves: CELLS, by situation. What a cell prints is the same in any two kernels: counts, names and verdicts,
no times. Some ask IPython 8 or Python 3.12 for nothing that older ones lack; what is missing is told in the same words."""

from __future__ import annotations

SETUP = '''
import gc, inspect, io, os, signal, sqlite3, sys, threading, time, warnings, weakref
def busy(seconds=0.06):
    """Compute, in frames that come and go."""
    until, turns = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        turns += len(sorted(range(50), key=lambda n: -n))
    return turns > 0
def count_threads():
    """How many there are, but for IPython's own, which comes and goes around forks, and those that Python only knows by hearsay."""
    return sum(not any(word in each.name.lower() for word in ("history", "dummy")) for each in threading.enumerate())
def mine(path):
    return os.path.basename(path) if "ipykernel" not in path else "a cell"
def ours(files):
    """What was seen of the thread that looks."""
    return sorted({os.path.basename(file) for file in files} & {"sampler.py", "stack_reading.py", "thread_reading.py", "stacks.py"})
'''

CELLS: dict[str, str] = {
    # ── what the interpreter tells of itself ─────────────────────────────────────────────────────────────────────────
    "threads": """
%xmode Context
busy()
print(sorted(each.name for each in threading.enumerate() if "history" not in each.name.lower()), count_threads())
print(type(threading.current_thread()).__name__, threading.current_thread() is threading.main_thread())
""",
    "stack": """
def stack():
    busy()
    return [(each.function, each.lineno, mine(each.filename)) for each in inspect.stack()]
print(*stack(), sep="\\n")
""",
    "stack in a magic": "%%time\nprint(*stack(), sep='\\n')",
    "stack in an await cell": "import asyncio\nawait asyncio.sleep(0.03)\nprint(*stack(), sep='\\n')",
    "stack of a thread": """
found = []
t = threading.Thread(target=lambda: found.extend(stack())); t.start(); t.join()
print(*found, sep="\\n")
""",
    "hooks": """
busy()
print(sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), sys.getrecursionlimit())
print([sys.monitoring.get_tool(n) for n in range(6)] if hasattr(sys, "monitoring") else "no monitoring")
print([signal.getsignal(each) for each in (signal.SIGPROF, signal.SIGALRM, signal.SIGUSR1)], signal.getitimer(signal.ITIMER_PROF))
print(sys.excepthook.__name__, threading.excepthook.__name__, sys.unraisablehook is sys.__unraisablehook__, gc.isenabled())
""",
    # ── who holds what ───────────────────────────────────────────────────────────────────────────────────────────────
    "references": """
def held():
    local = object()
    counts, referrers = set(), set()
    until = time.perf_counter() + 0.1
    while time.perf_counter() < until:
        counts.add(sys.getrefcount(local))
        referrers.add(len(gc.get_referrers(local)))
        busy(0.002)
    return counts, referrers
print(held(), sys.getrefcount(held) < 10)
""",
    "variables die with their frame": """
class Local: pass
def leaves():
    local = Local()
    ref = weakref.ref(local)
    len(sorted(range(200), key=lambda n: -n))
    return ref
until, alive = time.perf_counter() + 0.2, 0
while time.perf_counter() < until:
    alive += leaves()() is not None
print(alive)
""",
    "variables of a frame that fails die with its traceback": """
def fails():
    local = Local()
    refs.append(weakref.ref(local))
    busy(0.002)
    raise ValueError
alive = 0
for _ in range(50):
    refs = []
    try:
        fails()
    except ValueError:
        pass
    alive += refs[0]() is not None
print(alive)
""",
    "finalizers run in their thread": """
class Checked:
    def __init__(self): self.thread = threading.get_ident()
    def __del__(self):
        if threading.get_ident() != self.thread: wrong.append("__del__")
def make():
    checked = Checked()
    ref = weakref.ref(Checked(), lambda _: threading.get_ident() == here or wrong.append("callback"))
    weakref.finalize(checked, lambda: threading.get_ident() == here or wrong.append("finalize"))
    return len(sorted(range(20), key=lambda n: -n))
def generate():
    kept = Checked()
    try:
        yield kept
    finally:
        threading.get_ident() == here or wrong.append("generator")
wrong, here = [], threading.get_ident()
until = time.perf_counter() + 0.3
while time.perf_counter() < until:
    make()
    next(generate())
print(sorted(set(wrong)))
""",
    "finalizers run in their thread, circles included": """
def circle():
    one, two = Checked(), Checked()
    one.other, two.other = two, one
until = time.perf_counter() + 0.1
while time.perf_counter() < until:
    for _ in range(50): circle()
    gc.collect(0)
gc.collect()
print(sorted(set(wrong)))
""",
    "connections are closed in their thread": """
class Connection:
    def __init__(self): self.opened = sqlite3.connect(":memory:")
    def __del__(self): self.opened.close()  # complains in another thread
def query():
    connection = Connection()
    cursor = connection.opened.execute("select 1 union select 2")
    return cursor.fetchone()
until, answers = time.perf_counter() + 0.2, set()
while time.perf_counter() < until:
    answers.add(query())
print(answers)
""",
    "connections of a pool's threads": """
from concurrent.futures import ThreadPoolExecutor
def queries(n):
    until = time.perf_counter() + 0.1
    while time.perf_counter() < until: answer = query()
    return answer
with ThreadPoolExecutor(4) as pool: print(list(pool.map(queries, range(4))))
""",
    "frozen": """
gc.collect(); gc.freeze()
print(gc.get_freeze_count() > 1000, busy(), gc.collect() >= 0)
gc.unfreeze()
print(gc.get_freeze_count(), gc.collect() >= 0, gc.collect(), gc.garbage)
""",
    "collections switched off": """
gc.disable(); gc.collect()
before = gc.get_count()[2]
print(busy(0.1), gc.isenabled(), gc.get_count()[2] == before, gc.collect())
gc.enable()
""",
    # ── who looks at what runs ───────────────────────────────────────────────────────────────────────────────────────
    "lines traced": """
def loop(n):
    total = 0
    for i in range(n):
        total += i
    return total
seen, lines = set(), 0
def tracer(frame, event, arg):
    global lines
    seen.add(frame.f_code.co_filename)
    lines += event == "line" and frame.f_code is loop.__code__
    return tracer
sys.settrace(tracer)
try:
    loop(60_000); loop(60_000)
finally:
    sys.settrace(None)
print(lines, ours(seen))
""",
    "calls profiled": """
calls = 0
def profiler(frame, event, arg):
    global calls
    seen.add(frame.f_code.co_filename)
    calls += frame.f_code.co_name == "<lambda>"
sys.setprofile(profiler)
try:
    for _ in range(1_000): sorted(range(50), key=lambda n: -n)
finally:
    sys.setprofile(None)
print(calls, ours(seen))
""",
    "lines of all threads traced": """
busy()
everywhere = getattr(threading, "settrace_all_threads", threading.settrace)
seen = set()
def tracer(frame, event, arg):
    seen.add(frame.f_code.co_filename)
    return tracer
everywhere(tracer)
try:
    busy(0.1); time.sleep(0.05)
    t = threading.Thread(target=busy); t.start(); t.join()
finally:
    everywhere(None)
print(ours(seen))
""",
    "calls of all threads profiled": """
busy()
everywhere = getattr(threading, "setprofile_all_threads", threading.setprofile)
seen = set()
everywhere(lambda frame, event, arg: seen.add(frame.f_code.co_filename))
try:
    busy(0.1); time.sleep(0.05)
    t = threading.Thread(target=busy); t.start(); t.join()
finally:
    everywhere(None)
print(ours(seen))
""",
    "%prun": """
import cProfile, pstats
def work(n):
    return sum(len(sorted(range(50), key=lambda n: -n)) for _ in range(n))
def told(stats):
    # From Python 3.12 on it holds what all threads do, those of the kernel as well.
    calls = [(name, counts[1]) for (file, line, name), counts in stats.stats.items() if (name, line) in (("<genexpr>", 3), ("<lambda>", 3))]
    return sorted(calls), ours(file for file, *_ in stats.stats)
print(told(get_ipython().run_line_magic("prun", "-r -q work(8_000)")))
""",
    "%%prun": "%%prun -q -T /dev/null\nbusy()\nwork(100)",
    "profile of a function": """
class Taken:
    def __enter__(self):
        self.profile = cProfile.Profile()
        self.profile.enable()
    def __exit__(self, *_):
        self.profile.disable()
        print(told(pstats.Stats(self.profile)))
""",
    "profile that another cell has made ready": """
for _ in range(5):
    busy(0.03)
    with Taken():
        work(4_000)
        time.sleep(0.03)
""",
    "profile of an await cell": """
with Taken():
    work(4_000)
    await asyncio.sleep(0.05)
    work(1_000)
""",
    "lines counted": """
import trace as tracing
counted = tracing.Trace(count=1, trace=0)
import types
counted.runfunc(types.FunctionType(loop.__code__, {"__file__": "loop.py", "range": range}), 60_000)
print(sorted((mine(file), line, count) for (file, line), count in counted.results().counts.items()))
""",
    "coverage": """
import coverage
def covered(n):
    if n < 0:
        return None
    return work(n)
for core in ("ctrace", "sysmon") if sys.version_info >= (3, 12) else ("ctrace",):
    os.environ["COVERAGE_CORE"] = core
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        cov = coverage.Coverage(data_file=None, include=["*/ipykernel_*/*"], config_file=False)
        cov.start()
        try:
            covered(4_000)
            t = threading.Thread(target=covered, args=(4_000,)); t.start(); t.join()
        finally:
            cov.stop()
    data = cov.get_data()
    print(core, [str(each.message) for each in warned], sorted(sorted(data.lines(file)) for file in data.measured_files()))
del os.environ["COVERAGE_CORE"]
""",
    "events monitored": """
def monitored():
    tool, counts = 3, {}
    def on_start(code, offset):
        counts[code.co_name] = counts.get(code.co_name, 0) + 1
        seen.add(code.co_filename)
    sys.monitoring.use_tool_id(tool, "mine")
    sys.monitoring.register_callback(tool, sys.monitoring.events.PY_START, on_start)
    sys.monitoring.set_local_events(tool, loop.__code__, sys.monitoring.events.PY_START)
    try:
        for _ in range(500): loop(300)
    finally:
        sys.monitoring.free_tool_id(tool)
    return counts
seen = set()
print(monitored() if hasattr(sys, "monitoring") else "no monitoring", ours(seen))
""",
    "debugger stepping": """
import pdb
def stepped(n):
    total = 0
    for i in range(2):
        total += loop(n)
        time.sleep(0.02)
    return total
told = io.StringIO()
debugger = pdb.Pdb(stdin=io.StringIO("step\\nnext\\nnext\\nwhere\\nnext\\nnext\\nnext\\np total\\ncontinue\\n"), stdout=told, nosigint=True, readrc=False)
debugger.use_rawinput = False
print(debugger.runcall(stepped, 20_000))
print(told.getvalue())
""",
    "debugger afterwards": "def fails_late():\n    busy()\n    raise ValueError('late')\nfails_late()",
    # ── interrupts and signals ───────────────────────────────────────────────────────────────────────────────────────
    "interrupt of a loop": """
import _thread
def interrupted(wait):
    t = threading.Timer(0.05, _thread.interrupt_main); t.start()
    try:
        wait()
    except KeyboardInterrupt:
        print("interrupted")
    t.join()
def forever():
    while True: pass
interrupted(forever)
""",
    "interrupt of a wait": """
def signalled(wait):
    t = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)); t.start()
    began = time.monotonic()
    try:
        wait()
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - began < 10)
    t.join()
signalled(lambda: time.sleep(20))
signalled(lambda: threading.Event().wait(20))
signalled(forever)
""",
    "interrupt that nobody catches": "busy()\nsignal.raise_signal(signal.SIGINT)",
    "interrupt of an await": "busy()\nawait asyncio.sleep(0.02)\nraise KeyboardInterrupt",
    "signals": """
arrived = 0
def arrive(*_):
    global arrived
    arrived += 1
    if arrived == 5: signal.setitimer(signal.ITIMER_REAL, 0)
previous = signal.signal(signal.SIGALRM, arrive)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while arrived < 5: busy(0.01)
_ = signal.signal(signal.SIGALRM, previous)
print(arrived >= 5)
""",
    "system calls go on": """
read, write = os.pipe()
t = threading.Timer(0.1, os.write, (write, b"there")); t.start()
print(os.read(read, 5)); t.join(); os.close(read); os.close(write)
""",
    # ── deep, many, other processes ──────────────────────────────────────────────────────────────────────────────────
    "depth": """
def depth(n=0):
    try:
        return depth(n + 1)
    except RecursionError:
        return n
print({depth() for _ in range(20)})
""",
    "deep": """
def deep(n):
    return busy(0.15) if n == 0 else deep(n - 1)
limit = sys.getrecursionlimit(); sys.setrecursionlimit(20_000)
try:
    print(deep(10_000))
finally:
    sys.setrecursionlimit(limit)
""",
    "deep and failing": """
def sinks(n):
    if n == 0: busy(0.05)
    return sinks(n + 1)
try:
    sinks(0)
except RecursionError as error:
    import traceback
    print(error, len(traceback.extract_tb(error.__traceback__)))
""",
    "many threads": """
gate, done = threading.Event(), []
def waits(n):
    gate.wait(); busy(0.001); done.append(n)
threads = [threading.Thread(target=waits, args=(n,), name=f"many-{n}") for n in range(200)]
for each in threads: each.start()
print(count_threads(), sum(each.name.startswith("many-") for each in threading.enumerate()))
busy(); gate.set()
for each in threads: each.join()
print(sorted(done) == list(range(200)), count_threads())
""",
    "threads that end while others begin": """
def chain(n):
    if n:
        t = threading.Thread(target=chain, args=(n - 1,)); t.start(); t.join()
for _ in range(10): chain(20)
print(count_threads())
""",
    "threads that nobody joins": """
class Own(threading.local):
    def __init__(self): self.checked = Checked()
own, ended = Own(), []
def brief():
    own.checked; own.mine = Checked(); busy(0.001); ended.append(1)
for _ in range(100): threading.Thread(target=brief).start()
while any("brief" in each.name for each in threading.enumerate()): time.sleep(0.001)
print(len(ended), sorted(set(wrong)))
""",
    "fork": """
def child(work):
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid == 0:
        try:
            os.write(write, repr(work()).encode())
        finally:
            os._exit(7)
    os.close(write)
    with os.fdopen(read, "rb") as told: print(told.read().decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
def alone():
    busy()
    gate = threading.Event()
    t = threading.Thread(target=lambda: gate.wait() and busy(), name="in the child"); t.start()
    names = [each.name for each in threading.enumerate()]; gate.set(); t.join()
    return names, gc.collect() >= 0
for _ in range(3): busy(); child(alone)
""",
    "fork in a thread": """
t = threading.Thread(target=lambda: (busy(), child(lambda: (busy(), count_threads())))); t.start(); t.join()
""",
    "processes": """
import multiprocessing, subprocess
def square(n):
    busy(0.02)
    return n * n
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    with multiprocessing.get_context("fork").Pool(2) as pool: print(pool.map(square, range(6)))
print(subprocess.run([sys.executable, "-c", "import threading; print(threading.active_count())"], capture_output=True, text=True).stdout)
""",
    # ── tasks, and what magics run ───────────────────────────────────────────────────────────────────────────────────
    "tasks": """
async def turn(n):
    for _ in range(5):
        busy(0.004)
        await asyncio.sleep(0.002)
    return n
print(await asyncio.gather(*map(turn, range(4))), await asyncio.to_thread(busy), len(asyncio.all_tasks()))
""",
    "task that is cancelled": """
task = asyncio.ensure_future(turn(1))
await asyncio.sleep(0.005)
task.cancel()
try:
    await task
except asyncio.CancelledError:
    print("cancelled", task.cancelled())
""",
    "an async generator": """
async def ticks():
    kept = Checked()
    try:
        for n in range(5):
            busy(0.003)
            yield n
    finally:
        print("closed")
import contextlib
async with contextlib.aclosing(ticks()) as each:
    async for n in each:
        if n == 3: break
print(n, [n async for n in ticks()], sorted(set(wrong)))
""",
    "generators": """
def generating():
    for n in range(20):
        busy(0.003)
        yield n, inspect.getgeneratorstate(generator), generator.gi_running
generator = generating()
print(set(state for _, *state in generator) if False else {(state, running) for _, state, running in generator}, inspect.getgeneratorstate(generator), generator.gi_frame)
""",
    "code without a file": """
namespace = {"busy": busy}
exec("def made():\\n    busy()\\n    return 1 / 0", namespace)
print(eval("[busy(0.02) for _ in range(3)]"))
namespace["made"]()
""",
    "value that is slow to show": """
class Slow:
    def __repr__(self):
        busy()
        return f"slow, {len(inspect.stack()) > 5}"
Slow()
""",
    "value that cannot be shown": """
class Fails:
    def __repr__(self):
        busy(0.03)
        raise ValueError("no repr")
Fails()
""",
    "%timeit": "%timeit -n2 -r2 -q busy(0.02)",
    "%%time": "%%time\nx = busy()\nx",
    "%%capture": "%%capture held\nbusy(); print('held')\nx",
    "%%bash": "%%bash\nsleep 0.05; echo slept",
    "!": "!sleep 0.05; echo slept",
    "%run": """
import tempfile
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "script.py"), "w") as file: file.write("busy()\\nprint(__name__)\\n")
    get_ipython().run_line_magic("run", f"-i {file.name}")
""",
    "threads give way often": """
interval = sys.getswitchinterval(); sys.setswitchinterval(1e-5)
until = time.perf_counter() + 0.2
while time.perf_counter() < until: make()
sys.setswitchinterval(interval)
print(sorted(set(wrong)), interval)
""",
    "frames held by the user": """
def keeps():
    frame = sys._getframe()
    busy(0.03)
    return frame is sys._getframe(), frame.f_lineno, sorted(frame.f_locals)
print(keeps())
def suspended():
    held = inspect.currentframe()
    yield held
busy(0.03)
print([frame.f_lineno for frame in suspended()])
""",
    # ── nbtrace leaves, and comes back ───────────────────────────────────────────────────────────────────────────────
    "unload in the middle of a cell": """
manager = get_ipython().extension_manager
busy(); _ = manager.unload_extension(extension)
busy(); print(sorted(each.name for each in threading.enumerate() if "history" not in each.name.lower()), sys.gettrace(), "run_code" in vars(get_ipython()))
_ = manager.load_extension(extension)
busy(); print(stack()[0])
""",
    "unload in the middle of an await cell": """
async def unloads():
    busy(0.03); _ = manager.unload_extension(extension); await asyncio.sleep(0.02)
    busy(0.03); _ = manager.load_extension(extension); await asyncio.sleep(0.02)
    return busy(0.03)
print(await asyncio.gather(turn(1), unloads(), turn(2)), await asyncio.to_thread(busy))
""",
    "unload in a thread": """
t = threading.Thread(target=lambda: (busy(), manager.unload_extension(extension), busy(), manager.load_extension(extension))); t.start()
while t.is_alive(): busy(0.01)
1 / 0
""",
    "sampling switched in the middle of a cell": """
for rate in (1000, False, 1, 1000):
    if extension == "nbtrace": get_ipython().run_line_magic("config", f"NBTrace.sampling = {rate}")
    busy(0.03)
print(sorted(set(wrong)), sys.getrefcount(wrong) < 10)
""",
    "afterwards": "busy()\nprint(*stack(), sep='\\n')\nprint(wrong)",
}
