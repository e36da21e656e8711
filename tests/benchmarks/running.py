"""What `nbtrace run` costs beside plain nbclient, over a notebook of trivial cells; and how soon the command line answers."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

import nbtrace

CELLS = 100
ROUNDS = 7
SPANS = 10_000

_PLAIN = """
import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, resources={"metadata": {"path": "."}}).execute()
nbformat.write(notebook, sys.argv[2])
"""

_INSIDE = """
import asyncio, sys, time
from pathlib import Path
import nbformat, nbclient
from nbtrace.extension.handed import Handed
from nbtrace.headless.client import NotebookRun
from nbtrace.headless.kernel import Kernel
from nbtrace.headless.run_span import RunSpan
from nbtrace.headless.stopping import Stopping

class Watcher:
    def cell_started(self, cell): self.first = getattr(self, "first", time.perf_counter())
    def cell_ended(self, cell): self.last = time.perf_counter()
    def cells_ended(self): ...
    def said(self, text): ...

def ours(folder):
    notebook, watcher = nbformat.read(folder / "cells.ipynb", as_version=4), Watcher()
    handed = Handed(RunSpan("run").traceparent, "", str(folder / f"{time.time_ns()}.journal"), "")
    run = NotebookRun(notebook, Kernel("python3", folder, handed), watcher)
    assert asyncio.run(run.run(Stopping(print))).ending == "fine"
    return watcher.last - watcher.first

def plain(folder):
    notebook, moments = nbformat.read(folder / "cells.ipynb", as_version=4), []
    def noted(**kwargs): moments.append(time.perf_counter())
    nbclient.NotebookClient(notebook, on_cell_start=noted, on_cell_executed=noted,
                            resources={"metadata": {"path": str(folder)}}).execute()
    return moments[-1] - moments[0]

folder = Path(sys.argv[1])
for _ in range(int(sys.argv[2])):
    print(plain(folder), ours(folder), flush=True)
"""


def main() -> None:
    """Time whole processes, and the cells within them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        notebook = new_notebook(cells=[new_code_cell(f"x = {number}") for number in range(CELLS)])
        nbformat.write(notebook, folder / "cells.ipynb")
        rec = _recording()
        rec.save(folder / "spans.parquet")
        kinds = {
            "plain nbclient": [sys.executable, "-c", _PLAIN, "cells.ipynb", "plain.ipynb"],
            "nbtrace run": [sys.executable, "-m", "nbtrace", "run", "cells.ipynb"],
            "nbtrace --help": [sys.executable, "-m", "nbtrace", "--help"],
            f"nbtrace show, {SPANS:,} spans": [sys.executable, "-m", "nbtrace", "show", "spans.parquet"],
        }
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind, command in kinds.items():
                began = time.perf_counter()
                subprocess.run(command, cwd=folder, capture_output=True, check=True)
                times[kind].append(time.perf_counter() - began)
        print(f"{CELLS} trivial cells, whole processes ({ROUNDS} turns)")
        plain = times["plain nbclient"]
        for kind, found in times.items():
            ratio = statistics.median(one / other for one, other in zip(found, plain, strict=True))
            beside = f"  {ratio:.2f} × plain" if kind == "nbtrace run" else ""
            print(f"  {kind:<28} {statistics.median(found):6.2f} s{beside}")
        inside = subprocess.run(
            [sys.executable, "-c", _INSIDE, str(folder), str(ROUNDS)], capture_output=True, text=True, check=True
        )
        pairs = [tuple(map(float, line.split())) for line in inside.stdout.splitlines()]
        ratio = statistics.median(ours / theirs for theirs, ours in pairs)
        theirs, ours = (statistics.median(each[side] for each in pairs) for side in (0, 1))
        print(
            f"  from the first cell's start to the last one's end: {theirs:.2f} s, {ours:.2f} s with nbtrace  {ratio:.2f} ×"
        )


def _recording() -> nbtrace.Recording:
    with nbtrace.record() as rec:
        for turn in range(SPANS // 10):
            with nbtrace.span("turn", turn=turn):
                for step in range(9):
                    with nbtrace.span("step", step=step):
                        pass
    return rec
