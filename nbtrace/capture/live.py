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
from nbtrace.capture.instruments import threads
from nbtrace.capture.notebook.tracebacks import ipython_directory
from nbtrace.capture.profile import Profile
from nbtrace.capture.recorder import SpanRecorder
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
        self.instruments: tuple[Instrument, ...] = (
            threads,
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
            since = self.recorder.now()
            unwanted = self._unwanted.setdefault(store, set())
            store.sources[self] = lambda: _without(self.recorder.running_rows(since), unwanted)
            store.running_statements[self] = self.profile.running_rows
            self._open[id(store)] = store
            self.cells.follow(store.cells)
            self.recorder.listen(store, unwanted)
            store.subscribed = self._heed
            self._heed()
            if len(self._open) == 1:
                self.attachment.install()
                for instrument in self.instruments:
                    instrument.install()
            self.heed_sampling()
            if store.sampling and shell is None and not CELL.get():
                self._programs[id(store)] = self.profile.sampler.begin(0)

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
            if self._open.pop(id(store), None) is None:
                return
            store.sources[self] = store.sources[self]().copy
            store.running_statements[self] = self.profile.running_rows().copy
            if (program := self._programs.pop(id(store), None)) is not None:
                self.profile.sampler.end(program)
            self.recorder.unlisten(store)
            self.cells.unfollow(store.cells)
            self._heed()
            self.heed_sampling()
            if not self._open:
                self.profile.forget()
                for instrument in reversed(self.instruments):
                    instrument.uninstall()
                self.attachment.uninstall()

    def _heed(self) -> None:
        """Have those told of spans as they start who want to be."""
        self.recorder.starts = tuple(told for store in self.stores() for told in store.starts)

    def heed_sampling(self) -> None:
        """Sample as often as those that are open want it."""
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

    def forked(self) -> None:
        """In a forked child: let go of the parent's recordings, so that no span is recorded twice. They hold what was there;
        the child can open its own, and its spans do not reach the parent."""
        self._lock = threading.RLock()
        stores = self.stores()
        self._open.clear()
        self._shells.clear()
        self._programs.clear()
        try:
            for store in stores:
                store.sources[self] = store.sources[self]().copy
                store.running_statements[self] = self.profile.running_rows().copy
                self.cells.unfollow(store.cells)
            self._heed()
            self.heed_sampling()
            self.profile.forget()
            self.recorder.silence()
            for instrument in reversed(self.instruments):
                instrument.uninstall()
            self.attachment.uninstall()
            CELL.set(0)  # the cell goes on in the parent: what the child records is a program
        except Exception:
            fault("letting go in a forked child")


exceptions.runner_directories.append(ipython_directory)


def _without(rows: list[Row], unwanted: Collection[int]) -> list[Row]:
    return [row for row in rows if row[_SPAN_ID] not in unwanted]


LIVE = LiveCapture()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LIVE.forked)
