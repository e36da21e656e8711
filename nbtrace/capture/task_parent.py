"""What is current in a task: whoever has sent it, and in the recording the task itself, which stands between the two.

Enters: the ids of both. Leaves: a context of OpenTelemetry's. Whoever exports spans, or calls another program, finds the sender,
as without nbtrace; only rows hang on the task, which nobody else has ever heard of."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

_STATE = TraceState()
_KEY = "nbtrace-task"
_TASK, _SENDER = 1, 6
"""Where the ids stand: the first is where `SpanContext` has its span's, and where sdk/tap.py reads it."""


class TaskParent(SpanContext):
    """The sender of a task, which travels wherever OpenTelemetry's context does."""

    def __new__(cls, trace_id: int, sender_id: int, flags: int, task_id: int) -> TaskParent:
        """`sender_id`: 0 where no span was current, and then the task is all there is."""
        return tuple.__new__(cls, (trace_id, task_id, True, TraceFlags(flags), _STATE, True, sender_id or task_id))

    def __getnewargs__(self) -> Any:
        return self.trace_id, self.span_id, int(self.trace_flags), self.task_id

    @property
    def span_id(self) -> int:
        """The sender's."""
        found: Any = self[_SENDER]
        return int(found)

    @property
    def task_id(self) -> int:
        """The task's."""
        found: Any = self[_TASK]
        return int(found)


def task_context(trace_id: int, sender_id: int, flags: int, task_id: int) -> Context:
    """Return a context in which a task is done."""
    parent = TaskParent(trace_id, sender_id, flags, task_id)
    return set_span_in_context(NonRecordingSpan(parent), Context({_KEY: task_id}))


def recorded_id(known: SpanContext) -> int:
    """Return the id by which a span, or a task, stands in the recording."""
    return known.task_id if isinstance(known, TaskParent) else known.span_id


def is_task(context: Context) -> bool:
    """Whether a task is done in a context, by itself or within one of its spans."""
    return context.get(_KEY) is not None
