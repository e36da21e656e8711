"""The samples of all batches as one: an array for each column, and one tree of stacks.

Enters: a store's `Snapshot`. Leaves: a `Profile`, of which answers take what they count. A stack is the number of its innermost
node; a node stands behind the one above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrace.store.samples import SampleBatch
from nbtrace.store.schema import Thread
from nbtrace.store.span_store import Snapshot

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FEW = 10
"""A share that fewer samples support is a guess, and is said to be one or not told."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Samples in the order in which they came."""

    time: Ints
    """In ns since the epoch; samples of several threads at one tick share it."""
    wall: Ints
    """How long each stands for, in ns."""
    cpu: Ints
    """How long of that the thread computed, in ns; -1 where that is not known."""
    memory: Ints
    """Resident bytes; -1 where they are not known."""
    native: Bools
    cell: Ints
    """Number of the execution, 0 outside a cell."""
    stack: Ints
    """The node of the innermost frame; -1 for none."""
    span: Ints
    """Place in `spans`; -1 for none."""
    thread: Ints
    """Place in `threads`."""
    spans: list[tuple[str, str]]
    """Trace and span ids, in hex digits."""
    threads: list[Thread]
    above: Ints
    """By node: the one from which it was called, -1 for an outermost one."""
    frame: Ints
    """By node: the place of its frame in the columns below."""
    function: Ints
    """By frame: the place in `functions`."""
    file: Ints
    """By frame: the place in `files`."""
    line: Ints
    first_line: Ints
    functions: list[str]
    files: list[str]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.time)

    def climbed(self, stays: Bools) -> Ints:
        """Return for each node the nearest one at it or above it that stays; -1 for none."""
        # Pointers are doubled: a stack of 200 frames takes eight rounds.
        end = len(self.above)
        pointer = np.append(np.where(stays, np.arange(end), np.where(self.above < 0, end, self.above)), end)
        while True:
            further = pointer[pointer]
            if (further == pointer).all():
                return np.where(pointer[:-1] == end, -1, pointer[:-1])
            pointer = further

    def outermost(self) -> Ints:
        """Return for each node the outermost one of its stack."""
        return self.climbed(self.above < 0)


def profile(snapshot: Snapshot) -> Profile:
    """Return the samples of a snapshot."""
    batches = [batch for batch in snapshot.samples if batch.length]
    spans, span = _known(batches, "span", lambda each: (each["trace_id"], each["span_id"]))
    threads, thread = _known(batches, "thread", lambda each: Thread(**each))
    nodes = _starts([batch.stacks.num_rows for batch in batches])
    frames = _starts([batch.frames.num_rows for batch in batches])
    above, stack = [], []
    for batch, start in zip(batches, nodes, strict=True):
        own = _numbers(batch.stacks["above"])
        above.append(np.where(own < 0, -1, own + start))
        # A thread that ran no Python has no frame, and in a batch of such there is none at all.
        stack.append(_numbers(batch.samples.column("stack")) + start if len(own) else np.full(batch.length, -1))
    functions, function = _texts([batch.frames["function"] for batch in batches])
    files, file = _texts([batch.frames["file"] for batch in batches])
    return Profile(
        time=_joined([batch.numbers("time") for batch in batches]),
        wall=_joined([batch.numbers("wall") for batch in batches]),
        cpu=_joined([batch.numbers("cpu") for batch in batches]),
        memory=_joined([batch.numbers("memory") for batch in batches]),
        native=_joined([np.asarray(batch.samples.column("native")) for batch in batches]).astype(bool),
        cell=_joined([batch.numbers("cell") for batch in batches]),
        stack=_joined(stack),
        span=span,
        thread=thread,
        spans=spans,
        threads=threads,
        above=_joined(above),
        frame=_joined([_numbers(b.stacks["frame"]) + start for b, start in zip(batches, frames, strict=True)]),
        function=function,
        file=file,
        line=_joined([_numbers(batch.frames["line"]) for batch in batches]),
        first_line=_joined([_numbers(batch.frames["first_line"]) for batch in batches]),
        functions=functions,
        files=files,
    )


def _known(
    batches: Sequence[SampleBatch], column: str, plain: Callable[[dict[str, Any]], Any]
) -> tuple[list[Any], Ints]:
    """What the dictionaries of all batches hold, each of it once, and the place of each sample's; -1 for a gap."""
    place: dict[Any, int] = {}
    codes = []
    for batch in batches:
        values = batch.samples.column(column)
        here = [place.setdefault(plain(each), len(place)) for each in values.dictionary.to_pylist()]
        indices = values.indices.fill_null(-1) if values.null_count else values.indices
        codes.append(np.array([*here, -1], dtype=np.int64)[_numbers(indices)])
    return list(place), _joined(codes)


def _texts(chunks: Sequence[Any]) -> tuple[list[str], Ints]:
    """All different texts, and the place of each."""
    if not chunks:
        return [], np.zeros(0, dtype=np.int64)
    coded = pa.concat_arrays(chunks).dictionary_encode()
    return coded.dictionary.to_pylist(), _numbers(coded.indices)


def _numbers(values: Any) -> Ints:
    return np.asarray(values).astype(np.int64)


def _joined(parts: Sequence[npt.NDArray[Any]]) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _starts(lengths: Sequence[int]) -> list[int]:
    return [0, *np.cumsum(lengths).tolist()][: len(lengths)]
