"""Rows go to every recording that listens.

Enters: rows of plain and light values, from whoever makes them (the SDK's spans, by sdk/rows.py). Leaves: the same, each with its
weight. Knows no SDK."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, Protocol

from nbtrace.capture.clock import Clock
from nbtrace.capture.propagated import Propagated
from nbtrace.capture.running_spans import RunningSpans, Started
from nbtrace.faults import fault
from nbtrace.store.schema import Row, RowFields
from nbtrace.store.weight import weigh

_SPAN_ID = RowFields._fields.index("span_id")


class Sink(Protocol):
    """Where rows go."""

    def append(self, row: Row, weight: int) -> None:
        """Take a row that weighs so many bytes, from any thread."""
        ...

    def holds(self, row: Row) -> bool:
        """Whether a row with these ids is among the last that were taken."""
        ...


class RowMaker(Protocol):
    """What makes rows, and has some of spans that have not ended."""

    def running_rows(self, since: int) -> list[Row]:
        """Return the rows of its running spans that started at monotonic time `since` or later."""
        ...

    def close_freed(self) -> None:
        """Record what nobody can end any more."""
        ...


class SpanRecorder:
    """Hands rows to all listeners; knows which spans run."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.running = RunningSpans()
        self.propagated = Propagated()
        self.sinks: tuple[Sink, ...] = ()
        self.makers: tuple[RowMaker, ...] = ()
        """Whoever makes the rows of spans that run."""
        self.deliver: Callable[[Row, int], None] = _nobody
        """Hands a row and its weight to whoever listens."""
        self.starts: tuple[Callable[[Row], None], ...] = ()
        """Who is told of spans as they start; without anybody no row is made of them."""
        self.stack_shown: Callable[[str], str] = str
        """Gives a stack trace as the recording shows it: with cells for the files that they were compiled as."""
        self.cell_spans: set[int] = set()
        """Ids of the running spans that stand for a cell or its %%span: without nbtrace there would be no parent."""

    def listen(self, sink: Sink, unwanted: Container[int] = ()) -> None:
        """Hand every row to `sink` from here on, once, but for those of the spans with the ids in `unwanted`."""
        others = (known for known in self.sinks if getattr(known, "sink", known) is not sink)
        self._feed((*others, _Wanted(sink, unwanted) if unwanted else sink))

    def unlisten(self, sink: Sink) -> None:
        """Stop handing rows to `sink`."""
        self._feed(tuple(known for known in self.sinks if getattr(known, "sink", known) is not sink))

    def silence(self) -> None:
        """Hand rows to nobody."""
        self._feed(())

    def _feed(self, sinks: tuple[Sink, ...]) -> None:
        self.sinks = sinks
        if not sinks:
            self.deliver = _nobody
            self.running.clear()
            self.propagated.clear()
            self.cell_spans.clear()
        elif len(sinks) == 1:
            self.deliver = sinks[0].append
        else:
            self.deliver = to_all(sinks)

    def take(self, row: Row) -> None:
        """Hand on the row of a span that has ended, whoever has made it, from any thread."""
        self.deliver(row, weigh(row))

    # ── running spans ────────────────────────────────────────────────────────────────────────────────────────────────

    def running_rows(self, since: int = 0) -> list[Row]:
        """Return the rows of the spans that have not ended and started at monotonic time `since` or later, with what they
        have so far: as running, or as unfinished where nothing can end them any more."""
        return [row for maker in self.makers for row in maker.running_rows(since)]

    def close_freed(self) -> None:
        """Record the spans that nobody holds any more as unfinished, with what they had."""
        for maker in self.makers:
            maker.close_freed()

    def interrupted(self, cell: int, may_end: Callable[[Any], bool]) -> None:
        """Tell which spans of an interrupted cell nothing can end any more."""
        self.close_freed()
        self.running.interrupted(cell, may_end)

    def runs(self, span_id: int) -> bool:
        """Whether a span has been seen to start and not to end."""
        return span_id in self.running.table

    def now(self) -> int:
        """Return the monotonic time, for `running_rows`."""
        return self.clock.monotonic()

    def time_of(self, span_id: int) -> int | None:
        """Return the time at which the span would end if it ended now, None if it does not run."""
        known = self.running.table.get(span_id)
        if known is None:
            return None
        started = Started._make(known)
        return self.clock.end_ns(started.start_ns, self.clock.wall(), started.monotonic_ns, self.clock.monotonic())


class _Wanted:
    """Hands on to a sink what it wants."""

    def __init__(self, sink: Sink, unwanted: Container[int]) -> None:
        self.sink = sink
        self.holds = sink.holds
        self._unwanted = unwanted

    def append(self, row: Row, weight: int) -> None:
        if row[_SPAN_ID] not in self._unwanted:
            self.sink.append(row, weight)


def _nobody(row: Row, weight: int) -> None: ...


def to_all(sinks: tuple[Sink, ...]) -> Callable[[Row, int], None]:
    """Hand a row to several sinks: what one of them raises, or an interrupt in between, takes it from none of the others."""

    def deliver(row: Row, weight: int) -> None:
        interrupt: BaseException | None = None
        for sink in sinks:
            try:
                sink.append(row, weight)
            except Exception:
                fault("handing a span to a recording")
            except BaseException as raised:
                interrupt = raised
        if interrupt is not None:
            raise interrupt

    return deliver
