"""A recording stands by itself: nothing outside it is asked to interpret a row."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nbtrace
from nbtrace.analysis.selection import Selection
from nbtrace.capture.current_cell import CELL
from nbtrace.capture.live import LIVE
from nbtrace.formats.arrow import from_table, to_table
from nbtrace.recording import Recording
from nbtrace.store.origins import origin
from nbtrace.store.schema import Row
from nbtrace.store.span_store import Snapshot, SpanStore
from tests.rows import row

MS = 1_000_000
CELLS = 6

QUESTIONS: dict[str, Callable[[Recording], Any]] = {
    "spans": lambda rec: rec.spans(),
    "one cell": lambda rec: rec.spans(cell=3),
    "events": lambda rec: rec.events(),
    "links": lambda rec: rec.links(),
    "errors": lambda rec: rec.errors(),
    "cells": lambda rec: rec.cells(),
    "statistics": lambda rec: rec.statistics(),
    "self_times": lambda rec: rec.self_times(cell=2),
    "critical_path": lambda rec: rec.critical_path(cell=2),
    "gaps": lambda rec: rec.gaps(),
    "history": lambda rec: rec.history(),
    "compare": lambda rec: rec.compare(),
    "tree": lambda rec: rec.tree(),
    "text": lambda rec: str(rec.text()),
    "last": lambda rec: str(rec.text(last=2)),
    "arrow": lambda rec: rec.to_arrow().to_pylist(),
}


def made(store: SpanStore, *, numbered: bool = True, first: int = 1) -> list[Row]:
    """Cells that ran twice each, with a span inside, in a store's book; and their rows. Not numbered: the spans inside know
    no cell but by their trace."""
    rows = []
    for cell in range(first, first + CELLS):
        execution = store.cells.open(execution_count=cell, cell_id=f"id-{cell % 3}", source=f"work({cell % 3})")
        execution.trace_id, execution.span_id = 100 + cell, 10 * cell
        number, start = execution.number, cell * 1_000 * MS
        where = origin(f"service {cell % 2}", f"scope {cell}", "1", {"host.name": f"host {cell}", "k": (1, "two")})
        rows += [
            row(
                10 * cell + 1,
                parent=10 * cell,
                trace=100 + cell,
                name="inside",
                start=start + MS,
                end=start + cell * 50 * MS,
                cell=number if numbered else 0,
                origin=where,
                rows=cell,
            ),
            row(10 * cell, trace=100 + cell, name=f"cell [{cell}]", start=start, end=start + 500 * MS, cell=number),
        ]
    return rows


@pytest.fixture
def rec() -> Recording:
    store = SpanStore()
    for each in made(store):
        store.append(each)
    return Recording(store)


def same(one: Any, other: Any) -> bool:
    return bool(one.equals(other)) if isinstance(one, pd.DataFrame) else bool(one == other)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_recording_from_its_batches_answers_the_same(rec: Recording, question: str) -> None:
    """Its batches through their table, its executions as they are: all that there is to a recording."""
    held = rec._snapshot()
    carried = tuple(from_table(to_table(batch)) for batch in held.batches)
    store = SpanStore()
    store.take(Snapshot(carried, held.executions, held.dropped_spans).from_elsewhere())
    ask = QUESTIONS[question]
    assert same(ask(Recording(store)), ask(rec))


def test_a_recording_in_another_process_answers_the_same(rec: Recording, tmp_path: Path) -> None:
    """There its own cell and spans count as they do here, and none is taken for one of the recording's."""
    (tmp_path / "rec").write_bytes(pickle.dumps(rec))
    script = f"""
import pickle, sys
from pathlib import Path
from nbtrace.capture.current_cell import CELL
from nbtrace.capture.live import LIVE
from tests.test_recording import QUESTIONS
CELL.set(LIVE.cells.open(execution_count=3, cell_id=None, source="another cell 3").number)
here = Path({str(tmp_path)!r})
rec = pickle.loads((here / "rec").read_bytes())
(here / "answers").write_bytes(pickle.dumps({{name: ask(rec) for name, ask in QUESTIONS.items()}}))
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, cwd=Path(__file__).parent.parent)
    answers = pickle.loads((tmp_path / "answers").read_bytes())
    assert [name for name, ask in QUESTIONS.items() if not same(answers[name], ask(rec))] == []


def test_spans_from_elsewhere_find_their_cell_by_their_trace(rec: Recording) -> None:
    """A worker knows the trace that it belongs to, and no execution of ours."""
    store, elsewhere = SpanStore(), SpanStore()
    for each in made(elsewhere, numbered=False):
        elsewhere.append(each)
    store.take(elsewhere.snapshot())
    there = Recording(store)
    assert [name for name, ask in QUESTIONS.items() if not same(ask(there), ask(rec))] == []


def test_two_recordings_in_one_process_know_only_their_own_cells() -> None:
    """Cells with the same counts, and of one of them everything forgotten."""
    one, two = Recording(SpanStore()), Recording(SpanStore())
    for rec, first in ((one, 1), (two, 3)):
        for each in made(rec._store, first=first):
            rec._store.append(each)
    assert one.cells()["cell"].tolist() == [1, 2, 3, 4, 5, 6]
    assert two.cells()["cell"].tolist() == [3, 4, 5, 6, 7, 8]
    assert one.forget(cell=3) == 2
    assert one.spans(cell=3).empty
    assert len(two.spans(cell=3)) == 2
    assert two.cells()["source"].tolist()[0] == "work(0)"


def test_a_loaded_recording_that_records_on_keeps_both_apart(rec: Recording) -> None:
    """What it held, and what it records here, are not numbered alike."""
    loaded = pickle.loads(pickle.dumps(rec))
    before = loaded.spans()
    with loaded, nbtrace.span("here"):
        pass
    after = loaded.spans()
    assert after[after["name"] != "here"].reset_index(drop=True)[list(before)].equals(before)
    here = after[after["name"] == "here"].iloc[0]
    assert here["service_name"] != "service 1"
    assert pd.isna(here["cell"])


def test_a_recording_begun_inside_a_cell_shows_there_what_it_holds() -> None:
    """The cell that asks is left out of a recording of the notebook, not of one that knows nothing but that cell."""
    token = CELL.set(LIVE.cells.open(execution_count=3, cell_id=None, source="with nbtrace.record() …").number)
    try:
        with nbtrace.record() as rec, nbtrace.span("inside"):
            pass
        assert "inside" in str(rec.text())
    finally:
        CELL.reset(token)


def test_wrong_words_are_told_of_by_the_name_that_was_called() -> None:
    with pytest.raises(TypeError, match=r"Recording\.spans\(\) got an unexpected"):
        nbtrace.spans(cel=3)  # type: ignore[call-arg]


def test_a_copy_forgets_spans_that_ran_when_it_was_made() -> None:
    with nbtrace.record() as rec, nbtrace.span("login", word="correct horse"):
        copied = copy.deepcopy(rec)
        assert copied.forget(name="login") == 1
    assert copied.spans().empty
    assert b"correct horse" not in pickle.dumps(copied)
    assert len(rec.spans()) == 1


def test_what_is_forgotten_again_and_again_is_asked_for_in_one_step() -> None:
    """Not through one step more for each time, up to the end of the stack; and nothing is remembered of recordings that are
    gone, whose address another may get."""
    with nbtrace.record() as rec:
        source = rec._store.sources[LIVE]
        for _ in range(5):
            with nbtrace.span("x"):
                assert rec.forget(name="x") == 1
        assert rec._store.sources[LIVE] is source
    with nbtrace.span("after"):
        pass
    assert rec.spans().empty
    del rec, source
    gc.collect()
    assert list(LIVE._unwanted) == []


def test_a_selection_means_the_same_when_it_is_asked_again(rec: Recording) -> None:
    """Cells that can be counted once are counted when it is made."""
    assert rec.forget(cell=(cell for cell in (2, 3))) == 4
    assert rec.cells(cell=iter([1, 4]))["cell"].tolist() == [1, 4]
    assert Selection(iter([1, 4])).cell == (1, 4)


def test_two_missing_operands_meet_nothing() -> None:
    with nbtrace.record() as rec, nbtrace.span("a", x=True):
        pass
    assert rec.spans(where="-attributes.x > 1").empty
