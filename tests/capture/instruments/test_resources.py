"""What a cell takes of the machine, where the system tells it by files, by psutil, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbtrace.capture.instruments import resources
from nbtrace.capture.instruments.resources import Meter, Usage


@pytest.fixture
def meter() -> Iterator[Meter]:
    meter = Meter()
    meter.install()
    try:
        yield meter
    finally:
        meter.uninstall()


def test_what_is_used_between_two_moments_is_told(meter: Meter) -> None:
    usage = Usage(meter, 1, None)
    held = bytearray(50_000_000)
    found = usage.so_far()
    assert found.memory_change is not None
    assert found.memory_peak is not None
    assert found.memory_change > 40_000_000
    assert found.memory_peak >= found.memory_change
    assert found.cpu_ns
    assert not found.shared
    del held


def test_what_follows_a_failure_counts_no_more(meter: Meter) -> None:
    usage = Usage(meter, 1, None)
    usage.stop()
    held = bytearray(50_000_000)
    assert (usage.end().memory_change or 0) < 40_000_000
    del held


def test_a_peak_between_is_noted(meter: Meter) -> None:
    usage = Usage(meter, 1, None)
    usage.note(10**12)
    usage.note(None)
    assert usage.end().memory_peak == 10**12


def test_executions_at_the_same_time_say_that_they_share(meter: Meter) -> None:
    """Both, whichever began first; not what one of them runs, and not one that follows."""
    first, second = Usage(meter, 1, None), Usage(meter, 2, None)
    assert (first.end().shared, second.end().shared) == (True, True)
    outer = Usage(meter, 3, None)
    inner = Usage(meter, 4, outer)
    innermost = Usage(meter, 5, inner)
    assert [usage.end().shared for usage in (innermost, inner, outer)] == [False, False, False]


def test_a_file_that_somebody_has_closed_is_no_fault() -> None:
    """As programs do that close everything; and its number may be another file's by then."""
    meter = Meter()
    meter.install()
    if meter.memory() is None or meter._statm < 0:
        meter.uninstall()
        pytest.skip("no such files here")
    os.close(meter._statm)
    usage = Usage(meter, 1, None)
    assert usage.end().memory_change is None
    assert "memory" in meter.status()
    meter.uninstall()


def test_a_file_of_the_users_with_the_number_of_ours_stays_open(tmp_path: Path) -> None:
    meter = Meter()
    meter.install()
    if meter._statm < 0:
        pytest.skip("no such files here")
    number = meter._statm
    theirs = os.open(tmp_path / "theirs", os.O_CREAT | os.O_RDWR)
    os.dup2(theirs, number)
    meter.uninstall()
    assert os.write(number, b"x") == 1
    os.close(number)
    os.close(theirs)


def test_cells_that_follow_each_other_share_a_reading(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that comes later is measured from its own beginning."""
    Usage(meter, 1, None).end()
    reads = []
    monkeypatch.setattr(Meter, "memory", lambda self: reads.append(1) or 10**6)
    Usage(meter, 2, None)
    assert reads == []
    monkeypatch.setattr(resources, "_MOMENT_NS", -1)
    Usage(meter, 3, None)
    assert reads == [1]


def test_of_a_cell_that_ends_at_once_no_file_is_read(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it took of memory and disk is missing, and not nothing."""
    Usage(meter, 1, None)
    reads = []
    monkeypatch.setattr(Meter, "memory", lambda self: reads.append(1) or 10**6)
    monkeypatch.setattr(resources, "SHORT_NS", 10**12)
    found = Usage(meter, 2, None).end()
    assert reads == []
    assert (found.memory_change, found.read_bytes, found.written_bytes) == (None, None, None)
    assert found.cpu_ns is not None
    monkeypatch.setattr(resources, "SHORT_NS", 0)
    assert Usage(meter, 3, None).end().memory_change is not None


def test_psutil_serves_where_there_are_no_such_files(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psutil")
    monkeypatch.setattr(resources, "_opened", lambda path: -1)
    meter = Meter()
    meter.install()
    try:
        found = Usage(meter, 1, None).end()
        assert (found.memory_peak or 0) > 10**6
    finally:
        meter.uninstall()


def test_what_nobody_tells_is_missing_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_opened", lambda path: -1)
    monkeypatch.setattr(resources.importlib.util, "find_spec", lambda name: None)
    meter = Meter()
    meter.install()
    try:
        found = Usage(meter, 1, None).end()
        assert (found.memory_peak, found.memory_change, found.read_bytes, found.written_bytes) == (
            None,
            None,
            None,
            None,
        )
        assert found.cpu_ns is not None
        assert "does not tell: memory, bytes read and written." in meter.status()
    finally:
        meter.uninstall()
