"""The span of a whole run: the parent of the cells, and in a larger trace the child of who started the run.

Enters: the environment, and how the run ended. Leaves: what the kernel is handed, and a row. No SDK makes it: where the larger
trace is not sampled, that would drop it and all cells."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from nbtrace.capture.sdk.ids import OwnIdGenerator
from nbtrace.extension.handed import TRACE_VARIABLES
from nbtrace.store.origins import origin
from nbtrace.store.schema import STATUS_CODES, Extra, Row, RowFields, Thread
from nbtrace.store.semconv import ERROR_TYPE, RUN_SCOPE

_IDS = OwnIdGenerator()


class RunSpan:
    """A run, from now on."""

    def __init__(self, name: str, environment: Mapping[str, str] = os.environ) -> None:
        self.name = name
        carrier = {variable.lower(): environment.get(variable, "") for variable in TRACE_VARIABLES}
        context = TraceContextTextMapPropagator().extract(carrier, context=Context())
        parent = trace.get_current_span(context).get_span_context()
        self.trace_id = parent.trace_id if parent.is_valid else _IDS.generate_trace_id()
        self.parent_span_id = parent.span_id if parent.is_valid else 0
        self.span_id = _IDS.generate_span_id()
        self.tracestate = parent.trace_state.to_header() if parent.is_valid else ""
        self._start_ns = time.time_ns()
        self._began_ns = time.perf_counter_ns()
        self.duration_ns = 0

    @property
    def traceparent(self) -> str:
        """The span as W3C Trace Context writes it. It is sampled, whatever its parent is: a cell that nobody records is what
        nobody who types `nbtrace run` wants."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-01"

    def end(self) -> None:
        """The run is over."""
        self.duration_ns = time.perf_counter_ns() - self._began_ns

    def row(self, attributes: Mapping[str, Any], *, failed: str = "", message: str = "", told: bool = False) -> Row:
        """Return the row of the span. failed: the kind of the error with which it ended; message: what is said of it; told:
        whether a cell has told that error."""
        held = {**attributes, **({ERROR_TYPE: failed} if failed else {})}
        fields = RowFields(
            trace_id=self.trace_id,
            span_id=self.span_id,
            parent_span_id=self.parent_span_id,
            name=self.name,
            kind=0,
            start_ns=self._start_ns,
            end_ns=self._start_ns + self.duration_ns,
            status=STATUS_CODES.index("ERROR" if failed else "UNSET"),
            cell=0,
            origin=origin("nbtrace", RUN_SCOPE, None, {"service.name": "nbtrace"}),
            thread=Thread(os.getpid(), None, None),
            extra=Extra(status_message=message, propagated=told) if message else None,
            keys=tuple(held),
        )
        return (*fields, *held.values())
