"""A recording that is saved as OTLP and loaded again, in both forms."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbtrace
from nbtrace.formats.register import FORMATS
from nbtrace.recording import Recording, from_elsewhere
from nbtrace.store.batch import Batch
from nbtrace.store.book import Execution, Resources
from nbtrace.store.origins import origin
from nbtrace.store.schema import MAX_ITEMS, MAX_TEXT, Extra, Row, Thread
from nbtrace.store.seal import seal
from nbtrace.store.span_store import Snapshot, SpanStore
from nbtrace.store.values import clean_value
from tests.formats.otlp.recordings import SUFFIXES, assert_alike, of_cells, of_the_sdk, through
from tests.formats.test_arrow import rows, told
from tests.rows import row

both = pytest.mark.parametrize("suffix", SUFFIXES)

pytest.importorskip("opentelemetry.proto")


def again(snapshot: Snapshot, suffix: str, path: Path) -> Snapshot:
    """Written and read."""
    known, file = FORMATS[suffix], io.BytesIO()
    assert known.write is not None
    assert known.read is not None
    known.write(snapshot, file)
    path.write_bytes(file.getvalue())
    loaded = known.read(path)
    assert loaded.unread == ()
    return loaded.snapshot


def without_numbers(batch: Batch) -> list[Any]:
    """All that a batch holds but for the numbers of executions, which mean something in their own process only; and of a NaN
    that it is one."""
    found = told(batch)
    found[1] = [column for column in found[1] if column[0] != "cell"]
    for runs in found[4:]:
        for kinds in runs.values():
            kinds["float"] = [(at, _one_nan(value)) for at, value in kinds.get("float", [])]
    return found


def _one_nan(value: bytes) -> bytes | None:
    (number,) = struct.unpack("d", value)
    return None if number != number else value


@both
@settings(deadline=None, max_examples=60)
@given(found=st.lists(rows(), min_size=1, max_size=6, unique_by=lambda row: row[:2]))
def test_any_spans_come_back_equal(suffix: str, tmp_path_factory: pytest.TempPathFactory, found: list[Row]) -> None:
    """Every field, every type of value, mixed types under a key, threads, processes, resources, empty texts that are not none."""
    batch = seal(found)
    (loaded,) = again(Snapshot((batch,), (), 0), suffix, tmp_path_factory.mktemp("run") / f"run{suffix}").batches
    assert without_numbers(loaded) == without_numbers(batch)


@both
def test_what_the_sdk_made_answers_the_same(suffix: str, tmp_path: Path) -> None:
    rec = of_the_sdk()
    loaded = through(rec, tmp_path / f"run{suffix}")
    assert_alike(rec, loaded)
    assert loaded.spans()["state"].tolist() == rec.spans()["state"].tolist()
    assert set(loaded.spans()["state"]) == {"ended", "running", "unfinished"}


@both
def test_cells_come_back_with_sources_and_counts(suffix: str, tmp_path: Path) -> None:
    """Also a count of which the cell's own span is gone."""
    made = of_cells()
    loaded = through(made.recording, tmp_path / f"run{suffix}")
    assert_alike(made.recording, loaded)
    found = loaded.cells(asking=True)
    assert found["source"].tolist()[1] == "%spans nonsense"
    assert loaded.spans()["cell"].tolist() == made.recording.spans()["cell"].tolist()
    assert 9 in loaded.spans()["cell"].dropna().tolist()


@both
def test_all_that_is_known_of_an_execution_comes_back(suffix: str, tmp_path: Path) -> None:
    made = of_cells()
    cell = made.store.executions()[0]
    cell.resources = Resources(cpu_ns=5, memory_peak=7, shared=True, gpu_utilization=0.5)
    cell.compiled, cell.line_map, cell.source = ("a\n", "b\n"), (1, 1), "print('\udc80')"
    before = {e.span_id: replace(e) for e in made.recording._snapshot().executions}
    loaded = again(made.recording._snapshot(), suffix, tmp_path / f"run{suffix}")
    after = {e.span_id: replace(e, number=before[e.span_id].number) for e in loaded.executions}
    before[cell.span_id].source = "print('\\udc80')"  # what no file can hold is kept as its escape
    assert after == before
    assert [e.execution_count for e in loaded.executions] == [2, 3, 4, None, 9]


@both
def test_an_execution_without_a_span_is_lost(suffix: str, tmp_path: Path) -> None:
    """OTLP has no place for it: the module says so."""
    made = of_cells()
    made.store.cells.open(execution_count=99, cell_id=None, source="nothing of it is left")
    loaded = again(made.recording._snapshot(), suffix, tmp_path / f"run{suffix}")
    assert 99 not in [execution.execution_count for execution in loaded.executions]


@both
def test_part_of_a_recording_knows_its_cells(suffix: str, tmp_path: Path) -> None:
    """Where only spans inside of a cell are saved they still say which it was."""
    made = of_cells()
    made.recording.save(tmp_path / f"run{suffix}", where="attributes.rows == 2")
    loaded = nbtrace.load(tmp_path / f"run{suffix}")
    assert loaded.spans()["cell"].tolist() == [4]


@both
def test_a_span_that_names_a_thread_itself_keeps_it(suffix: str, tmp_path: Path) -> None:
    """What was recorded under a name that we use comes back beside the thread in which the span began, or none."""
    told_ids: dict[str, Any] = {"thread.id": 5, "thread.name": "theirs", "nbtrace.cell": "mine", "nbtrace.own.x": 1}
    store = SpanStore()
    resource = origin("shop", "scope", "1", {"service.name": "shop", "process.pid": 3, "nbtrace.format": "my own"})
    store.append(row(1, origin=resource, **told_ids))
    store.append((*row(2, origin=resource)[:10], Thread(), None, tuple(told_ids), *told_ids.values()))
    loaded = through(Recording(store), tmp_path / f"run{suffix}")
    assert_alike(Recording(store), loaded)
    assert loaded.spans()["thread_id"].fillna(0).tolist() == [22, 0]
    assert loaded._snapshot().batches[0].spans["origin"][0].as_py() == resource._asdict()


@both
def test_texts_and_arrays_that_were_cut_are_cut_once(suffix: str, tmp_path: Path) -> None:
    """Their marks say how much is gone of what there was, not of what is left."""
    store = SpanStore()
    long = {
        "text": "x" * (MAX_TEXT + 5),
        "items": list(range(MAX_ITEMS + 7)),
        "nested": [list(range(600)), list(range(600)), [1, 2]],
        "map": {str(at): at for at in range(MAX_ITEMS + 7)},
    }
    cleaned = {key: clean_value(value) for key, value in long.items()}
    assert {key: clean_value(value) for key, value in cleaned.items()} == cleaned
    store.append(row(1, **cleaned))
    assert_alike(Recording(store), through(Recording(store), tmp_path / f"run{suffix}"))


@both
def test_an_empty_recording_comes_back_empty(suffix: str, tmp_path: Path) -> None:
    """And one of which the bound has pushed out spans knows how many."""
    empty = Recording(SpanStore())
    assert len(through(empty, tmp_path / f"empty{suffix}").spans()) == 0
    store = SpanStore(max_spans=8)
    for at in range(1, 100):
        store.append(row(at, start=at))
    bounded = Recording(store)
    loaded = through(bounded, tmp_path / f"bounded{suffix}")
    assert loaded.dropped_spans == bounded.dropped_spans > 0
    assert_alike(bounded, loaded)


@both
def test_files_put_together_keep_their_cells_apart(suffix: str, tmp_path: Path) -> None:
    """Two recordings of one kernel's cells 1, 2, … in one file: no span comes under another's cell."""
    one, other, both_of_them = tmp_path / f"1{suffix}", tmp_path / f"2{suffix}", tmp_path / f"12{suffix}"
    for path in (one, other):
        execution = Execution(1, 1, None, f"print({path.name!r})", 1, int(path.stem), int(path.stem))
        batch = seal([row(int(path.stem), trace=int(path.stem), cell=1)])
        with open(path, "wb") as file:
            FORMATS[suffix].write(Snapshot((batch,), (execution,), 0), file)  # type: ignore[misc]
    both_of_them.write_bytes(one.read_bytes() + other.read_bytes())
    found = nbtrace.load(both_of_them).cells()
    assert found["source"].tolist() == [f"print({one.name!r})", f"print({other.name!r})"]
    assert found["span_count"].tolist() == [0, 0]


@both
def test_many_spans_are_written_in_packets_and_read_in_batches(suffix: str, tmp_path: Path) -> None:
    """In their order, from whatever resources and scopes they come."""
    store = SpanStore()
    places = [origin(name, name, None, {"service.name": name}) for name in ("a", "b")]
    for at in range(1, 17_001):
        store.append(row(at, start=at // 7, origin=places[at % 1_500 > 1_000], n=at))
    rec = Recording(store)
    path = rec.save(tmp_path / f"run{suffix}")
    loaded = nbtrace.load(path)
    assert_alike(rec, loaded)
    assert max(batch.length for batch in loaded._snapshot().batches) <= 16_384
    if suffix == ".jsonl":
        lines = path.read_bytes().splitlines()
        assert len(lines) == 17
        assert all(len(list(spans_of(json.loads(line)))) == 1_000 for line in lines)


@both
def test_large_spans_make_short_packets(suffix: str, tmp_path: Path) -> None:
    """No line is longer than other tools read, and what is read at a time is little."""
    store = SpanStore()
    for at in range(1, 601):
        store.append(row(at, text=str(at) * (60_000 // len(str(at)))))
    path = Recording(store).save(tmp_path / f"run{suffix}")
    if suffix == ".jsonl":
        assert max(map(len, path.read_bytes().splitlines())) < 5_000_000
    loaded = nbtrace.load(path)
    assert len(loaded._snapshot().batches) > 2
    assert loaded.spans()["attributes.text"].tolist() == Recording(store).spans()["attributes.text"].tolist()


def test_a_loaded_recording_is_saved_again_as_it_was(tmp_path: Path) -> None:
    """From one form into the other and back."""
    rec = from_elsewhere(of_the_sdk()._snapshot())
    assert_alike(rec, through(through(through(rec, tmp_path / "a.jsonl"), tmp_path / "b.otlp"), tmp_path / "c.jsonl"))


def spans_of(message: dict[str, Any]) -> Any:
    return (span for group in message["resourceSpans"] for scoped in group["scopeSpans"] for span in scoped["spans"])


def test_a_line_reads_as_the_specification_has_it(tmp_path: Path) -> None:
    """Hex ids, times and 64-bit numbers as texts, kinds and codes as numbers, bytes in base 64, and ours marked as ours."""
    extra = Extra("why", ((5, "tick", ("k",), (None,)),), ((7, 8, (), ()),), 1, 2, 3)
    attributes: dict[str, Any] = {"n": 3, "f": 0.5, "inf": float("-inf"), "b": b"\0", "l": (1, "x"), "m": {"a": True}}
    store = SpanStore()
    made = origin("shop", "s", "1", {"service.name": "shop"})
    store.append(row(1, parent=2, name="ü\n", status=2, origin=made, extra=extra, **attributes))
    (line,) = Recording(store).save(tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()
    (group,) = json.loads(line)["resourceSpans"]
    recording = group["resource"]["attributes"].pop(2)
    assert recording["key"] == "nbtrace.recording"
    assert group == {
        "resource": {
            "attributes": [
                {"key": "service.name", "value": {"stringValue": "shop"}},
                {"key": "nbtrace.format", "value": {"intValue": "1"}},
                {"key": "process.pid", "value": {"intValue": "11"}},
            ]
        },
        "scopeSpans": [
            {
                "scope": {"name": "s", "version": "1"},
                "spans": [
                    {
                        "traceId": f"{7:032x}",
                        "spanId": f"{1:016x}",
                        "parentSpanId": f"{2:016x}",
                        "name": "ü\n",
                        "kind": 1,
                        "startTimeUnixNano": "1000",
                        "endTimeUnixNano": "2000",
                        "attributes": [
                            {"key": "n", "value": {"intValue": "3"}},
                            {"key": "f", "value": {"doubleValue": 0.5}},
                            {"key": "inf", "value": {"doubleValue": "-Infinity"}},
                            {"key": "b", "value": {"bytesValue": "AA=="}},
                            {
                                "key": "l",
                                "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}},
                            },
                            {
                                "key": "m",
                                "value": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}},
                            },
                            {"key": "thread.id", "value": {"intValue": "22"}},
                            {"key": "thread.name", "value": {"stringValue": "MainThread"}},
                        ],
                        "droppedAttributesCount": 1,
                        "droppedEventsCount": 2,
                        "droppedLinksCount": 3,
                        "events": [{"timeUnixNano": "5", "name": "tick", "attributes": [{"key": "k", "value": {}}]}],
                        "links": [{"traceId": f"{7:032x}", "spanId": f"{8:016x}", "attributes": []}],
                        "status": {"code": 2, "message": "why"},
                    }
                ],
            }
        ],
    }
