"""Two times the same work: what got slower, what faster, what is new, and what is only noise.

Enters: two span tables with the run that each span belongs to. Leaves: one row per path of names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nbtrace.analysis.columns import TEXT
from nbtrace.analysis.intervals import covered, intervals
from nbtrace.analysis.noise import Ints, by_chance, median, spread
from nbtrace.analysis.run_roots import run_roots
from nbtrace.analysis.tree import depth_first, parents, top_rows

SHOWN_NAMES = 12
"""A path shows at most so many names, its last ones. Two paths are told apart by all."""

_CELL = re.compile(r"cell \[\d*\] ?")

SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    spans: pd.DataFrame
    """Spans that have ended."""
    runs: Ints
    """The number of the run that each span belongs to."""
    labels: list[str]
    """The name that each span goes by if it is a root: a cell's has its number in it, which is another in each run."""
    in_run: frozenset[int] = frozenset()
    """The rows of spans directly below the root of a run of `nbtrace run`: cells, which go by these names too."""


def cells_side(spans: pd.DataFrame, cells: Sequence[int]) -> Side:
    """Cells as runs of the same work, whatever the code of their first lines."""
    spans = spans[spans["cell"].isin(list(cells)) & spans["duration"].notna()].reset_index(drop=True)
    number = {cell: run for run, cell in enumerate(cells)}
    runs = np.array([number[cell] for cell in spans["cell"].tolist()], dtype=np.int64)
    return Side(spans, runs, ["cell" if _CELL.match(name) else name for name in spans["name"]])


def recording_side(spans: pd.DataFrame) -> Side:
    """A recording, in which every root is a run of its own: cells go by their first line of code, without the number. So do
    those in a run of `nbtrace run`, of which runs that never ended are left out where others did."""
    tops = top_rows(*depth_first(spans))
    unended = [row for row in run_roots(spans, tops).tolist() if pd.isna(spans["duration"].iloc[row])]
    if unended and len(unended) < len(run_roots(spans, tops)):
        spans = spans[~np.isin(tops, unended)]
    spans = spans[spans["duration"].notna()].reset_index(drop=True)
    tops = top_rows(*depth_first(spans))
    in_run = np.flatnonzero(np.isin(parents(spans), run_roots(spans, tops)))
    labels = [_CELL.sub("cell ", name).rstrip() for name in spans["name"]]
    return Side(spans, tops, labels, frozenset(in_run.tolist()))


def alike(before: Side, after: Side) -> tuple[Side, Side]:
    """Return two recordings as sides whose paths can meet: where only one of them has cells in runs of `nbtrace run`, and the
    other those of a notebook that somebody has open, the roots of the runs are left out, and each cell is a run."""
    if bool(before.in_run) == bool(after.in_run):
        return before, after
    return _without_run_roots(before), _without_run_roots(after)


def _without_run_roots(side: Side) -> Side:
    return recording_side(side.spans.drop(index=run_roots(side.spans, side.runs).tolist())) if side.in_run else side


def compare(before: Side, after: Side) -> pd.DataFrame:
    """Return one row per path of names from a root, the largest change first.

    path, name str · depth Int64 · verdict str · before, after, change timedelta64[ns]: the median over the runs of the time
    of all spans on this path together, and their difference · ratio float64, after over before · spread_before,
    spread_after timedelta64[ns]: the interquartile range over the runs, missing for fewer than three · self_before,
    self_after timedelta64[ns]: the same medians of the time outside children · count_before, count_after float64: median
    number of spans in a run · runs_before, runs_after Int64.

    A path that is missing from a run took no time in it. The verdict is `added` or `removed` where one side has no such
    path; `slower` or `faster` where the medians lie further apart than both spreads together, each at least 1 % of its
    median; `more` or `fewer` where the times do not tell, but each run of one side has more spans of the path than each of
    the other; else `same`. For fewer than three runs a quarter of the median stands in for the spread, and what is within it
    is `unclear`. Spans that still run are left out."""
    paths = _Paths()
    walked = [paths.walk(side) for side in (before, after)]
    old, new = (
        _Times(side, codes, tops, len(paths.names)) for side, (codes, tops) in zip((before, after), walked, strict=True)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(old.total > 0, new.total / old.total, np.nan)
    table = pd.DataFrame(
        {
            "path": pd.array(paths.texts(), dtype=TEXT),
            "name": pd.array(paths.names, dtype=TEXT),
            "depth": pd.array(paths.depths, dtype="Int64"),
            "verdict": pd.array(_verdicts(old, new), dtype=TEXT),
            "before": old.total,
            "after": new.total,
            "change": new.total - old.total,
            "ratio": ratio,
            "spread_before": old.spread,
            "spread_after": new.spread,
            "self_before": old.own,
            "self_after": new.own,
            "count_before": old.count,
            "count_after": new.count,
            "runs_before": pd.array(old.runs, dtype="Int64"),
            "runs_after": pd.array(new.runs, dtype="Int64"),
        }
    )
    for column in ("before", "after", "change", "spread_before", "spread_after", "self_before", "self_after"):
        table[column] = pd.to_timedelta(table[column], unit="ns").astype("timedelta64[ns]")
    order = np.argsort(-np.abs(new.total - old.total), kind="stable")
    return table.iloc[order].reset_index(drop=True)


class _Paths:
    """The paths of names that occur on either side, numbered as they are met, a path after the one it goes on from."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.depths: list[int] = []
        self._above: list[int] = []
        self._known: dict[tuple[int, str], int] = {}

    def walk(self, side: Side) -> tuple[Ints, Ints]:
        """Return the number of each span's path, and the row of its root."""
        rows, depths = depth_first(side.spans)
        names = side.spans["name"].tolist()
        found: Ints = np.zeros(len(rows), dtype=np.int64)
        way: list[int] = []
        for row, depth in zip(rows.tolist(), depths.tolist(), strict=True):
            del way[depth:]
            above = way[-1] if way else -1
            key = (above, side.labels[row] if depth == 0 or row in side.in_run else names[row])
            code = self._known.get(key)
            if code is None:
                code = self._known[key] = len(self.names)
                self.names.append(key[1])
                self.depths.append(depth)
                self._above.append(above)
            found[row] = code
            way.append(code)
        return found, top_rows(rows, depths)

    def texts(self) -> list[str]:
        """The paths in words."""
        found = []
        for code, depth in enumerate(self.depths):
            names: list[str] = []
            while code >= 0 and len(names) < SHOWN_NAMES:
                names.append(self.names[code])
                code = self._above[code]
            found.append(SEPARATOR.join([*(["…"] if depth >= SHOWN_NAMES else []), *reversed(names)]))
        return found


class _Times:
    """What each path took, over the runs of one side; ns."""

    def __init__(self, side: Side, codes: Ints, tops: Ints, paths: int) -> None:
        self.runs = np.zeros(paths, dtype=np.int64)
        self.total, self.own = np.zeros(paths, dtype=np.int64), np.zeros(paths, dtype=np.int64)
        self.count, self.fewest, self.most = np.zeros(paths), np.zeros(paths), np.zeros(paths)
        self.spread = np.full(paths, np.nan)
        self.there = np.zeros(paths, dtype=bool)
        if not len(codes):
            return
        found = intervals(side.spans)
        own = found.duration - covered(found)
        # The runs of a path are those in which its root occurs; one without the path counts as zero.
        runs_of: dict[int, set[int]] = {}
        for row in np.unique(tops).tolist():
            runs_of.setdefault(int(codes[row]), set()).add(int(side.runs[row]))
        order = np.lexsort((side.runs, codes))
        code, run = codes[order], side.runs[order]
        new = np.flatnonzero(np.r_[True, (code[1:] != code[:-1]) | (run[1:] != run[:-1])])
        sums = [np.add.reduceat(values[order], new) for values in (found.duration, own)]
        counts = np.diff(np.r_[new, len(code)])
        root_of = dict(zip(codes.tolist(), codes[tops].tolist(), strict=True))
        starts = np.flatnonzero(np.r_[True, code[new][1:] != code[new][:-1]])
        for start, stop in zip(starts.tolist(), np.r_[starts[1:], len(new)].tolist(), strict=True):
            path = int(code[new[start]])
            runs = len(runs_of[root_of[path]])
            missing = max(runs - (stop - start), 0)
            totals, owns, times = (
                np.r_[np.zeros(missing, dtype=np.int64), values[start:stop]] for values in (*sums, counts)
            )
            self.there[path] = True
            self.total[path], self.own[path] = median(totals), median(owns)
            self.count[path], self.fewest[path], self.most[path] = np.median(times), times.min(), times.max()
            self.spread[path] = spread(totals)
            self.runs[path] = runs


def _verdicts(old: _Times, new: _Times) -> list[str]:
    noise, unknown = by_chance(old.total, old.spread, new.total, new.spread)
    change = new.total - old.total
    found = np.where(change > 0, "slower", "faster").astype(object)
    found[np.abs(change) <= noise] = "same"
    found[(np.abs(change) <= noise) & unknown] = "unclear"
    found[(np.abs(change) <= noise) & (new.fewest > old.most)] = "more"
    found[(np.abs(change) <= noise) & (new.most < old.fewest)] = "fewer"
    found[~old.there] = "added"
    found[~new.there] = "removed"
    return [str(verdict) for verdict in found]
