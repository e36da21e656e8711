"""Budgets held against a recording.

Enters: what answers as a recording does, and budgets. Leaves: a `Judgement` of each, with the numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from nbtrace.analysis.amounts import count, ratio
from nbtrace.analysis.judging.judgement import Judgement, label, named
from nbtrace.analysis.judging.reading import Budget, Operator, Selector, quoted
from nbtrace.analysis.judging.recorded import Cell, Recorded, Recording, Run
from nbtrace.analysis.judging.values import MEASURES, Number, in_words
from nbtrace.analysis.where.errors import nearest

_MEETS: dict[Operator, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
_LISTED = 5
"""Names that are told where none is near."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What is measured."""

    label: str
    value: Number
    ended: bool = True
    """Whether that is all; otherwise it is as far as it has come."""


def judge(recording: Recording, budgets: Sequence[Budget]) -> list[Judgement]:
    """Return a judgement of each budget.

    Each execution of a cell is judged, and each run where there are several. A cell, a span or a run that never ended counts as
    far as it came: that can be over a budget, but not within one. What is chosen by a name that nothing has is not kept, but
    for the count and the errors of spans, which are 0; nor is what the system did not measure of anything."""
    if not budgets:
        return []
    recorded = Recorded(recording)
    return [_judged(recorded, budget) for budget in budgets]


def nothing_met(recorded: Recorded, selector: Selector) -> str:
    """Return what is said of a selector that nothing meets."""
    cells = [cell for _, cell in _all_cells(recorded)]
    if selector.kind == "cell":
        known = {name for cell in cells for name in (*cell.tags, *cell.inside)}
        return f"no cell has a tag, an id, a number or a span {selector.name!r}; {_there_are(selector.name, known)}"
    if selector.kind == "name":
        of_cells = {cell.name for cell in cells}
        known = {name for run in recorded.runs for name in run.names} - of_cells
        return f"no span is named {selector.name!r}; {_there_are(selector.name, known)}"
    return {"cells": "no cell ran", "names": "no span was recorded"}.get(selector.kind, "nothing was recorded")


def chosen(recorded: Recorded, selector: Selector) -> Iterator[tuple[Run | None, Cell]]:
    """Give the cells that a selector means, and the run that each is of. Each cell: but those that only asked nbtrace."""
    for run, cell in _all_cells(recorded):
        if cell.is_called(selector.name) if selector.kind == "cell" else not cell.only_asked:
            yield run, cell


def called(run: Run | None, several: bool) -> str:
    """Return what stands before the name of a part of a run: the run, where there are several."""
    return f"{label(run.name or 'run')}: " if several and run is not None else ""


def measured(measure: str, value: Number, budget: Budget) -> str:
    """Return a number as it is said: 41.2 s, p95 1.20 s, 12 errors."""
    if measure in ("count", "span_count"):
        return count(int(value), "span")
    if measure in ("errors", "error_count"):
        return count(int(value), "error")
    words = in_words(value, budget.unit)
    return words if measure == "duration" else f"{measure} {words}"


def _judged(recorded: Recorded, budget: Budget) -> Judgement:
    selector = budget.selector
    found = list(_things(recorded, budget))
    if not found:
        if selector.kind == "cells" and budget.unit == "count" and not list(chosen(recorded, selector)):
            return Judgement(budget.typed, True, "no cell ran")
        return Judgement(budget.typed, False, _unknown(recorded, budget))
    if _is_nothing(recorded, budget):
        return Judgement(budget.typed, False, nothing_met(recorded, selector))
    meets = _MEETS[budget.operator]
    broken = [thing for thing in found if not (meets(thing.value, budget.value) and _can_tell(thing, budget))]
    if not broken:
        return Judgement(budget.typed, True, _kept(found, budget) + _nothing_named_so(recorded, budget, found))
    grows = budget.operator in ("<", "<=")
    broken.sort(key=lambda thing: abs(thing.value - budget.value) if budget.operator == "==" else thing.value)
    worst = broken[::-1] if grows or budget.operator == "==" else broken
    return Judgement(budget.typed, False, named([_broken(thing, budget, at) for at, thing in enumerate(worst)]))


def _is_nothing(recorded: Recorded, budget: Budget) -> bool:
    """Whether a budget allows spans of a name that no span has: it may be mistyped, and would be kept for ever. One that allows
    none of them is kept."""
    if budget.selector.kind != "name" or budget.operator not in ("<", "<="):
        return False
    allows_none = budget.value < 1 or (budget.value == 1 and budget.operator == "<")
    return not allows_none and not any(budget.selector.name in run.names for run in recorded.runs)


def _can_tell(thing: Thing, budget: Budget) -> bool:
    """Whether what a budget allows so far is allowed for good."""
    return thing.ended or budget.operator in (">", ">=")


def _things(recorded: Recorded, budget: Budget) -> Iterator[Thing]:
    selector, measure = budget.selector, budget.measure
    several = len(recorded.runs) > 1
    if selector.kind in ("cell", "cells"):
        for run, cell in chosen(recorded, selector):
            if measure in cell.values:
                whole = cell.ended or measure not in ("duration", "span_count", "error_count")
                yield Thing(called(run, several) + label(cell.name), cell.values[measure], whole)
        return
    for run in recorded.runs:
        if selector.kind == "run":
            if measure in run.values:
                name = label(run.name) or "the recording"
                yield Thing(name, run.values[measure], run.ended or measure != "duration")
            continue
        values = run.names.get(selector.name, {"count": 0, "errors": 0})
        if measure in values:
            whole = measure != "duration" or selector.name not in run.unended
            yield Thing(called(run, several) + label(selector.name), values[measure], whole)


def _broken(thing: Thing, budget: Budget, at: int) -> str:
    """What is over its budget, and by how much; the budget itself is said once."""
    meets = _MEETS[budget.operator](thing.value, budget.value)
    said = f"{thing.label}: {'' if thing.ended else 'at least '}{measured(budget.measure, thing.value, budget)}"
    if meets and not thing.ended:
        return f"{thing.label}: never ended, {measured(budget.measure, thing.value, budget)} so far"
    if budget.operator == "==" or budget.value <= 0 or thing.value == budget.value:
        how = {"<": "not below", "<=": "not at most", ">": "not above", ">=": "not at least", "==": "not"}[
            budget.operator
        ]
        return f"{said}, {how} {in_words(budget.value, budget.unit)}" if at == 0 else said
    times = ratio(thing.value / budget.value).lstrip("▲▼ ")
    side = "over the budget of" if budget.operator in ("<", "<=") else "short of the"
    return f"{said}, {side} {in_words(budget.value, budget.unit)} ({times})" if at == 0 else f"{said} ({times})"


def _kept(found: list[Thing], budget: Budget) -> str:
    """The one that comes nearest to the budget."""
    nearest_one = min if budget.operator in (">", ">=") else max
    thing = nearest_one(found, key=lambda each: each.value)
    said = f"{thing.label}: {measured(budget.measure, thing.value, budget)}"
    if budget.operator != "==":
        within = "within the budget of" if budget.operator in ("<", "<=") else "above the"
        said = f"{said}, {within} {in_words(budget.value, budget.unit)}"
    if len(found) == 1:
        return said
    which = "the least" if nearest_one is min else "the most"
    return f"{said}; {which} of {len(found):,}"


def _unknown(recorded: Recorded, budget: Budget) -> str:
    """Why there is nothing to judge."""
    selector, measure = budget.selector, budget.measure
    if selector.kind in ("cell", "cells"):
        met = list(chosen(recorded, selector))
        if met and measure in MEASURES["cells"]:
            return f"{measure} is known of none of {count(len(met), 'cell')}: {_why_not(measure)}"
    if selector.kind == "name" and any(selector.name in run.names for run in recorded.runs):
        return f"no span named {quoted(label(selector.name))} has ended, so its {measure} is not known"
    if selector.kind == "run" and any("duration" in run.values for run in recorded.runs):
        return f"{measure} is not known of any cell: {_why_not(measure)}"
    return nothing_met(recorded, selector)


def _why_not(measure: str) -> str:
    if measure.startswith("gpu"):
        return "there was no GPU that tells"
    return "the system did not tell, or the cells took less than 2 ms"


def _nothing_named_so(recorded: Recorded, budget: Budget, found: list[Thing]) -> str:
    """What is said where a count is nothing because no span has the name: it may be mistyped."""
    selector = budget.selector
    if selector.kind != "name" or any(selector.name in run.names for run in recorded.runs):
        return ""
    return f" ({nothing_met(recorded, selector)})"


def _all_cells(recorded: Recorded) -> Iterator[tuple[Run | None, Cell]]:
    for run in recorded.runs:
        yield from ((run, cell) for cell in run.cells)
    yield from ((None, cell) for cell in recorded.outside)


def _there_are(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    if not known:
        return "there are none at all"
    if near := nearest(name, known):
        return f"did you mean {' or '.join(quoted(label(each)) for each in near)}?"
    more = len(known) - _LISTED
    return f"there are {', '.join(quoted(label(each)) for each in known[:_LISTED])}{f' and {more:,} more' if more > 0 else ''}"
