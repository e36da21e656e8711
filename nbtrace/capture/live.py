"""The process's one capture: on while at least one recording is open, off and without a trace when none is.

Enters: stores that want spans. Leaves: the same stores, fed."""

from __future__ import annotations

import os
import threading

from nbtrace.capture.faults import fault
from nbtrace.capture.processor import SpanRecorder
from nbtrace.capture.provider import Capture
from nbtrace.capture.threads import ThreadCarrier
from nbtrace.store.cells import CellBook
from nbtrace.store.store import SpanStore


class LiveCapture:
    """Feeds open stores, and keeps the book of cells they share."""

    def __init__(self) -> None:
        self.recorder = SpanRecorder()
        self.capture = Capture(self.recorder)
        self.threads = ThreadCarrier()
        self.cells = CellBook()
        self._open: dict[int, SpanStore] = {}
        self._lock = threading.RLock()

    def __reduce__(self) -> str:
        return "LIVE"  # in another process, that one's

    def open(self, store: SpanStore) -> None:
        """Record into `store` from here on. The first one installs the capture."""
        with self._lock:
            if id(store) in self._open:
                return
            since = self.recorder.now()
            store.running_rows = lambda: self.recorder.running_rows(since)
            self._open[id(store)] = store
            self.recorder.listen(store)
            if len(self._open) == 1:
                self.capture.install()
                self.threads.install()

    def close(self, store: SpanStore) -> None:
        """Stop recording into `store`: spans that still run stay in it as running. The last one uninstalls the capture."""
        with self._lock:
            if self._open.pop(id(store), None) is None:
                return
            unfinished = store.running_rows()
            store.running_rows = lambda: unfinished
            self.recorder.unlisten(store)
            if not self._open:
                self.threads.uninstall()
                self.capture.uninstall()

    def is_open(self, store: SpanStore) -> bool:
        """Whether `store` is being fed."""
        return id(store) in self._open

    def forked(self) -> None:
        """In a forked child: let go of the parent's recordings, so that no span is recorded twice. The child can open its
        own; its spans do not reach the parent."""
        self._lock = threading.RLock()
        self._open.clear()
        try:
            self.recorder.silence()
            self.threads.uninstall()
            self.capture.uninstall()
        except Exception:
            fault("letting go in a forked child")


LIVE = LiveCapture()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LIVE.forked)
