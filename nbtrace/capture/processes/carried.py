"""What travels with work to another process: where it was sent from, and where what is recorded of it goes.

Enters: what is current where work is sent. Leaves: objects that are pickled with the work, and take effect where they are
unpickled, or called. No frame of ours is in a traceback that comes out of them."""

from __future__ import annotations

import copyreg
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_current_span, set_span_in_context

from nbtrace.capture.task_parent import TaskParent, task_context
from nbtrace.faults import fault


class Carried(NamedTuple):
    """Atoms alone. In one text, as it is pickled with each task."""

    directory: str
    """The home of the kernel; "" for none."""
    trace_id: int
    span_id: int
    """Of the span that was current; zeros for none."""
    flags: int
    """Whether that was sampled, as OpenTelemetry says it."""
    cell: int
    """Number of the execution, 0 outside a cell."""
    task_id: int
    """Of the task that has sent it without a span of its own, 0 for none. It stands in the recording alone: what is current is
    the span that has sent the task."""

    @classmethod
    def of(cls, directory: str, context: Context, cell: int) -> Carried:
        """Return what a context of OpenTelemetry's carries."""
        known = get_current_span(context).get_span_context()
        trace_id, span_id = (known.trace_id, known.span_id) if known.is_valid else (0, 0)
        task_id = known.task_id if isinstance(known, TaskParent) else 0
        return cls(directory, trace_id, span_id, known.trace_flags, cell, task_id)

    def text(self) -> str:
        """Return it as `read` reads it."""
        return f"{self.trace_id:x} {self.span_id:x} {self.flags:x} {self.cell:x} {self.task_id:x} {self.directory}"

    @classmethod
    def read(cls, text: str) -> Carried:
        """Return what `text` has made a text of. Raises ValueError for anything else."""
        *numbers, directory = text.split(" ", 5)
        if len(numbers) != 5:
            raise ValueError("not as many numbers as are carried")
        return cls(directory, *(int(number, 16) for number in numbers))

    def context(self) -> Context:
        """Return a context of OpenTelemetry's in which that span, of another process, is current, or its task; an empty one for
        none."""
        if not self.span_id:
            return Context()
        if self.task_id:
            return task_context(self.trace_id, self.span_id, self.flags, self.task_id)
        known = SpanContext(self.trace_id, self.span_id, is_remote=True, trace_flags=TraceFlags(self.flags))
        return set_span_in_context(NonRecordingSpan(known), Context())


def _never(*args: Any) -> Any:
    raise RuntimeError("capture has not been put together")


def _none() -> None:
    return None


class Travels:
    """How what travels gets here and there; one for the process, set when capture is put together."""

    def __init__(self) -> None:
        self.unpickled: Callable[..., Any] = _never
        """Makes an `Arriving` again, by a name that pickle can find."""
        self.ticket: Callable[..., Any] = _never
        """Likewise for a `Ticket`."""
        self.began: Callable[[str, Callable[..., Any], str, int, int], Callable[..., Any]] = _never
        """Takes what a task has carried, its function, its name, when it was sent and its number; returns what to call."""
        self.collects = False
        """Whether it is this process to which what others record comes home."""
        self.leaves: Callable[[], str | None] = _none
        """Gives what to take along; None where nothing is recorded."""


TRAVELS = Travels()

_now_ns = partial(time.time_ns)


class Arriving(tuple[Any, ...]):
    """Stands for the function of a task, here and there: a tuple of it, what it carries, the time, its name and its number, which
    is made and pickled in the least time.

    `__call__` is a property: Python looks it up, and so runs what makes the sender current, right before it calls what the
    property gave. A wrapping function would do the same and show up in every traceback."""

    __slots__ = ()

    @classmethod
    def of(cls, function: Callable[..., Any], carried: str, name: str = "", number: int = 0) -> Arriving:
        """Return what stands for a function that is sent now; 0 for a number that its worker gives it."""
        return cls((function, carried, _now_ns(), name, number))

    @property
    def __call__(self) -> Callable[..., Any]:
        """What to call in the place of the task."""
        function, carried, sent_ns, name, number = self
        try:
            return TRAVELS.began(carried, function, name, sent_ns, number)
        except Exception:
            fault("arriving with a task")
        found: Callable[..., Any] = function
        return found


def _reduced(arriving: Arriving) -> Any:
    return TRAVELS.unpickled, (*arriving,)


copyreg.pickle(Arriving, _reduced)  # found at once, where a method is looked for in five places


class Ticket:
    """Lies in what every process of multiprocessing hands down to those that it starts, and takes effect when it is unpickled in
    one: before anything of the user's runs there."""

    def __reduce__(self) -> Any:
        try:
            carried = TRAVELS.leaves()
        except Exception:
            fault("sending a process on its way")
            carried = None
        return TRAVELS.ticket, (carried, _now_ns())
