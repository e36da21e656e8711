"""Files that are damaged, foreign, hostile or merely odd: nbtrace's own error, or the good part and a count of the bad."""

from __future__ import annotations

import copy
import functools
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbtrace
from nbtrace.formats.otlp.messages import framed
from nbtrace.formats.reading import Loaded, PartlyReadWarning, UnreadableFileError
from nbtrace.formats.register import FORMATS
from nbtrace.recording import Recording, from_elsewhere
from nbtrace.store.span_store import SpanStore
from tests.formats.otlp.recordings import SUFFIXES, of_the_sdk
from tests.rows import row

pytestmark = pytest.mark.once

both = pytest.mark.parametrize("suffix", SUFFIXES)
TRACE = f"{7:032x}"


def span(span_id: int = 1, parent: int = 0, **fields: Any) -> dict[str, Any]:
    """A span as another tool writes it."""
    parents = {"parentSpanId": f"{parent:016x}"} if parent else {}
    times = {"startTimeUnixNano": "1000", "endTimeUnixNano": "2000"}
    return {"traceId": TRACE, "spanId": f"{span_id:016x}", "name": f"n{span_id}", **parents, **times, **fields}


def message(*spans: Any, **resource: Any) -> str:
    group = {"resource": resource, "scopeSpans": [{"scope": {"name": "s"}, "spans": list(spans)}]}
    return json.dumps({"resourceSpans": [group]}) + "\n"


def read(tmp_path: Path, content: str | bytes, suffix: str = ".jsonl") -> Loaded:
    path = tmp_path / f"run{suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = FORMATS[suffix].read
    assert reader is not None
    return reader(path)


def names(loaded: Loaded) -> list[str]:
    return [name for batch in loaded.snapshot.batches for name in batch.spans["name"].to_pylist()]


def values(loaded: Loaded) -> dict[str, Any]:
    """The attributes of the only span."""
    (batch,) = loaded.snapshot.batches
    return {key: run.values.to_pylist()[0] for key, runs in batch.attributes.items() for run in runs}


SOME = ("spans", "events", "links", "errors", "cells", "tree")
ALL = (*SOME, "statistics", "self_times", "critical_path", "gaps", "repeats", "concurrency", "history", "to_arrow")


def answer(loaded: Loaded, questions: tuple[str, ...] = ALL) -> None:
    """Ask what goes through parents, children and times."""
    rec = from_elsewhere(loaded.snapshot)
    for question in questions:
        getattr(rec, question)()
    str(rec.text())


# ── damaged ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def whole(suffix: str) -> bytes:
    """A file of a few spans, as we write it."""
    import io

    file = io.BytesIO()
    write = FORMATS[suffix].write
    assert write is not None
    for _ in range(2):  # packets
        write(of_the_sdk()._snapshot(), file)
    return file.getvalue()


@both
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_a_damaged_file_is_read_as_far_as_it_goes_or_refused(
    suffix: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bits flipped, bytes put in or taken out, cut off: an error of ours, or a recording that answers."""
    content = bytearray(whole(suffix))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "put", "take", "zeros"])):
            case "flip":
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del content[max(at, 1) :]
            case "put":
                content[at:at] = data.draw(st.binary(max_size=5))
            case "take":
                del content[at : at + data.draw(st.integers(1, 30))]
            case "zeros":
                content[at : at + 20] = bytes(20)
        if not content:
            return
    try:
        loaded = read(tmp_path_factory.mktemp("run"), bytes(content), suffix)
    except UnreadableFileError:
        return
    answer(loaded, SOME)


def test_a_file_that_was_being_written_keeps_all_whole_lines(tmp_path: Path) -> None:
    content = message(span(1)) + message(span(2))[:-40]
    loaded = read(tmp_path, content)
    assert names(loaded) == ["n1"]
    assert loaded.unread == ("1 line left out, line 2: it is no JSON (Unterminated string starting at in column 200)",)


@pytest.mark.parametrize("lost", range(1, 60, 7))
def test_a_request_that_is_cut_off_keeps_all_whole_spans(tmp_path: Path, lost: int) -> None:
    """Even though a request is one message, whose length stands at its beginning."""
    store = SpanStore()
    for at in range(1, 6):
        store.append(row(at, name=f"n{at}", text="x" * 200))
    content = Recording(store).save(tmp_path / "whole.otlp").read_bytes()
    loaded = read(tmp_path, content[:-lost], ".otlp")
    assert names(loaded) == ["n1", "n2", "n3", "n4"]
    assert [sentence.partition(" of the file left out")[0] for sentence in loaded.unread] == ["1 rest"]


def test_a_broken_span_costs_no_other(tmp_path: Path) -> None:
    """In protobuf, where it stands in one request with the others."""
    store = SpanStore()
    for at in range(1, 6):
        store.append(row(at, name=f"name {at}"))
    content = Recording(store).save(tmp_path / "whole.otlp").read_bytes()
    loaded = read(tmp_path, content.replace(b"name 3", b"nam\xff 3"), ".otlp")
    assert names(loaded) == ["name 1", "name 2", "name 4", "name 5"]
    assert loaded.unread[0].startswith("1 broken span left out, before byte ")


def test_what_is_left_out_is_said_once_of_each_kind(tmp_path: Path) -> None:
    """How many, where the first stands, and why: also as a warning of load."""
    lines = [message(span(1), span(0), span(2, kind=9)), "{\n", '{"resourceLogs": []}\n', "[1]\n", message(span(3))]
    path = tmp_path / "run.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.warns(PartlyReadWarning) as said:
        rec = nbtrace.load(path)
    assert rec.spans()["name"].tolist() == ["n1", "n3"]
    assert str(said[0].message) == (
        f"{str(path)!r}: 2 broken spans left out, the first in line 1: its spanId is all zeros; 1 line left out, line 2: it "
        "is no JSON (Expecting property name enclosed in double quotes in column 1); 2 foreign messages left out, the first "
        "in line 3: it has 'resourceLogs' and no resourceSpans."
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + message(span()).encode(),
        message(span()).replace("\n", "\r\n").encode() + b"\r\n\r\n",
        message(span()).encode() + b"\n\n \t\n",
        message(span()).encode().rstrip(),
    ],
    ids=["byte order mark", "CRLF", "blank lines", "no last newline"],
)
def test_lines_of_other_systems_are_read(tmp_path: Path, content: bytes) -> None:
    loaded = read(tmp_path, content)
    assert (names(loaded), loaded.unread) == (["n1"], ())


def test_a_line_in_another_encoding_is_left_out(tmp_path: Path) -> None:
    content = message(span(1)).encode() + message(span(2, name="x")).encode().replace(b'"x"', b'"\xfc"') + bytes(50)
    loaded = read(tmp_path, content)
    assert names(loaded) == ["n1"]
    assert loaded.unread[0].startswith("2 lines left out, the first line 2: byte ")
    assert loaded.unread[0].endswith("of it is no UTF-8")


# ── foreign ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Bomb:
    """A pickle that leaves a file behind where it is opened."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


CHROME = {"traceEvents": [{"name": "a", "ph": "X", "ts": 1, "dur": 2, "pid": 1, "tid": 1}], "displayTimeUnit": "ms"}

FOREIGN = {
    "empty": b"",
    "blank": b"\n \n",
    "html": b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n",
    "chrome": json.dumps(CHROME, indent=1).encode(),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + bytes(30),
    "zeros": bytes(5_000),
    "number": b"5\n",
    "list": b"[[[]], 3, null]\n",
    "null": b"null\n",
    "logs": b'{"resourceLogs":[{"scopeLogs":[]}]}\n',
    "parquet": b"PAR1" + bytes(range(256)) + b"PAR1",
    "ends in a tag": b"\x0a",
    "length of an exabyte": b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "endless number": b"\x0a" + b"\xff" * 40,
    "groups": b"\x0b\x0c" * 10,
}


@both
@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_something_else_is_refused(suffix: str, name: str, tmp_path: Path) -> None:
    """By an error that names the file and says what to do."""
    with pytest.raises(
        UnreadableFileError, match=r"holds no spans of OTLP in (JSON lines|protobuf).*\. (It|If) "
    ) as said:
        read(tmp_path, FOREIGN[name], suffix)
    assert repr(str(tmp_path / f"run{suffix}")) in str(said.value)
    assert len(str(said.value)) < 500


@both
def test_a_pickle_is_not_opened(suffix: str, tmp_path: Path) -> None:
    mark = tmp_path / "opened"
    with pytest.raises(UnreadableFileError):
        read(tmp_path, pickle.dumps(Bomb(str(mark))), suffix)
    assert not mark.exists()


def test_a_file_of_the_other_form_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"rename it to \.jsonl"):
        read(tmp_path, message(span()), ".otlp")
    with pytest.raises(UnreadableFileError, match="unpack it"):
        read(tmp_path, FOREIGN["gzip"])


@both
@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(suffix: str, tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        read(tmp_path_factory.mktemp("run"), content, suffix)
    except UnreadableFileError:
        pass


# ── hostile ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ODD: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, 2**64, -1, 10**30, "9" * 30, "-5", "1e9", "\ud800", "", "x" * 70_000, 1e400, -0.5])
    | st.floats()
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["key", "value", "values", "intValue", "arrayValue", "spans"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)

FULL: dict[str, Any] = {
    "resourceSpans": [
        {
            "resource": {
                "attributes": [
                    {"key": "process.pid", "value": {"intValue": "5"}},
                    {"key": "nbtrace.format", "value": {"intValue": "1"}},
                ]
            },
            "scopeSpans": [
                {
                    "scope": {"name": "s", "version": "1", "attributes": []},
                    "spans": [
                        span(
                            1,
                            2,
                            kind=1,
                            status={"code": 2, "message": "m"},
                            droppedLinksCount=1,
                            events=[{"timeUnixNano": "5", "name": "e", "attributes": []}],
                            links=[{"traceId": TRACE, "spanId": f"{9:016x}", "attributes": []}],
                            attributes=[
                                {"key": "thread.id", "value": {"intValue": "5"}},
                                {"key": "nbtrace.cell", "value": {"intValue": "1"}},
                                {"key": "nbtrace.cell.number", "value": {"intValue": "1"}},
                                {"key": "nbtrace.cell.resources", "value": {"kvlistValue": {"values": []}}},
                                {
                                    "key": "nbtrace.cell.line_map",
                                    "value": {"arrayValue": {"values": [{"intValue": 1}]}},
                                },
                                {"key": "nbtrace.cell.run", "value": {"intValue": "1"}},
                                {"key": "nbtrace.cell.span_id", "value": {"stringValue": "a"}},
                            ],
                        ),
                        span(3),
                    ],
                }
            ],
        }
    ]
}


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in _places(item, (*at, key)))]


@settings(deadline=None, max_examples=40)
@given(place=st.sampled_from(_places(FULL)[1:]), odd=ODD)
def test_anything_may_stand_anywhere(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], odd: Any
) -> None:
    """A number where a list belongs, a list where a text does: what is broken by it is left out, and all answers come."""
    made = copy.deepcopy(FULL)
    *way, last = place
    functools.reduce(lambda holder, key: holder[key], way, made)[last] = odd
    try:
        loaded = read(tmp_path_factory.mktemp("run"), json.dumps(made))
    except UnreadableFileError:
        return
    answer(loaded, SOME)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"traceId": "abc"}, "its traceId 'abc' is no id of 32 hex digits"),
        ({"traceId": None}, "its traceId None is no id of 32 hex digits"),
        ({"traceId": "0" * 32}, "its traceId is all zeros"),
        ({"spanId": "0" * 16}, "its spanId is all zeros"),
        ({"spanId": "1" * 15}, "its spanId '111111111111111' is no id of 16 hex digits"),
        ({"parentSpanId": 5}, "its parentSpanId 5 is no id of 16 hex digits"),
        ({"startTimeUnixNano": "-5"}, "a time of -5 ns is not within the years 1970 to 2262"),
        ({"endTimeUnixNano": str(2**63)}, f"a time of {2**63} ns is not within the years 1970 to 2262"),
        ({"endTimeUnixNano": "soon"}, "'soon' stands where a whole number belongs"),
        ({"kind": 77}, "its kind 77 is none of OTLP's"),
        ({"kind": "SPAN_KIND_X"}, "its kind 'SPAN_KIND_X' is none of OTLP's"),
        ({"status": {"code": -1}}, "its status code -1 is none of OTLP's"),
        ({"status": 3}, "its status is 3, no object"),
        ({"name": ["a"]}, "its name is a list of 1, no text"),
        ({"attributes": 5}, "its attributes is 5, no list"),
        ({"attributes": [{"key": 5, "value": {}}]}, "its key is 5, no text"),
        ({"attributes": [{"key": "a", "value": {"intValue": "x"}}]}, "'x' stands where a whole number belongs"),
        ({"attributes": [{"key": "a", "value": {"intValue": 0.5}}]}, "0.5 stands where a whole number belongs"),
        ({"attributes": [{"key": "a", "value": {"boolValue": 1}}]}, "1 stands where true or false belongs"),
        ({"attributes": [{"key": "a", "value": {"bytesValue": "§"}}]}, "'§' stands where bytes in base 64 belong"),
        ({"attributes": ["a"]}, "its values are not of the kinds that OTLP has"),
        ({"events": [{"timeUnixNano": -1}]}, "a time of -1 ns is not within the years 1970 to 2262"),
        ({"links": [{"traceId": "x"}]}, "its link's traceId 'x' is no id of 32 hex digits"),
    ],
)
def test_a_span_that_is_not_as_otlp_has_it_is_left_out(tmp_path: Path, fields: dict[str, Any], why: str) -> None:
    """And the others are not."""
    loaded = read(tmp_path, message(span(1) | fields, span(2)))
    assert names(loaded) == ["n2"]
    assert loaded.unread == (f"1 broken span left out, in line 1: {why}",)


def test_a_line_of_deep_nesting_is_left_out(tmp_path: Path) -> None:
    """A hundred thousand brackets, and a value that is nested deeper than values are kept."""
    loaded = read(tmp_path, "[" * 100_000 + "\n" + '{"a":' * 100_000 + "\n" + message(span(1)))
    assert names(loaded) == ["n1"]
    assert loaded.unread == ("2 lines left out, the first line 1: it is nested too deep",)
    value: dict[str, Any] = {"intValue": "1"}
    for _ in range(60):
        value = {"arrayValue": {"values": [value]}}
    kept = values(read(tmp_path, message(span(1, attributes=[{"key": "deep", "value": value}]))))
    assert kept["deep"].count("[") == 16
    assert "nested deeper than 16" in kept["deep"]


def test_deep_nesting_in_protobuf_breaks_its_span_only(tmp_path: Path) -> None:
    value = framed(1, b"x")
    for _ in range(3_000):
        value = framed(5, framed(1, value))
    spans = [framed(1, (7).to_bytes(16)) + framed(2, (at).to_bytes(8)) + framed(5, b"n%d" % at) for at in (1, 2)]
    spans[0] += framed(9, framed(1, b"k") + framed(2, value))
    scope_spans = b"".join(framed(2, each) for each in spans)
    loaded = read(tmp_path, framed(1, framed(2, scope_spans)), ".otlp")
    assert names(loaded) == ["n2"]
    assert loaded.unread[0].startswith("1 broken span left out, before byte")


def test_a_number_of_many_digits_costs_its_line(tmp_path: Path) -> None:
    loaded = read(tmp_path, '{"resourceSpans": ' + "9" * 100_000 + "}\n" + message(span(1)))
    assert names(loaded) == ["n1"]
    assert loaded.unread[0].startswith("1 line left out, line 1: ")


def test_an_int_beyond_64_bits_is_kept_as_text(tmp_path: Path) -> None:
    loaded = read(tmp_path, message(span(1, attributes=[{"key": "big", "value": {"intValue": str(2**70)}}])))
    assert values(loaded) == {"big": str(2**70)}


def test_of_a_key_that_is_there_twice_the_last_counts(tmp_path: Path) -> None:
    pairs = [{"key": "a", "value": {"intValue": number}} for number in (1, 2)]
    loaded = read(tmp_path, message(span(1, attributes=pairs), span(2, attributes=[*pairs, {"key": "b"}])))
    found = from_elsewhere(loaded.snapshot).spans()
    assert found["attributes.a"].tolist() == [2, 2]


def test_a_span_that_was_sent_twice_is_one(tmp_path: Path) -> None:
    """The one that has ended, of two that have the first; not one of another trace that has the same id, and not another one
    whose ids are the same because somebody has set the seed of random."""
    first, again, elsewhere = span(1, endTimeUnixNano="0"), span(1), span(1, traceId="f" * 32, name="other")
    seeded = span(1, startTimeUnixNano="1500", name="seeded")
    content = message(first, span(2)) + message(again, elsewhere, seeded) + message(span(1, name="late"))
    loaded = read(tmp_path, content)
    assert names(loaded) == ["n2", "n1", "other", "seeded"]
    assert loaded.unread == ("2 repeated spans left out",)


ROUND = {
    "its own parent": [span(1, 1), span(2, 1)],
    "a circle": [span(1, 3), span(2, 1), span(3, 2), span(4, 3)],
    "a long circle": [span(at + 1, (at + 1) % 500 + 1) for at in range(500)],
    "a long chain": [span(at + 1, at) for at in range(2_000)],
    "two of one id": [span(1), span(2, 1), span(1, traceId="f" * 32), span(2, 1, traceId="f" * 32)],
    "a parent in another trace": [span(1), span(2, 1, traceId="f" * 32)],
    "no such parent": [span(1, 9), span(2, 8)],
    "ends before it begins": [span(1, startTimeUnixNano="5000", endTimeUnixNano="10"), span(2, 1)],
    "all of time": [span(1, startTimeUnixNano="0", endTimeUnixNano=str(2**63 - 1)), span(2, 1)],
    "no end": [span(1, endTimeUnixNano="0"), span(2, 1)],
}


@pytest.mark.parametrize("name", ROUND)
@pytest.mark.timeout(60)
def test_spans_that_make_no_tree_are_answered_about(name: str, tmp_path: Path) -> None:
    """Tree, critical path, text and report come to an end."""
    loaded = read(tmp_path, message(*ROUND[name]))
    assert loaded.unread == ()
    rec = from_elsewhere(loaded.snapshot)
    answer(loaded)
    rec.report(tmp_path / "run.html")
    assert len(rec.tree()) == len(ROUND[name])


def test_executions_of_two_spans_of_one_id_are_answered_about(tmp_path: Path) -> None:
    """Whoever makes up a file of ours may have a cell whose span is there in two traces."""
    pairs = {"nbtrace.cell": {"intValue": 1}, "nbtrace.cell.number": {"intValue": 1}, "nbtrace.cell.source": {}}
    attributes = [{"key": key, "value": value} for key, value in pairs.items()]
    ours = [{"key": "nbtrace.format", "value": {"intValue": 1}}]
    spans = [span(1, attributes=attributes), span(1, attributes=attributes, traceId="f" * 32)]
    answer(read(tmp_path, message(*spans, attributes=ours)))


def large(suffix: str) -> Iterator[bytes]:
    """What would be a gigabyte if it were taken as it comes."""
    if suffix == ".otlp":
        yield framed(1, framed(2, framed(2, bytes(100_000_000))))  # a span
        yield framed(1, framed(1, bytes(100_000_000)))  # a resource
    else:
        yield b'{"resourceSpans":[' + b" " * 100_000_000 + b"]}\n"
        yield b"[" + b"[]," * 20_000_000 + b"[]]\n"
        yield b'{"":[' + b'{"":[]},' * 999_000 + b"[]]}\n"  # which is as much as a line may hold
        yield bytes(100_000_000) + b"\n"


@both
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is told otherwise elsewhere")
def test_what_is_large_is_passed_over(suffix: str, tmp_path: Path) -> None:
    """It takes no gigabyte of memory, and the good line behind it, or span, is read."""
    path, store = tmp_path / f"run{suffix}", SpanStore()
    store.append(row(1))
    good = Recording(store).save(path).read_bytes()
    with open(path, "wb") as file:
        file.writelines(large(suffix))
        file.write(good)
    script = (
        "import sys, warnings, nbtrace\nwarnings.simplefilter('ignore')\nprint(len(nbtrace.load(sys.argv[1])))\n"
        "print(*[line for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    spans, _, peak, _ = done.stdout.split()
    assert spans == "1"
    assert int(peak) < 700_000, "KB, of which pandas and pyarrow take 150,000"
