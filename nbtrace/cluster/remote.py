"""What capture records in a worker far away, for one kernel that has sent it tasks.

Enters: tasks, as they begin, with the ids that they have in the recording. Leaves: parcels of lines, which an engine sends home
as it can. Nothing is opened before the first task."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from opentelemetry.trace import get_current_span

from nbtrace.capture.current_cell import CELL, attach
from nbtrace.capture.live import LIVE
from nbtrace.capture.sampling.run import Run
from nbtrace.capture.task_parent import recorded_id, task_context
from nbtrace.formats.journal.journal import Journal
from nbtrace.formats.journal.parcels import Parcels
from nbtrace.formats.spool.passing_store import PassingStore
from nbtrace.formats.spool.settings import Settings
from nbtrace.store import semconv
from nbtrace.store.redaction.redactor import Redactor

_MOST_TRACES = 10_000

HOMES: set[str] = set()
"""Kernels that live in this process, by what an engine calls them: what is recorded here is recorded by them."""


class Remote:
    """Records for a kernel, from the first of its tasks on."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._wishes = ""
        self._ruled = Redactor(True)
        """What hides secrets by the rules alone."""
        self._store: PassingStore | None = None
        self._journal: Journal | None = None
        self._parcels = Parcels()
        self._traces: dict[int, None] = {}
        self._runs: dict[int, tuple[Run, int]] = {}
        """By the number of a cell: who looks at its threads, and how many of its tasks run."""

    @property
    def _is_here(self) -> bool:
        return self._home in HOMES

    def enter(self, ids: tuple[int, int, int, int], cell: int, wishes: str) -> Callable[[], list[str]]:
        """Make a task current in this context, from which its thread gets it. `ids`: trace, sender, flags, task; `wishes`: what
        the kernel wants, as `Settings.text` says it. Return what to call when it has ended: that gives the ends of the stack
        traces that its spans have told."""
        trace_id, sender_id, flags, task_id = ids
        if self._is_here:
            # For whoever draws ids from `random` as without nbtrace: below a task as below a cell.
            LIVE.recorder.cell_spans.add(task_id)
        else:
            self._begin(trace_id, wishes)
            if cell not in self._runs:
                self._runs[cell] = LIVE.look_for(cell), 0
            run, tasks = self._runs[cell]
            self._runs[cell] = run, tasks + 1
        propagated = LIVE.recorder.propagated
        propagated.watch(task_id)
        attach(task_context(trace_id, sender_id, flags, task_id))
        CELL.set(cell)

        def leave() -> list[str]:
            LIVE.recorder.cell_spans.discard(task_id)
            if cell in self._runs:
                run, tasks = self._runs[cell]
                self._runs[cell] = run, tasks - 1
            return propagated.let_out(task_id)

        return leave

    def current(self) -> tuple[int, int]:
        """Return the ids of the span, or task, that is current: what is sent from here hangs on it."""
        known = get_current_span().get_span_context()
        return known.trace_id, recorded_id(known)

    def take(self, *, last: bool = False) -> list[bytes]:
        """Return what may be sent; `last`: all there is, with what a task has sent to other processes of this
        machine; else that comes along when it has been read."""
        for cell, (run, tasks) in list(self._runs.items()):
            if not tasks:
                del self._runs[cell]
                LIVE.look_away(run)
        if self._journal is None:
            return []
        if last:
            LIVE.exchange.collect()
        else:
            LIVE.exchange.collect_soon()
        return self._parcels.take()

    def without_secrets(self, said: dict[str, Any]) -> dict[str, Any]:
        """Return what is told of a task, as it may leave the worker: its names by the rules alone, as for tasks of pools, and an
        exception as the notebook's own callable would have it."""
        if self._store is None:
            return said
        redactor, ruled = self._store.redactor, self._ruled
        safe = {**said, "key": ruled.text(said["key"], semconv.TASK_KEY), "name": ruled.text(said["name"], "span.name")}
        if error := said.get("error"):
            kind, message, stack = error
            message = redactor.text(message, semconv.EXCEPTION_MESSAGE)
            safe["error"] = kind, message, redactor.text(stack, semconv.EXCEPTION_STACKTRACE)
        return safe

    @property
    def holds(self) -> bool:
        """Whether there is anything to take, or will be."""
        return bool(self._runs) or self._parcels.holds

    @property
    def lost(self) -> int:
        """How many lines were not taken in time."""
        return self._parcels.lost

    def close(self) -> None:
        """Record no more."""
        for run, _ in self._runs.values():
            LIVE.look_away(run)
        self._runs.clear()
        if self._store is not None and self._journal is not None:
            LIVE.close(self._store)
            self._journal.stop()
        self._store = self._journal = None

    def _begin(self, trace_id: int, wishes: str) -> None:
        if trace_id not in self._traces:
            self._traces[trace_id] = None
            if len(self._traces) > _MOST_TRACES:
                self._traces.pop(next(iter(self._traces)), None)
        if self._store is None:
            if LIVE.exchange.serves:
                # A worker that the kernel's own process has started: what it records goes the engine's way.
                LIVE.exchange.leave()
            settings = self._settings(wishes)
            self._store = PassingStore(
                redactor=settings.redactor, sampling=settings.sampling, wanted=self._traces.__contains__
            )
            self._journal = Journal(self._store, Path(os.devnull), head={"pid": os.getpid()}, parcels=self._parcels)
            self._journal.start()
            LIVE.serve(self._store, set())
        elif wishes != self._wishes and self._journal is not None:
            settings = self._settings(wishes)
            self._store.redactor = settings.redactor
            self._journal.rules_changed()
            self._store.sampling = settings.sampling
            LIVE.heed_sampling()
        self._wishes = wishes

    def _settings(self, wishes: str) -> Settings:
        settings = Settings.read(wishes)
        self._ruled = Redactor(replace(settings.redactor.choice, call=None))
        return settings
