"""Whether the process that wrote a journal still runs: by its number, and when it was started, as numbers are given again.

Enters: a number. Leaves: an answer, as far as the system tells."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any


def started_at(pid: int) -> float | None:
    """Return when a process was started, in seconds since the epoch; None if none runs, or the system does not tell."""
    psutil = _psutil()
    if psutil is not None:
        with suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            # One that has died stays in the table until whoever started it asks.
            return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    return None


def runs(pid: int, started: float | None) -> bool:
    """Whether a process of this machine still runs that was started then. What the system does not tell is taken for no."""
    found = started_at(pid)
    # The clock of the machine may be set meanwhile, by which these times are reckoned.
    return found is not None and started is not None and abs(found - started) < 2


def is_there(pid: int) -> bool:
    """Whether a process has this number now, as far as the system tells; another may have been given it since."""
    if os.name == "nt":  # it would be ended by the question
        psutil = _psutil()
        return psutil is None or bool(psutil.pid_exists(pid))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _psutil() -> Any:
    # ipykernel needs it, so it is there wherever a kernel is.
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError:
        return None
    return psutil
