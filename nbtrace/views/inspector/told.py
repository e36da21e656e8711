"""What one inspector has been told of a recording, and what is new since.

Enters: a store. Leaves: frames, made when they are asked for; who asks, and how often, is the feed's affair."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.batch import Batch
from nbtrace.store.book import Execution
from nbtrace.store.rows import Mark
from nbtrace.store.schema import Row, RowFields
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.details import details
from nbtrace.views.inspector.doing import DoingTold
from nbtrace.views.inspector.frames import Frame
from nbtrace.views.inspector.placed import Choice, Placed
from nbtrace.views.inspector.profiled import ProfileTold
from nbtrace.views.inspector.wire import Encoder

HEARTBEAT_S = 0.5
"""How often the browser is told what time it is while spans run, so that they grow though nothing else happens. It has no
clock of its own for that: with a kernel that has died they stop."""

MAX_DETAILS = 100_000
"""Spans, the last ones, whose details are sent unasked; those of older ones are sent when somebody clicks on them."""

MISSED_LOOKS = 20
"""A running span that is not among the running for so many looks, and has not come as an ended one, never will: the bound
has dropped it in between. Not at once: between the two, a span is nowhere for a moment."""

LAST_ROW = 2**30

_CELL, _ID = RowFields._fields.index("cell"), RowFields._fields.index("span_id")


class Told:
    """What one inspector has been told. Not for two threads at a time."""

    def __init__(
        self,
        store: SpanStore,
        *,
        live: bool,
        choose: Choice | None,
        opener: Execution | None,
        asking: bool,
        outside: bool = False,
        renewed: Callable[[], None],
    ) -> None:
        """`outside`: samples outside all spans are told of, though only some spans are chosen. `renewed` is called before
        everything is told anew because the recording has begun anew."""
        self.live = live
        """Whether more will be told after a frame of everything."""
        self._store = store
        self._choose = choose
        # The cell that opens the inspector is not worth a row until something happens inside.
        self._opener = opener
        self._asking = asking
        self._renewed = renewed
        self._encoder = Encoder()
        self.doing = DoingTold(store)
        """What running cells are doing, which is told apart."""
        self._profile = ProfileTold(store, outside=outside)
        self._mark: Mark | None = None
        self._older: list[Placed] = []
        self._unsent: list[Placed] = []
        self._described = 0
        self._missing: dict[str, int] = {}
        self._at = 0.0
        """When it was told the time."""
        self.flowing = False
        """Whether the last look found spans, or samples."""

    @property
    def so_far(self) -> tuple[int, int, int]:
        """How many rows, details and frames of samples have been told since everything was told anew; the browser counts too."""
        return self._encoder.rows, self._described, self._profile.number

    @property
    def has_unsent(self) -> bool:
        """Whether there are samples or details that are to be sent unasked."""
        return self._profile.has_unsent or bool(self._unsent)

    def next_unsent(self) -> Iterator[Frame]:
        """Yield a frame of what is to be sent next, if there is anything."""
        if self._profile.has_unsent:
            found = self._profile.next()
            if found is not None:
                yield found
        elif self._unsent:
            yield from self._details(self._unsent.pop())

    def details_of(self, row: int) -> Iterator[Frame]:
        """Yield the details of a row that are not sent unasked; nothing for any other number."""
        if row >= self._encoder.rows:
            return  # nor would numpy compare any number there is
        for placed in self._older:
            hit = (placed.rows == row).nonzero()[0]
            if len(hit):
                one = slice(int(hit[0]), int(hit[0]) + 1)
                yield from self._details(Placed(placed.batch, placed.positions[one], placed.rows[one]))
                return

    def _details(self, placed: Placed) -> Iterator[Frame]:
        yield from details(placed)
        self._described += len(placed.rows)

    def news(self) -> Frame | None:
        """Return what is new since the last frame, or the time if spans run and it is long ago; None if there is nothing."""
        running = self._store.running_rows()
        held = len(self._store)
        batches, mark = self._store.since(self._mark)
        held = max(held, len(self._store))
        cleared = self._mark is not None and mark[0] != self._mark[0]
        if cleared or self._encoder.rows > LAST_ROW or self._profile.is_full:
            self._renewed()
            self.flowing = True
            return self.everything()
        self._mark = mark
        self.flowing = bool(batches)
        self._lose(batches, running)
        fresh = self._fresh(batches, running)
        beat = bool(self._encoder.running) and time.monotonic() - self._at > HEARTBEAT_S
        if not (batches or fresh or beat or self._encoder.has_lost):
            return None
        return self._frame(batches, fresh, reset=False, held=held)

    def look_at_profile(self) -> None:
        """Look for samples, statements and resources that are new, if it is time to: after the spans, which they name."""
        if self._profile.look():
            self.flowing = True

    def everything(self) -> Frame:
        """Return all spans there are; what follows goes on from them."""
        self._encoder = Encoder(choose=self._choose, live=self.live)
        self.doing.anew()
        self._older, self._unsent, self._described, self._missing = [], [], 0, {}
        # Running spans first: one that ends in between is then in both, and the finished row wins.
        running = self._store.running_rows()
        batches, self._mark = self._store.since(None)
        return self._frame(batches, self._fresh(batches, running), reset=True)

    def doing_news(self) -> Frame | None:
        """Return what running cells are doing, of which the spans have been told, if that has changed."""
        return self.doing.news(lambda each: f"{each.span_id:016x}" in self._encoder.running)

    def _fresh(self, batches: list[tuple[Batch, int]], running: list[Row]) -> list[Row]:
        """The running spans that are not told of yet."""
        if self._choose is None and not self._asking:
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
        chosen = [span_id for span_id in rows if span_id not in self._encoder.running]
        if self._choose is not None and chosen:
            met = self._choose(self._store.sealed_now([rows[span_id] for span_id in chosen]))
            chosen = [span_id for span_id, is_met in zip(chosen, met.tolist(), strict=True) if is_met]
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
        self._at = time.monotonic()
        note = {
            "reset": reset,
            "dropped": self._store.dropped_spans,
            "narrowed": self._choose is not None,
            "now": time.time_ns() / 1e6,
        }
        found, placed = self._encoder.spans(batches, self._store.executions(), note, held=held)
        self._queue(placed)
        if reset:
            self._profile.anew(self._encoder, placed)
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
