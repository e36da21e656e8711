"""What the exit statuses mean."""

from __future__ import annotations

FINE = 0
CELL_FAILED = 1
USAGE = 2
"""What was typed cannot be done."""
OVER_BUDGET = 3
KERNEL_LOST = 4
"""The kernel did not start, died or hung."""
INTERRUPTED = 130
"""By Ctrl-C."""


def by_signal(number: int) -> int:
    """Return the status of what a signal has ended, as shells count them."""
    return 128 + number


def worse(one: int, other: int) -> int:
    """Return which of two statuses tells more of what went wrong: of several runs one is told."""
    order = (FINE, OVER_BUDGET, USAGE, CELL_FAILED, KERNEL_LOST)
    return max(one, other, key=lambda status: order.index(status) if status in order else len(order))
