"""The hottest line of each cell in a few words: line 3 df.merge 62 %.

Enters: time that is allotted. Leaves: texts. It is the line of the notebook at which most of the cell's time passed: not one that
only calls a function of another line, and not one that waits for a line that other processes run."""

from __future__ import annotations

import keyword
import re

import numpy as np

from nbtrace.analysis.profiles.allotted import Allotted, Floats, sums
from nbtrace.analysis.profiles.cell_code import cell_name
from nbtrace.analysis.profiles.handed_on import handed_on
from nbtrace.analysis.profiles.lines import grouped, whose
from nbtrace.analysis.profiles.profile import FEW, Ints

_SHOWN = "DisplayHook.__call__"
"""Shows what a cell has for its value: IPython calls it, and nothing that stands on the line does."""

_LONG = 40
_NO_CALL = re.compile(r"(?:import|from|def|class|async def)\b|[%!@]")
_CALL = re.compile(r"(?<![\w.])([A-Za-z_][\w.]{0,80})\s?\(")


def hottest(time: Allotted) -> dict[int, str]:
    """Return by the number of each execution of which there are statements or samples the line that took most of its time, what
    it called there for more than half of that, and its share of the duration; a ~ marks what fewer than ten samples support."""
    samples, where, statements, ran = time.samples, time.where, time.statements, time.ran
    nearest = samples.climbed(where.notebook)
    own = np.flatnonzero(time.own)
    # Of workers those of whom it is known which line of the notebook they ran.
    others = np.flatnonzero(time.elsewhere & (samples.stack >= 0) & (ran.place(samples.cell) >= 0))
    others = others[nearest[samples.stack[others]] >= 0] if len(others) else others
    weight = np.concatenate(handed_on(time, own, others)) if len(others) else time.weight[own]
    rows = np.concatenate([own, others])
    node = nearest[samples.stack[rows]] if len(rows) else rows
    number = samples.cell[rows]
    code, line = whose(time, where.file[node], number), where.line[node]
    groups = grouped(
        np.concatenate([number, statements.cell]),
        np.concatenate([code, statements.cell]),
        np.concatenate([line, statements.first_line]),
    )
    length = len(groups.cell)
    spent = sums(groups.number, np.concatenate([weight, time.left]), length)
    support = sums(groups.number[: len(rows)], np.ones(len(rows)), length)
    # All of a statement that is a single line is known exactly, however few samples there are.
    single = statements.first_line == statements.last_line
    whole = sums(
        groups.number[len(rows) :][single], (statements.end - statements.start)[single].astype(np.float64), length
    )
    guessed = (support > 0) & (support < FEW) & ((whole == 0) | (spent < 0.999 * whole))
    order = np.lexsort((-spent, groups.cell))
    first = order[np.r_[True, groups.cell[order][1:] != groups.cell[order][:-1]]] if length else order
    called = _called(time, rows, weight, node, groups.number[: len(rows)], first, spent)
    place = ran.place(groups.cell)
    found = {}
    for group in first.tolist():
        number_, code_ = int(groups.cell[group]), int(groups.code[group])
        at = int(place[group])
        duration = int(ran.end[at] - ran.start[at]) if at >= 0 else 0
        if duration <= 0 or groups.line[group] <= 0:
            continue
        execution = time.code.by_number.get(code_)
        other = f"{cell_name(execution)} " if execution is not None and code_ != number_ else ""
        text = named(time.code.text(code_, int(groups.line[group]), int(groups.line[group])), called.get(group, ""))
        guess = "~" if guessed[group] else ""
        share = min(float(spent[group]) / duration, 1.0)
        found[number_] = " ".join(
            filter(None, (f"{other}line {groups.line[group]}", text, f"{guess}{share * 100:.0f} %"))
        )
    return found


def _called(
    time: Allotted, rows: Ints, weight: Floats, node: Ints, group: Ints, first: Ints, whole: Floats
) -> dict[int, str | None]:
    """By group, the function that was called there and took more than half of its time; None where several were called, and
    none did."""
    samples, where = time.samples, time.where
    if not len(rows):
        return {}
    # The frame just below the last one of the notebook's.
    above = samples.above
    stays = (above < 0) | where.notebook | where.notebook[above]
    below = samples.climbed(stays)[samples.stack[rows]]
    shown = np.array([name.endswith(_SHOWN) for name in where.functions], dtype=bool)
    hot = np.isin(group, first) & (below != node) & ~shown[where.function[below]]
    functions = len(where.functions)
    keys, place = np.unique(group[hot] * functions + where.function[below[hot]], return_inverse=True)
    spent = sums(place, weight[hot], len(keys))
    most = spent > whole[keys // functions] / 2
    found: dict[int, str | None] = dict.fromkeys((keys // functions).tolist())
    found.update((key // functions, where.functions[key % functions]) for key in keys[most].tolist())
    return found


def named(source: str | None, function: str | None) -> str:
    """Return what a line calls, as it says it there: df.merge for DataFrame.merge. Where it does not say it, the function's own
    name, or, of what a decorator has put around it, the call that the line names alone; where no function is known that took most
    of its time ("" or None), a call that it names alone, or its beginning: of several nobody knows which."""
    line = (source or "").strip()
    if _NO_CALL.match(line):
        return _short(line)
    name = (function or "").replace(".<locals>", "")
    parts = [] if name.rpartition(".")[2].startswith("<") else name.split(".")
    last = parts[-2] if parts[-1:] == ["__init__"] and len(parts) > 1 else parts[-1] if parts else ""
    calls = [call[1] for call in _CALL.finditer(line[:2_000]) if not keyword.iskeyword(call[1])]
    alone = calls[0] if len(calls) == 1 else ""
    if not last:
        return _short(alone or line)
    said = re.search(rf"(?<![\w.])(?:\w{{1,80}}\.){{0,8}}{re.escape(last)}(?=\s?\()", line[:2_000])
    return _short(said[0] if said else (alone if ".<locals>" in (function or "") else "") or ".".join(parts))


def _short(text: str) -> str:
    text = " ".join(text[: 4 * _LONG].split())
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
