"""Recordings that are saved as Chrome trace events, in Perfetto, whose importer tells what it has read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import REQUIRED
from tests.e2e.lab import TIMEOUT_MS
from tests.e2e.perfetto import asked, installed, open_trace, served
from tests.kernels.kernel import start_kernel

CELLS = (
    """import asyncio, time
from concurrent.futures import ThreadPoolExecutor
from opentelemetry import trace
import nbtrace
tracer = trace.get_tracer("shop")
def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass""",
    """with nbtrace.span("load", rows=3, note="é <b> 😀 </script>", part={"a": (1, 2)}) as first:
    first.add_event("cache miss", {"key": "orders"})
    with nbtrace.span("parse"):
        work(0.15)
    with nbtrace.span("clean"):
        work(0.01)""",
    """async def task(n):
    with nbtrace.span(f"task {n}"):
        with nbtrace.span("connect"):
            await asyncio.sleep(0.02 * n)
        with nbtrace.span("read"):
            await asyncio.sleep(0.05)
await asyncio.gather(*(task(n) for n in range(1, 4)))""",
    """def job(n):
    with nbtrace.span(f"job {n}"):
        work(0.03)
with nbtrace.span("pool"), ThreadPoolExecutor(1, thread_name_prefix="pool") as pool:
    list(pool.map(job, range(2)))""",
    """with tracer.start_as_current_span("train", links=[trace.Link(first.get_span_context())]):
    work(0.02)
    try:
        with nbtrace.span("validate"):
            raise ValueError("3 rows are missing")
    except ValueError:
        pass
def numbers():
    with nbtrace.span("generator"):
        yield 1
        yield 2
generator = numbers()
next(generator)""",
    "1 / 0",
    "list(generator)",
    "nbtrace.save('run.json')",
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what a notebook has saved."""
    folder = tmp_path_factory.mktemp("saved")
    kernel = start_kernel(cwd=str(folder)).load()
    try:
        for cell in CELLS:
            reply = kernel.run(cell)
            assert reply.status == "ok" or reply.ename == "ZeroDivisionError", reply
    finally:
        kernel.stop()
    return folder


@pytest.fixture(scope="module")
def trace(browser: Any, saved: Path) -> Iterator[Any]:
    """Perfetto's page with the file in it. What it asks from outside, whether it is at home at Google, it does not get."""
    home = installed()
    if isinstance(home, str):
        if REQUIRED:
            pytest.fail(home)
        pytest.skip(home)
    with served(home, saved) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.route(lambda url: not url.startswith((address, "blob:", "data:")), lambda route: route.abort())
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        open_trace(page, address, "run.json")
        yield page
        context.close()
    assert not wrong


def test_the_importer_finds_no_fault(trace: Any) -> None:
    """Nothing is lost, nothing out of place; no arrow has one end only."""
    assert asked(trace, "select name, value from stats where severity != 'info' and value > 0") == []
    assert asked(trace, "select name, value from stats where name glob 'flow_*' and value > 0") == []


def test_threads_are_tracks_and_tasks_beside_them(trace: Any) -> None:
    """In the order in which they began; the main thread is known as such."""
    threads = asked(
        trace, "select thread.name, is_main_thread from thread_track join thread using (utid) group by tid order by tid"
    )
    assert threads == [("MainThread", 1), ("MainThread · 2", 0), ("MainThread · 3", 0), ("pool_0", 0)]
    assert asked(trace, "select count(*) from process where pid > 0") == [(1,)]


def _below(trace: Any, thread: str) -> list[str]:
    """The slices of a track, each indented by its depth."""
    found = asked(
        trace,
        f"""select slice.depth, slice.name from slice join thread_track on slice.track_id = thread_track.id
        join thread using (utid) where thread.name = '{thread}' order by slice.ts, slice.depth""",
    )
    return [". " * depth + name.split(" ")[0] + (name[4:8] if name.startswith("cell") else "") for depth, name in found]


def test_spans_nest_as_they_ran(trace: Any) -> None:
    """Each cell on the main thread; a generator that outlives its cell, and tasks that overlap, with what runs in them, beside it."""
    assert _below(trace, "MainThread") == [
        *("cell [2]", "cell [3]", ". load", ". . cache", ". . parse", ". . clean"),
        *("cell [4]", ". task", ". . connect", ". . read"),
        *("cell [5]", ". pool"),
        *("cell [6]", ". train", ". . validate", ". . . ValueError:"),
        *("cell [7]", ". ZeroDivisionError:", "cell [8]", "cell [9]"),
    ]
    assert _below(trace, "MainThread · 2") == ["task", ". connect", ". read", "generator"]
    assert _below(trace, "MainThread · 3") == ["task", ". connect", ". read"]
    assert _below(trace, "pool_0") == ["job", "job"]


def test_times_are_those_of_the_recording(trace: Any, saved: Path) -> None:
    """To the nanosecond; the cell that saved had not ended."""
    events = json.loads((saved / "run.json").read_bytes(), parse_float=Decimal)["traceEvents"]
    expected = sorted((int(event["ts"] * 1000), int(event["dur"] * 1000)) for event in events if event["ph"] == "X")
    assert asked(trace, "select ts, dur from slice where dur > 0 order by ts, dur") == expected
    assert asked(trace, "select name from slice where dur = -1") == [("cell [9] nbtrace.save('run.json')",)]


def test_arrows_lead_to_tasks_threads_and_links(trace: Any) -> None:
    arrows = asked(
        trace,
        """select a.name, b.name from flow join slice a on slice_out = a.id join slice b on slice_in = b.id
        order by b.ts""",
    )
    assert [(one.split(" async")[0].split(" with")[0], other) for one, other in arrows] == [
        ("cell [4]", "task 2"),
        ("cell [4]", "task 3"),
        ("pool", "job 0"),
        ("pool", "job 1"),
        ("load", "train"),
        ("cell [6]", "generator"),
    ]


def test_counters_show_processors_and_memory(trace: Any) -> None:
    """Two threads that compute by turns are about one core."""
    ranges = asked(
        trace,
        """select counter_track.name, min(value), max(value) from counter
        join counter_track on counter_track.id = track_id group by 1""",
    )
    found = {name: (low, high) for name, low, high in ranges}
    assert set(found) == {"CPU cores busy", "resident memory MB"}
    assert found["CPU cores busy"][0] == 0
    assert 0.2 < found["CPU cores busy"][1] < 4
    assert found["resident memory MB"][0] > 10


def test_what_a_span_carries_is_text(trace: Any) -> None:
    """Letters as they are, nested values by their places, the cell by its number."""
    args = dict(
        asked(
            trace,
            "select args.key, display_value from args join slice using (arg_set_id) where slice.name = 'load'",
        )
    )
    assert {key: value for key, value in args.items() if not key.endswith("_id")} == {
        "args.cell": "3",
        "args.attributes.rows": "3",
        "args.attributes.note": "é <b> 😀 </script>",
        "args.attributes.part.a[0]": "1",
        "args.attributes.part.a[1]": "2",
    }
    assert {"args.trace_id", "args.span_id", "args.parent_span_id", "args.thread_id"} < set(args)


def test_a_person_sees_the_tracks(trace: Any) -> None:
    for text in ("MainThread · 2", "pool_0", "CPU cores busy", "resident memory MB"):
        trace.get_by_text(text).first.wait_for(timeout=TIMEOUT_MS)
