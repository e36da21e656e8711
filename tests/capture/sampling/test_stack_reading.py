"""Stacks are read up to the cell's frame, deep ones cut in the middle, and nothing of them is kept."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

import pytest

from nbtrace.capture.sampling import stack_reading
from nbtrace.capture.sampling.stack_reading import Stacks, walk
from nbtrace.store.stacks import CUT, MAX_DEPTH

CELL = compile("work()", "/somewhere/ipykernel_1/2.py", "exec")


@contextmanager
def running(code: CodeType, work: Callable[[Callable[[], None]], None]) -> Iterator[FrameType]:
    """The innermost frame of another thread that runs the code, in which `work` calls what it is given."""
    at, go_on = threading.Event(), threading.Event()

    def stay() -> None:
        at.set()
        go_on.wait()

    thread = threading.Thread(target=exec, args=(code, {"work": lambda: work(stay)}))
    thread.start()
    at.wait()
    try:
        yield sys._current_frames()[thread.ident or 0]
    finally:
        go_on.set()
        thread.join()


def test_a_stack_ends_at_the_cell() -> None:
    with running(CELL, lambda stay: stay()) as frame:
        keys, end = walk(frame, CELL)
        assert end == "found"
        assert keys[-1] == ("<module>", "/somewhere/ipykernel_1/2.py", 1, 1)
        assert [function for function, *_ in keys[-4:-1]] == [
            "running.<locals>.stay",
            "test_a_stack_ends_at_the_cell.<locals>.<lambda>",
            "running.<locals>.<lambda>",
        ]


def test_a_stack_without_the_cell_goes_to_the_bottom() -> None:
    with running(CELL, lambda stay: stay()) as frame:
        keys, end = walk(frame, compile("other", "o", "exec"))
        assert end == "bottom"
        assert keys[-1][0] == "Thread._bootstrap"


@pytest.mark.parametrize("depth", [MAX_DEPTH - 20, 3 * MAX_DEPTH])
def test_of_a_deep_stack_the_middle_is_left_out_and_counted(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_reading, "PATIENCE_NS", 10**12)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + depth)

    def recurse(left: int, stay: Callable[[], None]) -> None:
        recurse(left - 1, stay) if left else stay()

    try:
        with running(CELL, lambda stay: recurse(depth, stay)) as frame:
            keys, end = walk(frame, CELL)
            count, at = 0, frame
            while at is not None and at.f_code is not CELL:
                at, count = at.f_back, count + 1  # type: ignore[assignment]
            assert end == "found"
            assert keys[-1][1] == "/somewhere/ipykernel_1/2.py"
            cut = [function for function, *_ in keys if function.endswith(CUT)]
            if count < MAX_DEPTH:
                assert (len(keys), cut) == (count + 1, [])
            else:
                assert (len(keys), cut) == (MAX_DEPTH + 1, [f"⋯ {count + 1 - MAX_DEPTH:,} {CUT}"])
    finally:
        sys.setrecursionlimit(limit)


def test_a_walk_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has been seen of it by then is shown."""
    monkeypatch.setattr(stack_reading, "PATIENCE_NS", -1)

    def recurse(left: int, stay: Callable[[], None]) -> None:
        recurse(left - 1, stay) if left else stay()

    with running(CELL, lambda stay: recurse(500, stay)) as frame:
        keys, end = walk(frame, CELL)
        assert end == "given up"
        assert keys[-1][0] == f"⋯ many {CUT}"
        assert keys[-2][0].endswith("recurse")


def test_nothing_of_a_stack_is_kept() -> None:
    """The variables of a function that has returned are gone, though its stack has been read."""

    class Watched: ...

    seen: list[weakref.ref[Watched]] = []

    def work(stay: Callable[[], None]) -> None:
        local = Watched()
        seen.append(weakref.ref(local))
        stay()

    with running(CELL, work) as frame:
        Stacks().of(walk(frame, CELL).keys)
        del frame
    assert seen[0]() is None


def test_equal_stacks_are_one() -> None:
    stacks = Stacks()
    keys = [("f", "a.py", 3, 1), ("<module>", "c", 2, 1)]
    assert stacks.of(keys) is stacks.of(list(keys))
    assert stacks.of(keys[:1], keys[1]) is stacks.of(keys)
    assert [frame.function for frame in stacks.of(keys).outwards()] == ["f", "<module>"]


@pytest.mark.parametrize(
    ("files", "left"),
    [
        (["/lib/threading.py", "/x/work.py", "/lib/threading.py", "/lib/threading.py"], 2),
        (["/x/work.py", "/lib/concurrent/futures/thread.py", "/lib/threading.py"], 1),
        (["C:\\x\\work.py", "C:\\Lib\\multiprocessing\\pool.py"], 1),
        (["/lib/queue.py", "/lib/multiprocessing/pool.py", "/lib/threading.py"], 0),
    ],
)
def test_of_a_thread_what_starts_it_is_left_out(files: list[str], left: int) -> None:
    """A pool's thread that waits for work has nothing left."""
    keys = [("f", file, 1, 1) for file in files]
    assert stack_reading.of_the_thread(keys) == keys[:left]
