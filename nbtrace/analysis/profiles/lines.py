"""What each line of a cell took: its time, and with it CPU and memory.

Enters: time that is allotted. Leaves: a DataFrame, and what is hottest of each cell in words. A line has the time of all that it
called, so lines do not add up; it has it once, however often it is on a stack, and however many threads and processes run it at
once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nbtrace.analysis.columns import TEXT, durations, integers
from nbtrace.analysis.intervals import running_maximum
from nbtrace.analysis.profiles.allotted import Allotted, Floats, sums
from nbtrace.analysis.profiles.growth import Groups, grown
from nbtrace.analysis.profiles.hotspots import SAMPLES
from nbtrace.analysis.profiles.profile import Bools, Ints
from nbtrace.analysis.profiles.samples import counts_of

EXACT = "exact"
"""Column of `lines` that tells which times are those of statements, and no samples'; for views alone."""

NUMBERS = ("cell_number", "code_number")
"""Columns with the numbers of both executions; likewise."""

DURATION = "cell_duration_ns"
"""Column with the duration of the cell; likewise."""

FOR_VIEWS = (EXACT, *NUMBERS, DURATION)


@dataclass(frozen=True, slots=True)
class _Entries:
    """A row for each sample and each different line of a cell's code on its stack."""

    sample: Ints
    code: Ints
    """Number of the execution whose code it is."""
    line: Ints


def lines(time: Allotted, executions: Collection[int]) -> pd.DataFrame:
    """Return one row per line of cells' code that took time in these executions, in the order of cells and lines, a cell's own
    lines before those of others.

    cell Int64, in which the time passed · code_cell Int64, whose source the line is · line Int64, as it was typed, from 1 ·
    source str · time timedelta64[ns], with all that it called · share float64, of the cell's duration · cpu timedelta64[ns],
    of all threads, missing where it is not known · memory_change Int64, bytes, likewise · samples Int64 · workers Int64, other
    processes than the cell's in which the line was seen · then the columns for views alone."""
    samples, statements, ran = time.samples, time.statements, time.ran
    wanted = np.array(sorted(executions), dtype=np.int64)
    place = ran.place(samples.cell)
    # What threads did after the end of the cell is no time of it.
    during = (samples.stack >= 0) & (place >= 0) & np.isin(samples.cell, wanted)
    during &= samples.time - samples.wall < np.append(ran.end, 0)[place]  # a program has no cell at all
    found = _entries(time, np.flatnonzero(during))
    single = statements.first_line == statements.last_line
    taken = np.isin(statements.cell, wanted)
    groups = grouped(
        np.concatenate([samples.cell[found.sample], statements.cell[taken]]),
        np.concatenate([found.code, statements.cell[taken]]),
        np.concatenate([found.line, statements.first_line[taken]]),
    )
    many, length = len(found.sample), len(groups.cell)
    of_entry, of_statement = groups.number[:many], groups.number[many:]
    # While a statement of one line runs, its own line has all the time, which is known exactly.
    during_statement = time.statement[found.sample]
    exact_line = np.full(len(statements.cell) + 1, -1, dtype=np.int64)
    exact_line[np.flatnonzero(taken & single)] = of_statement[single[taken]]
    counted = exact_line[during_statement] != of_entry
    spent = _once_a_tick(time, found, of_entry, counted, length)
    whole = np.where(single, statements.end - statements.start, time.left)[taken]
    spent += sums(of_statement, whole, length)
    of_cell = ran.place(groups.cell)
    duration = (ran.end - ran.start)[of_cell].astype(np.float64)
    spent = np.minimum(spent, duration)
    many_samples = sums(of_entry, np.ones(many), length)
    cpu, clocked = _cpu(time, found, of_entry, length)
    memory, measured = grown(time, groups, found.sample, of_entry, during)
    order = np.lexsort((groups.line, groups.code, groups.code != groups.cell, groups.cell))
    order = order[(spent[order] > 0) | (many_samples[order] > 0)]
    cell, code, line = groups.cell[order], groups.code[order], groups.line[order]
    texts = [time.code.text(number, at, at) for number, at in zip(code.tolist(), line.tolist(), strict=True)]
    share = np.divide(spent, duration, out=np.zeros_like(spent), where=duration > 0)
    exact = np.zeros(length, dtype=bool)
    exact[of_statement[single[taken]]] = True
    exact[of_entry[counted]] = False
    table = pd.DataFrame(
        {
            "cell": counts_of(time.code, cell),
            "code_cell": counts_of(time.code, code),
            "line": integers(line),
            "source": pd.array(np.array([*texts, None], dtype=object)[:-1], dtype=TEXT),
            "time": durations(_whole(spent[order])),
            "share": share[order],
            "cpu": durations(_whole(cpu[order]), ~clocked[order]),
            "memory_change": integers(memory[order].astype(np.int64), ~measured[order]),
            "samples": integers(many_samples[order].astype(np.int64)),
            "workers": integers(_workers(time, found, of_entry, length)[order]),
            EXACT: exact[order],
            NUMBERS[0]: cell,
            NUMBERS[1]: code,
            DURATION: duration[order].astype(np.int64),
        },
        copy=False,
    )
    table.attrs[SAMPLES] = int(during.sum())
    return table


def _entries(time: Allotted, rows: Ints) -> _Entries:
    """The lines of cells on the stacks of some samples, each once a stack."""
    samples, where = time.samples, time.where
    nearest = samples.climbed(where.notebook)
    # Samples of an execution with the same stack have the same lines.
    nodes = len(samples.above) + 1
    pairs, pair = np.unique(samples.cell[rows] * nodes + samples.stack[rows], return_inverse=True)
    number, node = pairs // nodes, nearest[pairs % nodes] if len(pairs) else pairs
    which = np.arange(len(pairs))
    parts: list[tuple[Ints, Ints, Ints]] = []
    while len(which := which[node >= 0]):
        number, node = number[node >= 0], node[node >= 0]
        parts.append((which, node, number))
        above = samples.above[node]
        node = np.where(above < 0, -1, nearest[above])
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return _Entries(nothing, nothing, nothing)
    which, node, number = (np.concatenate(column) for column in zip(*parts, strict=True))
    code, line = whose(time, where.file[node], number), where.line[node]
    # What calls itself is there once.
    width = int(np.max(line, initial=0)) + 1
    codes, code_place = np.unique(code, return_inverse=True)
    keys = np.unique((which * len(codes) + code_place) * width + line)
    which, code, line = keys // width // len(codes), codes[keys // width % len(codes)], keys % width
    # To each sample the lines of its pair.
    first = np.searchsorted(which, np.arange(len(pairs) + 1))
    lengths = np.diff(first)[pair]
    steps = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    at = np.repeat(first[pair], lengths) + steps
    return _Entries(np.repeat(rows, lengths), code[at], line[at])


def whose(time: Allotted, file: Ints, number: Ints) -> Ints:
    """Return the number of the execution whose code each file was for each execution."""
    files = len(time.where.files) + 1
    pairs, place = np.unique(number * files + file, return_inverse=True)
    found = []
    for pair in pairs.tolist():
        execution = time.code.ran(time.where.files[pair % files], pair // files)
        found.append(execution.number if execution is not None else 0)
    return np.array(found or [0], dtype=np.int64)[place]


def grouped(cell: Ints, code: Ints, line: Ints) -> Groups:
    """Return all different ones, of rows that each name one."""
    cells, of_cell = np.unique(cell, return_inverse=True)
    codes, of_code = np.unique(code, return_inverse=True)
    width = int(np.max(line, initial=0)) + 1
    pair = of_cell * max(len(codes), 1) + of_code
    keys, number = np.unique(pair * width + line, return_inverse=True)
    pairs = keys // width
    of = max(len(codes), 1)
    return Groups(cells[pairs // of], codes[pairs % of], keys % width, number)


def _once_a_tick(time: Allotted, found: _Entries, group: Ints, counted: Bools, length: int) -> Floats:
    """How long each group was on a stack: at a tick of a process the longest of its threads, not all of them. Processes look at
    moments of their own: what several of them ran at once counts once."""
    sample, group = found.sample[counted], group[counted]
    ticks, tick = np.unique(time.samples.time[sample], return_inverse=True)
    process = time.process[sample]
    of_process = max(len(ticks), 1)
    width = of_process * (int(np.max(process, initial=0)) + 1)
    keys, place = np.unique(group * width + process * of_process + tick, return_inverse=True)
    longest = np.zeros(len(keys))
    np.maximum.at(longest, place, time.weight[sample])
    group = keys // width
    if width == of_process:
        return sums(group, longest, length)
    process = keys % width // of_process
    least, most = np.full(length, width), np.full(length, -1)
    np.minimum.at(least, group, process)
    np.maximum.at(most, group, process)
    several = (least < most)[group]
    found_ns = sums(group[~several], longest[~several], length)
    return found_ns + _covered(group[several], ticks[keys[several] % of_process], longest[several], length)


def _covered(group: Ints, end: Ints, lasted: Floats, length: int) -> Floats:
    """How much time of each group something lasts that ends at `end`; what overlaps counts once."""
    begin = end - np.floor(lasted).astype(np.int64)
    order = np.lexsort((begin, group))
    group, begin, end = group[order], begin[order], end[order]
    before = np.zeros(len(group), dtype=np.int64)
    same = group[1:] == group[:-1]
    before[1:] = np.where(same, running_maximum(end, group)[:-1], 0)
    return sums(group, np.maximum(0, end - np.maximum(begin, before)), length)


def _workers(time: Allotted, found: _Entries, group: Ints, length: int) -> Ints:
    """In how many other processes than the cell's each group was seen."""
    rows = time.elsewhere[found.sample]
    processes = int(np.max(time.process, initial=0)) + 1
    seen = np.unique(group[rows] * processes + time.process[found.sample[rows]])
    return np.bincount(seen // processes, minlength=length)


def _cpu(time: Allotted, found: _Entries, group: Ints, length: int) -> tuple[Floats, Bools]:
    """How long the threads computed in each group, and where that is known."""
    cpu = time.samples.cpu[found.sample]
    return sums(group, np.maximum(cpu, 0), length), sums(group, cpu >= 0, length) > 0


def _whole(ns: Floats) -> Ints:
    return np.floor(ns + 1e-4).astype(np.int64)
