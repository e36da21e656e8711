"""Turn whatever somebody hands over as an attribute into what OpenTelemetry can carry, without ever raising.

Enters: any Python object. Leaves: None, bool, int, float, str, bytes, or tuples and dicts of them, within the limits of
schema.py. Knows no SDK; numpy scalars and arrays are recognised by their type's module, so numpy is not imported."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import islice
from typing import Any

from nbtrace.faults import came_in_between
from nbtrace.store.schema import MAX_DEPTH, MAX_ITEMS, MAX_TEXT

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def clean_text(text: Any) -> str:
    """Return `text` as a str that can be encoded and is at most `MAX_TEXT` characters and a mark long.

    A lone surrogate becomes its escape (`\\udc80`); an object that is no str becomes what `str()` says, or a placeholder
    that names its type if that raises."""
    if not issubclass(type(text), str):  # isinstance would ask the object for its __class__, which may raise
        text = printed(text, str)
    elif type(text) is not str:
        text = str.__str__(text)
    if len(text) > MAX_TEXT and not _is_mark(text[MAX_TEXT : MAX_TEXT + _LONGER_THAN_MARKS], "characters"):
        text = f"{text[:MAX_TEXT]}… [+{len(text) - MAX_TEXT:,} characters]"
    if text.isascii():
        return str(text)
    return str(text.encode("utf-8", "backslashreplace").decode("utf-8"))


_LONGER_THAN_MARKS = 60


def _is_mark(text: object, of: str) -> bool:
    """Whether a text is what stands for what was cut off: of what comes from a file again nothing more is to be cut."""
    return type(text) is str and len(text) < _LONGER_THAN_MARKS and re.fullmatch(_MARK + of + "]", text) is not None


_MARK = r"(… )?\[\+[\d,]+ "


def _ends_in_mark(value: Any) -> bool:
    if type(value) is dict:
        return next(reversed(value)) == "…" and _is_mark(value["…"], "items")
    return type(value) in (list, tuple) and _is_mark(value[-1], "items")


def printed(value: object, how: Callable[[object], str]) -> str:
    """Return `how(value)`, or a placeholder with the type's name and the error's if that raises."""
    try:
        text = how(value)
        return text if type(text) is str else str.__str__(text)
    except Exception as error:
        if came_in_between(error):
            raise
        return f"<{type(value).__name__}: unprintable, {type(error).__name__}>"


def clean_value(value: Any) -> Any:
    """Return `value` as an attribute value: None, bool, int, float, str, bytes, or a tuple or dict of those.

    Numpy scalars become Python's, an int beyond 64 bits its digits as str, anything unknown its `str()`; long strings,
    arrays and maps are cut with a mark, and one that contains itself ends in a placeholder."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= MAX_TEXT and value.isascii() else clean_text(value)
    if kind is int:
        return value if _INT64_MIN <= value <= _INT64_MAX else clean_text(value)
    if kind is float or kind is bool or value is None:
        return value
    try:
        return _Cleaner().clean(value, 0)
    except Exception as error:  # a hostile __len__, __iter__, __class__ …
        if came_in_between(error):
            raise
        return f"<{kind.__name__}: unreadable, {type(error).__name__}>"


def clean_attributes(attributes: Any, limit: int | None = None) -> tuple[dict[str, Any], int]:
    """Return the usable items of a mapping, cleaned, and how many were left out beyond `limit` or for lack of a key."""
    cleaned: dict[str, Any] = {}
    dropped = 0
    try:
        items = list(attributes.items())
    except Exception as error:
        if came_in_between(error):
            raise
        return {}, 1
    for key, value in items:
        if not issubclass(type(key), str):
            key = printed(key, str)
        if not key or (limit is not None and len(cleaned) >= limit and key not in cleaned):
            dropped += 1
            continue
        cleaned[clean_text(key)] = clean_value(value)
    return cleaned, dropped


class _Cleaner:
    """One walk over a nested value: counts its items, and knows the containers it stands in."""

    def __init__(self) -> None:
        self.items = 0
        self.inside: set[int] = set()

    def clean(self, value: Any, depth: int) -> Any:
        if value is None or type(value) in (bool, float):
            return value
        if isinstance(value, bool):
            return bool(value)
        if isinstance(value, str):
            return clean_text(value)
        # Not by what a subclass makes of comparisons and conversions: that is code of the user's.
        if isinstance(value, int):
            number = int.__pos__(value)
            return number if _INT64_MIN <= number <= _INT64_MAX else clean_text(number)
        if isinstance(value, float):
            return float.__pos__(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)[:MAX_TEXT]
        if type(value).__module__ == "numpy":
            return self.clean_numpy(value, depth)
        if isinstance(value, (Mapping, Sequence, Set)):
            return self.clean_container(value, depth)
        return clean_text(value)

    def clean_numpy(self, value: Any, depth: int) -> Any:
        if getattr(value, "ndim", None) == 0:
            item = value.item()
            # datetime64[ns] and longdouble have no Python twin that keeps their value: .item() gives an int or itself.
            return (
                clean_text(value) if type(item) is type(value) or value.dtype.kind in "mM" else self.clean(item, depth)
            )
        if hasattr(value, "tolist") and hasattr(value, "size"):
            if value.size > MAX_ITEMS:
                return clean_text(value)  # numpy's own summary, with its dots
            return self.clean_container(value.tolist(), depth)
        return clean_text(value)

    def clean_container(self, value: Any, depth: int) -> Any:
        if id(value) in self.inside:
            return f"<{type(value).__name__}: contains itself>"
        if depth >= MAX_DEPTH:
            return f"<{type(value).__name__}: nested deeper than {MAX_DEPTH}>"
        self.inside.add(id(value))
        try:
            room = max(0, MAX_ITEMS - self.items)
            left_out = len(value) - room
            if left_out == 1 and _ends_in_mark(value):
                room += 1
                left_out, self.items = 0, self.items - 1
            self.items += min(len(value), room)
            if isinstance(value, Mapping):
                cleaned = {clean_text(key): self.clean(item, depth + 1) for key, item in islice(value.items(), room)}
                if left_out > 0:
                    cleaned["…"] = f"[+{left_out:,} items]"
                return cleaned
            items = [self.clean(item, depth + 1) for item in islice(value, room)]
            if left_out > 0:
                items.append(f"… [+{left_out:,} items]")
            return tuple(items)
        finally:
            self.inside.discard(id(value))


def encode_json(value: Any) -> str:
    """Return a clean value as JSON; bytes in it become `{"$bytes": …}`, in base 64."""
    return json.dumps(value, default=_encode_bytes)


def decode_json(text: str | bytes) -> Any:
    """Return what `encode_json` has made a text of; its tuples are lists."""
    return json.loads(text, object_hook=_decode_bytes)


def with_tuples(value: Any) -> Any:
    """Return a value that was JSON as it was before: with tuples for lists."""
    if isinstance(value, list):
        return tuple(map(with_tuples, value))
    return {key: with_tuples(item) for key, item in value.items()} if isinstance(value, dict) else value


def _encode_bytes(value: bytes) -> dict[str, str]:
    return {"$bytes": b64encode(value).decode("ascii")}


def _decode_bytes(item: dict[str, Any]) -> Any:
    return b64decode(item["$bytes"]) if set(item) == {"$bytes"} and isinstance(item["$bytes"], str) else item
