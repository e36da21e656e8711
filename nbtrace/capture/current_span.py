"""Make a span, let it be current for a block, end it: a context manager that neither raises nor logs.

The SDK's own (`use_span`) puts the user's exception at risk when its `str()` raises, leaves an interrupted span without
a mark, and logs when it is left in another Context than it was entered in, as generators and tasks do."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import Span, set_span_in_context

from nbtrace.capture.current_cell import attach
from nbtrace.capture.exceptions import attributes as exception_attributes
from nbtrace.capture.exceptions import fail, is_failure
from nbtrace.faults import fault
from nbtrace.store import semconv

F = TypeVar("F", bound=Callable[..., Any])


class SpanStarter(Protocol):
    """What makes a span: an OpenTelemetry tracer, or nbtrace's choice between two."""

    @property
    def start_span(self) -> Callable[..., Span]:
        """Start a span below the current one: its name, then OpenTelemetry's options."""
        ...


class CurrentSpan:
    """A context manager, and a decorator for functions of all four kinds. `with` gives the OpenTelemetry span itself."""

    __slots__ = ("_attached", "_end_on_exit", "_left", "_name", "_options", "_previous", "_span", "_starter")

    def __init__(self, starter: SpanStarter, name: str, *, end_on_exit: bool = True, **options: Any) -> None:
        self._starter = starter
        self._name = name
        self._end_on_exit = end_on_exit
        self._options = options
        self._left = True

    def __enter__(self) -> Span:
        previous = self._previous = get_current()
        span = self._span = self._starter.start_span(self._name, **self._options)
        try:
            attached = self._attached = set_span_in_context(span, previous)
            attach(attached)
        except BaseException:  # an interrupt, a full stack: the block is not entered, and will not be left
            span.end()
            raise
        self._left = False
        return span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._left = True
        try:
            leave(self._attached, self._previous, self._span)
            if error is not None:
                self._failed(error)
        finally:  # an interrupt in between ends the block all the same
            if self._end_on_exit:
                self._span.end()

    def _failed(self, error: BaseException) -> None:
        try:
            record = self._options.get("record_exception", True)
            status = self._options.get("set_status_on_exception", True)
            if is_failure(error) and self._span.is_recording():
                if status:
                    fail(self._span, error, event=record)
                elif record:
                    self._span.add_event(semconv.EXCEPTION_EVENT, exception_attributes(error, escaped=True))
        except Exception:
            fault("recording an exception")

    def _again(self) -> CurrentSpan:
        return type(self)(self._starter, self._name, end_on_exit=self._end_on_exit, **self._options)

    def __call__(self, function: F) -> F:
        """Put each call of `function` in a span of its own."""
        return spanned(function, self._again)


class _Lasting:
    """A span that lasts from here to there and is current only within the steps it hands out."""

    def __init__(self, block: CurrentSpan) -> None:
        self._block = block

    def __enter__(self) -> _Step:
        span = self._block.__enter__()
        leave(self._block._attached, self._block._previous, span)
        return _Step(self._block._attached)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None:
            self._block._failed(error)
        self._block._span.end()


class _Step:
    """One resumption of a generator: inside it the generator's context, outside the consumer's."""

    def __init__(self, inside: Context) -> None:
        self._inside = inside

    def __enter__(self) -> None:
        self._consumer = get_current()
        attach(self._inside)

    def __exit__(self, *error: object) -> None:
        # What the generator's body has attached (a `with span:` around a yield) is there again at its next step.
        self._inside = get_current()
        attach(self._consumer)


def still_open(block: object) -> bool:
    """Whether something is a block of a span that will end the span when it is left."""
    return isinstance(block, CurrentSpan) and not block._left


def leave(attached: Context, previous: Context, span: Span) -> None:
    """Restore `previous` if `span` is still the current one here.

    A plain attach instead of a detach by token: left in another Context (a closed async generator, an await cell) a
    token cannot be used and the attempt is logged."""
    if get_current() is attached or trace.get_current_span() is span:
        attach(previous)


def spanned(function: F, make: Callable[[], CurrentSpan]) -> F:
    """Return `function` with each call in a span of its own: functions, coroutines, generators and async generators.

    A generator's span lasts from its first next() to its end. It is current inside the generator alone: at each yield
    the consumer gets its own context back."""
    wrapper: Callable[..., Any]
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            generator = function(*args, **kwargs)
            with _Lasting(make()) as step:
                resume, sent = generator.asend, None
                while True:
                    try:
                        with step:
                            item = await resume(sent)
                    except StopAsyncIteration:
                        return
                    try:
                        sent, resume = (yield item), generator.asend
                    except GeneratorExit:
                        with step:
                            await generator.aclose()
                        raise
                    except BaseException as error:
                        sent, resume = error, generator.athrow

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            generator = function(*args, **kwargs)
            with _Lasting(make()) as step:
                resume, sent = generator.send, None
                while True:
                    try:
                        with step:
                            item = resume(sent)
                    except StopIteration as stop:
                        return stop.value
                    try:
                        sent, resume = (yield item), generator.send
                    except GeneratorExit:
                        with step:
                            generator.close()
                        raise
                    except BaseException as error:
                        sent, resume = error, generator.throw

    elif inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with make():
                return await function(*args, **kwargs)

    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with make():
                return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]
