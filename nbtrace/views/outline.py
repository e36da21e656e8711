"""The tree of spans line by line: siblings that repeat are folded, each trace has its own axis, errors stay visible.

Enters: a spans and an errors DataFrame. Leaves: a `Grid`, which text and HTML are made of. Says what it leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from nbtrace.analysis.tree import depth_first, parents
from nbtrace.store import semconv
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.store.workers import OTHER_MACHINES
from nbtrace.views import captions, shapes, tasks, words
from nbtrace.views.grid import Column, Grid, Row

FOLDED = 5
"""So many siblings of one name, or more, are one line."""

SHOWN_FAILURES = 3
"""Of those that are folded, so many with an error inside have a line of their own all the same."""

MAX_ATTRIBUTES = 6
_MAX_DEPTH = 12
_BAR = 12
_LABEL = 44
_LEAST_NAME = 8

# What the tree says already, what is the same for every cell of a notebook, or what MLflow notes for itself, be the span somebody
# else's.
_LEFT_OUT = ("jupyter.", "code.", "error.type", "exception.", "mlflow.traceRequestId", "mlflow.spanLogLevel")
_KIND, _NO_KIND = "mlflow.spanType", "null"
_OF_TASKS = "nbtrace.task."


def outline(
    spans: pd.DataFrame,
    errors: pd.DataFrame,
    note: str = "",
    *,
    max_rows: int,
    said: Mapping[str, str] | None = None,
) -> Grid:
    """Return the tree: name, duration, where it lies on its trace's axis, and what else is worth knowing. `said`: by the ids of
    spans of cells, what they took, or of one that runs, what it is doing.

    cell [2] df = load()  1.20 s  ├─ 1.20 s ─┤
    ├─ load               1.18 s  ━━━━━━━━━━━╸  source=s3 rows=1000
    │  └─ GET × 30         80 ms  ━               mean 2.67 ms, slowest 9.10 ms
    └─ clean              20.0 ms            ╺

    Of a longer tree the last traces are shown, of one trace its beginning."""
    tree = _Tree(spans, errors, said or {})
    entries = tree.entries()
    begin = tree.beginning(entries, max_rows)
    earlier, entries = entries[:begin], entries[begin:]
    drawn = tree.branches([entry.place for entry in entries[:max_rows]], entries[max_rows:])
    rows = [tree.row(entry, *branch) for entry, branch in zip(entries, drawn, strict=False)]
    notes = []
    if earlier:
        left = sum(entry.spans for entry in earlier)
        traces = sum(tree.depths[entry.place] == 0 for entry in earlier)
        notes.append(
            f"{words.count(left, 'span')} of {words.count(traces, 'earlier trace')} not shown (--cell N, --where …)"
        )
    if len(entries) > max_rows:
        whole = sum(entry.spans for entry in entries)
        notes.append(f"showing {sum(entry.spans for entry in entries[:max_rows]):,} of {whole:,} spans")
    columns = (
        Column("span", most=_LABEL, branches=True),
        Column("duration", right=True, least=9),
        Column("timeline", most=_BAR, least=_BAR, bars=True),
        Column("details", wraps=True),
    )
    return Grid(columns, rows, " · ".join(filter(None, [*notes, note])), headed=False)


def bar(left: float, right: float, width: int = _BAR) -> str:
    """Draw where a span lies, in halves of characters that join without a seam; left and right are parts of the axis."""
    begin = min(int(min(max(left, 0.0), 1.0) * 2 * width), 2 * width - 1)
    end = max(begin + 1, round(min(max(right, 0.0), 1.0) * 2 * width))
    halves = [begin <= half < end for half in range(2 * width)]
    return "".join(_HALVES[pair] for pair in zip(halves[::2], halves[1::2], strict=True)).rstrip()


_HALVES = {(True, True): "━", (True, False): "╸", (False, True): "╺", (False, False): " "}


def axis(length_ns: int, width: int = _BAR) -> str:
    """Draw the axis of a trace with its length, as far as there is room for that."""
    said = f" {words.duration(length_ns)} "
    return f"├{said if len(said) <= width - 2 else '':─^{width - 2}}┤"


@dataclass(slots=True)
class _Entry:
    """A line: a span, or all siblings of a name."""

    place: int
    """In reading order; of siblings, the first one's."""
    members: list[int] = field(default_factory=list)
    """Places of the siblings that it stands for; empty for a span of its own."""
    spans: int = 1
    """How many spans it stands for, those below folded ones included."""


class _Tree:
    """Spans in reading order; a place is a number in it."""

    def __init__(self, spans: pd.DataFrame, errors: pd.DataFrame, said: Mapping[str, str]) -> None:
        self._spans = spans
        self._said = said
        order, depths = depth_first(spans)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        above = parents(spans)[order]
        self._order: list[int] = order.tolist()
        self.depths: list[int] = depths.tolist()
        self._above: list[int] = np.where((depths == 0) | (above < 0), -1, place[above]).tolist()
        self._names: list[Any] = spans["name"].take(order).tolist()
        self._failures = _failures(errors)
        starts: Any = spans["start_time"].astype("int64").to_numpy()[order]
        lengths: Any = spans["duration"].astype("int64").to_numpy()[order]
        states = spans["state"].to_numpy()[order]
        self._open: list[bool] = spans["duration"].isna().to_numpy()[order].tolist()
        known = np.where(self._open, 0, lengths)
        now = int((starts + known).max()) if len(order) else 0
        # A running span reaches to the latest moment known; an unfinished one as far as what is below it.
        grown = np.where(states == "running", now - starts, 0)
        self._start: list[int] = starts.tolist()
        self._length: list[int] = np.maximum(np.where(self._open, grown, known), 0).tolist()
        self._states: list[str] = states.tolist()
        self._failed: list[bool] = (spans["status_code"].to_numpy()[order] == "ERROR").tolist()
        self._attributes = [column for column in spans.columns if str(column).startswith(ATTRIBUTE_PREFIX)]
        self._captioned = captions.columns(self._attributes)
        self._of_tasks = [each for each in self._attributes if each.startswith(ATTRIBUTE_PREFIX + _OF_TASKS)]
        self._ids: list[str] = spans["span_id"].take(order).tolist()
        self._sum_up()

    def _sum_up(self) -> None:
        """For each span: how many it has below, whether one of them has failed, and from when to when its trace reaches."""
        n = len(self._order)
        self._size, self._bad = (
            [1] * n,
            [f or i in self._failures for f, i in zip(self._failed, self._ids, strict=True)],
        )
        self._first, self._last = self._start.copy(), [s + d for s, d in zip(self._start, self._length, strict=True)]
        for at in range(n - 1, -1, -1):
            above = self._above[at]
            if above >= 0:
                self._size[above] += self._size[at]
                self._bad[above] |= self._bad[at]
                self._first[above] = min(self._first[above], self._first[at])
                self._last[above] = max(self._last[above], self._last[at])
            if self._states[at] == "unfinished":
                self._length[at] = self._last[at] - self._start[at]

    def entries(self) -> list[_Entry]:
        """The lines, from the first to the last."""
        alike = Counter(zip(self._above, self._names, strict=True))
        folds: dict[tuple[int, Any], tuple[_Entry, list[int]]] = {}
        found: list[_Entry] = []
        at = 0
        while at < len(self._order):
            key = (self._above[at], self._names[at])
            if alike[key] < FOLDED:
                found.append(_Entry(at))
                at += 1
                continue
            if key not in folds:
                folds[key] = (_Entry(at, spans=0), [])
                found.append(folds[key][0])
            fold, told = folds[key]
            fold.members.append(at)
            if self._bad[at] and len(told) < SHOWN_FAILURES:
                told.append(at)
                found.append(_Entry(at))
                at += 1
            else:
                fold.spans += self._size[at]
                at += self._size[at]
        return found

    def beginning(self, entries: list[_Entry], max_rows: int) -> int:
        """Where the last traces begin that have room in so many lines; at least one has."""
        roots = [at for at, entry in enumerate(entries) if self.depths[entry.place] == 0]
        return next((at for at in roots if len(entries) - at <= max_rows), roots[-1] if roots else 0)

    def branches(self, places: list[int], hidden: list[_Entry]) -> list[tuple[str, str]]:
        """Draw the lines that join each to its parent, and those that go on beside the lines below it. A level is open while
        a later sibling is still to come, be it among the hidden."""
        levels: set[int] = set()
        for entry in reversed(hidden):
            depth = self.depths[entry.place]
            levels = {level for level in levels if level < depth} | {depth}
        drawn = []
        below = self.depths[hidden[0].place] if hidden else 0
        for place in reversed(places):  # from the last to the first: only then is it known what comes
            depth = self.depths[place]
            if depth > _MAX_DEPTH:
                drawn.append((f"⋯{depth:,} ", " " * 3))
            else:
                stems = "".join("│  " if level in levels else "   " for level in range(1, depth))
                own = ("├─ " if depth in levels else "└─ ") if depth else ""
                goes_on = ("│  " if depth in levels else "   ") if depth else ""
                drawn.append((stems + own, stems + goes_on + ("│" if below > depth else " ")))
            levels = {level for level in levels if level < depth} | {depth}
            below = depth
        return drawn[::-1]

    def row(self, entry: _Entry, branch: str, stem: str) -> Row:
        """A line of the grid."""
        return self._fold(entry, branch, stem) if entry.members else self._span(entry.place, branch, stem)

    def _span(self, at: int, branch: str, stem: str) -> Row:
        record = self._spans.iloc[self._order[at]]
        error = self._failures.get(self._ids[at], "✗" if self._failed[at] else "")
        duration = self._states[at] if self._open[at] else words.duration(self._length[at])
        said = self._said.get(self._ids[at], "")
        caption = captions.of_record(record, self._captioned)
        label = branch + words.plain(caption.head if caption else self._names[at], 120)
        said = " · ".join(filter(None, [said, caption.rest if caption else ""]))
        # Where a label is cut, what stands in it is told all the same.
        told = caption.told if caption and words.width(label) <= _LABEL else ()
        carried = _attributes(record, self._attributes, told)
        details = (" · " if said else " ").join(filter(None, [error, said, carried]))
        if self.depths[at] == 0:
            # Its own bar would fill the axis, however short or long that is.
            bar_ = axis(self._last[at] - self._first[at]) if self._size[at] > 1 else ""
        else:
            bar_ = self._bar(at, self._start[at], self._start[at] + self._length[at])
        return Row((label, duration, bar_, details), bool(error), stem)

    def _fold(self, entry: _Entry, branch: str, stem: str) -> Row:
        """All siblings of a name: what they did if all did the same, the time in which one of them or more ran, and what one
        took; of calls of models, what they used together."""
        members = entry.members
        lengths = [self._length[at] for at in members]
        total, until = 0, 0
        for at in members:  # by their starts
            begin, end = self._start[at], self._start[at] + self._length[at]
            total += max(0, end - max(begin, until))
            until = max(until, end)
        mean = f"mean {words.duration(round(sum(lengths) / len(lengths)))}, slowest {words.duration(max(lengths))}"
        failed = sum(self._bad[at] for at in members)
        running = sum(self._states[at] == "running" for at in members)
        rows = [self._order[at] for at in members]
        carried = self._spans[self._of_tasks].iloc[rows] if self._of_tasks else None
        tasks_ = [] if carried is None else tasks.of_many(_without_prefix(carried))
        asked = self._spans[["name", "kind", *self._captioned]].iloc[rows] if self._captioned else self._spans[:0]
        did, used = captions.together(asked, self._captioned)
        lost = f"✗ {failed:,} failed" if failed else ""
        took = ", ".join(filter(None, [mean, *tasks_, f"{running:,} running" if running else ""]))
        details = " · ".join(filter(None, [lost, used, took])) if used else ", ".join(filter(None, [lost, took]))
        many = f" × {len(members):,}"
        # How many there are is not to be cut off.
        room = max(_LEAST_NAME, _LABEL - words.width(branch + many))
        label = branch + words.cut(words.plain(did or self._names[entry.place], 80), room) + many
        drawn = "" if self.depths[entry.place] == 0 else self._bar(entry.place, self._start[members[0]], until)
        return Row((label, words.duration(total), drawn, details), bool(failed), stem)

    def _bar(self, at: int, begin: int, end: int) -> str:
        root = at
        while self._above[root] >= 0:
            root = self._above[root]
        first, whole = self._first[root], max(self._last[root] - self._first[root], 1)
        return bar((begin - first) / whole, (end - first) / whole)


def _failures(errors: pd.DataFrame) -> dict[str, str]:
    found: dict[str, str] = {}
    for span_id, kind, message in zip(
        errors["span_id"], errors["exception_type"], errors["exception_message"], strict=True
    ):
        parts = [str(part) for part in (kind, message) if isinstance(part, str) and part]
        found[span_id] = "✗ " + words.plain(": ".join(parts), 200) if parts else "✗"
    return found


def _without_prefix(table: pd.DataFrame) -> list[dict[str, Any]]:
    names = [column[len(ATTRIBUTE_PREFIX) :] for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def _attributes(record: pd.Series, columns: list[str], told: Collection[str]) -> str:
    found: list[str] = []
    of_task: dict[str, Any] = {}
    is_task = record["scope_name"] == semconv.TASK_SCOPE
    pages = captions.conversation(record, columns)
    for column in columns:
        key = column[len(ATTRIBUTE_PREFIX) :]
        item = record[column]
        if (
            key in told
            or column in pages
            or key.startswith(_LEFT_OUT)
            or (key == _KIND and isinstance(item, str) and item == _NO_KIND)
            or item is None
            or item is pd.NA
            or (isinstance(item, float) and item != item)
        ):
            continue
        if (is_task or key != semconv.HOST_NAME) and tasks.is_told(key, item):
            of_task[key] = item
        else:
            found.append(f"{words.plain(key, 40)}={shapes.brief(item)}")
    more = len(found) - MAX_ATTRIBUTES
    found = [*found[:MAX_ATTRIBUTES], f"[+{more}]"] if more > 0 else found
    pid = record["process_pid"]
    elsewhere = bool(of_task) and pid is not pd.NA and pid >= OTHER_MACHINES
    return " ".join([*tasks.line(of_task, elsewhere=elsewhere), *found])
