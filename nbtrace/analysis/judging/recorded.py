"""A recording as judges see it: its runs, and of each its cells and its spans by name.

Enters: what answers as a recording does. Leaves: `Run`s with numbers, in ns and bytes. What `nbtrace run` records has a root span
per notebook, and all below it is one run. Elsewhere each cell is a trace of its own, and what belongs together is not written
down: see `Recorded.repeated`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.dataframes import LEFT_OUT
from nbtrace.analysis.intervals import Intervals, intervals
from nbtrace.analysis.judging.values import MEASURES, Number
from nbtrace.analysis.run_roots import run_roots
from nbtrace.analysis.statistics import statistics
from nbtrace.analysis.tree import depth_first, top_rows
from nbtrace.analysis.where.errors import UnknownColumnError
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.store.semconv import JUPYTER_CELL_TAGS, JUPYTER_NOTEBOOK_PATH, RUN_LIMITS_EXCEEDED

Ints = npt.NDArray[np.int64]

MAX_REPEATED = 50
"""So many runs are told apart where no root span says which there are."""

_CELL = re.compile(r"cell \[\d*\] ?")


class Recording(Protocol):
    """What is asked of a recording."""

    def spans(self, *, where: str | None = None) -> pd.DataFrame:
        """Return one row per span."""
        ...

    def cells(self, *, asking: bool = False) -> pd.DataFrame:
        """Return one row per execution of a cell."""
        ...

    def errors(self) -> pd.DataFrame:
        """Return one row per error."""
        ...


@dataclass(frozen=True, slots=True)
class Cell:
    """An execution of a cell."""

    row: int
    """Of its span; -1 if that is not known."""
    name: str
    """Its span's: `cell [3] load()`."""
    count: int | None
    cell_id: str | None
    tags: frozenset[str]
    inside: frozenset[str]
    """The names of the spans directly in it."""
    only_asked: bool
    ended: bool
    values: dict[str, Number]
    """By measure; what is not known is not in it. Of one that never ended `duration` is as far as it came."""

    @property
    def code(self) -> str:
        """Its first line, by which it goes in each run: `cell load()`."""
        return _CELL.sub("cell ", self.name).rstrip()

    def is_called(self, name: str) -> bool:
        """Whether a name means this cell."""
        return (
            name in self.tags
            or name == self.cell_id
            or (name.isascii() and name.isdecimal() and self.count == int(name[:20]))
            or name in self.inside
        )


@dataclass(frozen=True)
class Run:
    """One run of a notebook or a script."""

    name: str
    """Its root span's; "" where there is none."""
    notebook: str | None
    """The path of the notebook, where it is known."""
    root: int
    """The row of the root span, -1 where there is none."""
    spans: pd.DataFrame
    """Those of the run, numbered anew; the root is not among them."""
    cells: tuple[Cell, ...]
    ended: bool
    values: dict[str, Number]
    """By measure of a run. Of one that never ended `duration` is as far as it came."""
    failed: bool = False
    key: str = ""
    """What tells it from every other run: the id of its first span, "" where nothing was recorded."""
    tops: tuple[str, ...] = ()
    """Where no root says what belongs together: by what its spans' own roots go, span by span."""
    shown: Intervals = field(repr=False, default=None)  # type: ignore[assignment]
    """The spans as intervals, of which those without an end reach as far as they are known to have come."""

    @cached_property
    def names(self) -> dict[str, dict[str, Number]]:
        """By name of spans, by measure: what is known."""
        return _by_name(self.spans, self.shown)

    @cached_property
    def named_alike(self) -> dict[str, dict[str, Number]]:
        """The same, with cells by their first lines: by these they go in every run."""
        codes = {cell.row: cell.code for cell in self.cells if cell.row >= 0}
        if not codes:
            return self.names
        names = [codes.get(row, name) for row, name in enumerate(self.spans["name"].tolist())]
        return _by_name(self.spans.assign(name=names), self.shown)

    @cached_property
    def within(self) -> dict[str, set[str]]:
        """By name of spans, cells by their first lines: in what they stand, as `tops` has it."""
        codes = {cell.row: cell.code for cell in self.cells if cell.row >= 0}
        found: dict[str, set[str]] = {}
        for row, (name, top) in enumerate(zip(self.spans["name"].tolist(), self.tops, strict=False)):
            found.setdefault(codes.get(row, name), set()).add(top)
        return found

    @cached_property
    def unended(self) -> frozenset[str]:
        """The names of spans of which one has not ended."""
        return frozenset(self.spans["name"][self.spans["duration"].isna().to_numpy()].tolist())


class Recorded:
    """The runs of a recording."""

    def __init__(self, recording: Recording) -> None:
        self._spans = recording.spans()
        rows, depths = depth_first(self._spans)
        tops = top_rows(rows, depths)
        self._shown = _come_so_far(self._spans, rows, tops)
        self._cells = _cells(recording, self._spans, self._shown)
        self._failed = recording.errors()["span_id"]
        self._exceeded = _holding(recording, self._spans, RUN_LIMITS_EXCEEDED)
        self._tops = tops
        self._paths = _holding(recording, self._spans, JUPYTER_NOTEBOOK_PATH)
        roots = run_roots(self._spans, tops)
        self.runs: list[Run] = self._of_roots(roots) if len(roots) else [self._whole()]
        """One per notebook that `nbtrace run` ran, else one of all that was recorded."""
        self.outside = self._part(np.flatnonzero(~np.isin(self._in_run, roots))).cells if len(roots) else ()
        """The cells that none of them ran."""
        self.rooted = len(roots) > 0

    def repeated(self) -> list[Run]:
        """Return the runs that can be set against those of another recording.

        Where no root says what belongs together, the first execution of each cell, and the first span of each name that no
        other is around, are one run, the second ones the next, and so on; a cell is the same by its id, or by its first
        line. Someone who runs one cell five times so has five runs of it, and one of all the others. Of many, the last ones
        are taken: medians of so many do not move."""
        if self.rooted or not len(self._spans):
            return self.runs
        ids = {cell.row: cell.cell_id for cell in self._cells if cell.cell_id is not None}
        names = self._spans["name"].tolist()
        called = [ids.get(row) or _CELL.sub("cell ", name) for row, name in enumerate(names)]
        seen: dict[str, int] = {}
        number: Ints = np.zeros(len(names), dtype=np.int64)
        roots = np.flatnonzero(self._tops == np.arange(len(names)))
        for row in roots[np.argsort(self._shown.start[roots], kind="stable")].tolist():
            number[row] = seen[called[row]] = seen.get(called[row], -1) + 1
        number = number[self._tops]
        tops = [called[top] for top in self._tops.tolist()]
        order = np.argsort(number, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
        kept = parts if len(parts) <= MAX_REPEATED else [parts[0], *parts[1 - MAX_REPEATED :]]
        return [self._part(rows, tops=tops) for rows in kept]

    # ── how they are made ────────────────────────────────────────────────────────────────────────────────────────────

    def _of_roots(self, roots: Ints) -> list[Run]:
        tops = self._tops.copy()
        traces = self._spans["trace_id"].tolist()
        # What hangs on a span that is not recorded is of the run that its trace is of, if that is one.
        in_trace: dict[str, list[int]] = {}
        for root in roots.tolist():
            in_trace.setdefault(traces[root], []).append(root)
        for row in np.flatnonzero(~np.isin(tops, roots)).tolist():
            if len(found := in_trace.get(traces[row], [])) == 1:
                tops[row] = found[0]
        self._in_run = tops
        order = roots[np.argsort(self._shown.start[roots], kind="stable")]
        return [self._part(np.flatnonzero(tops == root), root=root) for root in order.tolist()]

    def _whole(self) -> Run:
        return self._part(np.arange(len(self._spans)))

    def _part(self, rows: Ints, *, root: int = -1, tops: Sequence[str] = ()) -> Run:
        inside = rows[rows != root]
        spans = self._spans.take(inside).reset_index(drop=True)
        place = dict(zip(inside.tolist(), range(len(inside)), strict=True))
        everything = root < 0 and len(rows) == len(self._spans)
        cells = tuple(
            replace(cell, row=place.get(cell.row, -1)) for cell in self._cells if cell.row in place or everything
        )
        shown = self._shown
        below = Intervals(shown.start[inside], shown.end[inside], shown.running[inside], intervals(spans).parent)
        failed = int(self._failed.isin(spans["span_id"]).sum())
        # The root fails with what is in it, and that is counted; it fails alone where the kernel died.
        failed = failed or int(root >= 0 and self._failed.isin(self._spans["span_id"].iloc[[root]]).any())
        values: dict[str, Number] = {"count": len(inside), "errors": failed}
        if root >= 0:
            ended = not shown.running[root]
            values["duration"] = int(np.max(shown.end[rows]) if not ended else shown.end[root]) - int(shown.start[root])
        else:
            # The cell that saves the recording is in it as one that has not ended.
            ended = all(cell.ended or cell.only_asked for cell in cells)
            if len(rows):
                values["duration"] = int(np.max(shown.end[rows])) - int(np.min(shown.start[rows]))
        if peaks := [cell.values["memory_peak"] for cell in cells if "memory_peak" in cell.values]:
            values["memory_peak"] = max(peaks)
        row = self._spans.iloc[root] if root >= 0 else None
        return Run(
            name="" if row is None else str(row["name"]),
            notebook=self._notebook(root, inside),
            root=root,
            spans=spans,
            cells=cells,
            ended=ended,
            values=values,
            failed=row is not None and (row["status_code"] == "ERROR" or not ended or root in self._exceeded),
            key=str(self._spans["span_id"].iloc[root if root >= 0 else rows[0]]) if len(rows) else "",
            shown=below,
            tops=tuple(tops[row] for row in inside.tolist()) if tops else (),
        )

    def _notebook(self, root: int, inside: Ints) -> str | None:
        if root in self._paths:
            return str(self._paths[root])
        # Of several, the last cell's: a notebook can be saved by another name.
        return next((str(self._paths[row]) for row in inside[::-1].tolist() if row in self._paths), None)


def _come_so_far(spans: pd.DataFrame, order: Ints, tops: Ints) -> Intervals:
    """The spans as intervals. One that has not ended reaches as far as what it is in; a root to the last moment that is known of
    its tree, and to where the next tree begins, or if none does, to the last moment that is known at all. order: parents before
    what is in them."""
    found = intervals(spans)
    if not found.running.any():
        return found
    end = np.where(found.running, found.start, found.end)
    last = np.zeros(len(end), dtype=np.int64)
    np.maximum.at(last, tops, end)
    roots = np.flatnonzero(tops == np.arange(len(tops)))
    begins = np.sort(found.start[roots])
    overall = int(np.max(end))
    for row in order[found.running[order]].tolist():
        if tops[row] != row:
            end[row] = max(found.start[row], end[found.parent[row]])
            continue
        after = int(np.searchsorted(begins, found.start[row], side="right"))
        end[row] = max(last[row], begins[after] if after < len(begins) else overall)
    return Intervals(found.start, end, found.running, found.parent)


def _cells(recording: Recording, spans: pd.DataFrame, shown: Intervals) -> list[Cell]:
    """The executions, with the rows of their spans."""
    table = recording.cells(asking=True)
    if not len(table):
        return []
    worked = recording.cells()
    starts = table["start_time"].astype("int64").tolist()
    counts = _counts(table)
    of_work = set(zip(worked["start_time"].astype("int64").tolist(), _counts(worked), strict=True))
    at = _rows(spans, shown.start.tolist(), starts, counts)
    names = spans["name"].tolist()
    tags = _holding(recording, spans, JUPYTER_CELL_TAGS)
    inside: dict[int, set[str]] = {row: set() for row in at if row >= 0}
    for row in np.flatnonzero(np.isin(shown.parent, list(inside))).tolist():
        inside[int(shown.parent[row])].add(names[row])
    columns = {measure: _numbers(table, measure) for measure in MEASURES["cells"]}
    ids = table["cell_id"].astype(object).where(table["cell_id"].notna(), None).tolist()
    found = []
    for number, (row, start, count) in enumerate(zip(at, starts, counts, strict=True)):
        values = {measure: known[number] for measure, known in columns.items() if known[number] is not None}
        ended = "duration" in values
        if not ended and row >= 0:
            values["duration"] = int(shown.end[row] - shown.start[row])
        found.append(
            Cell(
                row=row,
                name=names[row] if row >= 0 else f"cell [{' ' if count is None else count}]",
                count=count,
                cell_id=ids[number],
                tags=_texts(tags.get(row)),
                inside=frozenset(inside.get(row, ())),
                only_asked=(start, count) not in of_work,
                ended=ended,
                values=values,  # type: ignore[arg-type]  # None is left out above
            )
        )
    return found


def _counts(table: pd.DataFrame) -> list[int | None]:
    return [None if pd.isna(count) else int(count) for count in table["cell"]]


def _rows(spans: pd.DataFrame, begun: Sequence[int], starts: list[int], counts: list[int | None]) -> list[int]:
    """The row of each execution's span, -1 if there is none: one that begins at its moment, in a cell of its count, and is rather
    called as cells are. Where two did so (of two machines, say), each is of one."""
    wanted = set(starts)
    of_cell, names = _counts(spans), spans["name"].tolist()
    found: dict[tuple[int, int | None], list[int]] = {}
    for row in [row for row, start in enumerate(begun) if start in wanted]:
        found.setdefault((begun[row], of_cell[row]), []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (_CELL.match(names[row]) is None, row), reverse=True)
    return [found[key].pop() if found.get(key) else -1 for key in zip(starts, counts, strict=True)]


def _numbers(table: pd.DataFrame, measure: str) -> list[Number | None]:
    """A measure of each cell in ns, bytes or a number; None where it is not known."""
    if measure not in table:
        return [None] * len(table)
    column = table[measure]
    missing = column.isna().tolist()
    if column.dtype.kind == "m":
        values: list[Any] = column.astype("timedelta64[ns]").astype("int64").tolist()
    else:
        values = column.tolist()
    return [None if gap else value for value, gap in zip(values, missing, strict=True)]


def _holding(recording: Recording, spans: pd.DataFrame, key: str) -> dict[int, Any]:
    """The attribute of the rows that have it, by row, however rare it is."""
    column = ATTRIBUTE_PREFIX + key
    if column in spans:
        held = spans[column]
    elif spans.attrs.get(LEFT_OUT):
        try:
            table = recording.spans(where=f"`{column}`.notna()")
        except UnknownColumnError:
            return {}
        by_id = dict(zip(table["span_id"], table[column], strict=True))
        held = pd.Series([by_id.get(span_id) for span_id in spans["span_id"]], dtype=object)
    else:
        return {}
    rows = [row for row, known in enumerate(held.notna().tolist()) if known]
    return {row: held.iloc[row] for row in rows}


def _texts(tags: Any) -> frozenset[str]:
    if isinstance(tags, str):
        return frozenset((tags,))
    return frozenset(map(str, tags)) if isinstance(tags, (tuple, list, np.ndarray)) else frozenset()


def _by_name(spans: pd.DataFrame, shown: Intervals) -> dict[str, dict[str, Number]]:
    names = spans["name"].tolist()
    lengths = shown.duration.tolist()
    failed = (spans["status_code"] == "ERROR").tolist()
    found: dict[str, dict[str, Number]] = {}
    for name, length, error in zip(names, lengths, failed, strict=True):
        values = found.setdefault(name, {"count": 0, "errors": 0, "duration": 0})
        values["count"] += 1
        values["errors"] += error
        values["duration"] = max(values["duration"], length)
    table = statistics(spans)
    for measure in MEASURES["name"]:
        if measure in ("count", "errors", "duration"):  # which spans without an end are in, too
            continue
        for name, ns in zip(table["name"].tolist(), table[measure].astype("int64").tolist(), strict=True):
            found[name][measure] = ns
    return found
