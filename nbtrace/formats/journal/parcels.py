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


class Parcel:
    """Lines that go together."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._nbytes = 0
        self.lost = 0

    def write(self, line: bytes) -> None:
        """Take a line. What does not fit is lost, and whatever refers to it."""
        if self._nbytes > MAX_BYTES:
            self.lost += 1
            return
        self._nbytes += len(line)
        self._lines.append(line)

    @property
    def holds(self) -> bool:
        """Whether there is anything but who writes."""
        return len(self._lines) > 1

    def text(self) -> bytes:
        """Return all lines; b"" where there is nothing but who writes."""
        return b"".join(self._lines) if self.holds else b""


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
        self._closed: Parcel | None = None
        self._late: deque[Saying] = deque()

    @property
    def lost(self) -> int:
        """How many lines were not taken in time."""
        return self._lost + self._open.lost + (0 if self._closed is None else self._closed.lost)

    def begin(self) -> None:
        """Open the first one."""
        self._renew()

    def say(self, saying: Saying) -> None:
        """Say something."""
        if (lines := self.lines) is not None:
            saying(lines)

    def say_later(self, saying: Saying) -> None:
        """Have it said by whoever takes the next parcel: what takes long."""
        if len(self._late) >= _LATE:
            self._lost += 1
        elif self.lines is not None:
            self._late.append(saying)

    def take(self, *, last: bool = False) -> list[bytes]:
        """Return what may be sent. The parcel that is open now is returned the next time, as another thread may be writing into
        it at this moment; `last`: it is returned too."""
        if self.lines is None or not self.holds:  # of a worker that is asked ten times a second, and says little
            return []
        while self._late:
            try:
                self.say(self._late.popleft())
            except Exception:
                fault("saying what takes long")
        parcels = [parcel for parcel in (self._closed, self._open) if parcel is not None]
        self._renew()
        self._closed = None if last else parcels.pop()
        self._lost += sum(parcel.lost for parcel in parcels)
        texts = [text for parcel in parcels if (text := parcel.text())]
        self.nbytes += sum(map(len, texts))
        return texts

    @property
    def holds(self) -> bool:
        """Whether there is anything to take, now or the next time."""
        return bool(self._late) or self._open.holds or (self._closed is not None and self._closed.holds)

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
