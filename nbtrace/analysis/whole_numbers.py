"""Whole numbers, whoever's they are."""

from __future__ import annotations

import operator
import reprlib
from typing import Any


def checked(name: str, bound: Any) -> int:
    """Return a bound; raise ValueError if it is none."""
    return whole(bound, f"{name} is {reprlib.repr(bound)}, but must be a whole number of at least 1.")


def whole(number: Any, otherwise: str) -> int:
    """Return a number, be it Python's or numpy's; raise ValueError if it is no whole one of at least 1."""
    try:
        found = 0 if isinstance(number, bool) else operator.index(number)
    except TypeError:
        found = 0
    if found < 1:
        raise ValueError(otherwise)
    return found
