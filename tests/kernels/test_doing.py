"""What a cell is doing, asked of a real kernel while the cell runs and the kernel answers nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.kernels.kernel import TIMEOUT_S, Kernel, start_kernel
from tests.waiting import wait_for

WATCH = f"""
import re, threading, time, nbtrace
def watch(pattern):
    "Ask from a thread that belongs to no cell, until the answer is the one that is waited for."
    global found
    for _ in iter(lambda: time.monotonic() < deadline, False):
        told = " ".join(str(nbtrace.text()).split())
        if re.search(pattern, told):
            found = told
            break
        time.sleep(0.01)
    seen.set()
def begin(pattern):
    global seen, found, deadline
    seen, found, deadline = threading.Event(), None, time.monotonic() + {TIMEOUT_S / 2}
    import contextvars
    contextvars.Context().run(threading.Thread(target=watch, args=(pattern,)).start)
def left():
    "Cells that are said to do something, but for the one that asks."
    from nbtrace.capture.current_cell import CELL
    return sorted(set(nbtrace.live()._store.now) - {{CELL.get()}})
def busy(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
"""


@pytest.fixture(scope="module")
def watched() -> Iterator[Kernel]:
    """One kernel for all tests, each of which looks at its own cell alone."""
    kernel = start_kernel()
    try:
        kernel.load().run(WATCH)
        yield kernel
        assert kernel.run("left()").result == "[]"
        assert kernel.clean()
    finally:
        kernel.stop()


@pytest.mark.parametrize(
    ("code", "pattern"),
    [
        ("x = 1\nwhile not seen.is_set():\n    busy(0.01)", r"line 3 busy\(0.01\) · .* in lines 2–3"),
        ("\n\nx = 1\nseen.wait()", r"line 4 seen.wait\(\) · [\d.]+ m?s"),
        ("%%time\n\nx = 1\nwhile not seen.is_set():\n    busy(0.01)", r"line 5 busy\(0.01\) · .* in lines 1–5"),
        ("def f():\n    while not seen.is_set():\n        busy(0.01)\nf()", r"line 3 busy\(0.01\) · .* in line 4"),
        ("import asyncio\nwhile not seen.is_set():\n    await asyncio.sleep(0.01)", r"line 2 while .* in lines 2–3"),
        ("while not seen.is_set():\n    busy(0.01)", r"hottest: busy \d+ %"),
    ],
    ids=["loop", "wait", "%%time", "own function", "await", "hottest"],
)
def test_the_running_cell_tells_its_line_to_another_thread(watched: Kernel, code: str, pattern: str) -> None:
    watched.run(f"begin({'running .*' + pattern!r})")
    assert watched.run(code).status == "ok"
    told = watched.run("found").result
    assert re.search(pattern, told), told


def test_a_cell_that_has_ended_is_doing_nothing(watched: Kernel) -> None:
    """Nor one that has failed or was interrupted."""
    watched.run("busy(0.05)")
    watched.run("busy(0.05)\n1 / 0")
    message = watched.start("print('on')\nbusy(100)")
    assert watched.interrupt_when("on", message).ename == "KeyboardInterrupt"
    assert watched.run("left()").result == "[]"
    assert not re.search(r"line 2\b", watched.run("nbtrace.text(last=3)").result)


def test_a_recording_within_the_cell_and_one_without_samples(watched: Kernel) -> None:
    """Who wants no samples is told nothing; who stops recording holds nothing that goes on."""
    reply = watched.run(
        "on, off = nbtrace.record(sampling=100), nbtrace.record()\non.start(); off.start()\nbusy(0.1)\n"
        "print(len(on._store.now), len(off._store.now))\non.stop(); off.stop()\nprint(on._store.now)"
    )
    assert reply.stdout == "1 0\n{}\n"


def test_a_subshell_asks_while_the_cell_runs(watched: Kernel) -> None:
    subshell = watched.subshell()
    if subshell is None:
        pytest.skip("this kernel knows no subshells")
    watched.run("gate, done = threading.Event(), threading.Event()")
    running = watched.start("gate.set()\nwhile not done.is_set():\n    busy(0.01)")
    # The cell that asks ends first: a kernel that sends from two threads at once can tear its messages.
    code = (
        "gate.wait(30)\nuntil = time.monotonic() + 30\n"
        "while 'in lines 2–3' not in (told := ' '.join(str(nbtrace.text()).split())) and time.monotonic() < until:\n"
        "    time.sleep(0.01)\nthreading.Timer(1.0, done.set).start()\n%spans"
    )
    watched.start(code, subshell=subshell)
    watched.wait(running, reply=False)
    assert re.search(r"line 3 busy\(0.01\) · .*in lines 2–3", watched.run("told").result)
    wait_for(lambda: watched.run("left()").result == "[]", "the end of the cell that asked")
