"""OTLP over HTTP, without the HTTP: what a request holds, and what is answered.

Enters: the body of a request, unpacked. Leaves: its rows, some hundred at a time, cut to the limits of a recording; what was left
out, and why; the body of an answer. A span that comes so is another program's, whatever it says of itself: nothing of it is taken
for a mark of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from nbtrace.formats.otlp.incoming import BrokenError, Incoming, shown
from nbtrace.formats.otlp.messages import framed
from nbtrace.formats.otlp.read_json import parsed, take_json
from nbtrace.formats.otlp.read_protobuf import take_protobuf
from nbtrace.store.schema import MAX_ITEMS, MAX_TEXT, WIDTH, Extra, Row, RowFields
from nbtrace.store.values import clean_text
from nbtrace.store.weight import light

_ROWS = 512
"""So many rows are handed on together: a large request is never all rows at once."""

_MAX_THINGS = 1_000_000
"""Commas and brackets of JSON: each may become an object of some 150 bytes."""

_NAME, _EXTRA, _KEYS = map(RowFields._fields.index, ("name", "extra", "keys"))
_INT32 = 2**31


class Read(NamedTuple):
    """What became of a request."""

    spans: int
    left_out: int
    """Spans, and groups of spans, that could not be read."""
    why: str


def read_request(file: BinaryIO | None, length: int, *, as_json: bool, take: Callable[[list[Row]], None]) -> Read:
    """Hand the spans of an ExportTraceServiceRequest, the first bytes of a file, to `take`. Without a file it is empty, which
    in protobuf is a request without spans. Raises BrokenError where it is none at all, and ModuleNotFoundError for protobuf
    without opentelemetry-proto."""
    received = _Received(take)
    if file is None:
        if as_json:
            raise BrokenError("it is empty")
    elif as_json:
        file.seek(0)
        message = parsed(file.read(length), _MAX_THINGS)
        if not isinstance(message, dict):
            raise BrokenError(f"it is {shown(message)}")
        if message:  # without anything in it, it is a request without spans
            take_json(received, message, "the request")
    else:
        take_protobuf(received, file, length)
    received.hand_on()
    read = Read(received.spans, received.left_out, "; ".join(received.unread()))
    if read.left_out and not read.spans:
        raise BrokenError(read.why)
    return read


def answer(left_out: int, why: str, *, as_json: bool) -> Any:
    """Return an ExportTraceServiceResponse: that all was taken, or how much was not. As JSON: to be encoded."""
    if as_json:
        return {"partialSuccess": {"rejectedSpans": str(left_out), "errorMessage": why}} if left_out else {}
    return framed(1, b"\x08" + _varint(left_out), framed(2, why.encode())) if left_out else b""


def refusal(why: str, *, as_json: bool) -> Any:
    """Return the Status that says why a request was not taken. As JSON: to be encoded."""
    return {"message": why} if as_json else framed(2, why.encode())


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


class _Received(Incoming):
    """A reading of one request."""

    def __init__(self, take: Callable[[list[Row]], None]) -> None:
        super().__init__(knows_ours=False)
        self._take = take

    @property
    def left_out(self) -> int:
        """How much could not be read."""
        return sum(count for count, *_ in self._bad.values())

    def add(self, *args: Any, **fields: Any) -> None:
        """Take a span, and hand on what is enough."""
        if not fields["start"]:
            raise BrokenError(
                "it has no start time"
            )  # in 1970 it would stretch the time that is looked at over decades
        if fields["end"]:
            fields["end"] = max(fields["end"], fields["start"])  # the clock was set back meanwhile
        super().add(*args, **fields)
        if len(self._rows) >= _ROWS:
            self.hand_on()

    def has_read(self, nbytes: int) -> None:
        """Nothing is sealed here."""

    def hand_on(self) -> None:
        """Hand on what has come."""
        rows, self._rows = self._rows, []
        for ids in self._ids:
            del ids[:]
        if rows:
            self._take([_light(row) for row in rows])


def _light(row: Row) -> Row:
    """The row within the limits of a recording: it may wait in memory for long."""
    extra: Extra | None = row[_EXTRA]
    keys, values, dropped = _light_pairs(row[_KEYS], row[WIDTH:])
    if extra is not None:
        extra = extra._replace(
            events=tuple((when, clean_text(name), *_light_pairs(*pairs)[:2]) for when, name, *pairs in extra.events),
            links=tuple((trace, span, *_light_pairs(*pairs)[:2]) for trace, span, *pairs in extra.links),
        )
    if dropped:
        extra = extra or Extra()
        extra = extra._replace(dropped_attributes=min(extra.dropped_attributes + dropped, _INT32 - 1))
    return (*row[:_NAME], clean_text(row[_NAME]), *row[_NAME + 1 : _EXTRA], extra, keys, *values)


def _light_pairs(keys: tuple[str, ...], values: Any) -> tuple[tuple[str, ...], tuple[Any, ...], int]:
    """Keys and values, and how many were too many."""
    dropped = max(0, len(keys) - MAX_ITEMS)
    if dropped:
        keys, values = keys[:MAX_ITEMS], values[:MAX_ITEMS]
    if not all(key.isascii() and len(key) <= MAX_TEXT for key in keys):
        keys = tuple(map(clean_text, keys))
    return keys, tuple(map(light, values)), dropped
