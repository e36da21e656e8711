"""What is said of tasks, of pools and of engines, in words: the same in tables and in trees.

Enters: a table of tasks, or what one says of itself. Leaves: lines of text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import pandas as pd

from nbtrace.analysis.outliers import idle, slowest
from nbtrace.analysis.tasks import went
from nbtrace.store import semconv
from nbtrace.store.workers import worker_name
from nbtrace.views import words

_PART = re.compile(r"^\(.*['\"], (\d[\d, ]*)\)$", re.DOTALL)
_LONG = 40

_LONGEST_S = 1e9
_TIMES = (semconv.TASK_WAITED, semconv.TASK_WORKER_START, semconv.TASK_TRANSFER, semconv.TASK_CLOCK)
_TEXTS = (semconv.TASK_KEY, semconv.TASK_WORKER, semconv.TASK_OUTCOME, semconv.HOST_NAME)
_UNTIL = "until its worker had started"
_FETCHED = "for results of other workers"
_LOST = "lost with its worker"


def part(key: object) -> str:
    """Return which part of a collection a task has made: the numbers at the end of its key, "" of a key that has none."""
    found = _PART.match(str(key))
    return words.plain(found[1], 20) if found else ""


def ordinal(number: int) -> str:
    """Return 2nd, 3rd, 11th."""
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ends.get(number % 10, 'th')}"


def ended(outcome: object) -> str:
    """Return how a task ended that has no result and did not fail."""
    return _LOST if outcome == "lost" else words.plain(outcome, 20)


def seconds(item: object) -> float:
    """Return an attribute that is a time in seconds, 0 for what is none."""
    return float(item) if isinstance(item, (int, float)) and 0 < item < _LONGEST_S else 0.0


def is_told(key: str, item: object) -> bool:
    """Whether `line` knows what a task says at a key: what is no time, or no text, stands as other attributes do."""
    if key in _TIMES:
        return isinstance(item, float) and abs(item) < _LONGEST_S and (item >= 0 or key == semconv.TASK_CLOCK)
    return isinstance(item, str) if key in _TEXTS else key == semconv.TASK_RUN and _run(item) > 0


def line(said: Mapping[str, Any], *, elsewhere: bool = False) -> list[str]:
    """Return what a task says in its line of a tree. `said`: its attributes that it knows; `elsewhere`: it was done on
    another machine than the kernel's, which is said then."""
    waited = seconds(said.get(semconv.TASK_WAITED))
    why = [
        f"{_time(said[key])} {what}"
        for key, what in ((semconv.TASK_WORKER_START, _UNTIL), (semconv.TASK_TRANSFER, _FETCHED))
        if seconds(said.get(key))
    ]
    found = [f"waited {_time(waited)}" + (f" ({', '.join(why)})" if why else "")] if waited else []
    if number := part(said.get(semconv.TASK_KEY)):
        found.append(f"#{number}")
    if isinstance(worker := said.get(semconv.TASK_WORKER), str):
        host = said.get(semconv.HOST_NAME) if elsewhere else None
        found.append(f"on {_called(worker)}" + (f" ({words.plain(host, _LONG)})" if isinstance(host, str) else ""))
    if (run := _run(said.get(semconv.TASK_RUN))) > 1:
        found.append(f"{ordinal(run)} run")
    if isinstance(outcome := said.get(semconv.TASK_OUTCOME), str):
        found.append(ended(outcome))
    return found


def of_many(said: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what several tasks say in one line."""
    waited, fetched = (
        max((seconds(each.get(key)) for each in said), default=0.0)
        for key in (semconv.TASK_WAITED, semconv.TASK_TRANSFER)
    )
    found = [f"waited up to {_time(waited)}"] if waited else []
    if fetched:
        found.append(f"of that up to {_time(fetched)} {_FETCHED}")
    workers = {each[semconv.TASK_WORKER] for each in said if isinstance(each.get(semconv.TASK_WORKER), str)}
    if workers:
        found.append(f"on {_called(*workers)}" if len(workers) == 1 else f"on {len(workers):,} workers")
    if again := sum(_run(each.get(semconv.TASK_RUN)) > 1 for each in said):
        found.append(f"{again:,} made again")
    outcomes = Counter(each[key] for each in said if isinstance(each.get(key := semconv.TASK_OUTCOME), str))
    return [*found, *(f"{number:,} {ended(outcome)}" for outcome, number in outcomes.items())]


def _run(item: object) -> int:
    """An attribute that is the number of a run, 0 for what is none."""
    number = float(item) if isinstance(item, Real) and not isinstance(item, bool) else 0.0
    return int(number) if 1 <= number < _LONGEST_S and number.is_integer() else 0


def _called(worker: object) -> str:
    return words.plain(worker_name(worker), _LONG)


def _time(item: object) -> str:
    return words.duration(round(seconds(item) * 1e9))


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of tasks as it is shown: of keys only which part of a collection they are, workers by their names, without
    what the first run and the processes of such workers would say again."""
    kept: dict[str, Any] = {}
    if "key" in table:
        kept["key"] = [f"#{part(key)}" if part(key) else None for key in table["key"]]
    if "worker" in table and table["worker"].notna().any():
        kept["worker"] = [_called(each) if isinstance(each, str) else None for each in table["worker"]]
        if "process_pid" in table and table["worker"].notna().all():
            table = table.drop(columns="process_pid")
    if "run" in table and table["run"].dtype.kind in "iu":
        kept["run"] = table["run"].mask(table["run"] == 1)
    return table.assign(**kept)


def summary(table: pd.DataFrame) -> str:
    """Return what the time of tasks went into, each moment of it once; what stands out among them in lines below that."""
    return "\n".join(filter(None, (_went(table), _slowest(table), _idle(table))))


def _went(table: pd.DataFrame) -> str:
    parts = went(table)
    if parts is None:
        return ""
    names = ("work", "only workers starting", "only waiting", "only fetching results")
    told = [f"{words.duration(ns)} {what}" for ns, what in zip(parts, names, strict=True) if ns or what == "work"]
    return f"of {words.duration(sum(parts))}: {', '.join(told)}"


def _slowest(table: pd.DataFrame) -> str:
    found = slowest(table)
    if found is None:
        return ""
    row = table.iloc[found.row]
    key = row.get("key")
    name = f"{words.plain(row['name'], _LONG)} #{part(key)}" if part(key) else words.plain(key or row["name"], _LONG)
    worker = row.get("worker")
    where = f"on {_called(worker)}" if isinstance(worker, str) else f"in process {row.get('process_pid')}"
    took = f"took {words.duration(found.took)}"
    if found.transfer >= found.took / 100:
        work, fetched = words.duration(found.took - found.transfer), words.duration(found.transfer)
        took = f"took {work} after {fetched} in which it fetched results of other workers, together"
    longer = words.ratio(found.took / found.middle).lstrip("▲ ") if found.middle else ""
    against = f"{longer}{' ' if longer else ''}the middle one of {found.of:,} ({words.duration(found.middle)})"
    return f"slowest: {name} {where} {took}{'' if took.endswith('together') else ','} {against}"


def _idle(table: pd.DataFrame) -> str:
    found = idle(table)
    if found is None:
        return ""
    least, most = (
        f"{_called(worker)} worked for {words.duration(work)} on {words.count(tasks, 'task')}"
        for worker, work, tasks in (found[:3], found[3:])
    )
    return f"idle: {least}, {most}"
