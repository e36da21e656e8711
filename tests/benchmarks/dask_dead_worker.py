"""Workers of Dask's that die: how long other tasks wait for it with and without nbtrace, and what is left of what was recorded.

Optional, as it takes minutes: `python -m tests.benchmarks dask_dead_worker [ROUNDS] [KILLS]`."""

from __future__ import annotations

import os
import random
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from distributed import wait

import nbtrace
from nbtrace.cluster.dask.plugin import random_bits
from tests.benchmarks.dask import WAYS
from tests.benchmarks.dask_cluster import Cluster, cluster
from tests.benchmarks.dask_tasks import die, tell, work
from tests.waiting import wait_for

OTHERS, PATIENCE_S = 40, 120
LOST_S, HANGS = 0.45, 4
OLD_S = 0.3
"""What ended so long before its worker did has gone home."""

MOST_S = 1.5
"""A worker is killed within that time of its first span."""


# ── how long others wait ─────────────────────────────────────────────────────────────────────────────────────────────────


class Settled(NamedTuple):
    """What became of the tasks beside one that kills its workers; times in s, from the sending on."""

    crashed: float
    """When Dask gave that one up."""
    others: float
    """When the last of the others had ended."""
    failed: int
    """How many of the others Dask has given up as well."""
    hung: bool
    workers: int
    """How many were left at the end."""


def _settled(way: str, *, patience_s: float = PATIENCE_S, lost_s: float = 15) -> Settled:
    with ExitStack() as stack:
        on = stack.enter_context(cluster(2, lost_s=lost_s))
        stack.enter_context(on.client.as_current())
        on.client.submit(int).result()
        if way != "untraced":
            nbtrace.dask.install(on.client)
            stack.callback(nbtrace.dask.uninstall)
        if way == "traced":
            stack.enter_context(nbtrace.record())
        began = time.perf_counter()
        others = on.client.map(work, range(OTHERS), pure=False)
        one = on.client.submit(die, random_bits(30))
        ended: dict[str, float] = {}
        for future in (*others, one):
            future.add_done_callback(lambda done: ended.setdefault(done.key, time.perf_counter() - began))
        try:
            wait([*others, one], timeout=patience_s)
            wait_for(lambda: len(ended) > OTHERS)
            hung = False
        except TimeoutError:
            hung = True
        last = max(ended.get(future.key, patience_s) for future in others)
        failed = sum(future.status == "error" for future in others)
        left = len(on.client.scheduler_info(n_workers=-1)["workers"])
        return Settled(ended.get(one.key, patience_s), last, failed, hung, left)


def _waiting(rounds: int) -> None:
    found: dict[str, list[Settled]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way in WAYS[number % 3 :] + WAYS[: number % 3]:
            settled = _settled(way)
            found[way].append(settled)
            print(f"  {number + 1} {way}: {settled}", file=sys.stderr, flush=True)
    print(
        f"\n{OTHERS} tasks beside one that kills its worker four times, {rounds} rounds; s until the others have ended\n"
    )
    print("| | least | quartile | median | quartile | most | until the one is given up | others given up | hung |")
    print("|---|---|---|---|---|---|---|---|---|")
    for way, all_of_way in found.items():
        times = [each.others for each in all_of_way]
        quartiles = statistics.quantiles(times, n=4, method="inclusive")
        cells = [f"{value:.1f}" for value in (min(times), *quartiles, max(times))]
        cells.append(f"{statistics.median(each.crashed for each in all_of_way):.1f}")
        cells += [str(sum(each.failed for each in all_of_way)), str(sum(each.hung for each in all_of_way))]
        print(f"| {way} | {' | '.join(cells)} |", flush=True)
    for way in WAYS[1:]:
        pairs = zip(found[way], found["untraced"], strict=True)
        more = sorted(mine.others - theirs.others for mine, theirs in pairs)
        print(f"\n{way}, more than untraced, by round: {', '.join(f'{each:+.1f}' for each in more)} s", end="")
    print(flush=True)
    # Why others may wait for ever: Dask's own doing, which a slow machine and 15 s show as well as a fast one and less.
    hung = [each for each in (_settled("untraced", patience_s=60, lost_s=LOST_S) for _ in range(HANGS)) if each.hung]
    print(
        f"untraced, on a cluster that looks for a worker {LOST_S} s after its death instead of 15 s: {len(hung)} of {HANGS} hung, with "
        f"{[each.workers for each in hung]} workers left",
        flush=True,
    )


# ── what is left ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Killed(NamedTuple):
    """What a worker had told when it was killed, and what has come of it."""

    told: int
    missing: int
    oldest_s: float
    """How long before the kill the oldest span had ended that is missing."""
    wrong: list[str]


def _killed(on: Cluster, folder: Path) -> Killed:
    with nbtrace.record() as rec, nbtrace.span("sends"):
        future = on.client.submit(tell, str(folder), pure=False)
        wait_for(lambda: any(each.stat().st_size for each in folder.iterdir()), "the first span")
        (path,) = folder.iterdir()
        time.sleep(MOST_S * random.random())  # any moment is what is tried, not a state
        pid, killed_ns = int(path.name), time.time_ns()
        os.kill(pid, signal.SIGKILL)
        on.client.wait_for_workers(2)
        (folder / "stop").touch()
        future.result()
        wait_for(lambda: _collected(rec, pid), "the news of its end")
    spans = rec.spans()
    told = {name: int(ns) for ns, name in (line.split() for line in path.read_text().splitlines())}
    counts = spans["name"][spans["state"] == "ended"].value_counts()
    ages = [(killed_ns - ns) / 1e9 for name, ns in told.items() if name not in counts]
    wrong = []
    if twice := [name for name in told if counts.get(name, 0) > 1]:
        wrong.append(f"there twice: {twice[:3]}")
    if orphans := set(spans["parent_span_id"].dropna()) - set(spans["span_id"]):
        wrong.append(f"{len(orphans)} parents are missing")
    return Killed(len(told), len(ages), max(ages, default=0.0), wrong)


def _collected(rec: nbtrace.Recording, pid: int) -> Any:
    spans = rec.spans()
    return not ((spans["process_pid"] == pid) & (spans["state"] == "running")).any()


def _killing(kills: int) -> None:
    found = []
    with cluster(2, lost_s=3600) as on:
        nbtrace.dask.install(on.client)
        for number in range(kills):
            with tempfile.TemporaryDirectory() as folder:
                killed = _killed(on, Path(folder))
            found.append(killed)
            for line in killed.wrong:
                print(f"  WRONG kill {number + 1}: {line}", flush=True)
        said = [line for line in nbtrace.dask.status() if "lost" in line]
        nbtrace.dask.uninstall()
    old = sum(killed.oldest_s > OLD_S for killed in found)
    ages = sorted(killed.oldest_s for killed in found)
    print(
        f"\nworkers killed {kills} times: {sum(each.told for each in found):,} spans had ended, "
        f"{sum(each.missing for each in found):,} are missing; in {old} kills one that had ended more than {OLD_S} s before.\n"
        f"The oldest missing one had ended before the kill: median {statistics.median(ages):.2f} s, most {ages[-1]:.2f} s.",
        *said,
        sep="\n",
    )


def main() -> None:
    """Let workers die, and print what it did."""
    rest = sys.argv[sys.argv.index("dask_dead_worker") + 1 :]
    rounds, kills = (int(each) for each in (*rest, *("8", "20")[len(rest) :]))
    if kills:
        _killing(kills)
    if rounds:
        _waiting(rounds)
