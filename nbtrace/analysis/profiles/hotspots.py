"""Where the time went: by function, by line, by library.

Enters: time that is allotted, and which samples and executions count. Leaves: a DataFrame. Stacks are added up along their
tree, so that a hundred thousand samples cost what their few thousand nodes do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from nbtrace.analysis.columns import durations, integers, texts
from nbtrace.analysis.profiles.allotted import Allotted, Floats, sums
from nbtrace.analysis.profiles.cell_code import cell_name
from nbtrace.analysis.profiles.libraries import NOTEBOOK, library
from nbtrace.analysis.profiles.places import MODULE
from nbtrace.analysis.profiles.profile import Bools, Ints
from nbtrace.analysis.wrong_question import QuestionError

By = Literal["function", "line", "library"]

SAMPLES = "samples"
"""Key of an answer's `attrs` under which it says how many samples it rests on."""

BY = "by"
"""Key under which it says what it was counted by."""


class UnknownGroupError(QuestionError):
    """What hotspots cannot be counted by."""


def checked_by(by: Any) -> By:
    """Return `by` if hotspots can be counted by it; raise UnknownGroupError otherwise."""
    if by in get_args(By):
        return by  # type: ignore[no-any-return]
    shown = repr(by)[:60]
    raise UnknownGroupError(
        f'by={shown} is nothing that time is counted by. Type by="function", by="line" or by="library".',
        f"--by {shown.strip(chr(39))} is nothing that time is counted by. Type  %spans hot --by line  or  --by library",
    )


def hotspots(
    time: Allotted, by: By, counted: Bools | None = None, executions: Collection[int] | None = None
) -> pd.DataFrame:
    """Return one row per function, line or library, the largest self time first.

    counted: which samples count; None for all. executions: of which what was not sampled counts too; None for all.

    function, file str · line Int64 · library str · self, total timedelta64[ns] · self_share, total_share float64, of all time
    that counts · python, native, waiting timedelta64[ns], the sampled part of self; missing where nothing is known of it ·
    samples Int64, in which it is on the stack. By library, function, file and line are missing."""
    samples = time.samples
    chosen = (np.ones(len(samples), dtype=bool) if counted is None else counted) & (samples.stack >= 0)
    left, execution, line = _left(time, executions)
    key, left_key, groups = _grouped(time, by, execution, line)
    nodes = len(samples.above)
    stack, weight = samples.stack[chosen], time.weight[chosen]

    def by_node(weights: npt.NDArray[Any]) -> Floats:
        return sums(stack, weights, nodes)

    # Of a thread whose clock ran finer than ours, no more than the time there was.
    cpu, wall = samples.cpu[chosen], samples.wall[chosen]
    known = cpu >= 0
    computed = np.clip(cpu, 0, wall) / np.maximum(wall, 1) * weight
    own, many = by_node(weight), sums(stack, None, nodes)
    of_native = by_node(computed * samples.native[chosen])
    clocked = (by_node(weight), many) if known.all() else (by_node(weight * known), by_node(known))
    computing = by_node(computed)
    parts = (computing - of_native, of_native, clocked[0] - computing, clocked[1])
    depth, again = _climbed(samples.above, key)
    whole, count = own.copy(), many.copy()
    for level, parents, first in _levels(depth, samples.above):
        whole[parents] += np.add.reduceat(whole[level], first)
        count[parents] += np.add.reduceat(count[level], first)

    length = len(groups)

    def by_key(values: Floats, which: Bools | None = None) -> Floats:
        kept = key >= 0 if which is None else (key >= 0) & which
        return sums(key[kept], values[kept], length)

    self_ns, total = by_key(own), by_key(whole, ~again)
    python, native, waiting, looked = map(by_key, parts)
    sampled = by_key(count, ~again)
    unsampled = sums(left_key, left, length)
    self_ns, total = self_ns + unsampled, total + unsampled
    everything = float(weight.sum() + left.sum())
    rows = np.flatnonzero((total > 0) | (sampled > 0))
    rows = rows[np.lexsort((rows, -total[rows], -self_ns[rows]))]
    unclocked = (looked[rows] == 0) & (self_ns[rows] > 0)
    table = pd.DataFrame(
        {
            **_named(time, by, groups[rows], max(executions or (), default=2**62)),
            "self": durations(_whole(self_ns[rows])),
            "total": durations(_whole(total[rows])),
            "self_share": _shares(self_ns[rows], everything),
            "total_share": _shares(total[rows], everything),
            "python": durations(_whole(python[rows]), unclocked),
            "native": durations(_whole(native[rows]), unclocked),
            "waiting": durations(_whole(waiting[rows]), unclocked),
            "samples": integers(sampled[rows].astype(np.int64)),
        },
        copy=False,
    )
    table.attrs.update({SAMPLES: int(chosen.sum()), BY: by})
    return table


def _left(time: Allotted, executions: Collection[int] | None) -> tuple[Floats, Ints, Ints]:
    """What was not sampled: how long, of which execution, at which line: of the statement that ran."""
    # What is between statements belongs to the last of them, which shows its value.
    last_line = np.zeros(len(time.ran.number), dtype=np.int64)
    last_line[time.ran.place(time.statements.cell)] = time.statements.first_line
    left = np.concatenate([time.left, time.outside])
    execution = np.concatenate([time.statements.cell, time.ran.number])
    line = np.concatenate([time.statements.first_line, last_line])
    known = list(time.code.by_number if executions is None else time.code.by_number.keys() & set(executions))
    rows = (left > 0) & np.isin(execution, known)
    return left[rows], execution[rows], line[rows]


def _grouped(time: Allotted, by: By, execution: Ints, line: Ints) -> tuple[Ints, Ints, Ints]:
    """The group of each node, -1 for what is left out of all; that of each line of an execution; and the groups: the places of a
    function and a file, and a line; of a library, its place in `_libraries`."""
    where, code = time.where, time.code
    file_place = {file: at for at, file in enumerate(where.files)}
    cells, at = np.unique(execution, return_inverse=True)
    file = np.array([file_place[code.file(number)] for number in cells.tolist()], dtype=np.int64)[at]
    if by == "library":
        libraries = _libraries(time)
        place = {name: at for at, name in enumerate(dict.fromkeys(libraries))}
        of_file = np.array([place[name] for name in libraries], dtype=np.int64)
        groups = np.zeros((len(place), 3), dtype=np.int64)
        groups[:, 1] = [libraries.index(name) for name in place]
        return np.where(where.cut, -1, of_file[where.file]), of_file[file], groups
    module = np.full(len(execution), where.functions.index(MODULE))
    nodes = np.stack([where.function, where.file, where.line if by == "line" else where.first_line], axis=1)
    lines = np.stack([module, file, line if by == "line" else np.zeros_like(line)], axis=1)
    together = np.concatenate([nodes, lines])
    # Numbers are sorted sooner than rows: a function in a file first, then with its line.
    named, number = np.unique(together[:, 0] * len(where.files) + together[:, 1], return_inverse=True)
    width = int(together[:, 2].max(initial=0)) + 1
    found, key = np.unique(number * width + together[:, 2], return_inverse=True)
    both = named[found // width]
    groups = np.stack([both // len(where.files), both % len(where.files), found % width], axis=1)
    return np.where(where.cut, -1, key[: len(nodes)]), key[len(nodes) :], groups


def _libraries(time: Allotted) -> list[str]:
    """The library of each file."""
    return [NOTEBOOK if time.code.has(file) else library(file) for file in time.where.files]


def _climbed(above: Ints, key: Ints) -> tuple[Ints, Bools]:
    """For each node how deep it is, and whether one above it is of the same group: what calls itself counts once."""
    depth, again = np.zeros(len(above), dtype=np.int64), np.zeros(len(above), dtype=bool)
    nodes = np.flatnonzero(above >= 0)
    at = above[nodes]
    while len(nodes):
        depth[nodes] += 1
        again[nodes] |= key[at] == key[nodes]
        at = above[at]
        nodes, at = nodes[at >= 0], at[at >= 0]
    return depth, again


def _levels(depth: Ints, above: Ints) -> Iterator[tuple[Ints, Ints, Ints]]:
    """The nodes of each depth, from the deepest up to those below an outermost one, those with the same parent side by side;
    their parents; and where those of each parent begin."""
    order = np.lexsort((above, depth))
    levels = np.split(order, np.cumsum(np.bincount(depth))[:-1]) if len(depth) else []
    for level in levels[:0:-1]:
        parents = above[level]
        first = np.flatnonzero(np.r_[True, parents[1:] != parents[:-1]])
        yield level, parents[first], first


def _named(time: Allotted, by: By, groups: Ints, latest: int) -> dict[str, Any]:
    """The columns that say which group each row is."""
    function, file, line = groups.T
    files, at = np.unique(file, return_inverse=True)
    paths = [time.where.files[each] for each in files.tolist()]
    libraries = [NOTEBOOK if time.code.has(path) else library(path) for path in paths]
    if by == "library":
        gone = np.zeros(len(groups), dtype=bool)
        functions, shown, line = _texts([], gone), _texts([], gone), line * 0
    else:
        cells = [time.code.ran(path, latest) for path in paths]
        shown = _texts([p if e is None else cell_name(e) for p, e in zip(paths, cells, strict=True)], at)
        functions = _texts(time.where.functions, function)
        line = np.where((line == 0) & (by == "function"), 1, line)
    return {
        "function": functions,
        "file": shown,
        "line": integers(np.maximum(line, 0), line <= 0),
        "library": _texts(libraries, at),
    }


def _texts(known: list[str], place: npt.NDArray[Any]) -> Any:
    """A str column of known texts; of none, where there are none."""
    codes = place.astype(np.int32)
    indices = pa.array(codes) if known else pa.nulls(len(codes), pa.int32())
    return texts([pa.DictionaryArray.from_arrays(indices, pa.array(known, pa.large_string()))])


def _whole(ns: Floats) -> Ints:
    """Whole nanoseconds, never more than there were: what is a hair below one is the rounding of floats."""
    return np.floor(np.maximum(ns, 0.0) + 1e-4).astype(np.int64)


def _shares(ns: Floats, everything: float) -> Floats:
    return np.minimum(ns / everything, 1.0) if everything else np.zeros(len(ns))
