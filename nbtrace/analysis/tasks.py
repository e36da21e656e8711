"""The tasks of pools and engines: who worked on each and when, how long it had waited and for what, and what the time of all went
into.

Enters: a spans table with the attributes of tasks. Leaves: a DataFrame, one row for each task; and of such a table how
much of the time there was work, only workers that started, only results that were fetched, or only waiting."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from nbtrace.analysis.columns import durations, integers, texts, times
from nbtrace.analysis.tree import depth_first
from nbtrace.store import semconv
from nbtrace.store.schema import ATTRIBUTE_PREFIX

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

KEYS = (
    *(semconv.TASK_WAITED, semconv.TASK_WORKER_START, semconv.TASK_TRANSFER, semconv.TASK_KEY, semconv.TASK_WORKER),
    *(semconv.HOST_NAME, semconv.TASK_RUN, semconv.TASK_OUTCOME),
)
"""What a spans table has to hold of attributes."""

_NS = 1_000_000_000
_LONGEST_S = 9_000_000_000.0
"""What a file may say of waiting and is no time any more."""

_MOST_RUNS = 2**53

_NEEDED = ("submitted", "worker_start", "start_time", "end_time", "state")


class Went(NamedTuple):
    """What the time from the first submission to the last end went into, in ns; each moment counts once, and the first that
    fits has it."""

    work: int
    """At least one task was worked on."""
    worker_start: int
    """None was, and at least one worker process started for one."""
    waited: int
    """None of the others, and at least one task waited."""
    transfer: int = 0
    """Neither work nor a start, and at least one worker fetched results of other workers."""


def tasks(spans: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task, in the order in which they began.

    cell Int64 · name str · process_pid Int64 · submitted datetime64[ns, UTC], start_time less waited · waited timedelta64[ns],
    and of it worker_start, the part in which its worker process started, and transfer, that in which its worker fetched results
    of others: all missing where nothing is known of it, or there was none · start_time, end_time datetime64[ns, UTC] ·
    duration timedelta64[ns] · state, status_code str · span_count Int64, the spans within it, of tasks that it sent as well ·
    key, worker, host str, outcome str ("cancelled", "rescheduled", "lost"; missing for results and failures), run Int64, from 1
    on: of tasks of an engine, missing for those of pools · trace_id, span_id, parent_span_id str."""
    rows = np.flatnonzero((spans["scope_name"] == semconv.TASK_SCOPE).to_numpy(dtype=bool, na_value=False))
    found = spans.take(rows).reset_index(drop=True)
    waited, unknown = _seconds(found, semconv.TASK_WAITED)
    started, ran_already = _seconds(found, semconv.TASK_WORKER_START)
    transfer, none = _seconds(found, semconv.TASK_TRANSFER)
    start: Ints = found["start_time"].astype("int64").to_numpy().astype(np.int64)
    worker = _texts(found, semconv.TASK_WORKER)
    return pd.DataFrame(
        {
            "cell": found["cell"],
            "name": found["name"],
            "process_pid": found["process_pid"],
            "submitted": times(start - waited, unknown),
            "waited": durations(waited, unknown),
            "worker_start": durations(started, ran_already),
            "transfer": durations(transfer, none),
            **{name: found[name] for name in ("start_time", "end_time", "duration", "state", "status_code")},
            "span_count": integers(_below(spans)[rows]),
            "key": _texts(found, semconv.TASK_KEY),
            "worker": worker,
            "host": _texts(found, semconv.HOST_NAME),
            "run": _runs(found, np.asarray(worker.isna())),
            "outcome": _texts(found, semconv.TASK_OUTCOME),
            **{name: found[name] for name in ("trace_id", "span_id", "parent_span_id")},
        }
    )


def went(table: pd.DataFrame) -> Went | None:
    """Return what the time of tasks went into; None of a table that does not tell, or of none. A worker of a pool starts in
    the last part of the waiting, as it takes its first task as soon as it can; one of an engine in the first part, as the engine
    may think before it sends it one; results of others are fetched in the last. A task that runs counts up to the latest moment
    known; of one that will never end, as its worker was killed, nobody knows how long it was worked on: it counts as no work."""
    if not len(table) or any(name not in table for name in _NEEDED):
        return None
    start, end = _ns(table["start_time"]), _ns(table["end_time"].fillna(table["start_time"]))
    runs = (table["end_time"].isna() & (table["state"] != "unfinished")).to_numpy(dtype=bool, na_value=True)
    end = np.maximum(start, np.where(runs, np.maximum(start, end).max(), end))
    submitted = np.minimum(_ns(table["submitted"].fillna(table["start_time"])), start)
    of_engine = table["worker"].notna().to_numpy(dtype=bool) if "worker" in table else np.zeros(len(table), dtype=bool)
    starting, fetching = (_length(table, name) for name in ("worker_start", "transfer"))
    there = np.where(of_engine, np.minimum(start, submitted + starting), start)
    began = np.where(of_engine, submitted, np.maximum(submitted, start - starting))
    fetched = np.maximum(submitted, start - fetching)
    moments = np.unique(np.concatenate([submitted, began, there, fetched, start, end]))
    spells = (start, end), (began, there), (fetched, start), (submitted, start)
    length, taken, parts = np.diff(moments), np.zeros(len(moments) - 1, dtype=bool), []
    for begin, until in spells:
        here = _during(moments, begin, until) & ~taken
        taken |= here
        parts.append(int(length[here].sum()))
    work, worker_start, fetching_alone, waited = parts
    return Went(work, worker_start, waited, fetching_alone)


def _seconds(table: pd.DataFrame, key: str) -> tuple[Ints, Bools]:
    """An attribute in seconds as ns, and where it is none: a file may hold anything."""
    column: Any = table.get(ATTRIBUTE_PREFIX + key)
    if column is None:
        return np.zeros(len(table), dtype=np.int64), np.ones(len(table), dtype=bool)
    told = [float(each) if type(each) in (int, float) else np.nan for each in column.tolist()]
    found = np.array(told, dtype=np.float64)
    known = (found >= 0) & (found <= _LONGEST_S)
    return np.round(np.where(known, found, 0.0) * _NS).astype(np.int64), ~known


def _texts(table: pd.DataFrame, key: str) -> Any:
    """An attribute that is a text, missing where it is none."""
    column: Any = table.get(ATTRIBUTE_PREFIX + key)
    told = [None] * len(table) if column is None else column.tolist()
    return texts([pa.array([each if isinstance(each, str) else None for each in told], pa.large_string())])


def _runs(table: pd.DataFrame, of_pools: Bools) -> Any:
    """Which run of a task each is: the first is not told."""
    column: Any = table.get(ATTRIBUTE_PREFIX + semconv.TASK_RUN)
    told: list[Any] = [None] * len(table) if column is None else column.tolist()
    found = np.array([float(each) if type(each) in (int, float) else 1.0 for each in told], dtype=np.float64)
    whole = (found >= 1) & (found < _MOST_RUNS) & (np.floor(found) == found)
    return integers(np.where(whole, found, 1.0).astype(np.int64), of_pools)


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


def _length(table: pd.DataFrame, name: str) -> Ints:
    """A column of lengths of time in ns, 0 where one is missing."""
    if name not in table:
        return np.zeros(len(table), dtype=np.int64)
    found: Ints = table[name].fillna(pd.Timedelta(0)).astype("int64").to_numpy().astype(np.int64)
    return found


def _ns(column: Any) -> Ints:
    found: Ints = column.astype("datetime64[ns, UTC]").astype("int64").to_numpy().astype(np.int64)
    return found
