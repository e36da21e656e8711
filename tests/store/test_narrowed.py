"""A part of a recording."""

from __future__ import annotations

from nbtrace.store.narrowed import narrowed
from tests.profiles import MERGE, Made


def made() -> Made:
    found = Made()
    first = found.cell("a = 1", 0, 100, [(0, 1, 1)])
    second = found.cell("b = 2", 200, 400, [(200, 1, 1)])
    found.sample(first, 50, 10, MERGE)
    found.sample(second, 250, 10, MERGE)
    return found


def test_some_executions_are_left_with_all_that_belongs_to_them() -> None:
    """Their spans, samples and statements, and nothing of the others."""
    found = made()
    snapshot = found.store.snapshot()
    first, second = snapshot.executions
    left = narrowed(snapshot, {second.number}, None)
    assert left.executions == (second,)
    assert [batch.spans["cell"].to_pylist() for batch in left.batches] == [[second.number]]
    assert [batch.numbers("cell").tolist() for batch in left.samples] == [[second.number]]
    assert [batch.statements["cell"].to_pylist() for batch in left.statements] == [[second.number]]
    assert first.number not in {int(n) for batch in left.samples for n in batch.numbers("cell")}


def test_spans_are_left_with_the_executions_that_they_belong_to() -> None:
    found = made()
    snapshot = found.store.snapshot()
    first, _ = snapshot.executions
    left = narrowed(snapshot, None, {f"{first.span_id:016x}"})
    assert left.executions == (first,)
    assert [batch.length for batch in left.batches] == [1]
    assert sum(batch.length for batch in left.samples) == 1
    assert narrowed(snapshot, None, set()).batches == ()


def test_without_conditions_all_of_it_is_left() -> None:
    snapshot = made().store.snapshot()
    assert narrowed(snapshot, None, None) == snapshot
