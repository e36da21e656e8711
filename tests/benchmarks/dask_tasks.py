"""Tasks that the benchmarks send to workers of Dask's. A worker that is to know nothing of nbtrace opens this module, so it does
not either."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

LONG_S = 0.15


def noop(number: int) -> int:
    """The smallest task."""
    return number


def rest(number: int) -> int:
    """A task that costs nothing and lasts."""
    time.sleep(LONG_S)
    return number


def spans(count: int) -> float:
    """A task with many spans."""
    from tests.benchmarks import processes

    return processes.spans(count)


def memory() -> int:
    """What the worker holds, in bytes."""
    import psutil  # type: ignore[import-untyped,unused-ignore]

    return int(psutil.Process().memory_info().rss)


def work(number: int) -> int:
    """A task of 0.1 to 0.3 s."""
    time.sleep(0.1 + number % 5 * 0.05)
    return number


def die(*_: Any) -> None:
    """End the worker in the middle of a task."""
    time.sleep(0.4)
    os._exit(1)


def tell(folder: str) -> None:
    """Make spans until somebody says stop, and tell of each that has ended, in a file that outlives the process."""
    import nbtrace

    with open(Path(folder) / str(os.getpid()), "a", buffering=1, encoding="ascii") as file, nbtrace.span("whole"):
        number = 0
        while not (Path(folder) / "stop").exists():
            name = f"{os.getpid()}-{number}"
            with nbtrace.span(name):
                time.sleep(0.001)
            file.write(f"{time.time_ns()} {name}\n")
            number += 1
