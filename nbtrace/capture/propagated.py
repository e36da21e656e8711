"""An exception that passes several spans is told once, on the innermost: recognised by its text (docs/decisions/0005).

Enters: what a span has beside its attributes. Leaves: the same, without the exceptions that a span below has told."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from nbtrace.store import semconv
from nbtrace.store.schema import Extra

_MAX_STACKS = 64


class Propagated:
    """The stack traces that ended spans below those that run, by the id of the span that may see them next."""

    def __init__(self) -> None:
        self.above: dict[int, dict[str, None]] = {}
        """A span that is in it needs a closer look when it ends; no other span pays for it."""

    def told_once(self, extra: Extra, span_id: int, parent_span_id: int, running: Container[int]) -> Extra:
        """Return `extra` without the exceptions that a span below has recorded, and remember the rest for the parent."""
        extra, stacks = _without_repeats(extra, self.above.pop(span_id, None))
        if stacks and parent_span_id in running:  # a parent elsewhere, or ended, will not see it here
            above = self.above.setdefault(parent_span_id, {})
            above.update(dict.fromkeys(stacks))
            while len(above) > _MAX_STACKS:
                del above[next(iter(above))]
        return extra


def _without_repeats(extra: Extra, below: dict[str, None] | None) -> tuple[Extra, list[str]]:
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
        elif any(_ends_with(stack, known) for known in stacks):
            propagated = True
        else:
            events.append(event)
            stacks.append(stack)
    if propagated:
        extra = extra._replace(events=tuple(events), propagated=True)
    return extra, stacks


def _stack_of(event: tuple[Any, ...]) -> str | None:
    if event[1] != semconv.EXCEPTION_EVENT:
        return None
    stack = dict(zip(event[2], event[3], strict=True)).get(semconv.EXCEPTION_STACKTRACE)
    return stack if isinstance(stack, str) else None


def _ends_with(stack: str, known: str) -> bool:
    body = known.partition("\n")[2] or known  # without "Traceback (most recent call last):"
    if stack.endswith(body):
        return True
    # Python folds deep recursion into a count of lines, and the counts differ from span to span.
    return "[Previous line repeated" in stack and stack[-300:] == known[-300:]
