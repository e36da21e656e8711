"""Whether a thread computes in Python's code or in other code, told by another thread that has just got the interpreter's lock.

Enters: how long that thread has waited for the lock, what the other has computed meanwhile, and its innermost frame. Leaves: a
verdict, which is a `Call` where only all that is seen of a place tells.

The signs: where it stands when it has had to give way. In Python that is where a loop goes round, where a function begins, or
behind a call; how often each is met tells which calls are long. How long it has computed beyond the time after which Python gives
way (sys.getswitchinterval): only a call that keeps the lock does that. Whether it had let go of the lock by itself, and whether
it computes while another has it: then it computes without, or waits, and what it has computed was what it did before."""

from __future__ import annotations

import dis
import os
import sys
import time
import weakref
from types import CodeType, FrameType
from typing import NamedTuple

from nbtrace.capture.working_threads import Worker

_FREE_NS = 500_000
"""Who waits for the lock no longer than this has found it free."""

_HELD_NS = 500_000
"""Who has kept the lock for so much computing beyond the time after which Python gives way was in a single call."""

_SURELY_HELD_NS = 3_000_000
"""The same where no call is in sight. On a loaded machine the other thread may ask for the lock a little late."""

_BUSY = 0.8
"""This share of its time a thread computes at least of which it is said that it did nothing else."""

_SOME, _RUN = 0.25, 4
"""A thread that has been met without the lock so many times one after the other, and has computed for this share of the time: one
that computes without the lock on a loaded machine, rather than Python's code that often waits."""

_LONG, _CREDIT = 40, 20
"""Python gives way after a call and at the end of a loop. A call that is met so many times as often as the end of the loop around
it takes all the time of the loop: what is called is at work, not Python, which calls it. The credit is for one seldom met."""

_MANY, _SPREAD, _PART = 10, 3, 0.1
"""Of a loop that is met so often at so many calls, at each so large a part: none of them is long. Python's code that calls much
looks like that."""

_CALLS = frozenset(number for name, number in dis.opmap.items() if name.startswith(("CALL", "PRECALL")))
_JUMPS = frozenset(
    number for name, number in dis.opmap.items() if "JUMP_BACKWARD" in name and not name.endswith("NO_INTERRUPT")
)
_RESUME, _EXTENDED = dis.opmap["RESUME"], dis.opmap["EXTENDED_ARG"]
_MOST_CODES = 2_000
_MOST_BYTES = 8_000
"""A loop that ends farther away is not found."""

_FUNCTION = -1


class Loop:
    """A loop, or a function as far as it is in none: how often Python has given way where it goes round or begins."""

    __slots__ = ("calls", "met")

    def __init__(self) -> None:
        self.met = 0
        self.calls: list[Call] = []

    def is_spread(self) -> bool:
        """Whether many of its calls are met."""
        total = self.met + sum(call.met for call in self.calls)
        return total >= _MANY and sum(call.met >= _PART * total for call in self.calls) >= _SPREAD


class Call:
    """A place that calls what is not Python's; true if what is called computes for long. Evidence grows, so ask late."""

    __slots__ = ("loop", "met")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.met = 0
        loop.calls.append(self)

    def __bool__(self) -> bool:
        return self.met > _LONG * self.loop.met - _CREDIT and not self.loop.is_spread()


class Seen(NamedTuple):
    """What is known of a thread when the lock has been got."""

    since_ns: int
    """Since the thread was looked at last."""
    cpu_ns: int | None
    """How long of that it has computed; None where the system does not tell."""
    late_ns: int
    """How long of that the lock was asked for."""
    computes: bool
    """Whether it computes while another thread has the lock."""
    alone: bool
    """Whether hardly any other thread of the process has computed meanwhile."""


class Computing:
    """Knows the places at which threads have been met."""

    def __init__(self) -> None:
        self._codes: dict[int, tuple[weakref.ref[CodeType], dict[int, Loop | Call]]] = {}
        self._loaded, self._asked = False, -1.0
        self.held_ns = 0
        """For how long a call has kept the lock, in one of the verdicts since this was set."""

    def native(self, worker: Worker, frame: FrameType, seen: Seen) -> object:
        """Return whether what a thread has computed was code that is not Python's: to be asked as a truth, and late."""
        worker.native = self._verdict(worker, frame, seen)
        return worker.native

    def _verdict(self, worker: Worker, frame: FrameType, seen: Seen) -> object:
        free_run, worker.free_run = worker.free_run, 0
        switch_ns = int(sys.getswitchinterval() * 1e9)
        # Where no clock tells what it has computed, as if nothing else had been at work.
        cpu_ns = seen.since_ns if seen.cpu_ns is None else seen.cpu_ns
        held_ns = cpu_ns - (seen.since_ns - seen.late_ns) - switch_ns if seen.alone else 0
        place = self._place(frame)
        if isinstance(place, Loop):
            place.met += 1
            self.held_ns = max(self.held_ns, held_ns) if held_ns > _SURELY_HELD_NS else self.held_ns
            return held_ns > _SURELY_HELD_NS
        if seen.late_ns < 0.95 * switch_ns:  # it has let go of the lock by itself
            if seen.alone and seen.late_ns > _FREE_NS and not self._is_loaded():
                return False  # meanwhile, and had it when it was asked for
            if seen.computes:
                return True
            if cpu_ns > _BUSY * seen.since_ns:
                return True
            if not self._is_loaded():
                return worker.native  # it waits, and has computed before that
            worker.free_run = free_run + (cpu_ns > _SOME * seen.since_ns)
            return True if worker.free_run > _RUN else worker.native
        if seen.computes:
            return True
        if held_ns > _HELD_NS:
            self.held_ns = max(self.held_ns, held_ns)
            return True
        if place is None:
            return worker.native
        place.met += 1
        return place

    def _is_loaded(self) -> bool:
        """Whether more may want to compute than there are processors: asked for once a second."""
        if (now := time.monotonic()) - self._asked > 1 and hasattr(os, "getloadavg"):
            self._asked = now
            count = os.cpu_count() or 1
            self._loaded = count == 1 or os.getloadavg()[0] > count
        return self._loaded

    def _place(self, frame: FrameType) -> Loop | Call | None:
        code, at = frame.f_code, frame.f_lasti
        known = self._codes.get(id(code))
        if known is None or known[0]() is not code:
            if len(self._codes) > _MOST_CODES:
                self._codes.clear()
            known = self._codes[id(code)] = (weakref.ref(code), {})
        places = known[1]
        if at not in places:
            instructions = code.co_code
            if at < 0 or (number := instructions[at]) == _RESUME:
                places[at] = places.setdefault(_FUNCTION, Loop())
            elif number in _JUMPS:
                places[at] = _loop(places, _target(instructions, at))
            elif number in _CALLS:
                places[at] = Call(_loop_around(places, instructions, at))
            else:
                return None
        return places[at]


def _loop(places: dict[int, Loop | Call], start: int) -> Loop:
    """The loop that begins at an instruction: known by a number that no place has."""
    found = places.setdefault(-2 - start, Loop())
    assert isinstance(found, Loop)
    return found


def _loop_around(places: dict[int, Loop | Call], instructions: bytes, at: int) -> Loop:
    """The innermost loop around an instruction; without one, the function."""
    for jump in range(at, min(len(instructions), at + _MOST_BYTES), 2):
        if instructions[jump] in _JUMPS and (start := _target(instructions, jump)) <= at:
            return _loop(places, start)
    found = places.setdefault(_FUNCTION, Loop())
    assert isinstance(found, Loop)
    return found


def _target(instructions: bytes, jump: int) -> int:
    """Where a jump leads, as nearly as is needed to tell loops apart."""
    distance, place, shift = instructions[jump + 1], jump - 2, 8
    while place >= 0 and instructions[place] == _EXTENDED:
        distance |= instructions[place + 1] << shift
        place, shift = place - 2, shift + 8
    return jump + 2 - 2 * distance
