"""What is said to a person of clients that are followed.

Enters: clients, and what has come of their workers. Leaves: sentences."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nbtrace.cluster.arrivals import Arrivals, Worker
from nbtrace.cluster.dask.followed import Followed, current_client, where_of


def beginning(followed: Followed | None) -> str:
    """Say that a client is followed from here on; None where there is none yet."""
    if followed is None:
        return "nbtrace: clients of Dask's are followed from here on; there is none yet."
    if followed.trouble:
        return f"nbtrace: {followed.where} is followed, but its workers do not record: {followed.trouble}."
    return f"nbtrace: what is sent to {followed.where} nests below the cell that sends it, until  %nbtrace dask off."


def state(living: Sequence[Followed], arrivals: Arrivals, patience_s: float) -> list[str]:
    """Say which clients are followed, what has come of their workers and what has not. `patience_s`: how long is waited for
    these."""
    where = ", ".join(sorted({followed.where for followed in living})) or _nothing_yet()
    lines = [f"Dask: {where}; {arrivals.tasks:,} tasks and {arrivals.spans:,} spans have come home."]
    lines += [f"Dask: workers do not record: {followed.trouble}." for followed in living if followed.trouble]
    lines += [
        f"Dask: workers of {followed.where} have not answered within {patience_s:.0f} s; what is missing comes later."
        for followed in living
        if time.monotonic() < followed.rests_until_s
    ]
    workers = list(arrivals.workers.values())
    lines += [
        f"Dask: of {worker.address} only tasks are known: it {worker.lacks}." for worker in workers if worker.lacks
    ]
    lines += [_clock(worker) for worker in workers if worker.clock.behind_ns]
    missing, lost = sum(worker.missing for worker in workers), sum(worker.lost + worker.bad for worker in workers)
    if missing or lost:
        lines.append(f"Dask: {missing:,} messages have not come, and {lost:,} lines could not be kept or read.")
    if arrivals.lost_tasks:
        lines.append(f"Dask: {arrivals.lost_tasks:,} tasks ended with their workers; what these had not sent is lost.")
    return lines


def _nothing_yet() -> str:
    client = current_client()
    return "no client is open" if client is None else f"{where_of(client)}, to which nothing was sent yet"


def _clock(worker: Worker) -> str:
    behind, within = worker.clock.behind_ns, worker.clock.within_ns
    how = "behind" if behind > 0 else "ahead of"
    sure = "" if within is None else f", give or take {within / 1e6:,.0f} ms"
    off = f"the clock of {worker.address} is {abs(behind) / 1e9:,.3f} s {how} the kernel's{sure}"
    return f"Dask: {off}: its times are shifted."
