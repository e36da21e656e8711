"""NVIDIA's GPUs, where there are some: told by a library of the same shape as the real one, which needs a driver."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import nbtrace
from nbtrace.capture.instruments import gpu
from nbtrace.capture.instruments.gpu import GpuReading, Gpus
from nbtrace.capture.instruments.resources import Meter, Usage
from nbtrace.capture.live import LIVE
from tests.waiting import wait_for


class NVMLError(Exception):
    """What the library raises."""


class Library(ModuleType):
    """The part of pynvml that is used, with GPUs that do what a test says."""

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.NVMLError = NVMLError
        self.used, self.busy = [1_000, 2_000], [50, 100]
        self.open = 0
        self.wrong: Exception | None = None
        self.asked = 0

    def nvmlInit(self) -> None:
        if self.wrong is not None:
            raise self.wrong
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.used)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index >= len(self.used):
            raise NVMLError("Invalid Argument")
        return index

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        self.asked += 1
        if self.wrong is not None:
            raise self.wrong
        return SimpleNamespace(used=self.used[handle])

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        if self.busy[handle] < 0:
            raise NVMLError("Not Supported")
        return SimpleNamespace(gpu=self.busy[handle])


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpu, "READ_S", 1e-9)
    monkeypatch.setattr(gpu, "_PATIENCE", 0)
    return library


@pytest.fixture
def gpus() -> Iterator[Gpus]:
    gpus = Gpus()
    gpus.install()
    yield gpus
    gpus.uninstall()


def test_all_that_are_visible_are_read(library: Library, gpus: Gpus) -> None:
    """The library is opened by the first reading, and let go of when nobody records any more."""
    assert library.open == 0
    assert gpus.read() == GpuReading(3_000, 0.75)
    library.used, library.busy = [5_000, 0], [0, 0]
    assert gpus.read() == GpuReading(5_000, 0.0)
    assert library.open == 1
    gpus.uninstall()
    assert library.open == 0
    assert gpus.read() is None


@pytest.mark.parametrize(
    ("chosen", "memory"),
    [("1", 2_000), (" 1, 0", 3_000), ("GPU-8932f937", 3_000), ("", None), ("-1", None), ("7", None)],
)
def test_those_that_the_process_is_not_meant_to_use_are_left_out(
    library: Library, gpus: Gpus, monkeypatch: pytest.MonkeyPatch, chosen: str, memory: int | None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    found = gpus.read()
    assert (None if found is None else found.memory) == memory
    assert ("not measured" in gpus.status()) is (memory is None)


def test_one_that_does_not_tell_how_much_it_works_has_memory_all_the_same(library: Library, gpus: Gpus) -> None:
    library.busy = [-1, 40]
    assert gpus.read() == GpuReading(3_000, 0.4)
    library.busy = [-1, -1]
    assert gpus.read() == GpuReading(3_000, None)


def test_without_a_driver_it_is_given_up_and_status_says_why(library: Library, gpus: Gpus) -> None:
    """Quietly, and at once: nothing is tried again in every cell."""
    library.wrong = NVMLError("Driver Not\nLoaded")
    assert gpus.read() is None
    library.wrong = None
    assert gpus.read() is None
    assert gpus.status() == "GPU: not measured, as Driver Not Loaded."


def test_a_gpu_that_is_lost_later_is_given_up(library: Library, gpus: Gpus) -> None:
    assert gpus.read() is not None
    library.wrong = NVMLError("GPU is lost")
    assert gpus.read() is None
    assert gpus.status() == "GPU: not measured, as GPU is lost."


def test_it_is_not_read_more_often_than_five_times_a_second(
    library: Library, gpus: Gpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "READ_S", 1_000.0)
    assert gpus.read() is not None
    assert [gpus.read() for _ in range(100)] == [None] * 100
    monkeypatch.setattr(gpu, "READ_S", 0.2)
    assert gpus.status() == "GPU: memory and utilization of 2 of NVIDIA's, 5 readings a second at most."
    assert library.asked == 2


def test_where_nothing_is_installed_nothing_is_opened(monkeypatch: pytest.MonkeyPatch, gpus: Gpus) -> None:
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    gpus.uninstall()
    gpus.install()
    assert gpus.read() is None
    assert gpus.status() == "GPU: not measured, as the package nvidia-ml-py is not installed."


def test_a_package_that_warns_whoever_looks_for_it_is_not_looked_for(
    monkeypatch: pytest.MonkeyPatch, gpus: Gpus
) -> None:
    def looks(name: str) -> None:
        raise AssertionError("it has been looked for")

    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setitem(sys.modules, "_pynvml_redirector", ModuleType("_pynvml_redirector"))
    monkeypatch.setattr(importlib.util, "find_spec", looks)
    gpus.uninstall()
    gpus.install()
    assert gpus.read() is None
    assert "pip uninstall pynvml" in gpus.status()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_does_not_close_what_its_parent_reads(library: Library, gpus: Gpus) -> None:
    assert gpus.read() is not None
    if (child := os.fork()) == 0:
        gpus.uninstall()
        os._exit(library.open)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_a_cell_has_its_most_memory_and_the_mean_of_its_work() -> None:
    meter = Meter()
    usage, other = Usage(meter, 1, None), Usage(meter, 2, None)
    for memory, utilization in ((10, 0.5), (30, None), (20, 1.0)):
        usage.note_gpu(memory, utilization)
    found = usage.end()
    assert (found.gpu_memory_peak, found.gpu_utilization) == (30, 0.75)
    other.note_gpu(0, None)
    found = other.end()
    assert (found.gpu_memory_peak, found.gpu_utilization) == (0, None)


def test_while_a_cell_runs_the_sampling_thread_reads_for_it(library: Library) -> None:
    """Nobody else asks: the user's code waits for no driver."""
    with nbtrace.record(sampling=1000):
        usage = Usage(LIVE.profile.meter, 1, None)
        wait_for(lambda: library.asked > 4, "a reading")
        found = usage.end()
        assert (found.gpu_memory_peak, found.gpu_utilization) == (3_000, 0.75)
    assert library.open == 0
