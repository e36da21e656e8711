"""`nbtrace run`, and workers, killed at any moment: what is left, and whether that is all there was.

Optional, as it takes minutes: `python -m tests.benchmarks kills [TRIES]`. For each way of killing the moments are spread at random
over the whole run: one before it has made a file, the others from then on until its last file is written."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil  # type: ignore[import-untyped,unused-ignore]
from nbformat.v4 import new_code_cell, new_notebook

import nbtrace
from tests.benchmarks import killed_workers
from tests.waiting import wait_for

CELLS = 8
SPANS = 4
"""In each cell: half of them in threads."""

OLD_S = 5.0
"""So old may the notebook be of a run that is killed itself, on a machine with other work."""

_CELL = """
import threading, time, nbtrace
from pathlib import Path
open("ended-{before}", "w").close()
def work(n):
    with nbtrace.span(f"work {number}-{{n}}"):
        print("line {number}", n, flush=True)
        time.sleep(0.02)
threads = [threading.Thread(target=work, args=(n,)) for n in range({half})]
for each in threads: each.start()
for n in range({half}, {spans}): work(n)
for each in threads: each.join()
time.sleep({sleep})
print("end {number}")
"""

Kill = Callable[[subprocess.Popen[str]], None]


def main() -> None:
    """Kill, and print what is wrong with what is left."""
    rest = sys.argv[sys.argv.index("kills") + 1 :]
    tries = int(rest[0]) if rest else 20
    with tempfile.TemporaryDirectory() as name:
        start_s, rest_s = _whole(Path(name))
    kinds: dict[str, tuple[Kill, set[int]]] = {
        "SIGKILL to the kernel": (_kernel_killed, {4}),
        "SIGINT": (lambda process: process.send_signal(signal.SIGINT), {130}),
        "SIGTERM": (lambda process: process.send_signal(signal.SIGTERM), {143}),
        "SIGINT twice": (_twice, {130}),
        "SIGKILL to nbtrace": (lambda process: process.kill(), {-signal.SIGKILL}),
    }
    print(f"killed at {tries} moments of a run of {start_s + rest_s:.1f} s")
    for kind, (kill, statuses) in kinds.items():
        ends: Counter[str] = Counter()
        wrong = []
        for number in range(tries):
            moment = (
                rest_s * (number - 1 + random.random()) / max(1, tries - 1) if number else -start_s * random.random()
            )
            with tempfile.TemporaryDirectory() as name:
                ended, faults = _killed(Path(name), moment, kill, statuses)
            ends[ended] += 1
            wrong += [f"at {moment:.1f} s ({ended}): {fault}" for fault in faults]
        print(f"  {kind}: {', '.join(f'{count} × {end}' for end, count in sorted(ends.items()))}", flush=True)
        for line in wrong:
            print(f"    WRONG {line}", flush=True)
    killed_workers.main(tries)


def _write(folder: Path) -> None:
    sleeps = [0.1] * CELLS
    sleeps[CELLS // 2] = 2.5  # long enough for what is kept now and then
    sources = [
        _CELL.format(before=number - 1, number=number, half=SPANS // 2, spans=SPANS, sleep=sleep)
        for number, sleep in enumerate(sleeps)
    ]
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), folder / "a.ipynb")


def _start(folder: Path) -> subprocess.Popen[str]:
    _write(folder)
    for name in ("tmp", "runtime"):
        (folder / name).mkdir()
    places = {"TMPDIR": str(folder / "tmp"), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    return subprocess.Popen(
        [sys.executable, "-m", "nbtrace", "run", "a.ipynb"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **places},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _whole(folder: Path) -> tuple[float, float]:
    """How long the run takes that nobody kills: until its first file, and from there on."""
    began = time.monotonic()
    process = _start(folder)
    _await_start(folder, process)
    start_s = time.monotonic() - began
    said, _ = process.communicate()
    assert f"✓ {CELLS} cells ran" in said, said
    return start_s, time.monotonic() - began - start_s


def _await_start(folder: Path, process: subprocess.Popen[str]) -> None:
    wait_for(lambda: (folder / ".nbtrace").exists() or process.poll() is not None)


def _children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return list(psutil.Process(process.pid).children(recursive=True))
    except psutil.Error:
        return []


def _kernel_killed(process: subprocess.Popen[str]) -> None:
    for each in _children(process):
        each.kill()


def _twice(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    time.sleep(random.random() * 0.3)  # at any moment of what the first one sets going
    process.send_signal(signal.SIGINT)


def _killed(folder: Path, moment: float, kill: Kill, statuses: set[int]) -> tuple[str, list[str]]:
    """How a run has ended that was killed at a moment, and what is wrong with what it has left. moment: in s
    from its first file on; a negative one from the process's start."""
    process = _start(folder)
    if moment >= 0:
        _await_start(folder, process)
    time.sleep(abs(moment))  # any moment is what is tried, not a state
    kernels = _children(process)
    late = process.poll() is not None
    killed = time.time()
    kill(process)
    said, _ = process.communicate(timeout=120)
    _, alive = psutil.wait_procs(kernels, timeout=10)
    faults = [f"a process is left: {' '.join(each.cmdline())[:80]}" for each in alive]
    status = process.returncode
    places = _files(folder)
    begun = "a.ipynb · " in said
    expected = statuses | ({0} if late or not kernels or "cells ran in" in said else set())
    if not begun and "\nTraceback" not in said and status in (-signal.SIGTERM, -signal.SIGINT, *statuses):
        return "nothing had begun", faults
    if status not in expected:
        faults.append(f"exit status {status}, not {statuses}: {said.strip()[-400:]}")
    if "\nTraceback" in said:
        faults.append(f"a traceback: {said[-600:]}")
    marks = {number: folder / f"ended-{number}" for number in range(CELLS)}
    ended = {number for number, mark in marks.items() if mark.exists()}
    ours = status == -signal.SIGKILL  # then the notebook may be some seconds old
    known = {number for number in ended if not ours or marks[number].stat().st_mtime < killed - OLD_S}
    faults += _missing(folder, places, ended, known, by_us=ours)
    return f"status {status}", faults


def _files(folder: Path) -> list[Path]:
    return [
        each
        for each in sorted(folder.rglob("*"))
        if each.is_file() and not each.name.startswith("ended-") and each.name != "a.ipynb"
    ]


def _missing(folder: Path, places: list[Path], ended: set[int], known: set[int], *, by_us: bool) -> list[str]:
    """What is not there of the cells that have ended, and what is there that nobody named. known: those which the notebook must
    have."""
    faults = []
    kinds: dict[str, list[Path]] = {}
    for path in places:
        kinds.setdefault(path.suffix, []).append(path)
    usual = {".ipynb", ".parquet", ".html", ""}
    if by_us:
        usual |= {".journal", ".2", ".json", ".tmp"}  # a journal has parts; .json tells how to reach the kernel
    others = [str(path.relative_to(folder)) for suffix, found in kinds.items() if suffix not in usual for path in found]
    if others:
        faults.append(f"left: {others}")
    executed = kinds.get(".ipynb", [])
    if executed:
        notebook = nbformat.read(executed[0], as_version=4)
        nbformat.validate(notebook)
        texts = ["".join(each.get("text", "") for each in cell.outputs) for cell in notebook.cells]
        kept = {number for number, text in enumerate(texts) if f"end {number}\n" in text}
        if lost := known - kept:
            faults.append(f"the notebook lacks the outputs of {sorted(lost)}")
    elif known:
        faults.append("there is no executed notebook")
    try:
        if ".parquet" in kinds:
            rec = nbtrace.load(kinds[".parquet"][0])
        elif ".journal" in kinds:
            rec = nbtrace.recover(kinds[".journal"][0])
        else:
            return [*faults, "there is no recording"] if ended or not by_us else faults
        spans = rec.spans()
        names = Counter(spans["name"][spans["state"] == "ended"])
        lost = {
            number
            for number in ended
            if sum(names[f"work {number}-{n}"] for n in range(SPANS)) != SPANS
            or not any(name.startswith(f"cell [{number + 1}]") for name in names)
        }
        if lost:
            faults.append(f"the recording lacks spans of {sorted(lost)}")
    except Exception as error:
        faults.append(f"the recording does not open: {error!r}")
    return faults
