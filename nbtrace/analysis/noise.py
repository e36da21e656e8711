"""What differs by chance: how far apart the same work lies from run to run.

Enters: what each run of either side took. Leaves: how far two medians have to lie apart to mean something."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MIN_RUNS = 3
"""Fewer runs than this say nothing about their noise."""

UNKNOWN_SPREAD = 0.25
"""The spread that a time is taken to have where nothing is known: a quarter of it, so that one run against one has to
differ by more than a factor of 1.7 for a verdict."""

LEAST_SPREAD = 0.01
"""No spread is taken to be less than this share of the time: three runs can agree by chance."""


def median(values: Ints) -> int:
    """Return the median in whole numbers."""
    middle = np.sort(values)[[(len(values) - 1) // 2, len(values) // 2]]
    return int(middle[0] + (middle[1] - middle[0]) // 2)


def spread(values: npt.NDArray[Any]) -> float:
    """Return the interquartile range over the runs; nan for fewer than three."""
    if len(values) < MIN_RUNS:
        return float("nan")
    low, high = np.quantile(values, (0.25, 0.75))
    return float(np.rint(high - low)) if values.dtype.kind == "i" else float(high - low)


def by_chance(
    old: npt.NDArray[Any], old_spread: Floats, new: npt.NDArray[Any], new_spread: Floats
) -> tuple[Floats, Bools]:
    """Return by how much medians differ by chance, and where that is only taken to be so, as neither side has enough runs.

    Both spreads together, each at least 1 % of its median. For fewer than three runs the other side's spread in proportion
    stands in, and where that is not known either, a quarter of the median."""
    noise = np.zeros(len(old))
    unknown = np.zeros(len(old), dtype=bool)
    for side, known_of_side, other, other_spread in (
        (old, old_spread, new, new_spread),
        (new, new_spread, old, old_spread),
    ):
        known = ~np.isnan(known_of_side)
        # Where this side alone has too few runs, the other's spread in proportion is the best that is known.
        share = np.where(np.isnan(other_spread) | (other == 0), UNKNOWN_SPREAD, other_spread / np.maximum(other, 1))
        noise += np.maximum(np.where(known, known_of_side, share * side), LEAST_SPREAD * side)
        unknown |= ~known & np.isnan(other_spread)
    return noise, unknown
