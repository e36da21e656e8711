"""The tables of a recording: spans, events, links, errors and cells as typed DataFrames.

Enters: a store's `Snapshot`. Leaves: DataFrames with the columns and dtypes of docs/tables.md, the same when empty.
Spans are ordered by their start, as they are read; a running span has no end and no duration."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.columns import (
    TEXT,
    attribute_columns,
    attribute_dicts,
    counts,
    durations,
    integers,
    labels,
    numbers,
    ordered,
    origins,
    texts,
    threads,
    times,
)
from nbtrace.analysis.errors import failed_without
from nbtrace.store import semconv
from nbtrace.store.schema import ATTRIBUTE_PREFIX, KINDS, STATES, STATUS_CODES
from nbtrace.store.span_store import Snapshot

Ints = npt.NDArray[np.int64]
Attributes = Literal["columns", "all", "dict", "none"]

LEFT_OUT = "attributes_left_out"
"""Key of a table's `attrs` under which it says how many attributes have no column."""

DIGEST = "digest"
"""Column of `cells` that tells their code apart, whatever is kept of the sources; for other answers alone."""

NUMBER = "number"
"""Column of `cells` with the numbers of executions; likewise."""

ERROR_COLUMNS = (
    "trace_id",
    "span_id",
    "span_name",
    "cell",
    "time",
    "exception_type",
    "exception_message",
    "exception_stacktrace",
)


def spans(
    snapshot: Snapshot, *, attributes: Attributes = "columns", wanted: Collection[str] = (), asking: bool = True
) -> pd.DataFrame:
    """Return one row per span, finished and running, in the order of their starts; not asking: without those of cells that
    only asked.

    trace_id, span_id, parent_span_id str (32, 16, 16 lower-case hex digits; no parent for a root) · name, kind str ·
    start_time, end_time datetime64[ns, UTC] · duration timedelta64[ns] · status_code, status_message str · cell Int64 ·
    state str (ended, running, unfinished) · thread_id, process_pid Int64, thread_name str, of the thread it began in ·
    service_name, scope_name str · event_count, link_count, dropped_attributes, dropped_events, dropped_links Int64 ·
    then one `attributes.KEY` per key: str, Int64, float64 or boolean where all values are of one type, else object.
    Of more than 100 keys those on fewer than 1 % of the spans have no column, unless they are `wanted`;
    `.attrs["attributes_left_out"]` counts them. attributes="all" gives them all, "dict" one column `attributes` of dicts
    instead, "none" the fixed columns alone."""
    table = _SpanTable(snapshot)
    rows = table.in_order(asking=asking)
    columns = table.fixed_columns(rows)
    left_out = _add_attributes(columns, table.attributes, table.length, attributes, wanted, rows)
    return _with_note(pd.DataFrame(columns, copy=False), left_out)


def events(snapshot: Snapshot, *, attributes: Attributes = "columns", wanted: Collection[str] = ()) -> pd.DataFrame:
    """Return one row per span event, in the order of time.

    trace_id, span_id, span_name str · cell Int64 · time datetime64[ns, UTC] · name str · attributes.KEY as in `spans`."""
    table = _SpanTable(snapshot)
    time_ns = numbers([batch.events["time_ns"] for batch in snapshot.batches])
    rows = _sorted(time_ns)
    owners, pieces = table.below("events", "event_attributes")
    owners = ordered(owners, rows)
    columns = {
        **table.owners(owners),
        "cell": table.cells(owners),
        "time": times(ordered(time_ns, rows)),
        "name": texts([batch.events["name"] for batch in snapshot.batches], rows),
    }
    left_out = _add_attributes(columns, pieces, len(owners), attributes, wanted, rows)
    return _with_note(pd.DataFrame(columns, copy=False), left_out)


def links(snapshot: Snapshot, *, attributes: Attributes = "columns", wanted: Collection[str] = ()) -> pd.DataFrame:
    """Return one row per link from a span to another.

    trace_id, span_id, span_name, linked_trace_id, linked_span_id str · attributes.KEY as in `spans`."""
    table = _SpanTable(snapshot)
    owners, pieces = table.below("links", "link_attributes")
    columns = {
        **table.owners(owners),
        "linked_trace_id": texts([batch.links["linked_trace_id"] for batch in snapshot.batches]),
        "linked_span_id": texts([batch.links["linked_span_id"] for batch in snapshot.batches]),
    }
    left_out = _add_attributes(columns, pieces, len(owners), attributes, wanted, None)
    return _with_note(pd.DataFrame(columns, copy=False), left_out)


def errors(snapshot: Snapshot) -> pd.DataFrame:
    """Return one row per error as analysis/errors.py has it, in the order of time; where no exception was recorded, the
    message is the status's and the time the span's end.

    trace_id, span_id, span_name str · cell Int64 · time datetime64[ns, UTC] · exception_type, exception_message,
    exception_stacktrace str."""
    exception_keys = (semconv.EXCEPTION_TYPE, semconv.EXCEPTION_MESSAGE, semconv.EXCEPTION_STACKTRACE)
    found = events(snapshot, wanted=exception_keys)
    found = found[found["name"] == semconv.EXCEPTION_EVENT]
    recorded = found[list(ERROR_COLUMNS[:5])].copy()
    for column, key in (
        ("exception_type", semconv.EXCEPTION_TYPE),
        ("exception_message", semconv.EXCEPTION_MESSAGE),
        ("exception_stacktrace", semconv.EXCEPTION_STACKTRACE),
    ):
        values = found.get(ATTRIBUTE_PREFIX + key)
        recorded[column] = _as_text(pd.Series(None, index=found.index) if values is None else values)
    table = _SpanTable(snapshot)
    rows = np.flatnonzero(np.concatenate([failed_without(batch) for batch in snapshot.batches]))
    columns = table.fixed_columns(None)
    bare = pd.DataFrame(
        {
            **table.owners(rows),
            "cell": columns["cell"][rows],
            "time": columns["end_time"][rows],
            "exception_type": _as_text(pd.Series([None] * len(rows), dtype=object)),
            "exception_message": columns["status_message"][rows],
            "exception_stacktrace": _as_text(pd.Series([None] * len(rows), dtype=object)),
        }
    )
    parts = [part for part in (recorded, bare) if len(part)] or [recorded]
    return pd.concat(parts).sort_values("time", kind="stable").reset_index(drop=True)


def only_asked(snapshot: Snapshot) -> npt.NDArray[np.bool_]:
    """Return which rows of `spans` belong to cells that only asked; bool, in the same order."""
    table = _SpanTable(snapshot)
    return table.only_asked(table.in_order(asking=True))


def cells(snapshot: Snapshot, *, asking: bool = True) -> pd.DataFrame:
    """Return one row per execution of a cell, in their order; not asking: without those that only asked.

    cell Int64 (its execution count) · cell_id str (where the front end sends one) · run Int64 (how often this cell had
    run, this time included) · source str · start_time datetime64[ns, UTC] · duration timedelta64[ns], missing while it
    runs · status_code, exception_type str · span_count Int64 (spans inside, itself left out) · error_count Int64 (rows
    of `errors` inside, its own included) · digest of the code and number of the execution (no public columns) · change
    timedelta64[ns], against the run of this cell before it."""
    table = spans(snapshot, wanted=(semconv.ERROR_TYPE,))
    by_id = pd.Series(table.index, index=table["span_id"])
    by_id = by_id[~by_id.index.duplicated(keep="last")]  # a file may hold two spans of one id
    executions = [e for e in snapshot.executions if f"{e.span_id:016x}" in by_id.index and (asking or not e.only_asked)]
    rows = by_id.loc[[f"{e.span_id:016x}" for e in executions]].to_numpy(dtype=np.int64)
    own = table.take(rows).reset_index(drop=True)
    owner = _SpanTable(snapshot)
    numbers_ = owner.column("cell")
    # A file may say of no span that it is of a cell which it lists.
    inside = np.bincount(numbers_, minlength=1 + max((e.number for e in executions), default=0))
    failed = errors(snapshot)
    number_of = dict(zip(owner.ids(), numbers_.tolist(), strict=True))
    failures = pd.Series(failed["span_id"].map(number_of), dtype="Int64").value_counts()
    error_type = own.get(ATTRIBUTE_PREFIX + semconv.ERROR_TYPE)
    identities = pd.Series([e.identity for e in executions], dtype=object)
    return pd.DataFrame(
        {
            "cell": integers(
                np.array([e.execution_count or 0 for e in executions], dtype=np.int64),
                np.array([e.execution_count is None for e in executions], dtype=bool),
            ),
            "cell_id": _as_text(pd.Series([e.cell_id for e in executions], dtype=object)),
            "run": integers(np.array([e.run for e in executions], dtype=np.int64)),
            "source": _as_text(pd.Series([e.source for e in executions], dtype=object)),
            "start_time": own["start_time"],
            "duration": own["duration"],
            "status_code": own["status_code"],
            "exception_type": _as_text(pd.Series(None, index=own.index) if error_type is None else error_type),
            "span_count": integers(np.array([max(inside[e.number] - 1, 0) for e in executions], dtype=np.int64)),
            "error_count": integers(np.array([int(failures.get(e.number, 0)) for e in executions], dtype=np.int64)),
            DIGEST: pd.Series([e.digest or e.identity for e in executions], dtype=object),
            NUMBER: np.array([e.number for e in executions], dtype=np.int64),
            "change": own["duration"].groupby(identities, sort=False).diff().astype("timedelta64[ns]"),
        }
    )


def _add_attributes(
    columns: dict[str, Any],
    pieces: Any,
    length: int,
    attributes: Attributes,
    wanted: Collection[str],
    rows: Ints | None,
) -> int:
    """Add the attributes in the form that was asked for; return how many keys got no column."""
    if attributes == "none":
        return 0
    place, shown = None, length
    if rows is not None:
        shown = len(rows)
        place = np.full(length, shown, dtype=np.int64)  # rows that are left out share a place behind the others
        place[rows] = np.arange(shown)
        length = min(length, shown + 1)
    if attributes == "dict":
        columns["attributes"] = attribute_dicts(pieces, length, place)[:shown]
        return 0
    every = attributes == "all"
    found, left_out = attribute_columns(pieces, length, ATTRIBUTE_PREFIX, every=every, wanted=wanted, place=place)
    columns.update({name: column[:shown] for name, column in found.items()})
    return left_out


def _sorted(ns: Ints) -> Ints | None:
    """The rows in the order of time; None if they are in it."""
    return None if (ns[1:] >= ns[:-1]).all() else np.argsort(ns, kind="stable")


def _with_note(table: pd.DataFrame, left_out: int) -> pd.DataFrame:
    if left_out:
        table.attrs[LEFT_OUT] = left_out
    return table


def _as_text(values: Any) -> Any:
    return pd.Series(values).astype(object).where(pd.Series(values).notna(), None).astype(TEXT)


def _starts(lengths: list[int]) -> Any:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])[:-1].astype(np.int64)


class _SpanTable:
    """The batches of a snapshot seen as one table."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.starts = _starts([batch.length for batch in snapshot.batches])
        self.length = sum(batch.length for batch in snapshot.batches)
        self.start_ns = self.column("start_ns")
        self.attributes = [
            (int(start), batch.attributes) for start, batch in zip(self.starts, snapshot.batches, strict=True)
        ]

    def _chunks(self, name: str) -> list[Any]:
        return [batch.spans[name] for batch in self._snapshot.batches]

    def column(self, name: str) -> Any:
        return numbers(self._chunks(name))

    def below(self, what: str, attributes: str) -> tuple[Ints, list[tuple[int, Any]]]:
        """For events or links: the row of the span that each belongs to, and the attributes of each batch."""
        tables = [getattr(batch, what) for batch in self._snapshot.batches]
        lengths = [table.num_rows for table in tables]
        rows = numbers([table["row"] for table in tables]) + np.repeat(self.starts, lengths)
        pieces = [getattr(batch, attributes) for batch in self._snapshot.batches]
        return rows, [(int(start), piece) for start, piece in zip(_starts(lengths), pieces, strict=True)]

    def in_order(self, *, asking: bool) -> Ints | None:
        """The rows in the order of their starts, not asking without those of cells that only asked; None for all of them as
        they are."""
        rows = _sorted(self.start_ns)
        left_out = False if asking else self.only_asked(rows)
        if not np.any(left_out):
            return rows
        return np.flatnonzero(~left_out) if rows is None else rows[~left_out]

    def only_asked(self, rows: Ints | None) -> npt.NDArray[np.bool_]:
        """Whether each span belongs to a cell that only asked."""
        asked = [e.number for e in self._snapshot.executions if e.only_asked]
        return np.isin(ordered(self.column("cell"), rows), asked)

    def cells(self, rows: Ints | None) -> Any:
        """The execution count of each span's cell."""
        numbers_ = ordered(self.column("cell"), rows)
        counts_ = {e.number: e.execution_count for e in self._snapshot.executions}
        last = int(numbers_.max()) if len(numbers_) else 0
        known = np.zeros(last + 1, dtype=np.int64)
        for number, count in counts_.items():
            if count is not None and number <= last:
                known[number] = count
        found = known[numbers_]
        return integers(found, found == 0)

    def ids(self) -> list[str]:
        return [span_id for chunk in self._chunks("span_id") for span_id in chunk.to_pylist()]

    def owners(self, rows: Ints) -> dict[str, Any]:
        """Identity of the spans in `rows`, for tables that hang below the spans."""
        return {
            "trace_id": texts(self._chunks("trace_id"), rows),
            "span_id": texts(self._chunks("span_id"), rows),
            "span_name": texts(self._chunks("name"), rows),
        }

    def fixed_columns(self, rows: Ints | None) -> dict[str, Any]:
        ends = self._chunks("end_ns")
        start_ns, end_ns = ordered(self.start_ns, rows), ordered(numbers(ends), rows)
        running = None
        if any(chunk.null_count for chunk in ends):
            running = ordered(np.concatenate([np.asarray(chunk.is_null()) for chunk in ends]), rows)
        return {
            "trace_id": texts(self._chunks("trace_id"), rows),
            "span_id": texts(self._chunks("span_id"), rows),
            "parent_span_id": texts(self._chunks("parent_span_id"), rows),
            "name": texts(self._chunks("name"), rows),
            "kind": labels(self._chunks("kind"), KINDS, rows),
            "start_time": times(start_ns),
            "end_time": times(end_ns, running),
            "duration": durations(end_ns - start_ns, running),
            "status_code": labels(self._chunks("status"), STATUS_CODES, rows),
            "status_message": texts(self._chunks("status_message"), rows),
            "cell": self.cells(rows),
            "state": labels(self._chunks("state"), STATES, rows),
            **threads(self._chunks("thread"), rows),
            **origins(self._chunks("origin"), rows),
            **{
                name: counts(self._chunks(name), rows)
                for name in ("event_count", "link_count", "dropped_attributes", "dropped_events", "dropped_links")
            },
        }
