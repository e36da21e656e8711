"""The order in which a tree of spans is read: depth first, children by their start.

Enters: a spans DataFrame. Leaves: row numbers and depths. Without recursion, so that a chain of 100,000 spans is a tree
like any other; spans whose parent is not in the table (orphans) stand as roots; a circle in a hostile file is cut."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.ids import rows_of

Ints = npt.NDArray[np.int64]

MAX_LEVELS = 1_000
"""Trees up to this depth are ordered level by level; deeper ones span by span, as a level costs as much as a thousand spans."""


def parents(spans: pd.DataFrame) -> Ints:
    """Return the row number of each span's parent, -1 for roots and orphans. A span id that occurs twice means its first row."""
    if not len(spans):
        return np.zeros(0, dtype=np.int64)
    found = rows_of(spans["parent_span_id"], spans["span_id"])
    found[found == np.arange(len(found))] = -1
    return found


def top_rows(rows: Ints, depths: Ints) -> Ints:
    """Return the row of the root above each row, from what `depth_first` returned."""
    top = np.empty(len(rows), dtype=np.int64)
    top[rows] = rows[np.maximum.accumulate(np.where(depths == 0, np.arange(len(rows)), 0))]
    return top


def with_those_below(spans: pd.DataFrame, ids: Collection[str]) -> set[str]:
    """Return the ids of these spans and of all spans below them."""
    inside: npt.NDArray[np.bool_] = spans["span_id"].isin(list(ids)).to_numpy().astype(bool)
    pointer = parents(spans)
    for _ in range(len(pointer).bit_length()):  # pointers are doubled: after so many steps a circle has been seen whole
        inside |= (pointer >= 0) & inside[pointer]
        pointer = np.where(pointer < 0, -1, pointer[pointer])
    return set(spans["span_id"].to_numpy()[inside].tolist())


def tree(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the spans in the order in which their tree is read: depth first, siblings and roots by their start.

    depth Int64 (0 for a root) · name, trace_id, span_id, parent_span_id str · cell Int64 · start_time datetime64[ns, UTC] ·
    duration timedelta64[ns] · children Int64 · root boolean · orphan boolean: a root whose parent is not in the table."""
    above = parents(spans)
    rows, depths = depth_first(spans)
    missing = spans["parent_span_id"].isna().to_numpy()
    children = np.bincount(above[above >= 0], minlength=len(above))
    found = spans[["name", "trace_id", "span_id", "parent_span_id", "cell", "start_time", "duration"]]
    table = pd.DataFrame({"depth": pd.array(depths, dtype="Int64")}).join(found.take(rows).reset_index(drop=True))
    table["children"] = pd.array(children[rows], dtype="Int64")
    table["root"] = pd.array(depths == 0, dtype="boolean")
    table["orphan"] = pd.array((above[rows] < 0) & ~missing[rows], dtype="boolean")
    return table


def depth_first(spans: pd.DataFrame) -> tuple[Ints, Ints]:
    """Return (rows, depths): the row numbers in reading order, and the depth of each of them, 0 for a root.

    Siblings, and roots, come in the order of their start_time."""
    above = parents(spans)
    start: Ints = spans["start_time"].astype("int64").to_numpy().astype(np.int64)
    _cut_circles(above, start)
    levels = _levels(above)
    if len(levels) > MAX_LEVELS:
        return _depth_first_by_stack(above, start)
    n = len(above)
    depth = np.zeros(n, dtype=np.int64)
    size = np.ones(n, dtype=np.int64)
    for number, level in enumerate(levels):
        depth[level] = number
    for level in levels[:0:-1]:  # from the deepest up
        np.add.at(size, above[level], size[level])
    place = np.zeros(n, dtype=np.int64)
    for level in levels:
        # Siblings side by side by their start: each stands behind its parent and the subtrees of those before it.
        level = level[np.lexsort((start[level], above[level]))]
        before = np.cumsum(size[level]) - size[level]
        first = np.r_[True, above[level][1:] != above[level][:-1]]
        before -= np.maximum.accumulate(np.where(first, before, 0))
        place[level] = before + np.where(above[level] < 0, 0, place[above[level]] + 1)
    rows = np.empty(n, dtype=np.int64)
    rows[place] = np.arange(n)
    return rows, depth[rows]


def _levels(above: Ints) -> list[Ints]:
    """The rows of each depth; an empty table has none. Gives up beyond `MAX_LEVELS`."""
    order = np.argsort(above, kind="stable")
    # The children of row r stand in `order` from first[r + 1] on, those of no row at its beginning.
    number = np.bincount(above + 1, minlength=len(above) + 1)
    first = np.cumsum(number) - number
    levels = [order[: number[0]]]
    while len(levels[-1]) and len(levels) <= MAX_LEVELS:
        low, counts = first[levels[-1] + 1], number[levels[-1] + 1]
        steps = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        levels.append(order[np.repeat(low, counts) + steps])
    return [level for level in levels if len(level)]


def _cut_circles(above: Ints, start: Ints) -> None:
    """Make the earliest span of each circle of parents a root."""
    pointer = above.copy()
    # Pointer doubling: after so many steps every span that hangs on a root has reached beyond it.
    for _ in range(len(above).bit_length()):
        if (pointer < 0).all():
            return
        pointer = np.where(pointer < 0, -1, pointer[pointer])
    walked: dict[int, int] = {}
    for first in np.flatnonzero(pointer >= 0).tolist():  # a hostile file's
        row = first
        while row >= 0 and row not in walked:
            walked[row] = first
            row = int(above[row])
        if row >= 0 and walked[row] == first:  # this walk has come round
            circle = [row]
            while int(above[circle[-1]]) != row:
                circle.append(int(above[circle[-1]]))
            above[min(circle, key=lambda each: (int(start[each]), each))] = -1


def _depth_first_by_stack(above: Ints, start: Ints) -> tuple[Ints, Ints]:
    """The same for very deep trees, span by span; no recursion either."""
    children: dict[int, list[int]] = {}
    for row in np.argsort(start, kind="stable")[::-1].tolist():  # reversed, as the stack is
        children.setdefault(int(above[row]), []).append(row)
    rows: list[int] = []
    depths: list[int] = []
    stack = [(row, 0) for row in children.get(-1, [])]
    while stack:
        row, depth = stack.pop()
        rows.append(row)
        depths.append(depth)
        stack += [(child, depth + 1) for child in children.get(row, ())]
    return np.array(rows, dtype=np.int64), np.array(depths, dtype=np.int64)
