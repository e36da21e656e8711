"""What a span's row holds, on the common path and beside it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

import nbtrace
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.tap import Tap
from nbtrace.store.store import SpanStore


@pytest.fixture
def often_interrupted() -> Iterator[None]:
    """Threads take turns between any two steps."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_spans_of_many_tracers_ending_at_once_keep_their_own_scope(often_interrupted: None) -> None:
    """The last origin is remembered for speed, and tracers of other threads change it all the time."""
    with nbtrace.record() as rec:
        start = threading.Barrier(6)

        def work(number: int) -> None:
            tracer = trace.get_tracer(f"scope {number}")
            start.wait()
            for _ in range(2_000):
                with tracer.start_as_current_span(f"scope {number}"):
                    pass

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    table = rec.spans()
    assert len(table) == 12_000
    assert (table["name"] == table["scope_name"]).all()


def test_an_sdk_with_other_private_names_is_read_by_its_public_properties() -> None:
    """Slower, and with the same row."""

    class Renamed(ReadableSpan):
        """A span whose private fields are gone."""

        def __init__(self, span: ReadableSpan) -> None:
            self._span = span

        def __getattribute__(self, name: str) -> object:
            if name.startswith("_") and name not in ("_span", "__class__", "__dict__"):
                raise AttributeError(name)
            return getattr(object.__getattribute__(self, "_span"), name)

    rows = []
    for plain in (True, False):
        store, recorder, tap = SpanStore(), SpanRecorder(), Tap()
        recorder.listen(store)
        tap.open(recorder)
        on_end = tap.on_end
        tap.on_end = lambda span, on_end=on_end, plain=plain: on_end(span if plain else Renamed(span))  # type: ignore[method-assign]
        provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
        provider.add_span_processor(tap)
        with provider.get_tracer("mine").start_as_current_span("work", attributes={"n": 1, "s": "x"}) as span:
            span.set_attribute("later", 0.5)
        rows += nbtrace.Recording(store).spans(attributes="dict").to_dict("records")
    assert len(rows) == 2
    for field in ("name", "kind", "status_code", "service_name", "scope_name", "attributes", "event_count"):
        assert rows[0][field] == rows[1][field], field
    assert rows[1]["duration"] == rows[1]["duration"]
