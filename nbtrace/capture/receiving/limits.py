"""How much a receiver takes, and how it says no.

Enters: nothing. Leaves: the bounds of a request and of all of them, and what is raised beyond them."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds; times in seconds."""

    max_head: int = 32_768
    """Bytes of a request's line and headers."""
    max_sent: int = 16_000_000
    """Bytes of a body as it comes."""
    max_unpacked: int = 64_000_000
    """Bytes of a body when it is unpacked."""
    max_json: int = 16_000_000
    """The same of one in JSON, which becomes several times as much when it is read."""
    max_held: int = 80_000_000
    """Bytes of all bodies that are being read at one time."""
    max_connections: int = 32
    head_s: float = 5.0
    """Until the headers must have come."""
    body_s: float = 10.0
    """From then on until the body must have come."""
    answer_s: float = 5.0
    """Until an answer must have been read, and what was not wanted has been passed over."""


class Refused(Exception):  # an answer, and no error of anybody's here
    """A request is not taken."""

    def __init__(self, code: int, why: str, how: str = "") -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        """What it was: one of a few, to be counted."""
        self.how = how
        """More of it, for the sender alone."""


class Room:
    """Bytes that may be held at one time, by all requests together."""

    def __init__(self, nbytes: int) -> None:
        self._left = nbytes
        self._lock = threading.Lock()

    def take(self, nbytes: int) -> None:
        """Take some. Raises Refused if there are not enough."""
        with self._lock:
            if nbytes > self._left:
                raise Refused(503, "too much at one time")
            self._left -= nbytes

    def give_back(self, nbytes: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self._left += nbytes
