"""What is sent to workers: plain functions, which know nothing of engines."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbtrace


def double(number: int) -> int:
    return 2 * number


def spanned(number: int) -> int:
    with nbtrace.span("inside", number=number):
        with nbtrace.span("deeper"):
            return 2 * number


def wrong(number: int) -> int:
    raise ValueError(f"no {number}")


def wrong_within(number: int) -> int:
    with nbtrace.span("inside", number=number):
        raise ValueError(f"no {number}")


def wrong_at_first(place: str) -> str:
    """Fail, and not the second time."""
    if tries(place) < 3:
        raise ConnectionError("not yet")
    return "at last"


def tries(place: str) -> int:
    """Count how often it was tried, whoever does."""
    path = Path(place)
    with path.open("ab") as file:
        file.write(b".")
    return path.stat().st_size


def hold(place: str) -> str:
    """Say that it has begun, and go on until somebody says that it is enough."""
    with nbtrace.span("held"):
        with nbtrace.span("before"):
            pass
        path = Path(place)
        path.with_suffix(".begun").write_text(str(os.getpid()))
        until = time.monotonic() + 60
        while not path.with_suffix(".enough").exists() and time.monotonic() < until:
            time.sleep(0.01)
    return place


def threaded(number: int) -> int:
    """Have three kinds of threads do it."""

    def work(name: str) -> None:
        with nbtrace.span(name):
            pass

    thread = threading.Thread(target=work, args=("in a thread",))
    thread.start()
    thread.join()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work, "in a pool").result()
    return number


def pooled(number: int) -> int:
    """Have a process do it."""
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(spanned, number).result()


async def awaited(number: int) -> int:
    """Do it in a coroutine, and in a task of asyncio's."""

    async def one(name: str) -> None:
        with nbtrace.span(name):
            await asyncio.sleep(0.001)

    with nbtrace.span("outer"):
        await asyncio.gather(one("first"), one("second"))
    return number


def forked(number: int) -> int:
    """Have a child made by fork do it."""
    with nbtrace.span("before the fork"):
        pass
    pid = os.fork()
    if not pid:
        with suppress(BaseException):
            with nbtrace.span("in the child"):
                pass
        os._exit(0)
    os.waitpid(pid, 0)
    with nbtrace.span("after the fork"):
        pass
    return number


def spin(seconds: float) -> int:
    """Use a processor."""
    until = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < until:
        count += spin_once()
    return os.getpid()


def spin_once() -> int:
    return sum(number * number for number in range(2_000))


def printed(number: int) -> Any:
    print("said by", number)
    return {"number": number, "text": "x" * number}


def deep(number: int) -> int:
    return deeper(number)


def deeper(number: int) -> int:
    raise KeyError(number)
