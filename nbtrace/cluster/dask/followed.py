"""A client of Dask's that is followed: where it is connected, and whether its workers answer.

Enters: a client, held weakly. Leaves: what is known of it."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from distributed.client import Client

_REST_S, _LONGEST_REST_S = 10.0, 300.0
"""So long workers are not asked that have not answered; longer when they have not again."""


class Followed:
    """A client."""

    def __init__(self, client: Any) -> None:
        self.client = weakref.ref(client)
        self.where = where_of(client)
        self.connection: Any = None
        """By what it was connected when its workers were told: another one knows nothing of us."""
        self.registered = False
        """Whether it was this client that has brought the plugin."""
        self.trouble = ""
        """Why its workers do not record."""
        self.rests_until_s = self._rests_s = 0.0
        self.asking = False

    def rests(self) -> None:
        """Wait for its workers no more for a while, longer each time: they have not answered."""
        self._rests_s = min(max(_REST_S, 2 * self._rests_s), _LONGEST_REST_S)
        self.rests_until_s = time.monotonic() + self._rests_s

    def answered(self) -> None:
        """They have."""
        self.rests_until_s = self._rests_s = 0.0


class Closes:
    """In the place of the coroutine by which a client closes: what its workers have recorded comes home before."""

    def __init__(self, original: Any, last: Callable[..., Any]) -> None:
        self.original, self._last = original, last

    def __get__(self, client: Any, owner: Any = None) -> Any:
        bound = self.original.__get__(client, owner)
        return bound if client is None else partial(self._last, client, bound)


def where_of(client: Any) -> str:
    """Return what a client's scheduler is called by."""
    scheduler = getattr(client, "scheduler", None)
    return f"{getattr(scheduler, 'address', 'a scheduler')}"


def current_client() -> Any:
    """Return the client that Dask itself would use now, None if there is none."""
    try:
        return Client.current()
    except ValueError:
        return None
