"""Wait for a state, not for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0


def wait_for(state: Callable[[], object], what: str = "the state that is waited for") -> None:
    """Return when `state()` is true; fail when it has not been for a minute."""
    until = time.monotonic() + PATIENCE_S
    while not state():
        assert time.monotonic() < until, f"{what} never came"
        time.sleep(0.005)
