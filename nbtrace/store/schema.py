"""The columns of a recording: what a row holds on the user's path, and what it becomes when it is sealed.

Enters: nothing. Leaves: `RowFields` (the order of a row tuple), the limits, and the names of the span table.
Times are integer nanoseconds since the epoch, ids integers; 0 stands for "none" where no real value can be 0."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

Row: TypeAlias = tuple[Any, ...]
"""A span as one plain tuple: the fields of `RowFields`, then the values of its attributes in the order of `keys`.

One flat tuple of atoms is the cheapest thing to keep: the garbage collector visits every container that survives, so a
tuple of values or a dict beside it would cost each span more than it holds."""


class Extra(NamedTuple):
    """What few spans have, kept out of the row so that the others do not pay for it."""

    status_message: str | None = None
    events: tuple[tuple[Any, ...], ...] = ()
    """(time_ns, name, keys, values) each."""
    links: tuple[tuple[Any, ...], ...] = ()
    """(trace_id, span_id, keys, values) each."""
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
    propagated: bool = False
    """The span failed by an exception that one of its descendants has already recorded."""


class Thread(NamedTuple):
    """A thread of a process."""

    process_pid: int | None = None
    thread_id: int | None = None
    """What `threading.get_ident()` gives there: OpenTelemetry's thread.id."""
    thread_name: str | None = None
    """Its name when its first span began; None if `threading` does not know it."""


class Origin(NamedTuple):
    """A resource and an instrumentation scope. Rows hold it itself: a number would need a table, and mean nothing in another
    process."""

    service_name: str | None = None
    scope_name: str | None = None
    scope_version: str | None = None
    resource: str = "{}"
    """The resource's attributes as JSON; see origins.py."""


class RowFields(NamedTuple):
    """The fields at the beginning of a row, in their order."""

    trace_id: int
    span_id: int
    parent_span_id: int
    """0 for a root."""
    name: str
    kind: int
    """Index into `KINDS`."""
    start_ns: int
    end_ns: int
    """`RUNNING` while the span runs, `UNFINISHED` when nothing can end it any more."""
    status: int
    """Index into `STATUS_CODES`."""
    cell: int
    """Number of the execution in the `CellBook`, 0 outside a cell."""
    origin: Origin
    """Which program and which instrumentation scope; spans of a tracer share the tuple."""
    thread: Thread
    """The thread in which it began; spans of a thread share the tuple."""
    extra: Extra | None
    keys: tuple[str, ...]
    """The attributes' keys; spans with the same keys in the same order share the tuple."""


WIDTH = len(RowFields._fields)
"""Where the values begin."""

RUNNING, UNFINISHED = 0, -1
"""The end of a span that has none: it may still come, or nothing is left that could end it."""

STATES = ("ended", "running", "unfinished")
KINDS = ("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUS_CODES = ("UNSET", "OK", "ERROR")

ATTRIBUTE_PREFIX = "attributes."

MAX_TEXT = 65_536
"""Characters kept of one string; the rest is cut and counted in a mark."""

MAX_ITEMS = 1_000
"""Items kept of one array or map, those of nested ones included."""

MAX_DEPTH = 16
"""Levels kept of nested arrays and maps."""

SAMPLE_BYTES = 220
"""What the row of a sample weighs until it is sealed."""

NOTE_BYTES = 400
"""What the note of one statement weighs, its code included."""

UNSEALABLE: dict[tuple[int, int], str] = {}
"""Spans of this process that could be kept only as rows that say so: trace and span id, and the kind of the error."""

MAX_UNSEALABLE = 10_000
