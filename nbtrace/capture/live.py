"""The process's one capture: on while at least one recording is open, off and without a trace when none is.

Enters: stores that want spans. Leaves: the same stores, fed."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from nbtrace.capture import exceptions
from nbtrace.capture.current_cell import CELL
from nbtrace.capture.instruments import processes, threads
from nbtrace.capture.notebook.tracebacks import ipython_directory
from nbtrace.capture.processes import subprocesses
from nbtrace.capture.processes.carried import TRAVELS, Arriving, Ticket
from nbtrace.capture.processes.exchange import Exchange
from nbtrace.capture.profile import Profile
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.sampling import working_threads
from nbtrace.capture.sampling.run import Run
from nbtrace.capture.sdk.attach import Attachment
from nbtrace.faults import fault
from nbtrace.store.book import CellBook
from nbtrace.store.schema import Row, RowFields
from nbtrace.store.span_store import SpanStore

_SPAN_ID = RowFields._fields.index("span_id")


class Instrument(Protocol):
    """A module that follows what OpenTelemetry does not: all it has changed is as it was after `uninstall`."""

    def install(self) -> None:
        """Switch it on; a second time changes nothing."""
        ...

    def uninstall(self) -> None:
        """Switch it off, whether it is on or not."""
        ...

    def status(self) -> str:
        """Say in a sentence what it does here, for %nbtrace status."""
        ...


class _LiveAttachment(Attachment):
    """Travels to another process as that one's own: a traced function can be pickled, a recording cannot."""

    def __reduce__(self) -> Any:
        return getattr, (LIVE, "attachment")


class LiveCapture:
    """Feeds open stores, and keeps the book in which cells are entered before theirs."""

    def __init__(self) -> None:
        self.recorder = SpanRecorder()
        self.attachment = _LiveAttachment(self.recorder)
        self.profile = Profile(self.recorder)
        self.exchange = Exchange(self)
        self.instruments: tuple[Instrument, ...] = (
            threads,
            processes,
            self.profile.meter,
            self.profile.gpus,
            self.profile.sampler,
        )
        """What is switched on while a recording is open, in this order."""
        self.cells = CellBook()
        self._open: dict[int, SpanStore] = {}
        self._shells: dict[int, set[object]] = {}
        self._programs: dict[int, Run] = {}
        """By store: the thread that has opened it, where that runs no cell and samples are wanted."""
        self._unwanted: WeakKeyDictionary[SpanStore, set[int]] = WeakKeyDictionary()
        """By store: running spans that somebody wants to be forgotten there."""
        self._lock = threading.RLock()
        self._attached = False

    def __reduce__(self) -> str:
        return "LIVE"  # in another process, that one's

    def open(self, store: SpanStore, *, shell: object = None) -> None:
        """Record into `store` from here on, for one of several shells or for whoever asks. The first store installs the
        capture."""
        with self._lock:
            if shell is not None:
                self._shells.setdefault(id(store), set()).add(shell)
            if id(store) in self._open:
                return
            unwanted = self._unwanted.setdefault(store, set())
            self.cells.follow(store.cells)
            self._feed(store, unwanted)
            store.sources[self.exchange] = lambda: _without(self.exchange.running_rows(), unwanted)
            store.gather = (*store.gather, self.exchange.collect)
            # In a process that works for another nothing runs that is a cell here, whatever it belongs to there.
            alone = not CELL.get() or (self.exchange.serves and not working_threads.at_work())
            if store.sampling and shell is None and alone:
                self._programs[id(store)] = self.profile.sampler.begin(0)

    def serve(self, store: SpanStore, unwanted: set[int]) -> None:
        """Feed a store that passes on what comes to a process for which this one works, but for spans with these ids."""
        with self._lock:
            self._unwanted[store] = unwanted
            self._feed(store, unwanted)

    def look_at(self, cell: int, *, serves: bool) -> Run:
        """Sample this thread for a cell of another process. `serves`: it waits for what that one sends."""
        return self.profile.sampler.begin(cell, serves=serves)

    def look_for(self, cell: int) -> Run:
        """Sample the threads that work for a cell of another process, and begin to whenever they like."""
        return self.profile.sampler.begin_for(cell)

    def look_away(self, run: Run) -> None:
        """Sample it no more."""
        self.profile.sampler.end(run)

    def _feed(self, store: SpanStore, unwanted: set[int]) -> None:
        since = self.recorder.now()
        store.sources[self] = lambda: _without(self.recorder.running_rows(since), unwanted)
        store.running_statements[self] = self.profile.running_rows
        self._open[id(store)] = store
        self.recorder.listen(store, unwanted)
        store.subscribed = self._heed
        store.redacts_otherwise = self.exchange.wishes_changed
        self._heed()
        if not self._attached:
            self.attachment.install()
            self._attached = True
        self.exchange.open()
        if len(self._open) == 1:
            for instrument in self.instruments:
                instrument.install()
        self.heed_sampling()

    def close(self, store: SpanStore, *, shell: object = None) -> None:
        """Stop recording into `store`: spans that still run stay in it as running. A shell that goes stops it only if no
        other shell is left that has opened it. The last store uninstalls the capture."""
        with self._lock:
            if shell is not None:
                left = self._shells.get(id(store), set())
                left.discard(shell)
                if left:
                    return
            self._shells.pop(id(store), None)
            if id(store) not in self._open:
                return
            self.exchange.collect_last()
            self._open.pop(id(store), None)
            self._let_go(store)
            if (program := self._programs.pop(id(store), None)) is not None:
                self.profile.sampler.end(program)
            self.recorder.unlisten(store)
            self._heed()
            self.heed_sampling()
            if not self._open:
                self.profile.forget()
                for instrument in reversed(self.instruments):
                    instrument.uninstall()
                subprocesses.uninstall()
                self.attachment.uninstall()
                self._attached = False
                self.exchange.close()

    def _let_go(self, store: SpanStore) -> None:
        """Leave a store with what runs as it is now, and with no way back to here."""
        store.gather = tuple(each for each in store.gather if each != self.exchange.collect)
        store.sources[self] = store.sources[self]().copy
        if self.exchange in store.sources:
            store.sources[self.exchange] = store.sources[self.exchange]().copy
        store.running_statements[self] = self.profile.running_rows().copy
        self.cells.unfollow(store.cells)

    def _heed(self) -> None:
        """Have those told of spans as they start who want to be."""
        self.recorder.starts = tuple(told for store in self.stores() for told in store.starts)

    def heed_sampling(self) -> None:
        """Sample as often as those that are open want it."""
        self.exchange.wishes_changed()
        self.profile.listen(self.stores())

    def is_open(self, store: SpanStore) -> bool:
        """Whether `store` is being fed."""
        return id(store) in self._open

    def stores(self) -> list[SpanStore]:
        """Return the stores that are being fed."""
        return list(self._open.copy().values())

    def forget(self, store: SpanStore, span_ids: set[int], executions: Collection[int] = ()) -> None:
        """Take spans and executions out of a recording. Spans that still run are not recorded there when they end."""
        with self._lock:
            running = {row[_SPAN_ID] for row in store.running_rows()} & span_ids
            if running:
                unwanted = self._unwanted.setdefault(store, set())
                unwanted |= running
                if id(store) in self._open:
                    self.recorder.listen(store, unwanted)
                else:
                    store.sources = {who: _without(source(), unwanted).copy for who, source in store.sources.items()}
            # Out of the book in which cells are entered first, too: a recording that begins later is given none of it.
            self.cells.blank({e.number for e in self.cells.executions() if e.span_id in span_ids} | set(executions))
            store.forget(span_ids, len(running), executions)

    def before_fork(self) -> None:
        """In a process that works for another and has no threads of its own: have none of ours either, as Python warns of a fork
        of one that has."""
        if self.exchange.serves and threading.active_count() == 1:
            self.profile.sampler.step_back()

    def after_fork(self) -> None:
        """In the parent: go on."""
        if self.exchange.serves:
            self.profile.sampler.come_back()

    def forked(self) -> None:
        """In a forked child: let go of the parent's recordings, so that no span is recorded twice. They hold what was there; what
        the child records goes home to the parent, and it can open its own."""
        self._lock = threading.RLock()
        stores = self.stores()
        try:
            settings = self.exchange.before_letting_go()
            running = set(self.recorder.running.table)
            self._open.clear()
            self._shells.clear()
            self._programs.clear()
            for store in stores:
                self._let_go(store)
            self._heed()
            self.heed_sampling()
            self.profile.forget()
            self.recorder.silence()
            for instrument in reversed(self.instruments):
                instrument.uninstall()
            if settings is not None:
                self.exchange.forked(settings, running)
                if subprocesses.is_on() and (text := self.exchange.leaves()) is not None:
                    # Mostly it becomes another program now, as what a line with `!` starts.
                    os.environ.update(subprocesses.variables(text))
            elif self._attached:
                self.attachment.uninstall()
                self._attached = False
                CELL.set(0)  # the cell goes on in the parent: what the child records is a program
        except Exception:
            fault("letting go in a forked child")


def arriving(*parts: Any) -> Arriving:
    """Make what stands for the function of a task, in the process to which it was sent."""
    return Arriving(parts)


def ticket(carried: str | None, sent_ns: int) -> Ticket:
    """Arrive with a process that was started."""
    if carried is not None:
        try:
            LIVE.exchange.born(carried, sent_ns)
        except Exception:
            fault("arriving with a process")
    return Ticket()


def arrive() -> bool:
    """Send home what this process records, to the kernel by which it was started; see `nbtrace.arrive`."""
    found = subprocesses.carried(os.environ)
    if found is None:
        return False
    text, sent_ns = found
    LIVE.exchange.born(text, sent_ns, serves=False)
    return LIVE.exchange.works


exceptions.runner_directories.append(ipython_directory)


def _without(rows: list[Row], unwanted: Collection[int]) -> list[Row]:
    return [row for row in rows if row[_SPAN_ID] not in unwanted]


LIVE = LiveCapture()

TRAVELS.unpickled, TRAVELS.ticket = arriving, ticket
TRAVELS.began, TRAVELS.leaves = LIVE.exchange.began, LIVE.exchange.leaves

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=LIVE.before_fork, after_in_parent=LIVE.after_fork, after_in_child=LIVE.forked)
