"""Time that a cell's statements and samples tell of never exceeds what there was, and makes up all of it: in a real kernel, for all
kinds of cell."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise

import pytest

from tests.kernels.kernel import Kernel

CELLS = {
    "a loop": "busy(0.3)",
    "statements": "busy(0.1)\nbusy(0.1)\nfor _ in range(2):\n    busy(0.05)\nbusy(0.001)",
    "short statements": "busy(0.004)\n" * 60,
    "code of a magic": "%%time\nbusy(0.2)\nbusy(0.1)",
    "a line magic": "%time busy(0.3)",
    "code without a file": "exec('busy(0.15)')\neval('busy(0.15)')",
    "comprehension, class, lambda": "[busy(0.1) for _ in 'ab']\nclass C:\n    busy(0.1)\n(lambda: busy(0.1))()",
    "calls that keep the lock": "numbers = list(range(3_000_000))\nfor _ in range(15):\n    sum(numbers)",
    "calls without the lock": "import hashlib\nfor _ in range(10):\n    hashlib.sha256(b'x' * 20_000_000)",
    "waiting": "time.sleep(0.25)",
    "a command": "!sleep 0.25",
    "awaiting": "import asyncio\nawait asyncio.sleep(0.15)\nbusy(0.15)",
    "tasks": "async def task():\n    busy(0.1)\n    await asyncio.sleep(0.1)\nawait asyncio.gather(task(), task())",
    "importing": "import sys\nfor name in [n for n in sys.modules if n.split('.')[0] == 'xml']:\n    del sys.modules[name]\n"
    "import xml.dom.minidom, xml.sax\nbusy(0.2)",
    "a value that is shown": "class Slow:\n    def __repr__(self):\n        busy(0.3)\n        return 'slow'\nSlow()",
    "a failure": "busy(0.25)\n1/0",
    "threads": "threads = [threading.Thread(target=busy, args=(0.2,)) for _ in 'ab']\n"
    "[each.start() for each in threads]\nbusy(0.2)\n[each.join() for each in threads]",
    "a cell within a cell": "get_ipython().run_cell('busy(0.15)')\nbusy(0.15)",
    "a deep recursion": "def deep(n):\n    return deep(n - 1) if n else busy(0.3)\ndeep(800)",
    "spans": "from opentelemetry import trace\nwith trace.get_tracer('t').start_as_current_span('work'):\n    busy(0.3)",
}
ROUNDED_NS = 20_000
"""Times of samples are kept in hundredths of a millisecond."""


@pytest.mark.parametrize("rate", [100, 1_000])
@pytest.mark.parametrize("code", CELLS.values(), ids=CELLS)
def test_time_adds_up(profiled: Kernel, code: str, rate: int) -> None:
    """Statements follow each other up to the cell's end; no sample's time is another's of its thread, nor reaches from one statement
    into the next."""
    profiled.run(f"%config NBTrace.sampling = {rate}")
    count = profiled.run(code).execution_count
    seen = json.loads(profiled.run(f"_seen({count})").stdout)
    began_ns, ended_ns = map(int, profiled.run(_CELL.format(count=count)).stdout.split())

    statements = seen["statements"]
    assert all(before["end_ns"] == after["start_ns"] for before, after in pairwise(statements))
    # What comes before the first is IPython, which reads the cell.
    assert began_ns <= statements[0]["start_ns"]
    assert abs(ended_ns - statements[-1]["end_ns"]) <= MACHINE_NS

    of_thread = defaultdict(list)
    for sample in seen["samples"]:
        of_thread[sample["thread"]].append((sample["time"] - sample["wall"], sample["time"]))
        assert 0 <= sample["cpu"] <= sample["wall"] + ROUNDED_NS
    for intervals in of_thread.values():
        assert all(before[1] <= after[0] + ROUNDED_NS for before, after in pairwise(sorted(intervals)))
    borders = [(each["start_ns"] - ROUNDED_NS, each["end_ns"] + ROUNDED_NS) for each in statements]
    for start, end in of_thread["MainThread"]:
        assert any(first <= start and end <= last for first, last in borders), (start, end, borders)


@pytest.mark.parametrize("code", CELLS.values(), ids=CELLS)
def test_hot_spots_make_up_the_cell(profiled: Kernel, code: str) -> None:
    """What functions took themselves, what was not sampled included, is what the cell took, for each thread."""
    count = profiled.run(code).execution_count
    began_ns, ended_ns = map(int, profiled.run(_CELL.format(count=count)).stdout.split())
    reply = profiled.run(_TOLD.format(count=count))
    assert reply.stdout, reply
    told_ns, took_ns = int(reply.stdout), ended_ns - began_ns
    if "threading" in code:
        assert told_ns >= took_ns * 0.98
    else:
        assert abs(told_ns - took_ns) <= took_ns * 0.02


MACHINE_NS = 50_000_000
"""What a busy machine may put between the end of a cell's last statement and its own."""

_CELL = """
_cells = _n.cells()
_row = _cells[_cells["cell"] == {count}].iloc[0]
print(_row["start_time"].value, (_row["start_time"] + _row["duration"]).value)
"""
_TOLD = """
print(_n.hotspots(cell={count})["self"].sum().value)
"""
