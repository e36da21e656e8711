"""The sampling thread in programs: it follows whom it should, shows to nobody, and ends when nobody wants it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import nbtrace
from nbtrace.capture.instruments import sampler
from nbtrace.capture.live import LIVE
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.sampling import surroundings, working_threads


def until(met: Callable[[], Any]) -> None:
    """Work until it is so."""
    end = time.monotonic() + 30
    while not met():
        assert time.monotonic() < end


def functions(recording: nbtrace.Recording) -> set[str]:
    """All functions that its samples saw."""
    batches = recording._store.snapshot().samples
    return {name for batch in batches for name in batch.frames.to_pydict()["function"]}


def threads(recording: nbtrace.Recording) -> set[str]:
    batches = recording._store.snapshot().samples
    return {each["thread_name"] for batch in batches for each in batch.samples.column("thread").to_pylist()}


def test_a_program_is_sampled_when_it_asks_for_it() -> None:
    with nbtrace.record(sampling=1000) as rec:
        until(lambda: len(rec._store.samples) > 3)
    assert {"until", "test_a_program_is_sampled_when_it_asks_for_it"} <= functions(rec)
    count = len(rec._store.samples)
    with nbtrace.record(sampling=1000) as other:
        until(lambda: len(other._store.samples) > 3)
    assert len(rec._store.samples) == count


def test_a_program_that_does_not_ask_is_not_looked_at() -> None:
    with nbtrace.record() as quiet, nbtrace.record(sampling=1000) as rec:
        until(lambda: len(rec._store.samples) > 3)
    assert len(quiet._store.samples) == 0


def test_threads_that_it_starts_are_sampled_too_and_no_others() -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(100))

    before = threading.Thread(target=work, name="before")
    before.start()
    with nbtrace.record(sampling=1000) as rec:
        during = threading.Thread(target=work, name="during")
        during.start()
        until(lambda: "during" in threads(rec))
        stop.set()
        during.join()
    before.join()
    assert threads(rec) <= {"MainThread", "during"}


def test_the_thread_is_in_nobodys_list() -> None:
    with nbtrace.record(sampling=1000) as rec:
        known = threading.enumerate()
        until(lambda: len(rec._store.samples) > 3)
        assert threading.enumerate() == known


def test_spans_that_run_are_those_of_the_samples() -> None:
    with nbtrace.record(sampling=1000) as rec:
        with nbtrace.span("outer"), nbtrace.span("inner") as inner:
            until(lambda: len(rec._store.samples) > 3)
            span_id = f"{inner.get_span_context().span_id:016x}"
    (batch,) = rec._store.snapshot().samples
    assert span_id in {(each or {}).get("span_id") for each in batch.samples.column("span").to_pylist()}


def test_where_no_thread_can_be_had_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(sampler._thread, "start_new_thread", refuse)
    monkeypatch.setattr(LIVE.profile.sampler, "_thread", None)
    with nbtrace.record(sampling=100):
        assert "no thread can be had" in LIVE.profile.sampler.status()
    monkeypatch.undo()
    with nbtrace.record(sampling=100):
        assert "none" not in LIVE.profile.sampler.status()


def test_without_a_gil_it_is_off_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    with nbtrace.record(sampling=1000) as rec:
        assert "interpreter's lock" in LIVE.profile.sampler.status()
        assert LIVE.profile.sampler._thread is None
    assert len(rec._store.samples) == 0


def test_where_threads_have_no_clock_waiting_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_threads, "_clock_of", None)
    monkeypatch.setattr(working_threads, "_OWN", working_threads._OwnClock())
    with nbtrace.record(sampling=1000) as rec:
        until(lambda: len(rec._store.samples) > 3)
        assert "does not tell how long a thread has computed" in LIVE.profile.sampler.status()
    (batch,) = rec._store.snapshot().samples
    assert set(batch.numbers("cpu").tolist()) == {-1}


def test_threads_that_switch_too_often_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """They could go on within a look, and their variables die in the wrong thread."""
    before, asked = sys.getswitchinterval(), surroundings.lets_look
    answers: list[bool] = []
    monkeypatch.setattr(surroundings, "lets_look", lambda: answers.append(asked()) or answers[-1])
    sys.setswitchinterval(1e-6)
    with nbtrace.record(sampling=1000) as rec:
        try:
            until(lambda: len(answers) > 5)
            assert set(answers) == {False}
            assert len(rec._store.samples) == 0
        finally:
            sys.setswitchinterval(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_is_not_sampled_and_can_be() -> None:
    with nbtrace.record(sampling=1000) as rec:
        until(lambda: len(rec._store.samples) > 3)
        pid = os.fork()
        if not pid:
            try:
                import gc

                assert not working_threads.WORKING
                assert gc.isenabled()
                with nbtrace.record(sampling=1000) as own:
                    until(lambda: len(own._store.samples) > 3)
                os._exit(0)
            except BaseException:
                os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
        count = len(rec._store.samples)
        until(lambda: len(rec._store.samples) > count)


def test_a_program_ends_while_it_is_sampled() -> None:
    """Without a word, whatever its threads are doing."""
    code = "import nbtrace, time\nnbtrace.record(sampling=1000).start()\nend = time.time() + 0.1\nwhile time.time() < end: pass"
    found = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_a_thread_that_is_about_to_begin_a_statement_is_not_looked_at() -> None:
    """It has read the clock for the next one, and a sample would reach from the one before into it."""
    looker = sampler.Sampler(SpanRecorder())
    looker.hz, looker._thread = 1, object()  # nobody looks but we
    held = threading.Lock()
    runs: list[Any] = []

    def between() -> None:
        runs.append(looker.begin(7, [(time.perf_counter_ns(), between.__code__)]))
        held.acquire()
        held.release()
        looker.end(runs[0])

    with held:
        thread = threading.Thread(target=between)
        thread.start()
        until(lambda: runs and sys._current_frames()[thread.ident or 0].f_code is between.__code__)
        runs[0].read_statement()
        later = time.perf_counter_ns() + 10**9
        looker.noting = between.__code__
        assert looker._samples(runs, later, 0, 0.0) == []
        looker.noting = None
        assert len(looker._samples(runs, later, 0, 0.0)) == 1
    thread.join()


def test_what_is_switched_off_while_it_looks_looks_for_the_last_time() -> None:
    """Another thread has ended the recording, and taken the rate, after the look began."""
    looker = sampler.Sampler(SpanRecorder())
    looker._thread = object()  # nobody looks but we
    run = looker.begin(
        7, [(time.perf_counter_ns(), test_what_is_switched_off_while_it_looks_looks_for_the_last_time.__code__)]
    )
    assert looker.hz == 0
    looker._collector.hold()
    try:
        assert looker._look([run], 0) > 0
    finally:
        looker._collector.let_go()
        looker.end(run)


def test_the_rate_falls_with_the_age_of_what_runs() -> None:
    """So that an hour leaves some seven thousand samples."""
    age, count = 0.01, 0
    while age < 3600:
        age += 1 / (100 * min(1.0, sampler.FULL_RATE_S / age))
        count += 1
    assert count < 8_000


def test_the_collector_is_as_the_program_has_set_it() -> None:
    """It is held only while nothing but the sampling thread runs: not while that reads the memory, which lets others go on. Only
    where the system takes the processor from it within a look is that seen."""
    found: Counter[bool] = Counter()
    with nbtrace.record(sampling=1000) as rec:
        until(lambda: found.update([gc.isenabled()]) or len(rec._store.samples) > 200)
        assert found[False] <= found.total() / 100
        gc.disable()
        try:
            found.clear()
            until(lambda: found.update([gc.isenabled()]) or len(rec._store.samples) > 400)
        finally:
            gc.enable()
        assert set(found) == {False}


_INTERPRETERS = """
import threading
import nbtrace
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
CODE = '''
def call(n):
    kept = [{place: n} for place in range(300)]
    return call(n - 1) if n else len(kept)
for _ in range(300):
    call(30)
'''
with nbtrace.record(sampling=1000) as rec:
    threads = [threading.Thread(target=interpreters.run_string, args=(interpreters.create(), CODE)) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        sum(range(1000))
print("whole", flush=True)
"""


def test_other_interpreters_are_not_looked_at() -> None:
    """From Python 3.12 on they run while the sampling thread has its interpreter's lock: to go through their frames crashes."""
    done = subprocess.run([sys.executable, "-c", _INTERPRETERS], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr


class Hostile(str):
    """A name that lets nobody look at it."""

    def _raise(self, *_: object) -> Any:
        raise RuntimeError

    __hash__ = __eq__ = __str__ = replace = endswith = _raise  # type: ignore[assignment]


def test_names_of_a_class_of_the_users_are_taken_as_plain_text() -> None:
    """Their methods would run in the sampling thread, and what they raise would end it."""

    def work() -> None:
        until(lambda: len(rec._store.samples) > 3)

    work.__code__ = work.__code__.replace(co_filename=Hostile("file"), co_qualname=Hostile("hostile"))
    with nbtrace.record(sampling=1000) as rec:
        work()
    assert "hostile" in functions(rec)
