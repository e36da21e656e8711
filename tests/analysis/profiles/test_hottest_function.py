"""The hottest function of a cell that still runs."""

from __future__ import annotations

import pytest

from nbtrace.analysis.profiles.hottest_function import Heat, Hottest
from nbtrace.analysis.profiles.profile import FEW
from nbtrace.store.samples import seal_samples
from tests.store.test_samples import sample, stack

MANY = FEW
MS = 1_000_000


def test_it_is_the_function_with_most_time_of_its_own() -> None:
    """By what samples stand for, not by how many there are; callers have none of it."""
    inner, other = stack("outer", "inner"), stack("outer", "other")
    rows = [sample(i, of=inner, wall=30 * MS) for i in range(MANY)]
    rows += [sample(i, of=other, wall=10 * MS) for i in range(MANY)]
    rows += [sample(i, of=stack("outer"), wall=1 * MS) for i in range(2 * MANY)]
    heat = Heat()
    heat.add(seal_samples(rows), 0, {1})
    found = heat.hottest(1)
    assert found is not None
    assert found == Hottest("inner", "/inner.py", pytest.approx(30 / 42), MANY)


def test_cells_are_counted_apart_and_batches_together() -> None:
    heat = Heat()
    for _ in range(2):
        half = [sample(i, of=stack("a"), cell=1) for i in range(MANY // 2)]
        heat.add(seal_samples([*half, *(sample(i, of=stack("b"), cell=2) for i in range(50))]), 0, {1})
    assert heat.hottest(1) == Hottest("a", "/a.py", 1.0, MANY)
    assert heat.hottest(2) is None


def test_rows_that_were_counted_before_are_skipped() -> None:
    rows = [sample(i, of=stack("before")) for i in range(90)] + [sample(i, of=stack("after")) for i in range(MANY)]
    heat = Heat()
    heat.add(seal_samples(rows), 90, {1})
    assert heat.hottest(1) == Hottest("after", "/after.py", 1.0, MANY)


def test_of_few_samples_nothing_is_told() -> None:
    heat = Heat()
    heat.add(seal_samples([]), 0, {1})
    heat.add(seal_samples([sample(i) for i in range(MANY - 1)]), 0, {1})
    assert heat.hottest(1) is None
    heat.add(seal_samples([sample()]), 0, {1})
    assert heat.hottest(1) is not None
    heat.keep({2})
    assert heat.hottest(1) is None
