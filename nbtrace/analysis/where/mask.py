"""Which rows of a DataFrame meet a condition.

Enters: a table and a tree. Leaves: one bool per row. A condition can be true, false or unknown; `_met` tells where it is
true, or where it is false, and never needs the third: a `not` asks for the opposite, down to the single comparisons."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.analysis.where.tree import (
    And,
    Column,
    Comparison,
    Condition,
    In,
    IsMissing,
    Kind,
    Not,
    Or,
    Text,
    Truth,
    Value,
)
from nbtrace.analysis.where.vectors import Vector, opened, vector
from nbtrace.store.schema import ATTRIBUTE_PREFIX

Mask = npt.NDArray[np.bool_]

INDEX = "index"
"""The number of a row, where no column has this name."""

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARROW: dict[str, Any] = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_TESTS: dict[str, Any] = {
    "matches": pc.match_substring_regex,
    "contains": pc.match_substring,
    "startswith": pc.starts_with,
    "endswith": pc.ends_with,
}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def column_kinds(table: pd.DataFrame) -> dict[str, Kind]:
    """Return what each column holds. An attribute may hold anything, whatever it holds in this table: what can be asked of it
    does not hang on what happened to be recorded."""
    kinds: dict[str, Kind] = {
        str(name): "any" if str(name).startswith(ATTRIBUTE_PREFIX) else _dtype_kind(dtype)
        for name, dtype in table.dtypes.items()
    }
    kinds.setdefault(INDEX, "number")
    return kinds


def mask(table: pd.DataFrame, condition: Condition) -> Mask:
    """Return for each row whether the condition is true there."""
    return _Rows(table).met(condition, True)


def _dtype_kind(dtype: Any) -> Kind:
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "moment"
    if isinstance(dtype, pd.StringDtype):
        return "text"
    if pd.api.types.is_timedelta64_dtype(dtype):
        return "duration"
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    return "number" if pd.api.types.is_numeric_dtype(dtype) else "any"


class _Rows:
    """A table, each column of it opened once."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._table = table
        self._length = len(table)
        self._vectors: dict[str, Vector] = {}

    def met(self, condition: Condition, wanted: bool) -> Mask:
        """Return where the condition is true; with wanted=False where it is false."""
        if isinstance(condition, Not):
            return self.met(condition.condition, not wanted)
        if isinstance(condition, (And, Or)):
            join = np.logical_and if isinstance(condition, And) is wanted else np.logical_or
            first, *others = condition.conditions
            found = self.met(first, wanted)
            for other in others:
                found = join(found, self.met(other, wanted))
            return found
        if isinstance(condition, Comparison):
            sign = condition.operator if wanted else _OPPOSITE[condition.operator]
            left, right = vector(condition.left, self._column), vector(condition.right, self._column)
            return _compared(sign, left, right, self._length)
        if isinstance(condition, In):
            return _among(vector(condition.operand, self._column), condition.values, wanted, self._length)
        if isinstance(condition, IsMissing):
            missing = self._column(condition.column).missing_mask(self._length)
            return missing if wanted else ~missing
        if isinstance(condition, Truth):
            return _among(self._column(condition.column), (Value("boolean", wanted),), True, self._length)
        return _text(self._column(condition.column), condition, wanted, self._length)

    def _column(self, column: Column) -> Vector:
        found = self._vectors.get(column.name)
        if found is None:
            own = column.name in self._table
            series = self._table[column.name] if own else pd.Series(np.asarray(self._table.index))
            found = self._vectors[column.name] = opened(series)
        return found


def _compared(sign: str, left: Vector, right: Vector, length: int) -> Mask:
    """Return where two operands compare so. Of different kinds, they are unequal and in no order."""
    if left.kind == "mixed" and right.single:
        return _by_parts(left, length, lambda part, rows: _compared(sign, part, right, rows))
    if right.kind == "mixed" and left.single:
        return _by_parts(right, length, lambda part, rows: _compared(sign, left, part, rows))
    if "mixed" in (left.kind, right.kind):
        return _one_by_one(sign, left, right, length)
    if left.kind != right.kind:
        found = np.full(length, sign == "!=")
    elif left.kind == "text":
        return _as_mask(_ARROW[sign](left.data, right.data))
    elif left.kind == "boolean" and sign not in ("==", "!="):
        return np.zeros(length, dtype=bool)
    else:
        found = _OPERATORS[sign](left.data, right.data)
    for each in (left, right):
        if each.missing is not None:
            found = found & ~each.missing
        elif found is not None and each.kind == "text" and not each.single:
            found = found & ~each.missing_mask(length)
    return found


def _one_by_one(sign: str, left: Vector, right: Vector, length: int) -> Mask:
    """Compare two columns, one of which holds several kinds."""
    pairs = zip(left.items(length), right.items(length), strict=True)
    return np.fromiter((_holds(sign, a, b) for a, b in pairs), dtype=bool, count=length)


def _holds(sign: str, a: Any, b: Any) -> bool:
    one, other = _kind_of(a), _kind_of(b)
    if one is None or other is None:
        return False
    if one != other or (sign not in ("==", "!=") and one in ("boolean", "other")):
        return one != other and sign == "!="
    if one == "number" and type(a) is not type(b):
        a, b = float(a), float(b)
    return bool(_OPERATORS[sign](a, b))


def _kind_of(item: Any) -> str | None:
    if item is None or item is pd.NA or item is pd.NaT or item != item:
        return None
    return {str: "text", bool: "boolean", int: "number", float: "number"}.get(type(item), "other")


def _among(found: Vector, values: Sequence[Value], wanted: bool, length: int) -> Mask:
    """Return where a value equals one of `values`; with wanted=False, where there is one that equals none."""
    if found.kind == "mixed":
        return _by_parts(found, length, lambda part, rows: _among(part, values, wanted, rows))
    equal = [value.value for value in values if value.kind == found.kind]
    if found.kind == "text":
        inside = _as_mask(pc.is_in(found.data, value_set=pa.array(equal, pa.large_string())))
    elif found.kind == "number":
        inside = np.isin(found.data, np.array([each for each in equal if type(each) is int], dtype=np.int64))
        # As doubles where one of the two has a fraction, as in a comparison.
        doubles = np.array([each for each in equal if type(each) is float], dtype=np.float64)
        inside |= np.isin(np.asarray(found.data, dtype=np.float64), doubles)
    else:
        inside = np.isin(found.data, np.array(equal, dtype=bool if found.kind == "boolean" else np.int64))
    if wanted:
        return inside if found.missing is None else inside & ~found.missing
    return ~inside & ~found.missing_mask(length)


def _text(found: Vector, condition: Text, wanted: bool, length: int) -> Mask:
    """Return where a text holds what is asked for; what is no text neither holds it nor fails to."""
    if found.kind == "mixed":
        return _by_parts(found, length, lambda part, rows: _text(part, condition, wanted, rows))
    if found.kind != "text":
        return np.zeros(length, dtype=bool)
    inside = _TESTS[condition.how](found.data, condition.text, ignore_case=not condition.case)
    return _as_mask(inside if wanted else pc.invert(inside))


def _by_parts(found: Vector, length: int, ask: Callable[[Vector, int], Mask]) -> Mask:
    """Ask each kind of a mixed column apart."""
    whole = np.zeros(length, dtype=bool)
    for rows, part in found.parts:
        whole[rows] = ask(part, len(rows))
    return whole


def _as_mask(found: Any) -> Mask:
    """Return Arrow's bools, unknown as False."""
    known = found.fill_null(False) if found.null_count else found
    return np.asarray(known).astype(bool, copy=False)
