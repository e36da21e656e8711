"""The clock of another machine beside that of the kernel.

Enters: moments of which is known that one was before the other: a task is sent before it comes, a message too. Leaves: by how
much the other clock is behind, if it is off at all. Nothing is sent for it, and no clock is trusted to be set."""

from __future__ import annotations

_FAR = 2**63


class Clock:
    """Of one worker. What is added to its times lies between two bounds, which grow closer as tasks and messages go by."""

    def __init__(self) -> None:
        self._least, self._most = -_FAR, _FAR
        self.behind_ns = 0
        """What to add to its times; 0 while these fit those of the kernel."""

    def came(self, sent_ns: int, came_ns: int) -> None:
        """Note that something was sent by the kernel's clock, and came there by the other."""
        self._least = max(self._least, sent_ns - came_ns)
        if self._least > self._most:  # somebody has set a clock
            self._most = _FAR
        self._settle()

    def went(self, sent_ns: int, came_ns: int) -> None:
        """Note that something was sent there by the other clock, and came by the kernel's."""
        self._most = min(self._most, came_ns - sent_ns)
        if self._most < self._least:
            self._least = -_FAR
        self._settle()

    @property
    def within_ns(self) -> int | None:
        """How far off `behind_ns` may be; None while only one side is known."""
        if self._least == -_FAR or self._most == _FAR:
            return None
        return (self._most - self._least) // 2

    def _settle(self) -> None:
        if self._least <= self.behind_ns <= self._most:
            return
        if self._least <= 0 <= self._most:
            self.behind_ns = 0
        elif self.within_ns is None:
            self.behind_ns = self._least if self._least > 0 else self._most
        else:
            self.behind_ns = (self._least + self._most) // 2
