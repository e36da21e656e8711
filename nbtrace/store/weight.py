"""What a row weighs while it waits to be sealed, and how its heavy values are made light before it does.

Enters: attribute values and rows as a span has them. Leaves: values within the limits of schema.py, and bytes."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

from nbtrace.store.schema import MAX_ITEMS, MAX_TEXT, Origin, Row, Thread
from nbtrace.store.values import clean_value

_SMALL_INT = 2**62
_SHARED = (Thread, Origin)
"""What many rows hold in common."""

_NUMBERS = ({int}, {float}, {bool})


def light(value: Any) -> Any:
    """Return `value` as it is kept: `clean_value`, but what is plain and short already is let through unread."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= MAX_TEXT else clean_value(value)
    if kind is float or kind is bool or value is None or (kind is int and -_SMALL_INT < value < _SMALL_INT):
        return value
    if kind is tuple and 0 < len(value) <= MAX_ITEMS:
        kinds = set(map(type, value))
        if kinds in _NUMBERS and (kinds != {int} or (max(value) < _SMALL_INT and min(value) > -_SMALL_INT)):
            return value
        if kinds == {str} and max(map(len, value)) <= MAX_TEXT:
            return value
    return clean_value(value)


def weigh(row: Row) -> int:
    """Return the bytes that a row takes, all that hangs on it included; texts that rows share are counted in each."""
    total = getsizeof(row)
    waiting: list[Any] = [row]
    while waiting:
        for item in waiting.pop():
            total += getsizeof(item)
            if isinstance(item, tuple) and type(item) not in _SHARED:
                waiting.append(item)
            elif type(item) is dict:
                waiting += [tuple(item), tuple(item.values())]
    return total
