"""The lines of a journal for somebody far away: gathered in memory, and taken from there in parcels, to be sent.

Enters: what is to be said, as functions that say it to `Lines`. Leaves: parcels, each of which can be read by itself, as the one
before may have been lost on its way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbtrace.faults import fault

if TYPE_CHECKING:
    from nbtrace.formats.journal.records import Lines

MAX_BYTES = 16_000_000
"""What a parcel holds that nobody takes; what comes then is lost, and counted."""

_LATE = 20_000

Saying = Callable[["Lines"], None]


class TakenError(ValueError):
    """The parcel has been taken: what is said has to be said into the next one."""


class Parcel:
    """Lines that go together."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._nbytes = 0
        self._taken = False
        self.lost = 0

    def write(self, line: bytes) -> None:
        """Take a line. What does not fit is lost, and whatever refers to it. Raises `TakenError` where it comes too late."""
        if self._nbytes > MAX_BYTES:
            self.lost += 1
            return
        self._nbytes += len(line)
        self._lines.append(line)
        if self._taken:  # it has gone along, or lies there still
            try:
                self._lines.remove(line)
            except ValueError:
                return
            raise TakenError("the parcel has been taken")

    @property
    def holds(self) -> bool:
        """Whether there is more than who writes."""
        return len(self._lines) > 1

    def take(self) -> bytes:
        """Return all lines, once; b"" where there is nothing but who writes. Who is writing at this moment finds out."""
        self._taken = True
        lines = []
        while self._lines:
            lines.append(self._lines.popleft())
        return b"".join(lines) if len(lines) > 1 else b""


class Parcels:
    """What is said, until it is taken."""

    def __init__(self) -> None:
        self.opened: Callable[[Parcel, int], Lines] = _unopened
        """Begins a parcel and gives what writes into it."""
        self.lines: Lines | None = None
        """Says into the parcel that is open; None before the beginning and after the end."""
        self.trouble: OSError | None = None
        self.nbytes = 0
        """How much has been taken."""
        self._number = 0
        self._lost = 0
        self._open = Parcel()
        self._late: deque[Saying] = deque()

    @property
    def lost(self) -> int:
        """How many lines were not taken in time."""
        return self._lost + self._open.lost

    def begin(self) -> None:
        """Open the first one."""
        self._renew()

    def say(self, saying: Saying) -> None:
        """Say something."""
        while (lines := self.lines) is not None:
            try:
                saying(lines)
                return
            except TakenError:
                pass  # there is another one by now

    def say_later(self, saying: Saying) -> None:
        """Have it said by whoever takes the next parcel: what takes long."""
        if len(self._late) >= _LATE:
            self._lost += 1
        elif self.lines is not None:
            self._late.append(saying)

    def take(self) -> list[bytes]:
        """Return what may be sent."""
        if self.lines is None:
            return []
        while self._late:
            try:
                self.say(self._late.popleft())
            except Exception:
                fault("saying what takes long")
        parcel = self._open
        if not parcel.holds:
            return []
        self._renew()
        text = parcel.take()
        self._lost += parcel.lost
        self.nbytes += len(text)
        return [text] if text else []

    @property
    def holds(self) -> bool:
        """Whether there is anything to take."""
        return bool(self._late) or self._open.holds

    def close(self, last: Saying) -> None:
        """Take nothing any more; who wants what is there has taken it before."""
        self.lines = None

    def abandon(self) -> None:
        """In a forked child: leave it to the parent."""
        self.lines = None

    def look(self) -> None:
        """There is no file that somebody could have deleted."""

    def _renew(self) -> None:
        self._number += 1
        parcel = Parcel()
        self.lines = self.opened(parcel, self._number)
        self._open = parcel


def _unopened(parcel: Parcel, number: int) -> Lines:
    raise AssertionError("parcels are opened by their journal")
