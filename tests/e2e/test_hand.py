"""What hands expect of the inspector: it tells what is below the pointer, keeps its keys after a click, and leads to the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat

from tests.e2e.lab import InspectorOnPage, Lab, Notebook

Make = Callable[..., Notebook]

LOAD = "%load_ext nbtrace\nimport nbtrace"
DIVIDE = "def ratio(x):\n    return 1 / x"
FAIL = """with nbtrace.span("outer", region="north"):
    for each in range(2):
        with nbtrace.span("inner", each=each):
            if each: ratio(0)"""


def shown(notebook: Make) -> InspectorOnPage:
    book = notebook(LOAD, DIVIDE, FAIL, "nbtrace.view()")
    book.run(0, 1, 2, 3)
    inspector = book.inspector()
    inspector.until("s.trace.count === 5 && s.details.size === 5")
    return inspector


def point(inspector: InspectorOnPage, line: int) -> None:
    """Move the pointer to the bar of a line of the waterfall."""
    box = inspector.element.locator("canvas.nbt-canvas").bounding_box()
    assert box is not None
    inspector.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 22 + 22 * line + 11)


def test_beside_the_pointer_stands_what_is_below_it(notebook: Make) -> None:
    inspector = shown(notebook)
    inspector.key("1")
    inspector.until("s.view === 'waterfall' && s.lines.count > 3")
    inspector.element.get_by_role("cell", name="outer", exact=True).wait_for(state="attached")
    point(inspector, inspector.names().index("outer"))
    tip = inspector.element.get_by_role("tooltip")
    tip.get_by_text("region").wait_for()
    told = tip.inner_text().replace("\n", " ")
    assert told.startswith("✗ outer duration ")
    assert " % of cell [3]" in told
    assert "ZeroDivisionError" in told or "division by zero" in told
    assert told.endswith("region north")
    inspector.page.mouse.move(2, 2)
    tip.wait_for(state="detached")
    inspector.key("6")
    inspector.element.locator("[data-span]").first.hover()
    tip.get_by_text("duration").wait_for()
    inspector.key("4")
    box = inspector.element.locator("canvas.nbt-canvas").bounding_box()
    assert box is not None
    inspector.page.mouse.move(box["x"] + 20, box["y"] + 9)
    tip.get_by_text("% of all").wait_for()


def test_keys_work_after_a_click_on_a_row_that_leads_elsewhere(notebook: Make) -> None:
    inspector = shown(notebook)
    for key, name in (("6", "[3]"), ("7", "inner")):
        inspector.key(key)
        inspector.element.get_by_role("button", name=name, exact=True).click()
        inspector.until("s.view === 'waterfall'")
        assert inspector.page.evaluate("() => document.activeElement.closest('.nbt') !== null")
        inspector.page.keyboard.press("2")
        inspector.until("s.view === 'code'")


def test_a_line_of_a_traceback_leads_to_its_code(notebook: Make) -> None:
    """From the panel, whose own lines of code lead there too; the line that failed is marked in both."""
    inspector = shown(notebook)
    inspector.key("1")
    inspector.ask("(s.select([...s.times.spans.values()].pop(), true), 0)")
    panel = inspector.element.get_by_role("complementary", name="Selected span")
    failed = panel.locator(".nbt-row.nbt-failed", has_text="ratio(0)")
    failed.wait_for()
    assert failed.inner_text().replace(" ", "").startswith("✗4")
    inspector.ask("(s.select([...Array(s.trace.count).keys()].find(r => s.trace.errors[r]), true), 0)")
    panel.get_by_role("button", name="Cell In[2], line 2").click()
    inspector.until("s.view === 'code' && s.code.line === 2")
    assert "return 1 / x" in inspector.element.locator(".nbt-aimed").inner_text()
    identity = panel.get_by_text("Identity")
    assert not panel.get_by_text("jupyter.kernel.id").is_visible()
    identity.click()
    panel.get_by_text("trace id").wait_for()


def test_the_table_in_the_notebook_is_renewed_and_alone_without_a_kernel(notebook: Make, page: Any, lab: Lab) -> None:
    """Shown twice, each view hides it; reopened, no error stands below it; it says of when it is."""
    book = notebook(LOAD, "nbtrace.view()", "with nbtrace.span('later'): pass")
    book.run(0, 1)
    book.inspector()
    page.locator(".jp-Notebook .jp-CodeCell").nth(1).locator(".jp-InputPrompt").click()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:create-output-view')")
    page.locator(".jp-LinkedOutputView .nbt").wait_for()
    assert page.locator(".nbtrace-twin:visible").count() == 0
    book.run(2)
    page.locator(".jp-Notebook .nbtrace-twin").get_by_text("└─ later").wait_for(state="attached")
    assert page.locator(".nbtrace-twin:visible").count() == 0
    book.save()
    stored = nbformat.read(lab.root / book.name, as_version=4).cells[1].outputs[0].data
    assert "later" in stored["text/html"]
    assert "as of 20" in stored["text/plain"]
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    book.open()
    page.locator(".nbtrace-twin").wait_for()
    lost = page.get_by_text("model not found")
    lost.wait_for(state="attached")
    assert not lost.is_visible()
