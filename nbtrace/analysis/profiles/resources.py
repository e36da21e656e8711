"""What cells took of the machine, and which of their lines was hottest.

Enters: a snapshot, and executions by their numbers. Leaves: columns of the table of cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nbtrace.analysis.columns import TEXT, durations, integers
from nbtrace.analysis.profiles.allotted import allotted
from nbtrace.analysis.profiles.hottest import hottest
from nbtrace.store.book import Execution, Resources
from nbtrace.store.span_store import Snapshot

_NOTHING = Resources()


def resources(snapshot: Snapshot, numbers: Sequence[int], duration: Any) -> dict[str, Any]:
    """Return columns with a row for each of these executions; `duration` is the timedelta64[ns] of each.

    cpu timedelta64[ns], computing time of all threads of the process · cores float64, how many it kept busy on average ·
    memory_peak, memory_change Int64, resident bytes at the most, and by how much more at the end · gc timedelta64[ns] ·
    read_bytes, written_bytes Int64 · hottest str, "line 3 df.merge 62 %" · shared bool, whether other cells ran meanwhile,
    whose part is in these numbers · where there is a GPU, gpu_memory_peak Int64 and gpu_utilization float64. Missing is what
    the system does not tell, and hottest of what nothing is known of."""
    by_number = {each.number: each for each in snapshot.executions}
    known = [_of(by_number.get(number)) for number in numbers]
    cpu_ns, no_cpu = _numbers(known, lambda each: each.cpu_ns)
    length = pd.Series(duration).astype("timedelta64[ns]").to_numpy().view("int64")
    cores = np.full(len(known), np.nan)
    np.divide(cpu_ns, length, out=cores, where=~no_cpu & (length > 0))
    columns = {
        "cpu": durations(cpu_ns, no_cpu),
        "cores": cores,
        "memory_peak": integers(*_numbers(known, lambda each: each.memory_peak)),
        "memory_change": integers(*_numbers(known, lambda each: each.memory_change)),
        "gc": durations(*_numbers(known, lambda each: each.gc_ns)),
        "read_bytes": integers(*_numbers(known, lambda each: each.read_bytes)),
        "written_bytes": integers(*_numbers(known, lambda each: each.written_bytes)),
        "hottest": _hottest(snapshot, numbers),
        "shared": np.array([each.shared for each in known], dtype=bool),
    }
    if any(each.gpu_memory_peak is not None or each.gpu_utilization is not None for each in known):
        columns["gpu_memory_peak"] = integers(*_numbers(known, lambda each: each.gpu_memory_peak))
        columns["gpu_utilization"] = np.array(
            [np.nan if each.gpu_utilization is None else each.gpu_utilization for each in known], dtype=float
        )
    return columns


def _of(execution: Execution | None) -> Resources:
    return _NOTHING if execution is None or execution.resources is None else execution.resources


def _numbers(known: Sequence[Resources], field: Callable[[Resources], int | None]) -> tuple[Any, Any]:
    """A number of each, and of which it is missing."""
    values = [field(each) for each in known]
    missing = np.array([value is None for value in values], dtype=bool)
    return np.array([value or 0 for value in values], dtype=np.int64), missing


def _hottest(snapshot: Snapshot, numbers: Sequence[int]) -> Any:
    texts: dict[int, str] = hottest(allotted(snapshot)) if snapshot.samples or snapshot.statements else {}
    found = np.array([*(texts.get(number) for number in numbers), None], dtype=object)[:-1]
    return pd.array(found, dtype=TEXT)
