"""The span table as Arrow, for Polars, DuckDB and whoever else reads it.

Enters: a store's `Snapshot`. Leaves: a pyarrow Table, one chunk per sealed batch. Ids, names, times and attributes of one
type are the batches' own memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.batch import Batch, Run
from nbtrace.store.rare_keys import with_column
from nbtrace.store.schema import ATTRIBUTE_PREFIX, KINDS, STATES, STATUS_CODES
from nbtrace.store.span_store import Snapshot

_TYPES = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "str": pa.string(), "bytes": pa.binary()}


def to_arrow(snapshot: Snapshot) -> Any:
    """Return one row per span, in the order in which they ended, with the columns of the span table.

    Strings that repeat are dictionary-encoded; start_time, end_time are timestamp[ns, UTC], duration duration[ns], cell and
    counts int64. attributes.KEY is int64, double, bool or string where all values are of one type; of several types, and
    arrays, maps and bytes, it is string, with everything that is no text as JSON. Of more than 100 keys those on fewer than
    1 % of the spans are left out."""
    kinds = _attribute_kinds(snapshot.batches)
    counts = {execution.number: execution.execution_count for execution in snapshot.executions}
    return pa.concat_tables([pa.table(_columns(batch, kinds, counts)) for batch in snapshot.batches])


def _attribute_kinds(batches: Sequence[Batch]) -> dict[str, str]:
    """The type of each attribute that gets a column; json where it has several."""
    length = sum(batch.length for batch in batches)
    kinds = {}
    for key in with_column([batch.attributes for batch in batches], length):
        several = {run.kind for batch in batches for run in batch.attributes.get(key, ())} - {"none"}
        one = several.pop() if len(several) == 1 else "json"
        kinds[key] = one if one in _TYPES and one != "bytes" else "json"
    return kinds


def _columns(batch: Batch, kinds: dict[str, str], counts: dict[int, int | None]) -> dict[str, Any]:
    spans = batch.spans
    start, end = spans["start_ns"], spans["end_ns"]
    origins = spans["origin"]
    columns = {
        "trace_id": spans["trace_id"],
        "span_id": spans["span_id"],
        "parent_span_id": spans["parent_span_id"],
        "name": spans["name"],
        "kind": _named(spans["kind"], KINDS),
        "start_time": start.view(pa.timestamp("ns", "UTC")),
        "end_time": end.view(pa.timestamp("ns", "UTC")),
        "duration": pc.subtract(end, start).view(pa.duration("ns")),
        "status_code": _named(spans["status"], STATUS_CODES),
        "status_message": spans["status_message"],
        "cell": pa.array([counts.get(number) for number in spans["cell"].to_pylist()], pa.int64()),
        "state": _named(spans["state"], STATES),
        **_threads(spans["thread"]),
        "service_name": _named(origins.indices, origins.dictionary.field("service_name").to_pylist()),
        "scope_name": _named(origins.indices, origins.dictionary.field("scope_name").to_pylist()),
    }
    for name in ("event_count", "link_count", "dropped_attributes", "dropped_events", "dropped_links"):
        columns[name] = spans[name].cast(pa.int64())
    for key, kind in kinds.items():
        columns[ATTRIBUTE_PREFIX + key] = _attribute(batch.attributes.get(key, ()), kind, batch.length)
    return columns


def _threads(threads: Any) -> dict[str, Any]:
    known = threads.dictionary
    return {
        "thread_id": known.field("thread_id").take(threads.indices),
        "thread_name": _named(threads.indices, known.field("thread_name").to_pylist()),
        "process_pid": known.field("process_pid").take(threads.indices),
    }


def _named(codes: Any, names: Sequence[str | None]) -> Any:
    """A dictionary-encoded column from codes into names. A name that is missing is a gap among the codes: Parquet knows no
    gap in a dictionary."""
    known = [name for name in names if name is not None]
    if len(known) == len(names):
        return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), pa.array(known, pa.string()))
    there = np.array([name is not None for name in names], dtype=bool)
    place = np.where(there, np.cumsum(there) - 1, -1).astype(np.int32)[np.asarray(codes)]
    return pa.DictionaryArray.from_arrays(pa.array(place, mask=place < 0), pa.array(known, pa.string()))


def _attribute(runs: Sequence[Run], kind: str, length: int) -> Any:
    wanted = _TYPES.get(kind, pa.string())
    if len(runs) == 1 and runs[0].rows is None and runs[0].kind == kind != "str":
        return runs[0].values
    rows, parts = [], []
    for run in runs:
        if run.kind != "none":
            rows.append(np.arange(length) if run.rows is None else run.rows)
            parts.append(run.values.cast(wanted) if run.kind != "bytes" else _as_text(run.values))
    if not rows:
        return pa.nulls(length, wanted)
    place = np.full(length, -1, dtype=np.int64)
    place[np.concatenate(rows)] = np.arange(sum(map(len, rows)))
    taken = pa.chunked_array(parts, wanted).take(pa.array(place, mask=place < 0))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken


def _as_text(values: Any) -> Any:
    return pa.array([repr(value) for value in values.to_pylist()], pa.string())
