"""What a system lacks is done without: files that cannot be mapped, no fork, no directory to be had."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import nbtrace
from nbtrace.capture.instruments import processes
from nbtrace.capture.live import LIVE
from nbtrace.formats.journal import part
from nbtrace.formats.spool import end_slot

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def work(number: int) -> float:
    with nbtrace.span("work", number=number):
        time.sleep(0.01)
    return time.time()


def pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))


def test_without_mapped_files_a_task_ends_when_the_next_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """All else comes home as it does; status says what does not."""
    monkeypatch.setattr(part, "MAPPED", False)
    monkeypatch.setattr(end_slot, "POSSIBLE", False)
    with nbtrace.record() as rec, nbtrace.span("sends"):
        with pool() as executor:
            list(executor.map(work, range(3)))
        assert "When a task ends is known when its worker begins the next" in processes.status()
        tasks = rec.tasks()
    assert tasks["name"].tolist() == ["work"] * 3
    assert tasks["state"].tolist() == ["ended", "ended", "unfinished"]
    assert tasks["end_time"].iloc[0] <= tasks["start_time"].iloc[1]
    assert rec.spans(where="scope_name != 'nbtrace.tasks'")["name"].tolist() == ["sends", "work", "work", "work"]


def test_where_no_directory_can_be_made_work_goes_on_and_status_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    with nbtrace.record() as rec, nbtrace.span("sends"):
        (tmp_path / "gone").rmdir()
        with pool() as executor:
            assert len(list(executor.map(work, range(3)))) == 3
        assert "no directory for it: No such file" in "\n".join(LIVE.exchange.status())
    assert rec.spans()["name"].tolist() == ["sends"]


def test_a_directory_that_somebody_deletes_is_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was open in it is unfinished."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with nbtrace.record() as rec, nbtrace.span("sends"):
        with pool() as executor:
            list(executor.map(work, range(2)))
        assert len(rec.tasks()) == 2
        for home in tmp_path.iterdir():
            shutil.rmtree(home)
        with nbtrace.record(), pool() as executor:
            list(executor.map(work, range(2)))
        assert len(rec.tasks()) == 4
    assert set(rec.spans()["state"]) <= {"ended", "unfinished"}


def test_without_fork_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert "no fork" in processes.status()
