"""Recordings with statements and samples for tests, written with the fields that matter.

Times are in milliseconds since the beginning of the recording."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from nbtrace.api import Recording
from nbtrace.store.book import Execution
from nbtrace.store.samples import SampleFields
from nbtrace.store.schema import NOTE_BYTES, SAMPLE_BYTES, Thread
from nbtrace.store.span_store import SpanStore
from nbtrace.store.stacks import Stack, root
from tests.rows import THREAD, row

EPOCH_NS = 1_700_000_000_000_000_000
MS = 1_000_000
OTHER = Thread(11, 33, "worker")

Frame = tuple[str, str, int] | tuple[str, str, int, int]
"""Function, file, line, and the function's first line."""

PANDAS = "/opt/lib/python3.12/site-packages/pandas/core/frame.py"
MERGE: Frame = ("DataFrame.merge", PANDAS, 10_500, 10_400)
TAKE: Frame = ("take_nd", "/opt/lib/python3.12/site-packages/pandas/core/algorithms.py", 90, 60)
SLEEP: Frame = ("wait", "/opt/lib/python3.12/threading.py", 300, 280)
OWN_FILE: Frame = ("load", "/home/me/project/loading.py", 7, 3)


def at(ms: float) -> int:
    return EPOCH_NS + round(ms * MS)


class Made:
    """A recording that is made by hand, and what is in it."""

    def __init__(self, **options: Any) -> None:
        self.store = SpanStore(**options)
        self.recording = Recording(self.store)
        self.tree = root()
        self._ids, self._counts = count(1), count(1)

    def cell(
        self,
        source: str,
        start: float = 0,
        end: float | None = None,
        statements: Sequence[tuple[float, int]] | Sequence[tuple[float, int, int]] = (),
        *,
        numbered: bool = True,
        asks: bool = False,
        failed: bool = False,
        own_span: bool = True,
        file: str | None = None,
    ) -> Execution:
        """Enter a cell with its span and its statements: (start, first line, last line of the compiled code)."""
        n = next(self._counts)
        execution = self.store.cells.open(
            execution_count=n if numbered else None, cell_id=f"id{n}", source=source, asks=asks
        )
        execution.file = f"/somewhere/ipykernel_11/{int(execution.digest[:8], 16)}.py" if file is None else file
        execution.trace_id, execution.span_id = 1_000 + execution.number, 2_000 + execution.number
        fields = row(
            execution.span_id,
            name=f"cell [{n}]",
            trace=execution.trace_id,
            start=at(start),
            end=0 if end is None else at(end),
            cell=execution.number,
            status=2 if failed else 0,
        )
        if own_span and end is not None:
            self.store.append(fields)
        elif own_span:
            self.store.sources[n] = lambda: [fields]
        if statements:
            begun = [(at(when), _code(*lines)) for when, *lines in statements]
            note = (execution, begun, 0 if end is None else at(end), failed)
            if end is None:
                self.store.running_statements[n] = lambda: [note]
            else:
                self.store.statements.append(note, NOTE_BYTES * len(begun))
        return execution

    def span(self, parent: Execution | int, name: str, start: float, end: float, **attributes: Any) -> int:
        """Enter a span below a cell's, or below another; return its id."""
        span_id = 500_000 + next(self._ids)
        above = parent.span_id if isinstance(parent, Execution) else parent
        executions = self.store.cells.executions()
        cell = parent.number if isinstance(parent, Execution) else executions[-1].number if executions else 0
        trace = 1_000 + cell
        self.store.append(
            row(span_id, parent=above, name=name, trace=trace, start=at(start), end=at(end), cell=cell, **attributes)
        )
        return span_id

    def stack(self, *frames: Frame) -> Stack:
        """The innermost of frames, the outermost first."""
        found = self.tree
        for frame in frames:
            function, file, line = frame[:3]
            found = found.call(function, file, line, frame[3] if len(frame) > 3 else 1)
        return found

    def sample(
        self,
        cell: Execution | None,
        time: float,
        wall: float,
        *frames: Frame | int,
        cpu: float | None = None,
        memory: int | None = None,
        native: bool = False,
        span: int = 0,
        thread: Thread = THREAD,
    ) -> None:
        """Enter a sample. A number among the frames is a line of the cell's own code, by its `<module>`. cpu: all of the time
        unless it is given; -1: not known."""
        placed = [("<module>", cell.file, each) if isinstance(each, int) and cell else each for each in frames]
        known = wall if cpu is None else cpu
        self.store.samples.append(
            SampleFields(
                time_ns=at(time),
                cell=0 if cell is None else cell.number,
                trace_id=0 if cell is None else cell.trace_id,
                span_id=span or (0 if cell is None else cell.span_id),
                thread=thread,
                wall_ns=round(wall * MS),
                cpu_ns=None if known < 0 else round(known * MS),
                memory=memory,
                native=native,
                stack=self.stack(*placed),  # type: ignore[arg-type]
            ),
            SAMPLE_BYTES,
        )


def _code(first: int, last: int | None = None) -> Any:
    """Code that stands on these lines."""
    text = "x = [" + "\n" * ((last or first) - first) + "]"
    return compile("\n" * (first - 1) + text, "<made>", "exec")
