"""Which executions are runs of the same cell, and which of them to set side by side.

Enters: executions of the cell book. Leaves: execution counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import pandas as pd

from nbtrace.store.cells import Execution


class RunsError(ValueError):
    """There is nothing to compare."""


def chosen(executions: Sequence[Execution], which: Any) -> tuple[list[int], list[int]]:
    """Return the counts of the two sides where one is named, or none: see `runs_before`."""
    if which is not None:
        if isinstance(which, bool) or not isinstance(which, int):
            raise RunsError(f"{which!r} is one side only. Name the other, as in nbtrace.compare([3, 4, 5], [6, 7, 8]).")
        return runs_before(executions, which)
    for execution in reversed(executions):
        if execution.run > 1 and execution.execution_count is not None:
            return runs_before(executions, execution.execution_count)
    raise RunsError(
        "no cell has run twice, so there is nothing to compare. Run one again, or name two: nbtrace.compare(3, 5)."
    )


def check(cells: Sequence[int], known: pd.Series) -> None:
    """Raise RunsError for a cell of which nothing is recorded."""
    recorded = set(known.dropna().tolist())
    if not cells:
        raise RunsError("one side has no cells. Name at least one: nbtrace.compare(3, 5).")
    for cell in cells:
        if cell not in recorded:
            raise RunsError(f"nothing is recorded of a cell [{cell}]. nbtrace.cells() lists those that are.")


def runs_before(executions: Sequence[Execution], count: int) -> tuple[list[int], list[int]]:
    """Return (before, after), the counts of earlier runs of the cell that ran as `count`, and of the runs up to it.

    If the cell's code has changed, the runs with the code of `count` stand against those with the code before; otherwise
    `count` alone against all runs before it. Raises RunsError for an unknown count and for a cell's first run."""
    known = [e for e in executions if e.execution_count is not None]
    this = next((e for e in reversed(known) if e.execution_count == count), None)
    if this is None:
        raise RunsError(f"there is no cell [{count}] in the recording. nbtrace.cells() lists those that are.")
    runs = [e for e in known if e.identity == this.identity and e.number <= this.number]
    if len(runs) == 1:
        raise RunsError(
            f"cell [{count}] has run once, so it has no run before. Run it again, or name the cell to compare with: "
            f"nbtrace.compare({max(count - 1, 1)}, {count})."
        )
    after = list(takewhile(lambda e: e.digest == this.digest, reversed(runs)))
    if len(after) == len(runs):
        after = after[:1]
    rest = runs[: len(runs) - len(after)]
    before = list(takewhile(lambda e: e.digest == rest[-1].digest, reversed(rest)))
    return _counts(before), _counts(after)


def _counts(executions: Sequence[Execution]) -> list[int]:
    return sorted(e.execution_count for e in executions if e.execution_count is not None)
