"""Recordings as Chrome trace events."""

from __future__ import annotations

import io
import json
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.formats.chrome import write_chrome
from nbtrace.recording import Recording
from nbtrace.store.book import Resources
from nbtrace.store.schema import RUNNING, UNFINISHED, Extra, Origin, Row, RowFields, Thread
from nbtrace.store.seal import seal
from nbtrace.store.semconv import TASK_SCOPE
from nbtrace.store.span_store import Snapshot, SpanStore
from tests.formats.test_arrow import rows
from tests.profiles import MS, OTHER, Made, at
from tests.rows import THREAD, row

pytestmark = pytest.mark.once

KEYS = {
    "M": {"ph", "name", "pid", "tid", "args"},
    "X": {"ph", "name", "cat", "pid", "tid", "ts", "dur", "args"},
    "B": {"ph", "name", "cat", "pid", "tid", "ts", "args"},
    "i": {"ph", "s", "name", "cat", "pid", "tid", "ts", "args"},
    "s": {"ph", "name", "cat", "id", "pid", "tid", "ts"},
    "f": {"ph", "bp", "name", "cat", "id", "pid", "tid", "ts"},
    "C": {"ph", "name", "pid", "ts", "args"},
}


def ns(number: Decimal) -> int:
    assert -number.as_tuple().exponent == 3  # type: ignore[operator]
    return int(number * 1000)


def checked(data: bytes) -> dict[str, Any]:
    """Read a file as strictly as any importer: the JSON that the RFC allows, the keys that each phase has, times in µs with their
    ns, tracks on which all nests, arrows of two ends, names for every track."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    file: dict[str, Any] = json.loads(data.decode("utf-8"), parse_float=Decimal, parse_constant=refuse)
    assert set(file) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert file["displayTimeUnit"] == "ns"
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    named, ends, begun = set(), Counter[tuple[str, int]](), []
    for event in file["traceEvents"]:
        phase = event["ph"]
        assert set(event) - {"cname"} == KEYS[phase]
        assert 0 < event["pid"] < 2**31
        if phase == "M":
            named.add((event["name"], event["tid"]))
        if phase in "XB":
            start = ns(event["ts"])
            tracks[event["pid"], event["tid"]].append((start, start + ns(event["dur"]) if phase == "X" else 2**80))
        if phase == "B":
            begun.append(event["ts"])
        if phase in "XBisf":
            assert ("thread_name", event["tid"]) in named
            assert event["tid"] > 0
        if phase in "sf":
            assert event.get("bp", "e") == "e"
            ends[phase, event["id"]] += 1
        if "args" in event:
            assert event["args"]
    assert begun == sorted(begun)
    assert set(ends.values()) <= {1}
    assert {number for phase, number in ends if phase == "s"} == {number for phase, number in ends if phase == "f"}
    for spans in tracks.values():
        open_: list[int] = []
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            while open_ and open_[-1] <= start:
                open_.pop()
            assert not open_ or end <= open_[-1]
            open_.append(end)
    return file


def events(source: Recording | Snapshot, phases: str) -> list[dict[str, Any]]:
    out = io.BytesIO()
    write_chrome(source if isinstance(source, Snapshot) else source._store.snapshot(), out)
    return [event for event in checked(out.getvalue())["traceEvents"] if event["ph"] in phases]


def recording(*found: Row) -> Recording:
    store = SpanStore()
    for each in found:
        if each[RowFields._fields.index("end_ns")] == RUNNING:
            store.sources[each[1]] = lambda each=each: [each]  # type: ignore[misc]
        else:
            store.append(each)
    return Recording(store)


def in_thread(thread: Thread, each: Row) -> Row:
    place = RowFields._fields.index("thread")
    return (*each[:place], thread, *each[place + 1 :])


def test_a_span_is_a_whole_event_with_what_it_carries() -> None:
    """To the nanosecond, since the first of them; the ids as OpenTelemetry writes them."""
    origin = Origin("shop", "my.tracer", "1.0")
    rec = recording(
        row(1, start=1_700_000_000_000_000_001, end=1_700_000_000_000_009_000),
        row(
            2,
            parent=1,
            name="load é",
            start=1_700_000_000_000_001_240,
            end=1_700_000_000_000_002_243,
            status=2,
            origin=origin,
            extra=Extra(status_message="why", dropped_events=3),
            rows=3,
            deep={"a": (1, None)},
        ),
    )
    out = io.BytesIO()
    write_chrome(rec._store.snapshot(), out)
    file = checked(out.getvalue())
    assert file["otherData"]["start_time_unix_nano"] == "1700000000000000001"
    outer, inner = (event for event in file["traceEvents"] if event["ph"] == "X")
    assert (outer["ts"], outer["dur"]) == (Decimal("0.000"), Decimal("8.999"))
    assert inner == {
        "ph": "X",
        "name": "load é",
        "cat": "my.tracer",
        "pid": 11,
        "tid": 11,
        "ts": Decimal("1.239"),
        "dur": Decimal("1.003"),
        "cname": "terrible",
        "args": {
            "status": "ERROR",
            "status_message": "why",
            "attributes": {"rows": 3, "deep": {"a": [1, "None"]}},
            "service": "shop",
            "trace_id": f"{7:032x}",
            "span_id": f"{2:016x}",
            "parent_span_id": f"{1:016x}",
            "thread_id": 22,
            "dropped_events": 3,
        },
    }


def test_the_workers_of_a_pool_are_told_by_their_tasks() -> None:
    """Each is a process of its own, with what it computed and held; the cell that waited for them has its own counters."""
    made = Made()
    cell = made.cell("pool.map(fit, data)", 0, 100)
    cell.resources = Resources(cpu_ns=5 * MS, memory_peak=64 * 2**20)
    tasks = Origin(None, TASK_SCOPE)
    for pid in (4_001, 4_002):
        worker = Thread(pid, 1, "MainThread")
        task = row(pid, parent=cell.span_id, name="fit", start=at(10), end=at(20), cell=cell.number, origin=tasks)
        made.store.append(in_thread(worker, task))
        made.sample(cell, 20, 10, ("fit", "/fit.py", 1), thread=worker, memory=16 * 2**20)
    named = [(e["pid"], e["args"]["name"]) for e in events(made.recording, "M") if e["name"] == "process_name"]
    assert named == [(11, "Python"), (4_001, "Python worker"), (4_002, "Python worker")]
    told = Counter((e["pid"], e["name"]) for e in events(made.recording, "C"))
    # Of the cell's own process nothing was sampled: its mean and its peak are what there is.
    assert told == {
        **dict.fromkeys([(pid, "CPU") for pid in (11, 4_001, 4_002)], 2),
        **dict.fromkeys([(pid, "resident memory") for pid in (11, 4_001, 4_002)], 1),
    }
    assert {e["tid"] for e in events(made.recording, "X")} == {11, 4_001, 4_002}


def test_threads_and_processes_are_tracks_with_names() -> None:
    """The main thread has its process's number, by which Perfetto knows it; one beyond 31 bits, which it would not take, has
    another; what nobody knows has a name all the same."""
    big, small = Thread(11, 140_234_567_890_123, "pool_0"), Thread(12, 99, "MainThread")
    rec = recording(
        row(1, start=1, end=90, origin=Origin("shop")),
        *(row(n, parent=1, start=n, end=50 + n) for n in (2, 3)),
        *(in_thread(thread, row(n, start=n, end=n + 1)) for n, thread in ((4, big), (5, Thread(11, 7, "other")))),
        in_thread(small, row(6, start=6, end=7)),
        in_thread(Thread(), row(7, start=7, end=8)),
    )
    names = [
        (event["name"], event["pid"], event["tid"], event["args"]["name"])
        for event in events(rec, "M")
        if event["name"] in ("process_name", "thread_name")
    ]
    assert names == [
        ("process_name", 11, 0, "shop"),
        ("process_name", 12, 0, "Python"),
        ("process_name", 1, 0, "unknown process"),
        ("thread_name", 11, 11, "MainThread"),
        ("thread_name", 11, 13, "MainThread · 2"),
        ("thread_name", 11, 14, "pool_0"),
        ("thread_name", 11, 7, "other"),
        ("thread_name", 12, 12, "MainThread"),
        ("thread_name", 1, 15, "unknown thread"),
    ]
    assert {event["args"].get("thread_id") for event in events(rec, "X")} == {22, 140_234_567_890_123, 7, 99, None}


def test_a_span_that_runs_begins_only() -> None:
    """And says so; one that nothing can end any more, too."""
    rec = recording(row(1, start=10, end=RUNNING, name="runs"), row(2, parent=1, start=20, end=UNFINISHED, name="lost"))
    assert [(event["name"], event["args"]["state"]) for event in events(rec, "B")] == [
        ("runs", "running"),
        ("lost", "unfinished"),
    ]
    assert events(rec, "X") == []


def test_events_are_instants_inside_their_span() -> None:
    """An exception by its type and message; one that was recorded after the end stands at the end, and tells when it was."""
    raised = ("exception.type", "exception.message"), ("ValueError", "3 rows\nare missing")
    found = (
        (15_000, "tick", ("k",), (1,)),
        (18_000, "exception", *raised),
        (25_000, "exception", ("exception.type",), ("X",)),
    )
    rec = recording(row(1, start=10_000, end=20_000, extra=Extra(events=found)))
    (span,) = events(rec, "X")
    tick, error, late = events(rec, "i")
    assert tick == {
        "ph": "i",
        "s": "t",
        "name": "tick",
        "cat": "event",
        "pid": 11,
        "tid": span["tid"],
        "ts": Decimal("5.000"),
        "args": {"attributes": {"k": 1}, "span_id": f"{1:016x}"},
    }
    assert (error["name"], error["ts"]) == ("ValueError: 3 rows are missing", Decimal("8.000"))
    assert error["args"]["attributes"]["exception.message"] == "3 rows\nare missing"
    assert (late["name"], late["ts"], late["args"]["time_unix_nano"]) == ("X", Decimal("9.999"), 25_000)


def arrows(rec: Recording) -> list[tuple[str, int, int, int, int]]:
    """Kind, and at both ends track and time in ns."""
    found = events(rec, "sf")
    return [
        (one["name"], one["tid"], ns(one["ts"]), other["tid"], ns(other["ts"]))
        for one, other in zip(found[::2], found[1::2], strict=True)
    ]


def test_a_child_in_another_thread_has_an_arrow_from_its_parent() -> None:
    """On the same track it needs none; a task on a further track does."""
    rec = recording(
        row(1, start=0, end=90),
        row(2, parent=1, start=10, end=60),
        row(3, parent=1, start=20, end=70),
        in_thread(OTHER, row(4, parent=2, start=30, end=40)),
    )
    assert arrows(rec) == [("child", 11, 0, 12, 20), ("child", 11, 10, 33, 30)]


def test_a_link_has_an_arrow_from_the_earlier_span() -> None:
    """And stands among the arguments, where the linked span is not here, too."""
    links = ((7, 1, ("why",), ("input",)), (7, 99, (), ()), (7, 3, (), ()))
    rec = recording(
        row(1, start=0, end=5), row(2, start=10, end=20, extra=Extra(links=links)), row(3, start=30, end=40)
    )
    assert arrows(rec) == [("link", 11, 0, 11, 10), ("link", 11, 10, 11, 30)]
    assert events(rec, "X")[1]["args"]["links"] == [
        {"trace_id": f"{7:032x}", "span_id": f"{1:016x}", "attributes": {"why": "input"}},
        {"trace_id": f"{7:032x}", "span_id": f"{99:016x}"},
        {"trace_id": f"{7:032x}", "span_id": f"{3:016x}"},
    ]


def test_samples_are_counters_and_cells_tell_what_they_took() -> None:
    made = Made()
    cell = made.cell("work()", 0, 20)
    made.sample(cell, 10, 10, 1, memory=16 * 2**20)
    made.sample(cell, 20, 10, 1, cpu=2, memory=32 * 2**20)
    cell.resources = Resources(cpu_ns=12 * MS, memory_peak=5)
    found = [(event["name"], event["ts"] / 1000, event["args"]) for event in events(made.recording, "C")]
    assert found == [
        ("CPU", 0, {"cores busy": 1}),
        ("CPU", 10, {"cores busy": Decimal("0.2")}),
        ("CPU", 20, {"cores busy": 0}),
        ("resident memory", 10, {"MB": Decimal("16.777")}),
        ("resident memory", 20, {"MB": Decimal("33.554")}),
    ]
    (span,) = events(made.recording, "X")
    assert (span["args"]["cell"], span["args"]["resources"]) == (1, {"cpu_ns": 12 * MS, "memory_peak": 5})


def test_text_is_written_as_it_is() -> None:
    """Perfetto shows escapes as they are written. What JSON or UTF-8 has no place for is text that says what it was."""
    text = '</script> \x00 \x1b[0m " \\ \u2028 😀 é\n'
    rec = recording(
        row(
            1,
            name=text,
            text=text,
            nan=float("nan"),
            less=-float("inf"),
            data=b"\x00\xff",
            none=None,
            empty=(),
            flag=True,
        ),
        in_thread(Thread(11, 5, "\ud800x"), row(2)),
    )
    out = io.BytesIO()
    write_chrome(rec._store.snapshot(), out)
    (found,) = (event for event in events(rec, "X") if event["tid"] == 11)
    assert found["name"] == found["args"]["attributes"].pop("text") == text
    assert found["args"]["attributes"] == {
        "nan": "nan",
        "less": "-inf",
        "data": "AP8=",
        "none": "None",
        "empty": "[]",
        "flag": True,
    }
    assert b"\\\\ud800x" in out.getvalue()
    assert "😀".encode() in out.getvalue()


def test_an_empty_recording_is_a_file_all_the_same(tmp_path: Path) -> None:
    path = Recording(SpanStore()).save(tmp_path / "run.json")
    assert checked(path.read_bytes())["traceEvents"] == []


def test_the_suffix_saves_it_narrowed_as_other_questions(tmp_path: Path) -> None:
    """By cell; by name and condition with what runs below; with no counter of what others took."""
    made = Made()
    for number in (1, 2):
        cell = made.cell(f"work({number})", number * 100, number * 100 + 50)
        load = made.span(cell, "load", number * 100 + 1, number * 100 + 20, rows=number)
        made.span(load, "parse", number * 100 + 2, number * 100 + 3)
        made.sample(cell, number * 100 + 20, 10, 1)

    def saved(**asked: Any) -> list[str]:
        found = checked(made.recording.save(tmp_path / "run.json", **asked).read_bytes())["traceEvents"]
        return [event["name"] for event in found if event["ph"] in "XC"]

    assert saved(cell=2) == ["cell [2]", "load", "parse", "CPU", "CPU"]
    assert saved(last=1) == saved(cell=2)
    assert saved(name="load", cell=1)[:2] == ["load", "parse"]
    assert saved(where="attributes.rows > 1")[:2] == ["load", "parse"]
    assert saved(where="attributes.rows > 2") == []


def dense(fields: Row) -> Row:
    """A row whose ids and times are those of others, too."""
    trace_id, span_id, parent, name, kind, start, end, *others = fields
    place = RowFields._fields.index("thread") - 7
    others[place] = THREAD
    return (trace_id, span_id % 5 + 1, parent % 7, name, kind, start % 20, end % 30 if end > 0 else end, *others)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(rows() | rows().map(dense), max_size=6), max_size=3))
def test_whatever_rows_there_are_the_file_can_be_read(drawn: list[list[Row]]) -> None:
    """Each span once, with its times; duplicate ids, circles of parents, ends before beginnings and all the texts there are."""
    snapshot = Snapshot(tuple(map(seal, drawn)), (), 0)
    expected: Counter[tuple[str, int | None]] = Counter()
    for fields in (RowFields(*each[: len(RowFields._fields)]) for found in drawn for each in found):
        duration = max(0, fields.end_ns - fields.start_ns) if fields.end_ns > 0 else None
        expected[f"{fields.span_id:016x}", duration] += 1
    found = [
        (event["args"]["span_id"], ns(event["dur"]) if event["ph"] == "X" else None) for event in events(snapshot, "XB")
    ]
    assert Counter(found) == expected


def test_what_has_not_ended_stands_in_nothing_that_has() -> None:
    """Though that ends at the last moment that is known."""
    rec = recording(row(1, start=1, end=3), row(2, start=2, end=RUNNING), row(3, parent=1, start=2, end=RUNNING))
    assert len(events(rec, "XB")) == 3


def test_of_many_tasks_at_once_each_has_its_track_and_its_arrow() -> None:
    """Of thousands none is lost."""
    tasks = 5_000
    rec = recording(row(1, start=0, end=90_000), *(row(n + 2, parent=1, start=n + 1, end=80_000) for n in range(tasks)))
    assert [event["args"]["span_id"] for event in events(rec, "X")] == [f"{n + 1:016x}" for n in range(tasks + 1)]
    assert len({event["tid"] for event in events(rec, "X")}) == tasks
    assert len(events(rec, "s")) == tasks - 1


def test_rows_of_a_kernel_that_counts_its_own_cells_have_their_counts() -> None:
    made = Made()
    made.cell("a", 0, 1)
    made.cell("b", 2, 3, numbered=False)
    assert [event["args"].get("cell") for event in events(made.recording, "X")] == [1, None]


@pytest.mark.parametrize("thread", [THREAD, Thread(11, 22, None)])
def test_times_since_the_first_moment_are_never_negative(thread: Thread) -> None:
    """Also where a sample or an event was before all spans."""
    made = Made()
    cell = made.cell("work()", 10, 20)
    made.store.append(row(5, start=at(11), end=at(12), extra=Extra(events=((at(2), "early", (), ()),))))
    made.sample(cell, 12, 9, 1, thread=thread)
    assert min(event["ts"] for event in events(made.recording, "XiC")) >= 0
