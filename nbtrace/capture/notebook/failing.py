"""Tell when a cell's code failed: before IPython renders the traceback, which can take a thousand times as long.

Enters: the error that IPython notes on the result of a cell. Leaves: a call, at that moment. docs/decisions/0016 tells why
it is noticed there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_FIELDS = ("error_before_exec", "error_in_exec")

Listener = Callable[[Any, BaseException], None]
"""Is told the result and the error; must not raise."""

_listeners: tuple[Listener, ...] = ()


class _Noticed:
    """A field of IPython's ExecutionResult that tells when it is set; the value stays in the result's own dict."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, result: Any, owner: type | None = None) -> Any:
        return None if result is None else result.__dict__.get(self._name)

    def __set__(self, result: Any, error: Any) -> None:
        result.__dict__[self._name] = error
        if isinstance(error, BaseException):
            for listener in _listeners:
                listener(result, error)

    def __delete__(self, result: Any) -> None:
        try:
            del result.__dict__[self._name]
        except KeyError:
            raise AttributeError(self._name) from None


def listen(listener: Listener) -> None:
    """Call `listener` whenever the code of a cell has failed. An IPython that keeps its errors otherwise tells nothing."""
    global _listeners
    from IPython.core.interactiveshell import ExecutionResult

    _listeners += (listener,)
    fields = vars(ExecutionResult)
    for name in _FIELDS:
        # A plain default of None, as in all versions so far: slots, say, would have no dict behind them.
        if name in fields and fields[name] is None and "__dict__" in fields:
            setattr(ExecutionResult, name, _Noticed(name))


def unlisten(listener: Listener) -> None:
    """Stop calling `listener`; after the last one IPython's class is as it was."""
    global _listeners
    from IPython.core.interactiveshell import ExecutionResult

    _listeners = tuple(known for known in _listeners if known != listener)
    if not _listeners:
        for name in _FIELDS:
            if isinstance(vars(ExecutionResult).get(name), _Noticed):
                setattr(ExecutionResult, name, None)
