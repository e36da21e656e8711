"""Tables become Parquet: encoded by what they hold, a row group at a time, with checksums.

Enters: batches of spans, or tables. Leaves: bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nbtrace.formats.arrow import to_table
from nbtrace.formats.parquet.checksums import Summing
from nbtrace.formats.parquet.columns import GROUP_ROWS, VERSION, Pair, leaves, spans_schema
from nbtrace.store.batch import Batch

_GROUP_BYTES = 128_000_000


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
            sum(each.num_rows for each in kept) + table.num_rows > GROUP_ROWS
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
        for path, leaf in leaves(each.name, each.type):
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
