"""OTLP as protobuf: the bytes of an ExportTraceServiceRequest, which are those of a TracesData too.

Enters: a snapshot, or a file. Leaves: the other. Messages of protobuf that stand one behind the other are one message, so
what we write in packets of 1,000 spans is one request, as any other tool reads it. And what we read we walk through by its
tags, down to the spans, and have only those parsed: neither a request nor a resource with all its spans is ever in memory,
and of a broken span no other is lost. What stands in the attributes of our files: see marks.py.

Needs the package opentelemetry-proto, which the extra `nbtrace[otlp]` installs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

from nbtrace.formats.otlp.incoming import MAX_BYTES, BrokenError, Incoming, Pairs, Source
from nbtrace.formats.otlp.outgoing import Outgoing, Run, by_resource
from nbtrace.formats.reading import Loaded
from nbtrace.store.schema import MAX_DEPTH, RUNNING, UNFINISHED, Origin, RowFields
from nbtrace.store.span_store import Snapshot

_MASK = 2**64 - 1


def _messages() -> Any:
    """OTLP's messages. Raises ModuleNotFoundError where they are not installed, and says how they are."""
    try:
        from opentelemetry.proto.common.v1 import common_pb2
        from opentelemetry.proto.resource.v1 import resource_pb2
        from opentelemetry.proto.trace.v1 import trace_pb2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            '.otlp files need opentelemetry-proto, which is not installed. Type  pip install "nbtrace[otlp]"  or take '
            ".jsonl, which needs nothing.",
            name=error.name,
        ) from None
    return common_pb2, resource_pb2, trace_pb2


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_protobuf(snapshot: Snapshot, file: BinaryIO) -> None:
    """Write a snapshot's spans, and the executions that ride on them. Raises ModuleNotFoundError without opentelemetry-proto."""
    writer = _Writer(Outgoing(snapshot))
    writer.write(file)


class _Writer:
    """A saving: OTLP's messages, and what is put into them."""

    def __init__(self, out: Outgoing) -> None:
        self._out = out
        self._common, self._resource, self._trace = _messages()

    def write(self, file: BinaryIO) -> None:
        if self._out.is_silent:
            file.write(_framed(1, _framed(1, self._resource_bytes(self._out.mark()))))
        for packet in self._out.packets(self._span):
            for runs in by_resource(packet):
                resource = self._resource_bytes(self._out.resource(runs[0].origin, runs[0].pid))
                file.write(_framed(1, _framed(1, resource), *(_framed(2, self._scope(run)) for run in runs)))

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
        return b"".join([_framed(1, scope.SerializeToString()), *(_framed(2, span) for span in run.spans)])

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


def _framed(field: int, *message: bytes) -> bytes:
    """A message as a field of another: its tag, its length, its bytes."""
    length = sum(map(len, message))
    head = [field << 3 | 2]
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return b"".join((bytes([*head, length]), *message))


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_RESOURCE_SPANS = _RESOURCE = _SCOPE = 1
_SCOPE_SPANS = _SPANS = 2
"""The numbers of the fields on the way down."""

_SPAN, _GROUP, _REST = "broken span", "broken group of spans", "rest of the file"
"""What is left out and counted."""


def read_protobuf(path: Path) -> Loaded:
    """Return what a file holds. Raises UnreadableFileError if that is nothing, and ModuleNotFoundError without
    opentelemetry-proto. Of a file that is cut off what stands before is returned; spans that are broken are counted."""
    reader = _Reader()
    with open(path, "rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(0)
        reader.read(file, size)
    return reader.incoming.loaded(path, "protobuf")


class _CutOffError(Exception):
    """What follows cannot be walked through."""


class _Reader:
    """A reading: where spans are found goes down by field; what is parsed is a resource, a scope, a span."""

    def __init__(self) -> None:
        self._common, self._resource, self._trace = _messages()
        from google.protobuf.message import DecodeError

        self.incoming = Incoming()
        self._wrong = (DecodeError, ValueError, RecursionError)

    def read(self, file: BinaryIO, size: int) -> None:
        try:
            self._walk(file, size, _RESOURCE_SPANS, self._resource_spans)
        except _CutOffError as error:
            self.incoming.bad(_REST, f"from byte {file.tell():,} on", str(error))

    def _walk(self, file: BinaryIO, end: int, wanted: int, down: Callable[[BinaryIO, int], None]) -> None:
        """Go down into each of the fields that are wanted. What is damaged inside of one is left out, and the next one read."""
        for field, inner, is_cut in _fields(file, end):
            if field == wanted:
                try:
                    down(file, inner)
                except (*self._wrong, _CutOffError) as error:
                    if is_cut:
                        raise _CutOffError("it is cut off") from None
                    self._bad(_GROUP, file, error)

    def _resource_spans(self, file: BinaryIO, end: int) -> None:
        source = self.incoming.source(_pairs(self._first(file, end, self._resource.Resource).attributes))
        self._walk(file, end, _SCOPE_SPANS, lambda file, end: self._scope_spans(file, end, source))

    def _scope_spans(self, file: BinaryIO, end: int, source: Source) -> None:
        scope = self._first(file, end, self._common.InstrumentationScope)
        origin = self.incoming.origin(source, scope.name, scope.version, _pairs(scope.attributes))
        for field, inner, is_cut in _fields(file, end):
            if field == _SPANS and not is_cut:
                length = inner - file.tell()
                try:
                    self._add(source, origin, self._trace.Span.FromString(_bytes(file, length)))
                except self._wrong as error:
                    self._bad(_SPAN, file, error)
                self.incoming.has_read(length)

    def _first(self, file: BinaryIO, end: int, of: Any) -> Any:
        """The resource, or the scope, of a message: its first field 1, wherever it stands. The file stays where it is."""
        here = file.tell()
        try:
            for field, inner, is_cut in _fields(file, end):
                if field == _RESOURCE and not is_cut:
                    return of.FromString(_bytes(file, inner - file.tell()))
            return of()
        finally:
            file.seek(here)

    def _bad(self, what: str, file: BinaryIO, error: Exception) -> None:
        said = str(error) if isinstance(error, BrokenError) else "it is no such message"
        self.incoming.bad(what, f"before byte {file.tell():,}", said)

    def _add(self, source: Source, origin: Origin, span: Any) -> None:
        incoming = self.incoming
        incoming.add(
            source,
            origin,
            trace_id=_id(span.trace_id, 16, "trace_id"),
            span_id=_id(span.span_id, 8, "span_id"),
            parent_id=_id(span.parent_span_id, 8, "parent_span_id", needed=False),
            name=span.name,
            kind=span.kind,
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            status=span.status.code,
            message=span.status.message,
            pairs=_pairs(span.attributes),
            events=tuple(
                (incoming.time(source, event.time_unix_nano), event.name, *_pairs(event.attributes))
                for event in span.events
            ),
            links=tuple(
                (
                    _id(link.trace_id, 16, "link's trace_id", needed=False),
                    _id(link.span_id, 8, "link's span_id", needed=False),
                    *_pairs(link.attributes),
                )
                for link in span.links
            ),
            dropped=(span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
        )


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int, bool]]:
    """Go through the fields of a message that may be messages: the number of each, where it ends, and whether that is beyond the
    end of what holds it. The file stands at its beginning, and may be moved. Raises _CutOffError where that cannot go on."""
    while (at := file.tell()) < end:
        tag = _varint(file)
        field, wire_type = tag >> 3, tag & 7
        if not field or wire_type not in (0, 1, 2, 5):
            file.seek(at)
            raise _CutOffError("what stands there is no protobuf")
        if wire_type == 0:
            _varint(file)
            continue
        length = _varint(file) if wire_type == 2 else 8 if wire_type == 1 else 4
        inner = file.tell() + length
        if wire_type == 2:
            yield field, min(inner, end), inner > end
        if inner > end:
            file.seek(at)
            raise _CutOffError("it is cut off")
        file.seek(inner)


def _varint(file: BinaryIO) -> int:
    found = shift = 0
    while shift < 64:
        byte = file.read(1)
        if not byte:
            raise _CutOffError("it is cut off")
        found |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return found
        shift += 7
    raise _CutOffError("what stands there is no protobuf")


def _bytes(file: BinaryIO, length: int) -> bytes:
    if length > MAX_BYTES:
        raise BrokenError(f"it is longer than {MAX_BYTES // 1_000_000} MB")
    return file.read(length)


def _id(value: bytes, nbytes: int, what: str, *, needed: bool = True) -> int:
    if not needed and not value:
        return 0
    if len(value) != nbytes:
        raise BrokenError(f"its {what} has {len(value):,} bytes, not {nbytes}")
    number = int.from_bytes(value)
    if needed and not number:
        raise BrokenError(f"its {what} is all zeros")
    return number


def _pairs(attributes: Any, depth: int = 0) -> Pairs:
    return tuple([pair.key for pair in attributes]), [_value(pair.value, depth) for pair in attributes]


def _value(any_value: Any, depth: int) -> Any:
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(any_value, kind)
    if kind == "array_value":
        return tuple(_value(item, depth + 1) for item in value.values) if depth <= MAX_DEPTH else ()
    if kind == "kvlist_value":
        return dict(zip(*_pairs(value.values, depth + 1), strict=True)) if depth <= MAX_DEPTH else {}
    return value
