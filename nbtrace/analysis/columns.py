"""Put the columns of many batches together: one pandas column from the pieces of each batch.

Enters: sealed batches. Leaves: pandas arrays with the dtypes of the span table, also from no rows at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from nbtrace.analysis.keys import with_column
from nbtrace.store.seal import Attributes, Run, decode_json

_PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3

TEXT: Any = pd.StringDtype(na_value=np.nan) if _PANDAS_3 else pd.StringDtype("pyarrow_numpy")
"""`str`: pandas 3's default string dtype; before pandas 3 the same thing under its provisional name."""

_MISSING = np.iinfo(np.int64).min  # NaT


def texts(chunks: Sequence[Any]) -> Any:
    """A str column from Arrow strings, dictionary-encoded or not."""
    return _text_array(pa.chunked_array([_decoded(chunk) for chunk in chunks], pa.large_string()))


def _decoded(chunk: Any) -> Any:
    if isinstance(chunk, pa.DictionaryArray):
        if chunk.null_count == len(chunk):
            return _repeated(None, len(chunk))
        if len(chunk.dictionary) == 1 and not chunk.null_count:
            return _repeated(chunk.dictionary[0].as_py(), len(chunk))
    return chunk.cast(pa.large_string())


@lru_cache(maxsize=32)
def _repeated(text: str | None, length: int) -> Any:
    """One text over and over. Most batches have one kind, one status and one scope: sharing the memory spares the first
    DataFrame of a million spans half its time."""
    return (
        pa.nulls(length, pa.large_string()) if text is None else pa.repeat(pa.scalar(text, pa.large_string()), length)
    )


def _text_array(found: Any) -> Any:
    """A str column over Arrow's memory."""
    return pd.Series(TEXT.construct_array_type()(found), dtype=TEXT).array


def labels(chunks: Sequence[Any], names: Sequence[str | None]) -> Any:
    """A str column from integer codes into a short list of names."""
    known = pa.array(names, pa.large_string())
    found = []
    for chunk in chunks:
        codes = np.asarray(chunk)
        if len(codes) and (codes == codes[0]).all():
            found.append(_repeated(names[codes[0]], len(codes)))
        else:
            found.append(known.take(chunk))
    return _text_array(pa.chunked_array(found, pa.large_string()))


def integers(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None = None) -> Any:
    """An Int64 column."""
    mask = np.zeros(len(values), dtype=bool) if missing is None else missing
    return pd.arrays.IntegerArray(values.astype(np.int64, copy=False), mask)


def counts(chunks: Sequence[Any]) -> Any:
    """An Int64 column of numbers most of which are 0."""
    # Memory of zeros costs nothing until it is written to.
    column = np.zeros(sum(map(len, chunks)), dtype=np.int64)
    start = 0
    for chunk in chunks:
        numbers_ = np.asarray(chunk)
        if numbers_.any():
            column[start : start + len(numbers_)] = numbers_
        start += len(numbers_)
    return integers(column)


def times(ns: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_] | None = None) -> Any:
    """A datetime64[ns, UTC] column from nanoseconds since the epoch."""
    return pd.DatetimeIndex(_with_gaps(ns, missing).view("M8[ns]"), tz="UTC", copy=False).array


def durations(ns: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_] | None = None) -> Any:
    """A timedelta64[ns] column from nanoseconds."""
    return pd.TimedeltaIndex(_with_gaps(ns, missing).view("m8[ns]"), copy=False).array


def _with_gaps(ns: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.int64]:
    return ns if missing is None or not missing.any() else np.where(missing, _MISSING, ns)


def numbers(chunks: Sequence[Any], fill: int = 0) -> npt.NDArray[Any]:
    """A numpy array from Arrow integers, nulls filled."""
    parts = [np.asarray(chunk.fill_null(fill) if chunk.null_count else chunk) for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def attribute_column(pieces: Sequence[tuple[int, Sequence[Run]]], length: int) -> Any:
    """One attribute's column over all rows.

    `pieces`: the first row of each batch in which the key occurs, and its runs there. One type throughout gives Int64,
    float64, boolean or str; several, and arrays, maps and bytes, give object, with each value as it was."""
    kinds = {run.kind for _, runs in pieces for run in runs} - {"none"}
    if len(kinds) == 1 and (kind := next(iter(kinds))) in ("int", "float", "bool", "str"):
        chosen = [(start, run) for start, runs in pieces for run in runs if run.kind == kind]
        return _typed_column(kind, chosen, length)
    column = np.full(length, None, dtype=object)
    for start, runs in pieces:
        for run in runs:
            items = run.values.to_pylist()
            if run.kind == "json":
                items = [decode_json(item) for item in items]
            # Filled one by one: numpy would take a list of lists for a table.
            for position, item in zip(_positions(start, run).tolist(), items, strict=True):
                column[position] = item
    return pd.array(column, dtype=object)  # type: ignore[arg-type]


def _positions(start: int, run: Run) -> npt.NDArray[np.int64]:
    if run.rows is None:
        return np.arange(start, start + len(run.values), dtype=np.int64)
    return run.rows.astype(np.int64) + start


def _typed_column(kind: str, pieces: list[tuple[int, Run]], length: int) -> Any:
    values = [run.values for _, run in pieces]
    everywhere = sum(map(len, values)) == length and all(run.rows is None for _, run in pieces)
    where = None if everywhere else np.concatenate([_positions(start, run) for start, run in pieces])
    if kind == "str":
        if where is None:
            return texts(values)
        taken = np.full(length, -1, dtype=np.int64)
        taken[where] = np.arange(len(where))
        found = pa.chunked_array([_decoded(value) for value in values], pa.large_string())
        return _text_array(found.take(pa.array(taken, mask=taken < 0)))
    data = np.concatenate([value.to_numpy(zero_copy_only=False) for value in values])
    missing = np.zeros(length, dtype=bool)
    if where is not None:
        spread = np.full(length, np.nan) if kind == "float" else np.zeros(length, dtype=data.dtype)
        spread[where] = data
        data = spread
        missing[:] = True
        missing[where] = False
    if kind == "float":
        return pd.array(data, dtype="float64")
    return pd.arrays.IntegerArray(data, missing) if kind == "int" else pd.arrays.BooleanArray(data, missing)


def attribute_columns(
    batches: Sequence[tuple[int, Attributes]],
    length: int,
    prefix: str,
    *,
    every: bool = False,
    wanted: Collection[str] = (),
) -> tuple[dict[str, Any], int]:
    """Attributes as columns `prefix` + key, in the order in which the keys first occurred, and how many were left out.

    every: all keys, however rare. wanted: keys that get a column in any case, if they occur."""
    pieces: dict[str, list[tuple[int, Sequence[Run]]]] = {}
    for start, attributes in batches:
        for key, runs in attributes.items():
            pieces.setdefault(key, []).append((start, runs))
    chosen = with_column([attributes for _, attributes in batches], length, every=every, wanted=wanted)
    columns = {prefix + key: attribute_column(pieces[key], length) for key in chosen}
    return columns, len(pieces) - len(chosen)


def attribute_dicts(batches: Sequence[tuple[int, Attributes]], length: int) -> Any:
    """All attributes as one column of dicts; a span without any has an empty one."""
    dicts: list[dict[str, Any]] = [{} for _ in range(length)]
    for start, attributes in batches:
        for key, runs in attributes.items():
            for run in runs:
                items = run.values.to_pylist()
                if run.kind == "json":
                    items = [decode_json(item) for item in items]
                for position, item in zip(_positions(start, run).tolist(), items, strict=True):
                    dicts[position][key] = item
    column = np.empty(length, dtype=object)
    column[:] = dicts
    return pd.array(column, dtype=object)  # type: ignore[arg-type]
