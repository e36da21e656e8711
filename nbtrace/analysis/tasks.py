"""The tasks of pools: which process worked on each and when, how long it had waited, and what a pool's time went into.

Enters: a spans table with the attributes of tasks. Leaves: a DataFrame, one row for each task; and of such a table how
much of the time there was work, only workers that started, or only waiting."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.analysis.columns import durations, integers, times
from nbtrace.analysis.tree import depth_first
from nbtrace.store import semconv
from nbtrace.store.schema import ATTRIBUTE_PREFIX

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

KEYS = (semconv.TASK_WAITED, semconv.TASK_WORKER_START)
"""What a spans table has to hold of attributes."""

_NS = 1_000_000_000
_LONGEST_S = 9_000_000_000.0
"""What a file may say of waiting and is no time any more."""

_NEEDED = ("submitted", "worker_start", "start_time", "end_time", "state")


class Went(NamedTuple):
    """What the time from the first submission to the last end went into, in ns; each moment counts once, and the first that
    fits has it."""

    work: int
    """At least one task was worked on."""
    worker_start: int
    """None was, and at least one worker process started for one."""
    waited: int
    """Neither, and at least one task waited."""


def tasks(spans: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task, in the order in which they began.

    cell Int64 · name str · process_pid Int64 · submitted datetime64[ns, UTC], start_time less waited · waited timedelta64[ns],
    and worker_start, the part of it in which its worker process started, missing where that ran already: both missing where
    nothing is known of it · start_time, end_time datetime64[ns, UTC] · duration timedelta64[ns] · state, status_code str ·
    span_count Int64, the spans within it, of tasks that it sent as well · trace_id, span_id, parent_span_id str."""
    rows = np.flatnonzero((spans["scope_name"] == semconv.TASK_SCOPE).to_numpy(dtype=bool, na_value=False))
    found = spans.take(rows).reset_index(drop=True)
    waited, unknown = _seconds(found, semconv.TASK_WAITED)
    started, ran_already = _seconds(found, semconv.TASK_WORKER_START)
    start: Ints = found["start_time"].astype("int64").to_numpy().astype(np.int64)
    return pd.DataFrame(
        {
            "cell": found["cell"],
            "name": found["name"],
            "process_pid": found["process_pid"],
            "submitted": times(start - waited, unknown),
            "waited": durations(waited, unknown),
            "worker_start": durations(started, ran_already),
            **{name: found[name] for name in ("start_time", "end_time", "duration", "state", "status_code")},
            "span_count": integers(_below(spans)[rows]),
            **{name: found[name] for name in ("trace_id", "span_id", "parent_span_id")},
        }
    )


def went(table: pd.DataFrame) -> Went | None:
    """Return what the time of tasks went into; None of a table that does not tell, or of none. A worker starts in the last
    part of the waiting: it takes its first task as soon as it can. A task that runs counts up to the latest moment known; of one
    that will never end, as its worker was killed, nobody knows how long it was worked on, and it counts as no work."""
    if not len(table) or any(name not in table for name in _NEEDED):
        return None
    start, end = _ns(table["start_time"]), _ns(table["end_time"].fillna(table["start_time"]))
    runs = (table["end_time"].isna() & (table["state"] != "unfinished")).to_numpy(dtype=bool, na_value=True)
    end = np.maximum(start, np.where(runs, np.maximum(start, end).max(), end))
    submitted = np.minimum(_ns(table["submitted"].fillna(table["start_time"])), start)
    began = np.maximum(submitted, start - table["worker_start"].fillna(pd.Timedelta(0)).astype("int64").to_numpy())
    moments = np.unique(np.concatenate([submitted, began, start, end]))
    works, starts, waits = (_during(moments, *each) for each in ((start, end), (began, start), (submitted, start)))
    length = np.diff(moments)
    parts = works, starts & ~works, waits & ~starts & ~works
    return Went(*(int(length[part].sum()) for part in parts))


def _seconds(table: pd.DataFrame, key: str) -> tuple[Ints, Bools]:
    """An attribute in seconds as ns, and where it is none: a file may hold anything."""
    column: Any = table.get(ATTRIBUTE_PREFIX + key)
    if column is None:
        return np.zeros(len(table), dtype=np.int64), np.ones(len(table), dtype=bool)
    told = [float(each) if type(each) in (int, float) else np.nan for each in column.tolist()]
    found = np.array(told, dtype=np.float64)
    known = (found >= 0) & (found <= _LONGEST_S)
    return np.round(np.where(known, found, 0.0) * _NS).astype(np.int64), ~known


def _below(spans: pd.DataFrame) -> Ints:
    """How many spans stand below each."""
    rows, depths = depth_first(spans)
    # In reading order those below a span follow it, up to the next that is no deeper: the nearest one behind of each depth.
    end = np.full(len(rows), len(rows), dtype=np.int64)
    open_: list[int] = []
    for at, depth in enumerate(depths.tolist()):
        while len(open_) > depth:
            end[open_.pop()] = at
        open_.append(at)
    found = np.zeros(len(rows), dtype=np.int64)
    found[rows] = end - np.arange(len(rows)) - 1
    return found


def _during(moments: Ints, begin: Ints, end: Ints) -> Bools:
    """Whether anything lasts from each moment to the next."""
    steps = np.zeros(len(moments), dtype=np.int64)
    np.add.at(steps, np.searchsorted(moments, begin), 1)
    np.add.at(steps, np.searchsorted(moments, end), -1)
    return np.asarray(np.cumsum(steps)[:-1] > 0)


def _ns(column: Any) -> Ints:
    found: Ints = column.astype("datetime64[ns, UTC]").astype("int64").to_numpy().astype(np.int64)
    return found
