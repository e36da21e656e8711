"""Keeps an inspector in the browser up to date: a thread that looks at the recording ten times a second at most.

Enters: a store. Leaves: frames, by a `send` function. Nothing runs on the user's path; a look at a recording in which
nothing has happened costs microseconds."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator

import numpy as np

from nbtrace.faults import fault
from nbtrace.store.batch import Batch
from nbtrace.store.cells import Execution
from nbtrace.store.schema import Row, RowFields
from nbtrace.store.store import SpanStore
from nbtrace.views.wire import DETAILS_PER_FRAME, Encoder, Frame, Placed, details

INTERVAL_S = 0.1
HEARTBEAT_S = 0.5
"""How often the browser is told what time it is while spans run, so that they grow though nothing else happens. It has no
clock of its own for that: with a kernel that has died they stop."""

MAX_DETAILS = 100_000
"""Spans, the last ones, whose details are sent unasked; those of older ones are sent when somebody clicks on them."""

PATIENCE_S = 1.0

_SHARE = 0.05
"""How much of the time the thread may work: after a long look it waits the longer."""

_CELL, _ID = RowFields._fields.index("cell"), RowFields._fields.index("span_id")


class Feed:
    """What one inspector has been told, and what is new."""

    def __init__(
        self,
        store: SpanStore,
        send: Callable[[Frame], None],
        *,
        live: bool = True,
        keep: frozenset[str] | None = None,
        asking: Execution | None = None,
    ) -> None:
        self._store = store
        self._send = send
        self._live = live
        self._keep = keep
        # The cell that opens the inspector is not worth a row until something happens inside.
        self._asking = asking
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._encoder = Encoder()
        self._mark: tuple[int, int] | None = None
        self._older: list[Placed] = []
        self._unsent: list[Iterator[Frame]] = []
        self._greeted = threading.Event()
        self._told = 0.0
        self._described = 0
        """About how many details have been sent: whole frames count as full."""

    def first(self) -> Frame:
        """Return everything there is, as the first frame; what follows goes on from it."""
        with self._lock:
            return self._everything()

    def frames(self) -> Iterator[Frame]:
        """Return everything at once, details and all: what a file needs."""
        with self._lock:
            yield self._everything()
            while self._unsent:
                yield from self._unsent.pop()

    def start(self) -> None:
        """Send details, and what is new from here on."""
        _FEEDS.add(self)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nbtrace-inspector", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread to be had: the inspector shows what it was opened with
            self._thread = None

    def rest(self) -> None:
        """Send nothing until somebody greets again: nobody looks."""
        self._stopped.set()
        self._greeted.set()

    def stop(self) -> None:
        """Send nothing new any more."""
        self._live = False
        self.rest()

    def hello(self, rows: int, described: int) -> None:
        """Answer a browser that has just come, or come back, with what it lacks: it has so many rows, and the details of so
        many."""
        with self._lock:
            if rows != self._encoder.rows or described < min(self._described, rows, MAX_DETAILS):
                self._send(self._everything())
            self._greeted.set()
            if self._live and self._stopped.is_set():
                self.start()
            if self._thread is None or not self._thread.is_alive():
                while self._step():
                    pass

    def describe(self, row: int) -> None:
        """Send the details of a row that were not sent unasked."""
        with self._lock:
            for placed in self._older:
                hit = (placed.rows == row).nonzero()[0]
                if len(hit):
                    at = int(hit[0])
                    one = Placed(placed.batch, placed.skip + at, placed.rows[at : at + 1])
                    self._send(next(details(one)))
                    return

    # ── the thread ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        stopped = self._stopped
        try:
            # Until the browser listens, details would be lost; while a cell runs nobody hears its greeting.
            self._greeted.wait(PATIENCE_S)
            while not stopped.is_set():
                began = time.monotonic()
                with self._lock:
                    busy = self._step()
                worked = time.monotonic() - began
                if not busy and not self._live:
                    return
                pause = max(0.01 if self._unsent else INTERVAL_S, worked * (1 / _SHARE - 1) if not self._unsent else 0)
                stopped.wait(pause)
        except Exception:
            fault("keeping an inspector up to date")

    def _step(self) -> bool:
        """Send what is new, or one frame of details; return whether there was anything."""
        update = self._news() if self._live else None
        if update is not None:
            self._send(update)
            return True
        while self._unsent:
            sent = next(self._unsent[-1], None)
            if sent is not None:
                self._send(sent)
                self._described += DETAILS_PER_FRAME
                return True
            self._unsent.pop()
        return False

    def _news(self) -> Frame | None:
        running = self._store.running_rows()
        batches, mark = self._store.since(self._mark)
        cleared = self._mark is not None and mark[0] != self._mark[0]
        # What the bound has dropped from the recording is forgotten by the browser too, from time to time.
        if cleared or self._encoder.rows > 2 * len(self._store) + MAX_DETAILS:
            return self._everything()
        self._mark = mark
        fresh = self._fresh(batches, running)
        beat = bool(self._encoder.running) and time.monotonic() - self._told > HEARTBEAT_S
        return self._frame(batches, fresh, reset=False) if batches or fresh or beat else None

    def _everything(self) -> Frame:
        self._encoder = Encoder(keep=self._keep)
        self._older, self._unsent, self._described = [], [], 0
        # Running spans first: one that ends in between is then in both, and the finished row wins.
        running = self._store.running_rows()
        batches, self._mark = self._store.since(None)
        return self._frame(batches, self._fresh(batches, running), reset=True)

    def _fresh(self, batches: list[tuple[Batch, int]], running: list[Row]) -> list[Row]:
        """The running spans that are not told of yet."""
        if self._asking is not None:
            own = f"{self._asking.span_id:016x}"
            inside = sum(row[_CELL] == self._asking.number for row in running)
            for batch, skip in batches:
                inside += int((np.asarray(batch.spans["cell"])[skip:] == self._asking.number).sum())
            if inside > 1:
                self._asking = None
            else:
                running = [row for row in running if row[_ID] != self._asking.span_id]
            self._encoder.asking = "" if self._asking is None else own
        if not running:
            return []
        ended = {i for batch, skip in batches for i in batch.spans["span_id"].slice(skip).to_pylist()}
        known = self._encoder.running.keys() | ended
        return [row for row in running if f"{row[_ID]:016x}" not in known]

    def _frame(self, batches: list[tuple[Batch, int]], running: list[Row], *, reset: bool) -> Frame:
        if running:
            batches = [*batches, (self._store.sealed_now(running), 0)]
        self._told = time.monotonic()
        note = {"reset": reset, "dropped": self._store.dropped_spans, "now": time.time_ns() / 1e6}
        found, placed = self._encoder.spans(batches, self._store.executions(), note)
        self._queue(placed)
        return found

    def _queue(self, placed: list[Placed]) -> None:
        """Have details sent, the newest spans' first; those of older ones wait until they are asked for."""
        room = MAX_DETAILS
        chosen = []
        for each in reversed(placed):
            if room > 0:
                chosen.append(details(each))
            else:
                self._older.append(each)
            room -= len(each.rows)
        self._unsent += reversed(chosen)


_FEEDS: weakref.WeakSet[Feed] = weakref.WeakSet()


def stop_all() -> None:
    """Stop all feeds: what unloading the extension calls."""
    for feed in list(_FEEDS):
        feed.stop()
