"""Whether samples tell the truth: a cell made of known parts, by its own clocks and by nbtrace, pyinstrument and py-spy.

First how each line's share differs from what the line itself measured, all in turns; then how Python, other code and waiting differ
from it, alone, beside a busy thread, and on a busy machine. Optional: the peers need uv and a package index, and without them there
is nbtrace alone. `python -m tests.benchmarks sampling`."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kernels.kernel import Kernel, start_kernel

ROUNDS = 5

PARTS = """
import hashlib, json, os, re, socket, sys, tempfile, threading, time
clock = time.perf_counter
def held(milliseconds):
    numbers = list(range(20_000))
    for _ in range(20):
        sum(numbers)
    began = clock()
    for _ in range(50):
        sum(numbers)
    count = int(len(numbers) * milliseconds / ((clock() - began) / 50 * 1_000))
    numbers = list(range(count))
    return lambda: sum(numbers)
short, middle, long, longer = held(0.1), held(1), held(20), held(30)
def loop(seconds):
    end, x = clock() + seconds, 0
    while clock() < end:
        for i in range(2_000):
            x += i * i % 7
def cheap_calls(seconds):
    end = clock() + seconds
    while clock() < end:
        found = []
        for i in range(100):
            found.append(i)
            len(found)
def held_01(seconds):
    end = clock() + seconds
    while clock() < end:
        short()
def held_1(seconds):
    end = clock() + seconds
    while clock() < end:
        middle()
def held_20(seconds):
    end = clock() + seconds
    while clock() < end:
        long()
def held_30(seconds):
    end = clock() + seconds
    while clock() < end:
        longer()
rows = [{"a": i, "b": "x" * 5} for i in range(300)]
def dumps(seconds):
    end = clock() + seconds
    while clock() < end:
        json.dumps(rows)
block = b"x" * 3_000_000
def free(seconds):
    end = clock() + seconds
    while clock() < end:
        hashlib.sha256(block)
def sleeps(seconds):
    time.sleep(seconds)
def receives(seconds):
    here, there = socket.socketpair()
    timer = threading.Timer(seconds, there.send, [b"x"])
    timer.start()
    here.recv(1)
    timer.join()
    here.close()
    there.close()
path = tempfile.mktemp()
open(path, "wb").write(block * 5)
def reads(seconds):
    end = clock() + seconds
    while clock() < end:
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass
"""
KINDS = {
    "loop": "python",
    "cheap_calls": "python",
    "held_01": "native",
    "held_1": "native",
    "held_20": "native",
    "held_30": "native",
    "dumps": "native",
    "free": "native",
    "reads": "native",
    "sleeps": "waiting",
    "receives": "waiting",
}
"""What each part computes in, if it computes; what is left of its time it waits."""

PER_PART_S, TURNS = 0.05, 4
CELL = (
    "exact = []\n"
    f"for turn in range({TURNS}):\n"
    "    moments = [(clock(), time.thread_time())]\n"
    + "".join(f"    {part}({PER_PART_S}); moments.append((clock(), time.thread_time()))\n" for part in KINDS)
    + "    exact.append(moments)\n"
)
FIRST_LINE = 4
"""The line of the first part in the cell."""

_BUSY_THREAD = """
ends = []
def besides():
    while not ends:
        for i in range(1_000):
            i * i % 7
thread = threading.Thread(target=besides)
thread.start()
"""
_SAMPLES = """
import json as _json, nbtrace as _n
_held = _n.live()._store.snapshot()
_ran = [each for each in _held.executions if each.source == _source][-1]
_rows = []
for _batch in _held.samples:
    _above, _frame = (_batch.stacks.column(name).to_pylist() for name in ("above", "frame"))
    _frames = _batch.frames.to_pylist()
    for _cell, _wall, _cpu, _native, _at, _thread in zip(
        *(_batch.numbers(name).tolist() for name in ("cell", "wall", "cpu")),
        *(_batch.samples.column(name).to_pylist() for name in ("native", "stack", "thread")),
    ):
        while _above[_at] >= 0:
            _at = _above[_at]
        if _cell == _ran.number and _frames[_frame[_at]]["file"] == _ran.file:
            _rows.append((_frames[_frame[_at]]["line"], _wall, _cpu, _native))
print(_json.dumps([exact, _rows]))
"""

Times = dict[str, dict[str, float]]
"""By part: how long it took, and how much of that in Python, in other code and waiting."""


def exact_times(exact: list[list[tuple[float, float]]]) -> Times:
    """What the parts measured themselves, in seconds."""
    found: Times = {part: {"time": 0.0, "python": 0.0, "native": 0.0, "waiting": 0.0} for part in KINDS}
    for moments in exact:
        for part, (began, cpu_began), (ended, cpu_ended) in zip(KINDS, moments, moments[1:], strict=False):
            wall, cpu = ended - began, min(cpu_ended - cpu_began, ended - began)
            found[part]["time"] += wall
            found[part]["waiting"] += wall - cpu
            found[part][KINDS[part] if KINDS[part] != "waiting" else "native"] += cpu
    return found


def sampled_times(rows: list[tuple[int, int, int, bool]]) -> Times:
    """What samples say of the parts."""
    found: Times = {part: {"time": 0.0, "python": 0.0, "native": 0.0, "waiting": 0.0} for part in KINDS}
    names = dict(enumerate(KINDS, FIRST_LINE))
    for line, wall, cpu, native in rows:
        if line in names:
            part = found[names[line]]
            part["time"] += wall / 1e9
            part["native" if native else "python"] += cpu / 1e9
            part["waiting"] += (wall - cpu) / 1e9
    return found


def by_nbtrace(kernel: Kernel) -> tuple[Times, Times]:
    """Run the cell; return what it measured and what nbtrace says."""
    reply = kernel.run(CELL)
    assert reply.status == "ok", reply
    exact, rows = json.loads(kernel.run(f"_source = {CELL!r}\n{_SAMPLES}", store_history=False).stdout)
    return exact_times(exact), sampled_times(rows)


def _run(command: list[str], script: Path) -> Times:
    script.write_text(PARTS + CELL + 'json.dump(exact, open(sys.argv[1], "w"))\n')
    exact = script.with_suffix(".json")
    subprocess.run([*command, str(script), str(exact)], check=True, capture_output=True, timeout=120)
    return exact_times(json.loads(exact.read_text()))


def by_pyinstrument(bin: Path, folder: Path) -> tuple[Times, Times]:
    """Run the cell as a script; each line is a function of its own there."""
    out = folder / "pyinstrument.json"
    command = [str(bin / "pyinstrument"), "-i", "0.01", "--show-all", "-r", "json", "-o", str(out)]
    exact = _run(command, folder / "parts.py")
    found: Times = {part: {"time": 0.0} for part in KINDS}
    waiting = [json.loads(out.read_text())["root_frame"]]
    while waiting:
        frame = waiting.pop()
        if frame["function"] in found:
            found[frame["function"]]["time"] += frame["time"]
        else:
            waiting.extend(frame["children"])
    return exact, found


def by_py_spy(bin: Path, folder: Path) -> tuple[Times, Times]:
    """Run the cell as a child of py-spy's."""
    out = folder / "spy.txt"
    command = [str(bin / "py-spy"), "record", "-r", "100", "-i", "-f", "raw", "-o", str(out), "--"]
    exact = _run([*command, str(bin / "python")], folder / "parts.py")
    found: Times = {part: {"time": 0.0} for part in KINDS}
    first = PARTS.count("\n") + FIRST_LINE
    names = {
        f"<module> ({place}:{line})": part
        for line, part in enumerate(KINDS, first)
        for place in ("parts.py", folder / "parts.py")
    }
    for row in out.read_text().splitlines():
        stack, _, count = row.rpartition(" ")
        for frame in stack.split(";"):
            if frame in names:
                found[names[frame]]["time"] += int(count) / 100
    return exact, found


def shares(times: Times) -> dict[str, float]:
    """Each part's share of all, in points."""
    total = sum(part["time"] for part in times.values())
    return {name: 100 * part["time"] / total for name, part in times.items()}


@contextmanager
def peers() -> Iterator[dict[str, Callable[[], tuple[Times, Times]]]]:
    """The peers in an environment of their own; none where they cannot be had."""
    uv = shutil.which("uv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            subprocess.run([uv or "uv", "venv", "-q", "-p", sys.executable, name], check=True)
            install = [
                uv or "uv",
                "pip",
                "install",
                "-q",
                "-p",
                str(folder / "bin" / "python"),
                "pyinstrument",
                "py-spy",
            ]
            subprocess.run(install, check=True)
        except (OSError, subprocess.CalledProcessError):
            yield {}
            return
        yield {
            "pyinstrument": lambda: by_pyinstrument(folder / "bin", folder),
            "py-spy": lambda: by_py_spy(folder / "bin", folder),
        }


def lines(kernel: Kernel) -> None:
    """By line: how far each tool's share is from the exact one, in the same turns."""
    with peers() as others:
        tools: dict[str, Callable[[], tuple[Times, Times]]] = {"nbtrace": lambda: by_nbtrace(kernel), **others}
        errors: dict[str, dict[str, list[float]]] = {name: {part: [] for part in KINDS} for name in tools}
        for _ in range(ROUNDS):
            for name, tool in list(tools.items()):
                try:
                    exact, found = map(shares, tool())
                except (subprocess.SubprocessError, OSError, ZeroDivisionError) as error:
                    print(f"  {name}: no figure, {error}")
                    del tools[name], errors[name]
                    continue
                for part in KINDS:
                    errors[name][part].append(found[part] - exact[part])
        print(
            f"error of each line's share, points ({ROUNDS} turns; lines of {100 / len(KINDS):.0f} %, samples at 100 Hz)"
        )
        print(f"  {'':12}" + "".join(f"{name:>22}" for name in errors))
        for part in KINDS:
            figures = (_of_errors(errors[name][part]) for name in errors)
            print(f"  {part:12}" + "".join(f"{figure:>22}" for figure in figures))
        every = (_of_errors([error for each in errors[name].values() for error in each]) for name in errors)
        print(f"  {'all':12}" + "".join(f"{figure:>22}" for figure in every))


def _of_errors(errors: list[float]) -> str:
    return f"{statistics.median(map(abs, errors)):.1f} (worst {max(errors, key=abs):+.1f})"


def kinds(kernel: Kernel) -> None:
    """Python, other code, waiting: exactly, and by samples."""
    print(
        f"Python / native / waiting, points of the time ({ROUNDS} turns, medians): exact, sampled, worst error of a turn"
    )
    for title, before, after in (
        ("alone", "0", "0"),
        ("beside a busy thread", _BUSY_THREAD, "ends.append(1); thread.join()"),
    ):
        kernel.run(before)
        turns = [by_nbtrace(kernel) for _ in range(ROUNDS)]
        kernel.run(after)
        _print_kinds(title, turns)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        turns = [by_nbtrace(kernel) for _ in range(ROUNDS)]
    finally:
        for process in busy:
            process.kill()
    _print_kinds("busy machine", turns)


def _print_kinds(title: str, turns: list[tuple[Times, Times]]) -> None:
    print(f"  {title}")
    for part in (*KINDS, "the cell"):
        found = [[_parts(times, part) for times in turn] for turn in turns]
        exact, sampled = ([statistics.median(each[i][k] for each in found) for k in range(3)] for i in (0, 1))
        worst = max((each[1][k] - each[0][k] for each in found for k in range(3)), key=abs)
        print(f"    {part:12} {_triple(exact)}   {_triple(sampled)}   {worst:+6.1f}")


def _parts(times: Times, part: str) -> list[float]:
    chosen: list[Any] = list(times.values()) if part == "the cell" else [times[part]]
    total = sum(each["time"] for each in chosen) or 1.0
    return [100 * sum(each[kind] for each in chosen) / total for kind in ("python", "native", "waiting")]


def _triple(values: list[float]) -> str:
    return " / ".join(f"{value:5.1f}" for value in values)


def main() -> None:
    """Both."""
    kernel = start_kernel()
    try:
        kernel.run("%load_ext nbtrace")
        kernel.run(PARTS)
        lines(kernel)
        kinds(kernel)
    finally:
        kernel.stop()
