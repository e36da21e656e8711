"""Which executions are runs of the same cell, and which of them to set side by side.

Enters: executions of the cell book. Leaves: execution counts."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Callable, Collection, Sequence
from itertools import takewhile
from typing import Any

import pandas as pd

from nbtrace.analysis.wrong_question import QuestionError
from nbtrace.store.book import Execution


class RunsError(QuestionError):
    """There is nothing to compare."""


def chosen(
    executions: Sequence[Execution], which: Any, recorded: Callable[[], Collection[int]] | None = None
) -> tuple[list[int], list[int]]:
    """Return the counts of the two sides where one is named, or none: see `runs_before`. recorded: the counts of which there
    are spans, for advice; all of `executions` without it."""
    if which is None:
        for execution in reversed(executions):
            if execution.run > 1 and execution.execution_count is not None:
                return runs_before(executions, execution.execution_count, recorded)
        cells = _recorded(executions, recorded)[-2:]
        said = "no cell has run twice, so there is nothing to compare. Run one again"
        if len(cells) < 2:
            raise RunsError(f"{said}.")
        raise RunsError(f"{said}, or name two: {_in_python(*cells)}.", f"{said}, or type  {_in_magic(*cells)}")
    if isinstance(which, (str, bytes, float, bool)):
        raise RunsError(f"{reprlib.repr(which)} is no cell. Type the number in its brackets, as in nbtrace.compare(3).")
    try:
        count = operator.index(which)
    except TypeError:
        sides = "nbtrace.compare([3, 4, 5], [6, 7, 8])"
        raise RunsError(f"{reprlib.repr(which)} is one side only. Name the other, as in {sides}.") from None
    return runs_before(executions, count, recorded)


def check(cells: Sequence[int], known: pd.Series) -> None:
    """Raise RunsError for a cell of which nothing is recorded."""
    recorded = set(known.dropna().tolist())
    if not cells:
        raise RunsError("one side has no cells. Name at least one: nbtrace.compare(3, 5).")
    for cell in cells:
        if cell not in recorded:
            raise _unknown(f"nothing is recorded of a cell [{cell}].")


def runs_before(
    executions: Sequence[Execution], count: int, recorded: Callable[[], Collection[int]] | None = None
) -> tuple[list[int], list[int]]:
    """Return (before, after), the counts of earlier runs of the cell that ran as `count`, and of the runs up to it.

    If the cell's code has changed, the runs with the code of `count` stand against those with the code before; otherwise
    `count` alone against all runs before it. Raises RunsError for an unknown count and for a cell's first run."""
    known = [e for e in executions if e.execution_count is not None]
    this = next((e for e in reversed(known) if e.execution_count == count), None)
    if this is None:
        raise _unknown(f"there is no cell [{count}] in the recording.")
    runs = [e for e in known if e.identity == this.identity and e.number <= this.number]
    later = [e.execution_count for e in known if e.identity == this.identity and e.number > this.number]
    if len(runs) == 1 and later:
        said = f"[{count}] is the first run of its cell, so there is none before it."
        last = later[-1]
        raise RunsError(
            f"{said} Compare the last, [{last}]: nbtrace.compare({last}).",
            f"{said} For the last, [{last}], type  %spans compare {last}",
        )
    if len(runs) == 1:
        cells = _recorded(executions, recorded)
        said = f"cell [{count}] has run once, so it has no run before. Run it again"
        # The nearest before it; of the first cell, the nearest behind it.
        beside = [cell for cell in cells if cell != count]
        if not beside:
            raise RunsError(f"{said}.")
        near = max((cell for cell in beside if cell < count), default=min(beside))
        sides = sorted((near, count))
        raise RunsError(
            f"{said}, or name the cell to compare with: {_in_python(*sides)}.", f"{said}, or type  {_in_magic(*sides)}"
        )
    after = list(takewhile(lambda e: e.digest == this.digest, reversed(runs)))
    if len(after) == len(runs):
        after = after[:1]
    rest = runs[: len(runs) - len(after)]
    before = list(takewhile(lambda e: e.digest == rest[-1].digest, reversed(rest)))
    return _counts(before), _counts(after)


def _counts(executions: Sequence[Execution]) -> list[int]:
    return sorted(e.execution_count for e in executions if e.execution_count is not None)


def _recorded(executions: Sequence[Execution], recorded: Callable[[], Collection[int]] | None) -> list[int]:
    """The counts of the executions that there are spans of, in their order."""
    counts = _counts(executions)
    return counts if recorded is None else sorted(set(counts).intersection(recorded()))


def _unknown(what: str) -> RunsError:
    return RunsError(
        f"{what} nbtrace.cells() lists those that are recorded.", f"{what} Type  %spans cells  to see those that are."
    )


def _in_python(before: int, after: int) -> str:
    return f"nbtrace.compare({before}, {after})"


def _in_magic(before: int, after: int) -> str:
    return f"%spans compare {before} {after}"
