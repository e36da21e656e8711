"""Replace a function of somebody else's, and put it back.

Enters: an owner (module, class or instance), a name and a way to wrap what is there. Leaves: a `Patch` that can be
undone in any order with other people's: where somebody has wrapped us since, we stay in place and pass straight through."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_ABSENT = object()


class Patch:
    """`around(original)` in place of `owner.name`, until `undo`: a function, or a descriptor that stands for one."""

    def __init__(self, owner: Any, name: str, around: Callable[[Callable[..., Any]], Any]) -> None:
        self._owner = owner
        self._name = name
        self._own = vars(owner).get(name, _ABSENT)
        original = getattr(owner, name)
        wrapped = around(original)
        self._active = [True]
        replacement: Any = wrapped
        if callable(wrapped):
            replacement = self._switchable(wrapped, original)
        self._replacement = replacement
        setattr(owner, name, replacement)

    def _switchable(self, wrapped: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
        active = self._active

        @functools.wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return (wrapped if active[0] else original)(*args, **kwargs)

        return replacement

    def undo(self) -> None:
        """Put back what was there; where somebody has wrapped us since, become transparent instead."""
        self._active[0] = False
        if vars(self._owner).get(self._name) is self._replacement:
            if self._own is _ABSENT:
                delattr(self._owner, self._name)  # it was inherited
            else:
                setattr(self._owner, self._name, self._own)


class QuickPatch(Patch):
    """What `around` gives sees by itself when it is not meant any more, and takes the place without a call in between."""

    def _switchable(self, wrapped: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
        return functools.update_wrapper(wrapped, original)
