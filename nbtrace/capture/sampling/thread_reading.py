"""What a look at a thread finds: what it does for a cell, and which span is current in it.

Enters: a frame of the thread, and the context of the task that it runs, where that can be had. Leaves: a `Stack` that ends at
the cell, and ids."""

from __future__ import annotations

import os
from types import FrameType
from typing import Any

from opentelemetry import trace

from nbtrace.capture.current_cell import CELL
from nbtrace.capture.running_spans import RunningSpans
from nbtrace.capture.sampling import stack_reading
from nbtrace.capture.sampling.run import Run
from nbtrace.capture.sampling.stack_reading import Key, Stacks
from nbtrace.capture.sampling.working_threads import Worker
from nbtrace.capture.task_parent import recorded_id
from nbtrace.faults import fault
from nbtrace.store.stacks import Stack

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Where nbtrace lives: what of it stands between a caller and its function is nothing of the user's."""

_ARRIVES = os.path.join(_OURS, "processes", "carried.py")
"""Where a task makes itself at home in its worker, before its function is called."""

_LATEST = 50
"""Of the spans that run so many are asked whether they are of a thread, the latest first."""


class ThreadReader:
    """Knows what of a stack is the cell's."""

    def __init__(self, running: RunningSpans) -> None:
        self._running = running
        self._stacks = Stacks()
        self.files: set[str] = set()
        """The files as which cells have been compiled."""
        self.shell_file = ""
        """The file of the shell that runs cells."""

    def stack(self, run: Run | None, frame: FrameType, context: Any) -> tuple[Stack, bool] | None:
        """Return what a thread does for a cell, and whether it does anything; None for one that waits for work."""
        if run is None:
            keys = _without_ours(stack_reading.of_the_thread(stack_reading.walk(frame, None).keys))
            waits = not keys or stack_reading.waits_for_others(keys)
            return None if waits else (self._stacks.of(keys), True)
        if run.serves:
            keys = stack_reading.of_the_worker(stack_reading.walk(frame, None).keys)
            keys = [] if keys and keys[-1][1] == _ARRIVES else _without_ours(keys)
            return (self._stacks.of(keys), True) if keys else None
        if not run.begun:
            return self._stacks.of(_without_ours(stack_reading.walk(frame, None).keys)), True
        code, works = run.begun[-1][1], True
        keys, end = stack_reading.walk(frame, code)
        if end == "bottom":
            keys, works = self._without_cell(keys, run, context)
        return self._stacks.of(_without_ours(keys), None if end == "found" else run.statement(code)), works

    def span(self, worker: Worker, context: Any) -> tuple[int, int]:
        """Return the ids of the span that is current in a thread: exact where its context can be read (a task's, from Python
        3.12 on), else the last of those that have begun in it and run; zeros for none."""
        try:
            if context is not None and context.get(CELL) == worker.cell:
                span = context.copy().run(trace.get_current_span)
                known = span.get_span_context()
                return known.trace_id, recorded_id(known)
            table, ident = self._running.table, worker.thread.thread_id
            for seen, span_id in enumerate(reversed(table)):
                started = table.get(span_id)
                if started is not None and started[4].thread_id == ident and started[1] == worker.cell:
                    return started[6], span_id
                if seen > _LATEST:
                    break
            if worker.sent_by[1]:
                return worker.sent_by
            if worker.context is not None:
                known = trace.get_current_span(worker.context).get_span_context()
                return known.trace_id, recorded_id(known)
        except RuntimeError:  # the table has changed meanwhile
            pass
        except Exception:
            fault("asking for a span")
        return 0, 0

    def _without_cell(self, keys: list[Key], run: Run, context: Any) -> tuple[list[Key], bool]:
        """The frames that work for a cell of which no frame is among them, and whether any does: the cell waits, one of its tasks
        runs, or IPython shows what it has left."""
        mine = None if context is None else context.get(CELL) == run.cell
        if mine is False:
            return [], False
        if (shown := stack_reading.above(keys, self.shell_file)) is not None and not (run.awaits and mine is None):
            return shown, True
        if mine:
            return stack_reading.of_the_task(keys), True
        found = stack_reading.of_the_cell(keys, self.files)
        return found, bool(found)


def _without_ours(keys: list[Key]) -> list[Key]:
    return [key for key in keys if not key[1].startswith(_OURS)]
