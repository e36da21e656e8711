"""A recording as one Parquet file: a row is a span, and all else lies in the file's metadata.

Enters: a snapshot, or a path. Leaves: a file, or a snapshot. Its columns are those of arrow.py, which any reader of Parquet
shows. The metadata, which is text for the sake of those readers:

    nbtrace.format                       1
    nbtrace.attributes                   JSON: [column or null, key, kind] of each attribute, in the order in which they occurred
    nbtrace.dropped_spans, nbtrace.dropped_samples    numbers
    nbtrace.executions, .samples, .stacks, .statements    the tables of signals.py: base 64 of zstd of an Arrow IPC stream

The bytes have checksums (checksums.py): what was damaged is not even given to the library that reads Parquet, which trusts it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from nbtrace.formats.checked import without_twins
from nbtrace.formats.parquet.columns import chosen, counted
from nbtrace.formats.parquet.signals import (
    from_executions,
    from_samples,
    from_statements,
    to_executions,
    to_samples,
    to_statements,
)
from nbtrace.formats.parquet.source import BROKEN, Source, bound, count, opened, told
from nbtrace.formats.parquet.writing import write_spans
from nbtrace.formats.reading import Loaded
from nbtrace.store.span_store import Snapshot


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


def _packed(table: Any) -> str:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed, pa.ipc.new_stream(packed, table.schema) as stream:
        stream.write_table(table)
    return b64encode(sink.getvalue()).decode("ascii")


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
        count(metadata.get("nbtrace.dropped_spans")),
        samples,
        statements,
        count(metadata.get("nbtrace.dropped_samples")),
    )
    return Loaded(snapshot, tuple(said))


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
