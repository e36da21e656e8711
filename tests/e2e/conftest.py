"""A browser and a JupyterLab for all tests of this folder; without them the tests say why they are skipped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.lab import CHROMIUM, Lab, Notebook, lab_server

REQUIRED = "NBTRACE_E2E_REQUIRED" in os.environ


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if not REQUIRED:
        pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install playwright")
        pytest.importorskip("jupyterlab", reason="browser tests need jupyterlab")
        if CHROMIUM is None:
            pytest.skip("browser tests need Chromium on the PATH, or its place in NBTRACE_CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_server(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page on which no script fails, no dialog opens and nothing is asked from outside."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: wrong.append(request.url) if _outside(request.url) else None)
    yield page
    context.close()
    assert not wrong


def _outside(url: str) -> bool:
    return not url.startswith(
        ("http://127.0.0.1:", "http://localhost:", "ws://127.0.0.1:", "data:", "blob:", "file:", "about:")
    )


@pytest.fixture
def notebook(lab: Lab, page: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Notebook]]:
    """Opens a notebook of the given cells."""

    def make(*cells: str) -> Notebook:
        return Notebook.make(page, lab, f"{request.function.__name__}.ipynb", *cells)

    yield make
    page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
