"""The inspector's widget, without a browser: what messages can do to it, and what they cannot."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from nbtrace import faults
from nbtrace.analysis import dataframes
from nbtrace.analysis.selection import Selection
from nbtrace.store.book import Execution
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.feed import resend, stop_all
from nbtrace.views.inspector.widget import Inspector, inspector
from nbtrace.views.tree import TreeView
from tests.rows import row
from tests.views.inspector.test_wire import read
from tests.views.wait import until

MALFORMED: list[Any] = [
    None,
    "hello",
    7,
    [],
    ["hello", 1],
    {},
    {"kind": None},
    {"kind": "eval", "code": "open('x', 'w')"},
    {"kind": ["hello"]},
    {"kind": "hello"},
    {"kind": "hello", "rows": "x"},
    {"kind": "hello", "rows": None},
    {"kind": "hello", "rows": {}},
    {"kind": "hello", "rows": -1},
    {"kind": "hello", "rows": 1.5},
    {"kind": "hello", "rows": float("nan")},
    {"kind": "hello", "rows": True},
    {"kind": "hello", "rows": 1, "details": "y"},
    {"kind": "hello", "rows": 1, "details": None},
    {"kind": "hello", "rows": 1, "profiles": -1},
    {"kind": "hello", "rows": 1, "code": "import os"},
    {"kind": "describe"},
    {"kind": "describe", "row": "0"},
    {"kind": "describe", "row": [0]},
    {"kind": "describe", "row": False},
    {"kind": "describe", "row": -5},
    {"kind": "describe", "row": {"row": 1}},
]


class Sent:
    """What was sent, and by which threads."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.messages: list[Any] = []
        self.threads: set[threading.Thread] = set()

    def send(self, content: Any, buffers: Any = ()) -> None:
        self.threads.add(threading.current_thread())
        self.frames.extend(buffers)
        if not buffers:
            self.messages.append(content)

    def kinds(self) -> list[str]:
        return [read(frame)[0]["kind"] for frame in list(self.frames)]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    found = Sent()
    monkeypatch.setattr(Inspector, "send", lambda self, content, buffers=(): found.send(content, buffers))
    yield found
    stop_all()


def opened(
    store: SpanStore, *, live: bool = True, narrowed: bool = False, opener: Execution | None = None
) -> Inspector:
    def spans() -> Any:
        raise AssertionError("nobody has asked for the table")

    def tree() -> TreeView:
        snapshot = store.snapshot()
        shown = dataframes.spans(snapshot).head(len(store) if len(store) < 100 else 0)
        return TreeView(shown, dataframes.errors(snapshot), snapshot.dropped_spans)

    selection = Selection(where="start_time == start_time") if narrowed else Selection()
    return inspector(tree, store, spans, selection, live=live, opener=opener)


def store_of(spans: int) -> SpanStore:
    store = SpanStore()
    for i in range(1, spans + 1):
        store.append(row(i, name=f"s{i % 3}"))
    return store


def test_what_is_no_message_is_ignored_and_told_once(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing raises into the kernel, is sent, written or evaluated."""
    monkeypatch.setattr(faults, "RAISE", False)
    monkeypatch.setattr(faults, "_seen", {})
    view = opened(store_of(3))
    before = view.get_state()
    with caplog.at_level(logging.ERROR, logger="nbtrace"):
        for message in MALFORMED * 3:
            view._heard(None, message, [])
    assert len(faults.faults()) == 1
    assert len(caplog.records) == 1
    assert "reading a message from the browser" in faults.faults()[0]
    assert view.get_state() == before
    view._heard(None, {"kind": "hello", "rows": 3, "details": 0, "code": True}, [])
    until(lambda: "details" in sent.kinds())
    assert sent.kinds() == ["details"], "a browser that has everything is sent nothing but what it lacks"


def test_a_fault_of_our_own_is_seen_by_tests(sent: Sent) -> None:
    with pytest.raises(ValueError, match="not a message"):
        opened(store_of(1))._heard(None, {"kind": "hello", "rows": "x"}, [])


def test_a_flood_of_messages_is_left_to_the_feed(sent: Sent) -> None:
    """The kernel's own thread sends nothing; what is answered in the end is the last greeting."""
    view = opened(store_of(20_000))
    for i in range(200):
        view._heard(None, {"kind": "hello", "rows": i, "details": 3 * i, "code": False}, [])
        view._heard(None, {"kind": "describe", "row": 10**i}, [])
        view._heard(None, {"kind": "bye"}, [])
    view._heard(None, {"kind": "hello", "rows": 0, "details": 0, "code": False}, [])
    until(lambda: sent.kinds().count("details") >= 20 and "spans" in sent.kinds())
    assert threading.current_thread() not in sent.threads
    assert sent.kinds().count("spans") + sent.kinds().count("have") < 20
    assert 1 <= len(sent.messages) < 20
    assert {message["kind"] for message in sent.messages} == {"code"}
    view._heard(None, {"kind": "bye"}, [])
    until(lambda: not view._feed._working)


def test_the_browser_is_told_which_cell_opened_it(sent: Sent) -> None:
    """What that cell did is looked at first, after a reload of the page too: it stays in the widget's state."""
    opener = Execution(4, None, "a", "nbtrace.view()", 1)
    assert opened(store_of(3), opener=opener).get_state()["_opener"] == 4
    assert opened(store_of(3)).get_state()["_opener"] == 0


def test_a_first_frame_that_is_outdated_is_not_kept_in_the_state(sent: Sent) -> None:
    """What has been forgotten on request leaves the widget too."""
    store = store_of(3)
    view, narrowed = opened(store), opened(store, live=False, narrowed=True)
    assert read(view._first)[0]["count"] == read(narrowed._first)[0]["count"] == 3
    store.clear()
    store.append(row(3, name="s0"))
    resend(store)
    until(lambda: sent.kinds().count("spans") == 2)
    assert view._first == narrowed._first == b""
    for frame in sent.frames:
        header, columns = read(frame)
        if header["kind"] == "spans":
            assert (header["reset"], header["names"], columns[0].size) == (True, ["s0"], 1)
    assert str(view).startswith("s0")
    assert str(narrowed).startswith("s0")
    assert repr(narrowed) == "<Inspector of 1 spans>"


def test_a_first_frame_that_is_too_long_is_sent_before_its_details(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody asks for it; else the answer has it."""
    monkeypatch.setattr("nbtrace.views.inspector.widget.MAX_FIRST", 10)
    monkeypatch.setattr("nbtrace.views.inspector.feed.PATIENCE_S", 0.0)
    view = opened(store_of(3))
    assert view._first == b""
    until(lambda: "details" in sent.kinds())
    assert sent.kinds() == ["spans", "details"]
    monkeypatch.setattr("nbtrace.views.inspector.feed.PATIENCE_S", 30.0)
    sent.frames.clear()
    view = opened(store_of(3))
    view._heard(None, {"kind": "hello", "rows": 0, "details": 0, "code": True}, [])
    until(lambda: "details" in sent.kinds())
    assert sent.kinds() == ["spans", "details"]
