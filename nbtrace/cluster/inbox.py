"""What comes from far away is read by a thread of its own, in the order in which it came.

Enters: anything, from whatever thread hears of it. Leaves: the same, to whoever reads it. The thread ends when there is nothing
to read; an interrupt of the user's must not come between the reading of a row and its keeping."""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from nbtrace.faults import fault


class _Call(NamedTuple):
    call: Callable[[], None]


class Inbox:
    """Holds what has come and was not read yet."""

    def __init__(self, read: Callable[[Any], None]) -> None:
        self._read = read
        self._come: deque[Any] = deque()
        self._at_work = _thread.allocate_lock()
        self._waiting: deque[_Waiting] = deque()

    def put(self, item: Any) -> None:
        """Have something read, and do not wait."""
        self._come.append(item)
        if not self._at_work.locked():
            try:
                _thread.start_new_thread(self._work, ())  # not by `threading`, in whose list the user would see it
            except RuntimeError:
                self._work()

    def put_call(self, call: Callable[[], None]) -> None:
        """Have something done when all is read that has come so far."""
        self.put(_Call(call))

    def wait(self, until: Callable[[], bool], patience_s: float) -> bool:
        """Wait until something is so by what has been read; return whether it is, after so long at most."""
        if until():
            return True
        lock = _thread.allocate_lock()
        lock.acquire()
        waiting = _Waiting(until, lock)
        self._waiting.append(waiting)
        self.put(None)  # it may have become so in between
        found = lock.acquire(timeout=patience_s) or until()
        waiting.until = _always  # whoever finds it next lets go of it
        return found

    def _work(self) -> None:
        while self._come and self._at_work.acquire(False):
            try:
                while self._come:
                    item = self._come.popleft()
                    try:
                        if type(item) is _Call:
                            item.call()
                        elif item is not None:
                            self._read(item)
                    except Exception:
                        fault("reading what has come from far away")
                    self._tell()
            finally:
                self._at_work.release()

    def _tell(self) -> None:
        for _ in range(len(self._waiting)):
            waiting = self._waiting.popleft()
            if waiting.until():
                waiting.lock.release()
            else:
                self._waiting.append(waiting)


class _Waiting:
    __slots__ = ("lock", "until")

    def __init__(self, until: Callable[[], bool], lock: Any) -> None:
        self.until, self.lock = until, lock


def _always() -> bool:
    return True
