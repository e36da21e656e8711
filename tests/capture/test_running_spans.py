"""Spans that never end, that end late, and that an interrupt has cut off."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pandas as pd
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import nbtrace
from nbtrace.capture.current_cell import CELL
from nbtrace.capture.current_span import still_open
from nbtrace.capture.live import LIVE


@pytest.fixture(params=["own", "user"])
def recording(request: pytest.FixtureRequest) -> Any:
    """A recording on nbtrace's provider, and on one of the user's."""
    if request.param == "user":
        trace.set_tracer_provider(TracerProvider())
    with nbtrace.record() as rec:
        yield rec


def states(rec: nbtrace.Recording) -> dict[str, str]:
    """The state of each span by its name."""
    table = rec.spans()
    assert table["span_id"].is_unique
    return dict(zip(table["name"], table["state"], strict=True))


def test_a_span_whose_object_is_gone_is_unfinished_with_what_it_had(recording: nbtrace.Recording) -> None:
    """No end, no duration; attributes, events and links stay."""
    span = trace.get_tracer("t").start_span("dropped", attributes={"rows": 3}, kind=trace.SpanKind.CLIENT)
    span.set_attribute("later", "x")
    span.add_event("seen", {"n": 1})
    trace_id = span.get_span_context().trace_id
    assert states(recording) == {"dropped": "running"}
    del span
    (row,) = recording.spans().to_dict("records")
    assert row["state"] == "unfinished"
    assert row["kind"] == "CLIENT"
    assert row["trace_id"] == f"{trace_id:032x}"
    assert pd.isna(row["end_time"])
    assert pd.isna(row["duration"])
    assert (row["attributes.rows"], row["attributes.later"], row["event_count"]) == (3, "x", 1)
    assert recording.events()["name"].tolist() == ["seen"]
    assert len(recording) == 1
    assert len(recording.spans(where="state == 'unfinished'")) == 1


def test_a_span_is_not_kept_alive_by_the_recording(recording: nbtrace.Recording) -> None:
    """What the user lets go of goes at once, as without nbtrace."""
    span = weakref.ref(trace.get_tracer("t").start_span("dropped"))
    assert span() is None
    assert states(recording) == {"dropped": "unfinished"}


def test_a_span_in_a_circle_is_unfinished_when_the_collector_has_found_it(recording: nbtrace.Recording) -> None:
    class Node:
        def __init__(self) -> None:
            self.span, self.self = trace.get_tracer("t").start_span("circle"), self

    Node()
    gc.collect()
    assert states(recording) == {"circle": "unfinished"}


def test_a_span_that_was_given_up_before_its_generator_is_closed_is_there_once(recording: nbtrace.Recording) -> None:
    """The collector tells of both before it closes any, and another thread may ask in between."""

    def block(span: Any) -> Any:
        try:
            yield
        finally:
            LIVE.recorder.close_freed()
            span.end()

    held: Any = block(trace.get_tracer("t").start_span("late"))
    next(held)
    circle = [held]
    circle.append(circle)
    del held, circle
    gc.collect()
    assert states(recording) == {"late": "unfinished"}


def test_a_span_begun_in_one_cell_and_ended_in_another_is_one_row(recording: nbtrace.Recording) -> None:
    span = trace.get_tracer("t").start_span("long")
    with nbtrace.span("other"):
        pass
    assert states(recording) == {"long": "running", "other": "ended"}
    span.end()
    assert states(recording) == {"long": "ended", "other": "ended"}


def test_what_an_interrupted_cell_leaves_is_unfinished_unless_something_can_end_it(
    recording: nbtrace.Recording,
) -> None:
    """A variable of the notebook's ends nothing; a suspended generator, an open block and a running frame do."""
    tracer = trace.get_tracer("t")

    def generator() -> Any:
        span = tracer.start_span("generator")
        yield
        span.end()

    def block() -> Any:
        with nbtrace.span("block"):
            yield

    def frame() -> None:
        span = tracer.start_span("frame")
        LIVE.recorder.interrupted(7, still_open)
        span.end()

    token = CELL.set(7)
    try:
        variables = {"span": tracer.start_span("variable")}
        failed = None
        try:
            error_holds = tracer.start_span("traceback")
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            failed = error
        variables["error_holds"] = error_holds
        del error_holds
        going = [generator(), block()]
        for each in going:
            next(each)
    finally:
        CELL.reset(token)
    elsewhere = tracer.start_span("of another cell")
    LIVE.recorder.interrupted(7, still_open)
    expected = {
        "variable": "unfinished",
        "traceback": "unfinished",
        "generator": "running",
        "block": "running",
        "of another cell": "running",
    }
    assert states(recording) == expected
    token = CELL.set(7)
    frame()
    CELL.reset(token)
    assert states(recording) == {**expected, "frame": "ended"}
    # A later end wins.
    variables["span"].end()
    for each in going:
        next(each, None)
    elsewhere.end()
    assert states(recording) == {
        **dict.fromkeys([*expected, "frame"], "ended"),
        "traceback": "unfinished",
    }
    assert failed is not None


def test_a_span_that_the_sdk_has_ended_and_never_handed_over_is_unfinished(recording: nbtrace.Recording) -> None:
    """An interrupt between the two leaves it so."""
    span: Any = trace.get_tracer("t").start_span("cut off")
    span._end_time = 1
    assert states(recording) == {"cut off": "unfinished"}
    del span
    assert states(recording) == {"cut off": "unfinished"}


def test_a_span_that_cannot_be_referenced_weakly_runs_and_ends() -> None:
    """A class of the user's with slots."""
    from opentelemetry.sdk.trace import ReadableSpan

    from nbtrace.capture.recorder import SpanRecorder
    from nbtrace.capture.sdk.rows import SpanRows
    from nbtrace.capture.sdk.tap import callbacks
    from nbtrace.store.span_store import SpanStore

    class Slotted:
        __slots__ = ("_span",)

        def __init__(self, span: ReadableSpan) -> None:
            self._span = span

        def __getattr__(self, name: str) -> Any:
            return getattr(self._span, name)

    recorder, store = SpanRecorder(), SpanStore()
    recorder.listen(store)
    store.sources["test"] = recorder.running_rows
    on_start, on_end = callbacks(SpanRows(recorder))
    span: Any = TracerProvider().get_tracer("t").start_span("slotted")
    on_start(Slotted(span))
    assert states(nbtrace.Recording(store)) == {"slotted": "running"}
    span.end()
    on_end(span)
    assert states(nbtrace.Recording(store)) == {"slotted": "ended"}


def test_an_exception_below_a_span_that_never_ends_costs_later_spans_nothing() -> None:
    """They take the short way all the same."""
    with nbtrace.record() as rec, nbtrace.span("long"):
        with pytest.raises(ValueError, match="x"), nbtrace.span("failed"):
            raise ValueError("x")
        taken = []
        careful_end = LIVE.attachment.rows.careful_end
        LIVE.attachment.rows.careful_end = lambda *args: taken.append(args) or careful_end(*args)  # type: ignore[method-assign, func-returns-value]
        try:
            with nbtrace.span("later"):
                pass
        finally:
            del LIVE.attachment.rows.careful_end
    assert taken == []
    assert rec.spans()["name"].tolist() == ["long", "failed", "later"]
