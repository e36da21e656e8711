"""The collector of garbage: its pauses are added up by parts in C alone, and it never works in a thread of ours."""

from __future__ import annotations

import gc
import sys
import threading
from types import FrameType

from nbtrace.capture.collector import GcPauses, HeldCollector


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


def test_a_held_collector_runs_nobodys_finalizer_here() -> None:
    ran_in: set[int] = set()

    class Watched:
        def __del__(self) -> None:
            ran_in.add(threading.get_ident())

    held = HeldCollector()
    thresholds = gc.get_threshold()
    gc.collect()
    gc.set_threshold(5)
    try:
        held.hold()
        cycle: list[object] = [Watched()]
        cycle.append(cycle)
        del cycle
        kept = [[number] for number in range(10_000)]
        assert kept
        assert ran_in == set()
        held.let_go()
        kept += [[number] for number in range(10_000)]
        gc.collect()
        assert ran_in == {threading.get_ident()}
    finally:
        gc.set_threshold(*thresholds)


def test_a_collector_that_the_user_has_switched_off_stays_off() -> None:
    gc.disable()
    try:
        held = HeldCollector()
        held.hold()
        held.let_go()
        assert not gc.isenabled()
    finally:
        gc.enable()
