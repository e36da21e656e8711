"""Make the pictures of the inspector in docs/images: every view, light and dark, of notebook 05 in a real JupyterLab.

`python docs/screenshots.py`; needs what tests/e2e need."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402

from tests.e2e.lab import CHROMIUM, InspectorOnPage, Notebook, lab_server  # noqa: E402

VIEWS = {
    "4": "waterfall",
    "1": "flame",
    "2": "left-heavy",
    "3": "sandwich",
    "5": "cells",
    "6": "table",
    "7": "errors",
    "8": "compare",
}


def take(page: Any, notebook: Notebook, name: str) -> None:
    """Run the notebook and take a picture of each view."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    widgets = notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.map(w => w.model.type)"
    )
    code = [place for place, kind in enumerate(widgets) if kind == "code"]
    for number in range(len(code)):
        page.evaluate(
            "place => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = place; }", code[number]
        )
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
        notebook.wait(code[number])
        if page.locator(".nbt").count():
            break
    inspector = InspectorOnPage(page)
    inspector.until("s.details.size > 100 && s.painted.count > 0")
    inspector.element.evaluate("e => { e.style.height = '430px'; e.scrollIntoView({block: 'center'}); }")
    for key, view in VIEWS.items():
        if view == "waterfall":
            inspector.ask(
                "(s.select([...Array(s.trace.count).keys()].find(r => s.trace.nameOf(r) === 'solve'), true), 0)"
            )
            inspector.until("s.selected >= 0")
            inspector.element.get_by_role("complementary").get_by_text("metrics").wait_for()
        elif view == "sandwich":
            inspector.ask("(s.name = s.trace.names.indexOf('fit'), 0)")
        elif view == "left-heavy":
            inspector.ask("(s.select(-1), 0)")
        inspector.ask("(s.scope.chosen = -1, s.zoom.fit(), 0)")
        inspector.key(key)
        page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 250))))"
        )
        page.evaluate("() => document.activeElement?.blur()")
        inspector.element.screenshot(path=ROOT / "docs" / "images" / f"inspector-{view}-{name}.png")


def main() -> None:
    """Light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for dark in (False, True):
            with tempfile.TemporaryDirectory() as folder, lab_server(Path(folder), dark=dark) as lab:
                shutil.copy(ROOT / "notebooks" / "05_inspector.ipynb", folder)
                page = browser.new_page(viewport={"width": 1200, "height": 900})
                notebook = Notebook(page, lab, "05_inspector.ipynb").open()
                page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
                take(page, notebook, "dark" if dark else "light")
                page.close()
        browser.close()


main()
