"""What it costs that tasks of Dask's are followed: `python -m tests.benchmarks dask [ROUNDS]`.

In each round two clusters stand side by side and take turns: one that has never heard of nbtrace, and one that has the plugin, with a
client that is followed; in one of its two turns something is recorded. The table that is printed stands in docs/dask-costs.md."""

from __future__ import annotations

import gc
import statistics
import sys
import timeit
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import nbtrace
from nbtrace.cluster.dask import following
from nbtrace.cluster.dask.plugin import Tasks
from tests.benchmarks.dask_cluster import Cluster, Costs, cluster
from tests.benchmarks.dask_tasks import LONG_S, memory, noop, rest, spans

TASKS = 10_000
LONG = 400
"""Tasks that last longer than what is new waits to be sent, on many workers: two messages for each."""

WIDE = 8
ASKS = 50
IDLE_TURNS, IDLE_TASKS = 40, 1_500
SPANS, SPAN_TASKS = 1_000, 20

WAYS = ("untraced", "plugin idle", "traced")


class Found:
    """What turns have cost."""

    def __init__(self) -> None:
        self.turns: dict[str, list[Costs]] = {way: [] for way in WAYS}
        self.tasks = 0
        self.traced = 0
        self.orphans = 0
        self.messages = 0
        """Of the turns that were traced."""

    def median(self, way: str) -> Costs:
        """Return the median of each cost."""
        return Costs(*map(statistics.median, zip(*self.turns[way], strict=True)))

    def more(self, way: str) -> Costs:
        """Return the median of what a turn cost more than the untraced one beside it."""
        pairs = zip(self.turns[way], self.turns["untraced"], strict=True)
        return Costs(*map(statistics.median, zip(*(mine - theirs for mine, theirs in pairs), strict=True)))

    def ratios(self, way: str) -> Costs:
        """Return the median of the ratios of such pairs."""
        pairs = zip(self.turns[way], self.turns["untraced"], strict=True)
        return Costs(
            *map(
                statistics.median,
                zip(*((a / b for a, b in zip(mine, theirs, strict=True)) for mine, theirs in pairs), strict=True),
            )
        )


def _sent(client: Any, task: Callable[[int], Any], count: int) -> None:
    assert len(client.gather(client.map(task, range(count), pure=False))) == count


def _turn(on: Cluster, found: Found, way: str, task: Callable[[int], Any], count: int) -> None:
    gc.collect()  # else what one way leaves behind falls into the turn of another
    before, messages = on.costs(), _messages()
    if way == "traced":
        with nbtrace.record() as rec, nbtrace.span("sends"):
            _sent(on.client, task, count)
            following_now().collect()
    else:
        _sent(on.client, task, count)
    found.turns[way].append((on.costs() - before).each(count))
    if way == "traced":
        table = rec.spans()
        tasks = table[table["scope_name"] == "nbtrace.tasks"]
        found.tasks += count
        found.traced += len(tasks[tasks["state"] == "ended"])
        found.orphans += len(set(tasks["parent_span_id"]) - set(table["span_id"]))
        found.messages += _messages() - messages


def following_now() -> following.Following:
    """Return what follows clients in this process."""
    from nbtrace.cluster import dask

    assert dask._following is not None
    return dask._following


def _messages() -> int:
    return sum(following_now()._arrivals.numbers().values())


def _turns(workers: int, rounds: int, task: Callable[[int], Any], count: int) -> Found:
    """Clusters are made anew for each round: two processes that do the same differ by some hundredths all their lives."""
    found = Found()
    for number in range(rounds):
        with cluster(workers) as plain, cluster(workers) as followed:
            nbtrace.dask.install(followed.client)
            for each in (plain, followed):
                _sent(each.client, task, max(workers, count // 10))
            with nbtrace.record():
                _sent(followed.client, task, max(workers, count // 10))
            for way in WAYS[number % 3 :] + WAYS[: number % 3]:
                _turn(plain if way == "untraced" else followed, found, way, task, count)
            nbtrace.dask.uninstall()
    return found


def _idle() -> None:
    """What the plugin costs where nothing is recorded: turns of one cluster with it and without, as two clusters differ by more."""
    used: dict[bool, list[Costs]] = {True: [], False: []}
    plugin_itself = Tasks(nbtrace.__version__)
    with cluster(2) as on:
        _sent(on.client, noop, IDLE_TASKS)
        for turn in range(IDLE_TURNS):
            there = turn % 4 in (1, 2)
            if there:
                on.client.register_plugin(plugin_itself)
            before = on.costs()
            _sent(on.client, noop, IDLE_TASKS)
            used[there].append((on.costs() - before).each(IDLE_TASKS))
            if there:
                on.client.unregister_worker_plugin(plugin_itself.name)
    for what in ("workers", "wall"):
        with_it, without = ([getattr(costs, what) for costs in used[there]] for there in (True, False))
        medians, quartiles = (
            (pick(with_it) / pick(without)) for pick in (statistics.median, lambda of: statistics.quantiles(of, n=4)[0])
        )
        print(
            f"the plugin idle, × none in the same cluster, {what}: {medians:.3f} by medians, {quartiles:.3f} by lower quartiles of "
            f"{IDLE_TURNS} turns of {IDLE_TASKS:,} tasks"
        )
    plugin, worker = (
        Tasks("idle"),
        SimpleNamespace(state=SimpleNamespace(tasks={"key": SimpleNamespace(annotations={})})),
    )
    plugin._worker, plugin._execute = worker, lambda key, stimulus_id: None

    def one() -> None:
        plugin._executed("key", stimulus_id="none")
        for start, finish in pairwise(("released", "waiting", "ready", "executing", "memory", "released", "forgotten")):
            plugin.transition("key", start, finish, stimulus_id="none")

    print(f"what it does for a task then: {min(timeit.repeat(one, number=20_000)) / 20_000 * 1e6:.1f} µs")


def _in_spans() -> None:
    here, there = [], []
    count = SPANS * SPAN_TASKS
    with cluster(1) as followed:
        nbtrace.dask.install(followed.client)
        for _ in range(6):
            with nbtrace.record() as rec:
                here.append(spans(count))
            assert len(rec.spans(name="work")) == count
            before = followed.costs()
            with nbtrace.record() as rec, nbtrace.span("sends"):
                followed.client.gather(followed.client.map(spans, [SPANS] * SPAN_TASKS, pure=False))
                following_now().collect()
            there.append((followed.costs() - before).each(count))
            assert len(rec.spans(name="work")) == count
        nbtrace.dask.uninstall()
    least = Costs(*(min(found) for found in zip(*there[1:], strict=True)))
    print(
        f"\na span in memory {min(here):.1f} µs, in a task {least.workers * 1e6:.1f} µs, sending included: "
        f"{least.workers * 1e6 / min(here):.2f} ×; {least.scheduler * 1e6:.1f} µs of the scheduler, {least.kernel * 1e6:.1f} µs of the "
        f"kernel, {least.nbytes:.0f} bytes at the scheduler"
    )


def _installing() -> None:
    with cluster(2) as fresh:
        _sent(fresh.client, noop, 100)
        before, held = fresh.costs(), sum(fresh.client.run(memory).values())
        nbtrace.dask.install(fresh.client)
        used = fresh.costs() - before
        with nbtrace.record(), nbtrace.span("sends"):
            _sent(fresh.client, noop, 100)
            following_now().collect()
        more = sum(fresh.client.run(memory).values()) - held
        nbtrace.dask.uninstall()
    print(
        f"\ninstalling: {used.wall:.2f} s; CPU {used.workers / 2:.2f} s a worker, {used.scheduler * 1e3:.0f} ms of the scheduler, "
        f"{used.kernel * 1e3:.0f} ms of the kernel; {used.nbytes / 2e3:.0f} kB a worker at the scheduler; "
        f"a worker that records holds {more / 2e6:.0f} MB more"
    )


def _asking() -> None:
    """What it costs to ask workers for what they have, as is done before an answer is given: of each worker."""
    with cluster(WIDE) as on:
        nbtrace.dask.install(on.client)
        with nbtrace.record():
            _sent(on.client, noop, 100)
            following_now().collect()
            on.costs()
            before = on.costs()
            for _ in range(ASKS):
                following_now()._owed = True
                following_now().collect()
            used = (on.costs() - before).each(ASKS * WIDE)
        nbtrace.dask.uninstall()
    print(
        f"\nasking {WIDE} workers for what they have, for each of them: {used.wall * 1e3:.2f} ms; CPU {used.workers * 1e3:.2f} ms of "
        f"the worker, {used.scheduler * 1e3:.2f} ms of the scheduler, {used.kernel * 1e3:.2f} ms of the kernel; "
        f"{used.nbytes:,.0f} bytes at the scheduler"
    )


def _print(title: str, found: Found) -> None:
    print(f"\n{title}\n")
    print("| a task, ms (bytes) | wall | worker CPU | scheduler CPU | kernel CPU | bytes at the scheduler |")
    print("|---|---|---|---|---|---|")
    for way in WAYS:
        print(_line(way, found.median(way)))
    for way in WAYS[1:]:
        print(_line(f"{way}, more than untraced", found.more(way), "+"))
        print(f"| {way}, × untraced | " + " | ".join(f"{ratio:.3f}" for ratio in found.ratios(way)) + " |")
    print(
        f"\n{found.tasks:,} traced tasks: {found.tasks - found.traced} lost, {found.orphans} orphans; "
        f"{found.messages / found.tasks:.3f} messages a task."
    )


def _line(name: str, costs: Costs, sign: str = "") -> str:
    *times, nbytes = costs
    return f"| {name} | " + " | ".join(f"{time * 1e3:{sign}.3f}" for time in times) + f" | {nbytes:{sign},.0f} |"


def main() -> None:
    """Print the tables."""
    rest_of_words = sys.argv[sys.argv.index("dask") + 1 :]
    rounds = int(rest_of_words[0]) if rest_of_words else 5
    _print(f"{TASKS:,} no-op tasks a turn, 2 workers, {rounds} rounds", _turns(2, rounds, noop, TASKS))
    _print(f"{LONG} tasks of {LONG_S} s a turn, {WIDE} workers, {rounds} rounds", _turns(WIDE, rounds, rest, LONG))
    _idle()
    _installing()
    _asking()
    _in_spans()
