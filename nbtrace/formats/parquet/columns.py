"""The columns of a file of spans: those that all have, and which attributes have one of their own.

Enters: batches. Leaves: schemas, and names of columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from nbtrace.formats.arrow import MORE, attribute_field, named, to_table
from nbtrace.store.batch import Batch
from nbtrace.store.rare_keys import MAX_COLUMNS, MIN_SHARE
from nbtrace.store.seal import seal

VERSION = 1
"""Of the files that are written; those of a later one are not read."""

Pair = tuple[str, str]
"""Key and kind of an attribute."""

SPANS = to_table(seal([])).schema
"""The columns that every file of spans has."""

MORE_FIELD = pa.field(MORE, SPANS.field("events").type.value_type.field("attributes").type)

GROUP_ROWS = 131_072
"""Rows of a row group, and the most that are read at once."""


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


def leaves(path: str, kind: Any) -> Iterator[tuple[str, Any]]:
    """The columns as Parquet has them: those of lists and structs lie below."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for each in kind:
            yield from leaves(f"{path}.{each.name}", each.type)
    else:
        yield path, kind
