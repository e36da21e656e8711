"""Saving and loading, as a person types it."""

from __future__ import annotations

import json
import os
import pickle
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

import nbtrace
from nbtrace.formats.register import FORMATS, UnknownFormatError
from nbtrace.recording import Recording
from nbtrace.store.span_store import SpanStore
from tests.rows import row
from tests.waiting import wait_for

pytestmark = pytest.mark.once


def names(path: Path) -> Counter[str]:
    """Of the spans in a file, ended and running."""
    events = json.loads(path.read_bytes())["traceEvents"]
    return Counter(event["name"] for event in events if event["ph"] in "XB")


@pytest.fixture
def recording() -> Recording:
    store = SpanStore()
    store.append(row(1, name="load"))
    return Recording(store)


@pytest.mark.parametrize("form", [str, Path, lambda path: os.fspath(path)])
def test_a_relative_path_is_below_the_working_directory(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any
) -> None:
    """And comes back as it was given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    assert recording.save(form("runs/../run.json")) == Path("runs/../run.json")
    assert names(tmp_path / "run.json") == {"load": 1}


def test_a_journal_is_told_to_be_recovered(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownFormatError, match=r"is called as a journal is\. Type  nbtrace\.recover\('.*run\.journal'\)$"
    ):
        nbtrace.load(tmp_path / "run.journal")


def test_a_file_is_named_as_an_example_only_where_it_is_there(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownFormatError) as told:
        nbtrace.load("run.parqet")
    assert "Type for example" not in str(told.value)
    recording.save("run.jsonl")
    with pytest.raises(UnknownFormatError, match=r"Type for example load\('run\.jsonl'\)\.$"):
        nbtrace.load("run.parqet")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    """It would run what it says. What can be loaded is told."""

    class Hostile:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "hacked"),)

    path = tmp_path / "run.pkl"
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(UnknownFormatError, match="cannot tell the format of") as told:
        nbtrace.load(path)
    assert all(suffix in str(told.value) for suffix, known in FORMATS.items() if known.read is not None)
    for suffix in FORMATS:  # under another name, too
        named = path.rename(tmp_path / f"run{suffix}")
        with pytest.raises((ValueError, OSError)):
            nbtrace.load(named)
        path = named
    assert not (tmp_path / "hacked").exists()


def test_a_recording_is_saved_while_others_write_into_it(tmp_path: Path) -> None:
    """Each file is whole: spans that had ended when it was begun are in it once, those that ran as running."""
    path = tmp_path / "run.json"
    over = threading.Event()

    def work(number: int) -> None:
        tracer = trace.get_tracer("test")
        while not over.wait(0.001):  # or they would leave the saving thread hardly a turn
            with tracer.start_as_current_span(f"outer {number}"), tracer.start_as_current_span("inner"):
                pass

    with nbtrace.record() as rec:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                before = len(rec)
                wait_for(lambda before=before: len(rec) > before + 50)  # type: ignore[misc]
                ended = len(rec)
                rec.save(path)
                events = json.loads(path.read_bytes())["traceEvents"]
                ids = Counter(event["args"]["span_id"] for event in events if event["ph"] in "XB")
                assert set(ids.values()) == {1}
                assert len(ids) >= ended
        finally:
            over.set()
            for thread in threads:
                thread.join()
    rec.save(path)
    assert names(path).total() == len(rec)


def test_two_threads_save_at_once(recording: Recording, tmp_path: Path) -> None:
    """One recording under one name."""
    path, wrong = tmp_path / "run.json", []

    def save() -> None:
        try:
            for _ in range(10):
                recording.save(path)
                assert names(path) == {"load": 1}
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=save) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert os.listdir(tmp_path) == ["run.json"]
