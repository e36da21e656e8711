"""The lines of the waterfall: lanes, what they hide, and where the first look goes."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.e2e.lab import Notebook

Make = Callable[..., Notebook]

LOAD = "%load_ext nbtrace\nimport nbtrace, time, threading"
POOL = """from contextvars import copy_context
def task(model):
    with nbtrace.span("task", model=model):
        with nbtrace.span("fit"):
            if model == "tree": raise ValueError(model)
def quiet(model):
    try: task(model)
    except ValueError: pass
for name, model in [("first", "ridge"), ("second", "tree")]:
    thread = threading.Thread(target=copy_context().run, args=(quiet, model), name=name)
    thread.start()
    thread.join()"""


def test_threads_and_attributes_are_lanes_that_close_over_their_errors(notebook: Make) -> None:
    """The choice offers the attributes that there are."""
    book = notebook(LOAD, POOL, "nbtrace.view()")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.details.size === 5")
    inspector.choose("group by", "by thread")
    inspector.until("s.groups.groups.length === 3 && s.lines.count === 8")
    lines = inspector.element.locator(".nbt-read tbody tr")
    lines.filter(has_text="MainThread · 1 span").wait_for(state="attached")
    assert [inspector.names()[line] for line in (0, 2, 5)] == [
        "MainThread · 1 span",
        "first · 2 spans",
        "second · 2 spans",
    ]
    canvas = inspector.element.locator("canvas.nbt-canvas")
    canvas.click(position={"x": 60, "y": 22 + 5 * 22 + 11})
    inspector.until("s.lines.count === 6")
    lines.filter(has_text="✗ 2 hidden").wait_for(state="attached")
    assert lines.nth(5).inner_text().endswith("✗ 2 hidden")
    inspector.choose("group by", re.compile("^by model 2 spans$"))
    lines.filter(has_text="ridge · 2 spans").wait_for(state="attached")
    assert inspector.names()[:2] == ["ridge · 2 spans", "task"]


def test_a_name_clicked_in_the_table_is_shown_though_its_parents_were_closed(notebook: Make) -> None:
    book = notebook(LOAD, POOL, "nbtrace.view()")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until("s.details.size === 5")
    inspector.key("[")
    inspector.until("s.lines.count === 3")
    inspector.key("7")
    inspector.element.get_by_role("button", name="fit", exact=True).click()
    inspector.until("s.view === 'waterfall' && s.lines.count === 5")
    inspector.key("Escape")
    inspector.until("s.lines.count === 3")


def test_it_begins_with_what_the_opening_cell_did_or_with_everything(notebook: Make) -> None:
    """However little of the time was spent in cells, and after a reload of the page too."""
    work = "with nbtrace.span('mine'): pass\nview = nbtrace.view()\nview"
    book = notebook(LOAD, POOL, "time.sleep(2)", POOL, "nbtrace.view()", work)
    book.run(0, 1, 2, 3, 4, 5)
    book.inspector(0).until("s.trace.count >= 11 && s.scope.root === -1")
    second = "s.trace.names.includes('mine') && s.scope.root >= 0 && s.lines.count === 2"
    book.inspector(1).until(second)
    # Once the table in front of it is renewed, nothing changes the notebook any more.
    book.page.locator(".nbtrace-twin", has_text="mine").first.wait_for(state="attached")
    book.save()
    book.open()
    book.inspector(1).until(second)
