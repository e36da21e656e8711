"""Signals that stop a run, from its first moment to its last: there is none in between at which one of them ends the process and
with it what was not written yet.

Enters: SIGINT, SIGTERM, SIGHUP. Leaves: whoever is told of them; the first one is noted."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType
from typing import Any

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopping(AbstractContextManager["Stopping"]):
    """Holds the signals while it is open. Those that are ignored, as `nohup` has it, stay ignored. Outside the main thread
    nothing is held."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """say: called with what is to be said of a signal while nobody else is told."""
        self.number = 0
        """The first signal that came; 0 if none did."""
        self._say = say
        self._said = False
        self._told: Callable[[int], None] | None = None
        self.begun = False
        """Whether anything has run that would be lost."""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        for signum in _SIGNALS:
            if signal.getsignal(signum) is not signal.SIG_IGN:
                with suppress(ValueError):
                    self._before[signum] = signal.signal(signum, self._came)
        return self

    def __exit__(self, *error: object) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    @contextmanager
    def told(self, told: Callable[[int], None]) -> Iterator[None]:
        """Tell somebody else of each signal; of one that has come before at once."""
        self._told, self.begun = told, True
        if self.number:
            told(self.number)
        try:
            yield
        finally:
            self._told = None

    def _came(self, signum: int, frame: FrameType | None) -> None:
        self.number = self.number or signum
        if self._told is not None:
            self._told(signum)
        elif self.begun and not self._said:
            self._said = True
            self._say("what was recorded is being written. Once more ends without.")
        else:
            raise KeyboardInterrupt if signum == signal.SIGINT else SystemExit(128 + signum)
