"""Which spans stand on which track of a viewer whose tracks hold only what nests.

Enters: when spans began and ended, whose children they are and in which thread they ran. Leaves: for each a lane of its thread,
from 0. Of two spans on one lane, one contains the other or they do not meet; what stands inside another span on a lane is its
child, or has no parent in this thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans as columns of the same length."""

    start: Sequence[int]
    end: Sequence[int]
    """Never before the start; of one that has not ended the last moment that is known of anything."""
    ended: Sequence[bool]
    parent: Sequence[int]
    """Its place in these columns, -1 where it is none of them."""
    thread: Sequence[int]
    """Numbers from 0."""


@dataclass(slots=True)
class _Thread:
    stacks: list[list[int]] = field(default_factory=lambda: [[]])
    """Of each lane the spans that are open, the innermost last."""
    free: list[int] = field(default_factory=list)
    busy: list[tuple[int, int]] = field(default_factory=list)
    """Of the lanes behind the first: until when, and which."""
    last_root: int = 0
    """When the last span without a parent in this thread began."""


def lanes(spans: Spans) -> npt.NDArray[np.int32]:
    """Return the lane of each span.

    The first lane of a thread is its stack of calls: a span stands there inside its parent, or, where it has none in this thread,
    inside whatever spans its time. A span that overlaps, as tasks and generators do, that runs beside a sibling, or that
    outlives its parent begins on the first further lane that is free, and its children stand inside it there. One that has not
    ended although other work went on in its thread takes a further lane too: everything that came later would stand inside it."""
    start, end, parent, thread = spans.start, spans.end, spans.parent, spans.thread
    found = np.full(len(start), -1, dtype=np.int32)
    above = [p if p >= 0 and thread[p] == t else -1 for p, t in zip(parent, thread, strict=True)]
    threads: dict[int, _Thread] = {}
    for at, number in enumerate(thread):
        known = threads.setdefault(number, _Thread())
        if above[at] < 0:
            known.last_root = max(known.last_root, start[at])
    for at in sorted(range(len(start)), key=lambda at: (start[at], -end[at])):
        # Of spans with the very same times the parents come first; a circle of parents is cut somewhere.
        chain = {at: None}
        p = above[at]
        while p >= 0 and found[p] < 0 and p not in chain and (start[p], end[p]) == (start[at], end[at]):
            chain[p] = None
            p = above[p]
        for each in reversed(chain):
            if found[each] < 0:
                found[each] = _placed(each, above[each], spans, threads[thread[each]], found)
    return found


def _placed(at: int, above: int, spans: Spans, thread: _Thread, found: npt.NDArray[np.int32]) -> int:
    """Put a span, at the end of what stands there so far, on one of the lanes, and return which."""
    start, end = spans.start[at], spans.end[at]
    hangs = not spans.ended[at] and thread.last_root > start
    if above >= 0 and found[above] >= 0:
        lane = int(found[above])
        stack = thread.stacks[lane]
        while stack and stack[-1] != above and spans.end[stack[-1]] <= start:
            stack.pop()
        # What has not ended outlives what has, whatever the last moment is that is known.
        if stack and stack[-1] == above and end <= spans.end[above] and (spans.ended[at] or not spans.ended[above]):
            stack.append(at)
            return lane
    elif above < 0 and not hangs:
        stack = thread.stacks[0]
        while stack and spans.end[stack[-1]] <= start:
            stack.pop()
        if not stack or (spans.ended[at] and end <= spans.end[stack[-1]] and spans.ended[stack[-1]]):
            stack.append(at)
            return 0
    while thread.busy and thread.busy[0][0] < start:
        heappush(thread.free, heappop(thread.busy)[1])
    if not thread.free:
        heappush(thread.free, len(thread.stacks))
        thread.stacks.append([])
    lane = heappop(thread.free)
    heappush(thread.busy, (end, lane))
    thread.stacks[lane] = [at]
    return lane
