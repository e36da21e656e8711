"""What NVIDIA's GPUs do while a cell runs: how much of their memory is in use, how much of the time they work.

Enters: NVIDIA's management library, by the package nvidia-ml-py, where that is installed. Leaves: readings, five a second at
most. It is opened by the sampling thread, in the first cell that lasts: the user's code never waits for it. Where it cannot be
opened it is given up, and status says why."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import time
from typing import Any, NamedTuple

from nbtrace.store.libraries import Opening
from nbtrace.store.values import printed

READ_S = 0.2
"""From one reading to the next."""

_PATIENCE = 20
"""For so many times as long as a reading has taken, none follows: each call may have to wait for the interpreter's lock."""

_MODULE = "pynvml"
_WARNS = "_pynvml_redirector"
"""What a package brings that is out of date: whoever so much as looks for the module, it says so on the user's screen."""

_ABSENT = "the package nvidia-ml-py is not installed"


class GpuReading(NamedTuple):
    """The GPUs that this process sees, at a moment."""

    memory: int
    """Bytes in use on all of them, whoever uses them."""
    utilization: float | None
    """Share of the last moments in which one worked, from 0 to 1: the mean of all. None where none tells."""


class Gpus:
    """Reads the GPUs."""

    def __init__(self) -> None:
        self._trouble = _ABSENT
        """Why nothing is read; "" while there is no reason."""
        self._library: Any = None
        self._handles: list[Any] = []
        self._pid = 0
        """The process in which it was opened: what a child has of it is of no use there."""
        self._next = 0.0

    def install(self) -> None:
        """Be ready to open the library; a second time changes nothing."""
        if self._library is None:
            self._trouble = _missing()

    def uninstall(self) -> None:
        """Let go of the library, whether it is open or not."""
        library, self._library, self._handles, self._trouble = self._library, None, [], _ABSENT
        if library is not None and self._pid == os.getpid():
            try:
                library.nvmlShutdown()
            except Exception:  # the driver has gone, or somebody else has shut it down
                pass

    def status(self) -> str:
        """Say what is read, or why nothing is."""
        if self._trouble:
            return f"GPU: not measured, as {self._trouble}."
        if self._library is None:
            return "GPU: memory and utilization of NVIDIA's, from the first cell that is looked at on."
        many = len(self._handles)
        return f"GPU: memory and utilization of {many} of NVIDIA's, {1 / READ_S:.0f} readings a second at most."

    def read(self) -> GpuReading | None:
        """Return what the GPUs do; None where there is none, or where the last reading was a moment ago. For the sampling
        thread."""
        if self._trouble or (began := time.monotonic()) < self._next:
            return None
        if self._library is None:
            self._open()
        try:
            found = self._reading()
        except Exception as error:  # the driver has gone, or a GPU has been taken out
            self._give_up(error)
            found = None
        done = time.monotonic()
        self._next = done + max(READ_S, (done - began) * _PATIENCE)
        return found

    def _open(self) -> None:
        try:
            with Opening():
                library = importlib.import_module(_MODULE)
                library.nvmlInit()
                self._pid, self._handles, self._library = os.getpid(), _visible(library), library
            if not self._handles:
                self._trouble = "none is visible to this process"
        except Exception as error:
            self._give_up(error)

    def _reading(self) -> GpuReading | None:
        library, handles = self._library, self._handles
        if library is None or not handles:
            return None
        memory = sum(int(library.nvmlDeviceGetMemoryInfo(handle).used) for handle in handles)
        shares = []
        for handle in handles:
            try:
                shares.append(library.nvmlDeviceGetUtilizationRates(handle).gpu / 100)
            except library.NVMLError:  # a part of a GPU (MIG) does not tell
                continue
        return GpuReading(memory, sum(shares) / len(shares) if shares else None)

    def _give_up(self, error: Exception) -> None:
        self._trouble = " ".join(printed(error, str).split())[:200] or type(error).__name__


def _missing() -> str:
    """Why the library cannot be had; "" if it can. It is looked for, and not opened."""
    if _MODULE in sys.modules:
        return ""
    if _WARNS in sys.modules:
        return "the package pynvml warns whoever opens nvidia-ml-py (%pip uninstall pynvml)"
    try:
        return "" if importlib.util.find_spec(_MODULE) is not None else _ABSENT
    except (ImportError, ValueError):  # something else of that name
        return _ABSENT


def _visible(library: Any) -> list[Any]:
    """The GPUs that this process is meant to use. Where that is said in a way that is not understood, all of them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        names = [name.strip() for name in chosen.split(",")]
        if names in ([""], ["-1"]):
            return []
        if all(name.isdecimal() for name in names):
            return [library.nvmlDeviceGetHandleByIndex(int(name)) for name in names]
    return [library.nvmlDeviceGetHandleByIndex(index) for index in range(library.nvmlDeviceGetCount())]
