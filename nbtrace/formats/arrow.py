"""A batch as one Arrow table, and back: what files, the wire and other processes carry.

Enters: a `Batch`. Leaves: a pyarrow Table that holds all of it, in types that Parquet has too; or the other way. One row per
span, in the order of the batch:

    trace_id, span_id, parent_span_id    string: 32, 16, 16 lower-case hex digits; no parent for a root
    name, kind, status_code, state       string, OpenTelemetry's words; state: ended, running, unfinished
    status_message                       string
    start_time_unix_nano                 int64
    end_time_unix_nano                   int64, missing while the span runs
    execution                            int32: number of the cell's execution, 0 outside a cell
    process_pid, thread_id               int64 · thread_name string: where it began
    service_name, scope_name, scope_version, resource    string; the resource's attributes as JSON
    dropped_attributes, dropped_events, dropped_links    int32
    propagated                           int32: 1 if a span below it recorded the exception that ended it
    events                               list of (time_unix_nano int64, name string, attributes)
    links                                list of (trace_id, span_id string, attributes)
    attributes.KEY                       one column per key, and a further one per type where a key has several

The field of an attribute says in its metadata which `key` it is and what `kind` its values are: int, float, bool, str, bytes,
json (arrays and maps) or none (true where the value is None). Attributes of events and links are lists of (key, and a
field for each kind, of which one is set; for None, none is)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.batch import Attributes, Batch, Run
from nbtrace.store.schema import ATTRIBUTE_PREFIX, KINDS, STATES, STATUS_CODES, Origin, Thread

Rows = npt.NDArray[np.int32]

_KIND_TYPES: dict[str, Any] = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "bytes": pa.binary(),
    "json": pa.string(),
}

_PAIR = pa.struct([("key", pa.string()), *_KIND_TYPES.items()])
_EVENT = pa.struct([("time_unix_nano", pa.int64()), ("name", pa.string()), ("attributes", pa.list_(_PAIR))])
_LINK = pa.struct([("trace_id", pa.string()), ("span_id", pa.string()), ("attributes", pa.list_(_PAIR))])

_LABELS = {"kind": ("kind", KINDS), "status": ("status_code", STATUS_CODES), "state": ("state", STATES)}
"""Columns of a batch that are places in a list of words: their name in the table, and the list."""

_RENAMED = {"start_ns": "start_time_unix_nano", "end_ns": "end_time_unix_nano", "cell": "execution"}
_COUNTED = {"event_count": "events", "link_count": "links"}

_SPAN_TYPES: dict[str, Any] = {
    "trace_id": pa.dictionary(pa.int32(), pa.string()),
    "span_id": pa.large_string(),
    "parent_span_id": pa.large_string(),
    "name": pa.dictionary(pa.int32(), pa.string()),
    "start_ns": pa.int64(),
    "end_ns": pa.int64(),
    "status_message": pa.dictionary(pa.int32(), pa.string()),
    "cell": pa.int32(),
    "dropped_attributes": pa.int32(),
    "dropped_events": pa.int32(),
    "dropped_links": pa.int32(),
    "propagated": pa.int32(),
}


def to_table(batch: Batch) -> Any:
    """Return the batch as a pyarrow Table of `batch.length` rows, see above."""
    columns: dict[str, Any] = {}
    for name in batch.spans.schema.names:
        column = batch.spans[name]
        if name in _LABELS:
            title, words = _LABELS[name]
            columns[title] = pa.array(words).take(column)
        elif name in ("thread", "origin"):
            for field in column.dictionary.type:
                columns[field.name] = column.dictionary.field(field.name).take(column.indices)
        elif name not in _COUNTED:
            columns[_RENAMED.get(name, name)] = _plain(column)
    columns["events"] = _below(batch.events, batch.event_attributes, _EVENT, batch.length)
    columns["links"] = _below(batch.links, batch.link_attributes, _LINK, batch.length)
    fields = [pa.field(name, column.type) for name, column in columns.items()]
    arrays = list(columns.values())
    taken = set(columns)
    for key, runs in batch.attributes.items():
        for run in runs:
            name = ATTRIBUTE_PREFIX + key if run is runs[0] else f"{ATTRIBUTE_PREFIX}{key}:{run.kind}"
            while name in taken:  # a key that looks like another's further column
                name += "'"
            taken.add(name)
            values = pa.repeat(pa.scalar(True), len(run.values)) if run.kind == "none" else _plain(run.values)
            arrays.append(values if run.rows is None else _spread(values, run.rows, batch.length))
            fields.append(pa.field(name, arrays[-1].type, metadata={"key": key, "kind": run.kind}))
    return pa.table(arrays, schema=pa.schema(fields))


def from_table(table: Any) -> Batch:
    """Return the batch that `to_table` made a table of. Raises KeyError for a column that is missing, pyarrow.ArrowInvalid
    for one of another type."""
    for name in ("trace_id", "span_id"):
        if table[name].null_count:
            raise pa.ArrowInvalid(f"{name} is missing in some rows.")
    found = {name: _one(table[name]) for name in table.schema.names if not name.startswith(ATTRIBUTE_PREFIX)}
    events, event_attributes = _apart(found["events"], {"time_unix_nano": "time_ns", "name": "name"})
    links, link_attributes = _apart(found["links"], {"trace_id": "linked_trace_id", "span_id": "linked_span_id"})
    spans: dict[str, Any] = {}
    for name in _SPAN_ORDER:
        if name in _LABELS:
            title, words = _LABELS[name]
            places = pc.index_in(found[title].cast(pa.string()), value_set=pa.array(words))
            if places.null_count:
                raise pa.ArrowInvalid(f"{title} must be one of {', '.join(words)} in every row.")
            spans[name] = places.cast(pa.int8())
        elif name == "thread":
            spans[name] = _structs(found, Thread._fields)
        elif name == "origin":
            spans[name] = _structs(found, Origin._fields)
        elif name in _COUNTED:
            lengths = pc.list_value_length(found[_COUNTED[name]])
            spans[name] = lengths.cast(pa.int32())
        else:
            spans[name] = _typed(found[_RENAMED.get(name, name)], _SPAN_TYPES[name])
    return Batch(
        length=table.num_rows,
        spans=pa.RecordBatch.from_pydict(spans),
        attributes=_attributes(table),
        events=events,
        event_attributes=event_attributes,
        links=links,
        link_attributes=link_attributes,
    )


_SPAN_ORDER = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "kind",
    "start_ns",
    "end_ns",
    "state",
    "status",
    "status_message",
    "cell",
    "origin",
    "thread",
    "event_count",
    "link_count",
    "dropped_attributes",
    "dropped_events",
    "dropped_links",
    "propagated",
)


# ── to a table ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(column: Any) -> Any:
    """The column without a dictionary, in a type of the schema."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary.take(column.indices)
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column


def _spread(values: Any, rows: Rows, length: int) -> Any:
    """The values in their rows, with gaps between."""
    place = np.full(length, -1, dtype=np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    return values.take(pa.array(place, mask=place < 0))


def _below(below: Any, attributes: Attributes, item: Any, length: int) -> Any:
    """Events or links as a list for each span."""
    pairs = _pairs(attributes, below.num_rows)
    children = [_plain(below.column(at)) for at in range(1, below.num_columns)]
    structs = pa.StructArray.from_arrays([*children, pairs], fields=list(item))
    return pa.ListArray.from_arrays(_offsets(np.asarray(below["row"]), length), structs)


def _pairs(attributes: Attributes, length: int) -> Any:
    """The attributes of events or links as a list of pairs for each, in the order of the keys."""
    runs = [(key, run) for key, found in attributes.items() for run in found]
    owners = [np.arange(length, dtype=np.int32) if run.rows is None else run.rows for _, run in runs]
    owner = np.concatenate(owners) if owners else np.zeros(0, dtype=np.int32)
    order = np.argsort(owner, kind="stable")
    place = pa.array(order)
    keys = pa.concat_arrays(
        [pa.repeat(pa.scalar(key), len(run.values)) for key, run in runs] or [pa.array([], pa.string())]
    )
    children = [keys.take(place)]
    for kind, arrow_type in _KIND_TYPES.items():
        parts = [_plain(run.values) if run.kind == kind else pa.nulls(len(run.values), arrow_type) for _, run in runs]
        children.append(pa.concat_arrays(parts or [pa.array([], arrow_type)]).take(place))
    return pa.ListArray.from_arrays(
        _offsets(owner[order], length), pa.StructArray.from_arrays(children, fields=list(_PAIR))
    )


def _offsets(owners: npt.NDArray[Any], length: int) -> Any:
    """Where the list of each owner begins, and the last one's end."""
    ends = np.cumsum(np.bincount(owners, minlength=length)) if length else np.zeros(0, dtype=np.int64)
    return pa.array(np.concatenate([[0], ends]).astype(np.int32))


# ── back ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _one(column: Any) -> Any:
    """A table's column as one array."""
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = combined.chunk(0) if combined.num_chunks else pa.array([], combined.type)
    return _plain(combined)


def _typed(column: Any, arrow_type: Any) -> Any:
    return column.dictionary_encode() if pa.types.is_dictionary(arrow_type) else column.cast(arrow_type)


def _structs(found: dict[str, Any], fields: Sequence[str]) -> Any:
    """Threads or origins, dictionary-encoded."""
    columns = [found[field] for field in fields]
    rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
    unique = list(dict.fromkeys(rows))
    code = {row: position for position, row in enumerate(unique)}
    codes = np.fromiter(map(code.__getitem__, rows), dtype=np.int32, count=len(rows))
    known = pa.array(
        [dict(zip(fields, row, strict=True)) for row in unique],
        pa.struct(list(zip(fields, (c.type for c in columns), strict=True))),
    )
    return pa.DictionaryArray.from_arrays(codes, known)


def _apart(lists: Any, names: dict[str, str]) -> tuple[Any, Attributes]:
    """Events or links with the row of the span that each belongs to, and their attributes."""
    items = lists.flatten()
    owners = np.asarray(pc.list_parent_indices(lists)).astype(np.int32)
    columns = {"row": pa.array(owners, pa.int32())}
    for name, wanted in names.items():
        column = items.field(name)
        columns[wanted] = column if wanted == "time_ns" else _typed(column, _BELOW_TYPES[wanted])
    pairs = items.field("attributes")
    owner = np.asarray(pc.list_parent_indices(pairs)).astype(np.int32)
    pair = pairs.flatten()
    encoded = pair.field("key").dictionary_encode()
    keys, codes = encoded.dictionary.to_pylist(), np.asarray(encoded.indices)
    there = {kind: np.asarray(pair.field(kind).is_valid()) for kind in _KIND_TYPES}
    there["none"] = ~np.stack(list(there.values())).any(axis=0)
    attributes: Attributes = {}
    for code, key in enumerate(keys):
        for kind, valid in there.items():
            at = np.flatnonzero((codes == code) & valid)
            if len(at):
                values = pa.nulls(len(at)) if kind == "none" else pair.field(kind).take(pa.array(at))
                rows = None if len(at) == len(items) else owner[at]
                attributes.setdefault(key, []).append(Run(kind, rows, values))
    return pa.RecordBatch.from_pydict(columns), attributes


_BELOW_TYPES: dict[str, Any] = {
    "name": pa.dictionary(pa.int32(), pa.string()),
    "linked_trace_id": pa.dictionary(pa.int32(), pa.string()),
    "linked_span_id": pa.large_string(),
}


def _attributes(table: Any) -> Attributes:
    """The attributes of spans, from the columns whose fields say which they are."""
    attributes: Attributes = {}
    for at, field in enumerate(table.schema):
        if not field.name.startswith(ATTRIBUTE_PREFIX):
            continue
        said = field.metadata or {}
        key, kind = (said.get(name, b"").decode() for name in (b"key", b"kind"))
        if kind not in (*_KIND_TYPES, "none"):
            raise pa.ArrowInvalid(f"the field {field.name!r} does not say of which key and kind its values are.")
        column = _one(table.column(at))
        column = column if kind == "none" else column.cast(_KIND_TYPES[kind])
        valid = np.asarray(column.is_valid())
        rows = None if valid.all() else np.flatnonzero(valid).astype(np.int32)
        values = column.drop_null() if column.null_count else column
        values = pa.nulls(len(values)) if kind == "none" else values
        if not len(values):
            continue
        attributes.setdefault(key, []).append(Run(kind, rows, values))
    return attributes
