"""An exception becomes an event, a status and `error.type`: the one place that knows how.

OpenTelemetry means to move exceptions from span events to logs (OTEP 4430); when it does, this module changes alone."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Span, Status, StatusCode

from nbtrace.store import semconv
from nbtrace.store.schema import MAX_TEXT
from nbtrace.store.values import clean_text, printed

_OWN_DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


runner_directories: list[Callable[[], str]] = []
"""Each gives where a package lives whose frames lead to the user's code, "" while it is not there."""


def is_failure(error: BaseException | None) -> bool:
    """Return whether work that `error` ended has failed. An interrupt, an exit and a cancellation count; a generator
    that is closed early does not. (A cell is no generator: whatever ends it is its failure.)"""
    return error is not None and not isinstance(error, GeneratorExit)


def type_name(error: BaseException) -> str:
    """Return the qualified name of the exception's class, builtins without their module."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message(error: BaseException) -> str:
    """Return `str(error)`, or a placeholder if that raises."""
    return clean_text(printed(error, str))


def stacktrace(error: BaseException) -> str:
    """Return the traceback as Python prints it, without the frames of nbtrace and of what runs the user's code (IPython).

    Where the innermost frames are such a runner's (the user called it, and it failed) they are kept."""
    report = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
    _strip(report)
    text = "".join(report.format())
    if len(text) > MAX_TEXT:
        # Both ends matter: where the user called from, and what failed.
        head, tail = MAX_TEXT // 4, MAX_TEXT // 2
        # Whole lines: of one that is cut, nobody could tell what was in it, a secret say.
        end = text[-tail:].partition("\n")[2] or text[-tail:]
        text = f"{text[:head]}\n… [{len(text) - head - len(end):,} characters left out]\n{end}"
    return clean_text(text)


def attributes(error: BaseException, *, escaped: bool = False) -> dict[str, Any]:
    """Return the attributes of the exception event, named by the semantic conventions."""
    found: dict[str, Any] = {
        semconv.EXCEPTION_TYPE: type_name(error),
        semconv.EXCEPTION_MESSAGE: message(error),
        semconv.EXCEPTION_STACKTRACE: stacktrace(error),
    }
    if escaped:
        found["exception.escaped"] = "True"
    return found


def fail(span: Span, error: BaseException, *, event: bool = True) -> None:
    """Mark `span` as ended by `error`: the event, unless one span has it already, the status and `error.type`."""
    if event:
        span.add_event(semconv.EXCEPTION_EVENT, attributes(error, escaped=True))
    span.set_attribute(semconv.ERROR_TYPE, type_name(error))
    span.set_status(Status(StatusCode.ERROR, message(error)))


def _strip(report: traceback.TracebackException) -> None:
    seen: set[int] = set()
    waiting: list[traceback.TracebackException | None] = [report]
    while waiting:
        part = waiting.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        frames = list(part.stack)
        last_of_user = max((i for i, frame in enumerate(frames) if not _foreign(frame.filename)), default=-1)
        kept = [f for i, f in enumerate(frames) if i > last_of_user or not _foreign(f.filename)]
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in kept if not frame.filename.startswith(_OWN_DIRECTORY)]
        )
        waiting += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]


def _foreign(filename: str) -> bool:
    """Whether a frame is nbtrace's own, or leads to the user's code."""
    if filename.startswith(_OWN_DIRECTORY):
        return True
    return any(
        directory and filename.startswith(directory + os.sep) for directory in (found() for found in runner_directories)
    )
