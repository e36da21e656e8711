from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import nbtrace
from nbtrace.store.schema import RowFields, Thread
from nbtrace.store.span_store import SpanStore
from tests.rows import row


@pytest.fixture
def rec() -> nbtrace.Recording:
    store = SpanStore()
    for i in range(700):
        store.append(row(i + 1, parent=i, start=i, end=i + 3, n=i, s=f"k{i % 3}", mixed=i if i % 2 else f"t{i}"))
    nbtrace.Recording(store).spans()  # seals what there is, so that there are several batches
    last = list(row(9_000, start=5_000, end=0, rare=(1, "x"), s="k0"))
    last[RowFields._fields.index("thread")] = Thread(11, 23)  # without a name
    store.append(tuple(last))
    return nbtrace.Recording(store)


def test_the_arrow_table_is_the_span_table(rec: nbtrace.Recording) -> None:
    """Column by column and value by value; mixed attributes as text."""
    arrow, table = rec.to_arrow(), rec.spans(attributes="all")
    assert arrow.column_names == list(table.columns)
    assert arrow.schema.field("start_time").type == pa.timestamp("ns", "UTC")
    assert arrow.schema.field("duration").type == pa.duration("ns")
    assert arrow.schema.field("attributes.n").type == pa.int64()
    for name in table.columns:
        theirs = [
            None if value is None or value is pd.NA or value is pd.NaT or value != value else value
            for value in table[name]
        ]
        ours = arrow[name].to_pylist()
        if name in ("attributes.mixed", "attributes.rare"):
            assert ours[:2] + ours[-1:] == (
                ["t0", "1", None] if name == "attributes.mixed" else [None, None, '[1, "x"]']
            )
        elif name == "duration" or name in ("start_time", "end_time"):
            assert [None if value is None else value.value for value in theirs] == arrow[name].cast(
                pa.int64()
            ).to_pylist()
        else:
            assert ours == theirs, name


def test_others_read_a_recording_by_the_capsule_protocol(rec: nbtrace.Recording) -> None:
    read = (
        pa.RecordBatchReader.from_stream(rec).read_all()
        if hasattr(pa.RecordBatchReader, "from_stream")
        else pa.table(rec)
    )
    assert read.num_rows == 701
    assert read["name"].to_pylist()[0] == "work"


def test_the_arrow_table_goes_to_parquet_and_back(rec: nbtrace.Recording, tmp_path: Path) -> None:
    """Spans without a service, a scope or a named thread included: they have gaps, their dictionaries have none."""
    table = rec.to_arrow()
    pq.write_table(table, tmp_path / "run.parquet")
    read = pq.read_table(tmp_path / "run.parquet")
    assert table["service_name"].null_count == table.num_rows
    assert read.column_names == table.column_names
    for name in table.column_names:
        assert read[name].to_pylist() == table[name].to_pylist(), name


def test_an_empty_recording_is_an_empty_table() -> None:
    assert nbtrace.record().to_arrow().num_rows == 0
