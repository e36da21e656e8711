"""Recordings that hold something of everything, and whether two answer alike."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pandas as pd
from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

import nbtrace
from nbtrace.recording import Recording
from tests.formats.profiles import Profiled
from tests.rows import row

SUFFIXES = (".jsonl", ".otlp")


STILL_RUN: list[Any] = []
"""A span that nobody refers to ends as unfinished."""


def answers(rec: Recording) -> dict[str, pd.DataFrame]:
    """What a recording says of what OTLP holds."""
    return {
        "spans": rec.spans(attributes="all"),
        "events": rec.events(),
        "links": rec.links(),
        "errors": rec.errors(),
        "cells": rec.cells(asking=True),
    }


def assert_alike(rec: Recording, other: Recording) -> None:
    """Both say the same, in values, columns and types."""
    theirs = answers(other)
    for name, ours in answers(rec).items():
        pd.testing.assert_frame_equal(ours, theirs[name], obj=name)
    assert str(rec.text()) == str(other.text())
    assert rec.dropped_spans == other.dropped_spans


def through(rec: Recording, path: Path) -> Recording:
    """Saved and loaded."""
    return nbtrace.load(rec.save(path))


def of_the_sdk() -> Recording:
    """What OpenTelemetry's own calls make: kinds, links, events, a thread, a failure, a span that still runs, and one that nobody can end any more."""
    with nbtrace.record() as rec:
        tracer = trace.get_tracer("shop.orders", "2.1")
        with tracer.start_as_current_span("order", kind=SpanKind.SERVER, attributes={"id": 7}) as order:
            order.add_event("paid", {"sum": 9.5, "by": "card"}, timestamp=order.start_time + 1)  # type: ignore[attr-defined]
            thread = threading.Thread(target=lambda: tracer.start_span("mail").end(), name="post office")
            thread.start()
            thread.join()
            with tracer.start_as_current_span(
                "stock", links=[Link(order.get_span_context(), {"why": "asked"})]
            ) as span:
                span.set_attributes({"id": "seven", "sizes": [1, 2, 3], "found": True, "share": float("nan")})
                span.set_status(Status(StatusCode.OK))
            try:
                with nbtrace.span("pack", boxes=[{"wide": 2.5, "tag": b"\0\1", "of": None}], thread=None):
                    raise KeyError("tape")
            except KeyError:
                pass
            tracer.start_span("deliver", kind=SpanKind.PRODUCER, attributes={"at": "ü\u2028 \U0001f69a"})
            STILL_RUN.append(tracer.start_span("wait"))
    return rec


def of_cells() -> Profiled:
    """Cells, one of which ran twice, one failed and only asked, with spans in them; what is outside; and a span in a cell of
    which the cell's own span is gone."""
    made = Profiled()
    first = made.cell(2, "import pandas\npandas.DataFrame({'ü': [1]})", seconds=3)
    second = made.cell(3, "%spans nonsense", asks=True)
    second.failed = True
    third = made.cell(4, "import pandas\npandas.DataFrame({'ü': [1]})", seconds=5)
    bracketless = made.cell(None, "silent()")
    for place, cell in enumerate((first, third, second, bracketless), 1):
        made.store.append(row(place, parent=cell.span_id, trace=cell.trace_id, cell=cell.number, rows=place))
    gone = made.store.cells.open(execution_count=9, cell_id="abc", source="forgotten()")
    gone.trace_id, gone.span_id = 77, 78
    made.store.append(row(20, parent=78, trace=77, cell=gone.number))
    return made
