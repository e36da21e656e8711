"""The pauses of the collector of garbage are added up by parts in C alone."""

from __future__ import annotations

import gc
import sys
from types import FrameType

from nbtrace.capture.gc_pauses import GcPauses


def test_collections_are_added_up_while_it_listens() -> None:
    pauses = GcPauses()
    pauses.install()
    try:
        before = pauses.total_ns()
        gc.collect()
        during = pauses.total_ns()
        assert during > before
    finally:
        pauses.uninstall()
    gc.collect()
    assert pauses.total_ns() == during


def test_no_python_code_runs_at_an_announcement() -> None:
    """An interrupt that came during a collection would be raised in it, and thrown away."""
    pauses = GcPauses()
    pauses.install()
    ran: list[str] = []

    def seen(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            ran.append(frame.f_code.co_qualname)

    sys.setprofile(seen)
    try:
        gc.collect()
    finally:
        sys.setprofile(None)
        pauses.uninstall()
    assert [
        name for name in ran if not name.startswith("gc_cumulative_time")
    ] == []  # hypothesis has a callback of its own
