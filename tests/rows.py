"""Rows for tests, written with the fields that matter."""

from __future__ import annotations

from typing import Any

from nbtrace.store.schema import Extra, Origin, Row, Thread

UNKNOWN = Origin()
THREAD = Thread(11, 22, "MainThread")


def row(
    span_id: int = 1,
    *,
    parent: int = 0,
    name: Any = "work",
    trace: int = 7,
    start: Any = 1_000,
    end: Any = 2_000,
    cell: int = 0,
    status: int = 0,
    origin: Origin = UNKNOWN,
    extra: Extra | None = None,
    **attributes: Any,
) -> Row:
    """A row as the recorder makes it."""
    values = tuple(attributes.values())
    return (
        trace,
        span_id,
        parent,
        name,
        0,
        start,
        end,
        status,
        cell,
        origin,
        THREAD,
        extra,
        tuple(attributes),
        *values,
    )
