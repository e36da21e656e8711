"""What a thread is doing: its frames, read from another thread, as a stack that ends at the cell.

Enters: a frame. Leaves: a `Stack`, and whether the innermost frame is within a call of code that is not Python's. No frame is
kept: whoever lets go of the last reference to one runs the finalizers of its variables, in the wrong thread."""

from __future__ import annotations

import time
from collections.abc import Collection
from types import CodeType, FrameType
from typing import Literal, NamedTuple

from nbtrace.store.stacks import CUT, MAX_DEPTH, Stack, root

PATIENCE_NS = 2_000_000
"""A walk that takes longer is given up: after five milliseconds the thread that is looked at would go on."""

_HALF = MAX_DEPTH // 2
_MAX_NODES = 20_000

_BOOTSTRAP = ("threading.py", "concurrent/futures/thread.py", "multiprocessing/pool.py")
_ENGINES = (
    "distributed/threadpoolexecutor.py",
    "distributed/_concurrent_futures_thread.py",
    "distributed/utils.py",
    "distributed/worker.py",
    "dask/_task_spec.py",
)
"""What calls the function of a task in a thread of an engine's."""
_QUEUES = ("queue.py", "multiprocessing/queues.py", *_BOOTSTRAP)
_WAITS = (*_QUEUES, "selectors.py")
_SERVES = (
    ("_process_worker", "/process.py"),
    ("_process_worker", "/process_executor.py"),
    ("worker", "/multiprocessing/pool.py"),
    ("BaseProcess._bootstrap", "/multiprocessing/process.py"),
    ("_main", "/multiprocessing/spawn.py"),
)
"""What runs a process that serves others: the ends of the file and the names of the functions."""

_CALLS = frozenset(
    (
        *("_process_chunk", "_process_chunk.<locals>.<listcomp>", "_CallItem.__call__", "mapstar", "starmapstar"),
        *(
            "BaseProcess.run",
            "BatchedCalls.__call__",
            "BatchedCalls.__call__.<locals>.<listcomp>",
            "SafeFunction.__call__",
        ),
        *("_TracebackCapturingWrapper.__call__", "_retrieve_traceback_capturing_wrapped_call", "_FuncWrapper.__call__"),
    )
)
"""Functions of such files by which a task is called: what they call is the user's."""

_IMPORTS = "_find_and_load"

_SERVING = (
    *_QUEUES,
    *(
        f"multiprocessing/{name}.py"
        for name in (
            "process",
            "spawn",
            "forkserver",
            "popen_fork",
            "context",
            "connection",
            "managers",
            "synchronize",
            "reduction",
            "util",
        )
    ),
    "selectors.py",  # by which a pipe is waited for with a timeout, as loky's workers do
    "concurrent/futures/process.py",
    "loky/process_executor.py",
    *(
        f"loky/backend/{name}.py"
        for name in ("queues", "process", "reduction", "popen_loky_posix", "synchronize", "context")
    ),
    "joblib/parallel.py",
    "joblib/_parallel_backends.py",
    "joblib/pool.py",
    "joblib/_utils.py",
)
_EVENTS = "asyncio/events.py"

Key = tuple[str, str, int, int]
"""Function, file, line, first line."""


class Walked(NamedTuple):
    """Frames of a thread, from the innermost outwards."""

    keys: list[Key]
    end: Literal["found", "bottom", "given up"]
    """Whether the last of them is the one that was looked for, or the thread's first; or there are more."""


def walk(frame: FrameType, outermost: CodeType | None) -> Walked:
    """Return the frames up to that of the code `outermost`, all of them where it is not found or is None. Of a deep stack the
    middle is left out, and counted."""
    deadline = time.perf_counter_ns() + PATIENCE_NS
    keys: list[Key] = []
    at: FrameType | None = frame
    while at is not None and len(keys) < _HALF:
        keys.append(_key(at))
        if at.f_code is outermost:
            return Walked(keys, "found")
        at = at.f_back
    if at is None:
        return Walked(keys, "bottom")
    # The outer half, of as many as there are: only the last ones are read.
    ring: list[FrameType | None] = [None] * _HALF
    count = 0
    end: Literal["found", "bottom", "given up"] = "bottom"
    while at is not None:
        ring[count % _HALF] = at
        count += 1
        if at.f_code is outermost:
            end = "found"
            break
        if count % 256 == 0 and time.perf_counter_ns() > deadline:
            end = "given up"
            ring, count = [], 0
            break
        at = at.f_back
    at = None
    outer = [ring[place % _HALF] for place in range(max(0, count - _HALF), count)]
    ring = []
    if end == "given up" or count > _HALF:
        keys.append((f"⋯ {f'{count - _HALF:,}' if count else 'many'} {CUT}", "", 0, 0))
    while outer:
        each = outer.pop(0)
        if each is not None:
            keys.append(_key(each))
    return Walked(keys, end)


def _key(frame: FrameType) -> Key:
    code = frame.f_code
    name, file = code.co_qualname, code.co_filename
    if type(name) is not str or type(file) is not str:  # a class of the user's, whose methods would run in this thread
        name, file = str.__str__(name), str.__str__(file)
    return name, file, frame.f_lineno or 0, code.co_firstlineno


def of_the_cell(keys: list[Key], files: Collection[str]) -> list[Key]:
    """Return the frames from the outermost that is of a cell's code inwards; none if there is none."""
    for place in range(len(keys) - 1, -1, -1):
        if keys[place][1] in files:
            return keys[: place + 1]
    return []


def above(keys: list[Key], caller: str) -> list[Key] | None:
    """Return the frames that those of a file have called: of the shell's, while it finishes a cell, say how a figure is shown.
    None if none of its frames is there."""
    for place, (_, file, *_) in enumerate(keys):
        if file == caller:
            return keys[:place]
    return None


def of_the_task(keys: list[Key]) -> list[Key]:
    """Return the frames that an event loop has called."""
    for place, (_, file, *_) in enumerate(keys):
        if file.replace("\\", "/").endswith(_EVENTS):
            return keys[:place]
    return []


def of_the_thread(keys: list[Key]) -> list[Key]:
    """Return the frames of a thread without those that start it; none where it waits for work."""
    if all(file.replace("\\", "/").endswith(_QUEUES) for _, file, *_ in keys):
        return []
    end = len(keys)
    while end and keys[end - 1][1].replace("\\", "/").endswith((*_BOOTSTRAP, *_ENGINES)):
        end -= 1
    return keys[:end]


def of_the_worker(keys: list[Key]) -> list[Key]:
    """Return the frames of the work that a process was sent, without those that send, wait and call it; none where it waits, or
    has not begun: what it was forked from has frames of its own. What it imports for its work is work, whoever asks for it."""
    end = 0
    for place, (function, file, *_) in enumerate(keys):
        if any(function == name and file.replace("\\", "/").endswith(end_of) for name, end_of in _SERVES):
            end = place
            break
    served = False
    while end and keys[end - 1][1].replace("\\", "/").endswith(_SERVING):
        end -= 1
        served = served or keys[end][0] not in _CALLS
    if served and (imported := [place for place in range(end) if keys[place][0] == _IMPORTS]):
        end = imported[-1] + 1
    elif served:  # what such a process does for itself, by others: look how much memory it takes, say
        end = 0
    return keys[:end]


def waits_for_others(keys: list[Key]) -> bool:
    """Whether a thread waits until another lets it go on, or has something for it: nothing that it does itself."""
    return keys[0][1].replace("\\", "/").endswith(_WAITS)


class Stacks:
    """The tree in which stacks are found again."""

    def __init__(self) -> None:
        self._root = root()
        self._count = 0

    def of(self, keys: list[Key], above: Key | None = None) -> Stack:
        """Return the stack of frames, from the innermost outwards, called by `above`."""
        at = self._root
        if above is not None:
            at = self._called(at, above)
        for key in reversed(keys):
            at = at.below.get(key) or self._called(at, key)
        if self._count > _MAX_NODES:  # who holds stacks of the old tree keeps what it needs of it
            self._root, self._count = root(), 0
        return at

    def _called(self, at: Stack, key: Key) -> Stack:
        if key not in at.below:
            self._count += 1
        return at.call(*key)
