"""What happens to nbtrace's own faults: logged once each, never seen by a cell.

Tests set `RAISE` and see them."""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger("nbtrace")
logger.addHandler(logging.NullHandler())

RAISE = False
_seen: dict[tuple[str, int], str] = {}


def fault(where: str) -> None:
    """Log the exception being handled, the first time it comes from its line. Call it in an `except Exception`."""
    error = sys.exception()
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
