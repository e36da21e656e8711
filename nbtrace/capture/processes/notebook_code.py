"""Code of the notebook that ran in a worker without its file: cloudpickle, by which joblib and loky send, leaves it out.

Enters: a function's name and first line, as a worker's stack has them. Leaves: the file as which the kernel has compiled it, if
the notebook's own names hold such code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

NAMELESS = "<dynamic-code>"
"""What cloudpickle puts in the place of a file."""

_MAX_CODES = 2_000


def file_of(function: str, first_line: int) -> str:
    """Return the file of code of the notebook's with this name that begins at this line; "" where there is none, or more."""
    name = function.partition(".")[0]
    namespace = getattr(sys.modules.get("__main__"), "__dict__", {})
    files = {
        code.co_filename
        for code in _codes(namespace.get(name))
        if code.co_qualname == function and code.co_firstlineno == first_line
    }
    return files.pop() if len(files) == 1 else ""


def _codes(found: Any) -> Iterator[CodeType]:
    """The code of a function, or of a class's methods, and all that is defined within it. Nothing of the user's is called."""
    waiting: list[Any] = [found]
    for _ in range(_MAX_CODES):
        if not waiting:
            return
        each = waiting.pop()
        if type(each) is FunctionType:
            waiting.append(each.__code__)
        elif type(each) is CodeType:
            yield each
            waiting += [const for const in each.co_consts if type(const) is CodeType]
        elif type(each) in (staticmethod, classmethod):
            waiting.append(each.__func__)
        elif isinstance(each, type):
            waiting += type.__getattribute__(each, "__dict__").values()
