"""A LocalCluster in a process of its own, so that what its scheduler costs can be told from what the kernel costs."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from distributed import Client


class Costs(NamedTuple):
    """What has been used so far, or between two moments: CPU in seconds."""

    wall: float
    workers: float
    scheduler: float
    """Its process: the nannies of the workers are in it too."""
    kernel: float
    nbytes: float
    """What the scheduler has sent and received."""

    def __sub__(self, other: Costs) -> Costs:  # type: ignore[override]
        return Costs(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    def each(self, count: int) -> Costs:
        """Return it for one of so many."""
        return Costs(*(value / count for value in self))


class Cluster:
    """As the kernel sees it."""

    def __init__(self, pipe: Connection, client: Any) -> None:
        self._pipe, self.client = pipe, client

    def costs(self) -> Costs:
        """Return what has been used so far."""
        workers = sum(self.client.run(time.process_time).values())
        self._pipe.send(None)
        scheduler, nbytes = self._pipe.recv()
        return Costs(time.perf_counter(), workers, scheduler, time.process_time(), nbytes)


@contextmanager
def cluster(workers: int, *, lost_s: float = 15) -> Iterator[Cluster]:
    """Have a cluster of workers of one thread each. lost_s: a worker that is not there so long after one of its deaths, as it has come
    back and died again, Dask closes for good; 15 s as a rule."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, workers, lost_s))
    process.start()
    try:
        with Client(here.recv(), set_as_default=False) as client:
            client.wait_for_workers(workers)
            yield Cluster(here, client)
    finally:
        here.close()
        process.join()


def serve(pipe: Connection, workers: int, lost_s: float = 15) -> None:
    """Be the process of the scheduler, until the kernel is gone."""
    import dask.config
    from distributed import LocalCluster
    from tornado.iostream import IOStream

    nbytes = 0

    def counted(original: Any) -> Any:
        def count(stream: Any, data: Any) -> Any:
            nonlocal nbytes
            found = original(stream, data)
            nbytes += found or 0
            return found

        return count

    IOStream.read_from_fd = counted(IOStream.read_from_fd)
    IOStream.write_to_fd = counted(IOStream.write_to_fd)
    dask.config.set({"distributed.deploy.lost-worker-timeout": f"{lost_s} s"})
    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as found:
        pipe.send(found.scheduler_address)
        try:
            while True:
                pipe.recv()
                pipe.send((time.process_time(), nbytes))
        except (EOFError, OSError):
            pass
