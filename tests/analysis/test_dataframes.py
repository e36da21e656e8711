from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrace
from nbtrace.analysis import dataframes
from nbtrace.analysis.columns import TEXT
from nbtrace.store.schema import Extra
from nbtrace.store.span_store import SpanStore
from tests.rows import row

SPAN_DTYPES = {
    **dict.fromkeys(["trace_id", "span_id", "parent_span_id", "name", "kind"], TEXT),
    **dict.fromkeys(["start_time", "end_time"], pd.DatetimeTZDtype("ns", "UTC")),
    "duration": np.dtype("m8[ns]"),
    **dict.fromkeys(["status_code", "status_message"], TEXT),
    "cell": pd.Int64Dtype(),
    **dict.fromkeys(["state", "thread_name", "service_name", "scope_name"], TEXT),
    **dict.fromkeys(["thread_id", "process_pid"], pd.Int64Dtype()),
    **dict.fromkeys(
        ["event_count", "link_count", "dropped_attributes", "dropped_events", "dropped_links"], pd.Int64Dtype()
    ),
}


def store_of(*rows: Any) -> SpanStore:
    store = SpanStore()
    for each in rows:
        store.append(each)
    return store


@pytest.mark.parametrize("full", [False, True])
def test_the_tables_have_their_dtypes_even_when_empty(full: bool) -> None:
    """A plot or a join written against one recording works on the next, empty or not."""
    extra = Extra(events=((5, "exception", (), ()),), links=((1, 2, (), ()),))
    with nbtrace.record() as rec:
        if full:
            with nbtrace.span("x") as span:
                span.record_exception(ValueError("v"))
                span.add_link(span.get_span_context())
    assert rec.spans().dtypes.to_dict() == SPAN_DTYPES
    text, count = TEXT, pd.Int64Dtype()
    time, length = pd.DatetimeTZDtype("ns", "UTC"), np.dtype("m8[ns]")
    events = rec.events().dtypes.to_dict()
    assert dict(list(events.items())[:6]) == {
        "trace_id": text,
        "span_id": text,
        "span_name": text,
        "cell": count,
        "time": time,
        "name": text,
    }
    assert rec.links().dtypes.to_dict() == dict.fromkeys(
        ["trace_id", "span_id", "span_name", "linked_trace_id", "linked_span_id"], text
    )
    assert rec.errors().dtypes.to_dict() == {
        "trace_id": text,
        "span_id": text,
        "span_name": text,
        "cell": count,
        "time": time,
        "exception_type": text,
        "exception_message": text,
        "exception_stacktrace": text,
    }
    assert rec.cells().dtypes.to_dict() == {
        "cell": count,
        "cell_id": text,
        "run": count,
        "source": text,
        "start_time": time,
        "duration": length,
        "status_code": text,
        "exception_type": text,
        "span_count": count,
        "error_count": count,
        "change": length,
        **dict.fromkeys(["cpu", "gc"], length),
        "cores": np.dtype(float),
        **dict.fromkeys(["memory_peak", "memory_change", "read_bytes", "written_bytes"], count),
        "hottest": text,
        "shared": np.dtype(bool),
    }
    assert len(rec.spans(attributes="dict").columns) == len(SPAN_DTYPES) + 1
    assert extra.links


def test_attributes_come_by_their_type() -> None:
    store = store_of(
        row(1, i=1, f=0.5, b=True, s="x", mixed=1, a=(1, 2)),
        row(2, i=2, mixed="x"),
        row(3, i=3, f=1.5, b=False, s="y", mixed=2.5, m={"k": 1}),
    )
    table = dataframes.spans(store.snapshot())
    kinds = {column[11:]: str(table[column].dtype) for column in table.columns if column.startswith("attributes.")}
    assert kinds == {
        "i": "Int64",
        "f": "float64",
        "b": "boolean",
        "s": str(TEXT),
        "mixed": "object",
        "a": "object",
        "m": "object",
    }
    assert table["attributes.i"].tolist() == [1, 2, 3]
    assert table["attributes.mixed"].tolist() == [1, "x", 2.5]
    assert table["attributes.a"].tolist() == [[1, 2], None, None]
    assert table["attributes.b"].isna().tolist() == [False, True, False]
    dicts = dataframes.spans(store.snapshot(), attributes="dict")["attributes"].tolist()
    assert dicts[1] == {"i": 2, "mixed": "x"}
    assert dicts[2] == {"i": 3, "f": 1.5, "b": False, "s": "y", "mixed": 2.5, "m": {"k": 1}}


def test_a_large_int_is_exact_beside_rows_that_have_none() -> None:
    """Floats would round it."""
    store = store_of(row(1, n=2**62 + 1), row(2))
    assert dataframes.spans(store.snapshot())["attributes.n"].tolist()[0] == 2**62 + 1


def test_types_that_differ_between_batches_make_an_object_column() -> None:
    store = store_of(*[row(i + 1, n=i) for i in range(600)])
    dataframes.spans(store.snapshot())
    store.append(row(9_999, n=0.5))
    column = dataframes.spans(store.snapshot())["attributes.n"]
    assert column.dtype == object
    assert column.tolist() == [*range(600), 0.5]


def test_times_are_exact_to_the_nanosecond() -> None:
    store = store_of(row(1, start=1_700_000_000_000_000_001, end=1_700_000_000_000_000_004))
    (record,) = dataframes.spans(store.snapshot()).to_dict("records")
    assert record["start_time"].value == 1_700_000_000_000_000_001
    assert record["duration"].value == 3


def test_spans_come_in_the_order_of_their_starts() -> None:
    store = store_of(row(1, start=30), row(2, start=10), row(3, start=20))
    table = dataframes.spans(store.snapshot())
    assert table["span_id"].str[-1].tolist() == ["2", "3", "1"]
    assert table.index.tolist() == [0, 1, 2]


def test_a_running_span_has_no_end() -> None:
    with nbtrace.record() as rec, nbtrace.span("running", n=1):
        (record,) = rec.spans().to_dict("records")
        assert record["end_time"] is pd.NaT
        assert record["duration"] is pd.NaT
        assert record["attributes.n"] == 1
    assert rec.spans()["duration"].notna().all()


def test_a_span_that_never_ends_stays_as_running() -> None:
    from opentelemetry import trace

    with nbtrace.record() as rec:
        trace.get_tracer("x").start_span("forgotten")
    assert rec.spans()["name"].tolist() == ["forgotten"]
    assert rec.spans()["duration"].isna().all()


def test_an_error_without_an_exception_is_an_error_too() -> None:
    from opentelemetry.trace import StatusCode

    with nbtrace.record() as rec, nbtrace.span("call") as span:
        span.set_status(StatusCode.ERROR, "HTTP 500")
    (record,) = rec.errors().to_dict("records")
    assert (record["span_name"], record["exception_message"]) == ("call", "HTTP 500")
    assert record["exception_type"] != record["exception_type"]


def test_a_hostile_span_costs_its_neighbours_nothing() -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())
    tracer = trace.get_tracer("mine")
    with nbtrace.record() as rec:
        for options in (
            {"name": "\udc80 lone"},
            {"name": 5},
            {"name": "negative", "start_time": -10},
            {"name": "float", "start_time": 1.5},
            {"name": "kind", "kind": "client"},
            {"name": "nan", "attributes": {"v": float("nan")}},
            {"name": "big", "attributes": {"v": 2**80}},
        ):
            tracer.start_span(**options).end()  # type: ignore[arg-type]
        tracer.start_span("end").end(end_time=-7)
    assert len(rec.spans()) == 8
    assert {"\\udc80 lone", "5", "negative", "float", "kind", "nan", "big", "end"} == set(rec.spans()["name"])


def test_a_thousand_rare_keys_make_no_table_of_gigabytes() -> None:
    """They have a column when all are asked for, or when a condition names them; how many have none is told."""
    store = SpanStore()
    for i in range(3_000):
        store.append(row(i + 1, common=i, **{f"rare{i % 1_000}": i}))
    rec = nbtrace.Recording(store)
    table = rec.spans()
    assert [column for column in table if column.startswith("attributes.")] == ["attributes.common"]
    assert table.attrs["attributes_left_out"] == 1_000
    assert rec.spans(where="attributes.rare7 > 1000")["attributes.rare7"].tolist() == [1_007, 2_007]
    assert rec.spans(where="attributes.rare7 > 1000", attributes="dict")["attributes"].tolist()[0] == {
        "common": 1_007,
        "rare7": 1_007,
    }
    assert rec.statistics(by="attributes.rare7")["count"].tolist() == [1, 1, 1]
    assert len(rec.spans(attributes="all").columns) == len(table.columns) + 1_000
