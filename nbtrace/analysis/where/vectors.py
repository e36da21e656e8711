"""Operands over all rows of a table: columns opened into the memory below them, and arithmetic.

Enters: columns of a DataFrame. Leaves: `Vector`s, each of one kind; an attribute with values of several kinds becomes one
vector for each of them, over the rows that hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from nbtrace.analysis.where.tree import Arithmetic, Column, Operand, Value

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_MISSING = np.iinfo(np.int64).min  # NaT
_PARTS: dict[type, tuple[str, Any]] = {
    str: ("text", pa.large_string()),
    bool: ("boolean", np.bool_),
    int: ("number", np.int64),
    float: ("number", np.float64),
}


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """One value per row, or one for all."""

    kind: str
    """Of the tree's kinds, `mixed`, or `other` for arrays, maps and bytes, which only equal each other."""
    data: Any
    """text: Arrow strings. number: int64 or float64. duration, moment: int64 nanoseconds. boolean: bool. Else objects."""
    missing: Any = None
    """Where there is no value; None if there is one everywhere. Arrow knows of texts itself."""
    single: bool = False
    """One value for all rows."""
    parts: Sequence[tuple[Ints, Vector]] = ()
    """Of a mixed one: the rows of each kind, and their values."""

    def missing_mask(self, length: int) -> Mask:
        """Return where there is no value."""
        if self.kind == "text" and not self.single:
            return np.asarray(self.data.is_null()).astype(bool)
        return np.zeros(length, dtype=bool) | (False if self.missing is None else self.missing)

    def items(self, length: int) -> list[Any]:
        """Return the values one by one, None where there is none."""
        if self.single:
            value = self.data.as_py() if self.kind == "text" else np.asarray(self.data).item()
            return [None if self.missing is not None and self.missing else value] * length
        if self.kind == "text":
            return list(self.data.to_pylist())
        items = self.data.tolist()
        if self.missing is not None:
            for row in np.flatnonzero(self.missing).tolist():
                items[row] = None
        return list(items)


def vector(operand: Operand, column: Callable[[Column], Vector]) -> Vector:
    """Return an operand over all rows; `column` opens a column."""
    if isinstance(operand, Column):
        return column(operand)
    if isinstance(operand, Value):
        data: Any = operand.value
        if operand.kind == "text":
            data = pa.scalar(data, pa.large_string())
        elif operand.kind != "number":
            data = np.bool_(data) if operand.kind == "boolean" else np.int64(data)
        return Vector(operand.kind, data, single=True)
    with np.errstate(all="ignore"):
        return _counted(operand, vector(operand.left, column), vector(operand.right, column))


def opened(series: pd.Series) -> Vector:
    """Return a column as a vector, over the column's own memory where that is possible."""
    array, dtype = series.array, series.dtype
    if isinstance(dtype, pd.StringDtype):
        texts = array.__arrow_array__()
        texts = texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts])
        return Vector("text", texts if texts.type == pa.large_string() else texts.cast(pa.large_string()))
    if isinstance(array, (pd.arrays.IntegerArray, pd.arrays.BooleanArray, pd.arrays.FloatingArray)):
        missing = _if_any(array.isna())
        if isinstance(array, pd.arrays.BooleanArray):
            return Vector("boolean", array.to_numpy(np.bool_, na_value=False), missing)
        if isinstance(array, pd.arrays.FloatingArray):
            return _number(array.to_numpy(np.float64, na_value=np.nan))
        return Vector("number", array.to_numpy(np.int64, na_value=0), missing)
    if dtype.kind in "mM":
        ns = series.dt.as_unit("ns").array.view("i8")
        return Vector("duration" if dtype.kind == "m" else "moment", ns, _if_any(ns == _MISSING))
    data = series.to_numpy()
    if data.dtype.kind == "b":
        return Vector("boolean", data)
    if data.dtype.kind in "iu":
        return Vector("number", data.astype(np.int64, copy=False))
    return _number(data.astype(np.float64, copy=False)) if data.dtype.kind == "f" else mixed(data)


def mixed(items: npt.NDArray[Any]) -> Vector:
    """Return values of several kinds, each kind's apart."""
    types = np.fromiter(map(_CODES.__getitem__, map(type, items.tolist())), np.int8, len(items))
    parts = []
    for code, (kind, dtype) in enumerate(_PARTS.values()):
        rows = np.flatnonzero(types == code)
        if not len(rows):
            continue
        if kind == "text":
            parts.append((rows, Vector(kind, pa.chunked_array([pa.array(items[rows], dtype)]))))
            continue
        data = items[rows].astype(dtype)
        if dtype is np.float64 and np.isnan(data).any():
            rows, data = rows[~np.isnan(data)], data[~np.isnan(data)]
        parts.append((rows, Vector(kind, data)))
    others = np.array([row for row in np.flatnonzero(types == len(_PARTS)) if not _is_missing(items[row])], np.int64)
    if len(others):
        parts.append((others, Vector("other", items[others])))
    missing = np.ones(len(items), dtype=bool)
    for rows, _ in parts:
        missing[rows] = False
    return Vector("mixed", items, missing, parts=parts)


class _Codes(dict[type, int]):
    def __missing__(self, kind: type) -> int:
        return len(_PARTS)


_CODES = _Codes((kind, code) for code, kind in enumerate(_PARTS))
"""The place of a type in `_PARTS`; of any other, the number behind them."""


def _is_missing(item: Any) -> bool:
    return item is None or item is pd.NA or item is pd.NaT


def _if_any(missing: Any) -> Any:
    return missing if missing.any() else None


def _number(data: Any, *, single: bool = False) -> Vector:
    return Vector("number", data, _if_any(np.isnan(data)), single)


# ── arithmetic ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _counted(operand: Arithmetic, left: Vector, right: Vector) -> Vector:
    sign, single = operand.operator, left.single and right.single
    times = [vector_.kind in ("duration", "moment") for vector_ in (left, right)]
    if not any(times):
        return _number(_of_numbers(sign, _numbers(left), _numbers(right)), single=single)
    if operand.kind == "number":
        return _number(_of_numbers("/", _numbers(left), _numbers(right)), single=single)
    if sign in "*/":
        exact = np.rint(_of_numbers(sign, _numbers(left), _numbers(right)))
        lost = np.isnan(exact) | (np.abs(exact) >= 2.0**63)
        return Vector(operand.kind, np.where(lost, 0, exact).astype(np.int64), _if_any(lost), single)
    a, b = left.data, right.data
    found = a + b if sign == "+" else a - b
    # Overflow turns the sign over: the result's then differs from both, or for a minus from what was taken from.
    lost = ((a ^ found) & (b ^ found)) < 0 if sign == "+" else ((a ^ b) & (a ^ found)) < 0
    for each in (left.missing, right.missing):
        lost = lost if each is None else lost | each
    return Vector(operand.kind, found, _if_any(lost), single)


def _of_numbers(sign: str, a: Any, b: Any) -> Any:
    if sign in "/%":
        b = np.where(b == 0, np.nan, b)
        return np.divide(a, b) if sign == "/" else np.mod(a, b)
    return a + b if sign == "+" else a - b if sign == "-" else a * b


def _numbers(found: Vector) -> Any:
    """Doubles, NaN where there is no number."""
    if found.kind in ("number", "duration", "moment"):
        data = np.asarray(found.data, dtype=np.float64)
        return data if found.missing is None else np.where(found.missing, np.nan, data)
    if found.kind != "mixed":
        return np.nan
    data = np.full(len(found.data), np.nan)
    for rows, part in found.parts:
        if part.kind == "number":
            data[rows] = part.data
    return data
