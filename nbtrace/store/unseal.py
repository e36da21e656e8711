"""A batch as rows again: for formats that write span by span.

Enters: a `Batch`. Leaves: row tuples in the order of `RowFields`, as `seal` takes them; sealed again they are the same batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbtrace.store.batch import Attributes, Batch
from nbtrace.store.schema import RUNNING, STATES, UNFINISHED, Extra, Origin, Row, Thread
from nbtrace.store.values import decode_json, with_tuples

_ENDS = {"running": RUNNING, "unfinished": UNFINISHED}

_Pairs = tuple[list[list[str]], list[list[Any]]]


def unseal(batch: Batch) -> list[Row]:
    """Return the rows of a batch, in its order. Attributes of a span stand in the order in which the batch has their keys."""
    spans, length = batch.spans, batch.length
    keys, values = _pairs(batch.attributes, length)
    extras = _extras(batch)
    ends = [
        _ENDS.get(STATES[state], end) if end is None or state else end
        for end, state in zip(spans["end_ns"].to_pylist(), spans["state"].to_pylist(), strict=True)
    ]
    shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
    fields = zip(
        _coded(spans["trace_id"], lambda text: int(text, 16)),
        [int(text, 16) for text in spans["span_id"].to_pylist()],
        [0 if text is None else int(text, 16) for text in spans["parent_span_id"].to_pylist()],
        _coded(spans["name"], str),
        spans["kind"].to_pylist(),
        spans["start_ns"].to_pylist(),
        ends,
        spans["status"].to_pylist(),
        spans["cell"].to_pylist(),
        _coded(spans["origin"], lambda fields: Origin(**fields)),
        _coded(spans["thread"], lambda fields: Thread(**fields)),
        extras,
        keys,
        values,
        strict=True,
    )
    return [(*row, shapes.setdefault(shape := tuple(names), shape), *found) for *row, names, found in fields]


def _coded(column: Any, of: Any) -> list[Any]:
    """The values of a dictionary-encoded column; equal ones are one object."""
    known = [of(value) for value in column.dictionary.to_pylist()]
    return [None if code is None else known[code] for code in column.indices.to_pylist()]


def _extras(batch: Batch) -> list[Extra | None]:
    spans = batch.spans
    counts = [spans[name] for name in ("dropped_attributes", "dropped_events", "dropped_links", "propagated")]
    below = batch.events.num_rows or batch.links.num_rows
    if not below and spans["status_message"].null_count == batch.length and not any(np.any(each) for each in counts):
        return [None] * batch.length
    numbers = [each.to_pylist() for each in counts]
    messages = _coded(spans["status_message"], str)
    events = _below(batch.events, batch.event_attributes, ("time_ns", "name"), batch.length)
    links = _below(batch.links, batch.link_attributes, ("linked_trace_id", "linked_span_id"), batch.length)
    found: list[Extra | None] = []
    for message, row_events, row_links, attributes, dropped_events, dropped_links, propagated in zip(
        messages, events, links, *numbers, strict=True
    ):
        extra = Extra(
            message,
            tuple(row_events or ()),
            tuple((int(trace, 16), int(span, 16), *pairs) for trace, span, *pairs in row_links or ()),
            attributes,
            dropped_events,
            dropped_links,
            bool(propagated),
        )
        found.append(None if extra == _NOTHING else extra)
    return found


_NOTHING = Extra()


def _below(
    table: Any, attributes: Attributes, names: tuple[str, str], length: int
) -> list[list[tuple[Any, ...]] | None]:
    """Events or links of each span: two fields, keys, values."""
    found: list[list[tuple[Any, ...]] | None] = [None] * length
    if not table.num_rows:
        return found
    keys, values = _pairs(attributes, table.num_rows)
    columns = [table[name].to_pylist() for name in names]
    for row, first, second, names_of, values_of in zip(table["row"].to_pylist(), *columns, keys, values, strict=True):
        if (own := found[row]) is None:
            own = found[row] = []
        own.append((first, second, tuple(names_of), tuple(values_of)))
    return found


def _pairs(attributes: Attributes, length: int) -> _Pairs:
    keys: list[list[str]] = [[] for _ in range(length)]
    values: list[list[Any]] = [[] for _ in range(length)]
    for key, runs in attributes.items():
        for run in runs:
            found = run.values.to_pylist()
            if run.kind == "json":
                found = [with_tuples(decode_json(text)) for text in found]
            rows = range(length) if run.rows is None else np.asarray(run.rows).tolist()
            for row, value in zip(rows, found, strict=True):
                keys[row].append(key)
                values[row].append(value)
    return keys, values
