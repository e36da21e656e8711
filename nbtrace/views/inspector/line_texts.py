"""What stands on the lines of new stacks, where an inspector has it from nowhere else.

Enters: a store, stacks, and what is new of them. Leaves: number of the file, line, text."""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable
from typing import Any

from nbtrace.analysis.profiles.cell_code import LONGEST, CellCode
from nbtrace.analysis.profiles.libraries import YOURS, library
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.stacks import IN_NOTEBOOK, News, Stacks, Taken

_LAST = 2**62
"""Larger than the number of any execution."""


def lines_of_cells(store: SpanStore, stacks: Stacks, news: News, *, told: Callable[[int], bool]) -> list[list[Any]]:
    """Return what stands on lines of cells that are not told of: functions of one cell are run by others.

    told: whether an execution's source is told of otherwise, or is none to be told."""
    wanted = [(file, line) for _, file, line, _, kind in news.frames if kind & IN_NOTEBOOK and line > 0]
    if not wanted:
        return []
    executions = store.executions()
    left_out = {each.file for each in executions if told(each.number)}
    code = CellCode(executions)
    found: list[list[Any]] = []
    for file, line in dict.fromkeys(wanted):
        path = stacks.path(file)
        execution = None if path in left_out else code.ran(path, _LAST)
        text = None if execution is None else code.text(execution.number, line, line)
        if text is not None:
            found.append([file, line, text])
    return found


def lines_of_files(store: SpanStore, stacks: Stacks, news: News, taken: Taken) -> list[list[Any]]:
    """Return what stands on lines of the person's own files, as in a traceback.

    Of this process alone: where others ran, other files may stand at these paths."""
    if store.capture_source != "full" or not stacks.are_of(taken, os.getpid()):
        return []
    clean = store.redactor.uncounted().text
    found: list[list[Any]] = []
    for file, line in dict.fromkeys((file, line) for _, file, line, _, kind in news.frames if not kind & IN_NOTEBOOK):
        path = stacks.path(file)
        text = linecache.getline(path, line).rstrip() if line > 0 and library(path) == YOURS else ""
        if text:
            found.append([file, line, clean(text[:LONGEST])])
    return found
