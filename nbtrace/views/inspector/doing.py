"""What the inspector in the browser is told of what running cells are doing.

Enters: a store. Leaves: frames, when what is to be told has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from nbtrace.analysis.profiles.hottest_function import Heat
from nbtrace.store.book import Execution
from nbtrace.store.rows import Mark
from nbtrace.store.span_store import SpanStore
from nbtrace.views.doing import Doing, doing
from nbtrace.views.inspector.frames import Frame, frame
from nbtrace.views.inspector.protocol import DOING

PAUSE_S = 0.33
"""From one frame to the next: faster nobody reads."""

STEADY_S = 1.0
"""How often the functions are looked at, which change with each look though the line stays."""

PATIENCE_S = 0.5
"""Of a cell that ends before, nothing is told: a line that comes and goes moves what stands below it."""


class DoingTold:
    """What one inspector has been told. Not for two threads at a time."""

    def __init__(self, store: SpanStore) -> None:
        self._store = store
        self._told: dict[int, Doing] | None = {}
        """By the number of the execution; None where it is not known what has arrived."""
        self._first: dict[int, float] = {}
        """When each cell that runs was first seen to."""
        self._at = self._steady_at = 0.0
        self._heat = Heat()
        self._mark: Mark | None = None

    def again(self) -> None:
        """What was told, if anything was, may not have arrived."""
        if self._at:
            self._told = None

    def anew(self) -> None:
        """What was told is void."""
        self._told = {}

    @property
    def has_told(self) -> bool:
        """Whether the browser says that a cell is doing something."""
        return bool(self._told)

    def silence(self) -> Frame | None:
        """Return that no cell does anything, if something else was told: nobody will tell when it ends."""
        if not self._told:
            return None
        self._told = {}
        return self._frame({})

    def news(self, shows: Callable[[Execution], bool]) -> Frame | None:
        """Return what is to be told of the cells of which something may be shown; None if that is known, or it is too early."""
        now = self._store.now.copy()
        if not now and self._told == {}:
            return None
        moment = time.monotonic()
        self._first = {number: self._first.get(number, moment) for number in now}
        if moment - self._at < PAUSE_S:
            return None
        old = {number for number, first in self._first.items() if moment - first >= PATIENCE_S}
        wanted = {each.number: each for each in self._store.executions() if each.number in old and shows(each)}
        steady = moment - self._steady_at < STEADY_S
        if now and not steady:
            self._count(now)
        at_ns, clean = time.time_ns(), self._store.redactor.uncounted().text
        found = {
            number: doing(now[number], execution, self._heat.hottest(number), at_ns, clean)
            for number, execution in wanted.items()
        }
        if self._told is not None and steady and _without_functions(found) == _without_functions(self._told):
            return None
        if not steady:
            self._steady_at = moment
        if found == self._told:
            return None
        self._told, self._at = found, moment
        return self._frame(found)

    def _count(self, cells: Collection[int]) -> None:
        """Count the samples that have come."""
        batches, mark = self._store.samples.since(self._mark)
        if self._mark is not None and mark[0] != self._mark[0]:
            self._heat = Heat()
        self._mark = mark
        self._heat.keep(cells)
        for batch, skip in batches:
            self._heat.add(batch, skip, cells)

    def _frame(self, found: dict[int, Doing]) -> Frame:
        cells = [told_as(number, told) for number, told in found.items()]
        return frame({"kind": DOING, "cells": cells, "now": time.time_ns() / 1e6})


def told_as(number: int, told: Doing) -> list[Any]:
    """Return what the browser is told of a cell: protocol.md says in which order. Times are ms since the epoch."""
    times = (told.begun_ns / 1e6, told.since_ns / 1e6, told.silent_ns / 1e6)
    return [number, told.line, told.code, told.first_line, told.last_line, *times, told.function, told.hottest]


def _without_functions(found: dict[int, Doing]) -> dict[int, Doing]:
    return {number: told._replace(function="", hottest="") for number, told in found.items()}
