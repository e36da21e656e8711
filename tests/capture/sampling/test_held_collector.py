"""The collector of garbage never works in a thread of ours."""

from __future__ import annotations

import gc
import threading

from nbtrace.capture.sampling.held_collector import HeldCollector


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
