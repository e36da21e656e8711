"""How often a second samples are taken.

Enters: what a person chose. Leaves: a whole number, 0 for not at all."""

from __future__ import annotations

from typing import Any

MAX_HZ = 1_000
"""More often, finalizers have been seen to run in the sampling thread."""


def checked_rate(sampling: Any) -> int:
    """Return how often a second samples are wanted, 0 for not at all. Raises ValueError for what is neither a whole number from 1
    to 1000 nor False."""
    if sampling is False or sampling is None:
        return 0
    if isinstance(sampling, bool) or not isinstance(sampling, int) or not 1 <= sampling <= MAX_HZ:
        raise ValueError(
            f"sampling is {sampling!r}, but must be how often a second, a whole number from 1 to {MAX_HZ}, or False."
        )
    return sampling
