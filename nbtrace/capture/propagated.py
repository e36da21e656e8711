"""An exception that passes several spans is told once, on the innermost: recognised as it travels, or by its text
(docs/decisions/0005).

Enters: what a span has beside its attributes. Leaves: the same, without the exceptions that a span below has told."""

from __future__ import annotations

import inspect
import re
from collections.abc import Container
from typing import Any, NamedTuple

from nbtrace.capture.exceptions import type_name
from nbtrace.store import semconv
from nbtrace.store.schema import Extra

_MAX_STACKS = 64
_END = 300
"""Characters at the end of a trace that tell a deep recursion from another."""

_GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR

_FOLDED = "[Previous line repeated"
_DIFFERING = re.compile(r"^ *(?:\[Previous line repeated \d+ more times?\]|[~^]+)\n", re.MULTILINE)
_LOOKED_AT = 2_000


class _Flight(NamedTuple):
    """An exception on its way out: which it is, and what it has passed. It is not held, as it holds the user's variables."""

    number: int
    """Its address, which may be another's when it has been freed; another has not passed the same places."""
    kind: str
    passed: tuple[tuple[int, int], ...]
    """Addresses of code, and of the instruction in it, from the outermost on."""

    @classmethod
    def of(cls, error: BaseException) -> _Flight:
        passed, at = [], error.__traceback__
        # contextlib throws it into generators, OpenTelemetry's among them, and takes them off its way again.
        while at is not None and at.tb_next is not None and at.tb_frame.f_code.co_flags & _GENERATOR:
            at = at.tb_next
        while at is not None:
            passed.append((id(at.tb_frame.f_code), at.tb_lasti))
            at = at.tb_next
        return cls(id(error), type_name(error), tuple(passed))


class _Trace(NamedTuple):
    """A stack trace as it is remembered: its end is compared, its text is not kept."""

    length: int
    digest: int
    end: str
    number: int = 0
    """Of its exception, if that was on its way out; with how many places it had passed, and which."""
    passed: int = 0
    places: int = 0

    @classmethod
    def of(cls, stack: str, flight: _Flight | None) -> _Trace:
        body = stack.partition("\n")[2] or stack  # without "Traceback (most recent call last):"
        known = (flight.number, len(flight.passed), hash(flight.passed)) if flight is not None else ()
        return cls(len(body), hash(body), _bare_end(body), *known)

    def flew(self, flight: _Flight) -> bool:
        """Whether it is the same exception, further out. What it was raised from stands first in its text, and of that
        nothing grows; what it has passed grows at one end alone."""
        if not self.passed or self.number != flight.number or self.passed > len(flight.passed):
            return False
        return hash(flight.passed[-self.passed :]) == self.places

    def ends(self, stack: str) -> bool:
        """Whether the same exception, further out, gave `stack`."""
        if not _bare_end(stack).endswith(self.end):
            return False
        if len(stack) >= self.length and hash(stack[-self.length :]) == self.digest:
            return True
        # Python folds deep recursion into a count of lines, and the counts differ from span to span.
        return _FOLDED in stack


def _bare_end(stack: str) -> str:
    """The end of a trace without what differs from span to span where a line calls itself: how often it repeats, and the
    marks below it, which Python leaves out with the repeated lines."""
    return _DIFFERING.sub("", stack[-_LOOKED_AT:])[-_END:]


class Propagated:
    """The stack traces that ended spans below those that run, by the id of the span that may see them next."""

    def __init__(self) -> None:
        self.above: dict[int, dict[_Trace, None]] = {}
        """A span that is in it needs a closer look when it ends; no other span pays for it."""
        self._silent: set[int] = set()
        self._flights: dict[int, _Flight] = {}

    def ended_by(self, span_id: int, error: BaseException) -> None:
        """Note what is about to end a running span, where nothing is being handled as it ends: a cell's."""
        self._flights[span_id] = _Flight.of(error)

    def passed_on(self, span_id: int) -> None:
        """Note that a running span fails by an exception that a span below has told, and does not tell it again."""
        self._silent.add(span_id)
        self.above.setdefault(span_id, {})

    def watch(self, span_id: int) -> None:
        """Remember what spans right below something have told that is no span of this process: a task. `let_out` ends it."""
        self.above.setdefault(span_id, {})

    def let_out(self, span_id: int) -> list[str]:
        """Return how the stack traces end that spans right below it have told."""
        return [known.end for known in self.above.pop(span_id, ())]

    def clear(self) -> None:
        """Forget everything."""
        self.above.clear()
        self._silent.clear()
        self._flights.clear()

    def forget(self, span_id: int) -> None:
        """Forget a span that will not be told of."""
        self.above.pop(span_id, None)
        self._silent.discard(span_id)
        self._flights.pop(span_id, None)

    def told_once(
        self, extra: Extra, span_id: int, parent_span_id: int, running: Container[int], error: BaseException | None
    ) -> Extra:
        """Return `extra` without the exceptions that a span below has recorded, and remember the rest for the parent.

        error: what ended the span, if it is on its way out."""
        flight, told = self._flights.pop(span_id, None), -1
        if extra.events and flight is None and error is not None:
            flight = _Flight.of(error)
        if extra.events and flight is not None:
            told = _told_of(extra.events, flight.kind)
        extra, stacks = _without_repeats(extra, self.above.pop(span_id, None), flight, told)
        if span_id in self._silent:
            self._silent.discard(span_id)
            extra = extra._replace(propagated=True)
        # A parent elsewhere, or ended, will not see it here.
        if stacks and (parent_span_id in running or parent_span_id in self.above):
            above = self.above.setdefault(parent_span_id, {})
            above.update(dict.fromkeys(stacks))
            while len(above) > _MAX_STACKS:
                del above[next(iter(above))]
        return extra


def _without_repeats(
    extra: Extra, below: dict[_Trace, None] | None, flight: _Flight | None, told: int
) -> tuple[Extra, list[_Trace]]:
    """Drop the exceptions that a span below has recorded already; return what is left, and the stack traces to look for
    in the spans above.

    The event at `told` is of `flight`. Of other events, and of an exception that was not seen to end the span below, there is
    but the text, as the SDK hands on nothing else: the same exception, further out, has the same innermost frames and message,
    and the trace below is the end of the one here."""
    stacks = list(below or ())
    events, propagated = [], False
    for at, event in enumerate(extra.events):
        stack = _stack_of(event)
        own = flight if at == told else None
        if stack is None:
            events.append(event)
        elif any((own is not None and known.flew(own)) or known.ends(stack) for known in stacks):
            propagated = True
        else:
            events.append(event)
            stacks.append(_Trace.of(stack, own))
    if propagated:
        extra = extra._replace(events=tuple(events), propagated=True)
    return extra, stacks


def _told_of(events: tuple[Any, ...], kind: str) -> int:
    """Which of a span's events tells what ended it: the last one of an exception of this type; -1 for none."""
    for at in range(len(events) - 1, -1, -1):
        if events[at][1] == semconv.EXCEPTION_EVENT:
            told = dict(zip(events[at][2], events[at][3], strict=True))
            if told.get(semconv.EXCEPTION_TYPE) == kind:
                return at
    return -1


def _stack_of(event: tuple[Any, ...]) -> str | None:
    if event[1] != semconv.EXCEPTION_EVENT:
        return None
    stack = dict(zip(event[2], event[3], strict=True)).get(semconv.EXCEPTION_STACKTRACE)
    return stack if isinstance(stack, str) else None
