"""Code that comes in between, at any moment: signal handlers, interrupts, finalisers, the collector's callbacks, forks.

Each runs in a process of its own, which hangs where a lock is waited for: the timeout is the verdict."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

SECONDS = os.environ.get("NBTRACE_SIGNAL_SECONDS", "1")

_HEAD = f"""
import gc, json, os, signal, sys, threading, time
import nbtrace
from opentelemetry import trace
from nbtrace import faults
SECONDS = {SECONDS}
if sys.argv[2] == "user":
    from opentelemetry.sdk.trace import TracerProvider
    trace.set_tracer_provider(TracerProvider())
rec = nbtrace.record(max_spans=int(sys.argv[1])).start()
tracer = trace.get_tracer("t")
made = {{"main": 0, "between": 0}}
def tell():
    table = rec.spans()
    states = table["state"].value_counts().to_dict()
    print(json.dumps({{
        "made": made, "kept": len(rec), "dropped": rec.dropped_spans, "states": states, "twice": int(table["span_id"].duplicated().sum()),
        "rows": len(table), "faults": faults.faults(),
    }}))
"""

BETWEEN = {
    "a signal handler": """
def handler(*_):
    with tracer.start_as_current_span("between") as span:
        span.set_attribute("n", made["between"])
    if sys.argv[2] == "own":  # the SDK's own spans wait for their own lock here, with and without nbtrace
        trace.get_current_span().set_attribute("seen", made["between"])
        trace.get_current_span().add_event("seen")
        trace.get_current_span().set_status(trace.StatusCode.OK)
    made["between"] += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
until = time.monotonic() + SECONDS
while time.monotonic() < until:
    with tracer.start_as_current_span("main") as span:
        span.set_attribute("n", made["main"])
        span.add_event("e")
    made["main"] += 1
signal.setitimer(signal.ITIMER_REAL, 0)
tell()
""",
    "a finaliser": """
class Finalised:
    def __init__(self):
        self.circle = self
    def __del__(self):
        with tracer.start_as_current_span("between"):
            pass
        made["between"] += 1
gc.set_threshold(50)
until = time.monotonic() + SECONDS
while time.monotonic() < until:
    with tracer.start_as_current_span("main", attributes={"n": made["main"]}):
        Finalised()
    made["main"] += 1
gc.collect()
tell()
""",
    "the collector's callback": """
def callback(phase, info):
    with tracer.start_as_current_span("between"):
        pass
    made["between"] += 1
gc.set_threshold(70)
gc.callbacks.append(callback)
until = time.monotonic() + SECONDS
while time.monotonic() < until:
    with tracer.start_as_current_span("main", attributes={"n": made["main"]}):
        [[] for _ in range(20)]
    made["main"] += 1
gc.callbacks.remove(callback)
tell()
""",
    "a question in a signal handler": """
rec.spans(), nbtrace.cells()  # what they import is opened
def handler(*_):
    rec.spans()
    nbtrace.cells()
    made["between"] += 0
    # Anew each time: where a question takes longer than that, handlers would pile up.
    signal.setitimer(signal.ITIMER_REAL, 0.1)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.05)
until = time.monotonic() + SECONDS
while time.monotonic() < until:
    for _ in range(50):
        with tracer.start_as_current_span("main"):
            pass
        made["main"] += 1
    len(rec.spans(name="main"))
signal.setitimer(signal.ITIMER_REAL, 0)
tell()
""",
}


def run(program: str, *arguments: str, timeout: float = 120) -> Any:
    """Run a program and return what it told; what it wrote to stderr must be nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _HEAD + program, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout + float(SECONDS),
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3_000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
@pytest.mark.parametrize(
    ("bound", "provider"), [("80", "own"), ("800", "own"), ("1000000", "own"), ("80", "user"), ("1000000", "user")]
)
@pytest.mark.parametrize("between", BETWEEN)
def test_nothing_waits_for_what_it_has_interrupted(between: str, bound: str, provider: str) -> None:
    """No lock, no lost span, none twice: kept and dropped are what was made."""
    by_collector = between in ("a finaliser", "the collector's callback")
    if provider == "user" and by_collector and sys.version_info < (3, 12):
        pytest.skip("CPython before 3.12 itself can crash where a finaliser sets a context variable, as the SDK does")
    told = run(BETWEEN[between], bound, provider)
    assert told["kept"] + told["dropped"] == sum(told["made"].values())
    assert told["made"]["main"] > 10
    assert told["kept"] <= int(bound)
    assert (told["twice"], told["faults"]) == (0, [])
    assert set(told["states"]) == {"ended"}


_INTERRUPTS = """
import _thread, random
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in whatever a shell has started in the background
started = set()
stop = threading.Event()
def storm():
    while not stop.is_set():
        time.sleep(0.002)
        if ready:
            os.kill(os.getpid(), signal.SIGINT)
ready = []
thread = threading.Thread(target=storm)
thread.start()
until = time.monotonic() + SECONDS
interrupts = 0
ended = 0
while time.monotonic() < until:
    try:
        ready.append(1)
        while True:
            with tracer.start_as_current_span("main", attributes={"n": made["main"]}) as span:
                made["main"] += 1
            ended += 1
    except KeyboardInterrupt:
        ready.clear()
        interrupts += 1
    try:
        span = None
    except KeyboardInterrupt:
        pass
stop.set()
thread.join()
from opentelemetry.context import Context, attach
attach(Context())  # what an interrupted block has left current, a cell's end takes away
gc.collect()
made["ended"], made["interrupts"] = ended, interrupts
tell()
"""


@pytest.mark.parametrize("provider", ["own", "user"])
def test_interrupts_at_any_moment_lose_no_span_and_leave_none_running(provider: str) -> None:
    """Each span that was entered is there once, ended or unfinished; none runs for ever."""
    told = run(_INTERRUPTS, "1000000", provider)
    assert told["made"]["interrupts"] > 5
    assert (told["twice"], told["faults"]) == (0, [])
    assert set(told["states"]) <= {"ended", "unfinished"}
    assert told["states"]["ended"] >= told["made"]["ended"]
    assert told["rows"] >= told["made"]["main"]


_FORK = """
def work(stop=threading.Event()):
    while not stop.is_set():
        with tracer.start_as_current_span("main", attributes={"n": 1, "text": "x" * 50}):
            pass
        made["main"] += 1
stop = threading.Event()
thread = threading.Thread(target=work, args=(stop,))
thread.start()
children = 0
while children < 8:
    with tracer.start_as_current_span("open at the fork"):
        pid = os.fork()
        if pid == 0:
            signal.alarm(60)  # a child that hangs is killed, and says so by its status
            table = rec.spans()
            assert len(table) and not table["span_id"].duplicated().any()
            assert "open at the fork" in set(table["name"]), table
            with nbtrace.record() as own:
                with nbtrace.span("child's own"):
                    pass
            assert own.spans()["name"].tolist() == ["child's own"]
            assert own.spans()["process_pid"].tolist() == [os.getpid()]
            assert set(table["process_pid"]) == {os.getppid()}
            rec.start()
            with nbtrace.span("into the parent's copy"):
                pass
            rec.stop()
            assert "into the parent's copy" in set(rec.spans()["name"])
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    children += 1
stop.set()
thread.join()
made["main"] += 3 * children  # what they make comes home
made["children"] = children
tell()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("bound", ["2000", "40000"])
def test_a_child_forked_at_any_moment_can_ask_record_and_end(bound: str) -> None:
    """While the sealing thread works, too; what it asks of the parent's recording is what was there."""
    told = run(_FORK, bound, "own")
    assert told["made"]["children"] == 8
    assert told["kept"] + told["dropped"] == told["made"]["main"]
    assert (told["twice"], told["faults"]) == (0, [])


_FORK_AT_FIRST_SEALING = """
for _ in range(17_000):
    with tracer.start_as_current_span("main"):
        pass
pid = os.fork()  # the sealing thread is opening pyarrow
if pid == 0:
    signal.alarm(60)
    assert len(rec.spans()) == 17_000
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
made["main"] = 17_000
tell()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_while_pyarrow_is_being_opened_can_ask() -> None:
    """It would find the module half open, and its lock held by a thread that is not there."""
    told = run(_FORK_AT_FIRST_SEALING, "1000000", "own")
    assert told["rows"] == 17_000


_TIMEOUTS = """
class TimeIsUp(Exception):
    pass
made["fired"] = made["caught"] = 0
def handler(number, frame):
    while frame is not None:
        if frame.f_code.co_name == "detach":
            return  # the SDK swallows here what it is told, with and without nbtrace
        frame = frame.f_back
    made["fired"] += 1
    raise TimeIsUp
class Odd:
    def __str__(self):
        return "odd" * 50
signal.signal(signal.SIGALRM, handler)
until = time.monotonic() + SECONDS * 2
while time.monotonic() < until:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.5)
        while True:
            with tracer.start_as_current_span("main", attributes={"n": 1, "t": (1, 2)}) as span:
                span.add_event("e", {"n": 1})
                if sys.argv[2] == "own":
                    span.set_attribute("odd", Odd())
            made["main"] += 1
    except TimeIsUp:
        made["caught"] += 1
signal.setitimer(signal.ITIMER_REAL, 0)
from opentelemetry.context import Context, attach
attach(Context())
span = None
gc.collect()
tell()
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
@pytest.mark.parametrize("provider", ["own", "user"])
def test_a_timeout_raised_by_a_signal_handler_arrives(provider: str) -> None:
    """Whatever line of nbtrace it interrupts: it is no fault of ours, and is not swallowed as one."""
    told = run(_TIMEOUTS, "1000000", provider)
    assert told["made"]["fired"] > 10
    assert told["made"]["caught"] == told["made"]["fired"]
    assert (told["twice"], told["faults"]) == (0, [])
    assert set(told["states"]) <= {"ended", "unfinished"}


_FORK_AT_FIRST_QUESTION = """
with tracer.start_as_current_span("main"):
    pass
asking = threading.Thread(target=rec.spans)
asking.start()
time.sleep(float(sys.argv[3]))  # anywhere in the import of pandas
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    assert len(rec.spans()) == 1
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
asking.join()
made["main"] = 1
tell()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("after", ["0.05", "0.3"])
def test_a_child_forked_while_another_thread_asks_for_the_first_time_can_ask(after: str) -> None:
    assert run(_FORK_AT_FIRST_QUESTION, "1000000", "own", after)["rows"] == 1
