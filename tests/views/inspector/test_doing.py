"""What an inspector is told of what running cells are doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from nbtrace.store.book import Execution
from nbtrace.store.now import Now
from nbtrace.store.schema import SAMPLE_BYTES, Row
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector import doing as module
from nbtrace.views.inspector.feed import stop_all
from nbtrace.views.inspector.narrowed import among
from tests.rows import row
from tests.store.test_samples import sample, stack
from tests.views.inspector.test_feed import Browser, feed

FILE = "/cells/1.py"


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """One that is told at each look, whatever has been told before."""
    for pause in ("PAUSE_S", "STEADY_S", "PATIENCE_S"):
        monkeypatch.setattr(module, pause, 0.0)
    yield Browser()
    stop_all()


class Running(SpanStore):
    """A store with cells that run, and what they are doing."""

    def __init__(self, *sources: str) -> None:
        super().__init__(sampling=100)
        self.cell_rows: list[Row] = []
        self.sources["test"] = lambda: list(self.cell_rows)
        self.runs: list[Execution] = []
        for source in sources:
            run = self.cells.open(execution_count=len(self.runs) + 1, cell_id=None, source=source)
            run.span_id, run.file = 100 + run.number, FILE
            self.runs.append(run)
            self.cell_rows.append(row(run.span_id, trace=run.number, end=0, cell=run.number, name=f"cell {run.number}"))

    def at(
        self, line: int, *, of: int = 0, begun: int = 0, seen: int | None = None, function: str = "<module>"
    ) -> None:
        seen = time.time_ns() if seen is None else seen
        number = self.runs[of].number
        self.now[number] = Now(1, 2, begun or seen, line, 0, begun or seen, seen, function, FILE)


def until(browser: Browser, *codes: str) -> list[list[Any]]:
    """What is told, once these lines are those that are."""
    while [each[2] for each in browser.doing] != list(codes):
        browser.next()
    return browser.doing


def test_it_is_told_when_it_changes_and_that_it_has_ended(browser: Browser) -> None:
    store = Running("a()\nb()")
    feed(store, browser)
    store.at(1, begun=3_000_000_000)
    [told] = until(browser, "a()")
    assert told == [store.runs[0].number, 1, "a()", 1, 2, 3000.0, 3000.0, 0.0, "", ""]
    store.at(2)
    until(browser, "b()")
    store.now.clear()
    until(browser)


def test_it_is_told_with_the_function_that_samples_find(browser: Browser) -> None:
    """Those that come later count with those that were there."""
    store = Running("a()")
    number = store.runs[0].number
    hot = stack("hot")
    for i in range(6):
        store.samples.append(sample(i, cell=number, of=hot), SAMPLE_BYTES)
    feed(store, browser)
    store.at(1, function="read")
    [told] = until(browser, "a()")
    assert told[-2:] == ["read", ""]
    for i in range(6):
        store.samples.append(sample(i, cell=number, of=hot), SAMPLE_BYTES)
    while browser.doing[0][-1] != "hot 100 %":
        browser.next()


def test_what_is_not_looked_at_any_more_says_since_when(browser: Browser) -> None:
    store = Running("a()")
    feed(store, browser)
    long_ago = time.time_ns() - 60_000_000_000
    store.at(1, seen=long_ago)
    [told] = until(browser, "a()")
    assert told[7] == pytest.approx(long_ago / 1e6)


def test_of_cells_that_are_not_told_of_nothing_is_said(browser: Browser) -> None:
    """A narrowed inspector holds nothing of other spans."""
    store = Running("secret()", "a()")
    feed(store, browser, choose=among(frozenset([f"{store.runs[1].span_id:016x}"])))
    store.at(1, of=0)
    store.at(1, of=1)
    [told] = until(browser, "a()")
    assert told[0] == store.runs[1].number


def test_a_browser_that_comes_back_is_told_again(browser: Browser) -> None:
    """Nothing that was said may have arrived, though it has all spans."""
    store = Running("a()")
    feed(store, browser)
    store.at(1, begun=1)
    until(browser, "a()")
    browser.doing = []
    browser.hello()
    until(browser, "a()")
    browser.begin()
    browser.hello()
    until(browser, "a()")


def test_who_follows_no_more_says_that_nothing_is_done(browser: Browser) -> None:
    """Or the browser would go on saying that it is."""
    store = Running("a()")
    made = feed(store, browser)
    store.at(1)
    until(browser, "a()")
    made.stop()
    until(browser)


def test_nothing_is_told_again_that_has_not_changed() -> None:
    """Nor too often, nor of a cell that has just begun; a function that changes is told once in a while."""
    store = Running("a()\nb()")
    told = module.DoingTold(store)
    store.at(1, begun=1, function="f")
    assert told.news(lambda each: True) is None, "it has just begun"
    told._first = dict.fromkeys(store.now, -1e9)
    assert told.news(lambda each: False) is None, "its span is not told of"
    assert told.news(lambda each: True) is not None
    told._at = told._steady_at = -1e9
    assert told.news(lambda each: True) is None
    store.at(1, begun=1, function="g")
    assert told.news(lambda each: True) is None, "the function alone"
    told._steady_at = -1e9
    assert told.news(lambda each: True) is not None
    store.at(2)
    assert told.news(lambda each: True) is None, "too soon"
    told._at = -1e9
    assert told.news(lambda each: True) is not None
