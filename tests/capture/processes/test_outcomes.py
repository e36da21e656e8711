"""A task that fails is marked, though nothing runs after it where it fails."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any

import pytest

import nbtrace

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def fails(number: int) -> int:
    if number % 2:
        raise ValueError(f"bad {number}")
    return number


def fails_in_a_span(number: int) -> int:
    with nbtrace.span("inner"):
        return fails(number)


def dies(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork"))


def caught(futures: list[Future[Any]]) -> list[str]:
    """What each raises."""
    return [type(future.exception()).__name__ for future in futures]


def test_each_task_says_how_it_ended() -> None:
    """As soon as its result is there; with the traceback of the worker."""
    with nbtrace.record() as rec, nbtrace.span("sends"), pool() as executor:
        futures = [executor.submit(fails, number) for number in range(4)]
        assert caught(futures) == ["NoneType", "ValueError", "NoneType", "ValueError"]
        tasks = rec.tasks()
    assert sorted(tasks["status_code"]) == ["ERROR", "ERROR", "UNSET", "UNSET"]
    assert set(tasks["state"]) == {"ended"}
    errors = rec.errors()
    assert sorted(errors["exception_message"]) == ["bad 1", "bad 3"]
    assert set(errors["span_name"]) == {"fails"}
    assert all("in fails" in stack for stack in errors["exception_stacktrace"])


def test_what_a_span_within_has_told_is_told_once() -> None:
    with nbtrace.record() as rec, nbtrace.span("sends"), pool() as executor:
        caught([executor.submit(fails_in_a_span, number) for number in range(2)])
    assert rec.errors()["span_name"].tolist() == ["inner"]
    assert sorted(rec.tasks()["status_code"]) == ["ERROR", "UNSET"]


def test_of_a_map_whose_futures_are_gone_the_outcomes_are_known() -> None:
    with nbtrace.record() as rec, nbtrace.span("sends"), pool() as executor, suppress(ValueError):
        list(executor.map(fails, range(4)))
    tasks = rec.tasks()
    assert "ERROR" in set(tasks["status_code"])


def test_a_task_whose_worker_is_killed_is_unfinished_and_failed() -> None:
    with nbtrace.record() as rec, nbtrace.span("sends"), pool() as executor:
        future = executor.submit(dies, 1)
        with suppress(BrokenProcessPool):
            future.result()
    (task,) = rec.tasks().to_dict("records")
    assert (task["state"], task["status_code"]) == ("unfinished", "ERROR")


def test_a_task_that_nobody_waits_for_comes_home() -> None:
    """Whether its future is gone or its result has not arrived."""
    with nbtrace.record() as rec, nbtrace.span("sends"):
        with pool() as executor:
            for number in range(50):
                executor.submit(fails, 2 * number)
    assert rec.tasks()["state"].tolist() == ["ended"] * 50
