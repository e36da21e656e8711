"""Samples with numbers that mean the same in all batches, and what of their stacks has been told.

Enters: sealed batches. Leaves: `Taken`, and the texts, files, threads, frames and nodes that have to be told with them: only what
told samples reach, and each of it once. A line is the line that was typed, also of what %%time runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from nbtrace.analysis.profiles.cell_code import CellCode
from nbtrace.analysis.profiles.libraries import NOTEBOOK, library, shortened
from nbtrace.analysis.profiles.places import MODULE, places
from nbtrace.analysis.profiles.profile import Ints, Profile, profile
from nbtrace.store.book import Execution
from nbtrace.store.samples import MEMORY_UNIT_BYTES, TIME_UNIT_NS, SampleBatch
from nbtrace.store.schema import Thread
from nbtrace.store.span_store import Snapshot
from nbtrace.store.stacks import CUT

SHARES = 126
"""What the share of the time in which a thread computed is counted in."""

UNKNOWN_SHARE = 127
NATIVE = 128

IN_NOTEBOOK, _CUT, _MODULE = 1, 2, 4

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Taken:
    """Samples in the order of time."""

    time: Ints
    """In `TIME_UNIT_NS`, since the epoch."""
    wall: Ints
    """Likewise."""
    computed: npt.NDArray[np.uint8]
    """As it is told."""
    memory: Ints
    """In `MEMORY_UNIT_BYTES`; -1 where it is not known."""
    node: Ints
    """The innermost one, in `Stacks`; -1 for none."""
    thread: Ints
    """Place in the threads of `Stacks`."""
    cell: Ints
    span: Ints
    """Place in the ids that come with them, or a row: who has them knows which. -1 for none."""

    def part(self, which: Ints | slice) -> Taken:
        """Return some of them."""
        return Taken(*(getattr(self, each.name)[which] for each in fields(self)))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.time)


def numbered(keys: Iterable[_Key]) -> tuple[list[_Key], Ints]:
    """Return different keys in the order in which they come, and which of them each is. For some ten of them, as a look brings,
    sooner than numpy sorts."""
    place: dict[_Key, int] = {}
    numbers = [place.setdefault(key, len(place)) for key in keys]
    return list(place), np.array(numbers, dtype=np.int64)


def joined(pieces: Sequence[Taken]) -> Taken:
    """Return the samples of several pieces, in the order of time."""
    if len(pieces) == 1:
        return pieces[0]
    found = Taken(*(np.concatenate([getattr(piece, each.name) for piece in pieces]) for each in fields(Taken)))
    return found.part(np.argsort(found.time, kind="stable"))


class _Frame(NamedTuple):
    function: str
    file: str
    notebook: bool
    """Whether the file is a cell's code."""
    line: int
    first_line: int


@dataclass(slots=True)
class News:
    """What has to be told before samples are understood."""

    texts: list[str]
    files: list[list[int]]
    threads: list[Thread]
    frames: list[list[int]]
    """Function, file, line, first line, kind."""
    nodes: list[list[int]]
    """The one above, the frame."""


class Stacks:
    """One tree of all stacks. What is told gets a second number, in the order in which it is told."""

    def __init__(self) -> None:
        self._threads: dict[Thread, int] = {}
        self._frames: dict[_Frame, int] = {}
        self._nodes: dict[tuple[int, int], int] = {}
        """By the one above and the frame; a node stands behind the one above it."""
        self._told_texts: dict[str, int] = {}
        self._told_files: dict[tuple[str, bool], int] = {}
        self._told_paths: list[str] = []
        self._told_threads: dict[int, int] = {}
        self._told_frames: dict[int, int] = {}
        self._told_nodes: dict[int, int] = {-1: -1}
        self._all_frames: list[_Frame] = []
        self._all_nodes: list[tuple[int, int]] = []
        self._all_threads: list[Thread] = []
        self._news = News([], [], [], [], [])

    def __len__(self) -> int:
        """Return how many nodes there are."""
        return len(self._all_nodes)

    # ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, batch: SampleBatch, skip: int, executions: Sequence[Execution]) -> tuple[Taken, list[str]]:
        """Return the samples of a batch from a row on, and the ids of the spans that were current. Nothing is told by that."""
        found = profile(Snapshot((), (), 0, (batch,)))
        rows = skip + np.argsort(found.time[skip:], kind="stable")
        known = [*found.threads, Thread()] if (found.thread < 0).any() else found.threads  # the last is the unknown one
        threads = np.array([self._thread(each) for each in known], dtype=np.int64)
        cpu, wall, memory = found.cpu[rows], found.wall[rows], found.memory[rows]
        share = np.rint(np.clip(cpu, 0, wall) / np.maximum(wall, 1) * SHARES)
        computed = np.where(cpu < 0, UNKNOWN_SHARE, share) + NATIVE * found.native[rows]
        taken = Taken(
            time=found.time[rows] // TIME_UNIT_NS,
            wall=wall // TIME_UNIT_NS,
            computed=computed.astype(np.uint8),
            memory=np.where(memory < 0, -1, memory // MEMORY_UNIT_BYTES),
            node=self._entered(found, found.stack[rows], CellCode(executions)),
            thread=threads[found.thread[rows]],
            cell=found.cell[rows],
            span=found.span[rows],
        )
        return taken, [span_id for _, span_id in found.spans]

    def _thread(self, thread: Thread) -> int:
        number = self._threads.setdefault(thread, len(self._all_threads))
        if number == len(self._all_threads):
            self._all_threads.append(thread)
        return number

    def _entered(self, found: Profile, stack: Ints, code: CellCode) -> Ints:
        """The node of each of these stacks of a batch."""
        number = np.full(len(found.above) + 1, -1, dtype=np.int64)  # the last is that of no stack
        used = np.zeros(len(number), dtype=bool)
        at = np.unique(stack[stack >= 0])
        while len(at):
            used[at] = True
            at = np.unique(found.above[at])
            at = at[at >= 0]
            at = at[~used[at]]
        nodes = np.flatnonzero(used)
        if not len(nodes):
            return number[stack]
        where = places(found, code)
        above, function, file = found.above[nodes].tolist(), where.function[nodes].tolist(), where.file[nodes].tolist()
        notebook, line = where.notebook[nodes].tolist(), where.line[nodes].tolist()
        first_line, entered = where.first_line[nodes].tolist(), number.tolist()
        frames: dict[tuple[int, int, int, int], int] = {}
        for place, node in enumerate(nodes.tolist()):
            key = (function[place], file[place], line[place], first_line[place])
            frame = frames.get(key)
            if frame is None:
                names = where.functions[key[0]], where.files[key[1]]
                frame = frames[key] = self._framed(_Frame(*names, notebook[place], *key[2:]))
            entered[node] = self._node(entered[above[place]], frame)
        return np.array(entered, dtype=np.int64)[stack]

    def _framed(self, frame: _Frame) -> int:
        number = self._frames.setdefault(frame, len(self._all_frames))
        if number == len(self._all_frames):
            self._all_frames.append(frame)
        return number

    def _node(self, above: int, frame: int) -> int:
        key = (above, frame)
        number = self._nodes.setdefault(key, len(self._all_nodes))
        if number == len(self._all_nodes):
            self._all_nodes.append(key)
        return number

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, taken: Taken) -> tuple[Ints, Ints]:
        """Tell of the stacks and threads of samples: return the number of each sample's node, -1 for none, and of its thread."""
        nodes = [self._told_node(each) for each in taken.node.tolist()]
        threads = [self._told_thread(each) for each in taken.thread.tolist()]
        return np.array(nodes, dtype=np.int64), np.array(threads, dtype=np.int64)

    def are_of(self, taken: Taken, pid: int) -> bool:
        """Whether samples are all of threads of a process."""
        return all(self._all_threads[each].process_pid == pid for each in np.unique(taken.thread).tolist())

    def tell_code(self, file: str) -> int:
        """Tell of the file as which a cell's code was compiled, if that has not been done; return its number."""
        return self._told_file(file, True)

    def path(self, number: int) -> str:
        """Return the file that has been told of with this number."""
        return self._told_paths[number]

    def has_told_code(self, file: str) -> bool:
        """Whether that has been told of."""
        return (file, True) in self._told_files

    def news(self) -> News:
        """Return what has been told since this was asked last: it has to be sent now."""
        found, self._news = self._news, News([], [], [], [], [])
        return found

    def _told_node(self, node: int) -> int:
        chain = []
        while node not in self._told_nodes:
            chain.append(node)
            node = self._all_nodes[node][0]
        told = self._told_nodes[node]
        for each in reversed(chain):
            self._news.nodes.append([told, self._told_frame(self._all_nodes[each][1])])
            told = self._told_nodes[each] = len(self._told_nodes) - 1
        return told

    def _told_frame(self, frame: int) -> int:
        number = self._told_frames.get(frame)
        if number is None:
            number = self._told_frames[frame] = len(self._told_frames)
            function, file, notebook, line, first_line = self._all_frames[frame]
            kind = IN_NOTEBOOK * notebook + _CUT * function.endswith(CUT) + _MODULE * (function == MODULE)
            row = [self._told_text(function), self._told_file(file, notebook), max(line, 0), max(first_line, 0), kind]
            self._news.frames.append(row)
        return number

    def _told_file(self, file: str, notebook: bool) -> int:
        number = self._told_files.get((file, notebook))
        if number is None:
            number = self._told_files[file, notebook] = len(self._told_files)
            self._told_paths.append(file)
            # What a cell's code was compiled as is of no use to anybody; whose it was is told by `codes`.
            shown = ("", NOTEBOOK) if notebook else (shortened(file), library(file))
            self._news.files.append([self._told_text(each) for each in shown])
        return number

    def _told_thread(self, thread: int) -> int:
        number = self._told_threads.get(thread)
        if number is None:
            number = self._told_threads[thread] = len(self._told_threads)
            self._news.threads.append(self._all_threads[thread])
        return number

    def _told_text(self, text: str) -> int:
        number = self._told_texts.get(text)
        if number is None:
            number = self._told_texts[text] = len(self._told_texts)
            self._news.texts.append(text)
        return number
