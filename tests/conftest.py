"""Every test proves that it left nothing behind: no recording, no patch, no current span; and sees nbtrace's own faults."""

from __future__ import annotations

import concurrent.futures.thread
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once

from nbtrace import faults
from nbtrace.capture.cells import current_span_is_clean
from nbtrace.capture.live import LIVE

_ORIGINALS: list[tuple[Any, str, Any]] = [
    (owner, name, vars(owner)[name])
    for owner, name in (
        (threading.Thread, "start"),
        (threading.Thread, "_bootstrap_inner"),
        (concurrent.futures.thread._WorkItem, "__init__"),
        (concurrent.futures.thread._WorkItem, "run"),
        (trace, "_set_tracer_provider"),
    )
]


@pytest.fixture(autouse=True)
def _nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(faults, "RAISE", True)
    forget_provider()
    yield
    left = LIVE.stores()
    for store in left:
        LIVE.close(store)
    forget_provider()
    assert not left, "a recording was left open"
    assert current_span_is_clean()
    for owner, name, original in _ORIGINALS:
        assert vars(owner)[name] is original, f"{owner.__name__}.{name} is still patched"


def forget_provider() -> None:
    """Put OpenTelemetry's global state back to that of a new process."""
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = Once()
