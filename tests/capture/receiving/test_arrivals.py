"""A span of another program finds its cell, however late it comes and in whatever order."""

from __future__ import annotations

from typing import Any

import pytest

from nbtrace.capture.receiving import arrivals
from nbtrace.capture.receiving.arrivals import Arrivals
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.store.book import CellBook, Execution
from nbtrace.store.schema import Origin, Row, Thread


class Kept:
    """Holds what it is given."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def append(self, row: Row, weight: int) -> None:
        self.rows.append(row)

    def holds(self, row: Row) -> bool:
        return False


class Kernel:
    """A book of cells and who records, without the rest."""

    def __init__(self) -> None:
        self.book, self.kept, recorder = CellBook(), Kept(), SpanRecorder()
        recorder.listen(self.kept)
        self.recorder = recorder
        self.arrivals = Arrivals(recorder, self.book)

    def cell(self, trace_id: int, span_id: int) -> Execution:
        execution = self.book.open(execution_count=1, cell_id=None, source="")
        execution.trace_id, execution.span_id = trace_id, span_id
        return execution

    def cells(self) -> dict[int, int]:
        return {row[1]: row[8] for row in self.kept.rows}


def row(trace_id: int, span_id: int, parent_id: int, start_ns: int = 1, *values: Any) -> Row:
    keys = tuple(f"k{n}" for n in range(len(values)))
    return (
        trace_id,
        span_id,
        parent_id,
        "s",
        0,
        start_ns,
        start_ns + 1,
        0,
        0,
        Origin("shop"),
        Thread(9),
        None,
        keys,
        *values,
    )


def test_the_trace_tells_the_cell_also_after_others_have_run() -> None:
    """A child comes before its parent, and both after the next cell has begun."""
    kernel = Kernel()
    first, second = kernel.cell(11, 1), kernel.cell(22, 2)
    kernel.arrivals.take([row(11, 101, 100), row(22, 201, 2)])
    kernel.arrivals.take([row(11, 100, 1), row(99, 300, 0)])
    assert kernel.cells() == {101: first.number, 201: second.number, 100: first.number, 300: 0}
    assert [each[1] for each in kernel.kept.rows] == [101, 201, 100, 300], "in the order in which they came"


def test_in_a_run_all_cells_share_a_trace_and_time_or_parent_tell_them_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What began before a cell's end is of that cell; what hangs on a span that is known is of its cell, whenever it began."""
    kernel, clock = Kernel(), iter([100, 200])
    monkeypatch.setattr(arrivals.time, "time_ns", lambda: next(clock))
    first = kernel.cell(7, 1)
    kernel.arrivals.cell_ended(first)
    second = kernel.cell(7, 2)
    kernel.arrivals.cell_ended(second)
    third = kernel.cell(7, 3)
    kernel.arrivals.take([row(7, 50, 999, 50), row(7, 150, 999, 150), row(7, 250, 999, 250)])
    kernel.arrivals.take([row(7, 60, 1, 350), row(7, 61, 60, 350)])
    assert kernel.cells() == {
        50: first.number,
        150: second.number,
        250: third.number,
        60: first.number,
        61: first.number,
    }


def test_a_running_parent_tells_the_cell_of_a_trace_that_no_cell_began() -> None:
    """A span that the cell's code made a root of a trace of its own, and the spans below it in the other program."""
    kernel = Kernel()
    cell = kernel.cell(1, 1)
    started = (lambda: None, cell.number, 0, 0, Thread(), Origin(), 55, 0, "call", 0, 0, {}, (), ())
    kernel.recorder.running.table[500] = started
    kernel.arrivals.take([row(55, 502, 501), row(55, 501, 500)])
    del kernel.recorder.running.table[500]
    kernel.arrivals.take([row(55, 503, 501), row(56, 504, 500)])
    assert kernel.cells() == {502: cell.number, 501: cell.number, 503: cell.number, 504: 0}


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a service that sends for days the last spans are known again, and rows share what is equal."""
    monkeypatch.setattr(arrivals, "_REMEMBERED", 100)
    kernel = Kernel()
    for at in range(1_000):
        kernel.arrivals.take([row(at + 1, at + 1, 0, 5, at, f"v{at}")])
        kernel.arrivals.take([row(at + 1, at + 1, 0, 5, at, f"v{at}")])
    assert kernel.arrivals.spans == len(kernel.kept.rows) == 1_000
    assert max(len(kernel.arrivals._come), len(kernel.arrivals._shared)) <= 100
    assert len({id(each[9]) for each in kernel.kept.rows}) == 1
