"""OTLP's JSON, as its file format has it and as other tools write it.

Enters: a file of lines, each a message of OTLP's TracesData in proto3's JSON. Leaves: what they hold, and a count of what cannot
be read. Besides what write_json.py writes: names in snake_case, numbers as numbers or as texts, kinds and codes by name, ids
in base 64, documents over several lines. Fields that OTLP does not have are passed over."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from nbtrace.formats.otlp.incoming import MAX_BYTES, BrokenError, Incoming, Pairs, Source, shown
from nbtrace.formats.reading import Loaded
from nbtrace.store.schema import MAX_DEPTH

MAX_THINGS = 3_000_000
"""Commas and brackets of a line: each may become an object of Python's, of some 150 bytes."""

_SNAKES = (b"_spans", b"_id", b"_nano", b"_value", b"_count")
"""What names in snake_case end with; a line with none of them has none."""

_LINE, _OTHER, _SPAN, _GROUP = "line", "foreign message", "broken span", "broken group of spans"
"""What is left out and counted."""


def read_json_lines(path: Path) -> Loaded:
    """Return what a file holds. Raises UnreadableFileError if that is nothing. Other signals of OTLP (logs, metrics), lines that
    are no JSON and spans that are broken are counted."""
    incoming, read = Incoming(), 0
    with open(path, "rb") as file:
        for number, line in enumerate(_lines(file), 1):
            line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if not line.strip():
                continue
            read, place = read + 1, f"line {number:,}"
            try:
                message = parsed(line)
            except BrokenError as error:
                if read == 1 and (documents := _of_many_lines(file)):
                    for at, document in enumerate(documents, 1):
                        take_json(incoming, document, f"document {at:,}")
                    break
                incoming.bad(_LINE, place, str(error))
                continue
            for document in message if isinstance(message, list) else [message]:
                take_json(incoming, document, place)
            incoming.has_read(len(line))
    return incoming.loaded(path, "JSON lines")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long as much as tells that it is."""
    while line := file.readline(MAX_BYTES + 1):
        yield line
        while len(line) > MAX_BYTES and not line.endswith(b"\n"):
            line = file.readline(MAX_BYTES + 1)


def _of_many_lines(file: BinaryIO) -> list[Any]:
    """The documents of a file of which each takes several lines; none if that is not what it is, or if it is too long. The file
    stays where it was read up to."""
    here = file.tell()
    file.seek(0)
    text, found, at = file.read(MAX_BYTES + 1), [], 0
    file.seek(here)
    try:
        _check(text)
        rest, decoder = text.decode("utf-8-sig").rstrip(), json.JSONDecoder(object_hook=_camel_case)
        while at < len(rest):
            document, at = decoder.raw_decode(rest, _BLANK.match(rest, at).end())  # type: ignore[union-attr]
            found += document if isinstance(document, list) else [document]
    except (ValueError, RecursionError):
        return []
    return found


_BLANK = re.compile(r"\s*")


def _check(text: bytes, max_things: int = MAX_THINGS) -> None:
    if len(text) > MAX_BYTES:
        raise BrokenError(f"it is longer than {MAX_BYTES // 1_000_000} MB")
    if sum(map(text.count, (b",", b"{", b"["))) > max_things:
        raise BrokenError(f"it has more than {max_things:,} values")


def parsed(line: bytes, max_things: int = MAX_THINGS) -> Any:
    """Return what a text of JSON holds, with the names of OTLP's fields in camelCase. Raises BrokenError."""
    _check(line, max_things)
    hook = _camel_case if any(snake in line for snake in _SNAKES) else None
    try:
        return json.loads(line.decode(), object_hook=hook)
    except RecursionError:
        raise BrokenError("it is nested too deep") from None
    except UnicodeDecodeError as error:
        raise BrokenError(f"byte {error.start + 1:,} of it is no UTF-8") from None
    except json.JSONDecodeError as error:
        raise BrokenError(f"it is no JSON ({error.msg} in column {error.colno:,})") from None
    except ValueError as error:  # a number of thousands of digits
        raise BrokenError(str(error)) from None


def _camel_case(found: dict[str, Any]) -> dict[str, Any]:
    """A JSON object with the names of its fields in camelCase. No object in OTLP has names that are data."""
    return {_camel(name) if "_" in name else name: value for name, value in found.items()}


def _camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(part.capitalize() for part in more)


def take_json(incoming: Incoming, message: Any, place: str) -> None:
    """Take the spans of a TracesData."""
    if not isinstance(message, dict) or "resourceSpans" not in message:
        what = f"it is {shown(message)}"
        if isinstance(message, dict):
            what = f"it has {shown(next(iter(message)))} and no resourceSpans" if message else "it has no resourceSpans"
        incoming.bad(_OTHER, f"in {place}", what)
        return
    for group in _groups(incoming, message, "resourceSpans", place):
        try:
            source = incoming.source(_pairs(_object(group, "resource")))
        except _WRONG as error:
            incoming.bad(_GROUP, f"in {place}", _why(error))
            continue
        for scoped in _groups(incoming, group, "scopeSpans", place):
            try:
                scope = _object(scoped, "scope")
                origin = incoming.origin(source, _string(scope, "name"), _string(scope, "version"), _pairs(scope))
                spans = _list(scoped, "spans")
            except _WRONG as error:
                incoming.bad(_GROUP, f"in {place}", _why(error))
                continue
            for span in spans:
                try:
                    _add(incoming, source, origin, span)
                except _WRONG as error:
                    incoming.bad(_SPAN, f"in {place}", _why(error))


_WRONG = (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError)
"""What comes of looking at something of another shape."""


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, BrokenError) else "its values are not of the kinds that OTLP has"


def _groups(incoming: Incoming, of: dict[str, Any], name: str, place: str) -> list[dict[str, Any]]:
    try:
        found = _list(of, name)
    except BrokenError as error:
        incoming.bad(_GROUP, f"in {place}", str(error))
        return []
    for each in found:
        if not isinstance(each, dict):
            incoming.bad(_GROUP, f"in {place}", f"in {name} stands {shown(each)}")
    return [each for each in found if isinstance(each, dict)]


def _add(incoming: Incoming, source: Source, origin: Any, span: dict[str, Any]) -> None:
    get = span.get
    name, status = get("name"), get("status")
    status = _object(span, "status") if status else _NOTHING
    events, links = get("events"), get("links")
    incoming.add(
        source,
        origin,
        trace_id=_id(get("traceId"), 16, "traceId"),
        span_id=_id(get("spanId"), 8, "spanId"),
        parent_id=_id(parent, 8, "parentSpanId", needed=False) if (parent := get("parentSpanId")) else 0,
        name=name if type(name) is str else _string(span, "name"),
        kind=_enum(get("kind"), _KINDS, "kind"),
        start=_int(get("startTimeUnixNano")),
        end=_int(get("endTimeUnixNano")),
        status=_enum(status.get("code"), _CODES, "status code") if status else 0,
        message=_string(status, "message") if status else "",
        pairs=_pairs(span),
        events=() if events is None else tuple(_event(incoming, source, each) for each in _list(span, "events")),
        links=() if links is None else tuple(map(_link, _list(span, "links"))),
        dropped=(
            _int(get("droppedAttributesCount")),
            _int(get("droppedEventsCount")),
            _int(get("droppedLinksCount")),
        ),
    )


_NOTHING: dict[str, Any] = {}


def _event(incoming: Incoming, source: Source, event: dict[str, Any]) -> tuple[Any, ...]:
    return (incoming.time(source, _int(event.get("timeUnixNano"))), _string(event, "name"), *_pairs(event))


def _link(link: dict[str, Any]) -> tuple[Any, ...]:
    return (
        _id(link.get("traceId"), 16, "link's traceId", needed=False),
        _id(link.get("spanId"), 8, "link's spanId", needed=False),
        *_pairs(link),
    )


_KINDS = {
    f"SPAN_KIND_{name}": at
    for at, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
_CODES = {f"STATUS_CODE_{name}": at for at, name in enumerate(("UNSET", "OK", "ERROR"))}


def _enum(value: Any, names: dict[str, int], what: str) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str) and not value.isdecimal():
        if value not in names:
            raise BrokenError(f"its {what} {shown(value)} is none of OTLP's")
        return names[value]
    return _int(value)


def _id(value: Any, nbytes: int, what: str, *, needed: bool = True) -> int:
    """An id in hex, or in base 64 as proto3's own rule would have it; 0 for none."""
    if not needed and not value:
        return 0
    found = b""
    if isinstance(value, str):
        try:
            found = bytes.fromhex(value) if len(value) == 2 * nbytes else b64decode(value, validate=True)
        except ValueError:
            pass
    if len(found) != nbytes:
        raise BrokenError(f"its {what} {shown(value)} is no id of {2 * nbytes} hex digits")
    number = int.from_bytes(found)
    if needed and not number:
        raise BrokenError(f"its {what} is all zeros")
    return number


def _int(value: Any) -> int:
    if value is None:
        return 0
    if type(value) is str:
        try:
            return int(value)
        except ValueError:
            pass
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise BrokenError(f"{shown(value)} stands where a whole number belongs")


def _string(of: dict[str, Any], name: str) -> str:
    value = of.get(name)
    if value is None:
        return ""
    if type(value) is not str:
        raise BrokenError(f"its {name} is {shown(value)}, no text")
    return value


def _object(of: dict[str, Any], name: str) -> dict[str, Any]:
    value = of.get(name)
    if value is None:
        return {}
    if type(value) is not dict:
        raise BrokenError(f"its {name} is {shown(value)}, no object")
    return value


def _list(of: dict[str, Any], name: str) -> list[Any]:
    value = of.get(name)
    if value is None:
        return []
    if type(value) is not list:
        raise BrokenError(f"its {name} is {shown(value)}, no list")
    return value


def _pairs(of: dict[str, Any], name: str = "attributes", depth: int = 0) -> Pairs:
    keys, values = [], []
    for each in _list(of, name):
        key, any_value = each.get("key"), each.get("value")
        keys.append(key if type(key) is str else _string(each, "key"))
        text = any_value.get("stringValue") if any_value else None
        values.append(text if type(text) is str else _read(any_value, depth))
    return tuple(keys), values


def _read(any_value: Any, depth: int) -> Any:
    """The value that an AnyValue holds; None if it holds none."""
    if not any_value:
        return None
    for kind, value in any_value.items():
        if kind == "stringValue":
            if type(value) is str:
                return value
            break
        if kind in _KINDS_OF_VALUES:
            return _KINDS_OF_VALUES[kind](value, depth + 1)
    else:
        return None
    raise BrokenError(f"{shown(value)} stands where a text belongs")


def _read_bool(value: Any, depth: int) -> bool:
    if type(value) is bool:
        return value
    raise BrokenError(f"{shown(value)} stands where true or false belongs")


def _read_float(value: Any, depth: int) -> float:
    if type(value) in (float, int, str):
        return float(value)
    raise BrokenError(f"{shown(value)} stands where a number belongs")


def _read_bytes(value: Any, depth: int) -> bytes:
    try:
        text = value.replace("-", "+").replace("_", "/").rstrip("=")
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (AttributeError, Base64Error, ValueError):
        raise BrokenError(f"{shown(value)} stands where bytes in base 64 belong") from None


def _read_list(value: dict[str, Any], depth: int) -> tuple[Any, ...]:
    if depth > MAX_DEPTH:
        return ()  # what holds it is cut here, and says so
    return tuple(_read(item, depth) for item in _list(value, "values"))


def _read_map(value: dict[str, Any], depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        return {}
    return dict(zip(*_pairs(value, "values", depth), strict=True))


_KINDS_OF_VALUES = {
    "intValue": lambda value, depth: _int(value),
    "doubleValue": _read_float,
    "boolValue": _read_bool,
    "arrayValue": _read_list,
    "kvlistValue": _read_map,
    "bytesValue": _read_bytes,
}
