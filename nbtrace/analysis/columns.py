"""Put the columns of many batches together: one pandas column from the pieces of each batch.

Enters: sealed batches. Leaves: pandas arrays with the dtypes of the span table, also from no rows at all. A column is made
in the order that is wanted, `rows` being the row of all batches that stands in each place: sorting the finished table would
write all its memory twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from nbtrace.store.batch import Attributes, Run
from nbtrace.store.rare_keys import with_column
from nbtrace.store.values import decode_json

Ints = npt.NDArray[np.int64]
Piece = tuple[int, Sequence[Run]]
"""The first row of a batch in which a key occurs, and its runs there."""

_PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3

TEXT: Any = pd.StringDtype(na_value=np.nan) if _PANDAS_3 else pd.StringDtype("pyarrow_numpy")
"""`str`: pandas 3's default string dtype; before pandas 3 the same thing under its provisional name."""

_MISSING = np.iinfo(np.int64).min  # NaT


def texts(chunks: Sequence[Any], rows: Ints | None = None) -> Any:
    """A str column from Arrow strings, dictionary-encoded or not."""
    if rows is None or _is_one_text(chunks):
        return _text_array(pa.chunked_array([_decoded(chunk) for chunk in _cut(chunks, rows)], pa.large_string()))
    if all(isinstance(chunk, pa.DictionaryArray) for chunk in chunks):
        codes, dictionary = _coded(chunks)
        return _text_array(_taken(dictionary, codes[rows]))
    together = pa.concat_arrays([_decoded(chunk) for chunk in chunks])
    return _text_array(together.take(pa.array(rows)))


def labels(chunks: Sequence[Any], names: Sequence[str | None], rows: Ints | None = None) -> Any:
    """A str column from integer codes into a short list of names."""
    known = pa.array(names, pa.string())
    coded = []
    for chunk in chunks:
        codes = np.asarray(chunk)
        if len(codes) and (codes == codes[0]).all():
            coded.append(pa.DictionaryArray.from_arrays(np.zeros(len(codes), np.int8), known[codes[0] : codes[0] + 1]))
        else:
            coded.append(pa.DictionaryArray.from_arrays(codes.astype(np.int32), known))
    return texts(coded, rows)


def _text_array(found: Any) -> Any:
    """A str column over Arrow's memory."""
    return pd.Series(TEXT.construct_array_type()(found), dtype=TEXT).array


def _is_one_text(chunks: Sequence[Any]) -> bool:
    """Whether all chunks hold the same text, or none, over and over: any order of it is the same."""
    kept = [chunk for chunk in chunks if len(chunk)]
    known = [_only_text(chunk) for chunk in kept]
    return not kept or (known[0] is not _SEVERAL and all(text == known[0] for text in known[1:]))


_SEVERAL = object()


def _only_text(chunk: Any) -> Any:
    """The one text (or None) of a dictionary-encoded chunk, `_SEVERAL` if there are more."""
    if isinstance(chunk, pa.DictionaryArray):
        if chunk.null_count == len(chunk):
            return None
        if len(chunk.dictionary) == 1 and not chunk.null_count:
            return chunk.dictionary[0].as_py()
    return _SEVERAL


def _cut(chunks: Sequence[Any], rows: Ints | None) -> Sequence[Any]:
    """Chunks of one text, as many rows of them as are wanted."""
    if rows is None or len(rows) == sum(map(len, chunks)):
        return chunks
    only = next((_only_text(chunk) for chunk in chunks if len(chunk)), None)
    return [_repeated(only, len(rows))]


def _decoded(chunk: Any) -> Any:
    only = _only_text(chunk)
    return chunk.cast(pa.large_string()) if only is _SEVERAL else _repeated(only, len(chunk))


@lru_cache(maxsize=32)
def _repeated(text: str | None, length: int) -> Any:
    """One text over and over. Most batches have one kind, one status and one scope: sharing the memory spares the first
    DataFrame of a million spans half its time."""
    return (
        pa.nulls(length, pa.large_string()) if text is None else pa.repeat(pa.scalar(text, pa.large_string()), length)
    )


def _coded(chunks: Sequence[Any]) -> tuple[npt.NDArray[np.int32], Any]:
    """All chunks as codes, -1 for a gap, into one dictionary; a text of several chunks stands in it several times."""
    codes, start = [], 0
    for chunk in chunks:
        own = np.asarray(chunk.indices.fill_null(-1)).astype(np.int32)
        codes.append(np.where(own < 0, -1, own + start) if chunk.null_count else own + start)
        start += len(chunk.dictionary)
    dictionary = pa.concat_arrays([chunk.dictionary.cast(pa.large_string()) for chunk in chunks])
    return np.concatenate(codes, dtype=np.int32), dictionary


def _taken(dictionary: Any, codes: npt.NDArray[Any]) -> Any:
    gaps = codes < 0
    return dictionary.take(pa.array(codes, mask=gaps) if gaps.any() else pa.array(codes))


def integers(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None = None) -> Any:
    """An Int64 column."""
    mask = np.zeros(len(values), dtype=bool) if missing is None else missing
    return pd.arrays.IntegerArray(values.astype(np.int64, copy=False), mask)


def counts(chunks: Sequence[Any], rows: Ints | None = None) -> Any:
    """An Int64 column of numbers most of which are 0."""
    length = sum(map(len, chunks)) if rows is None else len(rows)
    if not any(np.asarray(chunk).any() for chunk in chunks):
        return integers(np.zeros(length, dtype=np.int64))  # which costs nothing until it is written to
    return integers(ordered(numbers(chunks), rows))


def threads(chunks: Sequence[Any], rows: Ints | None = None) -> dict[str, Any]:
    """The columns thread_id, thread_name and process_pid, from dictionaries of threads."""
    code, known = _structs(chunks, rows)

    def numbers_of(field: str) -> Any:
        missing = np.array([thread[field] is None for thread in known], dtype=bool)
        values = np.array([thread[field] or 0 for thread in known], dtype=np.int64)
        return integers(values[code], missing[code] if missing.any() else None)

    names = pa.array([thread["thread_name"] for thread in known], pa.large_string())
    return {
        "thread_id": numbers_of("thread_id"),
        "thread_name": texts([pa.DictionaryArray.from_arrays(code, names)]),
        "process_pid": numbers_of("process_pid"),
    }


def origins(chunks: Sequence[Any], rows: Ints | None = None) -> dict[str, Any]:
    """The columns service_name and scope_name, from dictionaries of origins."""
    code, known = _structs(chunks, rows)

    def texts_of(field: str) -> Any:
        names = pa.array([each[field] for each in known], pa.large_string())
        return texts([pa.DictionaryArray.from_arrays(code, names)])

    return {"service_name": texts_of("service_name"), "scope_name": texts_of("scope_name")}


def _structs(chunks: Sequence[Any], rows: Ints | None) -> tuple[npt.NDArray[np.int32], list[dict[str, Any]]]:
    """Codes into one list of what the dictionaries of all chunks hold, each of it once."""
    place: dict[tuple[Any, ...], int] = {}
    known: list[dict[str, Any]] = []
    codes = []
    for chunk in chunks:
        found = chunk.dictionary.to_pylist()
        for each in found:
            if place.setdefault(tuple(each.values()), len(known)) == len(known):
                known.append(each)
        here = np.array([place[tuple(each.values())] for each in found], dtype=np.int32)
        codes.append(here[np.asarray(chunk.indices)])
    return ordered(np.concatenate(codes) if codes else np.zeros(0, dtype=np.int32), rows), known


def ordered(values: npt.NDArray[Any], rows: Ints | None) -> npt.NDArray[Any]:
    """The values in the order that is wanted."""
    return values if rows is None else values[rows]


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


def attribute_column(pieces: Sequence[Piece], length: int, place: Ints | None = None) -> Any:
    """One attribute's column over all rows, each row of all batches in its `place`.

    One type throughout gives Int64, float64, boolean or str; several, and arrays, maps and bytes, give object, with each
    value as it was."""
    kinds = {run.kind for _, runs in pieces for run in runs} - {"none"}
    if len(kinds) == 1 and (kind := next(iter(kinds))) in ("int", "float", "bool", "str"):
        chosen = [(start, run) for start, runs in pieces for run in runs if run.kind == kind]
        return _typed_column(kind, chosen, length, place)
    column = np.full(length, None, dtype=object)
    for start, runs in pieces:
        for run in runs:
            # Filled one by one: numpy would take a list of lists for a table.
            for position, item in zip(_positions(start, run, place).tolist(), _items(run), strict=True):
                column[position] = item
    return pd.array(column, dtype=object)  # type: ignore[arg-type]


def _positions(start: int, run: Run, place: Ints | None) -> Ints:
    length = len(run.values)
    rows = np.arange(start, start + length) if run.rows is None else run.rows.astype(np.int64) + start
    return rows if place is None else place[rows]


def _items(run: Run) -> list[Any]:
    items: list[Any] = run.values.to_pylist()
    return [decode_json(item) for item in items] if run.kind == "json" else items


def _typed_column(kind: str, pieces: list[tuple[int, Run]], length: int, place: Ints | None) -> Any:
    values = [run.values for _, run in pieces]
    everywhere = sum(map(len, values)) == length and all(run.rows is None for _, run in pieces)
    if kind == "str" and everywhere and place is None:
        return texts(values)
    where = None
    if place is not None or not everywhere:
        where = np.concatenate([_positions(start, run, place) for start, run in pieces])
    if kind == "str":
        if all(isinstance(value, pa.DictionaryArray) for value in values):
            codes, known = _coded(values)
        else:
            known = pa.concat_arrays([_decoded(value) for value in values])
            codes = np.arange(len(known), dtype=np.int32)
        spread = np.full(length, -1, dtype=np.int32)
        spread[where] = codes
        return _text_array(_taken(known, spread))
    data = np.concatenate([value.to_numpy(zero_copy_only=False) for value in values])
    missing = np.zeros(length, dtype=bool)
    if where is not None:
        filled = np.full(length, np.nan) if kind == "float" else np.zeros(length, dtype=data.dtype)
        filled[where] = data
        data = filled
    if not everywhere and where is not None:
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
    place: Ints | None = None,
) -> tuple[dict[str, Any], int]:
    """Attributes as columns `prefix` + key, in the order in which the keys first occurred, and how many were left out.

    batches: the first row of each, and its attributes. every: all keys, however rare. wanted: keys that get a column in any
    case, if they occur. place: where each row goes."""
    pieces: dict[str, list[Piece]] = {}
    for start, attributes in batches:
        for key, runs in attributes.items():
            pieces.setdefault(key, []).append((start, runs))
    chosen = with_column([attributes for _, attributes in batches], length, every=every, wanted=wanted)
    columns = {prefix + key: attribute_column(pieces[key], length, place) for key in chosen}
    return columns, len(pieces) - len(chosen)


def attribute_dicts(batches: Sequence[tuple[int, Attributes]], length: int, place: Ints | None = None) -> Any:
    """All attributes as one column of dicts; a span without any has an empty one."""
    dicts: list[dict[str, Any]] = [{} for _ in range(length)]
    for start, attributes in batches:
        for key, runs in attributes.items():
            for run in runs:
                for position, item in zip(_positions(start, run, place).tolist(), _items(run), strict=True):
                    dicts[position][key] = item
    column = np.empty(length, dtype=object)
    column[:] = dicts
    return pd.array(column, dtype=object)  # type: ignore[arg-type]
