"""Samples are sealed into narrow columns without loss of what they tell, and forgotten without a trace."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.samples import (
    MEMORY_UNIT_BYTES,
    TIME_UNIT_NS,
    SampleBatch,
    samples_with_cells,
    seal_samples,
    without_samples,
)
from nbtrace.store.schema import Thread
from nbtrace.store.span_store import SpanStore
from nbtrace.store.stacks import Stack, root

MAIN = Thread(1, 2, "MainThread")
T0 = 1_790_000_000_000_000_000


def stack(*functions: str) -> Stack:
    at = root()
    for function in functions:
        at = at.call(function, f"/{function}.py", 3, 1)
    return at


def sample(at: int = 0, *, cell: int = 1, span: int = 9, of: Stack | None = None, **fields: Any) -> tuple[Any, ...]:
    known = {"thread": MAIN, "wall": 10_000_000, "cpu": 9_000_000, "memory": 2**28, "native": False, **fields}
    return (
        T0 + at,
        cell,
        7,
        span,
        known["thread"],
        known["wall"],
        known["cpu"],
        known["memory"],
        known["native"],
        of or stack("a"),
    )


def functions(batch: SampleBatch) -> list[list[str]]:
    """The stacks of the samples, from the outermost frame inwards."""
    tree, frames = batch.stacks.to_pydict(), batch.frames.to_pydict()["function"]
    found = []
    for at in batch.samples.column("stack").to_pylist():
        names = []
        while at >= 0:
            names.append(frames[tree["frame"][at]])
            at = tree["above"][at]
        found.append(names[::-1])
    return found


NUMBERS = st.integers(0, 2**45)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            NUMBERS,
            st.integers(0, 2**31 - 1),
            NUMBERS,
            st.none() | NUMBERS,
            st.none() | st.integers(0, 2**45),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_what_is_sealed_is_what_came(values: list[tuple[Any, ...]]) -> None:
    """To a hundredth of a millisecond, and to 16 kB."""
    rows = [sample(at, cell=c, wall=w, cpu=p, memory=m, native=n) for at, c, w, p, m, n in values]
    batch = seal_samples(rows)
    assert batch.length == len(rows)
    for name, at, unit in (
        ("time", 0, TIME_UNIT_NS),
        ("wall", 5, TIME_UNIT_NS),
        ("cpu", 6, TIME_UNIT_NS),
        ("memory", 7, MEMORY_UNIT_BYTES),
    ):
        for found, row in zip(batch.numbers(name).tolist(), rows, strict=True):
            assert found == -1 if row[at] is None else abs(found - row[at]) <= unit // 2
    assert batch.numbers("cell").tolist() == [row[1] for row in rows]
    assert batch.samples.column("native").to_pylist() == [row[8] for row in rows]


def test_stacks_are_a_tree_in_which_what_calls_stands_before_what_is_called() -> None:
    ab, abc, d = stack("a", "b"), None, stack("d")
    abc = ab.call("c", "/c.py", 1, 1)
    batch = seal_samples([sample(of=abc), sample(of=ab), sample(of=d), sample(of=abc)])
    assert functions(batch) == [["a", "b", "c"], ["a", "b"], ["d"], ["a", "b", "c"]]
    assert all(above < at for at, above in enumerate(batch.stacks["above"].to_pylist()))
    assert batch.stacks.num_rows == 4


def test_a_sample_takes_twenty_bytes_at_most() -> None:
    """Of a cell of some minutes, with a hundred different stacks and some spans."""
    stacks = [stack("a", "b", f"f{number}") for number in range(100)]
    rows = [
        sample(
            at * 10_137_219,
            wall=10_137_219 + at % 977,
            cpu=at % 10_000_000,
            memory=2**29 + at * 70_000,
            span=at % 20,
            of=stacks[at % 100],
        )
        for at in range(16_384)
    ]
    batch = seal_samples(rows)
    assert batch.nbytes / batch.length <= 20


def test_hostile_names_are_kept_as_text() -> None:
    hostile = root().call("<b>\x1b[31m\ud800\n", "/tmp/\udcff" + "x" * 10_000, 1, 1)
    batch = seal_samples([sample(of=hostile)])
    (frame,) = batch.frames.to_pylist()
    assert frame["function"].startswith("<b>\x1b[31m\\ud800")
    assert len(frame["file"]) < 1_000


def test_secrets_in_names_are_not_kept() -> None:
    secret = "sk-proj-" + "aB3" * 16
    batch = seal_samples([sample(of=stack(f"load {secret}"), thread=Thread(1, 2, secret))], Redactor())
    assert secret not in str(batch.frames.to_pydict()) + str(batch.samples.to_pydict())


def test_forgotten_cells_and_spans_leave_no_stack_behind() -> None:
    rows = [
        sample(cell=1, of=stack("one")),
        sample(cell=2, span=5, of=stack("two")),
        sample(cell=2, span=6, of=stack("three")),
    ]
    left = without_samples(seal_samples(rows), {1}, {6})
    assert functions(left) == [["two"]]
    assert left.numbers("cell").tolist() == [2]
    assert left.numbers("time").tolist() == seal_samples(rows).numbers("time").tolist()[1:2]
    assert "one" not in str(left.frames.to_pydict())
    assert "three" not in str(left.frames.to_pydict())


def test_cells_are_numbered_anew() -> None:
    batch = samples_with_cells(
        seal_samples([sample(cell=3), sample(cell=8), sample(cell=3), sample(cell=4)]), {3: 70, 8: 12}
    )
    assert batch.numbers("cell").tolist() == [70, 12, 70, 0]


@pytest.mark.parametrize("rows", [0, 1])
def test_few_samples_are_sealed_too(rows: int) -> None:
    assert seal_samples([sample()] * rows).length == rows


def test_samples_are_bounded_in_bytes_and_counted() -> None:
    """By a tenth of what spans may take; the oldest go first."""
    store = SpanStore(max_bytes=1_000_000)
    for at in range(20_000):
        store.samples.append(sample(at * 10_000_000), 220)
    snapshot = store.snapshot()
    kept = sum(batch.length for batch in snapshot.samples)
    assert kept + snapshot.dropped_samples == 20_000
    assert 0 < kept < 20_000
    assert store.samples.nbytes <= 100_000
    assert snapshot.samples[-1].numbers("time")[-1] - T0 == pytest.approx(19_999 * 10_000_000, abs=TIME_UNIT_NS)
