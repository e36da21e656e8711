from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from nbtrace.store.book import Execution
from nbtrace.store.schema import Row
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector import told as module
from nbtrace.views.inspector.feed import Feed, resend, stop_all
from nbtrace.views.inspector.frames import Frame
from nbtrace.views.inspector.narrowed import among
from tests.profiles import Made
from tests.rows import row
from tests.views.inspector.profile import Profile
from tests.views.inspector.test_wire import read

pytestmark = pytest.mark.once


class Browser:
    """Takes frames as the browser does, and checks that none is missing."""

    def __init__(self) -> None:
        self.frames: queue.Queue[Frame] = queue.Queue()
        self.feed: Feed | None = None
        self.resets = 0
        self.now = 0.0
        self.doing: list[list[Any]] = []
        self.begin()

    def begin(self) -> None:
        """Know nothing, as after a reload of the page."""
        self.rows = self.received = self.profiles = 0
        self.names: list[str] = []
        self.here: dict[int, int] = {}
        """The name of each row that has not been forgotten."""
        self.described: set[int] = set()
        self.most = 0
        self.doing = []
        self.profile = Profile()

    def take(self, sent: Frame) -> None:
        header, columns = read(sent)
        if header["kind"] == "details":
            self.received += len(columns[0])
            self.described |= set(columns[0].tolist()) & self.here.keys()
            return
        if header["kind"] == "doing":
            self.doing = header["cells"]
            return
        if header["kind"] == "profile":
            assert header["number"] == self.profiles
            self.profiles += 1
            self.profile.take(header, columns)
            return
        if header["kind"] == "have":
            assert self.feed is not None
            if (header["rows"], header["details"], header["profiles"]) != (self.rows, self.received, self.profiles):
                self.feed.hello(0, 0, 0)
            return
        if header["reset"]:
            self.begin()
            self.resets += 1
        assert header["first"] == self.rows
        for gone in columns[-1].tolist():
            del self.here[gone]
            self.described.discard(gone)
        self.now = header["now"]
        self.rows += header["count"]
        self.names += header["names"]
        for code, text in header["renamed"]:
            self.names[code] = text
        self.here |= dict(zip(range(header["first"], self.rows), columns[2].tolist(), strict=True))
        self.here |= dict(zip(columns[7].tolist(), columns[9].tolist(), strict=True))
        self.most = max(self.most, len(self.here))

    def next(self) -> None:
        self.take(self.frames.get(timeout=30))

    def until(self, rows: int, described: int) -> None:
        while self.rows < rows or len(self.described) < described:
            self.next()

    def hello(self) -> None:
        """Greet with what is here."""
        assert self.feed is not None
        self.feed.hello(self.rows, self.received, self.profiles)

    def quiet(self) -> None:
        """Take what is sent until all that was asked is answered: the feed at work has nothing left to say."""
        assert self.feed is not None
        while self.feed._hello is not None or self.feed._told.has_unsent or not self.frames.empty():
            with suppress(queue.Empty):
                self.take(self.frames.get(timeout=0.01))


@pytest.fixture
def browser() -> Iterator[Browser]:
    yield Browser()
    stop_all()


def feed(store: SpanStore, browser: Browser, **options: object) -> Feed:
    made = browser.feed = Feed(store, browser.frames.put, **options)  # type: ignore[arg-type]
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
    store.sources["test"] = lambda: list(running)
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
    """One that lacks nothing gets nothing."""
    store = SpanStore()
    for i in range(1, 101):
        store.append(row(i))
    feed(store, browser)
    browser.until(100, described=100)
    browser.hello()
    browser.quiet()
    assert browser.resets == 1
    browser.begin()
    browser.rows = 100  # the details were lost
    browser.hello()
    browser.until(100, described=100)
    browser.begin()
    browser.hello()
    browser.until(100, described=100)
    assert browser.resets == 3


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
    browser.hello()
    browser.until(2, described=2)
    made.stop()
    made._thread.join(30)
    store.append(row(3))
    browser.hello()
    made._thread.join(30)
    browser.quiet()
    assert browser.rows == 2
    browser.begin()
    browser.hello()
    browser.until(3, described=3)


def test_many_greetings_are_answered_together_by_another_thread(browser: Browser) -> None:
    """So they do not hold the kernel, whatever they say."""
    store = SpanStore()
    for i in range(1, 10_001):
        store.append(row(i))
    sent_by = set()

    def send(sent: Frame) -> None:
        sent_by.add(threading.current_thread())
        browser.frames.put(sent)

    made = browser.feed = Feed(store, send)
    browser.take(made.first())
    made.start()
    for i in range(200):
        made.hello(i % 2, i, 0)
    made.hello(0, 0, 0)
    browser.begin()
    browser.until(10_000, described=10_000)
    assert browser.resets < 10
    assert threading.current_thread() not in sent_by


def test_without_threads_who_asks_is_answered_at_once(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a browser's own Python there are none."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    store = SpanStore(max_spans=8_000)
    for i in range(1, 2_501):
        store.append(row(i))
    with monkeypatch.context() as patch:
        patch.setattr(module, "MAX_DETAILS", 100)
        patch.setattr(threading.Thread, "start", refuse)
        made = feed(store, browser)
        assert browser.frames.empty()
        browser.begin()
        made.hello(0, 0, 0)
        while not browser.frames.empty():
            browser.next()
        assert (browser.rows, len(browser.described)) == (2_500, 500)
        made.describe(7)
        browser.next()
        assert 7 in browser.described
        resend(store)
        browser.next()
        assert browser.resets == 3


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
    store.sources["test"] = lambda: list(running)
    feed(store, browser, opener=Execution(2, 2, None, "", 1, span_id=2))
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
    made.describe(10**400)
    made.describe(999_999)
    made.describe(7)
    browser.until(2_500, described=501)
    assert 7 in browser.described


@pytest.mark.once
def test_what_the_recording_has_dropped_is_forgotten(browser: Browser) -> None:
    """By the browser and by the kernel's side, step by step; a cell that runs on stays, and so do the names in use."""
    store = SpanStore(max_spans=1_000)
    number = store.cells.open(execution_count=1, cell_id=None, source="loop()").number
    running = [row(10**6, name="cell", cell=number, end=0)]
    store.sources["test"] = lambda: list(running)
    made = feed(store, browser)
    for turn in range(40):
        for i in range(500):
            store.append(row(turn * 500 + i + 1, parent=10**6, name=f"turn {turn}", cell=number))
        browser.until(1 + (turn + 1) * 500, described=0)
    browser.quiet()
    assert browser.resets == 1
    assert browser.most <= 1_250 + 1 + 500  # what came with a frame is counted before the next one forgets
    assert len(browser.here) <= 1_250
    assert browser.described <= browser.here.keys()
    assert browser.names[browser.here[0]] == "cell"
    assert {browser.names[name] for name in browser.here.values()} >= {"cell", "turn 38", "turn 39"}
    assert len(browser.names) < 10
    encoder = made._told._encoder
    assert encoder._ended_count <= 1_250
    assert len(encoder._known) + len(encoder._known_before) <= 3_000
    running.clear()
    store.append(row(10**6, name="cell", cell=1, end=9_000))
    for turn in range(40, 44):  # the cell has ended, and is dropped in its turn
        for i in range(500):
            store.append(row(turn * 500 + i + 1, name=f"turn {turn}"))
        browser.until(1 + (turn + 1) * 500, described=0)
    assert 0 not in browser.here
    assert not encoder.running
    assert encoder._cells == {0: len(browser.here)}


def test_a_running_span_that_ended_and_was_dropped_in_between_is_forgotten(browser: Browser) -> None:
    store = SpanStore(max_spans=100)
    running = [row(1, name="short", end=0)]
    store.sources["test"] = lambda: list(running)
    made = feed(store, browser)
    with made._lock:
        running.clear()
        store.append(row(1, end=5_000))
        for i in range(2, 502):
            store.append(row(i))
    while 0 in browser.here:
        browser.next()
    assert not made._told._encoder.running


def test_old_rows_can_be_asked_for_until_they_are_forgotten(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing holds their batches."""
    monkeypatch.setattr(module, "MAX_DETAILS", 100)
    store = SpanStore(max_spans=1_000)
    for i in range(1, 901):
        store.append(row(i, name="old"))
    made = feed(store, browser)
    browser.until(900, described=100)
    assert made._told._older
    for i in range(1_001, 4_001):
        store.append(row(i, name="new"))
        if i % 400 == 0:
            browser.until(900 + i - 1_000, described=0)
    browser.quiet()
    assert not [placed for placed in made._told._older if placed.rows[0] < 900]
    made.describe(5)
    browser.quiet()
    assert 5 not in browser.described


def test_names_that_come_and_go_do_not_pile_up(browser: Browser) -> None:
    """And each row has the name that it was given, whosever number that was before."""
    store = SpanStore(max_spans=800)
    feed(store, browser)
    for turn in range(20):
        for i in range(400):
            store.append(row(turn * 400 + i + 1, name=f"span {turn * 400 + i}"))
        browser.until((turn + 1) * 400, described=0)
        for number, name in browser.here.items():
            assert browser.names[name] == f"span {number}"
    assert len(browser.names) <= 1_600


def test_samples_come_after_the_spans_and_as_they_are_taken(browser: Browser) -> None:
    made = Made()
    cell = made.cell("f()", 0, None, [(0, 1)])
    made.sample(cell, 10, 10, 1, memory=2**30)
    feed(made.store, browser)
    while not browser.profile.samples:
        browser.next()
    assert browser.rows == 1
    for turn in range(3):
        made.sample(cell, 20 + turn, 1, 1, ("f", "/f.py", turn, 1))
        while len(browser.profile.samples) < 2 + turn:
            browser.next()
    assert [each.time for each in browser.profile.samples] == [10, 20, 21, 22]
    assert (len(browser.profile.nodes), browser.resets) == (4, 1)


def test_who_lacks_a_frame_of_samples_is_told_everything(browser: Browser) -> None:
    """And who lacks nothing is told nothing."""
    made = Made()
    cell = made.cell("f()", 0, 100, [(0, 1)])
    made.sample(cell, 10, 10, 1)
    feed(made.store, browser)
    browser.until(1, described=1)
    assert (browser.profiles, len(browser.profile.samples)) == (1, 1)
    browser.hello()
    browser.quiet()
    assert browser.resets == 1
    browser.profiles, browser.profile = 0, Profile()  # it was lost
    browser.hello()
    while browser.resets < 2 or not browser.profile.samples:
        browser.next()
    browser.quiet()
    assert (browser.rows, browser.profiles, len(browser.profile.samples)) == (1, 1, 1)
    assert browser.profile.statements == {cell.number: {0: (1, 1, 0.0, 100.0, 0)}}


@pytest.mark.parametrize("live", [True, False])
def test_samples_of_what_is_forgotten_leave_open_inspectors(browser: Browser, live: bool) -> None:
    """Everything is told anew, from the first frame of samples on, also to one that tells nothing new."""
    made = Made()
    cells = [made.cell(f"secret_{n}()", n * 100, n * 100 + 90, [(n * 100, 1)]) for n in range(2)]
    for n, cell in enumerate(cells):
        made.sample(cell, n * 100 + 10, 10, 1, (f"secret_{n}", "/f.py", 1, 1))
    feed(made.store, browser, live=live)
    browser.until(2, described=2)
    while len(browser.profile.samples) < 2:
        browser.next()
    made.recording.forget(cell=1)
    while browser.resets < 2 or not browser.profile.samples:
        browser.next()
    browser.quiet()
    assert [each.stack[-1] for each in browser.profile.samples] == ["secret_1 (/f.py:1)"]
    assert "secret_0" not in browser.profile.texts
    assert list(browser.profile.statements) == [cells[1].number]


def test_without_threads_who_asks_is_told_of_samples_too(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    made = Made()
    cell = made.cell("f()", 0, 100, [(0, 1)])
    for tick in range(10_000):
        made.sample(cell, tick / 100, 0.01, 1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        here = feed(made.store, browser)
        browser.begin()
        here.hello(0, 0, 0)
        while not browser.frames.empty():
            browser.next()
    assert (browser.rows, browser.profiles, len(browser.profile.samples)) == (1, 2, 10_000)


@pytest.mark.parametrize("options", [{}, {"live": False}, {"live": False, "choose": among([f"{1:016x}", f"{2:016x}"])}])
def test_what_is_forgotten_on_request_leaves_every_open_inspector(browser: Browser, options: dict[str, Any]) -> None:
    """Also one that is narrowed, whose thread has long ended, or that nobody looks at."""
    store, other = SpanStore(), SpanStore()
    for i in (1, 2, 3):
        store.append(row(i, name=f"s{i}"))
    made = feed(store, browser, **options)
    shown = 2 if "choose" in options else 3
    browser.until(shown, described=shown)
    made.rest()
    made._thread.join(30)  # type: ignore[union-attr]
    store.clear()
    store.append(row(2, name="s2"))
    resend(other)
    assert browser.frames.empty()
    resend(store)
    while browser.names != ["s2"]:
        browser.next()
    assert browser.rows == 1
    made._thread.join(30)  # type: ignore[union-attr]
    assert browser.frames.empty(), "nobody looks: details wait for a greeting"
    browser.hello()
    browser.until(1, described=1)
    made.close()
    made._thread.join(30)  # type: ignore[union-attr]
    resend(store)
    assert not made._working


def test_details_come_while_spans_keep_coming(browser: Browser) -> None:
    """A recording that never rests does not put them off."""
    store = SpanStore()
    made = feed(store, browser)
    i = 0
    while len(browser.described) < 200:
        i += 1
        store.append(row(i))
        with suppress(queue.Empty):
            browser.take(browser.frames.get_nowait())
        time.sleep(0)
    assert made._told.live
