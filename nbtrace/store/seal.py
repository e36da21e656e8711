"""Seal rows into Arrow: one `Batch` of typed columns from a list of row tuples.

Enters: rows in the order of `RowFields`. Leaves: `Batch`. What Arrow would refuse (a lone surrogate, an int beyond 64 bits)
is cleaned here, off the user's path, and only where Arrow did refuse. A row that cannot be sealed at all becomes one that
says so, and costs no other row anything."""

from __future__ import annotations

from array import array
from binascii import hexlify
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, repeat
from operator import is_
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrace.faults import came_in_between
from nbtrace.store.batch import THREAD_TYPE, Attributes, Batch, Run
from nbtrace.store.redaction import rows as redacted
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import (
    KINDS,
    MAX_TEXT,
    MAX_UNSEALABLE,
    RUNNING,
    STATUS_CODES,
    UNFINISHED,
    UNSEALABLE,
    WIDTH,
    Extra,
    Origin,
    Row,
    RowFields,
    Thread,
)
from nbtrace.store.values import clean_text, clean_value, encode_json

Ints = npt.NDArray[np.int64]

_LONG = 1_000
"""Characters from which on a text is long."""

_MASK64 = 2**64 - 1
_MASK128 = 2**128 - 1
_EMPTY: tuple[Any, ...] = ()


def seal(rows: Sequence[Row], redactor: Redactor | None = None) -> Batch:
    """Return the batch of `rows`, in their order, without what the redactor takes for secrets. An empty list gives an empty
    batch of the same types."""
    try:
        return _seal(rows if redactor is None else redacted.rows(rows, redactor))
    except MemoryError:
        raise
    except Exception as error:
        if came_in_between(error):
            raise
        # Whatever somebody's object did, it is found by making every field of every row plain.
        plain = [_plain_row(row) for row in rows]
        return _seal(plain if redactor is None else redacted.rows(plain, redactor))


def _plain_row(row: Row) -> Row:
    """The row with each field of the type it should have; one that says what is wrong where that cannot be had."""
    try:
        fields = RowFields(*row[:WIDTH])
        extra = fields.extra
        if extra is not None:
            extra = Extra(
                None if extra.status_message is None else clean_text(extra.status_message),
                tuple((_whole(when), clean_text(name), *_plain_pairs(*pairs)) for when, name, *pairs in extra.events),
                tuple((_whole(trace), _whole(span), *_plain_pairs(*pairs)) for trace, span, *pairs in extra.links),
                _within(_whole(extra.dropped_attributes), 2**31),
                _within(_whole(extra.dropped_events), 2**31),
                _within(_whole(extra.dropped_links), 2**31),
                bool(extra.propagated),
            )
        pid, ident, thread_name = fields.thread
        keys, values = _plain_pairs(fields.keys, row[WIDTH:])
        return (
            *(_whole(number) for number in fields[:3]),
            clean_text(fields.name),
            _within(_whole(fields.kind), len(KINDS)),
            *(_whole(number) for number in (fields.start_ns, fields.end_ns)),
            _within(_whole(fields.status), len(STATUS_CODES)),
            _within(_whole(fields.cell), 2**31),
            _plain_origin(fields.origin),
            Thread(
                None if pid is None else _whole(pid),
                None if ident is None else _whole(ident),
                None if thread_name is None else clean_text(thread_name),
            ),
            extra,
            keys,
            *values,
        )
    except Exception as error:
        if came_in_between(error):
            raise
        said = f"this span could not be kept: {type(error).__name__} while its fields were read"
        ids = [_whole(number) for number in (*row[:3], 0, 0, 0)[:3]]
        if len(UNSEALABLE) < MAX_UNSEALABLE:
            UNSEALABLE[ids[0], ids[1]] = type(error).__name__
        return (*ids, said, 0, 0, 1, 0, 0, Origin(), Thread(), None, ())


def _plain_origin(origin: Origin) -> Origin:
    service, scope, version = (None if text is None else clean_text(text) for text in origin[:3])
    return Origin(service, scope, version, clean_text(origin.resource))


def _plain_pairs(keys: Sequence[Any], values: Sequence[Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    pairs = list(zip(keys, values))  # noqa: B905 # a row that is torn keeps what belongs together
    return tuple(clean_text(key) for key, _ in pairs), tuple(clean_value(value) for _, value in pairs)


def _within(number: int, length: int) -> int:
    return number if 0 <= number < length else 0


def _seal(rows: Sequence[Row]) -> Batch:
    n = len(rows)
    # Rows are of different length, and zip ends with the shortest: all have the fields.
    columns = list(zip(*rows)) if rows else [_EMPTY] * WIDTH  # noqa: B905
    (trace_ids, span_ids, parents, names, kinds, starts, ends, statuses, cells, origins) = columns[:10]
    threads, extras, keys = columns[10:WIDTH]
    end_ns = _int64(ends)
    plain = extras.count(None) == n
    noted = [] if plain else [(row, extra) for row, extra in enumerate(extras) if extra is not None]
    spans = pa.RecordBatch.from_pydict(
        {
            "trace_id": _trace_ids(trace_ids),
            "span_id": _hex16(_uint64(span_ids)),
            "parent_span_id": _hex16(_uint64(parents), missing=0),
            "name": _texts(names),
            "kind": pa.array(np.frombuffer(bytes(kinds), dtype=np.int8)),
            "start_ns": pa.array(_int64(starts)),
            "end_ns": _ends(end_ns),
            "state": _states(end_ns),
            "status": pa.array(np.frombuffer(bytes(statuses), dtype=np.int8)),
            "status_message": _scattered_texts(n, [(row, extra.status_message) for row, extra in noted]),
            "cell": pa.array(np.frombuffer(array("i", cells), dtype=np.int32)),
            "origin": _shared(origins, _ORIGIN_TYPE),
            "thread": _shared(threads, THREAD_TYPE),
            "event_count": _scattered(n, [(row, len(extra.events)) for row, extra in noted]),
            "link_count": _scattered(n, [(row, len(extra.links)) for row, extra in noted]),
            "dropped_attributes": _scattered(n, [(row, extra.dropped_attributes) for row, extra in noted]),
            "dropped_events": _scattered(n, [(row, extra.dropped_events) for row, extra in noted]),
            "dropped_links": _scattered(n, [(row, extra.dropped_links) for row, extra in noted]),
            "propagated": _scattered(n, [(row, int(extra.propagated)) for row, extra in noted]),
        }
    )
    events = [(row, *event) for row, extra in noted for event in extra.events]
    links = [(row, *link) for row, extra in noted for link in extra.links]
    event_rows, event_times, event_names, event_keys, event_values = _transpose(events, 5)
    link_rows, link_traces, link_spans, link_keys, link_values = _transpose(links, 5)
    return Batch(
        length=n,
        spans=spans,
        attributes=_row_attributes(rows, keys, columns[WIDTH:]),
        events=pa.RecordBatch.from_pydict(
            {
                "row": pa.array(event_rows, pa.int32()),
                "time_ns": pa.array(_int64(event_times)),
                "name": _texts(event_names),
            }
        ),
        event_attributes=_attributes(event_keys, event_values),
        links=pa.RecordBatch.from_pydict(
            {
                "row": pa.array(link_rows, pa.int32()),
                "linked_trace_id": _trace_ids(link_traces),
                "linked_span_id": _hex16(_uint64(link_spans)),
            }
        ),
        link_attributes=_attributes(link_keys, link_values),
    )


def _transpose(rows: list[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) if rows else [_EMPTY] * width


# ── fixed columns ────────────────────────────────────────────────────────────────────────────────────────────────────


def _int64(numbers: Sequence[Any]) -> Ints:
    """Integers as int64; what is no integer (a float time, None) is rounded or 0, what does not fit is clipped."""
    try:
        # Three times as fast as numpy's own reading of Python integers.
        return np.frombuffer(array("q", numbers), dtype=np.int64)
    except (OverflowError, TypeError):
        pass
    low, high = -(2**63) + 1, 2**63 - 1
    return np.array([min(max(_whole(number), low), high) for number in numbers], dtype=np.int64)


def _whole(number: Any) -> int:
    try:
        return int(number)
    except Exception:
        return 0


def _uint64(numbers: Sequence[Any]) -> npt.NDArray[np.uint64]:
    try:
        return np.frombuffer(array("Q", numbers), dtype=np.uint64)
    except (OverflowError, TypeError, ValueError):
        return np.array([_whole(number) & _MASK64 for number in numbers], dtype=np.uint64)


def _ends(end_ns: Ints) -> Any:
    missing = (end_ns == RUNNING) | (end_ns == UNFINISHED)
    return pa.array(end_ns, mask=missing) if missing.any() else pa.array(end_ns)


def _states(end_ns: Ints) -> Any:
    return pa.array((end_ns == RUNNING).astype(np.int8) + 2 * (end_ns == UNFINISHED).astype(np.int8))


_ORIGIN_TYPE = pa.struct([(field, pa.string()) for field in Origin._fields])


def _shared(tuples: Sequence[Thread] | Sequence[Origin], arrow_type: Any) -> Any:
    """Threads or origins, dictionary-encoded; most rows of a chunk share one."""
    if tuples and all(map(is_, tuples, repeat(tuples[0]))):
        unique, codes = [tuples[0]], np.zeros(len(tuples), dtype=np.int32)
    else:
        unique = list(dict.fromkeys(tuples))
        code = {each: position for position, each in enumerate(unique)}
        codes = np.fromiter(map(code.__getitem__, tuples), dtype=np.int32, count=len(tuples))
    return pa.DictionaryArray.from_arrays(codes, pa.array([each._asdict() for each in unique], arrow_type))


def _hex16(ids: npt.NDArray[np.uint64], *, missing: int | None = None) -> Any:
    n = len(ids)
    data = pa.py_buffer(hexlify(ids.astype(">u8").tobytes()))
    # Large strings, as pandas has them: its columns are then this very memory.
    offsets = pa.py_buffer(np.arange(0, 16 * n + 1, 16, dtype=np.int64))
    if missing is None or not (absent := ids == missing).any():
        return pa.LargeStringArray.from_buffers(n, offsets, data)
    validity = pa.py_buffer(np.packbits(~absent, bitorder="little"))
    return pa.LargeStringArray.from_buffers(n, offsets, data, validity, int(absent.sum()))


def _trace_ids(ids: Sequence[int]) -> Any:
    unique = list(dict.fromkeys(ids))
    code = {trace_id: position for position, trace_id in enumerate(unique)}
    codes = np.fromiter(map(code.__getitem__, ids), dtype=np.int32, count=len(ids))
    return pa.DictionaryArray.from_arrays(
        codes, pa.array([f"{_whole(i) & _MASK128:032x}" for i in unique], pa.string())
    )


def _texts(texts: Sequence[Any]) -> Any:
    """Names and the like, dictionary-encoded."""
    try:
        unique = list(dict.fromkeys(texts))
        code = {text: position for position, text in enumerate(unique)}
        codes = np.fromiter(map(code.__getitem__, texts), dtype=np.int32, count=len(texts))
    except TypeError:  # a name that cannot be hashed
        unique, codes = list(texts), np.arange(len(texts), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(codes, pa.array([clean_text(text) for text in unique], pa.string()))


def _scattered(n: int, noted: list[tuple[int, int]]) -> Any:
    column = np.zeros(n, dtype=np.int32)
    for row, number in noted:
        column[row] = number
    return pa.array(column)


def _scattered_texts(n: int, noted: list[tuple[int, str | None]]) -> Any:
    if not noted:
        return pa.DictionaryArray.from_arrays(pa.nulls(n, pa.int32()), pa.array([], pa.string()))
    texts: list[str | None] = [None] * n
    for row, text in noted:
        if text is not None:
            texts[row] = clean_text(text)
    return pa.array(texts, pa.string()).dictionary_encode()


# ── attributes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _row_attributes(
    rows: Sequence[Row], keys: Sequence[tuple[str, ...]], columns: Sequence[Sequence[Any]]
) -> Attributes:
    """The attributes of rows, whose values stand behind the fields; `columns` are those of the shortest row, transposed."""
    if keys and all(map(is_, keys, repeat(keys[0]))):  # one kind of span throughout, the usual thing in a loop
        return {
            clean_text(key): _runs([(None, column)], len(keys)) for key, column in zip(keys[0], columns, strict=True)
        }
    return _attributes(keys, [row[WIDTH:] for row in rows])


def _attributes(keys: Sequence[tuple[str, ...]], values: Sequence[tuple[Any, ...]]) -> Attributes:
    """Turn tuples of keys and of values, one pair per row, into runs by key and type.

    Rows that have the same keys in the same order (a "shape") are transposed together at C speed."""
    shapes: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, shape in enumerate(keys):
        shapes[shape].append(row)
    pieces: dict[str, list[tuple[list[int] | None, Sequence[Any]]]] = defaultdict(list)
    for shape, rows in shapes.items():
        if shape:
            for key, column in zip(shape, zip(*[values[row] for row in rows], strict=True), strict=True):
                pieces[key].append((rows, column))
    return {clean_text(key): _runs(parts, len(keys)) for key, parts in pieces.items()}


def _runs(parts: list[tuple[list[int] | None, Sequence[Any]]], n: int) -> list[Run]:
    """Return the runs of one key, whose values come in parts: (rows, or None for all, and their values)."""
    rows: npt.NDArray[np.int32] | None
    if len(parts) == 1:
        rows, values = None if parts[0][0] is None else np.array(parts[0][0], dtype=np.int32), parts[0][1]
    else:
        rows = np.fromiter(chain.from_iterable(part[0] or () for part in parts), dtype=np.int32)
        in_order = np.argsort(rows, kind="stable")
        unsorted = list(chain.from_iterable(part[1] for part in parts))
        rows, values = rows[in_order], [unsorted[position] for position in in_order]
    types = set(map(type, values))
    if len(types) == 1 and (run := _plain_run(types.pop(), values)) is not None:
        return [Run(run[0], None if len(values) == n else rows, run[1])]
    everywhere = np.arange(n, dtype=np.int32) if rows is None else rows
    return _mixed_runs(everywhere, [clean_value(value) for value in values])


_PLAIN: dict[type, tuple[str, Any, str]] = {
    int: ("int", pa.int64(), "q"),
    float: ("float", pa.float64(), "d"),
    bool: ("bool", pa.bool_(), ""),
    type(None): ("none", pa.null(), ""),
    bytes: ("bytes", pa.binary(), ""),
}
"""By type of the values: the kind of run, its Arrow type, and the code of the array that reads them fastest."""


def _plain_run(kind: type, values: Sequence[Any], *, cleaned: bool = False) -> tuple[str, Any] | None:
    """Return the kind and the array of values of one type, None where they need cleaning first."""
    try:
        if kind is str:
            if not cleaned and max(map(len, values)) > MAX_TEXT:
                return None
            return "str", _encoded(values)
        if kind in _PLAIN:
            name, arrow_type, code = _PLAIN[kind]
            return name, pa.array(np.frombuffer(array(code, values), code) if code else values, arrow_type)
    except (UnicodeEncodeError, OverflowError, pa.ArrowInvalid):
        pass
    return None


def _encoded(texts: Sequence[str]) -> Any:
    """Dictionary-encode if that pays, that is, if the texts repeat."""
    if sum(map(len, texts)) > _LONG * len(texts):
        # Long texts are compared before Arrow copies them, so that sealing takes no more memory than it must.
        unique = dict.fromkeys(texts)
        if len(unique) * 2 > len(texts):
            return pa.array(texts, pa.string())
        code = {text: position for position, text in enumerate(unique)}
        codes = np.fromiter(map(code.__getitem__, texts), dtype=np.int32, count=len(texts))
        return pa.DictionaryArray.from_arrays(codes, pa.array(list(unique), pa.string()))
    found = pa.array(texts, pa.string())
    encoded = found.dictionary_encode()
    return encoded if len(encoded.dictionary) * 2 <= len(found) else found


def _mixed_runs(rows: npt.NDArray[np.int32], values: list[Any]) -> list[Run]:
    """One run per type: an int and a float under one key stay an int and a float. Arrays and maps share one as JSON."""
    by_type: dict[type, list[int]] = defaultdict(list)
    for position, value in enumerate(values):
        kind = type(value)
        by_type[kind if kind is str or kind in _PLAIN else object].append(position)
    runs = []
    for kind, positions in by_type.items():
        chosen = [values[position] for position in positions]
        name, column = _plain_run(kind, chosen, cleaned=True) or (
            "json",
            pa.array([encode_json(value) for value in chosen], pa.string()),
        )
        runs.append(Run(name, rows[positions], column))
    return runs
