"""Where code runs: in which cell, and in which thread of which process.

Enters: context variables and the thread itself. Leaves: numbers and names, without a lock: `threading.current_thread()`
would enter a thread that `threading` does not know into its list, which the user sees."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from opentelemetry import context as context_api

from nbtrace.store.schema import Thread

CELL: ContextVar[int] = ContextVar("nbtrace_cell", default=0)
"""The number of the execution that runs here, 0 outside a cell. Threads of a cell get it with their context."""

CELL_KEY = context_api.create_key("nbtrace-cell")
"""The same number in OpenTelemetry's context, for threads that somebody else's instrumentation carries over."""


def carried_cell(parent_context: Any) -> int:
    """Return the number of the cell that a context of OpenTelemetry's carries, 0 for none."""
    number = context_api.get_value(CELL_KEY, parent_context)
    return number if isinstance(number, int) else 0


def _attach_safely(context: context_api.Context) -> object:
    """Attach where the collector, and so a finaliser that makes a span, can run within the setting of a context variable: before
    Python 3.12 that reads a table which the finaliser's own setting has freed, and crashes. A copy of the context keeps it."""
    held = copy_context()
    token = context_api.attach(context)
    del held
    return token


attach: Callable[[context_api.Context], object] = context_api.attach if sys.version_info >= (3, 12) else _attach_safely
"""Make a context of OpenTelemetry's current. What was before is attached again later, never detached by the token."""


class _ThisThread(threading.local):
    thread: Thread | None = None


THIS = _ThisThread()
"""`THIS.thread or identify()` is the thread that asks; a number that the system gives to a later thread again is no
trouble, as the answer goes with the thread."""


def identify() -> Thread:
    """Return the thread that runs here, and remember it there."""
    found = THIS.thread = thread_of(threading.get_ident())
    return found


def thread_of(ident: int) -> Thread:
    """Return the thread with this number."""
    known: dict[int, Any] = getattr(threading, "_active", {})
    name = getattr(known.get(ident), "name", None)
    return Thread(os.getpid(), ident, name if type(name) is str else None)


def _forget_pid() -> None:
    THIS.thread = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pid)
