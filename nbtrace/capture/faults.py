"""What happens to nbtrace's own faults: logged once each, never seen by a cell.

Tests set `RAISE` and see them."""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger("nbtrace")
logger.addHandler(logging.NullHandler())

RAISE = False
_seen: set[tuple[str, int]] = set()


def fault(where: str) -> None:
    """Log the exception being handled, the first time it comes from its line. Call it in an `except Exception`."""
    error = sys.exception()
    if RAISE and error is not None:
        raise error
    line = error.__traceback__.tb_lineno if error is not None and error.__traceback__ is not None else 0
    if (where, line) not in _seen:
        _seen.add((where, line))
        logger.exception("nbtrace met a fault of its own in %s; the code it traces goes on. Please report it.", where)
