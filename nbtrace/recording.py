"""A recording: spans in memory, and the answers about them.

Enters: a store. Leaves: DataFrames and views. pandas is opened by the first question, not by the import."""

from __future__ import annotations

import operator
import os
import reprlib
import sys
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbtrace.analysis.conditions import named, narrowed_by
from nbtrace.capture.here import CELL
from nbtrace.capture.live import LIVE
from nbtrace.store.libraries import Opening, open_libraries
from nbtrace.store.redacted import CaptureSource
from nbtrace.store.semconv import JUPYTER_NOTEBOOK_PATH
from nbtrace.store.store import Snapshot, SpanStore
from nbtrace.views.inspector.front_end import has_front_end

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from nbtrace.analysis.compare import Side
    from nbtrace.views.inspector.widget import Inspector
    from nbtrace.views.plots import Plots
    from nbtrace.views.tree import TreeView

Attributes = Literal["columns", "all", "dict"]
Cells = int | Collection[int] | None


class Recording:
    """Spans in memory, and the answers about them. `nbtrace.record()` makes one; the live one is the notebook's."""

    def __init__(self, store: SpanStore) -> None:
        self._store = store

    # ── recording ────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> Recording:
        """Record from here on; a second call does nothing."""
        LIVE.open(self._store)
        return self

    def stop(self) -> Recording:
        """Stop recording. What was recorded stays; spans that have not ended stay as running."""
        LIVE.close(self._store)
        return self

    def __enter__(self) -> Recording:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def recording(self) -> bool:
        """Whether spans are being recorded."""
        return LIVE.is_open(self._store)

    def clear(self) -> None:
        """Forget all finished spans; running ones come in when they end."""
        self._store.clear()

    def forget(
        self, *, cell: Cells = None, trace_id: str | None = None, name: str | None = None, where: str | None = None
    ) -> int:
        """Take spans out, and all that hangs on them: attributes, events, links, exceptions, and of a cell its source. Return
        how many spans there were, running ones included; they are not recorded when they end.

        Narrowed as `spans`; at least one condition is needed. Open inspectors are told. What has left the recording before
        (a report, an output saved in the notebook, a span exported) is not reached. Raises ValueError without a condition."""
        if all(condition is None for condition in (cell, trace_id, name, where)):
            raise ValueError(
                "forget needs to know what. Type for example rec.forget(cell=3) or rec.forget(where=\"name == 'login'\"); "
                "rec.clear() forgets everything."
            )
        found = self.spans(cell=cell, trace_id=trace_id, name=name, where=where)
        executions: set[int] = set()
        if cell is not None and trace_id is None and name is None and where is None:
            # All of the cell, its source too, though its own span may have gone over the bound.
            from nbtrace.analysis.filters import execution_counts

            counts = execution_counts(cell)
            executions = {e.number for e in self._store.executions() if e.execution_count in counts}
        LIVE.forget(self._store, {int(span_id, 16) for span_id in found["span_id"]}, executions)
        feeds = sys.modules.get("nbtrace.views.inspector.feed")
        if feeds is not None:
            feeds.resend(self._store)
        return len(found)

    def __deepcopy__(self, memo: dict[int, Any]) -> Recording:
        """A recording of its own that holds what this one holds now, and does not record."""
        store = SpanStore(max_spans=self.max_spans, max_bytes=self.max_bytes)
        store.redactor, store.capture_source = self._store.redactor, self._store.capture_source
        store.take(self._snapshot())
        return Recording(store)

    def __copy__(self) -> Recording:
        return self.__deepcopy__({})

    def __reduce__(self) -> Any:
        """Travel to another process, or into a file, as what it holds now; there it does not record."""
        return _unpickled, (self.max_spans, self.max_bytes, self._snapshot())

    @property
    def dropped_spans(self) -> int:
        """How many finished spans were pushed out by `max_spans` or `max_bytes`."""
        return self._store.dropped_spans

    @property
    def max_spans(self) -> int:
        """How many finished spans are kept."""
        return self._store.max_spans

    @max_spans.setter
    def max_spans(self, max_spans: int) -> None:
        self._store.max_spans = checked("max_spans", max_spans)

    @property
    def max_bytes(self) -> int:
        """How much memory finished spans may take, in bytes; what is held stays within a quarter of it. They are weighed as
        they end, and again when they are sealed into columns."""
        return self._store.max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        self._store.max_bytes = checked("max_bytes", max_bytes)

    def __len__(self) -> int:
        """Return the number of finished spans."""
        return len(self._store)

    def __repr__(self) -> str:
        state = "recording" if self.recording else "stopped"
        dropped = f", {self.dropped_spans:,} dropped" if self.dropped_spans else ""
        return f"<Recording: {len(self):,} spans{dropped}, {state}>"

    # ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────

    def spans(
        self,
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        attributes: Attributes = "columns",
    ) -> pd.DataFrame:
        """Return one row per span, finished and running, ordered by start.

        Columns: trace_id, span_id, parent_span_id, name, kind (str); start_time, end_time (datetime64[ns, UTC]); duration
        (timedelta64[ns]); status_code, status_message (str); cell (Int64, the execution count); state (str: ended, running,
        unfinished); thread_id, process_pid (Int64) and thread_name (str), where it began; service_name, scope_name (str);
        event_count, link_count, dropped_attributes, dropped_events, dropped_links (Int64); one attributes.KEY per key, or
        with attributes="dict" one column of dicts. A span that has not ended has no end_time and no duration. Of more than
        100 keys, those on fewer than 1 % of the spans have a column only with attributes="all" or if `where` names them.

        cell: an execution count or several. trace_id: the hex digits, or how they begin. name: exact. where: a condition
        such as "duration > 100ms and attributes.rows > 3 and name ~ 'load'", in which @x is your variable x; it is read and
        never run, and docs/conditions.md says all that it takes. An unknown column raises UnknownColumnError with the
        nearest names, what cannot be read FilterError with the place and what to write."""
        return self._table("spans", attributes, cell, trace_id, name, where)

    def events(
        self,
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        attributes: Attributes = "columns",
    ) -> pd.DataFrame:
        """Return one row per span event, ordered by time: trace_id, span_id, span_name, cell, time, name, attributes.KEY.

        Narrowed as `spans`; `name` is the event's."""
        return self._table("events", attributes, cell, trace_id, name, where)

    def links(
        self,
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        attributes: Attributes = "columns",
    ) -> pd.DataFrame:
        """Return one row per link: trace_id, span_id, span_name, linked_trace_id, linked_span_id, attributes.KEY.

        Narrowed as `spans`; `name` is the span's."""
        return self._table("links", attributes, cell, trace_id, name, where, name_column="span_name")

    def errors(
        self,
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
    ) -> pd.DataFrame:
        """Return one row per error, ordered by time: trace_id, span_id, span_name, cell, time, exception_type,
        exception_message, exception_stacktrace.

        An exception stands once, on the innermost span it went through. A span that was given the status ERROR without an
        exception has a row too, with the status's message. Narrowed as `spans`; `name` is the span's."""
        dataframes = _dataframes()

        snapshot = self._snapshot()
        table = dataframes.errors(snapshot)
        return self._marked(narrowed_by(table, snapshot, cell, trace_id, name, where, "span_name"), snapshot)

    def cells(self, *, cell: Cells = None, where: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return one row per execution of a cell, in their order: cell, cell_id, run (how often it had run), source,
        start_time, duration, status_code, exception_type, span_count (spans inside), error_count (errors inside), change
        (of the duration, against the run of this cell before).

        Cells that only ask nbtrace are left out, unless asking=True or `cell` names them: those of which every statement is
        %spans, %nbtrace, an import of nbtrace, or a question such as nbtrace.spans().head(). One that failed is not. This
        holds for all answers about the work; spans, events, links and errors have everything."""
        dataframes = _dataframes()

        snapshot = self._snapshot()
        table = dataframes.cells(snapshot, asking=asking or cell is not None).drop(columns=dataframes.DIGEST)
        return self._marked(narrowed_by(table, snapshot, cell, where=where), snapshot)

    def statistics(
        self, *, by: str = "name", cell: Cells = None, where: str | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return one row per name, or value of the column `by`, the largest total first: count, errors, error_rate, total,
        self, mean, min, p50, p95, p99, max. Running spans are left out. asking: see `cells`."""
        dataframes = _dataframes()
        from nbtrace.analysis.statistics import statistics

        snapshot = self._snapshot()
        wanted = {*named(where, snapshot), by.removeprefix("attributes.")}
        spans = dataframes.spans(snapshot, wanted=wanted, asking=asking or cell is not None)
        table = narrowed_by(spans, snapshot, cell, where=where)
        return self._marked(statistics(table, by=by), snapshot)

    def self_times(self, *, cell: Cells = None, trace_id: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return the time each span spent outside its children, the largest first: trace_id, span_id, name, cell,
        duration, self_time, total_share, self_share. Children that overlap or outlive their parent count once, inside it.
        asking: see `cells`."""
        open_libraries()
        from nbtrace.analysis.selftime import self_times

        return self._answer(self_times, cell, trace_id, asking=asking)

    def critical_path(self, *, cell: Cells = None, trace_id: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return the spans that the end of a trace or cell waited for, section by section in the order of time: span_id,
        name, start_time, end_time, contribution, share. Of concurrent children the last to finish is on the path. asking: see
        `cells`."""
        open_libraries()
        from nbtrace.analysis.criticalpath import critical_path

        return self._answer(critical_path, cell, trace_id, asking=asking)

    def concurrency(
        self, *, name: str | None = None, cell: Cells = None, trace_id: str | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return how many spans were running, from each moment (time) at which that changed (running). asking: see
        `cells`."""
        open_libraries()
        from nbtrace.analysis.concurrency import concurrency

        return self._answer(concurrency, cell, trace_id, name, asking=asking)

    def gaps(self, *, cell: Cells = None, trace_id: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return the times at which no span ran, between the first start and the last end: start_time, end_time, duration,
        and the cells on both sides, cell_before and cell_after. The time of a cell that only asks is no gap, though it stands
        on neither side of one, unless asking=True (see `cells`)."""
        dataframes = _dataframes()
        from nbtrace.analysis.concurrency import gaps

        snapshot = self._snapshot()
        table = dataframes.spans(snapshot, attributes="none")
        if not (asking or cell is not None or trace_id is not None):
            return self._marked(gaps(table, dataframes.only_asked(snapshot)), snapshot)
        return self._marked(gaps(narrowed_by(table, snapshot, cell, trace_id)), snapshot)

    def repeats(
        self, *, at_least: int = 5, cell: Cells = None, trace_id: str | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return groups of siblings of one name, the largest total first: parent_span_id, parent_name, name, cell, count,
        total, mean. Often a query that could be one. asking: see `cells`."""
        open_libraries()
        from nbtrace.analysis.repeats import repeats

        return self._answer(lambda spans: repeats(spans, at_least=at_least), cell, trace_id, asking=asking)

    def tree(self, *, cell: Cells = None, trace_id: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return the spans depth first, siblings by their start: depth, name, trace_id, span_id, parent_span_id, cell,
        start_time, duration, children, root, orphan (a root whose parent is not recorded). asking: see `cells`."""
        open_libraries()
        from nbtrace.analysis.tree import tree

        return self._answer(tree, cell, trace_id, asking=asking)

    def history(self, *, cell: Cells = None, asking: bool = False) -> pd.DataFrame:
        """Return one row per cell, the one that took longest over all its runs first: cell, code, runs, errors, last, change
        and ratio (of the last run against the one before), median, fastest, slowest, total. asking: see `cells`."""
        dataframes = _dataframes()
        from nbtrace.analysis.history import history

        snapshot = self._snapshot()
        cells = dataframes.cells(snapshot, asking=asking or cell is not None)
        return history(narrowed_by(cells, snapshot, cell))

    def headings(self, notebook: str | os.PathLike[str] | None = None, *, asking: bool = False) -> pd.DataFrame:
        """Return the time of the cells below each markdown heading of the notebook's file: heading, level, cells, runs,
        errors, own, total (with the headings below), share. Raises NotebookError if the file is not known, or cannot be
        read. asking: see `cells`."""
        dataframes = _dataframes()
        from nbtrace.analysis.history import headings, notebook_path

        snapshot = self._snapshot()
        if notebook is None:
            notebook = notebook_path(dataframes.spans(snapshot, wanted=[JUPYTER_NOTEBOOK_PATH]))
        return headings(dataframes.cells(snapshot, asking=asking), notebook)

    def compare(
        self,
        before: int | Collection[int] | Recording | None = None,
        after: int | Collection[int] | Recording | None = None,
    ) -> pd.DataFrame:
        """Return what changed from `before` to `after`, by path of names, the largest change first: path, name, depth,
        verdict (slower, faster, more, fewer, added, removed, same, unclear), before, after, change, ratio, then spread_, self_,
        count_ and runs_ of both sides.

        Each side is the execution count of a cell, several (runs of the same work: three or more, and the verdict knows
        noise), or a Recording. One cell alone is set against the earlier runs of the same cell, or of its code before the
        last edit; nothing, and it is the last cell that has run again. Raises RunsError if there is nothing to compare."""
        open_libraries()
        from nbtrace.analysis import runs
        from nbtrace.analysis.compare import compare

        if after is None and not isinstance(before, Recording):
            known = [e for e in self._snapshot().executions if e.number != CELL.get() and not e.only_asked]
            before, after = runs.chosen(known, before, self._recorded_cells)
        if before is None or after is None:
            raise ValueError("compare needs two sides. Type for example nbtrace.compare(3, 5).")
        return compare(self._side(before), self._side(after))

    def _side(self, which: int | Collection[int] | Recording) -> Side:
        """One side of a comparison."""
        from nbtrace.analysis import compare, dataframes, filters, runs

        if isinstance(which, Recording):
            return compare.recording_side(dataframes.spans(which._snapshot(), attributes="none"))
        cells = filters.execution_counts(which)
        spans = dataframes.spans(self._snapshot(), attributes="none")
        runs.check(cells, spans["cell"])
        return compare.cells_side(spans, cells)

    def _recorded_cells(self) -> set[int]:
        """The execution counts of which there are spans."""
        cells = _dataframes().spans(self._snapshot(), attributes="none")["cell"]
        return set(cells.dropna().tolist())

    @property
    def plot(self) -> Plots:
        """Plots: .durations(), .cells(), .flame(). Needs matplotlib."""
        open_libraries()
        from nbtrace.views.plots import Plots

        def spans(*, cell: Cells = None, trace_id: str | None = None, where: str | None = None, asking: bool) -> Any:
            asking = asking or cell is not None or trace_id is not None
            return self._table("spans", "columns", cell, trace_id, None, where, asking=asking)

        return Plots(spans, self.cells)

    def _answer(
        self,
        answer: Callable[[pd.DataFrame], pd.DataFrame],
        cell: Cells,
        trace_id: str | None,
        name: str | None = None,
        *,
        asking: bool,
    ) -> pd.DataFrame:
        """An answer about the spans that meet the conditions."""
        dataframes = _dataframes()

        snapshot = self._snapshot()
        asking = asking or cell is not None or trace_id is not None
        table = dataframes.spans(snapshot, attributes="none", asking=asking)
        return self._marked(answer(narrowed_by(table, snapshot, cell, trace_id, name)), snapshot)

    def to_arrow(self) -> pa.Table:
        """Return the span table as a pyarrow Table, one row per span in the order in which they ended.

        The columns of `spans`; times are timestamp[ns, UTC], strings that repeat dictionary-encoded, an attribute of mixed
        types is text. Needs no pandas, and most of it is the recording's own memory."""
        open_libraries()
        from nbtrace.analysis.arrow import to_arrow

        return to_arrow(self._snapshot())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the span table to whoever speaks Arrow: polars.DataFrame(rec), duckdb.sql("select … from rec")."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def view(
        self,
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        last: int | None = None,
        asking: bool = False,
    ) -> TreeView | Inspector:
        """Return the inspector, to be displayed: a widget in a notebook, the tree as text in a terminal and in `print`.

        Narrowed as `spans`; last: only the last so many cells; asking: see `cells`. Without conditions it is live: open it
        before the cells that it shall show, and it grows while they run."""
        open_libraries()
        tree = partial(self.text, cell=cell, trace_id=trace_id, name=name, where=where, last=last, asking=asking)
        if not has_front_end():
            return tree()
        from nbtrace.views.inspector.widget import inspector

        narrowed = any(condition is not None for condition in (cell, trace_id, name, where, last))
        opener = next((e for e in self._store.executions() if e.number == CELL.get()), None)
        live = not narrowed and self.recording
        return inspector(tree, self._store, self.spans, live=live, narrowed=narrowed, opener=opener, asking=asking)

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        last: int | None = None,
        asking: bool = False,
    ) -> Path:
        """Write one HTML file with the whole inspector, to be opened in any browser without a kernel or a network; return
        its path. Narrowed as `view`; of more than 100,000 spans the last ones are written, and the file says so."""
        open_libraries()
        from nbtrace.views.report import write

        tree = self.text(cell=cell, trace_id=trace_id, name=name, where=where, last=last, asking=asking)
        narrowed = any(condition is not None for condition in (cell, trace_id, name, where, last))
        return write(path, self._store, tree, narrowed=narrowed)

    def text(
        self,
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        last: int | None = None,
        asking: bool = False,
    ) -> TreeView:
        """Return the tree of spans, to be displayed: a table in a notebook, text in a terminal and in `print`.

        Narrowed as `view`."""
        dataframes = _dataframes()
        from nbtrace.views.tree import TreeView

        if last is not None:
            last = whole(last, f"last={reprlib.repr(last)} is no number of cells. Type for example last=3.")
        snapshot = self._snapshot()
        asking = asking or cell is not None or trace_id is not None
        table = dataframes.spans(snapshot, wanted=named(where, snapshot), asking=asking)
        opener = next((e.execution_count for e in snapshot.executions if e.number == CELL.get()), None)
        if cell is None and opener is not None:
            # The cell that asks is still running; nobody wants to see it in the answer.
            table = table[(table["cell"] != opener).fillna(True)]
        if last is not None:
            table = table[table["cell"].isin(last_cells(self, last, asking=asking))]
        table = narrowed_by(table, snapshot, cell, trace_id, name, where)
        return TreeView(table, dataframes.errors(snapshot), snapshot.dropped_spans)

    def _table(
        self,
        what: Literal["spans", "events", "links"],
        attributes: Attributes,
        cell: Cells,
        trace_id: str | None,
        name: str | None,
        where: str | None,
        name_column: str = "name",
        **options: Any,
    ) -> pd.DataFrame:
        """A table with attributes, narrowed. Conditions see a column per key, whatever is asked for."""
        if attributes not in ("columns", "all", "dict"):
            raise ValueError(f'attributes={reprlib.repr(attributes)} is none of "columns", "all" and "dict".')
        dataframes = _dataframes()

        snapshot = self._snapshot()
        build = getattr(dataframes, what)
        # A column per key is what a condition may name; without one, dicts need none.
        form = "columns" if where is not None and attributes == "dict" else attributes
        table = build(snapshot, attributes=form, wanted=named(where, snapshot), **options)
        wide = [column for column in table.columns if column.startswith("attributes.")]
        if attributes == "dict" and where is not None:
            table["attributes"] = build(snapshot, attributes="dict")["attributes"]
        if cell is not None and "cell" not in table:  # links have no such column, but the spans they start from do
            inside = narrowed_by(dataframes.spans(snapshot, attributes="none"), snapshot, cell)["span_id"]
            table, cell = table[table["span_id"].isin(inside)], None
        narrowed = narrowed_by(table, snapshot, cell, trace_id, name, where, name_column)
        if attributes == "dict":
            narrowed = narrowed.drop(columns=wide)
        elif len(narrowed) < len(table) or not len(table):
            # A key that occurs on no row left would be a column of nothing.
            narrowed = narrowed.drop(columns=[column for column in wide if narrowed[column].isna().all()])
        narrowed.attrs.update(table.attrs)
        return self._marked(narrowed, snapshot)

    def _snapshot(self) -> Snapshot:
        return self._store.snapshot()

    def _marked(self, table: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
        """Tell with the table that it is not the whole story."""
        if snapshot.dropped_spans:
            table.attrs["dropped_spans"] = snapshot.dropped_spans
        return table


def _dataframes() -> Any:
    """The tables' module, with pandas, opened so that a fork meanwhile waits."""
    open_libraries()
    with Opening():
        from nbtrace.analysis import dataframes

    return dataframes


def _unpickled(max_spans: int, max_bytes: int, snapshot: Snapshot) -> Recording:
    store = SpanStore(max_spans=max_spans, max_bytes=max_bytes)
    store.take(snapshot.from_elsewhere())
    return Recording(store)


def last_cells(recording: Recording, last: int, *, asking: bool = False) -> list[int]:
    """Return the execution counts of the last so many cells that did something, or only asked, the one that asks left out."""
    known = recording._store.executions()
    counts = [e.execution_count for e in known if e.number != CELL.get() and (asking or not e.only_asked)]
    return [count for count in counts if count is not None][-last:]


def checked(name: str, bound: Any) -> int:
    """Return a bound; raise ValueError if it is none."""
    return whole(bound, f"{name} is {reprlib.repr(bound)}, but must be a whole number of at least 1.")


def whole(number: Any, otherwise: str) -> int:
    """Return a number, be it Python's or numpy's; raise ValueError if it is no whole one of at least 1."""
    try:
        found = 0 if isinstance(number, bool) else operator.index(number)
    except TypeError:
        found = 0
    if found < 1:
        raise ValueError(otherwise)
    return found


def checked_source(capture_source: Any) -> CaptureSource:
    """Return how much of a cell's source is kept; raise ValueError if it is none of the three."""
    if capture_source not in ("full", "hash", "none"):
        raise ValueError(f'capture_source is {capture_source!r}, but must be "full", "hash" or "none".')
    return capture_source  # type: ignore[no-any-return]
