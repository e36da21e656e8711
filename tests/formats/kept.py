"""A recording with some of everything, and all that it answers: what a file must keep."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nbtrace.answers.register import REGISTER
from nbtrace.api import Recording
from nbtrace.formats.arrow import to_table
from nbtrace.store.book import Resources
from nbtrace.store.origins import origin
from nbtrace.store.samples import SampleBatch
from nbtrace.store.schema import RUNNING, UNFINISHED, Extra, Thread
from nbtrace.store.span_store import Snapshot
from tests.profiles import MERGE, OTHER, OWN_FILE, SLEEP, TAKE, Made, at
from tests.rows import row

NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "markdown", "id": "top", "metadata": {}, "source": "# First"},
        {"cell_type": "code", "id": "id1", "metadata": {}, "source": "", "outputs": [], "execution_count": 1},
        {"cell_type": "markdown", "id": "mid", "metadata": {}, "source": "## Then"},
        {"cell_type": "code", "id": "id2", "metadata": {}, "source": "", "outputs": [], "execution_count": 2},
    ],
}
HOST = origin("shop", "lib", "1.2", {"service.name": "shop", "host.cores": 4})
FAILED = (at(70), "exception", ("exception.type", "exception.message"), ("ValueError", "no such thing"))


def rich() -> Made:
    """Two cells that ended, one that failed, one that only asked and one that runs, with spans, statements and samples."""
    made = Made()
    first = made.cell("import x\ny = load('ä')\n", 0, 100, [(0, 1), (2, 2)])
    first.resources = Resources(90, 2**33, -5, 7, None, 11, True, None, 0.25)
    load = made.span(first, "load", 3, 90, source="s3", rows=5, share=0.1 + 0.2, ok=True, raw=b"\0\xff", nothing=None)
    made.span(load, "part", 5, 25, rows="many", nested={"a": (1, 2.5, "x")}, listed=(1, 2))
    for step in range(12):
        made.sample(first, 10 + 5 * step, 5, 2, OWN_FILE, MERGE, TAKE, memory=10**9 + step, native=step % 2 == 0)
    second = made.cell("raise", 200, 280, [(200, 1)], failed=True)
    second.failed = True
    extra = Extra("no such thing", (FAILED,), ((1_234, 99, ("why",), ("retry",)),), 1, 2, 3, True)
    failing = row(
        600_001,
        parent=second.span_id,
        trace=second.trace_id,
        cell=second.number,
        status=2,
        start=at(210),
        end=at(270),
        origin=HOST,
    )
    made.store.append((*failing[:10], Thread(11, 33, None), extra, ("n",), 2**63 - 1))
    made.sample(second, 230, 10, 1, SLEEP, cpu=-1, thread=OTHER)
    made.sample(None, 300, 10, SLEEP, cpu=0, thread=OTHER)
    asking = made.cell("%spans", 400, 410, [(400, 1)], asks=True)
    asking.line_map = (1, 1)
    made.cell("again = 1", 500, 520, [(500, 1)], numbered=False)
    running = made.cell("while True:\n    work()\n", 1_000, None, [(1_000, 1, 2)])
    made.sample(running, 1_100, 20, 2, MERGE)
    made.store.append(row(700_001, start=at(900), end=UNFINISHED, trace=12))
    inside = row(
        700_002, parent=running.span_id, trace=running.trace_id, cell=running.number, start=at(1_001), end=RUNNING
    )
    made.store.sources["inside"] = lambda: [inside]
    return made


def answers(recording: Recording, folder: Path) -> dict[str, Any]:
    """All that a recording answers."""
    notebook = folder / "notebook.ipynb"
    notebook.write_text(json.dumps(NOTEBOOK), "utf-8")
    given: dict[str, tuple[Any, ...]] = {
        "compare": (1, 2),
        "headings": (notebook,),
        "report": (folder / "report.html",),
        "save": (folder / "profile.folded",),
    }
    found: dict[str, Any] = {}
    for name, question in REGISTER.items():
        if name == "plot":
            continue
        found[name] = answer = question.ask(recording, *given.get(name, ()))
        if isinstance(answer, Path):
            found[name] = _timeless(answer.read_text("utf-8"))
        elif not isinstance(answer, pd.DataFrame):
            found[name] = str(answer)
    found["dropped"] = recording.dropped_spans
    # What runs comes last where it is live, in no order of its own.
    found["arrow"] = sorted(recording.to_arrow().to_pylist(), key=lambda span: span["span_id"])
    return found


def _timeless(report: str) -> str:
    """A report without the moment at which it was written, and without columns and details, which stand as batches cut them."""

    def told(text: re.Match[str]) -> str:
        header = base64.b64decode(text[0] + "==").decode("latin-1").partition('"columns"')[0]
        header = header[header.find("{") :]  # how long it is, which comes before, depends on how that moment is written
        return "" if '"details"' in header else re.sub(r'"now": [\d.]+', "", header)

    return re.sub(r'(, ("|&quot;){2})+', "", re.sub(r"[A-Za-z0-9+/]{200,}=*", told, report))


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each answer equals the other, the types of DataFrames too."""
    assert found.keys() == expected.keys()
    for name, answer in expected.items():
        if isinstance(answer, pd.DataFrame):
            pd.testing.assert_frame_equal(found[name], answer, check_exact=True, obj=name)
        else:
            assert found[name] == answer, name


def said(snapshot: Snapshot) -> dict[str, Any]:
    """All that a snapshot holds, in plain Python, however it is divided into batches."""
    return {
        "spans": sorted((row for batch in snapshot.batches for row in rows(batch)), key=lambda span: span["span_id"]),
        "executions": list(snapshot.executions),
        "samples": [sample for batch in snapshot.samples for sample in samples(batch)],
        "statements": [each for batch in snapshot.statements for each in batch.statements.to_pylist()],
        "dropped": (snapshot.dropped_spans, snapshot.dropped_samples),
    }


def rows(batch: Any) -> list[dict[Any, Any]]:
    """The spans of a batch, one by one; attributes by key and kind, floats by their bits."""
    table = to_table(batch)
    names = [
        (field.metadata[b"key"], field.metadata[b"kind"]) if field.metadata else field.name for field in table.schema
    ]
    found = []
    for each in zip(*(column.to_pylist() for column in table.columns), strict=True):
        span = dict(zip(names, each, strict=True))
        # What a span does not have is no attribute; other fields may well be missing.
        found.append(
            {name: _exact(value) for name, value in span.items() if value is not None or isinstance(name, str)}
        )
    return found


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, list):
        found = [_exact(item) for item in value]
        # In a batch the keys' order is that of all of its events.
        return sorted(found, key=str) if value and isinstance(value[0], dict) and "key" in value[0] else found
    return {name: _exact(item) for name, item in value.items()} if isinstance(value, dict) else value


def samples(batch: SampleBatch) -> list[tuple[Any, ...]]:
    """The samples of a batch, each with its whole stack."""
    stacks: list[tuple[Any, ...]] = []
    frames = [tuple(frame.values()) for frame in batch.frames.to_pylist()]
    for above, frame in zip(*(batch.stacks[name].to_pylist() for name in ("above", "frame")), strict=True):
        stacks.append((*(stacks[above] if above >= 0 else ()), frames[frame]))
    columns: list[Sequence[Any]] = [batch.numbers(name).tolist() for name in ("time", "wall", "cpu", "memory", "cell")]
    columns += [batch.samples[name].to_pylist() for name in ("native", "span", "thread")]
    return [
        (*fields, stacks[stack] if stacks else ())
        for *fields, stack in zip(*columns, batch.samples["stack"].to_pylist(), strict=True)
    ]
