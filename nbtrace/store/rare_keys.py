"""Which attributes get a column of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from nbtrace.store.batch import Attributes

MAX_COLUMNS = 100
"""Up to so many keys, each has a column; beyond, only those on `MIN_SHARE` of the rows: a thousand keys that occur here and
there would make a table of gigabytes."""

MIN_SHARE = 0.01


def with_column(
    batches: Iterable[Attributes], length: int, *, every: bool = False, wanted: Collection[str] = ()
) -> list[str]:
    """Return the keys that get a column, in the order in which they first occurred.

    every: all keys, however rare. wanted: keys that get a column in any case, if they occur."""
    counts: Counter[str] = Counter()
    for attributes in batches:
        for key, runs in attributes.items():
            counts[key] += sum(len(run.values) for run in runs)
    if every or len(counts) <= MAX_COLUMNS:
        return list(counts)
    return [key for key, count in counts.items() if key in wanted or count >= length * MIN_SHARE]
