"""Keeps an inspector in the browser up to date: a thread that looks at the recording ten times a second at most.

Enters: a store, and what the browser says. Leaves: frames, by a `send` function. Nothing runs on the user's path; a look at a
recording in which nothing has happened costs microseconds, and whatever is asked is answered by the thread: who asks, the
thread in which the kernel works included, waits for nothing."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.faults import fault
from nbtrace.store.batch import Batch
from nbtrace.store.cells import Execution
from nbtrace.store.schema import Row, RowFields
from nbtrace.store.store import Mark, SpanStore
from nbtrace.views.inspector.details import details
from nbtrace.views.inspector.frames import Frame, Placed, frame
from nbtrace.views.inspector.wire import Encoder

INTERVAL_S = 0.1
HEARTBEAT_S = 0.5
"""How often the browser is told what time it is while spans run, so that they grow though nothing else happens. It has no
clock of its own for that: with a kernel that has died they stop."""

MAX_DETAILS = 100_000
"""Spans, the last ones, whose details are sent unasked; those of older ones are sent when somebody clicks on them."""

PATIENCE_S = 1.0

MAX_ASKED = 100
"""Rows whose details wait to be sent because somebody clicked on them: of more, the last ones."""

MISSED_LOOKS = 20
"""A running span that is not among the running for so many looks, and has not come as an ended one, never will: the bound
has dropped it in between. Not at once: between the two, a span is nowhere for a moment."""

LAST_ROW = 2**30

_SHARE = 0.05
"""How much of the time looks may take, and details as much again while spans come: after a long one it waits the longer."""

_REST = 1 / _SHARE - 1

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
        opener: Execution | None = None,
        asking: bool = False,
        send_code: Callable[[], None] = lambda: None,
        renewed: Callable[[], None] = lambda: None,
    ) -> None:
        """`opener` is the cell that opens the inspector; `asking`: cells that only asked are told of too. `send_code` sends
        the front end itself; `renewed` is called before everything is sent anew."""
        self._store = store
        self._send = send
        self._send_code = send_code
        self._renewed = renewed
        self._live = live
        self._keep = keep
        # The cell that opens the inspector is not worth a row until something happens inside.
        self._opener = opener
        self._asking = asking
        self._encoder = Encoder()
        self._mark: Mark | None = None
        self._older: list[Placed] = []
        self._unsent: list[Placed] = []
        self._described = 0
        """How many details have been sent since everything was sent anew; the browser counts them too."""
        self._missing: dict[str, int] = {}
        self._told = self._next_look = self._next_details = self._next_answer = 0.0
        self._flowing = False
        """Whether the last look found spans."""
        self._lock = threading.Lock()
        """Held by whoever makes frames, for as long as that takes."""

        # What others say, for the thread to hear. A collection of garbage may close an inspector while this is held.
        self._gate = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._working = False
        self._resting = False
        self._greeted = False
        self._anew = False
        self._lacks_code = False
        self._hello: tuple[int, int] | None = None
        self._rows: list[int] = []
        self._late = b""

    def first(self) -> Frame:
        """Return everything there is, as the first frame; what follows goes on from it."""
        _FEEDS.add(self)
        with self._lock:
            return self._everything()

    def frames(self) -> Iterator[Frame]:
        """Return everything at once, details and all: what a file needs."""
        with self._lock:
            yield self._everything()
            while self._unsent:
                yield from details(self._unsent.pop())

    def start(self, late: Frame = b"") -> None:
        """Send details, and what is new from here on; before that `late`, a first frame that is still to be sent if nobody
        asks for everything. Where no thread can be had, the inspector shows what it was opened with, and answers."""
        _FEEDS.add(self)
        with self._gate:
            self._resting = False
            self._late = late
            self._at_work()

    def rest(self) -> None:
        """Send nothing until somebody greets again: nobody looks."""
        with self._gate:
            self._resting = True
            self._wake.set()

    def stop(self) -> None:
        """Send nothing new any more; who greets is answered."""
        with self._gate:
            self._live = False
            self.rest()

    def close(self) -> None:
        """Send nothing any more."""
        self.stop()
        _FEEDS.discard(self)

    def hello(self, rows: int, described: int, *, code: bool = True) -> None:
        """Have a browser that has just come, or come back, sent what it lacks: it has the spans up to this row, and so many
        details, and the code or not. Of many greetings the last one counts."""
        with self._gate:
            self._hello = (rows, described)
            self._lacks_code |= not code
            self._resting, self._greeted = False, True
            self._wake.set()
            alone = not self._at_work()
        if alone:
            self._work_here()

    def describe(self, row: int) -> None:
        """Have the details of a row sent that were not sent unasked."""
        with self._gate:
            self._rows = [*self._rows, row][-MAX_ASKED:]
            self._wake.set()
            alone = not self._at_work()
        if alone:
            self._work_here()

    def renew(self) -> None:
        """Have everything sent anew, whether somebody looks or not: the browser holds what the recording has no more."""
        with self._gate:
            self._anew = self._greeted = True
            self._wake.set()
            alone = not self._at_work()
        if alone:
            self._work_here()

    # ── the thread ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _at_work(self) -> bool:
        """Have a thread at work; return whether there is one."""
        if self._working and self._thread is not None and self._thread.is_alive():  # after a fork it is not
            return True
        self._thread = threading.Thread(target=self._run, name="nbtrace-inspector", daemon=True)
        self._working = True
        try:
            self._thread.start()
        except RuntimeError:  # no thread to be had
            self._thread, self._working = None, False
        return self._working

    def _run(self) -> None:
        try:
            # Until the browser listens, details would be lost; while a cell runs nobody hears its greeting.
            if not self._greeted:
                self._wake.wait(PATIENCE_S)
            while (pause := self._turn()) is not None:
                self._wake.wait(pause)
        except Exception:
            with self._gate:
                self._working = False
            fault("keeping an inspector up to date")

    def _work_here(self) -> None:
        """Answer in the thread that asks: all that can be done where there is no other."""
        try:
            self._next_answer = 0.0
            self._working = True
            while self._turn(alone=True) is not None:
                pass
        except Exception:
            fault("answering an inspector")

    def _turn(self, *, alone: bool = False) -> float | None:
        """Do what is to be done now; return after how many seconds there can be more, None if that needs somebody to ask.
        Alone, everything that has been asked is done at once, and nobody looks again."""
        began = time.monotonic()
        hello, anew, code = None, False, False
        with self._gate:
            self._wake.clear()
            # A flood of greetings, or of people who forget, is answered once in a while.
            if alone or began >= self._next_answer:
                hello, anew, code = self._hello, self._anew, self._lacks_code
                self._hello, self._anew, self._lacks_code = None, False, False
            resting = self._resting
            rows, self._rows = self._rows, []
            late, self._late = self._late, b""
        pause = None
        with self._lock:
            if late and hello is None and not anew:
                self._send(late)
            if hello is not None or anew:
                self._answer(hello, anew)
                if code:
                    self._send_code()
                done = time.monotonic()
                self._next_answer = done + max(INTERVAL_S, 3 * (done - began))
            if not resting:
                for row in rows:
                    self._describe(row)
                pause = self._step(look=not alone)
        with self._gate:
            asked = self._anew or (not self._resting and (self._hello is not None or bool(self._rows)))
            if self._resting or asked:
                early = max(0.0, self._next_answer - time.monotonic())
                pause = None if not asked else early if pause is None else min(pause, early)
            if pause is None:
                self._working = False
            return pause

    def _answer(self, hello: tuple[int, int] | None, anew: bool) -> None:
        """Send everything, or ask a browser that lacks something whether it does: what was sent last may be on its way."""
        mine = (self._encoder.rows, self._described)
        if anew or (hello == (0, 0) and mine != (0, 0)):
            self._renewed()
            self._send(self._everything())
        elif hello != mine:
            self._send(frame({"kind": "have", "rows": mine[0], "details": mine[1]}))

    def _describe(self, row: int) -> None:
        if row >= self._encoder.rows:
            return  # nor would numpy compare any number there is
        for placed in self._older:
            hit = (placed.rows == row).nonzero()[0]
            if len(hit):
                one = slice(int(hit[0]), int(hit[0]) + 1)
                self._send_details(Placed(placed.batch, placed.positions[one], placed.rows[one]))
                return

    def _step(self, *, look: bool = True) -> float | None:
        """Look for what is new, if it is time to, or send one frame of details; return after how long there can be more."""
        began = time.monotonic()
        looks = self._live and look
        if looks and began >= self._next_look:
            update = self._news()
            if update is not None:
                self._send(update)
            done = time.monotonic()
            self._next_look = done + max(INTERVAL_S, (done - began) * _REST)
        elif self._unsent and (began >= self._next_details or not look):
            self._send_details(self._unsent.pop())
            done = time.monotonic()
            # While spans keep coming, details take their share of the time too: the newest first.
            self._next_details = done + max(0.01, (done - began) * _REST if looks and self._flowing else 0.0)
        due = [self._next_look] if looks else []
        due += [self._next_details if look else 0.0] if self._unsent else []
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _send_details(self, placed: Placed) -> None:
        for each in details(placed):
            self._send(each)
        self._described += len(placed.rows)

    def _news(self) -> Frame | None:
        running = self._store.running_rows()
        held = len(self._store)
        batches, mark = self._store.since(self._mark)
        held = max(held, len(self._store))
        cleared = self._mark is not None and mark[0] != self._mark[0]
        if cleared or self._encoder.rows > LAST_ROW:
            self._renewed()
            return self._everything()
        self._mark = mark
        self._flowing = bool(batches)
        self._lose(batches, running)
        fresh = self._fresh(batches, running)
        beat = bool(self._encoder.running) and time.monotonic() - self._told > HEARTBEAT_S
        if not (batches or fresh or beat or self._encoder.has_lost):
            return None
        return self._frame(batches, fresh, reset=False, held=held)

    def _everything(self) -> Frame:
        self._encoder = Encoder(keep=self._keep, live=self._live)
        self._older, self._unsent, self._described, self._missing = [], [], 0, {}
        # Running spans first: one that ends in between is then in both, and the finished row wins.
        running = self._store.running_rows()
        batches, self._mark = self._store.since(None)
        return self._frame(batches, self._fresh(batches, running), reset=True)

    def _fresh(self, batches: list[tuple[Batch, int]], running: list[Row]) -> list[Row]:
        """The running spans that are not told of yet."""
        if self._keep is None and not self._asking:
            left_out = {each.number for each in self._store.executions() if each.only_asked}
            self._encoder.left_out = left_out
            running = [row for row in running if row[_CELL] not in left_out]
        if self._opener is not None:
            own = f"{self._opener.span_id:016x}"
            inside = sum(row[_CELL] == self._opener.number for row in running)
            for batch, skip in batches:
                inside += int((np.asarray(batch.spans["cell"])[skip:] == self._opener.number).sum())
            if inside > 1:
                self._opener = None
            else:
                running = [row for row in running if row[_ID] != self._opener.span_id]
            self._encoder.opener = "" if self._opener is None else own
        rows = {f"{row[_ID]:016x}": row for row in running}
        chosen = [i for i in rows if i not in self._encoder.running and (self._keep is None or i in self._keep)]
        ended = _among(batches, chosen)
        return [rows[span_id] for span_id in chosen if span_id not in ended]

    def _lose(self, batches: list[tuple[Batch, int]], running: list[Row]) -> None:
        """Forget spans that were told of as running and are neither running nor recorded."""
        if not self._encoder.running:
            return
        here = {f"{row[_ID]:016x}" for row in running}
        missing = [span_id for span_id in self._encoder.running if span_id not in here]
        ended = _among(batches, missing)
        self._missing = {i: self._missing.get(i, 0) + 1 for i in missing if i not in ended}
        for span_id, looks in self._missing.items():
            if looks > MISSED_LOOKS:
                self._encoder.lose(span_id)

    def _frame(
        self, batches: list[tuple[Batch, int]], running: list[Row], *, reset: bool, held: int | None = None
    ) -> Frame:
        if running:
            batches = [*batches, (self._store.sealed_now(running), 0)]
        self._told = time.monotonic()
        note = {"reset": reset, "dropped": self._store.dropped_spans, "now": time.time_ns() / 1e6}
        found, placed = self._encoder.spans(batches, self._store.executions(), note, held=held)
        self._queue(placed)
        return found

    def _queue(self, placed: list[Placed]) -> None:
        """Have details sent, the newest spans' first; those of older ones wait until they are asked for. Those of spans
        that are forgotten wait no longer, or the batches of dropped spans would stay."""
        forgotten = self._encoder.forgotten
        self._older = [each for each in self._older if each.until > forgotten]
        self._unsent = [each for each in self._unsent if each.until > forgotten]
        room = MAX_DETAILS
        chosen: list[Placed] = []
        for each in reversed(placed):
            if room > 0:
                chosen += reversed(list(each.slices()))
            elif len(each.rows):
                self._older.append(each)
            room -= len(each.rows)
        self._unsent += reversed(chosen)


def _among(batches: list[tuple[Batch, int]], ids: list[str]) -> set[str]:
    """Those of the ids that are among the spans of batches."""
    if not ids:
        return set()
    wanted = pa.array(ids, pa.large_string())
    columns = [batch.spans["span_id"].slice(skip) for batch, skip in batches]
    return {i for column in columns for i in column.filter(pc.is_in(column, value_set=wanted)).to_pylist()}


_FEEDS: weakref.WeakSet[Feed] = weakref.WeakSet()

if hasattr(os, "register_at_fork"):
    # The browser belongs to the parent, whose threads, and what they held at the fork, are not in the child.
    os.register_at_fork(after_in_child=_FEEDS.clear)


def stop_all() -> None:
    """Stop all feeds: what unloading the extension calls."""
    for feed in list(_FEEDS):
        feed.stop()


def resend(store: SpanStore) -> None:
    """Have every open inspector of a recording sent everything anew: what to call when spans have been forgotten."""
    for feed in list(_FEEDS):
        if feed._store is store:
            feed.renew()
