from __future__ import annotations

import pytest

from nbtrace.analysis.runs import RunsError, chosen, runs_before
from nbtrace.store.book import CellBook, Execution


def book(*cells: tuple[int, str | None, str]) -> list[Execution]:
    """Executions from (count, cell id, source)."""
    found = CellBook()
    for count, cell_id, source in cells:
        found.open(execution_count=count, cell_id=cell_id, source=source)
    return found.executions()


def test_a_cell_that_ran_again_is_set_against_all_its_earlier_runs() -> None:
    executions = book((1, "a", "f()"), (2, "b", "g()"), (3, "a", "f()"), (4, "a", "f()"))
    assert chosen(executions, None) == ([1, 3], [4])
    assert runs_before(executions, 3) == ([1], [3])


def test_an_edited_cell_is_set_against_its_code_before_the_edit() -> None:
    executions = book((1, "a", "slow()"), (2, "a", "slow()"), (3, "a", "fast()"), (4, "a", "fast()"), (5, "b", "x"))
    assert chosen(executions, None) == ([1, 2], [3, 4])
    assert runs_before(executions, 3) == ([1, 2], [3])


def test_where_no_ids_come_the_source_tells_cells_apart() -> None:
    assert runs_before(book((1, None, "f()"), (2, None, "f()")), 2) == ([1], [2])


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (None, r"no cell has run twice.*nbtrace.compare\(1, 2\)"),
        (2, r"cell \[2\] has run once.*nbtrace.compare\(1, 2\)"),
        (9, r"no cell \[9\] in the recording"),
        ([1, 2], r"\[1, 2\] is one side only"),
        ("x", r"'x' is no cell.*nbtrace.compare\(3\)"),
        (True, "True is no cell"),
    ],
)
def test_what_cannot_be_compared_is_told_with_what_to_type(which: object, message: str) -> None:
    with pytest.raises(RunsError, match=message):
        chosen(book((1, "a", "f()"), (2, "b", "g()")), which)


def test_of_the_first_of_several_runs_the_last_is_advised() -> None:
    executions = book((1, "a", "f()"), (2, "b", "g()"), (3, "a", "f2()"), (4, "a", "f2()"))
    with pytest.raises(RunsError, match=r"\[1\] is the first run of its cell.*nbtrace.compare\(4\)"):
        chosen(executions, 1)


@pytest.mark.parametrize(
    ("counts", "recorded", "which", "advised"),
    [
        ((4,), None, 4, ""),
        ((4, 9), None, 9, "compare 4 9"),
        ((4, 9), None, 4, "compare 4 9"),
        ((1, 4, 9), {1, 9}, 9, "compare 1 9"),
        ((1, 4, 9), {1, 4}, None, "compare 1 4"),
        ((1, 4, 9), {9}, None, ""),
        ((), None, None, ""),
    ],
)
def test_what_is_advised_is_worded_as_the_question_and_names_cells_that_exist(
    counts: tuple[int, ...], recorded: set[int] | None, which: int | None, advised: str
) -> None:
    """A cell before it where there is one, as a reader's eye goes; without another cell there is nothing but to run again."""
    executions = book(*((count, str(count), str(count)) for count in counts))
    with pytest.raises(RunsError) as caught:
        chosen(executions, which, None if recorded is None else lambda: recorded)
    words = advised.split()
    assert str(caught.value).endswith(f"nbtrace.compare({', '.join(words[1:])})." if words else "again.")
    assert caught.value.in_magic.endswith(f"type  %spans {advised}" if words else "again.")
