"""The kernel of a run, started so that nbtrace is in it.

Enters: a kernelspec's name, and what the kernel is handed. Leaves: a kernel that boots while others are still being imported;
and, when it is gone, what its end and its log say."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.session import Session
from traitlets import Dict

from nbtrace.extension.handed import ARGUMENT, TRACE_VARIABLES, Handed

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_LOG_LINES = 12
_MEMORY = "--HistoryManager.hist_file=:memory:"
"""As nbclient has it: what a run executes is not for anybody's history."""


class CellSession(Session):
    """Sends with each execution what the notebook says of the cell, as JupyterLab does: its id, its tags."""

    cell_metadata: Any = Dict()
    last_request: str = ""
    """The id of the last execution that was asked for."""

    def msg(
        self,
        msg_type: str,
        content: Any = None,
        parent: Any = None,
        header: Any = None,
        metadata: Any = None,
    ) -> dict[str, Any]:
        """Return a message."""
        if msg_type == "execute_request":
            metadata = {**self.cell_metadata, **(metadata or {})}
        message: dict[str, Any] = super().msg(msg_type, content, parent, header, metadata)
        if msg_type == "execute_request":
            self.last_request = message["msg_id"]
        return message


class Kernel:
    """One kernel, from its start to its end. All is done in one event loop."""

    def __init__(self, name: str, folder: Path, handed: Handed) -> None:
        """folder: in which it works."""
        self.name = name
        self.handed = handed
        self.manager: Any = AsyncKernelManager(kernel_name=name)
        self.manager.session = CellSession(parent=self.manager)
        self._folder = folder
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._begun = False
        self._trouble: Exception | None = None

    async def begin(self) -> None:
        """Start its process, if that has not been done; what goes wrong is raised by `begun`."""
        if self._begun:
            return
        self._begun = True
        ours = {name: value for name, value in os.environ.items() if name not in TRACE_VARIABLES}
        try:
            history = [_MEMORY] if self.manager.ipykernel else []
            await self.manager.start_kernel(
                extra_arguments=[ARGUMENT, *history],
                cwd=str(self._folder),
                env={**ours, **self.handed.variables()},
                stdout=self._log,
                stderr=self._log,
            )
        except Exception as error:
            self._trouble = error

    async def begun(self) -> None:
        """Start it, if that has not been done, and raise what went wrong."""
        await self.begin()
        if self._trouble is not None:
            raise self._trouble

    async def end(self, *, now: bool = False) -> None:
        """End it, if it has not ended: now, or when it has done what programs do at their end."""
        with suppress(Exception):
            if self.manager.has_kernel:
                await self.manager.shutdown_kernel(now=now or not await self.manager.is_alive())
        with suppress(Exception):
            await self.manager.cleanup_resources()

    async def kill(self) -> None:
        """Kill its process."""
        with suppress(Exception):
            if self.manager.has_kernel:
                await self.manager.signal_kernel(getattr(signal, "SIGKILL", signal.SIGTERM))

    @property
    def python(self) -> str:
        """What its kernelspec starts."""
        return str(self.manager.format_kernel_cmd()[0])

    async def how_it_ended(self) -> str:
        """Say with what its process has ended; "" if it has not, or if nobody knows."""
        try:
            code = await self.manager.provisioner.poll()
        except Exception:
            return ""
        return _ended(code) if isinstance(code, int) else ""

    def log(self) -> str:
        """Return the last lines that it wrote beside its outputs."""
        self._log.seek(0, 2)
        self._log.seek(max(0, self._log.tell() - 20_000))
        lines = ANSI.sub("", self._log.read().decode("utf-8", "replace")).rstrip().splitlines()
        # What every kernel says at its start has nothing to do with its end.
        return "\n".join([line for line in lines if not line.startswith("[IPKernelApp] WARNING")][-_LOG_LINES:])


def _ended(code: int) -> str:
    """What an exit status says of a kernel."""
    if code >= 0:
        return f"the kernel ended by itself, with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return {
        "SIGKILL": "the kernel was killed by SIGKILL, as systems do when memory runs out",
        "SIGSEGV": "the kernel crashed by SIGSEGV: native code has touched memory that is not its own",
        "SIGABRT": "the kernel aborted by SIGABRT: native code has given up",
    }.get(name, f"the kernel was ended by {name}")
