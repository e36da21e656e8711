"""What an edit did, seen in a browser: which runs are set side by side, the lines that changed, the times."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.e2e.lab import Notebook

Make = Callable[..., Notebook]

LOAD = """%load_ext nbtrace
import time
from opentelemetry import trace
tracer = trace.get_tracer("work")"""
WORK = """for item in range(2):
    with tracer.start_as_current_span("item"):
        time.sleep(0.01)
print("done")"""


def edit(book: Notebook, cell: int, old: str, new: str) -> None:
    """Write something else into a cell."""
    book.page.evaluate(
        """([cell, old, now]) => { const model = window.jupyterapp.shell.currentWidget.content.widgets[cell].model.sharedModel;
            model.setSource(model.getSource().replace(old, now)); }""",
        [cell, old, new],
    )


def test_the_runs_before_an_edit_stand_against_those_since_below_the_lines_that_changed(notebook: Make) -> None:
    book = notebook(LOAD, WORK, "import nbtrace; nbtrace.view()")
    book.run(0, 1, 1, 1)
    edit(book, 1, "range(2)", "rang(2)")
    book.run(1)
    edit(book, 1, "rang(2)", "range(8)")
    book.run(1, 2)
    inspector = book.inspector()
    inspector.until("s.trace.count >= 17")
    inspector.key("9")
    before, since = inspector.choice("before the edit"), inspector.choice("since the edit")
    assert before.inner_text().startswith("3 runs, [2] [3] [4] · ")
    assert since.inner_text().startswith("[6] · ")
    inspector.element.get_by_text("[5] failed and is left out").wait_for()
    changed = inspector.element.get_by_role("table", name="what changed in the code").locator("tr")
    assert [line.split("\t") for line in changed.all_inner_texts()][:2] == [
        ["1", "−", "for item in range(2):"],
        ["1", "+", "for item in range(8):"],
    ]
    item = inspector.element.locator("tbody tr", has_text="item in cell")
    assert item.locator("td").nth(5).inner_text() in ("slower", "more")  # by how busy the machine is
    assert item.locator("td").nth(6).inner_text() == "2 → 8"
    inspector.key("6")
    failed = inspector.element.locator("tbody tr", has_text="[5]")
    failed.get_by_text("not compared").wait_for()
    inspector.element.locator("tbody tr", has_text="[4]").get_by_title("compare").click()
    inspector.until("s.view === 'compare'")
    inspector.element.get_by_text("The code is the same.").wait_for()
    since = inspector.choice("after")
    assert since.inner_text().startswith("[4] · ")
    inspector.choose("after", re.compile(r"^\[6\] "))
    changed.first.wait_for()


def test_of_a_fix_the_code_is_compared_and_not_the_time(notebook: Make) -> None:
    book = notebook(LOAD, "print(missing)", "import nbtrace; nbtrace.view()")
    book.run(0, 1)
    edit(book, 1, "missing", "1")
    book.run(1, 2)
    inspector = book.inspector()
    inspector.until("s.trace.count >= 2")
    inspector.key("9")
    inspector.element.get_by_text("[2] failed, so what it took is not what the whole work takes").wait_for()
    assert inspector.element.locator(".nbt-added").inner_text().split("\t") == ["1", "+", "print(1)"]
    assert not inspector.element.locator("canvas").count()


def test_runs_before_an_edit_of_a_function_stand_against_those_since_below_its_lines(notebook: Make) -> None:
    """The caller's own code stays as it is: stacks tell whose code ran in it."""
    work = "def work(k):\n    time.sleep(0.02)"
    book = notebook(LOAD, work, "for k in range(15):\n    work(k)", "import nbtrace; nbtrace.view()")
    book.run(0, 1, 2, 2)
    edit(book, 1, "0.02", "0.06")
    book.run(1, 2, 2, 3)
    inspector = book.inspector()
    inspector.until("s.trace.count >= 6 && s.profile.count > 20")
    inspector.key("9")
    before, since = inspector.choice("before the edit"), inspector.choice("since the edit")
    assert before.inner_text().startswith("2 runs, [3] [4] · ")
    assert since.inner_text().startswith("2 runs, [6] [7] · ")
    called = inspector.element.get_by_role("table", name="what changed in cell [5], called from it").locator("tr")
    assert [line.split("\t") for line in called.all_inner_texts()][-2:] == [
        ["2", "−", "    time.sleep(0.02)"],
        ["2", "+", "    time.sleep(0.06)"],
    ]
    # A side that has all with its code names no run of the other.
    inspector.choose("since the edit", re.compile(r"^\[7\] "))
    inspector.choose("before the edit", re.compile(r"^2 runs, \[6\]"))
    before, since = inspector.choice("before"), inspector.choice("after")
    assert before.inner_text().startswith("[6] · ")
    assert since.inner_text().startswith("[7] · ")
