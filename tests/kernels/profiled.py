"""What the recording of a real kernel holds of the inside of its cells."""

from __future__ import annotations

import json
from typing import Any

from tests.kernels.kernel import Kernel

SEEN = """
import json as _json, nbtrace as _n
def _seen(count):
    held = _n.live()._store.snapshot()
    (ran,) = [e for e in held.executions if e.execution_count == count]
    statements = [row for batch in held.statements for row in batch.statements.to_pylist() if row["cell"] == ran.number]
    samples = []
    for batch in held.samples:
        above, frame = batch.stacks.to_pydict()["above"], batch.stacks.to_pydict()["frame"]
        frames = batch.frames.to_pylist()
        columns = [batch.numbers(name).tolist() for name in ("cell", "time", "wall", "cpu", "memory")]
        for cell, time, wall, cpu, memory, at, span, thread in zip(
            *columns, *(batch.samples.column(name).to_pylist() for name in ("stack", "span", "thread"))
        ):
            stack = []
            while at >= 0:
                known = frames[frame[at]]
                ours = known["file"] == ran.file
                stack.append([known["function"], ran.typed_line(known["line"]) if ours else known["line"], known["file"]])
                at = above[at]
            if cell == ran.number:
                samples.append(dict(time=time, wall=wall, cpu=cpu, memory=memory, stack=stack[::-1], thread=thread["thread_name"],
                                    span=(span or {}).get("span_id")))
    names = {row["span_id"]: row["name"] for row in _n.spans().to_dict("records")}
    for sample in samples:
        sample["span"] = names.get(sample["span"])
    resources = ran.resources and ran.resources._asdict()
    print(_json.dumps(dict(statements=statements, samples=samples, resources=resources)))
"""
"""Defines what `ran` asks."""

BUSY = """
import time, threading, nbtrace
def busy(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
"""
"""Work in Python\'s code for so long, and until so much is computed: on a busy machine nobody gets to look at it for a while."""


class Seen:
    """What the recording holds of an execution."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.statements: list[dict[str, Any]] = found["statements"]
        self.samples: list[dict[str, Any]] = found["samples"]
        self.resources: dict[str, Any] = found["resources"]

    @property
    def lines(self) -> list[tuple[int, int]]:
        return [(row["first_line"], row["last_line"]) for row in self.statements]

    @property
    def statuses(self) -> list[int]:
        return [row["status"] for row in self.statements]

    def sampled(self, function: str) -> int:
        """For how many ns samples say that the function ran."""
        return sum(each["wall"] for each in self.samples if function in [name for name, *_ in each["stack"]])


def ran(kernel: Kernel, code: str) -> Seen:
    """Run a cell, and return what is known of it."""
    count = kernel.run(code).execution_count
    reply = kernel.run(f"_seen({count})")
    assert reply.stdout, reply
    return Seen(json.loads(reply.stdout))
