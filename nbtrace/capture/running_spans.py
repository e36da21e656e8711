"""The spans that have started and not ended: what is known of each, and when nothing is left that could end it.

Enters: spans, as they start. Leaves: what their rows are made of. A span is held weakly: its values belong to whoever holds
it, and when nobody does, what it had becomes the row of an unfinished span."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from nbtrace.store.schema import Origin, Thread

MAX_RUNNING = 100_000
_MAX_GIVEN_UP = 4_096


class SpanRef(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that knows the id of its span."""

    __slots__ = ("span_id",)
    span_id: int


class Started(NamedTuple):
    """A span that runs: a weak reference to it, and what it shares with its row. Kept as a plain tuple, which is quicker to
    make; `Started._make` gives its fields their names."""

    ref: Callable[[], Any]
    cell: int
    monotonic_ns: int
    handled: int
    """Id of the exception that was being handled when it started, 0 for none."""
    thread: Thread
    origin: Origin
    trace_id: int
    parent_span_id: int
    name: Any
    kind: Any
    start_ns: int
    attributes: Any
    """The SDK's own collections, which fill as the span runs; they do not hold the span."""
    events: Any
    links: Any


class RunningSpans:
    """Running spans by their id; the oldest are forgotten beyond `MAX_RUNNING`."""

    def __init__(self) -> None:
        self.table: dict[int, tuple[Any, ...]] = {}
        self.unfinished: set[int] = set()
        """Those of an interrupted cell that nothing can be seen to end, though somebody still holds them."""
        self.gone: deque[SpanRef] = deque()
        """References whose span has been freed without an end. Filled by the interpreter itself, whenever that happens."""
        self.given_up: dict[int, None] = {}
        """Ids of those that were freed last. One of them may end all the same: the collector tells of a span before it closes the
        generator that ends it, and may work in another thread."""

    def clear(self) -> None:
        """Forget them all."""
        self.table.clear()
        self.unfinished.clear()
        self.gone.clear()
        self.given_up.clear()

    def known(self) -> list[tuple[int, Started]]:
        """Return the spans that run, with their ids."""
        return [(span_id, Started._make(started)) for span_id, started in self.table.copy().items()]

    def freed(self) -> Iterator[tuple[int, Started]]:
        """Take out and give the spans that nobody holds any more."""
        while self.gone:
            try:
                ref = self.gone.popleft()
            except IndexError:  # another thread was quicker
                return
            started = self.table.get(ref.span_id)
            if started is not None and started[0] is ref:
                self.given_up[ref.span_id] = None
                if len(self.given_up) > _MAX_GIVEN_UP:
                    self.given_up.pop(next(iter(self.given_up)), None)
                del self.table[ref.span_id]
                yield ref.span_id, Started._make(started)

    def put_back(self, span_id: int, started: Started) -> None:
        """Keep a freed span for the next time."""
        self.table[span_id] = tuple(started)
        self.given_up.pop(span_id, None)
        self.gone.append(started.ref)  # type: ignore[arg-type]

    def interrupted(self, cell: int, may_end: Callable[[Any], bool]) -> None:
        """Look at what an interrupted cell has left: a span is unfinished unless a frame, a task or a generator holds it.

        may_end: whether an object that holds a span is a block that will end it."""
        self.unfinished.intersection_update(self.table)
        spans, ids = [], []
        for span_id, started in self.known():
            if started.cell == cell:
                spans.append(started.ref())
                ids.append(span_id)
        if spans:
            held = _held(spans, may_end)
            self.unfinished.update(span_id for span_id, each in zip(ids, held, strict=True) if not each)


class StrongRef:
    """Holds a span that cannot be referenced weakly."""

    def __init__(self, span: Any, span_id: int) -> None:
        self._span = span
        self.span_id = span_id

    def __call__(self) -> Any:
        """Return the span."""
        return self._span


_RESUMABLE = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)


def _held(spans: list[Any], may_end: Callable[[Any], bool]) -> list[bool]:
    """Tell of each span whether a suspended frame, an open block or a running frame holds it; None counts as held.

    Of the collector's referrers those that can go on count. A running frame's variables are not among them: it is at work
    where a span has more references than its referrers explain."""
    place = {id(span): at for at, span in enumerate(spans) if span is not None}
    held = [span is None for span in spans]
    explained = [0] * len(spans)
    frame = sys._getframe()
    for referrer in gc.get_referrers(*(span for span in spans if span is not None)):
        if referrer is frame:
            continue
        inside = [place[id(each)] for each in gc.get_referents(referrer) if id(each) in place]
        lasting = (isinstance(referrer, _RESUMABLE) and _can_go_on(referrer)) or may_end(referrer)
        for at in inside:
            explained[at] += 1
            held[at] = held[at] or lasting
    probe = object()
    alone = sys.getrefcount(probe)
    for at in range(len(spans)):
        span = spans[at]
        held[at] = held[at] or sys.getrefcount(span) - alone > explained[at]
    return held


def _can_go_on(routine: Any) -> bool:
    for name in ("gi_frame", "cr_frame", "ag_frame"):
        if hasattr(routine, name):
            return getattr(routine, name) is not None
    return False
