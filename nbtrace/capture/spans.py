"""Spans of one's own: `span("load", source="s3")` for a block, `@traced` for a function.

Both give plain OpenTelemetry spans, made by the provider that is set. With no recording open they do what OpenTelemetry
does without us."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast, overload

from nbtrace.capture.current_span import CurrentSpan, spanned
from nbtrace.capture.live import LIVE
from nbtrace.store import semconv
from nbtrace.store.values import clean_attributes, clean_text

F = TypeVar("F", bound=Callable[..., Any])


def span(name: str, /, **attributes: Any) -> CurrentSpan:
    """Return a context manager for a span called `name`, current for the block; `with` gives the OpenTelemetry span.

    Attributes may be anything: what OpenTelemetry cannot carry becomes text, and no value raises. An exception that
    leaves the block is recorded and goes on; an interrupt counts as one. Also a decorator. For a kind or links, use
    OpenTelemetry's own `tracer.start_as_current_span`.

    >>> with span("load", source="s3") as current:
    ...     current.set_attribute("rows", 3)
    """
    return CurrentSpan(LIVE.attachment, clean_text(name), attributes=clean_attributes(attributes)[0])


@overload
def traced(function: F, /) -> F: ...
@overload
def traced(name: str | None = None, /, **attributes: Any) -> Callable[[F], F]: ...
def traced(target: Any = None, /, **attributes: Any) -> Any:
    """Put each call of a function in a span: `@traced`, or `@traced("name", key=value)`.

    Works for functions, coroutines, generators and async generators, and above @staticmethod and @classmethod. The span
    of a generator lasts from its first next() to its end or close, and is never current for its consumer. Without a
    name it is the function's qualified one. Raises TypeError for what is no function."""
    if target is None or isinstance(target, str):

        def decorate(function: F) -> F:
            return cast(F, _traced(function, target, attributes))

        return decorate
    return _traced(target, None, attributes)


def _traced(function: Any, name: str | None, attributes: dict[str, Any]) -> Any:
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_traced(function.__func__, name, attributes))
    if inspect.isclass(function) or not callable(function):
        raise TypeError(
            f"traced takes a function, not {function!r}. Type @nbtrace.traced above a def, "
            'or @nbtrace.traced("name", key=value).'
        )
    title = clean_text(name if name is not None else getattr(function, "__qualname__", type(function).__qualname__))
    found = {**_code_attributes(function), **clean_attributes(attributes)[0]}
    return spanned(function, lambda: CurrentSpan(LIVE.attachment, title, attributes=found))


def _code_attributes(function: Any) -> dict[str, Any]:
    found = {}
    if qualified := getattr(function, "__qualname__", None):
        found[semconv.CODE_FUNCTION_NAME] = f"{function.__module__}.{qualified}"
    code = getattr(inspect.unwrap(function), "__code__", None)
    # A cell's "file" is a name of the kernel's making that means nothing outside it.
    if code is not None and os.path.isabs(code.co_filename) and function.__module__ != "__main__":
        found[semconv.CODE_FILE_PATH] = code.co_filename
        found[semconv.CODE_LINE_NUMBER] = code.co_firstlineno
    return found
