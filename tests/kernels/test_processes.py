"""Whatever a cell sends to other processes behaves as without nbtrace, and comes home: every span once, below what sent it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
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
    text = re.sub(r"0x[0-9a-f]+", "0x1", text)
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
