"""OTLP as protobuf, as other tools have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nbtrace
from nbtrace.formats.otlp.messages import framed
from nbtrace.formats.otlp.read_protobuf import read_protobuf
from nbtrace.recording import Recording
from nbtrace.store.origins import origin
from nbtrace.store.span_store import SpanStore
from tests.rows import row

trace_pb2 = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")


def span(span_id: int) -> Any:
    return trace_pb2.Span(
        trace_id=(7).to_bytes(16),
        span_id=span_id.to_bytes(8),
        name=f"n{span_id}",
        start_time_unix_nano=1_000,
        end_time_unix_nano=2_000,
    )


def test_what_we_write_in_packets_is_one_request_to_others(tmp_path: Path) -> None:
    """OTLP's own classes parse the file whole, and find all spans in it."""
    store = SpanStore()
    for at in range(1, 2_501):
        store.append(row(at, origin=origin("shop", "s", None, {"service.name": "shop"}), n=at))
    path = Recording(store).save(tmp_path / "run.otlp")
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    request = service.ExportTraceServiceRequest.FromString(path.read_bytes())
    spans = [span for group in request.resource_spans for scoped in group.scope_spans for span in scoped.spans]
    assert [int.from_bytes(span.span_id) for span in spans] == list(range(1, 2_501))
    assert len(request.resource_spans) == 3
    assert {scoped.scope.name for group in request.resource_spans for scoped in group.scope_spans} == {"s"}
    assert [pair.value.int_value for pair in spans[-1].attributes if pair.key == "n"] == [2_500]


def test_fields_in_another_order_and_of_tomorrow_are_read(tmp_path: Path) -> None:
    """A scope behind its spans, a resource behind its scopes, and fields that nobody knows between them."""
    unknown = b"\x9a\x06\x02hi" + b"\xc0\x3e\x05" + b"\xc5\x3e" + bytes(4) + b"\xc1\x3e" + bytes(8)
    scope, resource = (
        framed(1, framed(1, b"late")),
        framed(1, framed(1, framed(1, b"k") + framed(2, framed(1, b"v")))),
    )
    scope_spans = b"".join(
        [unknown, framed(2, span(1).SerializeToString()), unknown, framed(2, span(2).SerializeToString())]
    )
    group = unknown + framed(2, scope_spans + scope) + unknown + resource
    path = tmp_path / "run.otlp"
    path.write_bytes(unknown + framed(1, group) + unknown)
    loaded = read_protobuf(path)
    assert loaded.unread == ()
    (batch,) = loaded.snapshot.batches
    assert batch.spans["name"].to_pylist() == ["n1", "n2"]
    assert batch.spans["origin"].to_pylist()[1] == {
        "service_name": None,
        "scope_name": "late",
        "scope_version": None,
        "resource": '{"k": "v"}',
    }


def test_a_file_of_one_span_of_a_megabyte_is_read(tmp_path: Path) -> None:
    """Lengths of several bytes; its text is cut as any is."""
    big = span(1)
    big.attributes.add(key="text").value.string_value = "x" * 1_000_000
    path = tmp_path / "run.otlp"
    path.write_bytes(framed(1, framed(2, framed(2, big.SerializeToString()))))
    (text,) = nbtrace.load(path).spans()["attributes.text"]
    assert text.startswith("xxx")
    assert text.endswith("… [+934,464 characters]")


@pytest.mark.parametrize("call", ["load(there)", "record().save(path)"])
def test_without_opentelemetry_proto_the_error_says_what_to_install(call: str, tmp_path: Path) -> None:
    """And nothing is left behind; the other form needs nothing."""
    script = (
        "import os, sys, nbtrace\nsys.modules['opentelemetry.proto'] = None\npath, there, lines = sys.argv[1:]\n"
        "open(there, 'w').close()\nnbtrace.record().save(lines)\nnbtrace.load(lines)\n"
        f"try:\n    nbtrace.{call}\nexcept ModuleNotFoundError as error:\n    print(error)"
    )
    paths = [str(tmp_path / name) for name in ("run.otlp", "there.otlp", "run.jsonl")]
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True)
    assert 'pip install "nbtrace[otlp]"' in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.jsonl", "there.otlp"]
