"""A notebook is run: cell by cell by nbclient, until its end, a failure, a signal, or the end of its kernel.

Enters: a notebook, and what is handed to its kernel. Leaves: the notebook with its outputs, as far as it came, and an `Outcome`.
nbclient's own loop is not used: it drops what a cell has put out when somebody presses Ctrl-C, and ends with the process."""

from __future__ import annotations

import asyncio
import shlex
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from nbtrace.headless.kernel import ANSI, Kernel
from nbtrace.headless.notebooks import is_run
from nbtrace.headless.outcome import CellRun, Outcome
from nbtrace.headless.stopping import Stopping

GRACE_S = 5.0
"""So long an interrupted cell may take to end; then its kernel is killed."""

STARTUP_S = 60
"""So long a kernel may take to start, as with nbclient."""

SAVE_S = 2.0
"""So often what the cells have put out is saved while they run."""

_SAVE_SHARE = 0.05
"""Saving takes at most this share of the time, however large the notebook is."""


class Watcher(Protocol):
    """Who is told how a run goes on."""

    def cell_started(self, cell: CellRun) -> None:
        """A cell begins."""
        ...

    def cell_ended(self, cell: CellRun) -> None:
        """A cell has ended, or never will."""
        ...

    def cells_ended(self) -> None:
        """No cell runs any more; the kernel ends."""
        ...

    def said(self, text: str) -> None:
        """Something is to be said meanwhile."""
        ...


class _Stopped(Exception):
    """The notebook goes no further."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class NotebookRun:
    """One notebook in one kernel."""

    def __init__(
        self,
        notebook: Any,
        kernel: Kernel,
        watcher: Watcher,
        *,
        timeout_s: float | None = None,
        save: Callable[[], None] = lambda: None,
    ) -> None:
        """timeout_s: for each cell. save: called now and then while cells run, when there is something new."""
        self.notebook = notebook
        self.cells = [CellRun(index, cell["source"]) for index, cell in enumerate(notebook.cells) if is_run(cell)]
        self._by_index = {cell.index: cell for cell in self.cells}
        self._kernel, self._watcher = kernel, watcher
        self._timeout_s, self._save = timeout_s, save
        self._client: Any = None
        self._signal = 0
        self._stopping = asyncio.Event()

    async def run(self, stopping: Stopping) -> Outcome:
        """Run it to its end, whatever that is; the kernel is gone then."""
        loop = asyncio.get_running_loop()

        def told(signum: int) -> None:
            loop.call_soon_threadsafe(self.stop, signum)

        # The loop's own handlers would leave gaps: at its end it takes them out before anybody can put in others.
        with stopping.told(told):
            return await self._run()

    async def _run(self) -> Outcome:
        self._client = NotebookClient(self.notebook, km=self._kernel.manager, startup_timeout=STARTUP_S, timeout=None)
        self._client.log.disabled = True  # what it logs is said by the outcome
        self._client.reset_execution_trackers()
        for cell in self.cells:  # what an earlier run has left in cells that this one does not reach
            self.notebook.cells[cell.index].update(outputs=[], execution_count=None)
        saving = asyncio.ensure_future(self._save_now_and_then())
        try:
            await self._start()
            await self._execute_all()
            outcome = Outcome("fine")
        except _Stopped as stopped:
            outcome = stopped.outcome
        finally:
            saving.cancel()
            self._watcher.cells_ended()
            await self._end()
        outcome.cells = self.cells
        if outcome.kind in ("KernelNotStarted", "NotTraced", "DeadKernelError"):
            outcome.log = self._kernel.log()
        return outcome

    def stop(self, signum: int) -> None:
        """Stop: the first time the cell is interrupted, the second time the kernel is killed."""
        if self._signal:
            self._watcher.said("killing the kernel; what was recorded is kept.")
            self._kill()
            return
        self._signal = signum
        self._watcher.said("stopping: the cell is interrupted. Once more kills its kernel.")
        self._stopping.set()

    # ── beginning and end ────────────────────────────────────────────────────────────────────────────────────────────

    async def _start(self) -> None:
        starting = asyncio.ensure_future(self._await_kernel())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await starting
            raise _Stopped(self._interrupted())
        try:
            starting.result()
        except Exception as error:
            why = await self._kernel.how_it_ended() or str(error).strip().rstrip(".") or type(error).__name__
            said = f"the kernel {self._kernel.name!r} did not start: {why}."
            raise _Stopped(Outcome("lost", "KernelNotStarted", said)) from error
        journal = self._kernel.handed.journal
        if journal is not None and not journal.exists():
            install = f"{shlex.quote(self._kernel.python)} -m pip install nbtrace"
            said = (
                f"the kernel {self._kernel.name!r} could not load nbtrace. Type  {install}  or choose another --kernel."
            )
            raise _Stopped(Outcome("lost", "NotTraced", said))

    async def _await_kernel(self) -> None:
        await self._kernel.begun()
        client = self._client
        kernel = client.kc = self._kernel.manager.client()
        kernel.start_channels()
        await kernel.wait_for_ready(timeout=STARTUP_S)
        kernel.allow_stdin = False
        info = await client.async_wait_for_reply(kernel.kernel_info())
        self.notebook.metadata["language_info"] = info["content"]["language_info"]

    async def _end(self) -> None:
        client = self._client
        self._note_widgets()
        await self._kernel.end(now=bool(self._signal))
        if client.kc is not None:
            client.kc.stop_channels()

    def _note_widgets(self) -> None:
        with suppress(Exception):  # states of widgets that were cut off in the middle
            self._client.set_widgets_metadata()

    # ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _execute_all(self) -> None:
        for index, cell in enumerate(self.notebook.cells):
            run = self._by_index.get(index)
            if run is None:
                await self._client.async_execute_cell(cell, index)
                continue
            if self._signal:
                raise _Stopped(self._interrupted())
            await self._execute(cell, run)
        if self._signal:
            raise _Stopped(self._interrupted())

    async def _save_now_and_then(self) -> None:
        """Save what there is when something has come; a cell that runs for hours must not keep from the disk what the ones before
        it have put out."""
        saved, pause_s = self._news(), SAVE_S
        while True:
            await asyncio.sleep(pause_s)
            news = self._news()
            if news == saved:
                continue
            began = time.monotonic()
            with suppress(OSError, ValueError):  # who writes it at the end will say so
                self._save()
            saved, pause_s = news, max(SAVE_S, (time.monotonic() - began) / _SAVE_SHARE)

    def _news(self) -> tuple[object, ...]:
        """What differs when a cell has begun, has ended, or has put out more."""
        run = next((cell for cell in reversed(self.cells) if cell.began), None)
        if run is None:
            return ()
        outputs = self.notebook.cells[run.index].get("outputs", ())
        return run.index, run.seconds, len(outputs), sum(len(output.get("text", "")) for output in outputs)

    async def _execute(self, cell: Any, run: CellRun) -> None:
        session = self._client.kc.session
        session.cell_metadata = {**cell.get("metadata", {}), **({"cellId": cell["id"]} if "id" in cell else {})}
        run.began = True
        self._watcher.cell_started(run)
        began = time.perf_counter()
        hung = False
        task = asyncio.ensure_future(
            self._client.async_execute_cell(cell, run.index, execution_count=self._client.code_cells_executed + 1)
        )
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({task, stopping}, timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                hung = not self._signal
                await self._kernel.manager.interrupt_kernel()
                await asyncio.wait({task}, timeout=GRACE_S)
            if not task.done():
                self._kill()
                await asyncio.wait({task}, timeout=GRACE_S)
            if not task.done():
                task.cancel()
            await self._result(task, run, hung)
        finally:
            stopping.cancel()
            task.cancel()
            run.seconds = time.perf_counter() - began
            # What a kernel that died at once has not said is counted as it would have been.
            run.execution_count = cell.get("execution_count") or self._client.code_cells_executed
            self._watcher.cell_ended(run)

    async def _result(self, task: asyncio.Future[Any], run: CellRun, hung: bool) -> None:
        error: BaseException | None = None
        try:
            await task
        except CellExecutionError as failed:
            error = failed
            run.error = f"{failed.ename}: {failed.evalue}".strip().rstrip(":")
            run.traceback = _traceback(self.notebook.cells[run.index]) or failed.traceback or ""
        except (DeadKernelError, asyncio.CancelledError) as dead:
            error = dead
            await self._take_what_is_left(run)
        except Exception as unread:  # a message that is none, or source that cannot be sent
            error = unread
            run.error = f"{type(unread).__name__}: {unread}"
        if self._signal:
            raise _Stopped(self._interrupted())
        if hung:
            run.error = run.error or "killed"
            limit = f"{self._timeout_s:g} s"
            how = "interrupted" if isinstance(error, CellExecutionError) else "killed, as an interrupt did not end it"
            raise _Stopped(Outcome("lost", "TimeoutError", f"the cell ran for longer than {limit} and was {how}."))
        if isinstance(error, CellExecutionError):
            raise _Stopped(Outcome("failed", str(error.ename), run.error))
        if error is not None and not isinstance(error, (DeadKernelError, asyncio.CancelledError)):
            raise _Stopped(Outcome("lost", type(error).__name__, f"talking to the kernel failed: {run.error}."))
        if error is not None:
            run.error = await self._kernel.how_it_ended() or "the kernel died"
            raise _Stopped(Outcome("lost", "DeadKernelError", f"{run.error}."))

    async def _take_what_is_left(self, run: CellRun) -> None:
        """Take what a kernel has put out before it died, and nobody has read yet."""
        kernel, cell = self._client.kc, self.notebook.cells[run.index]
        with suppress(Exception):  # none is left, or it cannot be read
            while True:
                message = await kernel.iopub_channel.get_msg(timeout=0.2)
                if message["parent_header"].get("msg_id") == kernel.session.last_request:
                    self._client.process_message(message, cell, run.index)

    def _interrupted(self) -> Outcome:
        name = signal.Signals(self._signal).name
        return Outcome("interrupted", "KeyboardInterrupt", f"stopped by {name}.", signal=self._signal)

    def _kill(self) -> None:
        asyncio.ensure_future(self._kernel.kill())  # noqa: RUF006


def _traceback(cell: Any) -> str:
    """The traceback as the notebook shows it."""
    found = [output["traceback"] for output in cell.get("outputs", ()) if output["output_type"] == "error"]
    return ANSI.sub("", "\n".join(found[-1])) if found else ""
