"""Schedulers and workers of Dask's as programs of their own, with whatever environment."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

ROOT = Path(__file__).parents[3]


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])


@contextmanager
def program(
    module: str, *args: object, path: Sequence[Path] = (), before: Sequence[str] = (), **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of Dask's; `path`: where Python looks first, `before`: what the command begins with."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT))), **variables}
    command = [*before, sys.executable, "-P", "-m", f"distributed.cli.{module}", *map(str, args)]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as found:
        try:
            yield found
        finally:
            found.kill()


def scheduler(port: int, host: str = "127.0.0.1", **more: Any) -> Any:
    """A scheduler that listens there."""
    return program("dask_scheduler", "--host", host, "--port", port, "--no-dashboard", **more)


def worker(address: str, *args: object, **more: Any) -> Any:
    """A worker of one thread."""
    return program("dask_worker", address, "--no-nanny", "--no-dashboard", "--nthreads", 1, *args, **more)


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody does."""
    with socket.socket() as found:
        return found.connect_ex((host, port)) == 0


def wait_until_it_listens(port: int, host: str = "127.0.0.1") -> None:
    """Return when somebody does."""
    wait_for(lambda: listens(port, host), f"a scheduler at {host}:{port}")
