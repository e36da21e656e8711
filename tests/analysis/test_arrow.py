from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

import nbtrace
from nbtrace.store.store import SpanStore
from tests.rows import row


@pytest.fixture
def rec() -> nbtrace.Recording:
    store = SpanStore()
    for i in range(700):
        store.append(row(i + 1, parent=i, start=i, end=i + 3, n=i, s=f"k{i % 3}", mixed=i if i % 2 else f"t{i}"))
    nbtrace.Recording(store).spans()  # seals what there is, so that there are several batches
    store.append(row(9_000, start=5_000, end=0, rare=(1, "x"), s="k0"))
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


def test_an_empty_recording_is_an_empty_table() -> None:
    assert nbtrace.record().to_arrow().num_rows == 0
