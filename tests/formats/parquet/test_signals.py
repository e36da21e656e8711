"""Executions, samples and statements as tables, and back."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.formats.parquet.signals import (
    STACKS,
    from_executions,
    from_samples,
    from_statements,
    to_executions,
    to_samples,
    to_statements,
)
from nbtrace.store.book import Execution, Resources
from nbtrace.store.samples import SampleFields, seal_samples
from nbtrace.store.schema import SAMPLE_BYTES, Thread
from nbtrace.store.stacks import root
from tests.formats.kept import rich, samples

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
INTS = st.none() | st.integers(-(2**63), 2**63 - 1)
RESOURCES = st.builds(Resources, INTS, INTS, INTS, INTS, INTS, INTS, st.booleans(), INTS, st.none() | st.floats(0, 1))
EXECUTIONS = st.builds(
    Execution,
    number=st.integers(1, 2**31 - 1),
    execution_count=st.none() | st.integers(0, 9),
    cell_id=st.none() | TEXTS,
    source=TEXTS,
    run=st.integers(1, 9),
    trace_id=st.integers(0, 2**128 - 1),
    span_id=st.integers(0, 2**64 - 1),
    digest=TEXTS,
    asks=st.booleans(),
    failed=st.booleans(),
    resources=st.none() | RESOURCES,
    file=TEXTS,
    compiled=st.none() | st.lists(TEXTS).map(tuple),
    line_map=st.none() | st.lists(st.integers(1, 9)).map(tuple),
)


@settings(deadline=None, max_examples=60)
@given(found=st.lists(EXECUTIONS, max_size=4))
def test_executions_go_to_arrow_and_back_without_loss(found: list[Execution]) -> None:
    assert list(to_executions(from_executions(found))) == found


def test_a_source_that_cannot_be_encoded_is_kept_as_far_as_it_can() -> None:
    """A lone surrogate becomes its escape, as everywhere."""
    (found,) = to_executions(from_executions([Execution(1, 1, None, "a\udc80é", 1)]))
    assert found.source == "a\\udc80é"


TREE = root()
FRAMES = st.lists(st.tuples(st.sampled_from("fgh"), st.sampled_from(["a.py", "b.py"]), st.integers(1, 3)), min_size=1)


@st.composite
def sampled(draw: st.DrawFn) -> SampleFields:
    stack = TREE
    for function, file, line in draw(FRAMES):
        stack = stack.call(function, file, line, 1)
    return SampleFields(
        time_ns=draw(st.integers(0, 2**60)),
        cell=draw(st.integers(0, 2**31 - 1)),
        trace_id=draw(st.integers(0, 2**128 - 1)),
        span_id=draw(st.integers(0, 2**64 - 1)),
        thread=Thread(
            draw(st.none() | st.integers(1, 9)), draw(st.none() | st.integers(1, 9)), draw(st.none() | TEXTS)
        ),
        wall_ns=draw(st.integers(0, 2**40)),
        cpu_ns=draw(st.none() | st.integers(0, 2**40)),
        memory=draw(st.none() | st.integers(0, 2**40)),
        native=draw(st.booleans()),
        stack=stack,
    )


@settings(deadline=None, max_examples=60)
@given(batches=st.lists(st.lists(sampled(), min_size=1, max_size=5), max_size=3))
def test_samples_go_to_arrow_and_back_without_loss(batches: list[list[SampleFields]]) -> None:
    """Times to their unit, unknown ones unknown, each with its whole stack; a stack is there once."""
    sealed = [seal_samples(batch) for batch in batches]
    table, stacks = from_samples(sealed)
    assert len(set(stacks["stack_id"].to_pylist())) == stacks.num_rows
    back, wrong = to_samples(table, stacks)
    assert not wrong
    assert [each for batch in back for each in samples(batch)] == [each for batch in sealed for each in samples(batch)]


def test_statements_go_to_arrow_and_back_without_loss() -> None:
    """One that runs has no end."""
    snapshot = rich().store.snapshot()
    (back,) = to_statements(from_statements(snapshot.statements))
    assert back.statements.to_pylist() == [
        each for batch in snapshot.statements for each in batch.statements.to_pylist()
    ]
    assert None in back.statements["end_ns"].to_pylist()
    assert to_statements(from_statements([])) == ()


def test_stacks_that_run_in_a_circle_are_cut_and_counted() -> None:
    """And samples whose stack is missing say so."""
    table, stacks = from_samples([seal_samples([*map(tuple, rich_samples())])])
    circle = pa.table(
        [
            stacks["stack_id"],
            stacks["stack_id"].take(pa.array([(at + 1) % len(stacks) for at in range(len(stacks))])),
            *stacks.columns[2:],
        ],
        schema=STACKS,
    )
    batches, wrong = to_samples(table, circle)
    assert f"of {len(stacks)} frames are without what called them" in wrong
    assert sum(batch.length for batch in batches) == table.num_rows
    _, wrong = to_samples(table, stacks.slice(1))
    assert "missing" in wrong


def rich_samples() -> list[SampleFields]:
    stack = TREE.call("f", "a.py", 1, 1).call("g", "a.py", 2, 1)
    return [SampleFields(5, 1, 2, 3, Thread(), SAMPLE_BYTES, 1, 1, False, each) for each in (stack, stack.above)]


@pytest.mark.parametrize("name", ["execution", "trace_id", "line_map"])
def test_a_table_of_something_else_is_refused(name: str) -> None:
    table = from_executions([Execution(1, 1, None, "", 1, trace_id=1)])
    with pytest.raises(KeyError):
        to_executions(table.drop([name]))
    at = table.schema.get_field_index(name)
    with pytest.raises(pa.ArrowInvalid, match=name if name != "trace_id" else "id of 32"):
        to_executions(table.set_column(at, name, pa.array(["no"])))
