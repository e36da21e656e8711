"""What sealed spans are: a `Batch` of typed Arrow columns.

Enters: columns, made by seal.py. Leaves: the same, whole or without some spans."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.schema import STATES


@dataclass(frozen=True, slots=True)
class Run:
    """The values of one attribute key that share a type, and the rows they stand on."""

    kind: str
    """str, int, float, bool, none, bytes, or json for arrays and maps."""
    rows: npt.NDArray[np.int32] | None
    """Ascending row numbers within the batch; None when every row has a value, in order."""
    values: Any
    """A pyarrow Array; strings that repeat are dictionary-encoded."""


Attributes = dict[str, list[Run]]

THREAD_TYPE = pa.struct([("process_pid", pa.int64()), ("thread_id", pa.int64()), ("thread_name", pa.string())])
"""Of a `Thread`, in batches of all signals."""

OVERHEAD = 6_000
"""Bytes that a batch takes beside its columns' data, however few its rows."""

RUN_OVERHEAD = 600
"""Bytes that a run takes beside its key and values: what Python and Arrow need for a key that is on a single span."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Spans sealed into columns. `length` spans, `spans` an Arrow record batch of the fixed columns."""

    length: int
    spans: Any
    """RecordBatch: trace_id, span_id, parent_span_id, name, kind, start_ns, end_ns (null unless ended), state (index into
    `STATES`), status, status_message, cell, origin and thread (dictionaries of `Origin`s and `Thread`s), event_count, link_count,
    dropped_attributes, dropped_events, dropped_links, propagated."""
    attributes: Attributes
    events: Any
    """RecordBatch: row (of the span in this batch), time_ns, name."""
    event_attributes: Attributes
    links: Any
    """RecordBatch: row (of the span in this batch), linked_trace_id, linked_span_id."""
    link_attributes: Attributes

    @property
    def nbytes(self) -> int:
        """The memory that it holds."""
        every = (self.attributes, self.event_attributes, self.link_attributes)
        runs = [(key, run) for attributes in every for key, found in attributes.items() for run in found]
        tables = self.spans.nbytes + self.events.nbytes + self.links.nbytes
        values = sum(
            RUN_OVERHEAD + len(key) + run.values.nbytes + (0 if run.rows is None else run.rows.nbytes)
            for key, run in runs
        )
        return int(OVERHEAD + tables + values)


def without(batch: Batch, span_ids: Collection[int]) -> Batch:
    """Return the batch without these spans and all that hangs on them: not even in a dictionary is a text of theirs left."""
    return part(batch, ~_are(batch, span_ids))


def with_ids(batch: Batch, span_ids: Collection[int]) -> Batch:
    """Return these spans alone, with all that hangs on them."""
    return part(batch, _are(batch, span_ids))


def _are(batch: Batch, span_ids: Collection[int]) -> npt.NDArray[np.bool_]:
    wanted = pa.array([f"{span_id & (2**64 - 1):016x}" for span_id in span_ids], pa.large_string())
    return np.asarray(pc.is_in(batch.spans["span_id"], value_set=wanted))


def divided(batch: Batch) -> tuple[Batch, Batch]:
    """Return the spans that run no more, and those that run."""
    running = np.asarray(batch.spans["state"]) == STATES.index("running")
    return part(batch, ~running), part(batch, running)


def part(batch: Batch, kept: npt.NDArray[np.bool_]) -> Batch:
    """Return some spans of a batch, with all that hangs on them and nothing else."""
    if kept.all():
        return batch
    events, event_attributes = _kept_below(batch.events, batch.event_attributes, kept)
    links, link_attributes = _kept_below(batch.links, batch.link_attributes, kept)
    return Batch(
        length=int(kept.sum()),
        spans=kept_rows(batch.spans, kept),
        attributes=_kept_attributes(batch.attributes, kept),
        events=events,
        event_attributes=event_attributes,
        links=links,
        link_attributes=link_attributes,
    )


def _kept_below(table: Any, attributes: Attributes, kept: npt.NDArray[np.bool_]) -> tuple[Any, Attributes]:
    """Events or links of the spans that are kept; each knows the new row of its span."""
    row = np.asarray(table["row"])
    stay = kept[row]
    left = kept_rows(table, stay)
    place = np.cumsum(kept) - 1
    return _replaced(left, "row", place[row[stay]].astype(np.int32)), _kept_attributes(attributes, stay)


def _replaced(table: Any, name: str, values: npt.NDArray[Any]) -> Any:
    """The table with another column in the place of one (RecordBatch.set_column is younger than the oldest pyarrow here)."""
    names = table.schema.names
    columns = [pa.array(values) if each == name else table.column(at) for at, each in enumerate(names)]
    return pa.RecordBatch.from_arrays(columns, names)


def kept_rows(table: Any, kept: npt.NDArray[np.bool_]) -> Any:
    """Return a record batch with some of its rows; its dictionaries hold what those name, and no more."""
    return pa.RecordBatch.from_arrays([kept_values(column, kept) for column in table.columns], table.schema.names)


def kept_values(column: Any, kept: npt.NDArray[np.bool_]) -> Any:
    """Return an array with some of its values."""
    left = column.filter(pa.array(kept))
    if not isinstance(left, pa.DictionaryArray):
        return left
    # A dictionary keeps what nobody refers to any more: make one of what is left.
    codes = np.asarray(left.indices.fill_null(-1))
    used = np.unique(codes[codes >= 0])
    place = np.full(len(left.dictionary) + 1, -1, dtype=np.int32)
    place[used] = np.arange(len(used))
    codes = place[codes]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), left.dictionary.take(pa.array(used)))


def _kept_attributes(attributes: Attributes, kept: npt.NDArray[np.bool_]) -> Attributes:
    place = (np.cumsum(kept) - 1).astype(np.int32)
    found: Attributes = {}
    for key, runs in attributes.items():
        for run in runs:
            stay = kept if run.rows is None else kept[run.rows]
            if stay.any():
                rows = None if run.rows is None else place[run.rows[stay]]
                found.setdefault(key, []).append(Run(run.kind, rows, kept_values(run.values, stay)))
    return found


def with_cells(batch: Batch, place: Mapping[int, int]) -> Batch:
    """Return the batch with the number of each execution replaced: what comes from another process counts otherwise there."""
    numbers = np.asarray(batch.spans["cell"])
    known = np.unique(numbers)
    replaced = np.array([place.get(int(number), 0) for number in known], dtype=np.int32)
    return replace(batch, spans=_replaced(batch.spans, "cell", replaced[np.searchsorted(known, numbers)]))


def ids_among(batches: Collection[Batch], wanted: Batch) -> set[int]:
    """Return the ids of the spans of one batch that are among those of others."""
    known = wanted.spans["span_id"]
    found = [batch.spans["span_id"].filter(pc.is_in(batch.spans["span_id"], value_set=known)) for batch in batches]
    return {int(span_id, 16) for ids in found for span_id in ids.to_pylist()}


def traces_with_parents(batch: Batch, span_ids: Collection[int]) -> set[int]:
    """Return the traces in which one of these spans has a parent."""
    of_cells = _are(batch, span_ids)
    below = of_cells & np.asarray(pc.is_valid(batch.spans["parent_span_id"]))
    traces = batch.spans["trace_id"]
    return {int(traces.dictionary[index].as_py(), 16) for index in set(np.asarray(traces.indices)[below].tolist())}


def with_cells_of_traces(batch: Batch, number_of: Mapping[int, int]) -> Batch:
    """Return the batch with the numbers of executions where it has none: of each span's trace, as `number_of` knows it."""
    numbers = np.asarray(batch.spans["cell"])
    if numbers.all():
        return batch
    traces = batch.spans["trace_id"]
    found = np.array(
        [number_of.get(int(trace_id, 16), 0) for trace_id in traces.dictionary.to_pylist()], dtype=np.int32
    )
    return replace(
        batch, spans=_replaced(batch.spans, "cell", np.where(numbers, numbers, found[np.asarray(traces.indices)]))
    )
