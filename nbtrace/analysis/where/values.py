"""What `@x` may be: a plain value, or a list of them. Nothing of the value is called and no attribute of it is read before
its exact type is known to be harmless: a subclass could bring code along."""

from __future__ import annotations

import math
import sys
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from nbtrace.analysis.where.literals import MAX_INT, datetime_ns, timedelta_ns
from nbtrace.analysis.where.tree import Value

_SEQUENCES = (list, tuple, set, frozenset, range)
_NAME: Any = type.__dict__["__name__"]
"""Reads the name of a class past whatever its metaclass says."""

_INSTEAD = {
    "ndarray": "{}.tolist()",
    "Series": "{}.tolist()",
    "Index": "{}.tolist()",
    "dict": "list({})",
    "dict_keys": "list({})",
    "dict_values": "list({})",
    "Pattern": "{}.pattern",
    "Decimal": "float({})",
    "Fraction": "float({})",
    "PosixPath": "str({})",
    "WindowsPath": "str({})",
}
"""By the name of the type: an expression that gives plain values."""


class NotPlainError(ValueError):
    """A value that no condition takes; its text says what to write."""


def plain(found: Any, name: str = "x") -> Value:
    """Return a text, number, bool, datetime, timedelta, or numpy's or pandas' scalar of these, as a value of the tree. A time
    without a zone is UTC. Raises NotPlainError for everything else; name: what it calls the variable."""
    kind = type(found)
    if kind is str:
        return text(found)
    if kind is bool:
        return Value("boolean", found)
    if kind is int or kind is float:
        return number(found)
    if kind is datetime:
        return _within("moment", _datetime_ns(found))
    if kind is date:
        return _within("moment", datetime_ns(datetime(found.year, found.month, found.day)))
    if kind is timedelta:
        return _within("duration", timedelta_ns(found))
    value = _of_pandas(found, kind) or _of_numpy(found, kind)
    if value is None:
        raise _refuse(found, name)
    return value


def several(found: Any, name: str = "x") -> list[Value]:
    """Return the values of a list, tuple, set or range. Raises NotPlainError for everything else."""
    if not is_several(found):
        raise _refuse(found, name, several=True)
    return [plain(each, name) for each in found]


def is_several(found: Any) -> bool:
    """Whether this is a list, tuple, set or range."""
    kind = type(found)
    return any(kind is each for each in _SEQUENCES)  # `in` would ask a metaclass


def text(found: str) -> Value:
    """Return a text as a value; half a surrogate pair, which no span holds, is an error."""
    try:
        found.encode()
    except UnicodeEncodeError:
        raise NotPlainError("it holds half a character (a lone surrogate), which no text of a span does") from None
    return Value("text", found)


def number(found: int | float) -> Value:
    """Return a number as a value: beyond 64 bits it is a float."""
    if isinstance(found, int) and not -MAX_INT - 1 <= found <= MAX_INT:
        try:
            found = float(found)
        except OverflowError:
            raise NotPlainError("it is too large a number") from None
    if isinstance(found, float) and not math.isfinite(found):
        if math.isnan(found):
            raise _missing()
        raise NotPlainError("it is too large a number")
    return Value("number", found)


def _of_pandas(found: Any, kind: type) -> Value | None:
    pandas = sys.modules.get("pandas")  # nobody has a Timestamp who has not imported it
    if pandas is None:
        return None
    if found is pandas.NaT or found is pandas.NA:
        raise _missing()
    if kind is pandas.Timestamp or kind is pandas.Timedelta:
        try:
            return Value("moment" if kind is pandas.Timestamp else "duration", int(found.as_unit("ns").value))
        except (OverflowError, ValueError):
            return _within("moment", None)
    return None


def _of_numpy(found: Any, kind: type) -> Value | None:
    numpy = sys.modules.get("numpy")
    if numpy is None or not any(kind is each for each in _numpy_scalars()):
        return None
    if kind is numpy.datetime64 or kind is numpy.timedelta64:
        if numpy.isnat(found):
            raise _missing()
        return _of_numpy_time(found, numpy.datetime_data(found.dtype)[0], moment=kind is numpy.datetime64)
    bare = found.item()
    return plain(bare) if any(type(bare) is each for each in (str, bool, int, float)) else None


def _of_numpy_time(found: Any, unit: str, *, moment: bool) -> Value | None:
    if unit == "generic" or (not moment and unit in "YM"):
        return None
    letter = "M" if moment else "m"
    near = found.astype(f"{letter}8[us]").item()
    if type(near) not in (datetime, timedelta):
        return _within("moment", None)
    # Beyond 64 bits numpy's nanoseconds turn over in silence; microseconds do not.
    ns = datetime_ns(near) if moment else timedelta_ns(near)
    exact = None if ns is None else int(found.astype(f"{letter}8[ns]").view("i8"))
    return _within("moment" if moment else "duration", exact)


@cache
def _numpy_scalars() -> tuple[type, ...]:
    return tuple(dict.fromkeys(sys.modules["numpy"].sctypeDict.values()))


def _datetime_ns(moment: datetime) -> int | None:
    zone = type(moment.tzinfo)
    if moment.tzinfo is not None and zone is not timezone and zone is not ZoneInfo:
        raise NotPlainError("it has a time zone of its own kind. Write x = x.astimezone(datetime.timezone.utc) above")
    return datetime_ns(moment)


def _within(kind: Any, ns: int | None) -> Value:
    if ns is None:
        raise NotPlainError("it is further away than 64 bits of nanoseconds reach (292 years)")
    return Value(kind, ns)


def _missing() -> NotPlainError:
    return NotPlainError("it is a missing value, which equals nothing: ask with .isna() or .notna()")


def _refuse(found: Any, name: str, *, several: bool = False) -> NotPlainError:
    if found is None:
        return _missing()
    if is_several(found):
        return NotPlainError("it holds lists of its own, and a condition takes a list of plain values")
    kind = _NAME.__get__(type(found))
    kind = "function" if kind in ("builtin_function_or_method", "method") else kind
    what = f"it is {'an' if kind[:1] in 'aeioAEIO' or kind == 'ndarray' else 'a'} {kind}"
    instead = _INSTEAD.get(kind, "[…]" if several else "")
    if instead:
        needed = "and `in` takes a list" if several else "and a condition takes plain values"
        return NotPlainError(f"{what}, {needed}. Write {name} = {instead.format(name)} above")
    return NotPlainError(f"{what}. A condition takes text, numbers, True, False, times, and lists of these")
