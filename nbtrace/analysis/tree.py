"""The order in which a tree of spans is read: depth first, children by their start.

Enters: a spans DataFrame. Leaves: row numbers and depths. Without recursion, so that a chain of 100,000 spans is a tree
like any other; spans whose parent is not in the table (orphans) stand as roots; a circle in a hostile file is cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def parents(spans: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the row number of each span's parent, -1 for roots and orphans. A span id that occurs twice means its first row."""
    if not len(spans):
        return np.zeros(0, dtype=np.int64)
    ids = pa.array(spans["span_id"], pa.large_string(), from_pandas=True)
    wanted = pa.array(spans["parent_span_id"], pa.large_string(), from_pandas=True)
    above = pc.index_in(wanted, value_set=ids, skip_nulls=True).fill_null(-1)
    found = np.asarray(above).astype(np.int64)
    found[found == np.arange(len(found))] = -1
    return found


def depth_first(spans: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (rows, depths): the row numbers in reading order, and the depth of each of them, 0 for a root.

    Siblings, and roots, come in the order of their start_time."""
    above = parents(spans)
    by_start = np.argsort(spans["start_time"].astype("int64").to_numpy(), kind="stable")
    children: dict[int, list[int]] = {}
    for row in by_start[::-1].tolist():  # reversed, as the stack below is
        children.setdefault(int(above[row]), []).append(row)
    rows: list[int] = []
    depths: list[int] = []
    seen = np.zeros(len(above), dtype=bool)
    stack = [(row, 0) for row in children.get(-1, [])]
    circles = iter(by_start.tolist())
    while True:
        while stack:
            row, depth = stack.pop()
            if not seen[row]:
                seen[row] = True
                rows.append(row)
                depths.append(depth)
                stack += [(child, depth + 1) for child in children.get(row, ())]
        # What no root leads to stands in a circle of parents; the earliest of it is taken for its root.
        rest = next((row for row in circles if not seen[row]), None)
        if rest is None:
            return np.array(rows, dtype=np.int64), np.array(depths, dtype=np.int64)
        stack = [(rest, 0)]
