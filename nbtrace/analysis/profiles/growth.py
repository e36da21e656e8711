"""By how much memory grew at each line: the looks at it, and what a cell knows of the time between its looks.

Enters: time that is allotted, and which lines are on which stacks. Leaves: bytes by line. Looks are compared within a process; a
line that several of them ran grew by what they did together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nbtrace.analysis.profiles.allotted import Allotted, Floats, sums
from nbtrace.analysis.profiles.profile import Bools, Ints
from nbtrace.store.samples import MEMORY_UNIT_BYTES


@dataclass(frozen=True, slots=True)
class Groups:
    """Different lines of the code of executions, in which time of executions passed."""

    cell: Ints
    code: Ints
    line: Ints
    number: Ints
    """Which of them is meant, by whatever they were made of."""


@dataclass(frozen=True, slots=True)
class _Looks:
    """What memory was, once for each tick of each process of each execution, in their order."""

    cell: Ints
    process: Ints
    elsewhere: Bools
    """Whether that is another process than the cell's."""
    time: Ints
    memory: Ints
    of_sample: Ints
    """By sample: its look; -1 for none."""


def grown(time: Allotted, groups: Groups, sample: Ints, group: Ints, during: Bools) -> tuple[Floats, Bools]:
    """Return by how many bytes memory grew while each group was on a stack, and of which that is known.

    sample, group: which groups are on which samples' stacks. What changed from one look to the next is of the lines at the
    second. What changed before the first look or after the last nobody saw, but the cell knows how much it was: it is of the
    lines at the first look, or of the last statement, whichever comes after the longer time without a look."""
    looks = _looks(time, during)
    many, length = len(looks.cell), len(groups.cell)
    begins = np.ones(many, dtype=bool)
    begins[1:] = (looks.cell[1:] != looks.cell[:-1]) | (looks.process[1:] != looks.process[:-1])
    change = np.where(begins, 0, np.diff(looks.memory, prepend=0))
    first = np.flatnonzero(begins)
    last = np.append(first[1:], many)[: len(first)] - 1
    # Of its own process alone a cell knows by how much memory changed.
    home = ~looks.elsewhere[first]
    first, last = first[home], last[home]
    unseen: dict[int, int] = {}
    for begin, end, number in zip(first.tolist(), last.tolist(), looks.cell[first].tolist(), strict=True):
        rest = _unseen(time, number, int(looks.memory[end] - looks.memory[begin]))
        at = int(np.searchsorted(time.ran.number, number))
        if looks.time[begin] - time.ran.start[at] >= time.ran.end[at] - looks.time[end]:
            change[begin] += rest
        elif rest:
            unseen[number] = rest
    seen = set(looks.cell[first].tolist())
    unseen |= {n: rest for n in set(groups.cell.tolist()) - seen if (rest := _unseen(time, n, 0))}
    # Once a look, however many threads have the line.
    look = looks.of_sample[sample]
    keys = np.unique(group[look >= 0] * max(many, 1) + look[look >= 0])
    which, look = keys // max(many, 1), keys % max(many, 1)
    total, known = sums(which, change[look], length), sums(which, np.ones(len(keys)), length) > 0
    for number, rest in unseen.items():
        at = _line(time, groups, number, last=number in seen)
        if at >= 0:
            total[at] += rest
            known[at] = True
    return total, known


def _looks(time: Allotted, during: Bools) -> _Looks:
    samples = time.samples
    rows = np.flatnonzero(during & (samples.memory >= 0))
    rows = rows[np.lexsort((samples.time[rows], time.process[rows], samples.cell[rows]))]
    cell, process, moment = samples.cell[rows], time.process[rows], samples.time[rows]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (cell[1:] != cell[:-1]) | (process[1:] != process[:-1]) | (moment[1:] != moment[:-1])
    of_sample = np.full(len(samples), -1, dtype=np.int64)
    of_sample[rows] = np.cumsum(new) - 1
    memory = samples.memory[rows]
    return _Looks(cell[new], process[new], time.elsewhere[rows][new], moment[new], memory[new], of_sample)


def _unseen(time: Allotted, number: int, seen: int) -> int:
    """By how much memory changed before the first look or after the last, as far as it is more than looks differ by."""
    execution = time.code.by_number.get(number)
    resources = None if execution is None else execution.resources
    if resources is None or resources.memory_change is None or resources.shared:
        return 0
    rest = resources.memory_change - seen
    return rest if abs(rest) > 2 * MEMORY_UNIT_BYTES else 0


def _line(time: Allotted, groups: Groups, number: int, *, last: bool) -> int:
    """The group of the last statement of an execution, or of its longest; -1 for none."""
    statements = time.statements
    rows = np.flatnonzero(statements.cell == number)
    if not len(rows):
        return -1
    row = rows[-1] if last else rows[int(np.argmax((statements.end - statements.start)[rows]))]
    line = statements.first_line[row]
    found = np.flatnonzero((groups.cell == number) & (groups.code == number) & (groups.line == line))
    return int(found[0]) if len(found) else -1
