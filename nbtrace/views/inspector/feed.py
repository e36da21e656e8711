"""Keeps an inspector in the browser up to date: a thread that looks at the recording ten times a second at most.

Enters: a store, and what the browser says. Leaves: frames, by a `send` function. Nothing runs on the user's path; a look at a
recording in which nothing has happened costs microseconds, and whatever is asked is answered by the thread: who asks, the
thread in which the kernel works included, waits for nothing."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator

from nbtrace.faults import fault
from nbtrace.store.book import Execution
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.frames import Frame, frame
from nbtrace.views.inspector.placed import Choice
from nbtrace.views.inspector.protocol import HAVE
from nbtrace.views.inspector.told import Told

INTERVAL_S = 0.1
PATIENCE_S = 1.0

QUIET_S = 1.0
"""So long nothing is new before that counts as settled."""

MAX_ASKED = 100
"""Rows whose details wait to be sent because somebody clicked on them: of more, the last ones."""

_SHARE = 0.05
"""How much of the time looks may take, and samples and details as much again while more come: after a long one it waits the
longer."""

_REST = 1 / _SHARE - 1


class Feed:
    """What one inspector has been told, and what is new."""

    def __init__(
        self,
        store: SpanStore,
        send: Callable[[Frame], None],
        *,
        live: bool = True,
        choose: Choice | None = None,
        opener: Execution | None = None,
        asking: bool = False,
        outside: bool = False,
        send_code: Callable[[], None] = lambda: None,
        renewed: Callable[[], None] = lambda: None,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        """`opener` is the cell that opens the inspector; `asking`: cells that only asked are told of too; `outside`: though
        some spans are chosen, samples outside all spans and cells are too. `send_code` sends the front end itself; `renewed`
        is called before everything is sent anew, `settled` when there was something new, and then nothing for a while."""
        self._store = store
        self._send = send
        self._send_code = send_code
        self._renewed = renewed
        self._settled = settled
        self._told = Told(
            store, live=live, choose=choose, opener=opener, asking=asking, outside=outside, renewed=renewed
        )
        self._next_look = self._next_details = self._next_answer = 0.0
        self._settles: float | None = None
        """When what is new will have been all for a while."""
        self._next_settled = 0.0
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
        self._hello: tuple[int, int, int] | None = None
        self._rows: list[int] = []
        self._late = b""

    def first(self) -> Frame:
        """Return everything there is, as the first frame; what follows goes on from it."""
        _FEEDS.add(self)
        with self._lock:
            return self._told.everything()

    def frames(self) -> Iterator[Frame]:
        """Return everything at once, samples, details and all: what a file needs."""
        with self._lock:
            yield self._told.everything()
            while self._told.has_unsent:
                yield from self._told.next_unsent()

    def start(self, late: Frame = b"") -> None:
        """Send samples and details, and what is new from here on; before that `late`, a first frame that is still to be sent if
        nobody asks for everything. Where no thread can be had, the inspector shows what it was opened with, and answers."""
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
            self._told.live = False
            self.rest()

    def close(self) -> None:
        """Send nothing any more."""
        self.stop()
        _FEEDS.discard(self)

    def hello(self, rows: int, described: int, profiles: int, *, code: bool = True) -> None:
        """Have a browser that has just come, or come back, sent what it lacks: it has the spans up to this row, so many
        details and frames of samples, and the code or not. Of many greetings the last one counts."""
        with self._gate:
            self._hello = (rows, described, profiles)
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
            if not self._told.live and (silence := self._told.doing.silence()) is not None:
                self._send(silence)
            if not resting:
                for row in rows:
                    self._send_all(self._told.details_of(row))
                pause = self._step(look=not alone)
        with self._gate:
            last_word = not self._told.live and self._told.doing.has_told
            asked = self._anew or last_word or (not self._resting and (self._hello is not None or bool(self._rows)))
            if self._resting or asked:
                early = max(0.0, self._next_answer - time.monotonic())
                pause = None if not asked else early if pause is None else min(pause, early)
            if pause is None:
                self._working = False
            return pause

    def _answer(self, hello: tuple[int, int, int] | None, anew: bool) -> None:
        """Send everything, or ask a browser that lacks something whether it does: what was sent last may be on its way."""
        mine = self._told.so_far
        self._told.doing.again()
        if anew or (hello == (0, 0, 0) and mine != (0, 0, 0)):
            self._renewed()
            self._send(self._told.everything())
        elif hello != mine:
            self._send(frame({"kind": HAVE, "rows": mine[0], "details": mine[1], "profiles": mine[2]}))

    def _step(self, *, look: bool = True) -> float | None:
        """Look for what is new, if it is time to, or send one frame of samples or details; return after how long there can be
        more."""
        # What a look computes it takes from the cell; while code of the cell's keeps it waiting it takes nothing.
        began, computed = time.monotonic(), time.thread_time()
        looks = self._told.live and look
        if looks and began >= self._next_look:
            update = self._told.news()
            self._send_all(each for each in (update, self._told.doing_news()) if each is not None)
            self._told.look_at_profile()
            self._next_look = time.monotonic() + max(INTERVAL_S, (time.thread_time() - computed) * _REST)
            self._settle(began)
        elif self._told.has_unsent and (began >= self._next_details or not look):
            self._send_all(self._told.next_unsent())
            # While spans or samples keep coming, these take their share of the time too.
            rest = (time.thread_time() - computed) * _REST if looks and self._told.flowing else 0.0
            self._next_details = time.monotonic() + max(0.01, rest)
        due = [self._next_look] if looks else []
        due += [self._next_details if look else 0.0] if self._told.has_unsent else []
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _settle(self, now: float) -> None:
        """Note that there was something new, or say that there has been nothing for a while. What that costs counts apart: nobody
        who looks waits for it."""
        if self._told.flowing:
            self._settles = now + QUIET_S
        elif self._settles is not None and now >= max(self._settles, self._next_settled):
            self._settles, computed = None, time.thread_time()
            self._settled()
            self._next_settled = time.monotonic() + (time.thread_time() - computed) * _REST

    def _send_all(self, frames: Iterable[Frame]) -> None:
        for each in frames:
            self._send(each)


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
