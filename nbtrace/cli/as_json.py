"""A table as JSON, for machines: one object per row, one row per line.

Enters: a DataFrame. Leaves: text in ASCII, which any terminal, pipe and locale takes. Times are ISO 8601 in UTC with nanoseconds,
durations whole nanoseconds, bytes base 64; what is missing, and what is no number, is null; infinities are the texts "Infinity"
and "-Infinity", as JSON has no such numbers."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd


def rows(table: pd.DataFrame) -> Iterator[str]:
    """Give the pieces of an array of objects."""
    columns = [_written(table[name]) for name in table.columns]
    names = [json.dumps(_text(str(name))) for name in table.columns]
    yield "["
    for number, values in enumerate(zip(*columns, strict=True)):
        row = ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
        yield f"{',' if number else ''}\n{{{row}}}"
    yield "\n]\n" if len(table) else "]\n"


def _written(column: pd.Series) -> list[str]:
    """The values of a column in JSON."""
    missing = column.isna().tolist()
    dtype = column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        utc = pd.to_datetime(column, utc=True)
        given: list[Any] = [
            "" if gap else f"{time.strftime('%Y-%m-%dT%H:%M:%S')}.{time.value % 10**9:09}Z"
            for time, gap in zip(utc, missing, strict=True)
        ]
    elif dtype.kind == "m":
        given = column.astype("timedelta64[ns]").astype("int64").tolist()
    else:
        given = column.tolist()
    return ["null" if gap else _value(value) for value, gap in zip(given, missing, strict=True)]


def _value(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return json.dumps(_text(value))
    if kind is int or kind is bool:
        return json.dumps(value)
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    """A value in what JSON has."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return None if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # numpy's
        return _plain(value.item())
    return _text(str(value))


def _text(text: str) -> str:
    """The text, with a sign in the place of what is half a character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
