"""A batch as a table, and back."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.formats.arrow import from_table, to_table
from nbtrace.store.batch import Attributes, Batch
from nbtrace.store.origins import origin
from nbtrace.store.schema import RUNNING, UNFINISHED, Extra, Row, Thread
from nbtrace.store.seal import seal
from tests.rows import row

TEXTS = st.text(max_size=4) | st.sampled_from(["a", "a:int", "a:str", "a'", "b"])
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | TEXTS
    | st.binary(max_size=3)
    | st.lists(st.integers(0, 9) | TEXTS, max_size=3).map(tuple)
    | st.dictionaries(TEXTS, st.booleans() | st.binary(max_size=2), max_size=2)
)
PAIRS = st.dictionaries(TEXTS, PLAIN, max_size=4).map(lambda found: (tuple(found), tuple(found.values())))
EXTRAS = st.builds(
    Extra,
    status_message=st.none() | TEXTS,
    events=st.lists(
        st.tuples(st.integers(-(2**60), 2**60), TEXTS, PAIRS).map(lambda e: (*e[:2], *e[2])), max_size=3
    ).map(tuple),
    links=st.lists(
        st.tuples(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), PAIRS).map(lambda e: (*e[:2], *e[2])),
        max_size=2,
    ).map(tuple),
    dropped_attributes=st.integers(0, 9),
    dropped_events=st.integers(0, 9),
    dropped_links=st.integers(0, 9),
    propagated=st.booleans(),
)
ORIGINS = st.builds(origin, st.none() | TEXTS, st.none() | TEXTS, st.none() | TEXTS, st.dictionaries(TEXTS, TEXTS))
THREADS = st.builds(Thread, st.none() | st.integers(1, 9), st.none() | st.integers(1, 2**63 - 1), st.none() | TEXTS)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    keys, values = draw(PAIRS)
    return (
        draw(st.integers(1, 2**128 - 1)),
        draw(st.integers(1, 2**64 - 1)),
        draw(st.integers(0, 2**64 - 1)),
        draw(TEXTS),
        draw(st.integers(0, 4)),
        draw(st.integers(0, 2**62)),
        draw(st.sampled_from([RUNNING, UNFINISHED]) | st.integers(1, 2**62)),
        draw(st.integers(0, 2)),
        draw(st.integers(0, 2**31 - 1)),
        draw(ORIGINS),
        draw(THREADS),
        draw(st.none() | EXTRAS),
        keys,
        *values,
    )


def told(batch: Batch) -> list[Any]:
    """All that a batch holds, in plain Python, however it is encoded; floats by their bits."""
    return [
        batch.length,
        *(_told(table) for table in (batch.spans, batch.events, batch.links)),
        *(_pairs(found) for found in (batch.attributes, batch.event_attributes, batch.link_attributes)),
    ]


def _told(table: Any) -> list[tuple[str, str, list[Any]]]:
    return [(name, str(_type(table[name])), table[name].to_pylist()) for name in table.schema.names]


def _type(column: Any) -> Any:
    return column.type.value_type if isinstance(column, pa.DictionaryArray) else column.type


def _pairs(attributes: Attributes) -> dict[str, dict[str, list[tuple[int, Any]]]]:
    found: dict[str, dict[str, list[tuple[int, Any]]]] = {}
    for key, runs in attributes.items():
        for run in runs:
            at = range(len(run.values)) if run.rows is None else run.rows.tolist()
            values = [np.float64(v).tobytes() if run.kind == "float" else v for v in run.values.to_pylist()]
            found.setdefault(key, {})[run.kind] = list(zip(at, values, strict=True))
    return found


def through_ipc(table: Any) -> Any:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, max_chunksize=2)
    return pa.ipc.open_stream(sink.getvalue()).read_all()


def through_parquet(table: Any) -> Any:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2)
    return pq.read_table(sink)


@pytest.mark.parametrize(
    "carried", [lambda table: table, through_ipc, through_parquet], ids=["table", "ipc", "parquet"]
)
@settings(deadline=None, max_examples=60)
@given(found=st.lists(rows(), max_size=6))
def test_a_batch_goes_to_arrow_and_back_without_loss(carried: Any, found: list[Row]) -> None:
    """Types, gaps, None, mixed types under one key, events, links, running spans, threads and origins."""
    batch = seal(found)
    assert told(from_table(carried(to_table(batch)))) == told(batch)


def test_a_table_reads_as_its_page_says() -> None:
    """Words of OpenTelemetry, one column per key, and a further one where a key has a second type."""
    extra = Extra(status_message="why", events=((5, "tick", ("k",), (None,)),), links=((7, 8, (), ()),))
    made = seal([row(1, rows=3, source="s3", extra=extra), row(2, parent=1, rows="many", end=RUNNING)])
    table = to_table(made)
    assert table.slice(0, 1).to_pylist()[0] == {
        "trace_id": f"{7:032x}",
        "span_id": f"{1:016x}",
        "parent_span_id": None,
        "name": "work",
        "kind": "INTERNAL",
        "start_time_unix_nano": 1_000,
        "end_time_unix_nano": 2_000,
        "state": "ended",
        "status_code": "UNSET",
        "status_message": "why",
        "execution": 0,
        "service_name": None,
        "scope_name": None,
        "scope_version": None,
        "resource": "{}",
        "process_pid": 11,
        "thread_id": 22,
        "thread_name": "MainThread",
        "dropped_attributes": 0,
        "dropped_events": 0,
        "dropped_links": 0,
        "propagated": 0,
        "events": [
            {
                "time_unix_nano": 5,
                "name": "tick",
                "attributes": [{"key": "k", **dict.fromkeys(("str", "int", "float", "bool", "bytes", "json"))}],
            }
        ],
        "links": [{"trace_id": f"{7:032x}", "span_id": f"{8:016x}", "attributes": []}],
        "attributes.rows": 3,
        "attributes.rows:str": None,
        "attributes.source": "s3",
    }
    assert table["end_time_unix_nano"].to_pylist() == [2_000, None]
    assert table.schema.field("attributes.rows:str").metadata == {b"key": b"rows", b"kind": b"str"}


def test_a_table_without_a_column_is_refused() -> None:
    with pytest.raises(KeyError):
        from_table(to_table(seal([row(1)])).drop(["name"]))


def test_a_table_that_cannot_be_a_batch_is_refused_at_once() -> None:
    """And not when somebody asks about its spans."""
    table = to_table(seal([row(1, n=3)]))
    for name, value in (("state", "asleep"), ("kind", None), ("trace_id", None)):
        at = table.schema.get_field_index(name)
        with pytest.raises(pa.ArrowInvalid, match=name.replace("_", ".")):
            from_table(table.set_column(at, name, pa.array([value], pa.string())))
    at = table.schema.get_field_index("attributes.n")
    with pytest.raises(pa.ArrowInvalid, match="key and kind"):
        from_table(table.set_column(at, "attributes.n", table["attributes.n"]))


def test_part_of_a_table_holds_no_keys_that_none_of_its_spans_has() -> None:
    table = to_table(seal([row(1, a=1), row(2, b="x")]))
    assert list(from_table(table.slice(1, 1)).attributes) == ["b"]
