"""OTLP as JSON lines, as the Collector's file exporter writes them and its otlpjsonfile receiver reads them.

Enters: a snapshot. Leaves: lines, each a message of OTLP's TracesData in proto3's JSON, with the ids in hex: up to 1,000 spans,
in their order, by resource and scope. What stands in their attributes: see marks.py."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring as _text
from math import isfinite, isnan
from typing import Any, BinaryIO

from nbtrace.formats.otlp.outgoing import Outgoing, Run, by_resource
from nbtrace.store.schema import RUNNING, UNFINISHED, Extra, RowFields
from nbtrace.store.span_store import Snapshot

_MASK = 2**64 - 1

_NO_EXTRA = Extra()


def write_json_lines(snapshot: Snapshot, file: BinaryIO) -> None:
    """Write a snapshot's spans, and the executions that ride on them."""
    out = Outgoing(snapshot)
    if out.is_silent:
        _write(file, [f'{{"resource":{{{_attributes(*_split(out.mark()))}}}}}'])
    for packet in out.packets(_span):
        _write(file, [_resource(out, runs) for runs in by_resource(packet)])


def _write(file: BinaryIO, resources: Iterable[str]) -> None:
    file.write(f'{{"resourceSpans":[{",".join(resources)}]}}\n'.encode("utf-8", "backslashreplace"))


def _resource(out: Outgoing, runs: Sequence[Run[str]]) -> str:
    attributes = _attributes(*_split(out.resource(runs[0].origin, runs[0].pid)))
    return f'{{"resource":{{{attributes}}},"scopeSpans":[{",".join(_scope(out, run) for run in runs)}]}}'


def _scope(out: Outgoing, run: Run[str]) -> str:
    named = (("name", run.origin.scope_name), ("version", run.origin.scope_version))
    parts = [f'"{field}":{_text(name)}' for field, name in named if name]
    if ours := out.scope(run.origin):
        parts.append(_attributes(*_split(ours)))
    return f'{{"scope":{{{",".join(parts)}}},"spans":[{",".join(run.spans)}]}}'


def _span(row: RowFields, keys: tuple[str, ...], values: tuple[Any, ...]) -> str:
    extra = row.extra or _NO_EXTRA
    parts = [f'"traceId":"{row.trace_id:032x}","spanId":"{row.span_id:016x}"']
    if row.parent_span_id:
        parts.append(f'"parentSpanId":"{row.parent_span_id:016x}"')
    parts.append(
        f'"name":{_text(row.name)},"kind":{row.kind + 1},"startTimeUnixNano":"{row.start_ns & _MASK}",'
        f'"endTimeUnixNano":"{row.end_ns & _MASK if _has_end(row) else 0}"'
    )
    if keys:
        parts.append(_attributes(keys, values))
    for name, count in (
        ("Attributes", extra.dropped_attributes),
        ("Events", extra.dropped_events),
        ("Links", extra.dropped_links),
    ):
        if count:
            parts.append(f'"dropped{name}Count":{count}')
    if extra.events:
        events = (
            f'{{"timeUnixNano":"{when & _MASK}","name":{_text(name)},{_attributes(*pairs)}}}'
            for when, name, *pairs in extra.events
        )
        parts.append(f'"events":[{",".join(events)}]')
    if extra.links:
        links = (
            f'{{"traceId":"{trace_id:032x}","spanId":"{span_id:016x}",{_attributes(*pairs)}}}'
            for trace_id, span_id, *pairs in extra.links
        )
        parts.append(f'"links":[{",".join(links)}]')
    if extra.status_message:
        parts.append(f'"status":{{"code":{row.status},"message":{_text(extra.status_message)}}}')
    elif row.status:
        parts.append(f'"status":{{"code":{row.status}}}')
    return f"{{{','.join(parts)}}}"


def _has_end(row: RowFields) -> bool:
    return row.end_ns not in (RUNNING, UNFINISHED)


def _split(attributes: dict[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    return tuple(attributes), tuple(attributes.values())


def _attributes(keys: Iterable[str], values: Iterable[Any]) -> str:
    pairs = [f'{{"key":{_text(key)},"value":{_written(value)}}}' for key, value in zip(keys, values, strict=True)]
    return f'"attributes":[{",".join(pairs)}]'


def _written(value: Any) -> str:
    """An attribute's value as an AnyValue."""
    kind = type(value)
    if kind is str:
        return f'{{"stringValue":{_text(value)}}}'
    if kind is int:
        return f'{{"intValue":"{value}"}}'
    if kind is float:
        number = repr(value) if isfinite(value) else '"NaN"' if isnan(value) else f'"{"-" * (value < 0)}Infinity"'
        return f'{{"doubleValue":{number}}}'
    if kind is bool:
        return '{"boolValue":true}' if value else '{"boolValue":false}'
    if value is None:
        return "{}"
    if kind is bytes:
        return f'{{"bytesValue":"{b64encode(value).decode()}"}}'
    if isinstance(value, dict):
        pairs = [f'{{"key":{_text(key)},"value":{_written(item)}}}' for key, item in value.items()]
        return f'{{"kvlistValue":{{"values":[{",".join(pairs)}]}}}}'
    return f'{{"arrayValue":{{"values":[{",".join(map(_written, value))}]}}}}'
