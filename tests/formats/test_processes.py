"""Rows of several processes in files: each keeps its own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import nbtrace
from nbtrace.analysis.profiles.flames import Wanted, flames
from nbtrace.recording import Recording
from nbtrace.store.origins import origin
from nbtrace.store.schema import Thread
from nbtrace.store.semconv import HOST_NAME, TASK_SCOPE, TASK_WAITED, TASK_WORKER, TASK_WORKER_START
from tests.formats.journal.journals import journalled
from tests.formats.test_chrome import events
from tests.profiles import MERGE, Made, at
from tests.rows import row

WORKERS = [Thread(pid, 22, "MainThread") for pid in (4_001, 4_002)]
POOL = origin("nbtrace", TASK_SCOPE, None, {})


def fill(made: Made) -> Recording:
    """A cell whose two workers have taken turns; their threads are called the same, and have the same number."""
    cell = made.cell("pool.map(fit, data)", 0, 1_000, [(0, 1)])
    for n in range(6):
        worker, start = WORKERS[n % 2], 500 + 10 * n
        waited = {TASK_WAITED: start / 1_000} | ({TASK_WORKER_START: 0.4} if n < 2 else {})
        task = row(n + 1, parent=cell.span_id, name="fit", trace=cell.trace_id, cell=cell.number, origin=POOL, **waited)
        made.store.append((*task[:5], at(start), at(start + 9), *task[7:10], worker, *task[11:]))
        inside = row(n + 101, parent=n + 1, name="load", trace=cell.trace_id, cell=cell.number)
        made.store.append((*inside[:5], at(start + 1), at(start + 2), *inside[7:10], worker, *inside[11:]))
        made.sample(cell, start + 9, 9, MERGE, memory=(1 + n) * 2**20, thread=worker, span=n + 1)
    return made.recording


def assert_same(found: Recording, expected: Recording, *questions: str, but: tuple[str, ...] = ()) -> None:
    for name in questions:
        one, other = (getattr(each, name)().drop(columns=[*but]) for each in (found, expected))
        pd.testing.assert_frame_equal(one, other, check_exact=True, obj=name)


@pytest.mark.parametrize("name", ["run.parquet", "runs/", "run.jsonl", "run.otlp"])
def test_a_file_keeps_the_process_of_each_row(tmp_path: Path, name: str) -> None:
    """OTLP as its resource's process.pid; samples are in Parquet alone."""
    saved = fill(Made())
    path = saved.save(f"{tmp_path}/{name}")
    loaded = nbtrace.load(path)
    samples = ("samples", "lines", "hotspots") if "otlp" not in name and "jsonl" not in name else ()
    assert_same(loaded, saved, "spans", "tasks", *samples)
    assert loaded.tasks()["process_pid"].tolist() == [4_001, 4_002] * 3
    assert loaded.spans().groupby("process_pid").size().to_dict() == {11: 1, 4_001: 6, 4_002: 6}


def test_a_journal_keeps_the_process_of_each_row(tmp_path: Path) -> None:
    made = Made()
    with journalled(tmp_path) as journal:
        made.store = journal.store
        made.recording = Recording(journal.store)
        fill(made)
    # Cells are written as they begin, which this one never did.
    assert_same(journal.read(), made.recording, "spans", "tasks", "samples", but=("cell",))


def test_profiles_and_perfetto_name_the_workers_of_an_engine() -> None:
    """Two machines have given the same number."""
    made = Made()
    cell = made.cell("client.map(fit, data)", 0, 1_000, [(0, 1)])
    told = [(Thread(40, 1, "MainThread"), "tcp://10.0.0.1:4000"), (Thread(2**32 + 40, 1, "t"), "tcp://10.0.0.7:4000")]
    for n, (thread, worker) in enumerate(told):
        carried = {TASK_WORKER: worker, HOST_NAME: f"node{n}"}
        task = row(
            n + 1, parent=cell.span_id, name="fit", trace=cell.trace_id, cell=cell.number, origin=POOL, **carried
        )
        made.store.append((*task[:5], at(100), at(200), *task[7:10], thread, *task[11:]))
        made.sample(cell, 150, 9, MERGE, thread=thread, span=n + 1)
    made.sample(cell, 160, 9, MERGE, thread=Thread(2**32 + 41, 1, "MainThread"), span=1)
    snapshot = made.store.snapshot()
    flames_ = flames(snapshot, Wanted())
    threads = {flames_.frames[stack[0]].name for stack in flames_.stacks}
    assert {"10.0.0.1:4000", "10.0.0.7:4000 (node1) thread t", "process 41"} <= threads
    named = [e["args"]["name"] for e in events(made.recording, "M") if e["name"] == "process_name"]
    assert named == ["Python", "nbtrace worker 10.0.0.1:4000", "nbtrace worker 10.0.0.7:4000 (node1)", "Python"]
