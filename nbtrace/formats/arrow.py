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
    more_attributes                      list of the attributes without a column of their own, where there are any

The field of an attribute says in its metadata which `key` it is and what `kind` its values are: int, float, bool, str, bytes,
json (arrays and maps) or none (true where the value is None). Attributes of events and links, and those without a column, are
lists of (key, and a field for each kind, of which one is set; for None, none is)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.batch import Attributes, Batch, Run
from nbtrace.store.schema import ATTRIBUTE_PREFIX, KINDS, STATES, STATUS_CODES, Origin, Thread

Rows = npt.NDArray[np.int32]

MORE = "more_attributes"

Columns = Mapping[tuple[str, str], str]
"""By key and kind the name of the column of an attribute."""

_KIND_TYPES: dict[str, Any] = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "bytes": pa.binary(),
    "json": pa.string(),
}
COLUMN_TYPES: dict[str, Any] = {**_KIND_TYPES, "none": pa.bool_()}
"""By kind the type of an attribute's column."""

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


def to_table(batch: Batch, columns: Columns | None = None) -> Any:
    """Return the batch as a pyarrow Table of `batch.length` rows, see above.

    columns: these attributes have a column each, in this order, whether the batch has them or not, and the others go into
    `more_attributes`, which is there if any do."""
    found: dict[str, Any] = {}
    for name in batch.spans.schema.names:
        column = batch.spans[name]
        if name in _LABELS:
            title, words = _LABELS[name]
            found[title] = pa.array(words).take(column)
        elif name in ("thread", "origin"):
            for field in column.dictionary.type:
                found[field.name] = column.dictionary.field(field.name).take(column.indices)
        elif name not in _COUNTED:
            found[_RENAMED.get(name, name)] = _plain(column)
    found["events"] = _below(batch.events, batch.event_attributes, _EVENT, batch.length)
    found["links"] = _below(batch.links, batch.link_attributes, _LINK, batch.length)
    runs = {(key, run.kind): run for key, each in batch.attributes.items() for run in each}
    others = {} if columns is None else {pair: run for pair, run in runs.items() if pair not in columns}
    if others:
        found[MORE] = _pairs(_by_key(others), batch.length)
    fields = [pa.field(name, column.type) for name, column in found.items()]
    arrays = list(found.values())
    for pair, name in (named(runs) if columns is None else columns).items():
        arrays.append(_column(runs.get(pair), pair[1], batch.length))
        fields.append(attribute_field(name, *pair))
    return pa.table(arrays, schema=pa.schema(fields))


def named(pairs: Iterable[tuple[str, str]], taken: Columns | None = None) -> dict[tuple[str, str], str]:
    """Return the names of the columns of attributes (key and kind), those that have one already first: the key's own for its
    first kind, with the kind behind it for others."""
    names = dict(taken or {})
    keys, used = {key for key, _ in names}, set(names.values())
    for key, kind in pairs:
        if (key, kind) in names:
            continue
        name = f"{ATTRIBUTE_PREFIX}{key}:{kind}" if key in keys else ATTRIBUTE_PREFIX + key
        while name in used:  # a key that looks like another's further column
            name += "'"
        keys.add(key)
        used.add(name)
        names[key, kind] = name
    return names


def attribute_field(name: str, key: str, kind: str) -> Any:
    """Return the field of an attribute's column, which says what is in it."""
    return pa.field(name, COLUMN_TYPES[kind], metadata={"key": key, "kind": kind})


def from_table(table: Any) -> Batch:
    """Return the batch that `to_table` made a table of. Raises KeyError for a column that is missing, pyarrow.ArrowInvalid
    for one of another type."""
    for name in ("trace_id", "span_id"):
        if table[name].null_count:
            raise pa.ArrowInvalid(f"{name} is missing in some rows.")
    found = {name: _one(table[name]) for name in _TITLES}
    events, event_attributes = _apart(found["events"], {"time_unix_nano": "time_ns", "name": "name"})
    links, link_attributes = _apart(found["links"], {"trace_id": "linked_trace_id", "span_id": "linked_span_id"})
    spans: dict[str, Any] = {}
    for name in _SPAN_ORDER:
        if name in _LABELS:
            title, words = _LABELS[name]
            places = _by_value(
                found[title], lambda each, words=words: pc.index_in(each.cast(pa.string()), pa.array(words))
            )
            if places.null_count:
                raise pa.ArrowInvalid(f"{title} must be one of {', '.join(words)} in every row.")
            spans[name] = places.cast(pa.int8())
        elif name == "thread":
            spans[name] = _structs(found, Thread._fields, (pa.int64(), pa.int64(), pa.string()))
        elif name == "origin":
            spans[name] = _structs(found, Origin._fields, (pa.string(),) * 4)
        elif name in _COUNTED:
            lengths = pc.list_value_length(found[_COUNTED[name]])
            spans[name] = lengths.fill_null(0).cast(pa.int32())
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


_TITLES = (
    *(name for name in _SPAN_ORDER if name not in (*_LABELS, *_RENAMED, *_COUNTED, "thread", "origin")),
    *(title for title, _ in _LABELS.values()),
    *_RENAMED.values(),
    *_COUNTED.values(),
    *Thread._fields,
    *Origin._fields,
)
"""The columns that every table has."""


# ── to a table ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(column: Any) -> Any:
    """The column without a dictionary, in a type of the schema."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary.take(column.indices)
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column


def _column(run: Run | None, kind: str, length: int) -> Any:
    """The column of an attribute."""
    if run is None:
        return pa.nulls(length, COLUMN_TYPES[kind])
    values = pa.repeat(pa.scalar(True), len(run.values)) if kind == "none" else _plain(run.values)
    return values if run.rows is None else _spread(values, run.rows, length)


def _by_key(runs: Mapping[tuple[str, str], Run]) -> Attributes:
    found: Attributes = {}
    for (key, _), run in runs.items():
        found.setdefault(key, []).append(run)
    return found


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
    return combined


def _typed(column: Any, arrow_type: Any) -> Any:
    if not pa.types.is_dictionary(arrow_type):
        return _plain(column).cast(arrow_type)
    if isinstance(column, pa.DictionaryArray):
        words = column.dictionary.cast(arrow_type.value_type)
        if not words.null_count and len(words.unique()) == len(words):
            return pa.DictionaryArray.from_arrays(column.indices.cast(pa.int32()), words)
    return _plain(column).cast(arrow_type.value_type).dictionary_encode()


def _settled(values: Any, kind: str) -> Any:
    """Values of a run: texts stay dictionary-encoded where that pays."""
    if isinstance(values, pa.DictionaryArray) and kind == "str" and len(values.dictionary) * 2 <= len(values):
        return _typed(values, pa.dictionary(pa.int32(), pa.string()))
    return _plain(values).cast(_KIND_TYPES[kind])


def _by_value(column: Any, of: Any) -> Any:
    """`of` of a column, asked once for each value of a dictionary."""
    return of(column.dictionary).take(column.indices) if isinstance(column, pa.DictionaryArray) else of(column)


def _structs(found: dict[str, Any], fields: Sequence[str], types: Any) -> Any:
    """Threads or origins, dictionary-encoded, in the order in which they first occur."""
    columns = [found[name] for name in fields]
    encoded = [each if isinstance(each, pa.DictionaryArray) else each.dictionary_encode() for each in columns]
    length = len(encoded[0])
    codes = np.zeros(length, dtype=np.int64)
    for column in encoded:
        values = np.asarray(column.indices.cast(pa.int64()).fill_null(-1)) + 1
        # Made small anew each time: the product of a few sizes would not fit.
        codes = np.unique(codes, return_inverse=True)[1].reshape(length) * (len(column.dictionary) + 1) + values
    _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    at = pa.array(first[order])
    known = [_plain(column.take(at)).cast(kind) for column, kind in zip(columns, types, strict=True)]
    structs = pa.StructArray.from_arrays(known, names=list(fields))
    return pa.DictionaryArray.from_arrays(place[codes.reshape(length)], structs)


def _apart(lists: Any, names: dict[str, str]) -> tuple[Any, Attributes]:
    """Events or links with the row of the span that each belongs to, and their attributes."""
    items = lists.flatten()
    owners = np.asarray(pc.list_parent_indices(lists)).astype(np.int32)
    columns = {"row": pa.array(owners, pa.int32())}
    for name, wanted in names.items():
        column = items.field(name)
        columns[wanted] = column if wanted == "time_ns" else _typed(column, _BELOW_TYPES[wanted])
    return pa.RecordBatch.from_pydict(columns), _from_pairs(items.field("attributes"))


def _from_pairs(pairs: Any) -> Attributes:
    """Attributes from a list of pairs for each row."""
    owner = np.asarray(pc.list_parent_indices(pairs)).astype(np.int32)
    pair = pairs.flatten()
    encoded = _plain(pair.field("key")).dictionary_encode()
    keys, codes = encoded.dictionary.to_pylist(), np.asarray(encoded.indices)
    there = {kind: np.asarray(pair.field(kind).is_valid()) for kind in _KIND_TYPES}
    there["none"] = ~np.stack(list(there.values())).any(axis=0)
    found: Attributes = {}
    # Sorted once: keys may be thousands.
    order = np.argsort(codes, kind="stable")
    for key, at in zip(keys, np.split(order, np.cumsum(np.bincount(codes, minlength=len(keys)))[:-1]), strict=False):
        for kind, valid in there.items():
            own = at[valid[at]]
            if len(own):
                values = pa.nulls(len(own)) if kind == "none" else _settled(pair.field(kind).take(pa.array(own)), kind)
                rows = None if len(own) == len(pairs) else owner[own]
                found.setdefault(key, []).append(Run(kind, rows, values))
    return found


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
        if kind not in COLUMN_TYPES:
            raise pa.ArrowInvalid(f"the field {field.name!r} does not say of which key and kind its values are.")
        column = _one(table.column(at))
        if column.null_count == len(column):
            continue
        rows = np.flatnonzero(np.asarray(column.is_valid())).astype(np.int32) if column.null_count else None
        values = column.drop_null() if column.null_count else column
        attributes.setdefault(key, []).append(
            Run(kind, rows, pa.nulls(len(values)) if kind == "none" else _settled(values, kind))
        )
    if MORE in table.schema.names:
        for key, runs in _from_pairs(_one(table[MORE])).items():
            attributes.setdefault(key, []).extend(runs)
    return attributes
