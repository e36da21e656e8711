"""What a task is called: by the function that the user has sent, whatever a library has wrapped around it.

Enters: what a worker was given to call. Leaves: a name, and how many calls are in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import getattr_static
from types import FunctionType, MemberDescriptorType
from typing import Any

_MAX_WRAPPERS = 8
_LONGEST = 200

INSIDE = ("func", "_obj", "_function", "fn", "function", "__wrapped__")
"""How wrappers call what is in them: functools.partial, joblib's and loky's, those of functools.wraps."""


def task_name(function: Callable[..., Any]) -> str:
    """Return what to call a task: `fit_one`, `fit_one × 4` for a batch of calls."""
    count = 1
    found: Any = function
    if type(function) is FunctionType and not function.__dict__:
        return function.__qualname__.rpartition("<locals>.")[2][:_LONGEST]
    for _ in range(_MAX_WRAPPERS):
        if isinstance(found, partial) and getattr(found.func, "__name__", "") == "_process_chunk" and found.args:
            found = found.args[0]  # of ProcessPoolExecutor.map
            continue
        items = held(found, "items")
        if isinstance(items, (list, tuple)) and items and isinstance(items[0], tuple) and items[0]:  # joblib's batch
            count, found = len(items), items[0][0]
            continue
        inside = next((each for name in INSIDE if callable(each := held(found, name))), None)
        if inside is None:
            break
        found = inside
    name = held(found, "__qualname__")
    if not isinstance(name, str):
        name = type(found).__qualname__
    name = name.rpartition("<locals>.")[2][:_LONGEST] or "task"
    return f"{name} × {count}" if count > 1 else name


def held(of: Any, name: str) -> Any:
    """Return an attribute that is simply there, or None: nothing of the user's is called for it."""
    if isinstance(of, partial):
        return of.func if name == "func" else None
    try:
        own = object.__getattribute__(of, "__dict__")
    except AttributeError:
        own = {}
    if name in own:
        return own[name]
    slot = getattr_static(type(of), name, None)
    if type(slot) is MemberDescriptorType:
        return getattr(of, name, None)
    return getattr(of, name, None) if name == "__qualname__" and type(of).__module__ == "builtins" else None
