"""An exception that passes several spans is told once, on the innermost: recognised by its text (docs/decisions/0005).

Enters: what a span has beside its attributes. Leaves: the same, without the exceptions that a span below has told."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any, NamedTuple

from nbtrace.store import semconv
from nbtrace.store.schema import Extra

_MAX_STACKS = 64
_END = 300
"""Characters at the end of a trace that tell a deep recursion from another."""

_FOLDED = "[Previous line repeated"
_DIFFERING = re.compile(r"^ *(?:\[Previous line repeated \d+ more times?\]|[~^]+)\n", re.MULTILINE)
_LOOKED_AT = 2_000


class _Trace(NamedTuple):
    """A stack trace as it is remembered: its end is compared, its text is not kept."""

    length: int
    digest: int
    end: str

    @classmethod
    def of(cls, stack: str) -> _Trace:
        body = stack.partition("\n")[2] or stack  # without "Traceback (most recent call last):"
        return cls(len(body), hash(body), _bare_end(body))

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

    def passed_on(self, span_id: int) -> None:
        """Note that a running span fails by an exception that a span below has told, and does not tell it again."""
        self._silent.add(span_id)
        self.above.setdefault(span_id, {})

    def clear(self) -> None:
        """Forget everything."""
        self.above.clear()
        self._silent.clear()

    def forget(self, span_id: int) -> None:
        """Forget a span that will not be told of."""
        self.above.pop(span_id, None)
        self._silent.discard(span_id)

    def told_once(self, extra: Extra, span_id: int, parent_span_id: int, running: Container[int]) -> Extra:
        """Return `extra` without the exceptions that a span below has recorded, and remember the rest for the parent."""
        extra, stacks = _without_repeats(extra, self.above.pop(span_id, None))
        if span_id in self._silent:
            self._silent.discard(span_id)
            extra = extra._replace(propagated=True)
        if stacks and parent_span_id in running:  # a parent elsewhere, or ended, will not see it here
            above = self.above.setdefault(parent_span_id, {})
            above.update(dict.fromkeys(stacks))
            while len(above) > _MAX_STACKS:
                del above[next(iter(above))]
        return extra


def _without_repeats(extra: Extra, below: dict[_Trace, None] | None) -> tuple[Extra, list[_Trace]]:
    """Drop the exceptions that a span below has recorded already; return what is left, and the stack traces to look for
    in the spans above.

    The same exception, further out, has the same innermost frames and message: the trace below is the end of the one
    here. The text is compared because the SDK hands on nothing else, and because an exception can neither be weakly
    referenced nor, once freed, told from the next one at its address."""
    stacks = list(below or ())
    events, propagated = [], False
    for event in extra.events:
        stack = _stack_of(event)
        if stack is None:
            events.append(event)
        elif any(known.ends(stack) for known in stacks):
            propagated = True
        else:
            events.append(event)
            stacks.append(_Trace.of(stack))
    if propagated:
        extra = extra._replace(events=tuple(events), propagated=True)
    return extra, stacks


def _stack_of(event: tuple[Any, ...]) -> str | None:
    if event[1] != semconv.EXCEPTION_EVENT:
        return None
    stack = dict(zip(event[2], event[3], strict=True)).get(semconv.EXCEPTION_STACKTRACE)
    return stack if isinstance(stack, str) else None
