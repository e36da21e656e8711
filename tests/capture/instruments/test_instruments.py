"""Every instrument: listed, told of in a sentence, and gone without a trace."""

from __future__ import annotations

import concurrent.futures.thread
import gc
import multiprocessing.pool
import os
import pkgutil
import threading
from typing import Any

import pytest

import nbtrace
from nbtrace.capture import instruments
from nbtrace.capture.live import LIVE, Instrument

PATCHABLE = (
    threading,
    threading.Thread,
    concurrent.futures.thread,
    concurrent.futures.thread._WorkItem,
    concurrent.futures.ThreadPoolExecutor,
    multiprocessing.pool,
    multiprocessing.pool.Pool,
    multiprocessing.pool.ThreadPool,
)


def state() -> list[Any]:
    return [
        *(dict(vars(owner)) for owner in PATCHABLE),
        list(gc.callbacks),
        sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else [],
    ]


def test_every_module_among_the_instruments_is_listed() -> None:
    modules = {f"{instruments.__name__}.{each.name}" for each in pkgutil.iter_modules(instruments.__path__)}
    named = {getattr(instrument, "__name__", type(instrument).__module__) for instrument in LIVE.instruments}
    assert named == modules


@pytest.mark.parametrize("instrument", LIVE.instruments)
def test_an_instrument_leaves_nothing_behind(instrument: Instrument) -> None:
    """However often it is switched on and off; and it says what it does in one line."""
    before = state()
    instrument.uninstall()
    for _ in range(2):
        instrument.install()
        instrument.install()
        # These change nothing until there is something to look at.
        assert (state() != before) is (instrument not in (LIVE.profile.sampler, LIVE.profile.gpus))
        assert len(instrument.status().splitlines()) == 1
        instrument.uninstall()
        instrument.uninstall()
        assert state() == before


def test_they_are_on_while_a_recording_is_open_and_no_longer() -> None:
    before = state()
    with nbtrace.record(), nbtrace.record():
        assert state() != before
    assert state() == before
