"""Files that other tools have written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

import nbtrace

DATA = Path(__file__).parents[1] / "data"


def test_what_mlflow_has_exported_opens() -> None:
    """mlflow.otlp: two of the traces that MLflow 3.17 sent to its OTLP endpoint (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    http/protobuf) for a traced function that looks something up and scores three times, of which one fails. The bodies of its
    requests one behind the other; only the folders in the stack traces are others."""
    pytest.importorskip("opentelemetry.proto")
    rec = nbtrace.load(DATA / "mlflow.otlp")
    spans = rec.spans()
    assert spans["name"].tolist() == ["answer", "look_up", "score", "score", "score"] * 2
    assert spans["status_code"].tolist() == ["OK", "OK", "OK", "OK", "ERROR"] * 2
    assert set(spans["service_name"]) == {"scoring"}
    assert set(spans["scope_name"]) == {"mlflow.tracing.provider"}
    assert spans["start_time"][0] == pd.Timestamp(1795670988381625758, tz="UTC")
    assert spans["duration"][0] == pd.Timedelta(7_327_966)
    assert spans["attributes.mlflow.spanInputs"][0] == '{"question": "question 0"}'
    assert spans["attributes.rows"].dropna().tolist() == ["3"] * 6  # MLflow's attributes are JSON
    assert rec.errors()["exception_message"].tolist() == ["no score for 2"] * 2
    assert rec.tree()["depth"].tolist() == [0, 1, 1, 1, 1] * 2
    assert rec.statistics().set_index("name")["count"].to_dict() == {"answer": 2, "look_up": 2, "score": 6}


def test_what_the_official_file_exporter_has_written_opens() -> None:
    """sdk.jsonl: opentelemetry-exporter-otlp-json-file 0.66b1, by SDK 1.45.2; only the folders in the stack trace are others."""
    rec = nbtrace.load(DATA / "sdk.jsonl")
    spans = rec.spans()
    assert spans["name"].tolist() == ["order", "stock", "pack"]
    order = spans.set_index("name").loc["order"]
    assert (order["kind"], order["service_name"], order["scope_name"]) == ("SERVER", "shop", "shop.orders")
    assert (order["process_pid"], order["thread_id"], order["thread_name"]) == (4321, 99, "MainThread")
    assert order["attributes.thread.id"] == 99, "a foreign span's own attribute stays"
    assert (order["attributes.id"], order["attributes.by"], order["attributes.sizes"]) == (7, "ü", [1, 2])
    assert pd.isna(order["attributes.nan"])
    assert order["attributes.paid"] is True or order["attributes.paid"] == True  # noqa: E712 # pandas's own
    assert rec.links()[["span_name", "linked_span_id", "attributes.why"]].to_numpy().tolist() == [
        ["stock", order["span_id"], "asked"]
    ]
    assert rec.events()["attributes.sum"].dropna().tolist() == [9.5]
    assert rec.errors()[["span_name", "exception_type"]].to_numpy().tolist() == [["pack", "KeyError"]]


# ── ten thousand spans ───────────────────────────────────────────────────────────────────────────────────────────────


class ToProtobuf(SpanExporter):
    """A file as who dumps the requests of the official exporter has it: one request, whole."""

    def __init__(self, path: Path) -> None:
        self._encode = pytest.importorskip("opentelemetry.exporter.otlp.proto.common.trace_encoder").encode_spans
        self._path, self._spans = path, []  # type: ignore[var-annotated]

    def export(self, spans: Any) -> Any:
        self._spans += spans

    def shutdown(self) -> None:
        self._path.write_bytes(self._encode(self._spans).SerializeToString())


def to_json_lines(path: Path) -> SpanExporter:
    """The official one, where its exact betas fit the SDK that is there."""
    file = pytest.importorskip("opentelemetry.exporter.otlp.json.file")
    exporter: SpanExporter = file.FileSpanExporter(path)
    return exporter


@pytest.mark.parametrize(("suffix", "made"), [(".otlp", ToProtobuf), (".jsonl", to_json_lines)])
def test_ten_thousand_spans_of_the_official_exporter_answer_as_recorded(suffix: str, made: Any, tmp_path: Path) -> None:
    """Every answer is that of a recording of the very spans, but for what OTLP does not say: threads that are no attributes."""
    path = tmp_path / f"run{suffix}"
    exporter = made(path)
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    trace.set_tracer_provider(provider)
    seen = InMemorySpanExporter()
    for each in (exporter, seen):
        provider.add_span_processor(SimpleSpanProcessor(each))
    with nbtrace.record() as rec:
        for number in range(2_500):
            _order(provider.get_tracer("shop.orders", "2.1"), number)
    exporter.shutdown()
    loaded = nbtrace.load(path)
    ours, theirs = rec.spans(attributes="all"), loaded.spans(attributes="all")
    unknown = ["thread_id", "thread_name", "process_pid"]
    assert len(theirs) == 10_000
    pd.testing.assert_frame_equal(_in_order(theirs.drop(columns=unknown)), _in_order(ours.drop(columns=unknown)))
    for answer in ("events", "links", "errors"):
        pd.testing.assert_frame_equal(_in_order(getattr(loaded, answer)()), _in_order(getattr(rec, answer)()))
    for answer in ("statistics", "concurrency"):
        pd.testing.assert_frame_equal(getattr(loaded, answer)(), getattr(rec, answer)())
    some = ours["trace_id"][5_000]
    assert str(loaded.text(trace_id=some)) == str(rec.text(trace_id=some))
    pd.testing.assert_frame_equal(loaded.critical_path(trace_id=some), rec.critical_path(trace_id=some))


def _order(tracer: trace.Tracer, number: int) -> None:
    with tracer.start_as_current_span(
        "order", kind=SpanKind.SERVER, attributes={"id": number, "tags": ["a", "b"]}
    ) as span:
        with tracer.start_as_current_span("stock", attributes={"share": number / 3, "id": str(number)}):
            pass
        with tracer.start_as_current_span("pack", links=[Link(span.get_span_context(), {"of": number})]) as pack:
            pack.add_event("taped", {"times": number % 3}, timestamp=time.time_ns())
            if number % 10 == 0:
                pack.record_exception(KeyError("tape"))
                pack.set_status(Status(StatusCode.ERROR, "no tape"))
        tracer.start_span("mail", kind=SpanKind.PRODUCER).end()


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """By the ids, as spans that begin in the same nanosecond stand in the order in which they came."""
    by = [name for name in ("trace_id", "span_id", "time", "name") if name in table]
    return table.sort_values(by, kind="stable").reset_index(drop=True).sort_index(axis=1)
