"""What a cell takes of the machine: computing time, memory, the collector's time, what is read and written.

Enters: the system's own counters, by files kept open, which cost a microsecond each to read. Leaves: `Resources`. Where the
system has no such files psutil serves, if it is there, and what nobody tells is None."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from typing import Any, NamedTuple

from nbtrace.capture.gc_pauses import GcPauses
from nbtrace.store.book import Resources

_STATM, _IO = "/proc/self/statm", "/proc/self/io"
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Reading(NamedTuple):
    """The counters at a moment."""

    cpu_ns: int
    memory: int | None
    gc_ns: int
    read_bytes: int | None
    written_bytes: int | None


_MOMENT_NS = 50_000_000
"""So long the files need not be read again before a cell."""

SHORT_NS = 2_000_000
"""Of a cell that ends before, memory and what it read and wrote are not measured: that would take a tenth of its time."""

_NEVER = (-(10**18), Reading(0, None, 0, None, None))


class Meter:
    """Reads the counters of this process."""

    def __init__(self) -> None:
        self.pauses = GcPauses()
        self.running: dict[int, Usage] = {}
        """What is being measured, by the number of the execution."""
        self._statm = self._io = -1
        self._other: Any = None
        """psutil's process, where the files are missing."""
        self._last = _NEVER

    def install(self) -> None:
        """Open the files and listen to the collector; a second time changes nothing."""
        if self._statm < 0 and self._other is None:
            self._statm, self._io = _opened(_STATM), _opened(_IO)
            if self._statm < 0 and importlib.util.find_spec("psutil") is not None:
                import psutil  # type: ignore[import-untyped]

                self._other = psutil.Process()
        self.pauses.install()

    def uninstall(self) -> None:
        """Close them and listen no more."""
        self.pauses.uninstall()
        for file, path in ((self._statm, _STATM), (self._io, _IO)):
            if file >= 0 and _is_open_as(file, path):
                os.close(file)
        self._statm = self._io = -1
        self._other, self._last = None, _NEVER
        self.running.clear()

    def status(self) -> str:
        """Say what is measured here and what is not."""
        missing = [] if self.memory() is not None else ["memory"]
        missing += [] if self._read_and_written() != (None, None) else ["bytes read and written"]
        lacks = f" This system does not tell: {', '.join(missing)}." if missing else ""
        return f"Resources: CPU, memory, the collector's time, bytes read and written of each cell.{lacks}"

    def memory(self) -> int | None:
        """Return the bytes of the process that are resident."""
        return self.memory_of(self.read_memory())

    def read_memory(self) -> bytes | None:
        """Return what `memory_of` wants. This lets go of the interpreter's lock, and makes nothing that the collector counts."""
        try:
            return os.pread(self._statm, 100, 0) if self._statm >= 0 else None
        except OSError:  # the file has been closed
            self._statm = -1
            return None

    def memory_of(self, reading: bytes | None) -> int | None:
        """Return the bytes of the process that are resident, by what has just been read."""
        try:
            if reading is not None:
                return int(reading.split(None, 2)[1]) * _PAGE
            return None if self._other is None else int(self._other.memory_info().rss)
        except (ValueError, IndexError):  # the file has been closed, and its number been given to another
            self._statm = -1
            return None
        except Exception:  # psutil's
            self._other = None
            return None

    def _read_and_written(self) -> tuple[int | None, int | None]:
        try:
            if self._io >= 0:
                _, read, _, written, _ = os.pread(self._io, 400, 0).split(None, 4)
                return int(read), int(written)
            counters = getattr(self._other, "io_counters", None)
            if counters is None:
                return None, None
            found = counters()
            return int(found.read_bytes), int(found.write_bytes)
        except (OSError, ValueError):
            self._io = -1
            return None, None
        except Exception:
            return None, None

    def read(self) -> Reading:
        """Return the counters as they are now."""
        found = Reading(time.process_time_ns(), self.memory(), self.pauses.total_ns(), *self._read_and_written())
        self._last = (time.perf_counter_ns(), found)
        return found

    def read_soon(self) -> Reading:
        """Return the counters as they are now, those of files as they were read a moment ago: at the end of the cell before,
        where cells follow each other. To read them is most of what measuring a short cell costs."""
        read_ns, last = self._last
        if time.perf_counter_ns() - read_ns > _MOMENT_NS:
            return self.read()
        return last._replace(cpu_ns=time.process_time_ns(), gc_ns=self.pauses.total_ns())

    def read_clocks(self) -> Reading:
        """Return what is known without files."""
        return Reading(time.process_time_ns(), None, self.pauses.total_ns(), None, None)


class Usage:
    """What one execution has taken since it began."""

    __slots__ = ("_before", "_began_ns", "_gpu", "_meter", "_number", "_outer", "_stopped", "memory_peak", "shared")

    def __init__(self, meter: Meter, number: int, outer: Usage | None) -> None:
        self._meter = meter
        self._number = number
        self._outer = outer
        """What runs it, as a cell can run code as another cell: that is no other."""
        others = meter.running.copy()
        while outer is not None:
            others.pop(outer._number, None)
            outer = outer._outer
        self.shared = bool(others)
        for other in others.values():
            other.shared = True
        self._stopped: Resources | None = None
        self._gpu: tuple[int | None, float, int] = (None, 0.0, 0)
        """Of the GPUs: most memory, sum of their utilization, how often that was read."""
        self._began_ns = time.perf_counter_ns()
        self._before = meter.read_soon()
        self.memory_peak = self._before.memory
        meter.running[number] = self

    def note(self, memory: int | None) -> None:
        """Note how much memory is resident at a moment."""
        if memory is not None and memory > (self.memory_peak or 0):
            self.memory_peak = memory

    def note_gpu(self, memory: int, utilization: float | None) -> None:
        """Note what the GPUs do at a moment."""
        peak, total, count = self._gpu
        if utilization is not None:
            total, count = total + utilization, count + 1
        self._gpu = (memory if peak is None else max(peak, memory), total, count)

    def so_far(self) -> Resources:
        """Return what it has taken up to now."""
        return self._since_then(self._meter.read())

    def _since_then(self, now: Reading) -> Resources:
        before = self._before
        self.note(now.memory)
        gpu_memory, utilization, readings = self._gpu
        return Resources(
            cpu_ns=now.cpu_ns - before.cpu_ns,
            memory_peak=self.memory_peak,
            memory_change=_less(now.memory, before.memory),
            gc_ns=now.gc_ns - before.gc_ns,
            read_bytes=_less(now.read_bytes, before.read_bytes),
            written_bytes=_less(now.written_bytes, before.written_bytes),
            shared=self.shared,
            gpu_memory_peak=gpu_memory,
            gpu_utilization=utilization / readings if readings else None,
        )

    def stop(self) -> None:
        """Count nothing any more: its code has failed, and how that is shown is not its work."""
        self._stopped = self.so_far()

    def end(self) -> Resources:
        """Return what it has taken, and measure it no more."""
        self._meter.running.pop(self._number, None)
        if self._stopped is not None:
            return self._stopped._replace(shared=self.shared)
        if time.perf_counter_ns() - self._began_ns < SHORT_NS:
            return self._since_then(self._meter.read_clocks())
        return self.so_far()


def _less(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def _is_open_as(file: int, path: str) -> bool:
    """Whether a number is still of the file that was opened as it: a program that closes everything may have given it to
    another, which is not ours to close."""
    try:
        return os.readlink(f"/proc/self/fd/{file}").endswith(os.path.basename(path))
    except OSError:
        return False


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)) if sys.platform == "linux" else -1
    except OSError:
        return -1
