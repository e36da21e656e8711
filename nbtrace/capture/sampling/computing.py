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

from nbtrace.capture.sampling.working_threads import Seen, Worker
from nbtrace.store.stacks import Stack

_FREE_NS = 500_000
"""Who waits for the lock no longer than this has found it free."""

_HELD_NS = 500_000
"""Who has kept the lock for so much computing beyond the time after which Python gives way was in a single call."""

_SURELY_HELD_NS = 3_000_000
"""The same where no call is in sight. On a loaded machine the other thread may ask for the lock a little late."""

_BUSY = 0.8
"""This share of its time a thread computes at least of which it is said that it did hardly anything else."""

_SOME, _RUN = 0.25, 4
"""A thread that has been met without the lock so many times one after the other, and has computed for this share of the time each
time, computes without the lock on a loaded machine, rather than that it is Python's code that often waits. A busy one counts
three times."""

_LONG, _CREDIT = 40, 20
"""Python gives way after a call and at the end of a loop. A call that is met so many times as often as the end of the loop around
it takes all the time of the loop: what is called is at work, not Python, which calls it. The credit is for one seldom met."""

_MANY, _SPREAD, _PART = 10, 3, 0.1
"""Of a loop that is met so often at so many calls, at each so large a part: none of them is long. Python's code that calls much
looks like that."""

_LATELY_NS = 50_000_000
"""Where a thread had the lock so long ago, it may have had it again when it could not be seen."""

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


class Computing:
    """Knows the places at which threads have been met."""

    def __init__(self) -> None:
        self._codes: dict[int, tuple[weakref.ref[CodeType], dict[int, Loop | Call]]] = {}
        self._loaded, self._asked = False, -1.0
        self._before = False
        self.held_ns = 0
        """For how long a call has kept the lock, in one of the verdicts since this was set."""

    def judge(
        self, worker: Worker, frame: FrameType, seen: Seen, stack: Stack, now: int, began_ns: int
    ) -> tuple[object, Stack]:
        """Return whether what a thread has computed was code that is not Python's (to be asked as a truth, and late), and where
        it has spent its time: `stack`, at which it was met, or where it was before. `began_ns`: since when its statement runs."""
        self._before = False
        worker.native = self._verdict(worker, frame, seen)
        if not self._before:
            if seen.late_ns > _FREE_NS:
                worker.gave_way = (now, stack)
        elif worker.gave_way is not None and worker.gave_way[0] > max(began_ns, now - _LATELY_NS):
            stack = worker.gave_way[1]
        return worker.native, stack

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
                self._before = True  # meanwhile, and had it when it was asked for
                return False
            if seen.computes:
                return True
            busy = cpu_ns > _BUSY * seen.since_ns
            if not busy and not self._is_loaded():
                return worker.native  # it waits, and has computed before that
            worker.free_run = free_run + (3 if busy else cpu_ns > _SOME * seen.since_ns)
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
