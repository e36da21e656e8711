"""When each statement of a cell begins: IPython hands it to `shell.run_code`.

Enters: the shell. Leaves: moments and codes, on the open cell. No frame is added: what stands in for run_code returns IPython's
own coroutine, and is gone when the statement runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import CodeType
from typing import Any

from nbtrace.capture.instruments.sampler import Sampler
from nbtrace.capture.notebook.open_cells import HERE
from nbtrace.capture.patches import Patch


class Statements:
    """Notes the statements of one shell."""

    def __init__(self, shell: Any, sampler: Sampler) -> None:
        self._shell = shell
        self._sampler = sampler
        self._patch: Patch | None = None
        self.told: tuple[Callable[[int, int, CodeType], None], ...] = ()
        """Told of each statement: number of the execution, when it began in ns since the epoch, code. They must not raise."""

    def install(self) -> None:
        """Note from here on."""
        if self._patch is None and hasattr(self._shell, "run_code"):
            self._patch = Patch(self._shell, "run_code", self._around_run_code)
            self._sampler.runs_in(getattr(sys.modules.get("IPython.core.interactiveshell"), "__file__", None) or "")

    def uninstall(self) -> None:
        """Note no more."""
        if self._patch is not None:
            self._patch.undo()
            self._patch = None

    def status(self) -> str:
        """Say whether statements are noted."""
        if self._patch is None:
            return "Statements: not noted, as this IPython hands them on otherwise."
        return "Statements: when each of a cell's began and ended, and its lines (nbtrace.statements())."

    def _around_run_code(self, run_code: Callable[..., Any]) -> Callable[..., Any]:
        now, files = time.perf_counter_ns, self._sampler.files

        def noted(code: Any, *args: Any, **kwargs: Any) -> Any:
            cell = HERE.get()
            # What a magic runs as a cell that is not traced is compiled as another file.
            if cell is not None and type(code) is CodeType and cell.file in ("", code.co_filename):
                if not cell.begun:
                    cell.file = code.co_filename
                    files.add(cell.file)
                began = now()
                cell.begun.append((began, code))
                for told in self.told:
                    told(cell.execution.number, began + cell.run.offset_ns, code)
            return run_code(code, *args, **kwargs)

        self._sampler.noting = noted.__code__
        return noted
