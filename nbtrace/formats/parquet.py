"""A recording as one Parquet file: a row is a span, and all else lies in the file's metadata.

Enters: a snapshot, or a path. Leaves: a file, or a snapshot. Its columns are those of arrow.py, which any reader of Parquet
shows. The metadata, which is text for the sake of those readers:

    nbtrace.format                       1
    nbtrace.attributes                   JSON: [column or null, key, kind] of each attribute, in the order in which they occurred
    nbtrace.dropped_spans, nbtrace.dropped_samples    numbers
    nbtrace.executions, .samples, .stacks, .statements    the tables of signals.py: base 64 of zstd of an Arrow IPC stream

The bytes have checksums (checksums.py): what was damaged is not even given to the library that reads Parquet, which trusts it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nbtrace.formats.arrow import COLUMN_TYPES, MORE, attribute_field, from_table, named, to_table
from nbtrace.formats.checked import Checked, checked, without_twins
from nbtrace.formats.checksums import Damage, DamagedFileError, Summing, damage, footer_of
from nbtrace.formats.reading import Loaded, UnreadableFileError
from nbtrace.formats.signals import (
    from_executions,
    from_samples,
    from_statements,
    to_executions,
    to_samples,
    to_statements,
)
from nbtrace.store.batch import Batch
from nbtrace.store.rare_keys import MAX_COLUMNS, MIN_SHARE
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.store.seal import seal
from nbtrace.store.span_store import Snapshot

VERSION = 1

_GROUP_ROWS = 131_072
_GROUP_BYTES = 128_000_000

BROKEN = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, MemoryError)
"""What pyarrow raises, depending on where it notices that a file is none."""

Pair = tuple[str, str]
"""Key and kind of an attribute."""

SPANS = to_table(seal([])).schema
"""The columns that every file of spans has."""

MORE_FIELD = pa.field(MORE, SPANS.field("events").type.value_type.field("attributes").type)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_parquet(snapshot: Snapshot, file: BinaryIO) -> None:
    """Write a recording, without loss."""
    counts = counted(snapshot.batches)
    columns = chosen(counts, sum(batch.length for batch in snapshot.batches))
    samples, stacks = from_samples(snapshot.samples)
    metadata = {
        "nbtrace.dropped_spans": str(snapshot.dropped_spans),
        "nbtrace.dropped_samples": str(snapshot.dropped_samples),
        "nbtrace.executions": _packed(from_executions(snapshot.executions)),
        "nbtrace.samples": _packed(samples),
        "nbtrace.stacks": _packed(stacks),
        "nbtrace.statements": _packed(from_statements(snapshot.statements)),
    }
    write_spans(file, snapshot.batches, columns, counts, metadata)


def counted(batches: Iterable[Batch]) -> dict[Pair, int]:
    """Return on how many spans each attribute is, by key and kind, in the order in which they first occurred."""
    counts: dict[Pair, int] = {}
    for batch in batches:
        for key, runs in batch.attributes.items():
            for run in runs:
                counts[key, run.kind] = counts.get((key, run.kind), 0) + len(run.values)
    return counts


def chosen(counts: dict[Pair, int], length: int, known: dict[Pair, str] | None = None) -> dict[Pair, str]:
    """Return the names of the columns of those attributes that have one, `known` ones first. `length` is how many spans there
    are. Which have one is as in tables: readers of Parquet open each column of each row group."""
    keys = {key for key, _ in (*counts, *(known or ()))}
    if len(keys) <= MAX_COLUMNS:
        return named(counts, known)
    return named((pair for pair, count in counts.items() if count >= length * MIN_SHARE), known)


def spans_schema(columns: dict[Pair, str], *, more: bool) -> Any:
    """Return the schema of a file of spans with these attributes in columns; more: with others, too."""
    attributes = [attribute_field(name, *pair) for pair, name in columns.items()]
    return pa.schema([*SPANS, *([MORE_FIELD] if more else []), *attributes])


def write_spans(
    file: BinaryIO,
    batches: Sequence[Batch],
    columns: dict[Pair, str],
    attributes: Iterable[Pair],
    metadata: dict[str, str] | None = None,
    *,
    more: bool = False,
) -> None:
    """Write spans. attributes: all there are, in the order to be kept; more: whether there is a column for those without a column
    in any case."""
    order = [[columns.get(pair), *pair] for pair in attributes]
    schema = spans_schema(columns, more=more or any(column is None for column, *_ in order))
    said = {"nbtrace.attributes": json.dumps(order), **(metadata or {})}
    tables = (_completed(to_table(batch, columns), schema) for batch in batches)
    write_table(file, schema, _grouped(tables), said)


def _completed(table: Any, schema: Any) -> Any:
    columns = [
        table[each.name] if each.name in table.schema.names else pa.nulls(table.num_rows, each.type) for each in schema
    ]
    return pa.table(columns, schema=schema)


def _grouped(tables: Iterable[Any]) -> Iterator[Any]:
    """Tables of about a row group each."""
    kept: list[Any] = []
    for table in tables:
        if kept and (
            sum(each.num_rows for each in kept) + table.num_rows > _GROUP_ROWS
            or sum(each.nbytes for each in kept) + table.nbytes > _GROUP_BYTES
        ):
            yield pa.concat_tables(kept)
            kept = []
        kept.append(table)
    if kept:
        yield pa.concat_tables(kept)


def write_table(file: BinaryIO, schema: Any, groups: Iterable[Any], metadata: dict[str, str]) -> None:
    """Write tables of one schema, a row group each, with checksums."""
    groups = iter(groups)
    first = next(groups, None)
    sink = Summing(file)
    said = {"nbtrace.format": str(VERSION), **metadata}
    # A schema that is stored holds all of its metadata once more; before 16 pyarrow knows no other way.
    later = hasattr(pq.ParquetWriter, "add_key_value_metadata")
    writer = pq.ParquetWriter(
        pa.PythonFile(sink, mode="w"),
        schema if later else schema.with_metadata(said),
        compression="zstd",
        compression_level=3,
        store_schema=not later,
        write_statistics=[each.name for each in schema if each.name in _WITH_STATISTICS],
        dictionary_pagesize_limit=8 << 20,
        **_encodings(schema, first),
    )
    while first is not None:
        if first.num_rows:
            writer.write_table(first, row_group_size=first.num_rows)
        first = next(groups, None)
    sink.footer_begins()
    if later:
        writer.add_key_value_metadata(said)
    writer.close()
    sink.finish()


_WITH_STATISTICS = frozenset(
    ("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano", "execution", "name", "status_code", "state")
)
"""Columns of which a reader may skip row groups; of ids and texts it cannot."""

_TESTED_ROWS = 16_384


def _encodings(schema: Any, table: Any) -> dict[str, Any]:
    """How columns are encoded: by a dictionary where values repeat, numbers otherwise by what they have in common."""
    dictionary, encodings = [], {}
    for at, each in enumerate(schema):
        tested = None if table is None else table.column(at).slice(0, _TESTED_ROWS)
        for path, leaf in _leaves(each.name, each.type):
            flat = path == each.name
            special = {pa.int64(): "DELTA_BINARY_PACKED", pa.float64(): "BYTE_STREAM_SPLIT"}.get(leaf) if flat else None
            repeats = tested is None or not flat or pa.types.is_boolean(leaf) or _repeats(tested)
            if special is not None and (each.name in _TIMES or not repeats):
                encodings[path] = special
            elif repeats and not pa.types.is_boolean(leaf):
                dictionary.append(path)
    return {"use_dictionary": dictionary, "column_encoding": encodings or None}


_TIMES = frozenset(("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano"))


def _repeats(column: Any) -> bool:
    return bool(pc.count_distinct(column).as_py() * 2 <= max(2, len(column) - column.null_count))


def _leaves(path: str, kind: Any) -> Iterator[tuple[str, Any]]:
    """The columns as Parquet has them: those of lists and structs lie below."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for each in kind:
            yield from _leaves(f"{path}.{each.name}", each.type)
    else:
        yield path, kind


def _packed(table: Any) -> str:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed, pa.ipc.new_stream(packed, table.schema) as stream:
        stream.write_table(table)
    return b64encode(sink.getvalue()).decode("ascii")


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_parquet(path: Path) -> Loaded:
    """Return what a file holds, and what of it could not be read. Raises UnreadableFileError where that is all, and OSError."""
    with opened(path) as source:
        batches = list(source.batches())
        found, unread = without_twins(batches)
        said = [*source.unread, *unread]
        metadata = source.metadata
        executions = _unpacked(source, "executions", to_executions, (), said)
        statements = _unpacked(source, "statements", to_statements, (), said)
        stacks = _unpacked(source, "stacks", lambda table: table, None, said)
        samples: Any = ()
        if stacks is not None:
            samples, wrong = _unpacked(source, "samples", lambda table: to_samples(table, stacks), ((), ""), said)
            said += [wrong] if wrong else []
    snapshot = Snapshot(
        tuple(found),
        executions,
        _count(metadata.get("nbtrace.dropped_spans")),
        samples,
        statements,
        _count(metadata.get("nbtrace.dropped_samples")),
    )
    return Loaded(snapshot, tuple(said))


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 19 else 0


def bound(size: int) -> int:
    """Return how much memory a file of so many bytes may take: far more than what is honest needs, far less than a file can claim
    that was made to exhaust whoever reads it."""
    return (1 << 28) + 100 * size


def _unpacked(source: Source, name: str, of: Callable[[Any], Any], otherwise: Any, unread: list[str]) -> Any:
    """A signal from the metadata; `otherwise` where there is none, or none that can be read."""
    text = source.metadata.get(f"nbtrace.{name}")
    if text is None:
        return otherwise
    try:
        packed = b64decode(text, validate=True)
        most, pieces = bound(len(packed)), []
        with pa.input_stream(pa.py_buffer(packed), compression="zstd") as stream:
            while piece := stream.read(1 << 20):
                pieces.append(piece)
                if (most := most - len(piece)) < 0:
                    raise pa.ArrowInvalid("they are far larger than a file of this size can hold")
        table = pa.ipc.open_stream(b"".join(pieces)).read_all()
        # Before anything looks at it: offsets may lead anywhere.
        table.validate(full=True)
        return of(table)
    except BROKEN as error:
        unread.append(f"its {name} cannot be read: {told(error)}")
        return otherwise


def told(error: BaseException) -> str:
    """Return what an error of a library says, in a line."""
    text = str(error) if not isinstance(error, KeyError) else f"there is no {error.args[0]!r}"
    return (text.split("\n")[0][:300].strip().rstrip(".")) or type(error).__name__


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
        paths = {leaf for each in wanted for leaf, kind in _leaves(each.name, each.type) if _is_text(kind)}
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
                for batch in reader.iter_batches(_GROUP_ROWS, row_groups=[at], columns=columns):
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
        if version is not None and _count(version) > VERSION:
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
