"""Workers killed at any moment: whatever they saw end is in the recording, once, and what they were at is there as unfinished."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from typing import Any

import nbtrace

MOST_S = 0.3
"""A worker is killed within that time of its first span."""


def main(tries: int) -> None:
    """Kill, and print what is wrong with what is left."""
    for method in ("fork", "spawn", "forkserver"):
        for pooled in (False, True):
            spans, wrong = kill(tries, method, pooled=pooled)
            print(
                f"  SIGKILL to a worker ({method}{', of a pool' * pooled}): {tries} tries, {spans:,} spans", flush=True
            )
            for line in wrong:
                print(f"    WRONG {line}", flush=True)


def kill(tries: int, method: str, *, pooled: bool) -> tuple[int, list[str]]:
    """Return how many spans workers have seen to end that were killed, and what is wrong with what is left."""
    count, wrong = 0, []
    for number in range(tries):
        moment = MOST_S * random.random()
        told, faults = _killed(method, moment, pooled=pooled)
        count += told
        wrong += [f"try {number}, at {moment * 1e3:.1f} ms: {fault}" for fault in faults]
    return count, wrong


_PIPES: list[Connection] = []


def hold(pipe: Connection) -> None:
    """Keep what is told to whoever kills."""
    _PIPES.append(pipe)


def work() -> None:
    """Make spans until the end, and tell of each that has ended."""
    tell = _PIPES[-1].send_bytes
    with nbtrace.span("whole"):
        number = 0
        while True:
            with nbtrace.span(f"outer {number}", number=number):
                with nbtrace.span(f"inner {number}", text="x" * (number % 50)):
                    pass
                tell(b"inner %d" % number)
            tell(b"outer %d" % number)
            number += 1


def begin(pipe: Connection) -> None:
    """Be a process that works."""
    hold(pipe)
    work()


def _killed(method: str, moment: float, *, pooled: bool) -> tuple[int, list[str]]:
    context: Any = multiprocessing.get_context(method)
    reads, writes = context.Pipe(duplex=False)
    with nbtrace.record() as rec, ExitStack() as stack:
        with nbtrace.span("send"):
            if pooled:
                pool = ProcessPoolExecutor(1, mp_context=context, initializer=hold, initargs=(writes,))
                stack.callback(pool.shutdown)
                pid = pool.submit(os.getpid).result()
                pool.submit(work)
            else:
                process = context.Process(target=begin, args=(writes,))
                stack.callback(process.join)
                process.start()
                pid = process.pid
        writes.close()
        told = _read_and_kill(reads, moment, pid)
    return len(told), list(_faults(rec, told, pid, pooled))


def _read_and_kill(reads: Connection, moment: float, pid: int) -> list[str]:
    """Return what a worker has told until it was killed, so long after the first."""
    told = [reads.recv_bytes().decode()]
    end = time.monotonic() + moment
    while (left := end - time.monotonic()) > 0:
        if reads.poll(left):
            told.append(reads.recv_bytes().decode())
    os.kill(pid, signal.SIGKILL)
    with suppress(EOFError, OSError):  # it may have been killed within a message
        while True:
            told.append(reads.recv_bytes().decode())
    return told


def _faults(rec: nbtrace.Recording, told: list[str], pid: int, pooled: bool) -> Iterator[str]:
    spans = rec.spans()
    states: dict[str, list[str]] = {}
    for name, state in zip(spans["name"], spans["state"], strict=True):
        states.setdefault(name, []).append(state)
    lost = [name for name in told if states.get(name) != ["ended"]]
    if lost:
        yield f"{len(lost)} of {len(told)} spans have not come home as they ended: {[(n, states.get(n)) for n in lost[:3]]}"
    twice = [name for name, found in states.items() if len(found) > 1]
    if twice:
        yield f"there twice: {twice[:3]}"
    if states.get("whole") != ["unfinished"]:
        yield f"the span in which it was killed is {states.get('whole')}"
    if pooled and states.get("work") != ["unfinished"]:
        yield f"the task in which it was killed is {states.get('work')}"
    running = [name for name, (state, *_) in states.items() if state == "running"]
    if running:
        yield f"runs for ever: {running[:3]}"
    orphans = set(spans["parent_span_id"].dropna()) - set(spans["span_id"])
    if orphans:
        yield f"{len(orphans)} parents are missing"
    if set(spans["process_pid"]) != {os.getpid(), pid}:
        yield f"spans of {set(spans['process_pid'])}"
