"""Limits of change held against two recordings: the same work, before and after.

Enters: what answers as recordings do, each of one or several runs, and limits. Leaves: a `Judgement` of each. What differs by
chance is decided by the rule of `compare` (analysis/noise.py)."""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from nbtrace.analysis.amounts import count
from nbtrace.analysis.judging.budgets import nothing_met
from nbtrace.analysis.judging.errors import BaselineError
from nbtrace.analysis.judging.judgement import Judgement, label, named
from nbtrace.analysis.judging.reading import Limit
from nbtrace.analysis.judging.recorded import Cell, Recorded, Recording, Run
from nbtrace.analysis.judging.values import Number, in_words
from nbtrace.analysis.noise import MIN_RUNS, by_chance, median, spread

LEAST_NS = {"cells": 50_000_000, "names": 10_000_000}
"""Where nobody has named what is limited, a change of less time than this in a run is none: a cell of three milliseconds takes
fifteen now and then, on a machine that others work on too, and three runs that agree say nothing of that."""

LEAST_COMMON = 0.2
"""Less than this share of the cells in common, and it is another notebook."""

FEW_CELLS = 3
"""So few cells do not tell: a run can die in its first one, and that be another than it was."""

Key: TypeAlias = tuple[str, ...]

_TOUCHED = {"mean": 1.0, "min": 1.0, "p50": 0.5, "p95": 0.05, "p99": 0.01}
"""How many of the spans took longer at least, where a measure of one of them did; of other measures it is one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the work on one side: what it took in each run in which that is known."""

    label: str
    values: tuple[Number, ...]
    counts: tuple[Number, ...] = (1,)
    """How many spans there were, in the same runs."""
    ended: bool = True
    """Whether all of it ended; otherwise it took at least so much."""


@dataclass(frozen=True, slots=True)
class Change:
    """A part of the work on both sides."""

    label: str
    before: Number
    after: Number
    runs_before: int
    runs_after: int
    chance: float
    """By how much the medians differ by chance; 0 where it is decided by numbers that are no times."""
    clear: bool
    """Whether they differ by more."""
    unknown: bool
    """Whether there are too few runs to know what chance does."""
    spans: float
    """How many spans there are in a run, after."""

    @property
    def share(self) -> float:
        """By how much more, of what it was; infinite if it was nothing."""
        if self.before == 0:
            return 0.0 if self.after == 0 else float("inf")
        return (self.after - self.before) / self.before


@dataclass(frozen=True, slots=True)
class _Pair:
    """The runs of one notebook."""

    prefix: str
    before: list[Run]
    after: list[Run]


def judge_change(before: Recording, after: Recording, limits: Sequence[Limit]) -> list[Judgement]:
    """Return a judgement of each limit.

    What a part of the work took is measured in each run, and the medians of both sides are compared. A limit fails where they
    differ by more than it allows, and by more than they do by chance; if only by the first, that is said, and the limit is
    kept. What is on one side only is said. Cells are the same by their ids, or by their first lines. Runs that failed are no
    baseline where others are, and no run is a baseline of itself. Raises BaselineError for a baseline of another notebook."""
    if not limits:
        return []
    old, new = Recorded(before), Recorded(after)
    pairs, alone = _pairs(old, new)
    return [_judged(limit, pairs, alone, new) for limit in limits]


def check_baseline(before: Recording, notebook: str) -> None:
    """Raise BaselineError for a baseline that says it is of other notebooks than this one, before an hour is spent on it."""
    known = _notebooks(Recorded(before).runs)
    if known and ntpath.basename(notebook) not in known:
        raise BaselineError(
            f"the baseline is of {_listed(known)}, and not of {ntpath.basename(notebook)!r}. "
            "Name a baseline of the same notebook."
        )


# ── which runs are set against which ─────────────────────────────────────────────────────────────────────────────────


def _pairs(old: Recorded, new: Recorded) -> tuple[list[_Pair], list[str]]:
    """The runs of each notebook, and the notebooks of which there is no baseline."""
    if not any(run.key for run in old.runs):
        raise BaselineError("nothing is recorded in the baseline. Name one with a run of the same notebook.")
    after = _by_notebook(new.repeated())
    own = {run.key for runs in after.values() for run in runs}
    known = [run for run in old.repeated() if run.key not in own]
    if not known:
        raise BaselineError("the baseline holds these runs themselves and no other. Name one that was recorded before.")
    before = _by_notebook(known)
    pairs, alone = [], []
    for name, runs in after.items():
        found = before.get(name)
        if found is None and (name is None or set(before) == {None}):
            # What does not say of which notebook it is, is taken at its word that it can be compared, if its cells agree.
            found = [run for each in before.values() for run in each]
        if found is None:
            alone.append(name or "")
            continue
        sound = [run for run in found if not run.failed] or found
        pairs.append(_Pair(f"{label(name)}: " if name and len(after) > 1 else "", sound, runs))
        _check_cells(pairs[-1], name, next(iter(_notebooks(found)), None))
    if not pairs:
        raise BaselineError(
            f"the baseline is of {_listed(_notebooks(known))}, and this is {_listed(alone)}. "
            "Name a baseline of the same notebook."
        )
    return pairs, alone


def _by_notebook(runs: Iterable[Run]) -> dict[str | None, list[Run]]:
    found: dict[str | None, list[Run]] = {}
    for run in runs:
        found.setdefault(None if run.notebook is None else ntpath.basename(run.notebook), []).append(run)
    return found


def _notebooks(runs: Iterable[Run]) -> list[str]:
    return list(dict.fromkeys(ntpath.basename(run.notebook) for run in runs if run.notebook is not None))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(label(name)) for name in names[:3]) + (
        f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    )


def _check_cells(pair: _Pair, after: str | None, before: str | None) -> None:
    """Raise BaselineError where hardly any cell is on both sides."""
    old, new = ({cell.code: cell.cell_id for run in runs for cell in run.cells} for runs in (pair.before, pair.after))
    lasting = set(old.values()) & set(new.values()) - {None}
    shared = sum(code in old or cell_id in lasting for code, cell_id in new.items())
    fewest = min(len(old), len(new))
    if shared >= LEAST_COMMON * fewest or (fewest < FEW_CELLS and after == before):
        return
    names = [repr(label(name)) if name else "a recording that names no notebook" for name in (before, after)]
    raise BaselineError(
        f"the baseline is of {names[0]}, and this is {names[1]}: they have {shared:,} of {fewest:,} cells in common. "
        "Name a baseline of the same notebook."
    )


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────────


def _parts(limit: Limit, pair: _Pair) -> tuple[dict[Key, Part], dict[Key, Part]]:
    """What a limit means, on both sides."""
    if limit.selector.kind == "run":
        name = label(pair.after[0].name) or "the recording"
        return _of_whole(limit, name, pair.before), _of_whole(limit, name, pair.after)
    if limit.selector.kind in ("cell", "cells"):
        return _of_cells(limit, pair)
    return _of_names(limit, pair.before), _of_names(limit, pair.after)


def _of_whole(limit: Limit, name: str, runs: Sequence[Run]) -> dict[Key, Part]:
    everything = {top for run in runs for top in run.tops}
    values = [run.values for run in runs if everything <= set(run.tops)]
    return (
        {("run",): Part(name, tuple(each[limit.measure] for each in values if limit.measure in each))} if values else {}
    )


def _of_cells(limit: Limit, pair: _Pair) -> tuple[dict[Key, Part], dict[Key, Part]]:
    ids = [{cell.cell_id for run in side for cell in run.cells} for side in (pair.before, pair.after)]
    # A notebook that is saved in an old format has other ids each time that it is read.
    lasting = ids[0] & ids[1] - {None}
    before, after = (_of_cells_of(limit, side, lasting) for side in (pair.before, pair.after))
    if limit.selector.kind == "cell" and len(before) == len(after) == 1:
        # One is called so on either side: it is the same, whatever its code has become.
        return {("cell",): next(iter(before.values()))}, {("cell",): next(iter(after.values()))}
    return before, after


def _of_cells_of(limit: Limit, runs: Sequence[Run], lasting: Collection[str | None]) -> dict[Key, Part]:
    found: dict[Key, Part] = {}
    for run in runs:
        for key, cell in _keyed(run.cells, lasting):
            if cell.is_called(limit.selector.name) if limit.selector.kind == "cell" else not cell.only_asked:
                part = found.get(key, Part(label(cell.name), ()))
                known = [cell.values[limit.measure]] if limit.measure in cell.values else []
                found[key] = replace(part, values=(*part.values, *known), ended=part.ended and cell.ended)
    return found


def _keyed(cells: Iterable[Cell], lasting: Collection[str | None]) -> Iterator[tuple[Key, Cell]]:
    """Cells with what tells them apart in each run: the id, or the first line and the number among those with the same one."""
    numbers: dict[str, int] = {}
    for cell in cells:
        if cell.cell_id is not None and cell.cell_id in lasting:
            yield ("id", cell.cell_id), cell
        else:
            number = numbers[cell.code] = numbers.get(cell.code, -1) + 1
            yield ("code", cell.code, str(number)), cell


def _of_names(limit: Limit, runs: Sequence[Run]) -> dict[Key, Part]:
    """Spans by name: what is missing from a run is none in it, and took no time. Where a cell or a root that has such spans did
    not run again, that is no run of theirs."""
    each = limit.selector.kind == "names"
    tables = [run.named_alike if each else run.names for run in runs]
    within: dict[str, set[str]] = {}
    for run in runs:
        for name, tops in run.within.items():
            within.setdefault(name, set()).update(tops)
    ran = [frozenset(run.tops) for run in runs]
    nothing: dict[str, Number] = {"count": 0, "errors": 0, "total": 0, "self": 0}
    found: dict[Key, Part] = {}
    for name in dict.fromkeys(name for table in tables for name in table) if each else [limit.selector.name]:
        if not any(name in table for table in tables):
            continue
        needed = within.get(name, set())
        values = [table.get(name, nothing) for table, tops in zip(tables, ran, strict=True) if needed <= tops]
        values = [known for known in values if limit.measure in known]
        found["name", name] = Part(
            label(name), tuple(known[limit.measure] for known in values), tuple(known["count"] for known in values)
        )
    return found


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _judged(limit: Limit, pairs: Sequence[_Pair], alone: Sequence[str], new: Recorded) -> Judgement:
    changes: list[Change] = []
    added, gone, unknown, unknown_before, unended = [], [], [], [], []
    each = limit.selector.kind in ("cells", "names")
    met = False
    for pair in pairs:
        before, after = _parts(limit, pair)
        # What nobody has named can be anything, but not nothing.
        met = met or bool(after) or (bool(before) and not each)
        for key, part in after.items():
            name = pair.prefix + part.label
            if key not in before:
                added.append(name)
            elif not part.values:
                unknown.append(name)
            elif not before[key].values:
                unknown_before.append(name)
            else:
                changes.append(_change(limit, name, before[key], part))
                unended += [name] if not part.ended else []
        gone += [pair.prefix + part.label for key, part in before.items() if key not in after]
    notes = [
        *([f"never ended: {named(unended)}"] if unended else []),
        *([f"not in the baseline: {named(added)}"] if added else []),
        *([f"only in the baseline: {named(gone)}"] if gone else []),
        *([f"no baseline of {_listed(alone)}"] if alone else []),
    ]
    if not met:
        return Judgement(limit.typed, False, "; ".join([nothing_met(new, limit.selector), *notes]))
    if not changes:
        said = [f"{limit.measure} is not known of {named(unknown)}"] if unknown else []
        said += [f"the baseline does not know {limit.measure} of {named(unknown_before)}"] if unknown_before else []
        # What is known of one part now is more than nothing, though it cannot be compared.
        return Judgement(
            limit.typed,
            bool(unknown_before) or not unknown,
            "; ".join([*(said or ["nothing is on both sides"]), *notes]),
        )
    over = [change for change in changes if _over(limit, change)]
    over.sort(key=lambda change: -abs(change.after - change.before))
    failed = [change for change in over if change.clear]
    unclear = [change for change in over if not change.clear]
    said = []
    if failed:
        said.append(f"{named([_told(limit, change) for change in failed])}; allowed is {limit.change}")
    if unclear:
        said.append(f"{'unclear: ' if failed else ''}{_unclear(limit, unclear)}")
    if not over:
        most = (min if limit.shrinks else max)(changes, key=lambda change: change.share)
        rest = f"; the most of {len(changes):,}" if len(changes) > 1 else ""
        within = f", within {limit.change}"
        if abs(most.share) * 100 > limit.percent and limit.selector.kind in LEAST_NS:
            within = f": less than {in_words(LEAST_NS[limit.selector.kind], 'time')} counts as none"
        said.append(f"{_told(limit, most)}{within}{rest}")
    return Judgement(limit.typed, not failed, "; ".join([*said, *notes]), bool(unclear) and not failed)


def _change(limit: Limit, name: str, before: Part, after: Part) -> Change:
    old, new = (np.array(part.values) for part in (before, after))
    middle: Callable[[np.ndarray], Number] = (
        median if old.dtype.kind == new.dtype.kind == "i" else lambda v: float(np.median(v))
    )
    values = middle(old), middle(new)
    chance, unknown = by_chance(
        np.array([values[0]]), np.array([spread(old)]), np.array([values[1]]), np.array([spread(new)])
    )
    beyond = float(chance[0])
    clear = abs(values[1] - values[0]) > beyond
    if limit.unit == "count":
        # Numbers are told apart as compare does it: where each run of one side has more than each of the other.
        beyond, clear = 0.0, bool(new.min() > old.max() or new.max() < old.min())
        unknown = np.array([False])
    return Change(
        name, *values, len(old), len(new), beyond, clear, bool(unknown[0]), float(np.median(after.counts or (1,)))
    )


def _over(limit: Limit, change: Change) -> bool:
    moved = change.before - change.after if limit.shrinks else change.after - change.before
    if moved <= 0 or moved * 100 <= limit.percent * change.before:
        return False
    if limit.unit != "time" or limit.selector.kind not in LEAST_NS:
        return True
    return moved * max(1.0, _TOUCHED.get(limit.measure, 0) * change.spans) >= LEAST_NS[limit.selector.kind]


def _told(limit: Limit, change: Change) -> str:
    measure = "" if limit.measure == "duration" else f"{limit.measure} "
    before, after = (in_words(value, limit.unit) for value in (change.before, change.after))
    if before == after:
        return f"{change.label}: {measure}{after} as before"
    return f"{change.label}: {measure}{before} → {after} ({_percent(change.share)})"


def _percent(share: float) -> str:
    if share == float("inf"):
        return "from nothing"
    return f"{'+' if share >= 0 else '−'}{abs(share) * 100:,.{1 if abs(share) < 0.0995 else 0}f} %"


def _unclear(limit: Limit, changes: Sequence[Change]) -> str:
    """What would be over the limit if it were more than chance, and what would tell."""
    said = named([_told(limit, change) for change in changes])
    first = changes[0]
    if first.unknown:
        runs = f"{count(first.runs_before, 'run')} against {first.runs_after:,}"
        return f"{said}: in {runs} that can be chance, {MIN_RUNS} runs of either side would tell"
    if limit.unit == "count":
        return f"{said}: runs of both sides overlap"
    return f"{said}: runs differ by {in_words(first.chance, limit.unit)} anyhow"
