"""What a pool calls when a task is done.

Enters: a function, where it is handed over. Leaves: what stands for it, and has it called where it belongs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from opentelemetry.context import get_current

from nbtrace.capture.current_cell import CELL, attach


class Called:
    """Stands for what is called when a task is done, and may send the next one, as joblib does: in a thread of the pool's that
    goes from cell to cell. Makes current there what was current where it was handed over."""

    __slots__ = ("_cell", "_context", "_function", "_thread")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._context, self._cell, self._thread = get_current(), CELL.get(), threading.get_ident()

    @property
    def __call__(self) -> Callable[..., Any]:
        """What to call in its place."""
        if threading.get_ident() != self._thread:
            attach(self._context)
            CELL.set(self._cell)
        return self._function
