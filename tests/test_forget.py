"""`rec.forget`: what somebody wants gone is gone, from every answer and from memory."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import pytest
from opentelemetry import trace

import nbtrace
from nbtrace.analysis.filters import UnknownColumnError

SECRET = "hunter2-hunter2"


def everything(rec: nbtrace.Recording) -> str:
    """All that a recording answers, as text; and all of its memory, as bytes that hold no text of Arrow's twice."""
    snapshot = rec._store.snapshot()
    tables = (rec.spans(attributes="all"), rec.events(), rec.links(), rec.errors(), rec.cells())
    return "".join(table.astype(str).to_csv() for table in tables) + str(pickle.dumps(snapshot))


def fail(i: int) -> None:
    with nbtrace.span(f"login {SECRET}", password=SECRET, **{f"key {SECRET}": i}) as span:
        span.add_event(SECRET, {"e": SECRET})
        span.add_link(span.get_span_context(), {"l": SECRET})
        raise ValueError(f"x{SECRET}")


def test_spans_are_taken_out_with_all_that_hangs_on_them() -> None:
    with nbtrace.record() as rec:
        with nbtrace.span("kept", n=1), nbtrace.span("inner"):
            pass
        for i in range(3):
            with pytest.raises(ValueError, match="x"):
                fail(i)
        with nbtrace.span("kept too", n=2) as span:
            span.add_event("stays", {"n": 3})
    assert SECRET in everything(rec)
    assert rec.forget(where="name.str.startswith('login')") == 3
    assert SECRET not in everything(rec)
    assert rec.spans()["name"].tolist() == ["kept", "inner", "kept too"]
    assert rec.spans()["attributes.n"].tolist()[::2] == [1, 2]
    assert rec.events()[["span_name", "name", "attributes.n"]].to_numpy().tolist() == [["kept too", "stays", 3]]
    assert len(rec) == 3
    assert rec._store.forgotten_spans == 3
    assert rec.dropped_spans == 0
    assert rec.forget(name="nothing of that name") == 0


def test_a_running_span_that_is_forgotten_does_not_come_in_when_it_ends() -> None:
    """Nor does another recording miss it."""
    with nbtrace.record() as rec, nbtrace.record() as other:
        with nbtrace.span("secret", password=SECRET) as span:
            assert rec.forget(trace_id=f"{span.get_span_context().trace_id:032x}") == 1
            with nbtrace.span("inside, later"):
                pass
            assert rec.spans()["name"].tolist() == ["inside, later"]
        with nbtrace.span("after"):
            pass
    assert rec.spans()["name"].tolist() == ["inside, later", "after"]
    assert other.spans()["name"].tolist() == ["secret", "inside, later", "after"]


def test_what_is_forgotten_does_not_come_back_with_the_recording() -> None:
    """Stopped and started while the span still runs."""
    rec = nbtrace.record().start()
    span = trace.get_tracer("t").start_span("secret")
    rec.forget(name="secret")
    rec.stop().start()
    span.end()
    rec.stop()
    assert rec.spans()["name"].tolist() == []


def test_a_condition_is_needed_and_is_checked() -> None:
    with nbtrace.record() as rec, nbtrace.span("x"):
        pass
    with pytest.raises(ValueError, match=r"rec\.forget\(cell=3\)"):
        rec.forget()
    with pytest.raises(UnknownColumnError):
        rec.forget(where="nonsense == 1")
    assert len(rec) == 1


@pytest.mark.parametrize("travel", [copy.deepcopy, copy.copy, lambda rec: pickle.loads(pickle.dumps(rec))])
def test_a_recording_can_be_copied_and_pickled(travel: Any) -> None:
    """What comes out holds the same and records nothing; the live one can be copied while it records."""
    with nbtrace.record(max_spans=5_000) as rec:
        for i in range(5_200):
            with nbtrace.span("x", n=i):
                pass
        with nbtrace.span("running"):
            twin = travel(rec)
            for question in ("spans", "events", "cells", "errors", "statistics"):
                assert getattr(twin, question)().equals(getattr(rec, question)()), question
            assert (len(twin), twin.dropped_spans, twin.max_spans) == (len(rec), rec.dropped_spans, 5_000)
            ending = trace.get_tracer("t").start_span("ends in the twin")
            late = travel(rec)
            with late:
                ending.end()
            assert late.spans(name="ends in the twin")["state"].tolist() == ["ended"]
        with nbtrace.span("later"):
            pass
    assert not twin.recording
    assert "later" not in set(twin.spans()["name"])
    with twin, nbtrace.span("of its own"):
        pass
    assert "of its own" in set(twin.spans()["name"])
    gc.collect()
