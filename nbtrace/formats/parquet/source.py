"""A Parquet file that somebody else may have written, damaged or made to harm: what of it can be read.

Enters: a path. Leaves: tables and batches, within a bound of memory, and what could not be read. What has checksums is checked
before the library is given it, as that trusts what it reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nbtrace.formats.arrow import COLUMN_TYPES, MORE, from_table
from nbtrace.formats.checked import Checked, checked
from nbtrace.formats.parquet.checksums import Damage, DamagedFileError, damage, footer_of
from nbtrace.formats.parquet.columns import GROUP_ROWS, VERSION, Pair, leaves, spans_schema
from nbtrace.formats.reading import UnreadableFileError
from nbtrace.store.batch import Batch
from nbtrace.store.schema import ATTRIBUTE_PREFIX

BROKEN = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, MemoryError)
"""What pyarrow raises, depending on where it notices that a file is none."""


def bound(size: int) -> int:
    """Return how much memory a file of so many bytes may take: far more than what is honest needs, far less than a file can claim
    that was made to exhaust whoever reads it."""
    return (1 << 28) + 100 * size


def told(error: BaseException) -> str:
    """Return what an error of a library says, in a line."""
    text = str(error) if not isinstance(error, KeyError) else f"there is no {error.args[0]!r}"
    return (text.split("\n")[0][:300].strip().rstrip(".")) or type(error).__name__


def count(text: str | None) -> int:
    """Return a number of the metadata, 0 for what is none."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 19 else 0


@dataclass
class Source:
    """A Parquet file that is being read."""

    path: Path
    size: int
    file: Any
    parquet: Any
    metadata: dict[str, str]
    damage: Damage | None
    """None for a file without checksums, which is not ours."""
    _unread: list[str] = field(default_factory=list)
    _lost: dict[str, int] = field(default_factory=dict)
    """How many rows could not be read, by the reason."""

    @property
    def unread(self) -> list[str]:
        """What could not be read so far."""
        return [*self._unread, *(f"{_rows(count)} cannot be read: {why}" for why, count in self._lost.items())]

    def lost(self, rows: int, error: BaseException) -> None:
        """Note that rows could not be read."""
        why = told(error)
        self._lost[why] = self._lost.get(why, 0) + rows

    @property
    def schema(self) -> Any:
        """The columns that the file has."""
        return self.parquet.schema_arrow

    def attributes(self) -> dict[str, Pair]:
        """By the name of a column the attribute that it holds, in the order in which they first occurred; a column that is not
        known has the key of its name, and what it holds for its kind."""
        kinds = {kind: name for name, kind in COLUMN_TYPES.items() if name not in ("none", "json")}
        names = [name for name in self.schema.names if name.startswith(ATTRIBUTE_PREFIX)]
        known = {column: (key, kind) for column, key, kind in self.order() if column is not None}
        found = {name: pair for name, pair in known.items() if name in names}
        for name in names:
            if name not in found:
                found[name] = (name[len(ATTRIBUTE_PREFIX) :], kinds.get(_as_ours(self.schema.field(name).type), ""))
        return found

    def order(self) -> list[tuple[str | None, str, str]]:
        """Return column, key and kind of all attributes, in the order in which they first occurred."""
        try:
            listed = json.loads(self.metadata.get("nbtrace.attributes", "[]"))
            return [
                (None if column is None else str(column), str(key), str(kind))
                for column, key, kind in listed
                if kind in COLUMN_TYPES
            ]
        except (ValueError, TypeError, RecursionError):
            return []

    def tables(self, schema: Any, names: Sequence[str] | None = None) -> Iterator[Any]:
        """Give the rows, some at a time, of these columns of the schema, which the file must have. Of row groups that are damaged
        it is counted how many rows they had."""
        wanted = [each for each in schema if names is None or each.name in names]
        self._fits(wanted)
        paths = {leaf for each in wanted for leaf, kind in leaves(each.name, each.type) if _is_text(kind)}
        footer = self.parquet.metadata
        columns = [each.name for each in wanted]
        reader = pq.ParquetFile(
            self.file,
            metadata=footer,
            read_dictionary=sorted(paths & _leaf_paths(footer)),
            thrift_string_size_limit=self.size + 1,
            thrift_container_size_limit=_MOST_ITEMS,
        )
        left = claims = bound(self.size)
        damaged = [0, 0]
        for at in range(footer.num_row_groups):
            group = footer.row_group(at)
            if self.damage is not None and self.damage.hits(*_extent(group)):
                damaged = [damaged[0] + 1, damaged[1] + group.num_rows]
                continue
            given = 0
            try:
                if self.damage is None:
                    # Asking the library about a column ends the process where its description is damaged; reading one does not.
                    if claims < group.total_byte_size:
                        raise self.refused(_TOO_LARGE)
                    next(reader.iter_batches(_FEW_ROWS, row_groups=[at], columns=columns), None)
                claims -= self._claimed(group, columns)
                if claims < 0:
                    raise self.refused(_TOO_LARGE)
                for batch in reader.iter_batches(GROUP_ROWS, row_groups=[at], columns=columns):
                    table = pa.Table.from_batches([batch]).select(columns)
                    left -= _expanded(table, wanted)
                    if left < 0:
                        raise self.refused(_TOO_LARGE)
                    table.validate(full=True)
                    given += table.num_rows
                    yield table
            except UnreadableFileError:
                raise
            except BROKEN as error:
                self.lost(group.num_rows - given, error)
        if damaged[0]:
            self._unread.append(
                f"{_rows(damaged[1])} of {_rows(footer.num_rows)} are missing: {damaged[0]} of {footer.num_row_groups} "
                "parts of the file are not what was written"
            )

    def batches(self) -> Iterator[Batch]:
        """Give the spans. Raises UnreadableFileError if the columns are not those of spans."""
        attributes, places = self.attributes(), {(k, kind): at for at, (_, k, kind) in enumerate(self.order())}
        unknown = [name for name, (_, kind) in attributes.items() if kind not in COLUMN_TYPES]
        if unknown:
            said = ", ".join(f"{name} ({self.schema.field(name).type})" for name in unknown)
            self._unread.append(f"attributes of types that no attribute has are left out: {said}")
        known = {pair: name for name, pair in attributes.items() if name not in unknown}
        schema = spans_schema(known, more=MORE in self.schema.names)
        counts = Checked()
        for table in self.tables(schema):
            fields = [each.with_type(table.schema.field(each.name).type) for each in schema]
            try:
                batch = checked(from_table(pa.table(table.columns, schema=pa.schema(fields))), counts)
            except BROKEN as error:
                self.lost(table.num_rows, error)
                continue
            yield _in_order(batch, places)
        self._unread += counts.said()

    def _claimed(self, group: Any, names: Sequence[str]) -> int:
        """The memory that a row group claims to take."""
        total = 0
        for at in range(group.num_columns):
            path = self.parquet.metadata.schema.column(at).path
            if path not in names and path.split(".")[0] not in names:
                continue
            column = group.column(at)
            if "DELTA_BYTE_ARRAY" in column.encodings:
                # A text may repeat all of the one before it in no space at all, and so on for millions.
                raise self.refused(
                    f"{column.path_in_schema} is encoded as DELTA_BYTE_ARRAY, which can hide any size; write it anew with "
                    "another encoding"
                )
            if column.total_uncompressed_size < 0 or column.num_values < 0:
                raise self.refused(_TOO_LARGE)
            total += column.total_uncompressed_size
        return total

    def refused(self, why: str) -> UnreadableFileError:
        """Return the error that says why the file cannot be read."""
        return UnreadableFileError(f"{str(self.path)!r} cannot be read: {why}.")

    def _fits(self, wanted: Sequence[Any]) -> None:
        """Raise UnreadableFileError if a column is missing, or of another type."""
        names = self.schema.names
        missing = [each.name for each in wanted if each.name not in names]
        if missing:
            more = f" and {len(missing) - _NAMED} others" if len(missing) > _NAMED else ""
            named = ", ".join(missing[:_NAMED])
            raise self.refused(f"it is Parquet, but has no column {named}{more}, so it is none of nbtrace's")
        wrong = []
        for each in wanted:
            if names.count(each.name) > 1:
                wrong.append(f"{each.name} is there {names.count(each.name)} times")
            elif _as_ours(has := self.schema.field(each.name).type) != _as_ours(each.type):
                wrong.append(f"{each.name} is {has}, and not {each.type}")
        if wrong:
            raise self.refused(f"its columns are of other types than nbtrace's: {'; '.join(wrong)}")


_TOO_LARGE = "it claims to be far larger than a file of its size can honestly be"

_NAMED = 3
"""Of the columns that are missing so many are named."""

_FEW_ROWS = 16

_MOST_ITEMS = 100_000
"""Columns, row groups and the like: the limit of the library would let a small footer become a gigabyte."""


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a Parquet file. Raises UnreadableFileError if it is none, is damaged at its end or of a newer nbtrace, and OSError."""
    with open(path, "rb"):
        pass  # says in the usual words that there is none, or that it may not be read
    with pa.OSFile(str(path)) as file:
        size = file.size()
        if not size:
            raise UnreadableFileError(f"{str(path)!r} is empty.")
        try:
            footer = footer_of(lambda length, at: _read(file, length, at), size)
            found = damage(lambda length, at: _read(file, length, at), size, footer)
        except DamagedFileError as error:
            raise UnreadableFileError(f"{str(path)!r} cannot be read: {error}.") from None
        try:
            parquet = pq.ParquetFile(file, thrift_string_size_limit=size + 1, thrift_container_size_limit=_MOST_ITEMS)
            metadata = {
                key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
                for key, value in (parquet.metadata.metadata or {}).items()
            }
            source = Source(path, size, file, parquet, metadata, found)
            source.schema  # noqa: B018 # read here, where it is caught
        except BROKEN as error:
            raise UnreadableFileError(f"{str(path)!r} cannot be read as Parquet: {told(error)}.") from None
        version = metadata.get("nbtrace.format")
        if version is not None and count(version) > VERSION:
            raise source.refused(
                f"it was written by a newer nbtrace (format {version[:20]}; this one knows {VERSION}). Type  "
                "pip install --upgrade nbtrace"
            )
        yield source


def _read(file: Any, length: int, at: int) -> bytes:
    found: bytes = file.read_at(length, at)
    return found


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _leaf_paths(footer: Any) -> set[str]:
    return {footer.schema.column(at).path for at in range(len(footer.schema))}


def _extent(group: Any) -> tuple[int, int]:
    """From where to where in the file a row group lies."""
    columns = [group.column(at) for at in range(group.num_columns)]
    starts = [min(filter(None, (c.dictionary_page_offset, c.data_page_offset)), default=0) for c in columns]
    ends = [start + c.total_compressed_size for start, c in zip(starts, columns, strict=True)]
    return min(starts, default=0), max(ends, default=0)


def _expanded(table: Any, fields: Sequence[Any]) -> int:
    """What rows take once they are a batch: texts that repeat stay so, but for those that no batch has so."""
    total = 0
    for column, each in zip(table.columns, fields, strict=True):
        keeps = pa.types.is_string(each.type) and not each.name.endswith("span_id")
        keeps = keeps and (each.metadata or {}).get(b"kind", b"str") == b"str"
        for chunk in column.chunks:
            total += chunk.nbytes if keeps else _weight(chunk)
    return total


def _weight(array: Any) -> int:
    """The bytes of an array without dictionaries."""
    if isinstance(array, pa.DictionaryArray):
        lengths = np.asarray(pc.binary_length(array.dictionary).fill_null(0)).astype(np.int64)
        codes = np.asarray(array.indices.fill_null(0)).astype(np.int64)
        return int(lengths[codes].sum()) + 8 * len(array) if len(lengths) else 8 * len(array)
    if pa.types.is_list(array.type):
        return 4 * len(array) + _weight(array.flatten())
    if pa.types.is_struct(array.type):
        return sum(_weight(array.field(at)) for at in range(array.type.num_fields))
    return int(array.nbytes)


def _as_ours(kind: Any) -> Any:
    """A type as Parquet has it: how long texts may be in memory, or how they are encoded, is no difference."""
    if isinstance(kind, pa.DictionaryType):
        return _as_ours(kind.value_type)
    if pa.types.is_large_string(kind) or str(kind) == "string_view":
        return pa.string()
    if pa.types.is_large_binary(kind) or str(kind) == "binary_view":
        return pa.binary()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_as_ours(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(each.name, _as_ours(each.type)) for each in kind])
    return kind


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _in_order(batch: Batch, places: dict[Pair, int]) -> Batch:
    """The batch with its attributes in the order in which they first occurred."""
    last = len(places)
    runs = {
        key: sorted(found, key=lambda run, key=key: places.get((key, run.kind), last))  # type: ignore[misc]
        for key, found in batch.attributes.items()
    }
    first = {key: places.get((key, found[0].kind), last) for key, found in runs.items()}
    return replace(batch, attributes={key: runs[key] for key in sorted(runs, key=first.__getitem__)})
