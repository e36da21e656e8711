"""Code of the notebook that ran in a worker without its file: cloudpickle, by which joblib and loky send, leaves it out.

Enters: a function's name and first line, as a worker's stack has them. Leaves: the file as which the kernel has compiled it, if
the notebook's own names hold such code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any
from weakref import ref

from nbtrace.capture.processes.task_names import INSIDE, held

NAMELESS = "<dynamic-code>"
"""What cloudpickle puts in the place of a file."""

_MAX_CODES = 2_000

_noted: dict[tuple[str, int], str] = {}
"""By function and first line: the file of methods."""

_classes: dict[int, ref[type]] = {}
"""Those that were gone through, by their ids: to ask whether they are equal would call their metaclass."""


def file_of(function: str, first_line: int) -> str:
    """Return the file of code of the notebook's with this name that begins at this line; "" where there is none, or more."""
    name = function.partition(".")[0]
    files = {
        code.co_filename
        for code in _codes(_names().get(name))
        if code.co_qualname == function and code.co_firstlineno == first_line and code.co_filename != NAMELESS
    }
    return files.pop() if len(files) == 1 else _noted.get((function, first_line), "")


def note_classes() -> None:
    """Note where the methods of the notebook's classes stand. Where one is unpickled in the kernel itself, as Dask does to find
    out whether it has sent the same before, cloudpickle puts code without a file into the very class."""
    for found in list(_names().values()):
        # Asked again and again while somebody looks: a class that is known is not gone through once more.
        if not issubclass(type(found), type) or type.__getattribute__(found, "__module__") != "__main__":
            continue
        known = _classes.get(id(found))
        if known is None or known() is not found:
            _classes[id(found)] = ref(found)
            for code in _codes(found):
                if code.co_filename != NAMELESS:
                    _noted[code.co_qualname, code.co_firstlineno] = code.co_filename
    while len(_noted) > _MAX_CODES:
        _noted.pop(next(iter(_noted)))
    while len(_classes) > _MAX_CODES:
        _classes.pop(next(iter(_classes)))


def _names() -> dict[str, Any]:
    found: dict[str, Any] = getattr(sys.modules.get("__main__"), "__dict__", {})
    return found


def _codes(found: Any) -> Iterator[CodeType]:
    """The code of a function, of what a decorator has made of one, or of a class's methods, and all that is defined within it.
    Nothing of the user's is called."""
    waiting: list[Any] = [found]
    for _ in range(_MAX_CODES):
        if not waiting:
            return
        each = waiting.pop()
        if type(each) is FunctionType:
            waiting += [each.__code__, each.__dict__.get("__wrapped__")]
        elif type(each) is CodeType:
            yield each
            waiting += [const for const in each.co_consts if type(const) is CodeType]
        elif type(each) in (staticmethod, classmethod):
            waiting.append(each.__func__)
        elif isinstance(each, type):
            waiting += type.__getattribute__(each, "__dict__").values()
        elif each is not None:
            waiting += [inner for name in INSIDE if callable(inner := held(each, name))]
