"""What a cell does inside, though nobody instrumented it: statements, samples, resources.

Enters: executions, as they begin and end. Leaves: rows, to every open recording, and `Execution.resources`."""

from __future__ import annotations

import linecache
import re
from collections.abc import Collection
from types import CodeType
from typing import Any

from nbtrace.capture.instruments.gpu import Gpus
from nbtrace.capture.instruments.resources import Meter, Usage
from nbtrace.capture.instruments.sampler import Sampler
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.sampling.run import Run
from nbtrace.faults import fault
from nbtrace.store.book import Execution
from nbtrace.store.schema import NOTE_BYTES, Row
from nbtrace.store.span_store import SpanStore

_PROFILER = re.compile(r"prun|[pP]rofil|pyinstrument|scalene|viztracer")
"""How a cell looks that brings a profiler of its own. From Python 3.12 on cProfile sees what all threads do."""


class Profile:
    """Of all cells, for all recordings that are open."""

    def __init__(self, recorder: SpanRecorder) -> None:
        self.sampler = Sampler(recorder)
        self.meter = Meter()
        self.sampler.read_memory, self.sampler.memory_of = self.meter.read_memory, self.meter.memory_of
        self.sampler.first_seen = self._first_seen
        self.gpus = Gpus()
        self.sampler.besides = self._read_gpus
        self._stores: tuple[SpanStore, ...] = ()
        self._running: dict[int, tuple[Execution, Run]] = {}

    def listen(self, stores: Collection[SpanStore]) -> None:
        """Hand on to these from here on: statements to all, samples to those that want some."""
        self._stores = tuple(stores)
        self.sampler.listen(stores)

    def begin(
        self, execution: Execution, begun: list[tuple[int, CodeType]], *, outer: Usage | None, awaits: bool
    ) -> tuple[Run, Usage]:
        """Look at an execution from here on. It notes in `begun` when its statements begin; `outer` is of the one that runs it;
        `awaits`: it gives its thread to others while it waits."""
        profiled = _PROFILER.search(execution.source) is not None
        usage = Usage(self.meter, execution.number, outer)
        run = self.sampler.begin(execution.number, begun, awaits=awaits, profiled=profiled)
        run.usage = usage
        self._running[execution.number] = (execution, run)
        return run, usage

    def end(self, execution: Execution, run: Run, usage: Usage, *, ended_ns: int | None, failed: bool) -> None:
        """Hand on what is known of an execution. `ended_ns`: when its last statement ended, None for now."""
        self._running.pop(execution.number, None)
        self.sampler.end(run)
        now_ns = run.now_ns()
        execution.resources = usage.end()
        if run.begun:
            row = _row(execution, run, ended_ns or now_ns, failed=failed)
            for store in self._stores:
                try:
                    store.statements.append(row, NOTE_BYTES * len(run.begun))
                except Exception:
                    fault("handing statements to a recording")

    def _first_seen(self, number: int, file: str) -> None:
        """Who asks about a cell while it runs wants to know as which file it was compiled."""
        execution, _ = self._running.get(number, (None, None))
        if execution is not None and not execution.file:
            noted_file(execution, file)

    def _read_gpus(self) -> None:
        if self.meter.running and (found := self.gpus.read()) is not None:
            for usage in self.meter.running.copy().values():
                usage.note_gpu(*found)

    def running_rows(self) -> list[Row]:
        """Return the rows of statements of the executions that run."""
        return [_row(execution, run, 0) for execution, run in self._running.copy().values() if run.begun]

    def forget(self) -> None:
        """Forget what runs: in a forked child, or when nobody records any more."""
        self._running.clear()


def noted_file(execution: Execution, file: str) -> None:
    """Note as which file a cell was compiled, and its lines as they were, if they are not those that were typed."""
    known: Any = linecache.cache.get(file)
    lines = known[2] if known is not None and len(known) > 2 else None
    if lines and "".join(lines).rstrip("\n") != execution.source.rstrip("\n"):
        execution.compiled = tuple(lines)
    execution.file = file  # last: whoever finds it finds the lines too


def _row(execution: Execution, run: Run, end_ns: int, *, failed: bool = False) -> Row:
    begun = [(moment_ns + run.offset_ns, code) for moment_ns, code in run.begun or ()]
    return (execution, begun, end_ns, failed)
