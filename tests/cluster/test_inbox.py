"""What comes from far away is read once, in order, by one thread at a time, whoever puts it there."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import pytest

from nbtrace import faults
from nbtrace.cluster.inbox import Inbox
from tests.waiting import wait_for


def test_many_threads_put() -> None:
    """Each item is read once, those of a thread in their order, and never two at a time."""
    read: list[tuple[int, int]] = []
    at_work = threading.Lock()

    def reads(item: Any) -> None:
        assert at_work.acquire(blocking=False)
        read.append(item)
        at_work.release()

    inbox = Inbox(reads)
    threads = [
        threading.Thread(target=lambda n=n: [inbox.put((n, number)) for number in range(2_000)]) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inbox.wait(lambda: len(read) == 16_000, 30)
    for number in range(8):
        assert [item for thread, item in read if thread == number] == list(range(2_000))


def test_reading_is_not_waited_for() -> None:
    """Who puts goes on at once, while somebody reads."""
    goes_on, read = threading.Event(), []

    def reads(item: Any) -> None:
        goes_on.wait(30)
        read.append(item)

    inbox = Inbox(reads)
    inbox.put(1)
    inbox.put(2)
    assert read == []
    goes_on.set()
    assert inbox.wait(lambda: read == [1, 2], 30)


def test_a_call_comes_after_what_was_there() -> None:
    """It is done when all is read that had come."""
    seen: list[Any] = []
    inbox = Inbox(seen.append)
    for number in range(100):
        inbox.put(number)
    inbox.put_call(lambda: seen.append("call"))
    inbox.put("later")
    wait_for(lambda: len(seen) == 102)
    assert seen == [*range(100), "call", "later"]


def test_something_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after it is."""
    monkeypatch.setattr(faults, "RAISE", False)
    seen: list[int] = []

    def reads(item: int) -> None:
        if item == 1:
            raise ZeroDivisionError
        seen.append(item)

    inbox = Inbox(reads)
    for number in range(3):
        inbox.put(number)
    assert inbox.wait(lambda: seen == [0, 2], 30)


def test_what_never_comes_is_not_waited_for_longer_than_said() -> None:
    """And who waits for what is there waits not at all."""
    inbox = Inbox(lambda item: None)
    began = time.monotonic()
    assert not inbox.wait(lambda: False, 0.05)
    assert 0.05 <= time.monotonic() - began < 5
    assert inbox.wait(lambda: True, 0)


def test_several_wait() -> None:
    """Each is told when it is so."""
    seen: list[int] = []
    inbox = Inbox(seen.append)
    told: list[tuple[int, bool]] = []
    threads = [
        threading.Thread(target=lambda n=n: told.append((n, inbox.wait(lambda: len(seen) > n, 30)))) for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for number in range(5):
        inbox.put(number)
    for thread in threads:
        thread.join()
    assert sorted(told) == [(number, True) for number in range(5)]


def test_no_thread_stays() -> None:
    """One that has read all ends."""
    idents: set[int] = set()
    inbox = Inbox(lambda item: idents.add(threading.get_ident()))
    for number in range(5):
        inbox.put(number)
        assert inbox.wait(lambda number=number: bool(idents), 30)
    wait_for(lambda: not idents & set(sys._current_frames()), "the end of who reads")
