"""A narrowed view holds what it was narrowed to: 40 spans with secrets wherever a span can have one, and one is asked for."""

from __future__ import annotations

import copy
import json
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import nbtrace
from nbtrace.analysis.selection import Selection
from nbtrace.answers import views as module
from nbtrace.recording import Recording
from nbtrace.store.book import Execution
from nbtrace.store.origins import origin
from nbtrace.store.schema import Extra, Row
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.feed import stop_all
from nbtrace.views.inspector.frames import Frame
from nbtrace.views.inspector.narrowed import meeting
from nbtrace.views.inspector.widget import Inspector
from tests.rows import row
from tests.views.inspector.test_wire import read
from tests.views.wait import until

CELLS = 20
PLACES = ("name", "value", "key", "map", "list", "event", "note", "exception", "link", "status", "resource", "scope")


def secret(place: str, number: int) -> str:
    return f"secret-{place}-{number:02}"


def planted(number: int, *, parent: int = 0, cell: int, execution: Execution) -> Row:
    """A span with a secret in every place."""
    s = {place: secret(place, number) for place in PLACES}
    failure = ("exception.type", "exception.message", "exception.stacktrace")
    extra = Extra(
        status_message=s["status"],
        events=(
            (number * 1_000, s["event"], ("k",), (s["note"],)),
            (number * 1_000, "exception", failure, ("E", s["exception"], f"Traceback\n{s['exception']}")),
        ),
        links=((99, 98, ("why",), (s["link"],)),),
    )
    values = {"n": number, "text": s["value"], s["key"]: 1, "map": {"deep": [{"er": s["map"]}]}, "list": [s["list"]]}
    return row(
        number,
        parent=parent,
        trace=1_000 + cell,
        name=f"{s['name']} of the span",
        start=number * 1_000,
        end=number * 1_000 + 500,
        cell=execution.number,
        status=2,
        origin=origin("service", s["scope"], "1", {"host": s["resource"]}),
        extra=extra,
        **values,
    )


@pytest.fixture
def rec() -> Recording:
    """20 cells: span 2k - 1 is the cell's, and 2k is inside it."""
    store = SpanStore()
    for cell in range(1, CELLS + 1):
        execution = store.cells.open(execution_count=cell, cell_id=None, source=f"p = '{secret('source', cell)}'")
        execution.span_id, execution.trace_id = 2 * cell - 1, 1_000 + cell
        store.append(planted(2 * cell, parent=2 * cell - 1, cell=cell, execution=execution))
        store.append(planted(2 * cell - 1, cell=cell, execution=execution))
    return Recording(store)


ASKED = [
    ({"cell": 7}, {13, 14}),
    ({"trace_id": f"{1_007:032x}"}, {13, 14}),
    ({"name": f"{secret('name', 14)} of the span"}, {14}),
    ({"where": "attributes.n == 14"}, {14}),
    ({"where": "attributes.n == 13"}, {13}),
]


def allowed(spans: set[int]) -> set[str]:
    """The secrets of the spans, and the sources of the cells whose span is one of them."""
    found = {secret(place, span) for place in PLACES for span in spans}
    return found | {secret("source", (span + 1) // 2) for span in spans if span % 2}


def told(frame: Frame) -> str:
    """All that a frame says, details unpacked."""
    header, columns = read(frame)
    text = json.dumps(header, ensure_ascii=False) + frame.decode("latin-1")
    if header["kind"] == "details":
        text += json.dumps(json.loads(zlib.decompress(columns[1].tobytes())), ensure_ascii=False)
    return text


def secrets(text: str) -> set[str]:
    return set(re.findall(r"secret-[a-z]+-\d\d", text))


def frames_of(path: Path) -> tuple[list[Frame], str]:
    """The frames in a report, and all that stands beside them."""
    page = unescape(path.read_text(encoding="utf-8"))
    data = re.search(r'id="nbtrace-data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    return [b64decode(text) for text in json.loads(data[1])["frames"]], unescape(page)


def check_frames(frames: list[Frame], spans: set[int]) -> None:
    """Every secret of the spans is there, and none of another."""
    assert secrets("".join(map(told, frames))) == allowed(spans)
    headers = [read(frame)[0] for frame in frames]
    (header,) = (each for each in headers if each["kind"] == "spans")
    assert header["zero"] == str(min(spans) * 1_000), "the first moment is theirs"
    assert [cell[1] for cell in header["cells"]] == [7], "the execution count may be told"
    assert len(header["names"]) == len(spans)
    if 13 not in spans:
        ((number, *_),) = header["cells"]
        assert header["cells"] == [[number, 7, -number, 1, "", None]], "neither the source nor what follows from it"


@pytest.mark.parametrize(("asked", "spans"), ASKED)
def test_a_report_holds_what_was_asked_for(
    rec: Recording, tmp_path: Path, asked: dict[str, Any], spans: set[int]
) -> None:
    frames, page = frames_of(rec.report(tmp_path / "run.html", **asked))
    check_frames(frames, spans)
    assert secrets(page) <= allowed(spans)
    assert "<p>narrowed</p>" in page


@pytest.mark.parametrize(("asked", "spans"), ASKED)
def test_text_and_table_hold_what_was_asked_for(rec: Recording, asked: dict[str, Any], spans: set[int]) -> None:
    tree = rec.text(**asked)
    for shown in (str(tree), tree._repr_html_(), *tree.twin().values()):
        assert secret("name", min(spans)) in shown
        assert secrets(shown) <= allowed(spans)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What inspectors send, in a place with a front end."""
    found: list[Any] = []
    monkeypatch.setattr(module, "has_front_end", lambda: True)
    monkeypatch.setattr(Inspector, "send", lambda self, content, buffers=(): found.extend(buffers or [content]))
    yield found
    stop_all()


@pytest.mark.parametrize(("asked", "spans"), ASKED)
def test_an_inspector_holds_and_sends_what_was_asked_for(
    rec: Recording, sent: list[Any], asked: dict[str, Any], spans: set[int]
) -> None:
    view = rec.view(**asked)
    assert isinstance(view, Inspector)
    state = view.get_state()
    first = bytes(state.pop("_first"))
    assert secrets(json.dumps(state, default=str)) == set()
    view._heard(None, {"kind": "hello", "rows": 0, "details": 0, "code": True}, [])
    for number in range(41):
        view._heard(None, {"kind": "describe", "row": number}, [])
    until(
        lambda: sum(len(read(frame)[1][0]) for frame in list(sent) if read(frame)[0]["kind"] == "details") >= len(spans)
    )
    until(lambda: not view._feed._working)
    check_frames(sent, spans)
    check_frames([first, *(frame for frame in sent if read(frame)[0]["kind"] == "details")], spans)
    for shown in (str(view), repr(view), *view._tree().twin().values()):
        assert secrets(shown) <= allowed(spans)


def test_as_many_spans_as_there_are_do_not_make_it_everything(sent: list[Any]) -> None:
    """A running span that matches, and one that has ended and does not: it is told what it is narrowed to, not guessed."""
    store = SpanStore()
    store.append(row(1, name="secret-name-01"))
    store.sources["test"] = lambda: [row(2, name="asked for", end=0)]
    view = Recording(store).view(name="asked for")
    assert isinstance(view, Inspector)
    header, columns = read(view._feed.first())
    assert (header["names"], columns[0].size) == (["asked for"], 1)
    assert secrets(told(view._first)) == set()


def test_what_is_forgotten_is_in_no_twin_that_is_displayed_later(rec: Recording, sent: list[Any]) -> None:
    for view in (rec.view(), rec.view(cell=7)):
        assert secrets(str(view)) != set()
    rec.clear()
    for each in (view, rec.view(), rec.view(cell=7)):
        assert str(each) == "no spans"
        assert secrets("".join(each._tree().twin().values())) == set()


class Shown:
    """The rows of an inspector by their names, as a browser has them."""

    def __init__(self, view: Inspector, sent: list[Any]) -> None:
        self._first, self._sent = bytes(view._first), sent

    def names(self) -> list[str]:
        found: list[str] = []
        for frame in [self._first, *self._sent]:
            header, columns = read(frame)
            if header["kind"] == "spans":
                self._known = header["names"] if header["reset"] else [*self._known, *header["names"]]
                found = [] if header["reset"] else found
                found += [self._known[name] for name in columns[2].tolist()]
        return found


@pytest.mark.parametrize(
    "asked", [{"name": "fit"}, {"where": "name == @wanted and attributes.rows > 3"}, {"where": "name in ['fit']"}]
)
def test_a_narrowed_inspector_grows_by_what_meets_it(sent: list[Any], asked: dict[str, Any]) -> None:
    """Row by row, running ones too, each told once; the variables are those of when it was opened."""
    wanted = "fit"
    with nbtrace.record() as rec:
        for name in ("fit", "load"):
            with nbtrace.span(name, rows=4):
                pass
        view = rec.view(**asked)
        assert isinstance(view, Inspector)
        wanted = "load"
        shown = Shown(view, sent)
        assert shown.names() == ["fit"]
        with nbtrace.span("fit", rows=5), nbtrace.span("load", rows=5):
            until(lambda: shown.names() == ["fit", "fit"])
        with nbtrace.span("fit", rows=6):
            pass
        until(lambda: shown.names() == ["fit", "fit", "fit"])
        until(lambda: len(frame_ends(sent)) == 3 - 1)
    assert wanted == "load"


def frame_ends(sent: list[Any]) -> list[float]:
    """When the spans that were told of after the first frame ended, as they became known."""
    found: list[float] = []
    for frame in sent:
        header, columns = read(frame)
        if header["kind"] == "spans":
            found += [end for end in (*columns[1].tolist(), *columns[8].tolist()) if end == end]
    return found


def test_a_condition_on_what_no_later_span_has_is_met_by_none_of_them(sent: list[Any]) -> None:
    """And is no fault: the column was there when the inspector was opened."""
    with nbtrace.record() as rec:
        with nbtrace.span("first", loss=0.5):
            pass
        view = rec.view(where="attributes.loss < 1")
        assert isinstance(view, Inspector)
        shown = Shown(view, sent)
        with nbtrace.span("without"), nbtrace.span("text", loss="none"):
            pass
        with nbtrace.span("second", loss=0.2):
            pass
        until(lambda: shown.names() == ["first", "second"])


def test_the_last_cells_and_what_comes_after_them(sent: list[Any], rec: Recording) -> None:
    view = rec.view(last=2)
    assert isinstance(view, Inspector)
    assert len(Shown(view, sent).names()) == 4


@pytest.mark.parametrize(
    "asked",
    [{"name": "secret-name-13 of the span"}, {"cell": 7}, {"cell": [3, 99]}, {"trace_id": f"{1_005:032X}"[:31]}],
)
def test_what_is_chosen_by_columns_is_what_tables_choose(rec: Recording, asked: dict[str, Any]) -> None:
    """An inspector without a condition to read makes no table, and shows the same spans."""
    chosen = meeting(Selection(**asked), rec._store.executions, asker=0)
    found = [
        span_id
        for batch in rec._snapshot().batches
        for span_id, is_chosen in zip(batch.spans["span_id"].to_pylist(), chosen(batch).tolist(), strict=True)
        if is_chosen
    ]
    assert sorted(found) == sorted(rec.spans(**asked)["span_id"])
    assert found


def test_a_copys_running_spans_are_shown(sent: list[Any]) -> None:
    """In the inspector as in its table, though nothing here can end them."""
    with nbtrace.record() as rec, nbtrace.span("open"):
        view = copy.deepcopy(rec).view()
    assert isinstance(view, Inspector)
    assert Shown(view, sent).names() == ["open"]


@pytest.mark.parametrize(
    "where", ["attributes.x.isna()", "attributes.x == 1 or name == 'b'", "not attributes.x == 1", "attributes.x > 0"]
)
def test_a_batch_without_an_attribute_is_judged_as_the_table_is(sent: list[Any], where: str) -> None:
    """What is missing in all spans of a look is missing, and not a column that there is not; also opened anew."""
    with nbtrace.record() as rec:
        with nbtrace.span("a", x=1):
            pass
        view = rec.view(where=where)
        assert isinstance(view, Inspector)
        shown = Shown(view, sent)
        for name in "bab":
            with nbtrace.span(name, **({"x": 1} if name == "a" else {})):
                pass
            until(lambda: sorted(shown.names()) == sorted(rec.spans(where=where)["name"]))
        later = rec.view(where=where)
        assert isinstance(later, Inspector)
        assert sorted(Shown(later, []).names()) == sorted(rec.spans(where=where)["name"])


def test_the_last_cells_are_the_same_in_an_inspector_and_in_the_tree(sent: list[Any], rec: Recording) -> None:
    """An execution without a number between its brackets is none of them, in either."""
    store = rec._store
    unnumbered = store.cells.open(execution_count=None, cell_id=None, source="silent")
    unnumbered.span_id, unnumbered.trace_id = 901, 1_901
    store.append(row(901, trace=1_901, name="silent", start=900_000, cell=unnumbered.number))
    view = rec.view(last=2)
    assert isinstance(view, Inspector)
    shown = Shown(view, sent).names()
    assert {name for name in shown if name != "silent"} == {
        secret("name", i) + " of the span" for i in (37, 38, 39, 40)
    }
