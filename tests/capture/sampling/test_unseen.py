"""A thread that waits, and notices who looks at it, and does nothing that they would see."""

from __future__ import annotations

import _thread
import sys
from typing import Any

from nbtrace.capture.sampling import unseen


def test_neither_a_wait_nor_a_look_around_is_a_call() -> None:
    """To a profiler of this thread, which is noticed; nor is anything seen once it has gone."""
    lock, pauses = _thread.allocate_lock(), [0.0]
    waits, watched = unseen.waits(lock, pauses), unseen.watched()
    events: list[Any] = []
    came: list[bool] = []
    looked_at: list[bool] = []
    for each in watched:
        looked_at += [each]
        break
    sys.setprofile(lambda *event: events.append(event))
    for each in waits:
        came += [each]
        break
    pauses += [0.0]
    for each in waits:
        came += [each]
        break
    for each in watched:
        looked_at += [each]
        break
    sys.setprofile(None)
    for each in watched:
        looked_at += [each]
        break
    assert came == [True, False]
    assert looked_at == [False, True, False]
    assert [kind for _, kind, what in events if what is not sys.setprofile] == []
