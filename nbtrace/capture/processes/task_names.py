"""What a task is called: by the function that the user has sent, whatever a library has wrapped around it.

Enters: what a worker was given to call. Leaves: a name, and how many calls are in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

_MAX_WRAPPERS = 8
_LONGEST = 200

_INSIDE = ("func", "_obj", "_function", "fn", "function", "__wrapped__")
"""How wrappers call what is in them: functools.partial, joblib's and loky's, those of functools.wraps."""


def task_name(function: Callable[..., Any]) -> str:
    """Return what to call a task: `fit_one`, `fit_one × 4` for a batch of calls."""
    count = 1
    found: Any = function
    for _ in range(_MAX_WRAPPERS):
        if isinstance(found, partial) and getattr(found.func, "__name__", "") == "_process_chunk" and found.args:
            found = found.args[0]  # of ProcessPoolExecutor.map
            continue
        items = _plain(found, "items")
        if isinstance(items, (list, tuple)) and items and isinstance(items[0], tuple) and items[0]:  # joblib's batch
            count, found = len(items), items[0][0]
            continue
        inside = next((each for name in _INSIDE if callable(each := _plain(found, name))), None)
        if inside is None:
            break
        found = inside
    name = _plain(found, "__qualname__")
    if not isinstance(name, str):
        name = type(found).__qualname__
    name = name.rpartition("<locals>.")[2][:_LONGEST] or "task"
    return f"{name} × {count}" if count > 1 else name


def _plain(of: Any, name: str) -> Any:
    """An attribute that is simply there: nothing of the user's is called for it."""
    if isinstance(of, partial):
        return of.func if name == "func" else None
    try:
        own = object.__getattribute__(of, "__dict__")
    except AttributeError:
        own = {}
    if name in own:
        return own[name]
    return getattr(of, name, None) if name == "__qualname__" and type(of).__module__ == "builtins" else None
