"""Lines of a cell are those that a person typed, whatever IPython makes of the cell before it compiles it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from nbtrace.store.book import CellBook
from nbtrace.store.typed_lines import lines_of, typed_lines

SOURCE = st.lists(
    st.sampled_from(["x = 1", "", "   ", "%time y = 2", "!ls", "for i in x:\n    i", "%env A \\\nB", "z?", "f(\n1)"]),
    max_size=12,
).map("\n".join)


def compiled(source: str) -> list[str]:
    return TransformerManager().transform_cell(source).splitlines(keepends=True)


@settings(deadline=None)
@given(SOURCE)
def test_lines_that_are_unchanged_are_found_where_they_were_typed(source: str) -> None:
    typed, code = source.split("\n"), compiled(source)
    places = typed_lines(source, code)
    numbers = list(places) if places is not None else list(range(1, len(code) + 1))
    assert numbers == sorted(numbers)
    assert len(numbers) == len(code)
    for line, number in zip(code, numbers, strict=True):
        assert 1 <= number <= len(typed) or not line.strip()
        if line.strip() and line.rstrip("\n") in typed:
            assert typed[number - 1] == line.rstrip("\n")


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("a\nb", None),
        ("\n\na\nb", (3, 4)),
        ("%env A \\\nB\nx", (1, 3)),
        ("x\n!echo \\\n 1 \\\n 2\ny", (1, 2, 5)),
    ],
)
def test_what_is_dropped_or_joined_moves_the_lines_below_it(source: str, places: tuple[int, ...] | None) -> None:
    assert typed_lines(source, compiled(source)) == places


def test_a_cell_of_ten_thousand_lines_is_read() -> None:
    source = "\n" + "x = 1\n" * 10_000 + "%env A \\\nB\n"
    places = typed_lines(source, compiled(source))
    assert places is not None
    assert places[:2] == (2, 3)


def test_an_execution_knows_the_lines_of_its_code() -> None:
    execution = CellBook().open(execution_count=1, cell_id=None, source="\n\nx")
    assert execution.typed_line(1) == 1
    execution.compiled = ("x\n",)
    assert execution.typed_line(1) == 3
    assert execution.typed_line(99) == 99


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("x = 1", (1, 1)),
        ("\n\nx = (1,\n 2)", (3, 4)),
        ("def f():\n    a = 1\n    return lambda: (\n        2)", (1, 4)),
        ("for i in []:\n    pass\n    i", (1, 3)),
        ("pass", (1, 1)),
    ],
)
def test_a_statement_has_all_lines_that_belong_to_it(source: str, lines: tuple[int, int]) -> None:
    assert lines_of(compile(source, "cell", "exec")) == lines
