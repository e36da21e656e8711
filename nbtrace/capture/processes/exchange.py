"""This process as one of several: it sends work to others and collects what they record, or is one that others have sent work.

Enters: what is open here, and what arrives from elsewhere. Leaves: what travels, and rows in what is open."""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from opentelemetry.context import Context, get_current
from opentelemetry.trace import get_current_span

from nbtrace.capture.current_cell import CELL, THIS, attach, identify
from nbtrace.capture.processes.carried import TRAVELS, Carried
from nbtrace.capture.processes.collector import Collector
from nbtrace.capture.processes.task_names import task_name
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.sampling.run import Run
from nbtrace.capture.sdk.ids import OwnIdGenerator
from nbtrace.capture.task_parent import recorded_id
from nbtrace.formats.spool.home import Home, check
from nbtrace.formats.spool.settings import Settings
from nbtrace.formats.spool.spool import Spool, Task
from nbtrace.store.schema import SAMPLE_BYTES, Row
from nbtrace.store.span_store import SpanStore

_FORKS = "popen_fork.py"
"""The file of multiprocessing that forks: such a child is there to work."""


_NOTHING: tuple[Context | None, int, str | None] = (None, 0, None)


class Capture(Protocol):
    """What is open in this process, as far as it is about others."""

    recorder: SpanRecorder

    def stores(self) -> list[SpanStore]:
        """Return the stores that are being fed."""
        ...

    def serve(self, store: SpanStore, unwanted: set[int]) -> None:
        """Feed a store that passes on what comes."""
        ...

    def close(self, store: SpanStore) -> None:
        """Stop feeding a store."""
        ...

    def look_at(self, cell: int, *, serves: bool) -> Run:
        """Sample this thread for a cell from here on. `serves`: it waits for what others send."""
        ...

    def look_away(self, run: Run) -> None:
        """Sample it no more."""
        ...


class Elsewhere(Protocol):
    """An engine whose workers send home by its own means what they record."""

    def collect(self) -> None:
        """Take what has come, and what can be had at once; it waits for that, for a short time."""
        ...

    def collect_soon(self) -> None:
        """Have it come, and do not wait."""
        ...

    def running_rows(self) -> list[Row]:
        """Return the rows of what runs there."""
        ...


class Exchange:
    """Of one process."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._ids = OwnIdGenerator()
        self._home: Home | None = None
        self._collector: Collector | None = None
        self._settled = False
        """Whether what those who record here want stands in the home."""
        self._last = _NOTHING
        """The context and the cell in which something was sent last, and what that carried."""
        self._trouble = ""
        self._spool: Spool | None = None
        """Where what is recorded here goes, if this process works for another."""
        self._run: Run | None = None
        self.elsewhere: tuple[Elsewhere, ...] = ()
        """Engines that are followed."""
        self._arrived = "", Carried("", 0, 0, 0, 0, 0)
        """What arrived last, as it was carried and as it was understood."""

    def open(self) -> None:
        """Something is recorded here from now on. What is forked writes into the home by its name, made or not."""
        if self._spool is None and self._home is None:
            home = self._home = Home.new()
            self._collector = Collector(home, self._capture.recorder.take, self.sampled)
            atexit.register(home.remove)
            TRAVELS.collects = True

    # ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────

    def leaves(self) -> str | None:
        """Return what to take along; None where nothing is recorded."""
        context, cell = get_current(), CELL.get()
        known_context, known_cell, text = self._last
        if context is known_context and cell == known_cell:
            return text
        stores = self._capture.stores()
        if not stores:
            return None
        if not self._settled:
            self._settle(stores)
        directory = "" if self._home is None or self._trouble else self._home.path
        text = Carried.of(directory, context, cell).text()
        self._last = (context, cell, text)
        return text

    def wishes_changed(self) -> None:
        """Those who record here are others now, or want something else."""
        self._settled = False
        self._last = _NOTHING

    def _settle(self, stores: list[SpanStore]) -> None:
        """Have a home in which the wishes of those who record stand. Where none can be had work goes on its way without."""
        self._settled = True
        try:
            if self._home is not None:
                self._home.make()
                if self._spool is None:  # who works for another hands on that one's wishes
                    wishes(stores).write(self._home.path)
            self._trouble = ""
        except OSError as error:
            self._trouble = error.strerror or str(error)

    def sampled(self, row: Row) -> None:
        """Hand on a sample of another process to who wants some."""
        for store in self._capture.stores():
            if store.sampling:
                store.samples.append(row, SAMPLE_BYTES)

    # ── what comes home ──────────────────────────────────────────────────────────────────────────────────────────────

    def collect(self, asked: bool = True) -> None:
        """Read what others have written, and come back when that is done. Not `asked`: what comes from far away is on its way."""
        if self._collector is not None:
            self._collector.now()
        for each in self.elsewhere:
            if asked:
                each.collect()
            else:
                each.collect_soon()

    def collect_last(self) -> None:
        """Read it for the last time: what is not known by now never will be."""
        self.collect()
        if self._collector is not None:
            self._collector.give_up()
            self._look_for_home()

    def collect_soon(self) -> None:
        """Have it read, and do not wait: at the end of a cell."""
        if self._collector is not None:
            self._collector.soon()
            self._look_for_home()
        for each in self.elsewhere:
            each.collect_soon()

    def _look_for_home(self) -> None:
        if (
            self._home is not None and self._home.vanished
        ):  # somebody tidies up: the next one that is sent work needs another
            self.wishes_changed()

    def running_rows(self) -> list[Row]:
        """Return the rows of spans that run in other processes."""
        rows = [] if self._collector is None else self._collector.running_rows()
        return rows + [row for each in self.elsewhere for row in each.running_rows()]

    def status(self) -> list[str]:
        """Say what comes home, and what does not."""
        trouble = [f"Other processes: nothing comes home, as there is no directory for it: {self._trouble}."]
        return (trouble if self._trouble else []) + ([] if self._collector is None else self._collector.status())

    def close(self) -> None:
        """Nothing is recorded here any more: delete the home."""
        if self._home is not None and self._home.owned:
            self._home.remove()
            atexit.unregister(self._home.remove)
        if self._spool is None:
            self._home = self._collector = None
        self.wishes_changed()

    # ── what arrives ─────────────────────────────────────────────────────────────────────────────────────────────────

    def began(
        self, text: str, function: Callable[..., Any], name: str, sent_ns: int, number: int
    ) -> Callable[..., Any]:
        """A task begins in this process: make current what it has carried. Return what to call in its place."""
        if text != self._arrived[0]:
            self._arrived = text, Carried.read(text)
        carried = self._arrived[1]
        if self._home is not None and self._home.owned and carried.directory == self._home.path:
            return function  # whoever has sent it runs it
        spool = self._spool_in(carried.directory)
        span_id = number or self._ids.generate_span_id()
        trace_id = carried.trace_id or self._ids.generate_trace_id()
        current, stand_in = carried, function
        if spool is not None:
            spool.look()
            thread = THIS.thread or identify()
            sent = (carried.span_id, carried.task_id, name or task_name(function), carried.cell, thread, sent_ns)
            spool.task(Task(trace_id, span_id, *sent))
            stand_in = spool.watched(function)
            current = carried._replace(task_id=span_id)
        self._last = _NOTHING  # what it sends itself carries this task
        attach(current.context())
        CELL.set(carried.cell)
        if spool is not None:
            self._sample(carried.cell, trace_id, span_id)
        return stand_in

    def born(self, text: str, sent_ns: int, *, serves: bool = True) -> None:
        """This process was started by one that records: what it does belongs to what was current there. `serves`: it is there to
        do what others send, and no program of its own."""
        carried = Carried.read(text)
        if self._home is not None and self._home.owned and carried.directory == self._home.path:
            return
        spool = self._spool_in(carried.directory, sent_ns)
        attach(carried.context())
        CELL.set(carried.cell)
        if spool is not None:
            spool.begin()
            self._sample(carried.cell, carried.trace_id, carried.task_id or carried.span_id, serves=serves)

    @property
    def serves(self) -> bool:
        """Whether this process was started by one that records."""
        return self._spool is not None

    @property
    def works(self) -> bool:
        """Whether that is so, and what is recorded goes there."""
        return self._spool is not None and self._spool.works

    def _spool_in(self, directory: str, launched_ns: int = 0) -> Spool | None:
        if self._spool is not None and self._spool.directory == directory:
            return self._spool
        self.leave()
        if directory:
            with suppress(OSError):  # whoever has sent it is gone, or is somebody else
                check(directory)
                self._serve(Spool(directory, launched_ns), set())
        return self._spool

    def _serve(self, spool: Spool, unwanted: set[int]) -> None:
        self._home, self._collector = Home(spool.directory, owner=False), None
        TRAVELS.collects = False
        self._spool = spool
        self._capture.serve(spool.store, unwanted)

    def leave(self) -> None:
        """Work for the kernel no more that has started this process, or for another from here on."""
        spool, self._spool = self._spool, None
        if spool is not None:
            self._capture.close(spool.store)
            spool.close()
        if self._run is not None:
            self._capture.look_away(self._run)
            self._run = None

    def _sample(self, cell: int, trace_id: int, span_id: int, *, serves: bool = True) -> None:
        """Look at this thread for a cell, and say which span is current in it if none of its own is."""
        run = self._run
        if run is None or run.cell != cell or run.rests:
            if run is not None:
                self._capture.look_away(run)
            run = self._run = self._capture.look_at(cell, serves=serves)
        if run.worker is not None:
            run.worker.sent_by = (trace_id, span_id)

    # ── forks ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def before_letting_go(self) -> Settings | None:
        """In a forked child, while the parent's recordings are still known: return with what wishes to serve it, None for not at
        all."""
        stores = self._capture.stores()
        if not stores or self._trouble or self._home is None:
            return None
        if self._spool is not None:
            self._spool.abandon()
        return wishes(stores)

    def forked(self, settings: Settings, running: set[int]) -> None:
        """In a forked child that has let go of the parent's recordings: send home what is recorded here.

        running: ids of the spans that ran when it was forked; the parent ends them."""
        self._spool = self._run = None
        self.elsewhere = ()
        home = self._home
        if home is None:
            return
        spool = Spool(home.path, time.time_ns(), settings)
        self._serve(spool, running)
        if sys._getframe(2).f_code.co_filename.endswith(_FORKS):
            # One that is there to work. Whoever else forks mostly becomes another program at once.
            spool.begin()
            known = get_current_span().get_span_context()
            self._sample(CELL.get(), known.trace_id, recorded_id(known))


def wishes(stores: list[SpanStore]) -> Settings:
    """Return what those want who record here of others who record for them."""
    # Of several recordings the one that redacts has the say: it must not find in a file what it would not keep.
    redactor = next((store.redactor for store in stores if store.redactor.active), stores[0].redactor)
    return Settings(max(store.sampling for store in stores), redactor.uncounted())
