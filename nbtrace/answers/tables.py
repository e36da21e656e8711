"""The tables: what a recording answers with a DataFrame.

Enters: a snapshot of a store, and a selection. Leaves: DataFrames. A question more is a method here; everything else that
knows of questions reads the register. pandas is opened by the first question, not by the import."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from nbtrace.analysis.conditions import named
from nbtrace.analysis.selection import Cells, Selection, last_executions
from nbtrace.answers.register import question
from nbtrace.capture.current_cell import CELL
from nbtrace.store.book import Execution
from nbtrace.store.libraries import Opening, open_libraries
from nbtrace.store.semconv import JUPYTER_NOTEBOOK_PATH
from nbtrace.store.span_store import Snapshot, SpanStore

if TYPE_CHECKING:
    import pandas as pd

    from nbtrace.analysis.compare import Side

Attributes = Literal["columns", "all", "dict"]


class Tables:
    """Answers about the spans of a store."""

    _store: SpanStore

    @question("table", why="it leaves no cell out")
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
        return self._table("spans", attributes, Selection(cell, trace_id, name, where))

    @question()
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
        return self._table("events", attributes, Selection(cell, trace_id, name, where))

    @question()
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
        return self._table("links", attributes, Selection(cell, trace_id, name, where), name_column="span_name")

    @question("errors", why="it leaves no cell out")
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
        table = self._tables().errors(snapshot := self._snapshot())
        return self._marked(
            Selection(cell, trace_id, name, where).of(table, snapshot, name_column="span_name"), snapshot
        )

    @question("cells")
    def cells(self, *, cell: Cells = None, where: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return one row per execution of a cell, in their order: cell, cell_id, run (how often it had run), source,
        start_time, duration, status_code, exception_type, span_count (spans inside), error_count (errors inside), change
        (of the duration, against the run of this cell before), then what it took of the machine: cpu (timedelta64[ns], of all
        threads), cores (that it kept busy), memory_peak and memory_change (resident bytes), gc (timedelta64[ns], of the
        collector), read_bytes, written_bytes; hottest ("line 3 df.merge 62 %": the line at which most of its time passed, what
        it calls, a ~ before a share that fewer than ten samples support); shared (whether cells ran at the same time, whose part
        is in these numbers); gpu_memory_peak and gpu_utilization where there is a GPU. All but hottest is of the kernel's own
        process, whatever its workers took. Missing is what nobody tells, and of cells of less than 2 ms memory and bytes.

        Cells that only ask nbtrace are left out, unless asking=True or `cell` names them: those of which every statement is
        %spans, %nbtrace, an import of nbtrace, or a question such as nbtrace.spans().head(). One that failed is not. This
        holds for all answers about the work; spans, events, links and errors have everything."""
        selection, snapshot = Selection(cell, where=where, asking=asking), self._snapshot()
        tables = self._tables()
        from nbtrace.analysis.profiles.resources import resources

        table = tables.cells(snapshot, asking=selection.with_asking)
        taken = resources(snapshot, table[tables.NUMBER].tolist(), table["duration"])
        table = table.drop(columns=[tables.DIGEST, tables.NUMBER]).assign(**taken)
        return self._marked(selection.of(table, snapshot), snapshot)

    @question("stats")
    def statistics(
        self, *, by: str = "name", cell: Cells = None, where: str | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return one row per name, or value of the column `by`, the largest total first: count, errors, error_rate, total,
        self, mean, min, p50, p95, p99, max. Running spans are left out. asking: see `cells`."""
        tables = self._tables()
        from nbtrace.analysis.statistics import statistics

        selection, snapshot = Selection(cell, where=where, asking=asking), self._snapshot()
        wanted = {*named(where, snapshot), by.removeprefix("attributes.")}
        spans = tables.spans(snapshot, wanted=wanted, asking=selection.with_asking)
        return self._marked(statistics(selection.of(spans, snapshot), by=by), snapshot)

    @question("self", why="it is about all spans of a cell", last_cell=True)
    def self_times(self, *, cell: Cells = None, trace_id: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return the time each span spent outside its children, the largest first: trace_id, span_id, name, cell,
        duration, self_time, total_share, self_share. Children that overlap or outlive their parent count once, inside it.
        asking: see `cells`."""
        open_libraries()
        from nbtrace.analysis.selftime import self_times

        return self._answer(self_times, Selection(cell, trace_id, asking=asking))

    @question("path", why="it is about all spans of a cell", last_cell=True)
    def critical_path(self, *, cell: Cells = None, trace_id: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return the spans that the end of a trace or cell waited for, section by section in the order of time: span_id,
        name, start_time, end_time, contribution, share. Of concurrent children the last to finish is on the path. asking: see
        `cells`."""
        open_libraries()
        from nbtrace.analysis.criticalpath import critical_path

        return self._answer(critical_path, Selection(cell, trace_id, asking=asking))

    @question("gaps", why="it is about all spans of a cell")
    def gaps(self, *, cell: Cells = None, trace_id: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return the times at which no span ran, between the first start and the last end: start_time, end_time, duration,
        and the cells on both sides, cell_before and cell_after. The time of a cell that only asks is no gap, though it stands
        on neither side of one, unless asking=True (see `cells`)."""
        tables = self._tables()
        from nbtrace.analysis.concurrency import gaps

        selection, snapshot = Selection(cell, trace_id, asking=asking), self._snapshot()
        table = tables.spans(snapshot, attributes="none")
        if not selection.with_asking:
            return self._marked(gaps(table, tables.only_asked(snapshot)), snapshot)
        return self._marked(gaps(selection.of(table, snapshot)), snapshot)

    @question("repeats", why="it is about all spans of a cell")
    def repeats(
        self, *, at_least: int = 5, cell: Cells = None, trace_id: str | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return groups of siblings of one name, the largest total first: parent_span_id, parent_name, name, cell, count,
        total, mean. Often a query that could be one. asking: see `cells`."""
        open_libraries()
        from nbtrace.analysis.repeats import repeats

        return self._answer(lambda spans: repeats(spans, at_least=at_least), Selection(cell, trace_id, asking=asking))

    @question("tasks")
    def tasks(self, *, cell: Cells = None, where: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return one row per task of a pool of processes or of an engine (Dask), in the order in which they began: cell, name
        (the function's), process_pid (of the worker), submitted, waited (timedelta64[ns], until a worker began it),
        worker_start (timedelta64[ns]: the part of that in which its worker process started; missing where that ran already),
        transfer (timedelta64[ns]: the part in which its worker fetched results of other workers; missing where it needed none),
        start_time, end_time, duration (the work alone), state, status_code, span_count (spans within it); of an engine's tasks
        key, worker (its address), host, run (1, and from 2 on where it was retried or made again), outcome ("cancelled",
        "rescheduled" or "lost" with its worker; missing for results and failures), all missing for those of pools; trace_id,
        span_id, parent_span_id (what sent it).

        Where fewer than all processors worked, or none for a while, waited, worker_start and transfer tell why. Waiting of
        several tasks overlaps: sums may be more than the time that passed. cell, where: see `spans`, but the condition is about
        these columns; asking: see `cells`."""
        tables, snapshot = self._tables(), self._snapshot()
        from nbtrace.analysis.tasks import KEYS, tasks

        selection = Selection(cell, where=where, asking=asking)
        table = tasks(tables.spans(snapshot, wanted=KEYS, asking=selection.with_asking))
        return self._marked(selection.of(table, snapshot), snapshot)

    @question()
    def concurrency(
        self, *, name: str | None = None, cell: Cells = None, trace_id: str | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return how many spans were running, from each moment (time) at which that changed (running). asking: see
        `cells`."""
        open_libraries()
        from nbtrace.analysis.concurrency import concurrency

        return self._answer(concurrency, Selection(cell, trace_id, name, asking=asking))

    @question()
    def tree(self, *, cell: Cells = None, trace_id: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return the spans depth first, siblings by their start: depth, name, trace_id, span_id, parent_span_id, cell,
        start_time, duration, children, root, orphan (a root whose parent is not recorded). asking: see `cells`."""
        open_libraries()
        from nbtrace.analysis.tree import tree

        return self._answer(tree, Selection(cell, trace_id, asking=asking))

    @question("compare", takes="cells", why="it sets two cells side by side")
    def compare(
        self,
        before: int | Collection[int] | Tables | None = None,
        after: int | Collection[int] | Tables | None = None,
    ) -> pd.DataFrame:
        """Return what changed from `before` to `after`, by path of names, the largest change first: path, name, depth,
        verdict (slower, faster, more, fewer, added, removed, same, unclear), before, after, change, ratio, then spread_, self_,
        count_ and runs_ of both sides.

        Each side is the execution count of a cell, several (runs of the same work: three or more, and the verdict knows
        noise), or a Recording, without the cells that only ask. One cell alone is set against the earlier runs of the same
        cell, or of its code before the last edit; nothing, and it is the last cell that has run again. Raises RunsError if
        there is nothing to compare."""
        open_libraries()
        from nbtrace.analysis import runs
        from nbtrace.analysis.compare import alike, compare

        if after is None and not isinstance(before, Tables):
            known = [e for e in self._snapshot().executions if e.number != CELL.get() and not e.only_asked]
            before, after = runs.chosen(known, before, self._recorded_cells)
        if before is None or after is None:
            raise ValueError("compare needs two sides. Type for example nbtrace.compare(3, 5).")
        sides = self._side(before), self._side(after)
        if isinstance(before, Tables) and isinstance(after, Tables):
            sides = alike(*sides)
        return compare(*sides)

    @question("history", options=("asking",), why="it is about all cells")
    def history(self, *, cell: Cells = None, asking: bool = False) -> pd.DataFrame:
        """Return one row per cell, the one that took longest over all its runs first: cell, code, runs, errors, last, change
        and ratio (of the last run against the one before), median, fastest, slowest, total. asking: see `cells`."""
        tables = self._tables()
        from nbtrace.analysis.history import history

        selection, snapshot = Selection(cell, asking=asking), self._snapshot()
        return history(selection.of(tables.cells(snapshot, asking=selection.with_asking), snapshot))

    @question("headings", takes="file", why="it is about the whole notebook")
    def headings(self, notebook: str | os.PathLike[str] | None = None, *, asking: bool = False) -> pd.DataFrame:
        """Return the time of the cells below each markdown heading of the notebook's file: heading, level, cells, runs,
        errors, own, total (with the headings below), share. Raises NotebookError if the file is not known, or cannot be
        read. asking: see `cells`."""
        tables = self._tables()
        from nbtrace.analysis.history import headings, notebook_path

        snapshot = self._snapshot()
        if notebook is None:
            notebook = notebook_path(tables.spans(snapshot, wanted=[JUPYTER_NOTEBOOK_PATH]))
        return headings(tables.cells(snapshot, asking=asking), notebook)

    # ── how they are made ────────────────────────────────────────────────────────────────────────────────────────────

    def _snapshot(self) -> Snapshot:
        return self._store.snapshot()

    def _tables(self) -> Any:
        """The tables' module, with pandas, opened so that a fork meanwhile waits."""
        open_libraries()
        with Opening():
            from nbtrace.analysis import dataframes

        return dataframes

    def _asker(self, executions: Iterable[Execution]) -> Execution | None:
        """The execution that asks, None outside a cell, and in a recording that knows nothing of it."""
        return next((each for each in executions if each.number == CELL.get()), None)

    def _last_cells(self, last: int, *, asking: bool = False) -> list[int]:
        """Return the execution counts of the last so many cells that did something, or only asked, the one that asks left
        out."""
        found = last_executions(self._store.executions(), last, asker=CELL.get(), asking=asking)
        return [each.execution_count for each in found if each.execution_count is not None]

    def _captions(self, span_ids: Collection[str]) -> dict[str, str]:
        """By their ids, what is shown of these spans in place of their names, where that says more."""
        tables, snapshot = self._tables(), self._snapshot()
        from nbtrace.analysis.captions.caption import KEYS
        from nbtrace.store.batch import with_ids
        from nbtrace.views.captions import by_id

        numbers = {int(each, 16) for each in span_ids}
        few = replace(snapshot, batches=tuple(with_ids(batch, numbers) for batch in snapshot.batches))
        return by_id(tables.spans(few, wanted=KEYS))

    def _answer(self, answer: Callable[[pd.DataFrame], pd.DataFrame], selection: Selection) -> pd.DataFrame:
        """An answer about the spans that meet the conditions."""
        tables, snapshot = self._tables(), self._snapshot()
        table = tables.spans(snapshot, attributes="none", asking=selection.with_asking)
        return self._marked(answer(selection.of(table, snapshot)), snapshot)

    def _table(
        self,
        what: Literal["spans", "events", "links"],
        attributes: Attributes,
        selection: Selection,
        name_column: str = "name",
        **options: Any,
    ) -> pd.DataFrame:
        """A table with attributes, narrowed. Conditions see a column per key, whatever is asked for."""
        if attributes not in ("columns", "all", "dict"):
            raise ValueError(f'attributes={reprlib.repr(attributes)} is none of "columns", "all" and "dict".')
        tables, snapshot = self._tables(), self._snapshot()
        build, where = getattr(tables, what), selection.where
        # A column per key is what a condition may name; without one, dicts need none.
        form = "columns" if where is not None and attributes == "dict" else attributes
        table = build(snapshot, attributes=form, wanted=named(where, snapshot), **options)
        wide = [column for column in table.columns if column.startswith("attributes.")]
        if attributes == "dict" and where is not None:
            table["attributes"] = build(snapshot, attributes="dict")["attributes"]
        if selection.cell is not None and "cell" not in table:
            # Links have no such column, but the spans they start from do.
            inside = Selection(selection.cell).of(tables.spans(snapshot, attributes="none"), snapshot)["span_id"]
            table, selection = table[table["span_id"].isin(inside)], replace(selection, cell=None)
        narrowed = selection.of(table, snapshot, name_column=name_column)
        if attributes == "dict":
            narrowed = narrowed.drop(columns=wide)
        elif len(narrowed) < len(table) or not len(table):
            # A key that occurs on no row left would be a column of nothing.
            narrowed = narrowed.drop(columns=[column for column in wide if narrowed[column].isna().all()])
        narrowed.attrs.update(table.attrs)
        return self._marked(narrowed, snapshot)

    def _marked(self, table: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
        """Tell with the table that it is not the whole story."""
        if snapshot.dropped_spans:
            table.attrs["dropped_spans"] = snapshot.dropped_spans
        return table

    def _side(self, which: int | Collection[int] | Tables) -> Side:
        """One side of a comparison."""
        from nbtrace.analysis import compare, dataframes, filters, runs

        if isinstance(which, Tables):
            return compare.recording_side(dataframes.spans(which._snapshot(), attributes="none", asking=False))
        cells = filters.execution_counts(which)
        spans = dataframes.spans(self._snapshot(), attributes="none")
        runs.check(cells, spans["cell"])
        return compare.cells_side(spans, cells)

    def _recorded_cells(self) -> set[int]:
        """The execution counts of which there are spans."""
        cells = self._tables().spans(self._snapshot(), attributes="none")["cell"]
        return set(cells.dropna().tolist())
