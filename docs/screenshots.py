"""Make the pictures of the inspector in docs/images, light and dark, in a real JupyterLab: the slow cell of notebook 01 with what
it took below, each view of the spans of notebook 05, the inside of the slow cell of notebook 06, what workers did of notebook 09,
and a cell that hangs; and in docs/images/look every view at the widths of a large screen, a notebook and half of one.

`python docs/screenshots.py`, or `python docs/screenshots.py slow-cell` or `look` for the first or the last alone; needs what
tests/e2e need."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402

from tests.e2e.lab import CHROMIUM, InspectorOnPage, Lab, Notebook, lab_server  # noqa: E402

VIEWS = {
    "1": "waterfall",
    "4": "left-heavy",
    "5": "sandwich",
    "6": "cells",
    "7": "table",
    "8": "errors",
}
"""Of notebook 05, whose author has made spans."""

EVERY = ("waterfall", "code", "time", "heavy", "sandwich", "cells", "table", "errors")
WIDTHS = (1600, 1085, 530)

HANG = """for text in list(trips["start"]) * 10:
    hour(text)"""
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 250))))"


def opened(page: Any, notebook: Notebook, wanted: str) -> InspectorOnPage:
    """Run the notebook up to its inspector, and wait until that has what is `wanted`."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    widgets = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.map(w => w.model.type)")
    for place in (place for place, kind in enumerate(widgets) if kind == "code"):
        page.evaluate("at => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = at; }", place)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
        notebook.wait(place)
        if page.locator(".nbt").count():
            break
    inspector = InspectorOnPage(page)
    inspector.until(wanted)
    inspector.element.evaluate("e => { e.style.maxHeight = '430px'; e.scrollIntoView({block: 'center'}); }")
    return inspector


def shot(page: Any, inspector: InspectorOnPage, name: str, folder: str = "") -> None:
    """Take a picture of the inspector as it is."""
    page.evaluate(DRAWN)
    page.evaluate("() => document.activeElement?.blur()")
    file = f"{name}.png" if folder else f"inspector-{name}.png"
    inspector.element.screenshot(path=ROOT / "docs" / "images" / folder / file)


def spans(page: Any, notebook: Notebook, theme: str) -> None:
    """Take a picture of each view of the spans of notebook 05."""
    inspector = opened(page, notebook, "s.details.size > 100 && s.painted.count > 0 && s.profile.count > 0")
    for key, view in VIEWS.items():
        if view == "waterfall":
            inspector.ask(
                "(s.select([...Array(s.trace.count).keys()].find(r => s.trace.nameOf(r) === 'solve'), true), 0)"
            )
            inspector.until("s.selected >= 0")
            inspector.element.get_by_role("complementary").locator(".nbt-pairs").get_by_text("metrics").first.wait_for()
        elif view == "sandwich":
            inspector.ask("(s.name = s.trace.names.indexOf('fit'), 0)")
        elif view == "left-heavy":
            inspector.ask("(s.select(-1), 0)")
        inspector.ask("(s.scope.chosen = -1, s.zoom.fit(), 0)")
        inspector.key(key)
        shot(page, inspector, f"{view}-{theme}")


def look(page: Any, notebook: Notebook, theme: str) -> None:
    """Take a picture of each view of the spans of notebook 05 at each width, and of the critical path and a span in the panel."""
    inspector = opened(page, notebook, "s.details.size > 100 && s.profile.count > 0")
    for width in widths(inspector):
        for view in (*EVERY, "critical", "panel"):
            inspector.ask("(s.select(-1), s.name = s.trace.names.indexOf('fit'), s.scope.chosen = -1, s.zoom.fit(), 0)")
            inspector.ask(f"(s.show('{view if view in EVERY else 'waterfall'}'), 0)")
            inspector.ask("(s.code.look([...s.trace.cells].find(([, info]) => info[1] === 4)[0]), 0)")
            if view == "panel":
                found = "[...Array(s.trace.count).keys()].find(r => s.trace.nameOf(r) === 'solve')"
                inspector.ask(f"(s.select({found}, true), 0)")
                inspector.element.get_by_role("complementary").get_by_text("Identity").wait_for()
            if view == "critical":
                inspector.ask("(s.toggle('critical'), 0)")
            shot(page, inspector, f"{view}-{width}-{theme}", folder="look")
            if view == "critical":
                inspector.ask("(s.toggle('critical'), 0)")


def widths(inspector: InspectorOnPage) -> Iterator[int]:
    """As wide as a large screen, as a notebook beside its files, and as half of it; the inspector is so wide meanwhile."""
    (ROOT / "docs" / "images" / "look").mkdir(exist_ok=True)
    inspector.element.evaluate("e => { e.style.maxHeight = '460px'; }")
    for width in WIDTHS:
        inspector.element.evaluate("(e, w) => { e.parentElement.parentElement.style.width = `${w}px`; }", width)
        yield width


def runs(page: Any, lab: Lab, theme: str) -> None:
    """Take a picture, at each width, of the slow cell of notebook 01 against what its author made of it."""
    load, imports, orders, slow, *_ = code_of("01_quickstart.ipynb")
    notebook = Notebook.make(page, lab, "runs.ipynb", load, imports, orders, slow, "nbtrace.view()")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    notebook.run(0, 1, 2, 3, 3, 3)
    page.evaluate(
        """() => { const model = window.jupyterapp.shell.currentWidget.content.widgets[3].model.sharedModel;
            model.setSource(model.getSource().replace('agg(lambda amount: amount.quantile(0.9))', 'quantile(0.9)')); }"""
    )
    notebook.run(3, 3, 3, 4)
    inspector = notebook.inspector()
    inspector.until("s.trace.count >= 8 && s.profile.count > 50")
    inspector.key("9")
    for width in widths(inspector):
        shot(page, inspector, f"compare-{width}-{theme}", folder="look")
        if width == 1085:
            shot(page, inspector, f"compare-{theme}")


def inside(page: Any, notebook: Notebook, theme: str) -> None:
    """Take pictures of what is seen of notebook 06, in which nobody has made a span."""
    inspector = opened(page, notebook, "s.view === 'code' && s.profile.count > 20")
    inspector.element.get_by_role("button", name="line 2: what it called", exact=True).click()
    shot(page, inspector, f"code-{theme}")
    inspector.key("3")
    shot(page, inspector, f"flame-{theme}")
    inspector.key("1")
    inspector.ask("(s.select(s.times.spans.get(s.code.cell(s)), true), 0)")
    inspector.element.get_by_role("complementary").get_by_text("Identity").wait_for()
    shot(page, inspector, f"panel-{theme}")


def workers(page: Any, notebook: Notebook, theme: str) -> None:
    """Take a picture of what two workers of notebook 09 did, and of how long that waited."""
    inspector = opened(page, notebook, "s.trace.names.includes('_fit_and_score') && s.profile.count > 50")
    inspector.key("1")
    inspector.element.get_by_role("button", name="processes").click()
    inspector.until("s.groups.groups.length === 3")
    shot(page, inspector, f"processes-{theme}")


def hanging(page: Any, notebook: Notebook, theme: str) -> None:
    """Take a picture of a cell that does not end."""
    inspector = notebook.inspector()
    notebook.start(3)
    inspector.element.locator(".nbt-runs").wait_for()
    inspector.until("s.profile.rowsOf(s.code.cell(s)).length > 150")
    inspector.element.evaluate("e => { e.style.maxHeight = '300px'; e.scrollIntoView({block: 'center'}); }")
    shot(page, inspector, f"hang-{theme}")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    notebook.wait(3)


def slow_cell(page: Any, lab: Lab, theme: str) -> None:
    """Take the README's picture: the slow cell of notebook 01 as it stands in the notebook, and its inspector below."""
    load, imports, orders, slow, *_ = code_of("01_quickstart.ipynb")
    notebook = Notebook.make(page, lab, "slow_cell.ipynb", load, imports, orders, slow, "nbtrace.view(cell=4)")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    notebook.run(0, 1, 2, 3, 4)
    inspector = notebook.inspector()
    inspector.until("s.view === 'code' && s.profile.count > 20")
    inspector.element.get_by_role("button", name="line 3: what it called", exact=True).click()
    inspector.element.evaluate("e => { e.style.maxHeight = '330px'; }")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cells.nth(3).evaluate("e => e.scrollIntoView({block: 'start'})")
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
    page.evaluate(DRAWN)
    page.evaluate("() => document.activeElement?.blur()")
    above, below = cells.nth(3).bounding_box(), inspector.element.bounding_box()
    size = {"x": above["x"], "y": above["y"], "width": above["width"]}
    page.screenshot(
        path=ROOT / "docs" / "images" / f"slow-cell-{theme}.png",
        clip=size | {"height": below["y"] + below["height"] + 8 - above["y"]},
    )


def code_of(name: str) -> list[str]:
    """The cells with code of a notebook."""
    cells = json.loads((ROOT / "notebooks" / name).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def main(only: Sequence[str] = ()) -> None:
    """Light and dark."""
    names = ("05_inspector.ipynb", "06_why_slow.ipynb", "09_many_processes.ipynb")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for theme in ("light", "dark"):
            with tempfile.TemporaryDirectory() as folder, lab_server(Path(folder), dark=theme == "dark") as lab:
                page = browser.new_page(viewport={"width": 1100, "height": 900}, device_scale_factor=2)
                if list(only) != ["look"]:
                    slow_cell(page, lab, theme)
                page.close()
                if list(only) == ["slow-cell"]:
                    continue
                for name in names:
                    shutil.copy(ROOT / "notebooks" / name, folder)
                page = browser.new_page(viewport={"width": 1900, "height": 900})
                notebook = Notebook(page, lab, names[0]).open()
                page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
                look(page, notebook, theme)
                page.close()
                page = browser.new_page(viewport={"width": 1900, "height": 900})
                runs(page, lab, theme)
                page.close()
                if list(only) == ["look"]:
                    continue
                for name, take in zip(names, (spans, inside, workers), strict=True):
                    page = browser.new_page(viewport={"width": 1200, "height": 900})
                    notebook = Notebook(page, lab, name).open()
                    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
                    take(page, notebook, theme)
                    page.close()
                page = browser.new_page(viewport={"width": 1200, "height": 900})
                load, trips, slow, *_ = code_of(names[1])
                notebook = Notebook.make(page, lab, "hang.ipynb", load, f"{trips}\n{slow}", "nbtrace.view()", HANG)
                page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
                notebook.run(0, 1, 2)
                hanging(page, notebook, theme)
                page.close()
        browser.close()


main(sys.argv[1:])
