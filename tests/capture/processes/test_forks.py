"""A task that forks."""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor

import pytest

import nbtrace

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def busy(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(1_000))


def forks(times: int) -> int:
    """Fork, where a warning is an error: the worker has one thread, as without nbtrace."""
    warnings.simplefilter("error")
    busy(0.05)
    for _ in range(times):
        pid = os.fork()
        if not pid:
            with nbtrace.span("in the child"):
                pass
            os._exit(0)
        os.waitpid(pid, 0)
    busy(0.1)
    return times


def test_no_thread_of_ours_is_there_when_a_worker_forks() -> None:
    """Python would warn of it. It is sampled before and after that, and what the child makes is below the task."""
    with (
        nbtrace.record(sampling=100) as rec,
        nbtrace.span("sends"),
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool,
    ):
        assert [pool.submit(forks, 3).result() for _ in range(2)] == [3, 3]
    tasks = rec.tasks()
    children = rec.spans(name="in the child")
    assert children["parent_span_id"].tolist() == [*[tasks["span_id"].iloc[0]] * 3, *[tasks["span_id"].iloc[1]] * 3]
    samples = rec.samples()
    of_worker = samples[samples["process_pid"] == tasks["process_pid"].iloc[0]]
    for start, end in zip(tasks["start_time"], tasks["end_time"], strict=True):
        half = start + (end - start) / 2
        moments = of_worker["time"]
        assert ((moments > start) & (moments < half)).any()
        assert ((moments > half) & (moments <= end)).any()
