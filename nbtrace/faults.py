"""What happens to nbtrace's own faults: logged once each, never seen by a cell.

Tests set `RAISE` and see them."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from types import CodeType
from typing import Any

logger = logging.getLogger("nbtrace")
logger.addHandler(logging.NullHandler())

RAISE = False
_seen: dict[tuple[str, int], str] = {}


def came_in_between(error: BaseException | None) -> bool:
    """Whether an exception is none of the code it was caught around: a signal handler has raised it, at whatever line the
    handler happened to interrupt (the usual way to end what takes too long). It belongs to whoever set the handler."""
    trace = None if error is None else error.__traceback__
    # Handlers run in the main thread alone, and in a frame of their own.
    if trace is None or trace.tb_next is None or threading.get_ident() != threading.main_thread().ident:
        return False
    codes = _handlers()
    while codes and trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def _handlers() -> set[CodeType]:
    """The code of all signal handlers that are set."""
    found = set()
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        handler = getattr(handler, "func", handler)  # functools.partial
        handler = getattr(handler, "__func__", handler)
        method: Any = vars(type(handler)).get("__call__")  # an object that is called
        code = getattr(handler, "__code__", None) or getattr(method, "__code__", None)
        if isinstance(code, CodeType) and handler is not signal.default_int_handler:
            found.add(code)
    return found


def fault(where: str) -> None:
    """Log the exception being handled, the first time it comes from its line. Call it in an `except Exception`. One that came
    in between goes on."""
    error = sys.exception()
    if error is not None and came_in_between(error):
        raise error
    if isinstance(error, RecursionError):
        return  # the user's stack is full to the brim; the fault is not ours, and saying so would need more of it
    if RAISE and error is not None:
        raise error
    line = error.__traceback__.tb_lineno if error is not None and error.__traceback__ is not None else 0
    if (where, line) not in _seen:
        _seen[where, line] = f"{where}: {type(error).__name__}: {error}"
        logger.exception("nbtrace met a fault of its own in %s; the code it traces goes on. Please report it.", where)


def faults() -> list[str]:
    """Return the faults met so far, a line each, for %nbtrace status."""
    return list(_seen.values())
