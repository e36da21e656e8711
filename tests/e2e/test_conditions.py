"""The search of the inspector, as a person types into it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.lab import Notebook

Make = Callable[..., Notebook]

LOAD = "%load_ext nbtrace\nimport nbtrace"
WORK = """for i in range(6):
    with nbtrace.span("fit", i=i):
        with nbtrace.span("predict", depth=i, thread="mine"):
            pass"""


@pytest.mark.parametrize("width", [1600, 700])
def test_a_condition_is_answered_or_an_error_stands_under_the_field(notebook: Make, width: int) -> None:
    """What the search says is what where= says, and an error counts nothing and moves nothing."""
    book = notebook(LOAD, WORK, "nbtrace.view()")
    book.page.set_viewport_size({"width": width, "height": 900})
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.trace.count > 12 && s.details.size === s.trace.count")
    field = inspector.element.get_by_role("searchbox")
    count = inspector.element.locator(".nbt-found")
    for typed, found in (
        ("name == 'fit' or name == 'predict'", "12 found"),
        ("attributes.depth in [3, 4] and not name ~ '^fit'", "2 found"),
        ("attributes.i = 3 | attributes.depth.str.contains('x')", "1 found"),
        ("thread_name == 'MainThread' and process_pid > 0", f"{inspector.ask('s.trace.count')} found"),
    ):
        field.fill(typed)
        inspector.until("!s.finder.searching")
        assert count.inner_text().startswith(found), typed
    place = field.bounding_box()
    for typed, said in (
        ("attributes.dept > 1", "no column attributes.dept. Did you mean attributes.depth"),
        ("name == 'fit' or", "something is missing at the end"),
        ("not status = error", "Text is written in quotes: 'ERROR'"),
    ):
        field.fill(typed)
        inspector.drawn()
        alert = inspector.element.get_by_role("alert")
        alert.wait_for()
        assert said in alert.inner_text()
        assert count.count() == 0
        box, under = inspector.element.bounding_box(), alert.bounding_box()
        assert box is not None
        assert under is not None
        assert place is not None
        assert under["y"] >= place["y"] + place["height"]
        assert box["x"] <= under["x"]
        assert under["x"] + under["width"] <= box["x"] + box["width"]
    field.fill("predict")
    inspector.until("!s.finder.searching")
    assert count.inner_text().startswith("6 found"), "the code of cells is looked at where nothing else has it"
    assert inspector.element.get_by_role("alert").count() == 0
