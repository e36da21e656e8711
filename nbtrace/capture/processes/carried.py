"""What travels with work to another process: where it was sent from, and where what is recorded of it goes.

Enters: what is current where work is sent. Leaves: objects that are pickled with the work, and take effect where they are
unpickled, or called. No frame of ours is in a traceback that comes out of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_current_span, set_span_in_context

from nbtrace.capture.current_cell import CELL
from nbtrace.faults import fault


class Carried(NamedTuple):
    """Atoms alone, as it is pickled with each task."""

    directory: str
    """The home of the kernel."""
    trace_id: int
    span_id: int
    """Of the span that was current; zeros for none."""
    flags: int
    """Whether that was sampled, as OpenTelemetry says it."""
    cell: int
    """Number of the execution, 0 outside a cell."""
    sent_ns: int
    """When, in ns since the epoch."""

    @classmethod
    def here(cls, directory: str) -> Carried:
        """Return what is current here."""
        known = get_current_span().get_span_context()
        trace_id, span_id = (known.trace_id, known.span_id) if known.is_valid else (0, 0)
        return cls(directory, trace_id, span_id, known.trace_flags, CELL.get(), time.time_ns())

    def context(self) -> Context:
        """Return it as a context of OpenTelemetry's."""
        return context_of(self.trace_id, self.span_id, self.flags)


def context_of(trace_id: int, span_id: int, flags: int) -> Context:
    """Return a context in which a span of another process is current; an empty one for zeros."""
    if not span_id:
        return Context()
    known = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
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
        self.began: Callable[[Carried, Callable[..., Any], str], Callable[..., Any]] = _never
        """Takes what a task has carried, its function and its name; returns what to call."""
        self.leaves: Callable[[], Carried | None] = _none
        """Gives what to take along; None where nothing is recorded."""


TRAVELS = Travels()


class Arriving:
    """Stands for the function of a task, here and there.

    `__call__` is a property: Python looks it up, and so runs what makes the sender current, right before it calls what the
    property gave. A wrapping function would do the same and show up in every traceback."""

    __slots__ = ("_carried", "_function", "_name")

    def __init__(self, function: Callable[..., Any], carried: Carried, name: str = "") -> None:
        self._function = function
        self._carried = carried
        self._name = name

    def __reduce__(self) -> Any:
        return TRAVELS.unpickled, (self._function, tuple(self._carried), self._name)

    @property
    def __call__(self) -> Callable[..., Any]:
        """What to call in the place of the task."""
        try:
            return TRAVELS.began(self._carried, self._function, self._name)
        except Exception:
            fault("arriving with a task")
        return self._function


class Ticket:
    """Lies in what every process of multiprocessing hands down to those that it starts, and takes effect when it is unpickled in
    one: before anything of the user's runs there."""

    def __reduce__(self) -> Any:
        try:
            carried = TRAVELS.leaves()
        except Exception:
            fault("sending a process on its way")
            carried = None
        return TRAVELS.ticket, (None if carried is None else tuple(carried),)
