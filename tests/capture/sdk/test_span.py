"""A span of nbtrace's own provider stands for OpenTelemetry's no-op: whatever it is given, it neither raises nor hangs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from opentelemetry import trace

import nbtrace


class Refusing:
    """Refuses whatever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        raise ValueError(name)

    def __hash__(self) -> int:
        raise ValueError("hash")

    def __eq__(self, other: object) -> bool:
        raise ValueError("eq")

    def __bool__(self) -> bool:
        raise ValueError("bool")

    def __str__(self) -> str:
        raise ValueError("str")


ODD: list[Any] = [
    None, "", "text", 0, -1, 2**70, 1.5, float("nan"), True, b"bytes", [1], (1,), {1: 2}, {"a": [1]}, {1}, np.arange(3),
    np.float64(1), Decimal("1"), object(), Refusing(), Refusing, len, trace.SpanKind.CLIENT, trace.INVALID_SPAN_CONTEXT,
    trace.StatusCode.OK, "\udc80", range(10**12), itertools.count(),
]  # fmt: skip

METHODS: dict[str, Callable[[Any, Any], object]] = {
    "set_attribute, key": lambda span, odd: span.set_attribute(odd, 1),
    "set_attribute, value": lambda span, odd: span.set_attribute("key", odd),
    "set_attributes": lambda span, odd: span.set_attributes(odd),
    "add_event, name": lambda span, odd: span.add_event(odd),
    "add_event, attributes": lambda span, odd: span.add_event("e", odd),
    "add_event, time": lambda span, odd: span.add_event("e", timestamp=odd),
    "add_link": lambda span, odd: span.add_link(odd, odd),
    "set_status": lambda span, odd: span.set_status(odd),
    "set_status, text": lambda span, odd: span.set_status(trace.StatusCode.ERROR, odd),
    "record_exception": lambda span, odd: span.record_exception(ValueError(), odd),
    "update_name": lambda span, odd: span.update_name(odd),
    "end": lambda span, odd: span.end(odd),
}


@pytest.mark.parametrize("method", METHODS)
def test_no_method_raises_whatever_it_is_given(method: str) -> None:
    with nbtrace.record() as rec:
        for odd in ODD:
            span = trace.get_tracer("t").start_span("x")
            METHODS[method](span, odd)
            span.end()
        del span
    assert len(rec.spans()) == len(ODD)


@pytest.mark.parametrize("option", ["attributes", "links", "start_time"])
def test_no_span_fails_to_start_whatever_it_is_given(option: str) -> None:
    with nbtrace.record() as rec:
        for odd in ODD:
            with trace.get_tracer("t").start_as_current_span("x", **{option: odd}):
                pass
    assert len(rec.spans()) == len(ODD)
