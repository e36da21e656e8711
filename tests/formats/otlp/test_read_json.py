"""Forms of OTLP's JSON that other tools write, and we do not."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from nbtrace.formats.otlp.read_json import read_json_lines
from nbtrace.formats.reading import Loaded
from nbtrace.recording import from_elsewhere

pytestmark = pytest.mark.once

SPAN: dict[str, Any] = {
    "traceId": f"{7:032x}",
    "spanId": f"{1:016X}",
    "parentSpanId": f"{2:016x}",
    "name": "work",
    "kind": 3,
    "startTimeUnixNano": "1600000000000000001",
    "endTimeUnixNano": "1600000000000000002",
    "attributes": [{"key": "a_key", "value": {"intValue": "3"}}],
    "droppedAttributesCount": 1,
    "events": [{"timeUnixNano": "5", "name": "tick", "attributes": [{"key": "b", "value": {"boolValue": True}}]}],
    "links": [{"traceId": f"{8:032x}", "spanId": f"{9:016x}"}],
    "status": {"code": 2, "message": "why"},
}


def whole(span: dict[str, Any], **resource: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "s"}, "spans": [span]}]}]}


def read(tmp_path: Path, text: str) -> Loaded:
    path = tmp_path / "run.jsonl"
    path.write_text(text, encoding="utf-8")
    loaded = read_json_lines(path)
    assert loaded.unread == ()
    return loaded


def told(loaded: Loaded) -> list[Any]:
    """The spans, events, links and attributes that were read."""
    rec = from_elsewhere(loaded.snapshot)
    tables = [table.astype(object) for table in (rec.spans(), rec.events(), rec.links())]
    return [table.where(table.notna(), None).to_dict("records") for table in tables]


def in_snake_case(value: Any) -> Any:
    if isinstance(value, list):
        return [in_snake_case(item) for item in value]
    if isinstance(value, dict):
        return {
            "".join(f"_{c.lower()}" if c.isupper() else c for c in key): in_snake_case(item)
            for key, item in value.items()
        }
    return value


def base64(hex_id: str) -> str:
    return b64encode(bytes.fromhex(hex_id)).decode()


FORMS = {
    "names in snake_case": in_snake_case(whole(SPAN)),
    "numbers as numbers": whole(
        SPAN
        | {
            "startTimeUnixNano": 1600000000000000001,
            "endTimeUnixNano": 1600000000000000002,
            "attributes": [{"key": "a_key", "value": {"intValue": 3}}],
        }
    ),
    "numbers as texts": whole(
        SPAN | {"kind": "3", "droppedAttributesCount": "1", "status": {"code": "2", "message": "why"}}
    ),
    "kinds and codes by name": whole(
        SPAN | {"kind": "SPAN_KIND_CLIENT", "status": {"code": "STATUS_CODE_ERROR", "message": "why"}}
    ),
    "ids in base 64": whole(
        SPAN
        | {
            "traceId": base64(SPAN["traceId"]),
            "spanId": base64(SPAN["spanId"]),
            "parentSpanId": base64(SPAN["parentSpanId"]),
        }
    ),
    "fields that nobody knows": whole(
        SPAN | {"flags": 257, "traceState": "a=b", "soul": {"deep": [1]}, "droppedEventsCount": None, "parentId": 4}
    ),
    "another order": {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN], "scope": {"name": "s"}}], "resource": {}}]},
}


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_read_as_the_usual_one(form: str, tmp_path: Path) -> None:
    usual = told(read(tmp_path, json.dumps(whole(SPAN))))
    assert told(read(tmp_path, json.dumps(FORMS[form]))) == usual
    assert usual[0][0]["attributes.a_key"] == 3
    assert (usual[0][0]["kind"], usual[0][0]["status_code"]) == ("CLIENT", "ERROR")
    assert usual[0][0]["start_time"].value == 1600000000000000001


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(whole(SPAN), indent=2),
        json.dumps(whole(SPAN | {"spanId": "a" * 16}), indent="\t") + "\n" + json.dumps(whole(SPAN), indent=2) + "\n\n",
        json.dumps([whole(SPAN)], indent=4),
        json.dumps([whole(SPAN), whole(SPAN | {"spanId": "a" * 16})]),
        "\ufeff" + json.dumps(in_snake_case(whole(SPAN)), indent=2),
    ],
    ids=["one", "one behind the other", "a list", "a list in one line", "with a byte order mark"],
)
def test_documents_over_several_lines_are_read(text: str, tmp_path: Path) -> None:
    """As exporters and people with jq write them."""
    (span,) = [row for row in told(read(tmp_path, text))[0] if row["span_id"] == f"{1:016x}"]
    assert span["parent_span_id"] == f"{2:016x}"


def test_values_of_all_kinds_are_read(tmp_path: Path) -> None:
    """Also as proto3 writes them, and not we."""
    values: dict[str, tuple[dict[str, Any], Any]] = {
        "text": ({"stringValue": ""}, ""),
        "int": ({"intValue": "-9223372036854775808"}, -(2**63)),
        "int as a number": ({"intValue": 5.0}, 5),
        "float": ({"doubleValue": 1}, 1.0),
        "float as a text": ({"doubleValue": "-Infinity"}, float("-inf")),
        "no": ({"boolValue": False}, False),
        "bytes": ({"bytesValue": "_-8"}, b"\xff\xef"),
        "none": ({}, None),
        "null": (None, None),  # type: ignore[dict-item]
        "of tomorrow": ({"quaternionValue": [1, 2]}, None),
        "list": ({"arrayValue": {"values": [{"intValue": "1"}, {}]}}, "[1, null]"),
        "empty list": ({"arrayValue": {}}, "[]"),
        "map": ({"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": 0.5}}]}}, '{"k": 0.5}'),
    }
    attributes = [{"key": key, "value": value} for key, (value, _) in values.items()]
    (batch,) = read(tmp_path, json.dumps(whole(SPAN | {"attributes": attributes}))).snapshot.batches
    found = {key: run.values.to_pylist()[0] for key, runs in batch.attributes.items() for run in runs}
    assert found == {key: value for key, (_, value) in values.items()}
    assert {key: type(value) for key, value in found.items()} == {
        key: type(value) for key, (_, value) in values.items()
    }


def test_a_foreign_span_keeps_what_looks_like_ours(tmp_path: Path) -> None:
    """Nothing is taken off where a resource does not say that it is ours; thread and process are read all the same."""
    pairs = {"thread.id": "77", "thread.name": "pool", "nbtrace.state": "running", "nbtrace.own.x": "y"}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]
    process = [{"key": "process.pid", "value": {"intValue": "12"}}]
    text = json.dumps(whole(SPAN | {"attributes": attributes, "endTimeUnixNano": "0"}, attributes=process))
    (span,) = told(read(tmp_path, text))[0]
    assert (span["thread_id"], span["thread_name"], span["process_pid"], span["state"]) == (
        77,
        "pool",
        12,
        "unfinished",
    )
    assert {key: span[f"attributes.{key}"] for key in pairs} == pairs


@pytest.mark.parametrize("end", [{}, {"endTimeUnixNano": None}, {"endTimeUnixNano": 0}])
def test_a_foreign_span_without_an_end_is_unfinished(tmp_path: Path, end: dict[str, Any]) -> None:
    """Whoever wrote the file runs no more, or has not said that it does."""
    span = {key: value for key, value in SPAN.items() if key != "endTimeUnixNano"}
    (found,) = told(read(tmp_path, json.dumps(whole(span | end))))[0]
    assert (found["state"], found["end_time"], found["duration"]) == ("unfinished", None, None)
