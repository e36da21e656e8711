from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np

from nbtrace.store.book import Execution
from nbtrace.store.schema import Extra, Origin, Thread
from nbtrace.store.seal import seal
from nbtrace.store.semconv import HOST_NAME, TASK_SCOPE, TASK_TRANSFER, TASK_WAITED, TASK_WORKER, TASK_WORKER_START
from nbtrace.views.inspector.details import details
from nbtrace.views.inspector.frames import Frame, frame
from nbtrace.views.inspector.narrowed import among
from nbtrace.views.inspector.wire import Encoder
from tests.rows import row


def read(data: Frame) -> tuple[dict[str, Any], list[Any]]:
    """Take a frame apart, as the browser does."""
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    columns, offset = [], 4 + length
    for kind, count in header.pop("columns"):
        assert offset % 8 == 0
        columns.append(np.frombuffer(data, dtype=kind, count=count, offset=offset))
        offset += -(-columns[-1].nbytes // 8) * 8
    assert offset == len(data)
    return header, columns


def test_a_frame_is_a_header_and_aligned_columns() -> None:
    columns = (
        np.array([1, 2, 3], dtype=np.int32),
        np.array([0.5]),
        np.zeros(0, dtype=np.uint8),
        np.array([7], dtype=np.uint8),
    )
    header, found = read(frame({"kind": "x", "text": "ü"}, columns))
    assert header == {"kind": "x", "text": "ü"}
    assert [column.tolist() for column in found] == [[1, 2, 3], [0.5], [], [7]]


def test_spans_become_columns_with_the_rows_of_their_parents() -> None:
    batch = seal(
        [
            row(2, parent=1, name="b", start=2_000_000, end=3_000_000, status=2),
            row(1, name="a", start=1_000_000, end=9_000_000),
        ]
    )
    header, columns = read(Encoder().spans([(batch, 0)], [], {"reset": True})[0])
    start, end, name, parent, _, flags, errors = columns[:7]
    assert (header["first"], header["count"], header["zero"], header["names"]) == (0, 2, "1000000", ["b", "a"])
    assert (start.tolist(), end.tolist()) == ([1.0, 0.0], [2.0, 8.0])
    assert (name.tolist(), parent.tolist(), flags.tolist(), errors.tolist()) == ([0, 1], [1, -1], [2, 0], [1, 0])


def test_a_running_span_keeps_its_row_when_it_ends() -> None:
    """Its children come first, and know it; its end comes as a change."""
    encoder = Encoder()
    encoder.spans([(seal([row(1, end=0), row(9, end=0)]), 0)], [], {})
    event = Extra(events=((2_500, "tick", (), ()),))
    later = seal([row(5, parent=1), row(1, end=5_000, status=2, extra=event)])
    header, columns = read(encoder.spans([(later, 0)], [], {})[0])
    assert (header["first"], header["count"], columns[3].tolist()) == (2, 1, [0])
    rows, ends, names, parents, flags, errors, event_rows, event_times, *_, gone = columns[7:]
    assert (rows.tolist(), ends.tolist(), flags.tolist(), parents.tolist()) == ([0], [0.004], [2 | 4], [-1])
    assert errors.tolist() == [1]
    assert (names.tolist(), gone.tolist()) == ([0], [])
    assert (event_rows.tolist(), event_times.tolist()) == ([0], [0.0015])
    assert list(encoder.running) == [f"{9:016x}"]


def test_a_caption_changes_when_its_span_ends() -> None:
    """What a request asked for is known as it runs, what came of it at its end; what has no caption is not looked at."""
    encoder = Encoder()
    asked = {"http.request.method": "GET", "url.path": "/users"}
    batch = seal([row(1, end=0, name="GET", **asked), row(2, name="work"), row(3, name="GET", **asked)])
    header, columns = read(encoder.spans([(batch, 0)], [], {})[0])
    assert (header["captions"], columns[-3].tolist(), columns[-2].tolist()) == (["GET /users"], [0, 2], [0, 0])
    ended = seal([row(1, end=5_000, name="GET", **asked, **{"http.response.status_code": 503})])
    header, columns = read(encoder.spans([(ended, 0)], [], {})[0])
    assert (header["captions"], columns[-3].tolist(), columns[-2].tolist()) == (["GET /users 503"], [0], [0])


def test_only_wanted_spans_are_told_of() -> None:
    encoder = Encoder(choose=among([f"{2:016x}"]))
    found, placed = encoder.spans([(seal([row(1), row(2, parent=1), row(3, parent=2)]), 0)], [], {})
    _, columns = read(found)
    assert (len(columns[0]), columns[3].tolist(), placed[0].rows.tolist(), placed[0].positions.tolist()) == (
        1,
        [-1],
        [0],
        [1],
    )


POOL = Origin("here", TASK_SCOPE)


def tasks(data: Frame) -> list[tuple[float, ...]]:
    """Row, waited and starting of each task that a frame tells of."""
    return list(zip(*(column.tolist() for column in read(data)[1][15:18]), strict=True))


def test_tasks_are_told_with_how_long_they_waited_and_other_spans_without() -> None:
    """Whatever others have written at these keys: what is no such time is 0."""
    waits = [
        {TASK_WAITED: 80.0, TASK_WORKER_START: 78.0},
        {TASK_WAITED: 2},
        {TASK_WAITED: 1.0, TASK_WORKER_START: 5.0},
        {},
        *({TASK_WAITED: odd, TASK_WORKER_START: odd} for odd in (-1.0, float("nan"), float("inf"), 1e300, "80", True)),
    ]
    late = 100 * 10**9
    made = [row(2 + at, parent=1, start=late, end=late + 1, origin=POOL, **each) for at, each in enumerate(waits)]
    other = row(99, start=late, end=late + 1, origin=Origin("here", "user"), **{TASK_WAITED: 3.0})
    found, _ = Encoder().spans([(seal([row(1), other, *made]), 0)], [], {})
    assert tasks(found) == [
        (2, 80_000.0, 78_000.0),
        (3, 2_000.0, 0.0),
        (4, 1_000.0, 1_000.0),
        *((at, 0.0, 0.0) for at in range(5, 12)),
    ]


def test_what_was_fetched_is_told_as_the_last_part_of_the_waiting() -> None:
    """With the start of a worker it is never longer than that."""
    waits = [(10.0, 0.0, 4.0), (10.0, 7.0, 8.0), (1.0, 5.0, 5.0), (2.0, 0.0, "4"), (2.0, 0.0, -1.0)]
    keys = TASK_WAITED, TASK_WORKER_START, TASK_TRANSFER
    late = 100 * 10**9
    made = [
        row(at, start=late, end=late + 1, origin=POOL, **dict(zip(keys, each, strict=True)))
        for at, each in enumerate(waits)
    ]
    columns = read(Encoder().spans([(seal(made), 0)], [], {})[0])[1]
    assert columns[17].tolist() == [0.0, 7_000.0, 1_000.0, 0.0, 0.0]
    assert columns[18].tolist() == [4_000.0, 3_000.0, 0.0, 0.0, 0.0]


def test_workers_of_an_engine_are_told_by_name_once_and_again_with_another() -> None:
    """The host where it is not the kernel's; not the kernel itself, in which a cluster of threads works, nor a worker of which no
    task is told of."""
    encoder = Encoder(choose=among([f"{at:016x}" for at in (1, 2, 3, 5)]))

    def task(at: int, pid: int, worker: object, host: object = "node7") -> Any:
        made = row(at, start=9 * 10**9, end=10**10, origin=POOL, **{TASK_WORKER: worker, HOST_NAME: host})
        return (*made[:10], Thread(pid, 1, "x"), *made[11:])

    far = 2**32 + 40
    first = [
        task(1, 40, "tcp://10.0.0.1:4000"),
        task(2, far, "tls://10.0.0.7:4000"),
        task(4, 50, "tcp://10.0.0.1:5000"),
    ]
    user = row(5, start=1, end=2, origin=Origin("here", "user"), **{TASK_WORKER: "tcp://nobody:1"})
    found = encoder.spans([(seal([*first, task(3, 60, "inproc://10.0.0.1/60/4"), user]), 0)], [], {})[0]
    assert read(found)[0]["workers"] == [[40, "10.0.0.1:4000"], [far, "10.0.0.7:4000 (node7)"]]
    again = [task(1, 40, "tcp://10.0.0.1:4000"), task(2, far, "tls://10.0.0.7:4001\x1b[31m", 5), task(3, 41, 7)]
    assert read(encoder.spans([(seal(again), 0)], [], {})[0])[0]["workers"] == [[far, "10.0.0.7:4001"]]


def test_of_tasks_that_are_left_out_nothing_is_told() -> None:
    """Nor is their process counted."""
    mine, theirs = (row(at, start=9 * 10**9, end=10**10, origin=POOL, **{TASK_WAITED: at / 2}) for at in (2, 3))
    elsewhere = (*theirs[:10], Thread(12, 1, "MainThread"), *theirs[11:])
    batch = seal([row(1), mine, elsewhere])
    found, _ = Encoder(choose=among([f"{2:016x}"])).spans([(batch, 0)], [], {})
    assert (tasks(found), read(found)[0]["processes"]) == ([(0, 1_000.0, 0.0)], 1)
    assert read(Encoder().spans([(batch, 1)], [], {})[0])[0]["processes"] == 2


def test_a_task_that_runs_is_told_again_when_it_has_ended() -> None:
    encoder = Encoder()
    start, waited = 9 * 10**9, {TASK_WAITED: 1.0}
    first, _ = encoder.spans([(seal([row(1, start=start, end=0, origin=POOL, **waited)]), 0)], [], {})
    after, _ = encoder.spans([(seal([row(1, start=start, end=10**10, origin=POOL, **waited)]), 0)], [], {})
    assert tasks(first) == tasks(after) == [(0, 1_000.0, 0.0)]


def test_cells_are_told_once_and_again_when_their_number_is_known() -> None:
    encoder = Encoder()
    execution = Execution(1, None, "id", "x" * 50_000, 1)
    first, _ = read(encoder.spans([(seal([row(1, cell=1)]), 0)], [execution], {})[0])
    assert first["cells"][0][:2] == [1, None]
    assert len(first["cells"][0][4]) == 20_001
    assert read(encoder.spans([], [execution], {})[0])[0]["cells"] == []
    execution.execution_count = 7
    assert read(encoder.spans([], [execution], {})[0])[0]["cells"][0][1] == 7


def test_of_a_cell_it_is_told_in_which_process_its_own_span_began() -> None:
    """Not in which a worker's did, that comes before it; it is told once it is known."""
    encoder = Encoder()
    execution = Execution(1, 7, "id", "x", 1, span_id=1)
    work = row(2, parent=1, cell=1)
    worker = seal([(*work[:10], Thread(4_720, 1, "MainThread"), *work[11:])])
    first, _ = read(encoder.spans([(worker, 0)], [execution], {})[0])
    after, _ = read(encoder.spans([(seal([row(1, cell=1)]), 0)], [execution], {})[0])
    assert [(header["cells"][0][5], header["processes"]) for header in (first, after)] == [(None, 1), (11, 2)]


def test_details_hold_every_value_as_json_can() -> None:
    """What JSON cannot hold, or a browser would lose, is marked text."""
    extra = Extra(
        status_message="why",
        events=((1_500, "event", ("k",), ([1, 2],)),),
        links=((7, 8, ("why",), ("because",)),),
        dropped_attributes=3,
    )
    odd = {"nan": float("nan"), "big": 2**60, "bytes": b"\x00", "map": {"a": [1, {"b": None}]}, "text": "\ud800"}
    batch = seal([row(1), row(2, extra=extra, **odd)])
    (_, placed) = Encoder().spans([(batch, 1)], [], {})
    (sent,) = details(placed[0])
    _, (rows, data) = read(sent)
    (found,) = json.loads(zlib.decompress(data.tobytes()))
    assert rows.tolist() == [0]
    assert {**found["attributes"], "text": ""} == {
        "nan": {"$": "nan"},
        "big": {"$": str(2**60)},
        "bytes": {"$": "b'\\x00'"},
        "map": {"a": [1, {"b": None}]},
        "text": "",
    }
    assert found["attributes"]["text"].isprintable()
    assert (found["id"], found["message"], found["dropped"]) == (f"{2:016x}", "why", [3, 0, 0])
    assert found["thread"] == [11, 22, "MainThread"]
    assert found["events"] == [["event", "1500", {"k": [1, 2]}]]
    assert found["links"] == [[f"{7:032x}", f"{8:016x}", {"why": "because"}]]


def test_details_come_in_frames_of_a_thousand() -> None:
    batch = seal([row(i + 1) for i in range(2_500)])
    _, placed = Encoder().spans([(batch, 0)], [], {})
    rows = [read(sent)[1][0] for sent in details(placed[0])]
    assert [len(each) for each in rows] == [1_000, 1_000, 500]
    assert np.concatenate(rows).tolist() == list(range(2_500))
