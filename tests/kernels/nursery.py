"""Kernels that are born with their imports done: forked from a process that has imported what kernels import.

Enters: on stdin a line for each kernel, its connection file. Leaves: on stdout a line for each, its process id. A kernel of the
nursery is a process of its own and nothing has run in it, so tests are as far apart as with kernels that were started, for a
quarter of the time. What is about loading, about what is imported when, or about a kernel's end starts one (`start_kernel`)."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

IMPORTED = (
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "anywidget",
    "nbtrace.analysis.dataframes",
    "nbtrace.extension.shell",
    "nbtrace.magics.commands",
    "opentelemetry.sdk.trace.export",
    "pandas",
    "pyarrow.compute",
    "stack_data",
)

CAN_FORK = sys.platform == "linux"
"""Elsewhere a process that has loaded such libraries may not go on as two."""


class Manager:
    """What tests need of a kernel's manager, for a kernel of the nursery."""

    def __init__(self, pid: int, connection_file: str) -> None:
        self._pid = pid
        self._connection_file = connection_file

    def is_alive(self) -> bool:
        """Whether the kernel has not ended."""
        return Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"

    def interrupt_kernel(self) -> None:
        """Press the stop button."""
        os.killpg(self._pid, signal.SIGINT)

    def shutdown_kernel(self, *, now: bool) -> None:
        """Kill the kernel and what it has started."""
        assert now
        os.killpg(self._pid, signal.SIGKILL)  # its number is nobody else's before the nursery ends
        os.unlink(self._connection_file)


class Nursery:
    """The process, as the tests see it: started for the first kernel, ended with the tests."""

    def __init__(self) -> None:
        self._process: Any = None

    def kernel(self, timeout_s: float) -> tuple[Manager, BlockingKernelClient]:
        """Return a new kernel's manager and its client, once it answers. RuntimeError: it has died before."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"},  # else it warns of Python's frozen modules
            )
            atexit.register(self._end)
        handle, path = tempfile.mkstemp(".json", "kernel-")
        os.close(handle)
        write_connection_file(path)
        self._process.stdin.write(path + "\n")
        self._process.stdin.flush()
        manager = Manager(int(self._process.stdout.readline()), path)
        client = BlockingKernelClient(connection_file=path)
        client.load_connection_file()
        client.start_channels(stdin=False)
        until = time.monotonic() + timeout_s
        while time.monotonic() < until and manager.is_alive():
            client.kernel_info()
            try:
                client.get_shell_msg(timeout=10)
                client.get_iopub_msg(timeout=0.2)  # else what comes first could be missed
            except queue.Empty:
                continue
            _connect_stdin(client)
            return manager, client
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        raise RuntimeError("Kernel died before replying to kernel_info")

    def _end(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def _connect_stdin(client: BlockingKernelClient) -> None:
    """Wait until the kernel knows the client's stdin: what it asks before that is dropped. Begun before the kernel listened, that
    could come later than its first cell."""
    monitor = client.stdin_channel.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    monitor.poll(2_000)  # it may have been there before the monitor
    client.stdin_channel.socket.disable_monitor()
    client.stdin_channel.start()


NURSERY = Nursery()


def serve() -> None:
    """Fork a kernel for each line, until there is none."""
    for name in IMPORTED:
        with contextlib.suppress(ImportError):  # an older IPython has other parts
            importlib.import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for whoever runs the tests
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's idle threads are no reason to worry
            pid = os.fork()
        if pid == 0:
            become_kernel(line.strip())
        print(pid, flush=True)
    # Not before, lest a number that a test still knows becomes another process's.
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def become_kernel(connection_file: str) -> None:
    """Run as a kernel to its end."""
    os.setsid()
    gc.unfreeze()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher.py", "-f", connection_file]
    IPKernelApp.launch_instance()
    sys.exit()


if __name__ == "__main__":
    serve()
