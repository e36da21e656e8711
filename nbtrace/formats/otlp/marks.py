"""The attributes by which an OTLP file of ours holds what OTLP has no field for.

They are put on when a file is written and taken off again when it is read, so that a recording comes back as it was:

- A resource of ours says so by `nbtrace.format`. In a file without it nothing is ours, and nothing is taken off.
- The thread of a span is `thread.id` and `thread.name`, its process is `process.pid` of the resource, as OpenTelemetry calls
  them. Where the span, or the resource, has an attribute of that name itself, its own stays, and ours stands beside it as
  `nbtrace.thread.id`, by which a reader knows that the other is not ours.
- All else of ours begins with `nbtrace.`. An attribute that was recorded under such a name is written as `nbtrace.own.NAME`.
- An execution of a cell rides on the cell's own span, as `nbtrace.cell.…`. Where that span is not in the file it rides on the
  first one of the cell that is, with the ids of the cell's own; an execution of which no span is there is lost.

Statements and samples are not in OTLP's traces, and not in these files. Of OTLP, flags, trace states, schema URLs, and how
many attributes an event or a link has lost are not in a recording."""

from __future__ import annotations

FORMAT = "nbtrace.format"
"""On a resource: that the file is ours; the number grows if the meaning of a name here ever changes."""

FORMAT_VERSION = 1

RECORDING = "nbtrace.recording"
"""On a resource: what tells the executions of one saved recording from another's, if files are put together."""

DROPPED_SPANS = "nbtrace.dropped_spans"
"""On a resource: how many spans the recording's bound had pushed out."""

PROCESS_PID = "process.pid"
"""OpenTelemetry's name, on a resource."""

THREAD_ID = "thread.id"
"""OpenTelemetry's name, on a span."""

THREAD_NAME = "thread.name"
"""OpenTelemetry's name, on a span."""

OURS = "nbtrace."
"""What our names begin with. Before one of OpenTelemetry's: ours, beside the span's own."""

OWN = "nbtrace.own."
"""What the names of attributes begin with that were recorded under a name that looks like ours."""

SERVICE_NAME = "nbtrace.service.name"
"""On a resource: its service, where that is not its `service.name`; empty for none."""

EMPTY_NAME = "nbtrace.scope.empty_name"
"""On a scope: that its name is an empty text, where OTLP knows only that there is none."""

EMPTY_VERSION = "nbtrace.scope.empty_version"
"""On a scope: the same of its version."""

EMPTY_MESSAGE = "nbtrace.status.empty_message"
"""On a span: the same of its status message."""

STATE = "nbtrace.state"
"""On a span that has no end: "running" or "unfinished"."""

PROPAGATED = "nbtrace.propagated"
"""On a span that an exception ended which one below it has recorded."""

CELL = "nbtrace.cell"
"""On a span: the number of the execution that it belongs to, whose own attributes stand under the names that begin with this
and a dot."""
