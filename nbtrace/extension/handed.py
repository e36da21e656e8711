"""What whoever runs a notebook hands to its kernel: the span that is the parent of its cells, a journal, the notebook's path.

Enters: a variable of the environment, once. Leaves: a `Handed`. The variable is taken out, and so is TRACEPARENT: the notebook's
code sees neither, nor do the processes that it starts, which are children of a cell and not of the run."""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from nbtrace.faults import fault

VARIABLE = "NBTRACE_RUN"

ARGUMENT = "--ext=nbtrace.extension.outside"
"""Of a kernel: loads nbtrace from outside the notebook."""

TRACE_VARIABLES = ("TRACEPARENT", "TRACESTATE")
"""What names the parent of a process by convention:
https://opentelemetry.io/docs/specs/otel/context/env-carriers."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What a kernel is told of the run that it is part of; without a run, nothing."""

    traceparent: str = ""
    """The span of the run, as W3C Trace Context writes it."""
    tracestate: str = ""
    journal_path: str = ""
    """Where to write a journal."""
    notebook_path: str = ""

    @property
    def parent(self) -> Context | None:
        """The context in which the cells' spans begin."""
        if not self.traceparent:
            return None
        carrier = {"traceparent": self.traceparent, "tracestate": self.tracestate}
        return TraceContextTextMapPropagator().extract(carrier, context=Context())

    @property
    def journal(self) -> Path | None:
        """Where to write a journal."""
        return Path(self.journal_path) if self.journal_path else None

    @property
    def notebook(self) -> str | None:
        """The notebook's path."""
        return self.notebook_path or None

    def variables(self) -> dict[str, str]:
        """Return what is to stand in the environment of the kernel."""
        return {VARIABLE: json.dumps(asdict(self))}


_given = Handed()


def given() -> Handed:
    """Return what was handed to this process."""
    return _given


def take(environment: MutableMapping[str, str] = os.environ) -> None:
    """Take what was handed to this process out of its environment."""
    global _given
    text = environment.pop(VARIABLE, None)
    if text is None:
        return
    for name in TRACE_VARIABLES:
        environment.pop(name, None)
    try:
        found: Any = json.loads(text)
        _given = Handed(**{name: str(value) for name, value in found.items()})
    except (ValueError, TypeError, AttributeError):
        fault(f"reading {VARIABLE}")
