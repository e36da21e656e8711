from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest

from nbtrace.store.cells import Execution
from nbtrace.store.schema import Row
from nbtrace.store.store import SpanStore
from nbtrace.views import feed as module
from nbtrace.views.feed import Feed, stop_all
from nbtrace.views.wire import Frame
from tests.rows import row
from tests.views.test_wire import read


class Browser:
    """Takes frames as the browser does, and checks that none is missing."""

    def __init__(self) -> None:
        self.frames: queue.Queue[Frame] = queue.Queue()
        self.rows = 0
        self.names: list[str] = []
        self.described: set[int] = set()
        self.now = 0.0

    def take(self, sent: Frame) -> None:
        header, columns = read(sent)
        if header["kind"] == "details":
            self.described |= set(columns[0].tolist())
            return
        if header["reset"]:
            self.rows, self.names, self.described = 0, [], set()
        assert header["first"] == self.rows
        self.now = header["now"]
        self.rows += header["count"]
        self.names += header["names"]

    def until(self, rows: int, described: int) -> None:
        while self.rows < rows or len(self.described) < described:
            self.take(self.frames.get(timeout=30))


@pytest.fixture
def browser() -> Iterator[Browser]:
    yield Browser()
    stop_all()


def feed(store: SpanStore, browser: Browser, **options: object) -> Feed:
    made = Feed(store, browser.frames.put, **options)  # type: ignore[arg-type]
    browser.take(made.first())
    made.start()
    return made


def test_what_is_there_comes_first_and_what_is_new_follows(browser: Browser) -> None:
    store = SpanStore()
    for i in range(1, 2_501):
        store.append(row(i))
    feed(store, browser)
    assert browser.rows == 2_500
    browser.until(2_500, described=2_500)
    for i in range(2_501, 40_001):
        store.append(row(i, name=f"n{i % 3}"))
    browser.until(40_000, described=40_000)
    assert set(browser.names) == {"work", "n0", "n1", "n2"}


def test_a_running_span_is_told_of_once(browser: Browser) -> None:
    store = SpanStore()
    running: list[Row] = [row(1, end=0)]
    store.running_rows = lambda: list(running)
    feed(store, browser)
    assert browser.rows == 1
    now = browser.now
    while browser.now == now:  # the time goes on, though nothing happens
        browser.take(browser.frames.get(timeout=30))
    assert browser.rows == 1
    running.append(row(2, parent=1, end=0))
    browser.until(2, described=2)
    store.append(running.pop())
    store.append(row(3, parent=1))
    browser.until(3, described=3)


def test_a_browser_that_comes_back_gets_everything(browser: Browser) -> None:
    store = SpanStore()
    for i in range(1, 101):
        store.append(row(i))
    made = feed(store, browser)
    browser.until(100, described=100)
    made.hello(100, 100)
    assert browser.frames.empty()
    browser.described.clear()
    made.hello(100, 0)
    browser.until(100, described=100)
    made.hello(0, 0)
    browser.rows = 0
    browser.described.clear()
    browser.until(100, described=100)


def test_while_nobody_looks_nothing_is_sent(browser: Browser) -> None:
    """And no thread is at work; who comes back gets what came meanwhile."""
    store = SpanStore()
    store.append(row(1))
    made = feed(store, browser)
    browser.until(1, described=1)
    made.rest()
    assert made._thread is not None
    made._thread.join(30)
    store.append(row(2))
    assert browser.frames.empty()
    made.hello(1, 1)
    browser.until(2, described=2)
    made.stop()
    made._thread.join(30)
    store.append(row(3))
    made.hello(2, 2)
    assert browser.frames.empty()
    made.hello(0, 0)
    browser.rows = 0
    browser.until(3, described=3)


def test_after_a_reset_it_starts_anew(browser: Browser) -> None:
    store = SpanStore()
    store.append(row(1, name="old"))
    feed(store, browser)
    store.clear()
    store.append(row(2, name="new"))
    while browser.names != ["new"]:
        browser.take(browser.frames.get(timeout=30))
    assert browser.rows == 1


def test_the_cell_that_opens_it_is_shown_when_something_happens_in_it(browser: Browser) -> None:
    store = SpanStore()
    store.append(row(1, cell=1))
    running = [row(2, cell=2, end=0)]
    store.running_rows = lambda: list(running)
    feed(store, browser, asking=Execution(2, 2, None, "", 1, span_id=2))
    browser.until(1, described=1)
    assert browser.rows == 1
    store.append(row(3, parent=2, cell=2))
    browser.until(3, described=3)


def test_the_details_of_old_rows_can_be_asked_for(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those of the last spans are sent unasked."""
    monkeypatch.setattr(module, "MAX_DETAILS", 100)
    store = SpanStore(max_spans=8_000)
    for i in range(1, 2_501):
        store.append(row(i))
    made = feed(store, browser, live=False)
    browser.until(2_500, described=500)
    assert browser.described == set(range(2_000, 2_500))
    browser.described.clear()
    made.describe(7)
    browser.until(2_500, described=1)
    assert browser.described == {7}
    made.describe(999_999)


def test_what_the_recording_has_dropped_is_forgotten(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """So neither the kernel nor the browser grows without end."""
    monkeypatch.setattr(module, "MAX_DETAILS", 100)
    store = SpanStore(max_spans=1_000)
    made = feed(store, browser)
    for i in range(1, 20_001):
        store.append(row(i))
        if i % 500 == 0:
            with made._lock:
                pass
    while browser.rows > 2_100 or made._encoder.rows > 2_100 or made._mark != store.since(None)[1]:
        browser.take(browser.frames.get(timeout=30))
    assert sum(len(placed.rows) for placed in made._older) <= 2_100
