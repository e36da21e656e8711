"""In a task whoever has sent it is current, and in the recording the task itself."""

from __future__ import annotations

import copy
import pickle

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, TraceFlags, get_current_span, set_span_in_context

import nbtrace
from nbtrace.capture.current_cell import attach
from nbtrace.capture.task_parent import TaskParent, is_task, recorded_id, task_context


def test_two_ids() -> None:
    """OpenTelemetry is told the sender's, the recording the task's."""
    parent = TaskParent(7, 8, 1, 9)
    assert (parent.trace_id, parent.span_id, parent.task_id, recorded_id(parent)) == (7, 8, 9, 9)
    assert parent.is_valid
    assert parent.is_remote
    assert parent.trace_flags.sampled


def test_no_sender() -> None:
    """Where no span was current the task is all there is."""
    parent = TaskParent(7, 0, 0, 9)
    assert (parent.span_id, parent.task_id, parent.is_valid) == (9, 9, True)
    assert not parent.trace_flags.sampled


def test_it_is_copied() -> None:
    """As libraries do who hand contexts on: it stays what it is."""
    parent = TaskParent(7, 8, 1, 9)
    for other in (pickle.loads(pickle.dumps(parent)), copy.copy(parent), copy.deepcopy(parent)):
        assert type(other) is TaskParent
        assert (other.trace_id, other.span_id, other.task_id, other.trace_flags) == (7, 8, 9, 1)
        assert other == parent


def test_other_contexts() -> None:
    """A plain span stands in the recording by its own id, and its context is no task."""
    plain = SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(1))
    assert recorded_id(plain) == 8
    assert not is_task(Context())
    assert is_task(task_context(7, 8, 1, 9))


def test_it_travels_as_its_sender() -> None:
    """Whoever is called from a task hears of the span that has sent it, as without nbtrace."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context=task_context(0xABC, 0xDEF, 1, 0x123))
    assert carrier["traceparent"] == f"00-{0xABC:032x}-{0xDEF:016x}-01"


def test_a_span_in_a_task() -> None:
    """Its row hangs on the task; what OpenTelemetry says of its parent is the sender."""
    with nbtrace.record() as rec:
        before = get_current_span()
        attach(task_context(0xABC, 0xDEF, 1, 0x123))
        try:
            with nbtrace.span("inside") as span:
                assert span.parent.span_id == 0xDEF
                assert is_task(set_span_in_context(span))
        finally:
            attach(set_span_in_context(before, Context()))
    (row,) = rec.spans().to_dict("records")
    assert (row["trace_id"], row["parent_span_id"]) == (f"{0xABC:032x}", f"{0x123:016x}")
