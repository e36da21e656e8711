"""What both ways of writing OTLP share: which attributes a span, a scope and a resource go out with, and how many spans together.

Enters: a snapshot. Leaves: packets of encoded spans. A batch at a time is rows, and a packet at a time is text or bytes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.formats.otlp import marks
from nbtrace.store import semconv
from nbtrace.store.batch import Batch, part
from nbtrace.store.book import Execution
from nbtrace.store.origins import resource
from nbtrace.store.schema import RUNNING, UNFINISHED, WIDTH, Origin, Row, RowFields
from nbtrace.store.span_store import Snapshot
from nbtrace.store.unseal import unseal

PACKET_SPANS = 1_000
"""Spans of a packet: a line of JSON, say. What reads it has so many at once."""

PACKET_BYTES = 4_000_000
"""About how much a packet may hold: a line that is much longer is none that others read."""

_ROWS = 16_384
"""Spans that are rows at a time."""

_MAX_SHAPES = 10_000

Encoded = TypeVar("Encoded", str, bytes)


class Run(NamedTuple, Generic[Encoded]):
    """Spans that follow one another and come from one scope of one process."""

    origin: Origin
    pid: int | None
    spans: list[Encoded]


class Outgoing:
    """One saving of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._recording = secrets.token_hex(4)
        self._riding = _carriers(snapshot)
        self._keys: dict[tuple[str, ...], tuple[tuple[str, ...], bool]] = {}

    @property
    def is_silent(self) -> bool:
        """Whether no span would tell what the file is of, so that a resource without spans has to."""
        return self._snapshot.dropped_spans > 0 or not any(batch.length for batch in self._snapshot.batches)

    def packets(
        self, encode: Callable[[RowFields, tuple[str, ...], tuple[Any, ...]], Encoded]
    ) -> Iterator[list[Run[Encoded]]]:
        """Give the spans in their order, `PACKET_SPANS` or `PACKET_BYTES` together. `encode` makes text or bytes of a span and of
        the keys and values of its attributes, ours included."""
        packet: list[Run[Encoded]] = []
        spans = weight = 0
        for row in self._rows():
            fields = RowFields(*row[:WIDTH])
            if not packet or packet[-1].origin is not fields.origin or packet[-1].pid != fields.thread.process_pid:
                packet.append(Run(fields.origin, fields.thread.process_pid, []))
            encoded = encode(fields, *self._attributes(fields, row[WIDTH:]))
            packet[-1].spans.append(encoded)
            spans += 1
            weight += len(encoded)
            if spans == PACKET_SPANS or weight >= PACKET_BYTES:
                yield packet
                packet, spans, weight = [], 0, 0
        if packet:
            yield packet

    def _rows(self) -> Iterator[Row]:
        for batch in self._snapshot.batches:
            for start in range(0, batch.length, _ROWS):
                at = np.arange(batch.length)
                yield from unseal(part(batch, (at >= start) & (at < start + _ROWS)))

    def mark(self) -> dict[str, Any]:
        """Return the attributes of a resource that says only what the file is of."""
        return {
            marks.FORMAT: marks.FORMAT_VERSION,
            marks.RECORDING: self._recording,
            marks.DROPPED_SPANS: self._snapshot.dropped_spans,
        }

    def resource(self, origin: Origin, pid: int | None) -> dict[str, Any]:
        """Return the attributes of a resource."""
        recorded = resource(origin)
        found = {_own(key): value for key, value in recorded.items()}
        found[marks.FORMAT] = marks.FORMAT_VERSION
        found[marks.RECORDING] = self._recording
        if marks.PROCESS_PID in found:
            found[marks.OURS + marks.PROCESS_PID] = pid
        elif pid is not None:
            found[marks.PROCESS_PID] = pid
        if origin.service_name != recorded.get(semconv.SERVICE_NAME):
            found[marks.SERVICE_NAME] = origin.service_name
        return found

    def scope(self, origin: Origin) -> dict[str, Any]:
        """Return the attributes of a scope."""
        found = {}
        if origin.scope_name == "":
            found[marks.EMPTY_NAME] = True
        if origin.scope_version == "":
            found[marks.EMPTY_VERSION] = True
        return found

    def _attributes(self, fields: RowFields, values: tuple[Any, ...]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """The keys and values of a span's attributes, ours included."""
        keys, own_thread = self._keys.get(fields.keys) or self._known(fields.keys)
        _, thread_id, thread_name = fields.thread
        ours: dict[str, Any] = {}
        if own_thread:
            for key, value in ((marks.THREAD_ID, thread_id), (marks.THREAD_NAME, thread_name)):
                if key in keys:
                    ours[marks.OURS + key] = value  # even None, as it tells that the other is not ours
                elif value is not None:
                    ours[key] = value
        else:
            if thread_id is not None:
                ours[marks.THREAD_ID] = thread_id
            if thread_name is not None:
                ours[marks.THREAD_NAME] = thread_name
        if fields.cell:
            ours[marks.CELL] = fields.cell
        if fields.end_ns == RUNNING:
            ours[marks.STATE] = "running"
        elif fields.end_ns == UNFINISHED:
            ours[marks.STATE] = "unfinished"
        if fields.extra is not None:
            if fields.extra.propagated:
                ours[marks.PROPAGATED] = True
            if fields.extra.status_message == "":
                ours[marks.EMPTY_MESSAGE] = True
        if fields.span_id in self._riding:
            ours.update(self._execution(fields))
        return (*keys, *ours), (*values, *ours.values())

    def _known(self, keys: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
        """The keys of a span's own attributes as they are written, and whether its thread is among them."""
        if len(self._keys) >= _MAX_SHAPES:
            self._keys.clear()
        found = self._keys[keys] = tuple(map(_own, keys)), marks.THREAD_ID in keys or marks.THREAD_NAME in keys
        return found

    def _execution(self, fields: RowFields) -> dict[str, Any]:
        """What a span says of the execution that rides on it; taken off the list, as a span may be there twice."""
        execution = self._riding.pop(fields.span_id)
        told = {
            "number": execution.number,
            "count": execution.execution_count,
            "id": execution.cell_id,
            "source": execution.source,
            "run": execution.run,
            "digest": execution.digest,
            "asks": execution.asks or None,
            "failed": execution.failed or None,
            "file": execution.file or None,
            "compiled": execution.compiled,
            "line_map": execution.line_map,
            "resources": None
            if execution.resources is None
            else {name: value for name, value in execution.resources._asdict().items() if value is not None},
        }
        if (execution.trace_id, execution.span_id) != (fields.trace_id, fields.span_id):
            told |= {"trace_id": f"{execution.trace_id:032x}", "span_id": f"{execution.span_id:016x}"}
        return {f"{marks.CELL}.{name}": _encodable(value) for name, value in told.items() if value is not None}


def _encodable(value: Any) -> Any:
    """A text of an execution as files can hold it: those of spans are so already."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return tuple(map(_encodable, value)) if isinstance(value, tuple) else value


def by_resource(packet: list[Run[Encoded]]) -> list[list[Run[Encoded]]]:
    """Return the runs of a packet, those that follow one another and come from one resource together."""
    found = groupby(packet, lambda run: (run.origin.service_name, run.origin.resource, run.pid))
    return [list(runs) for _, runs in found]


def _own(key: str) -> str:
    return marks.OWN + key if key.startswith(marks.OURS) else key


def _carriers(snapshot: Snapshot) -> dict[int, Execution]:
    """The executions by the id of the span that each rides on."""
    by_own = {execution.span_id: execution for execution in snapshot.executions if execution.span_id}
    found: dict[int, Execution] = {}
    for batch in snapshot.batches:
        for span_id in _ids(batch, by_own):
            found[span_id] = by_own[span_id]
    riding = {execution.number for execution in found.values()}
    left = {each.number: each for each in snapshot.executions if each.number not in riding}
    for batch in snapshot.batches:
        if not left:
            break
        numbers, first = np.unique(np.asarray(batch.spans["cell"]), return_index=True)
        for number, row in zip(numbers.tolist(), first.tolist(), strict=True):
            if number in left:
                span_id = int(batch.spans["span_id"][row].as_py(), 16)
                if span_id not in found:
                    found[span_id] = left.pop(number)
    return found


def _ids(batch: Batch, wanted: dict[int, Execution]) -> list[int]:
    """Which of these ids the spans of a batch have."""
    ids = batch.spans["span_id"]
    known = pa.array([f"{span_id:016x}" for span_id in wanted], ids.type)
    return [int(text, 16) for text in ids.filter(pc.is_in(ids, value_set=known)).to_pylist()]
