"""OTLP as protobuf: one ExportTraceServiceRequest, or several one behind the other, which is the same.

Enters: a file. Leaves: what it holds, and a count of what cannot be read. The file is walked through by its tags, down to the
spans, and only those are parsed: neither a request nor a resource with all its spans is ever in memory, and of a broken span no
other is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

from nbtrace.formats.otlp.incoming import MAX_BYTES, BrokenError, Incoming, Pairs, Source
from nbtrace.formats.otlp.messages import messages
from nbtrace.formats.reading import Loaded
from nbtrace.store.schema import MAX_DEPTH, Origin

_RESOURCE_SPANS = _RESOURCE = _SCOPE = 1
_SCOPE_SPANS = _SPANS = 2
"""The numbers of the fields on the way down."""

_SPAN, _GROUP, _REST = "broken span", "broken group of spans", "rest of the file"
"""What is left out and counted."""


def read_protobuf(path: Path) -> Loaded:
    """Return what a file holds. Raises UnreadableFileError if that is nothing, and ModuleNotFoundError without
    opentelemetry-proto. Of a file that is cut off what stands before is returned; spans that are broken are counted."""
    incoming = Incoming()
    with open(path, "rb") as file:
        take_protobuf(incoming, file, file.seek(0, SEEK_END))
    return incoming.loaded(path, "protobuf")


def take_protobuf(incoming: Incoming, file: BinaryIO, size: int) -> None:
    """Take the spans of the first so many bytes. Raises ModuleNotFoundError without opentelemetry-proto."""
    file.seek(0)
    _Reader(incoming).read(file, size)


class _CutOffError(Exception):
    """What follows cannot be walked through."""


class _Reader:
    """A reading: where spans are found goes down by field; what is parsed is a resource, a scope, a span."""

    def __init__(self, incoming: Incoming) -> None:
        self._common, self._resource, self._trace = messages()
        from google.protobuf.message import DecodeError

        self.incoming = incoming
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
            events=tuple([self._event(source, each) for each in span.events]),
            links=tuple([_link(each) for each in span.links]),
            dropped=(span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
        )

    def _event(self, source: Source, event: Any) -> tuple[Any, ...]:
        return (self.incoming.time(source, event.time_unix_nano), event.name, *_pairs(event.attributes))


def _link(link: Any) -> tuple[Any, ...]:
    return (
        _id(link.trace_id, 16, "link's trace_id", needed=False),
        _id(link.span_id, 8, "link's span_id", needed=False),
        *_pairs(link.attributes),
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
    keys, values = [], []
    for pair in attributes:
        keys.append(pair.key)
        any_value = pair.value
        kind = any_value.WhichOneof("value")
        values.append(getattr(any_value, kind) if kind in _PLAIN else _value(any_value, depth))
    return tuple(keys), values


_PLAIN = frozenset(("string_value", "int_value", "double_value", "bool_value", "bytes_value"))


def _value(any_value: Any, depth: int) -> Any:
    """The value that an AnyValue holds; None if it holds none, or one that OTLP did not know when this was written."""
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        # What is nested deeper is cut by whoever holds it here, which says so.
        return tuple(_value(item, depth + 1) for item in any_value.array_value.values) if depth <= MAX_DEPTH else ()
    if kind == "kvlist_value":
        return dict(zip(*_pairs(any_value.kvlist_value.values, depth + 1), strict=True)) if depth <= MAX_DEPTH else {}
    return getattr(any_value, kind) if kind in _PLAIN else None
