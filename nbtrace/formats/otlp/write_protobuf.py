"""OTLP as protobuf: the bytes of an ExportTraceServiceRequest, which are those of a TracesData too.

Enters: a snapshot. Leaves: messages, one behind the other, each with up to 1,000 spans. In protobuf those are one message, so the
file is one request, as any other tool reads it. What stands in the attributes: see marks.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from nbtrace.formats.otlp.messages import framed, messages
from nbtrace.formats.otlp.outgoing import Outgoing, Run, by_resource
from nbtrace.store.schema import RUNNING, UNFINISHED, RowFields
from nbtrace.store.span_store import Snapshot

_MASK = 2**64 - 1


def write_protobuf(snapshot: Snapshot, file: BinaryIO) -> None:
    """Write a snapshot's spans, and the executions that ride on them. Raises ModuleNotFoundError without opentelemetry-proto."""
    writer = _Writer(Outgoing(snapshot))
    writer.write(file)


class _Writer:
    """A saving: OTLP's messages, and what is put into them."""

    def __init__(self, out: Outgoing) -> None:
        self._out = out
        self._common, self._resource, self._trace = messages()

    def write(self, file: BinaryIO) -> None:
        if self._out.is_silent:
            file.write(framed(1, framed(1, self._resource_bytes(self._out.mark()))))
        for packet in self._out.packets(self._span):
            for runs in by_resource(packet):
                resource = self._resource_bytes(self._out.resource(runs[0].origin, runs[0].pid))
                file.write(framed(1, framed(1, resource), *(framed(2, self._scope(run)) for run in runs)))

    def _resource_bytes(self, attributes: dict[str, Any]) -> bytes:
        message = self._resource.Resource()
        _put(message.attributes, attributes, attributes.values())
        found: bytes = message.SerializeToString()
        return found

    def _scope(self, run: Run[bytes]) -> bytes:
        scope = self._common.InstrumentationScope(
            name=run.origin.scope_name or "", version=run.origin.scope_version or ""
        )
        ours = self._out.scope(run.origin)
        _put(scope.attributes, ours, ours.values())
        return b"".join([framed(1, scope.SerializeToString()), *(framed(2, span) for span in run.spans)])

    def _span(self, row: RowFields, keys: tuple[str, ...], values: tuple[Any, ...]) -> bytes:
        message = self._trace.Span(
            trace_id=row.trace_id.to_bytes(16),
            span_id=row.span_id.to_bytes(8),
            parent_span_id=row.parent_span_id.to_bytes(8) if row.parent_span_id else b"",
            name=row.name,
            kind=row.kind + 1,
            start_time_unix_nano=row.start_ns & _MASK,
            end_time_unix_nano=0 if row.end_ns in (RUNNING, UNFINISHED) else row.end_ns & _MASK,
        )
        _put(message.attributes, keys, values)
        if row.status:
            message.status.code = row.status
        if extra := row.extra:
            if extra.status_message:
                message.status.message = extra.status_message
            for when, name, *pairs in extra.events:
                _put(message.events.add(time_unix_nano=when & _MASK, name=name).attributes, *pairs)
            for trace_id, span_id, *pairs in extra.links:
                link = message.links.add(trace_id=trace_id.to_bytes(16), span_id=span_id.to_bytes(8))
                _put(link.attributes, *pairs)
            message.dropped_attributes_count = extra.dropped_attributes
            message.dropped_events_count = extra.dropped_events
            message.dropped_links_count = extra.dropped_links
        found: bytes = message.SerializeToString()
        return found


def _put(attributes: Any, keys: Iterable[str], values: Iterable[Any]) -> None:
    """Add attributes to a message."""
    for key, value in zip(keys, values, strict=True):
        pair = attributes.add(key=key)
        pair.value.SetInParent()
        _put_value(pair.value, value)


def _put_value(any_value: Any, value: Any) -> None:
    kind = type(value)
    if kind is str:
        any_value.string_value = value
    elif kind is int:
        any_value.int_value = value
    elif kind is float:
        any_value.double_value = value
    elif kind is bool:
        any_value.bool_value = value
    elif kind is bytes:
        any_value.bytes_value = value
    elif kind is dict:
        any_value.kvlist_value.SetInParent()
        _put(any_value.kvlist_value.values, value, value.values())
    elif value is not None:
        any_value.array_value.SetInParent()
        for item in value:
            _put_value(any_value.array_value.values.add(), item)
