"""Engines as tests drive them: one small interface, and a class for each engine, so that every test holds for all of them.

Enters: functions and what they are called with. Leaves: handles, results, and who works. Another engine is one more class here
and one more line in `ENGINES`."""

from __future__ import annotations

import logging
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Protocol, TypeVar

from tests.waiting import wait_for

PATIENCE_S = 60


class Engine(Protocol):
    """What tests ask of an engine. A handle is whatever stands for the result of one call."""

    kills: bool
    """Whether workers are processes of their own, which can be killed."""

    def start(self, workers: int, threads: int) -> None:
        """Start so many workers, each with so many threads, and be connected."""

    def stop(self) -> None:
        """Stop all that `start` has started."""

    def follow(self) -> str:
        """Have nbtrace follow the connection."""

    def leave(self) -> None:
        """Have it follow nothing."""

    def status(self) -> list[str]:
        """What nbtrace says of the engine."""

    def send(
        self, function: Callable[..., Any], items: Sequence[Any], *, retries: int = 0, name: str = ""
    ) -> list[Any]:
        """Send one call for each item; `name`: what the tasks are called, else by the function."""

    def results(self, handles: Sequence[Any]) -> list[Any]:
        """Wait for results. Raises what the first that failed has raised."""

    def failure(self, handle: Any) -> tuple[BaseException, list[str]]:
        """Wait for one to fail; return what it has raised and the functions in its traceback."""

    def cancel(self, handles: Sequence[Any]) -> None:
        """Want results no more."""

    def workers(self) -> dict[str, int]:
        """The numbers of the processes of workers that are there, by what nbtrace calls the workers."""

    def add_worker(self) -> str:
        """Start one more, and return what nbtrace calls it when it is there."""

    def retire(self, worker: str) -> None:
        """End a worker as one does who wants to lose nothing."""

    def restart(self) -> None:
        """Begin anew with other processes, and forget what is there."""

    def settle(self, gone: int) -> None:
        """Wait until the process `gone` is known to be gone and as many workers are there as were started."""


class Dask:
    """Dask on this machine."""

    def __init__(self, *, processes: bool) -> None:
        self.kills = processes
        self._cluster: Any = None
        self.client: Any = None
        self._count = 0
        self._added: dict[str, Any] = {}
        self._stack = ExitStack()

    def start(self, workers: int, threads: int) -> None:
        import dask
        from distributed import Client, LocalCluster

        self._count = workers
        # A daemon may have no children, and some tasks have some.
        self._stack.enter_context(dask.config.set({"distributed.worker.daemon": False}))
        self._cluster = self._stack.enter_context(
            LocalCluster(
                n_workers=workers,
                threads_per_worker=threads,
                processes=self.kills,
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,
                memory_limit=0,
            )
        )
        self.client = self._stack.enter_context(Client(self._cluster))

    def stop(self) -> None:
        self._stack.close()

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return str(self._cluster.scheduler_address)

    def follow(self) -> str:
        import nbtrace

        return str(nbtrace.dask.install(self.client))

    def leave(self) -> None:
        import nbtrace

        nbtrace.dask.uninstall()

    def status(self) -> list[str]:
        import nbtrace

        return list(nbtrace.dask.status())

    def send(
        self, function: Callable[..., Any], items: Sequence[Any], *, retries: int = 0, name: str = ""
    ) -> list[Any]:
        return list(self.client.map(function, items, retries=retries, pure=False, key=name or None))

    def results(self, handles: Sequence[Any]) -> list[Any]:
        return list(self.client.gather(list(handles)))

    def failure(self, handle: Any) -> tuple[BaseException, list[str]]:
        error = handle.exception(timeout=PATIENCE_S)
        with suppress(BaseException):
            handle.result()
        return error, [frame.name for frame in traceback.extract_tb(handle.traceback())]

    def cancel(self, handles: Sequence[Any]) -> None:
        keys = [handle.key for handle in handles]
        self.client.cancel(list(handles))

        def running(dask_worker: Any) -> int:
            found = (dask_worker.state.tasks.get(key) for key in keys)
            return sum(task is not None and task.state == "executing" for task in found)

        wait_for(lambda: not any(self.client.run(running).values()), "workers to hear of it")

    def workers(self) -> dict[str, int]:
        return dict(self.client.run(os.getpid))

    def add_worker(self) -> str:
        from distributed import Nanny, Worker

        kind, more = (Nanny, {"memory_limit": 0}) if self.kills else (Worker, {})

        async def begin() -> Any:
            return await kind(self.address, nthreads=2, silence_logs=logging.CRITICAL, **more)

        added = self._cluster.sync(begin)
        self._stack.callback(self._cluster.sync, added.close)
        self._count += 1
        address = str(added.worker_address if self.kills else added.address)
        self._added[address] = added
        return address

    def retire(self, worker: str) -> None:
        self._count -= 1
        self.client.retire_workers([worker], close_workers=True)
        wait_for(lambda: self._added[worker].status.name == "closed", "the end of a worker")

    def drop(self, worker: str) -> None:
        """End one that was added, or who would start it again if it was killed."""
        self._count -= 1
        self._cluster.sync(self._added[worker].close)

    def restart(self) -> None:
        self.client.restart(timeout=PATIENCE_S)

    def settle(self, gone: int) -> None:
        def settled() -> bool:
            try:
                known = self.client.run(os.getpid, on_error="ignore")
            except Exception:  # one has gone meanwhile
                return False
            return gone not in known.values() and len(known) == self._count

        wait_for(settled, f"the end of {gone}")


def kill(pid: int) -> None:
    """End a process as the kernel does that wants its memory."""
    os.kill(pid, signal.SIGKILL)


ENGINES: dict[str, Callable[[], Engine]] = {
    "dask": lambda: Dask(processes=True),
    "dask in threads": lambda: Dask(processes=False),
}
"""By what a test's name says of them."""


Starts = TypeVar("Starts", bound=Engine)


@contextmanager
def running(engine: Starts) -> Iterator[Starts]:
    """An engine with two workers of two threads each."""
    engine.start(2, 2)
    try:
        yield engine
    finally:
        engine.stop()


@contextmanager
def following(engine: Starts) -> Iterator[Starts]:
    """One that is followed meanwhile."""
    engine.follow()
    try:
        yield engine
    finally:
        engine.leave()
