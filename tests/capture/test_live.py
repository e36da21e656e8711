"""Recordings that are fed, and what they are told."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import nbtrace
from nbtrace.capture.live import LIVE
from nbtrace.store.schema import Row


class Heard:
    def __init__(self) -> None:
        self.starts: list[str] = []
        self.ends: list[str] = []

    def started(self, row: Row) -> None:
        self.starts.append(row[3])

    def ended(self, row: Row) -> None:
        self.ends.append(row[3])


@pytest.mark.parametrize("own", [True, False], ids=["own provider", "user's provider"])
def test_a_subscriber_hears_spans_start_before_they_end(own: bool) -> None:
    """A journal knows what ran when the kernel died. From when it subscribes, and not after the recording has stopped."""
    if not own:
        trace.set_tracer_provider(TracerProvider())
    heard = Heard()
    with nbtrace.record() as rec:
        with nbtrace.span("before"):
            pass
        rec._store.subscribe(heard)
        with nbtrace.span("outer"):
            assert heard.starts == ["outer"]
            with trace.get_tracer("user's").start_as_current_span("inner"):
                assert (heard.starts, heard.ends) == (["outer", "inner"], [])
        assert heard.ends == ["inner", "outer"]
    with nbtrace.record(), nbtrace.span("after"):
        pass
    assert heard.starts == ["outer", "inner"]
    rec._store.unsubscribe(heard)
    assert LIVE.recorder.starts == ()
