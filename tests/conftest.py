"""Every test proves that it left nothing behind: no recording, no patch, no current span; and sees nbtrace's own faults."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import hypothesis
import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once

from nbtrace import faults
from nbtrace.capture.live import LIVE
from nbtrace.capture.notebook.open_cells import current_span_is_clean
from nbtrace.capture.patches import Patch
from nbtrace.capture.sampling.working_threads import WORKING

EXAMPLES = float(os.environ.get("NBTRACE_EXAMPLES", "1"))
"""The share of hypothesis's examples that is tried: where the suite runs again with other versions, a few do."""

hypothesis.settings.register_profile("any machine", deadline=None)  # how long one takes says how busy the machine is
hypothesis.settings.load_profile("any machine")

_ABSENT = object()
_PATCHED: dict[tuple[int, str], tuple[Any, str, Any]] = {}
"""Whatever has ever been patched, with what was there before: noted as each patch is made, so that none is forgotten."""

_make_patch = Patch.__init__


def _noted_patch(self: Patch, owner: Any, name: str, around: Any) -> None:
    _PATCHED.setdefault((id(owner), name), (owner, name, vars(owner).get(name, _ABSENT)))
    _make_patch(self, owner, name, around)


Patch.__init__ = _noted_patch  # type: ignore[method-assign]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Try as many examples as are wanted."""
    test = getattr(item, "obj", None)
    wanted = getattr(test, "_hypothesis_internal_use_settings", None)
    if EXAMPLES < 1 and wanted is not None:
        fewer = max(5, int(wanted.max_examples * EXAMPLES))
        test._hypothesis_internal_use_settings = hypothesis.settings(wanted, max_examples=fewer)


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
    assert not WORKING, "threads are still looked at"
    assert gc.isenabled(), "the collector of garbage has been left off"
    assert not any(type(each) is partial for each in gc.callbacks), "the collector is still listened to"
    assert type(threading._limbo) is dict, "threads that start are still followed"  # type: ignore[attr-defined]
    for owner, name, original in _PATCHED.values():
        assert vars(owner).get(name, _ABSENT) is original, f"{owner.__name__}.{name} is still patched"


def forget_provider() -> None:
    """Put OpenTelemetry's global state back to that of a new process."""
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = Once()
