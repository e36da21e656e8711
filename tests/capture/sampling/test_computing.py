"""Python's code, other code and waiting are told apart by where a thread gives way and what its clock says."""

from __future__ import annotations

import dis
import hashlib
import json
import sys
import threading
import time
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

import pytest

import nbtrace
from nbtrace.capture.sampling.computing import Computing
from nbtrace.capture.sampling.working_threads import Seen, Worker
from nbtrace.store.stacks import root

HERE = root().call("f", "f.py", 2, 1)
THERE = root().call("f", "f.py", 3, 1)
MS = 1_000_000
SWITCH = int(sys.getswitchinterval() * 1e9)


def one_call(numbers: Any) -> None:
    for each in numbers:
        sum(each)


def many_calls(numbers: Any) -> None:
    for each in numbers:
        str(each)
        repr(each)
        abs(each)
        max(each, 3)


def two_loops(numbers: Any) -> None:
    for each in numbers:
        sum(each)
        for _ in each:
            pass


def places(function: FunctionType, name: str) -> list[int]:
    """Where the instructions are whose name begins so."""
    return [each.offset for each in dis.get_instructions(function) if each.opname.startswith(name)]


def loop_ends(function: FunctionType) -> list[int]:
    return [each.offset for each in dis.get_instructions(function) if "JUMP_BACKWARD" in each.opname]


class Looked:
    """A thread as it is met: `judge` says what it computed since the last time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, loaded: bool = False) -> None:
        self.computing = Computing()
        monkeypatch.setattr(self.computing, "_is_loaded", lambda: loaded)
        self.worker = Worker(1, 1, None, None, None)
        self.now = 1_000 * MS
        self.where = HERE

    def judge(
        self, function: FunctionType, at: int, *, cpu: float = 1.0, late: float = 5.1, stack: Any = HERE, **seen: Any
    ) -> Any:
        """`cpu`: which share of ten milliseconds it has computed; `late`: for how many milliseconds the lock was asked for."""
        self.now += 10 * MS
        frame: Any = SimpleNamespace(f_code=function.__code__, f_lasti=at)
        known = Seen(10 * MS, int(cpu * 10 * MS), int(late * MS), seen.get("computes", False), seen.get("alone", True))
        verdict, self.where = self.computing.judge(self.worker, frame, known, stack, self.now, 0)
        return verdict


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Looked:
    return Looked(monkeypatch)


def test_where_a_loop_goes_round_python_computes(looked: Looked) -> None:
    assert not looked.judge(one_call, loop_ends(one_call)[-1])
    assert not looked.judge(one_call, places(one_call, "RESUME")[0])


def test_a_call_that_is_always_met_is_long(looked: Looked) -> None:
    (call,) = places(one_call, "CALL")
    verdicts = [looked.judge(one_call, call) for _ in range(60)]
    verdicts += (
        [looked.judge(one_call, call) for _ in range(60)] if looked.judge(one_call, loop_ends(one_call)[-1]) else []
    )
    assert all(verdicts)


def test_a_call_that_is_met_as_the_end_of_its_loop_is_short(looked: Looked) -> None:
    """What was seen first is judged anew when more is known."""
    (call,), end = places(one_call, "CALL"), loop_ends(one_call)[-1]
    first = looked.judge(one_call, call)
    assert first
    for _ in range(20):
        looked.judge(one_call, end)
        looked.judge(one_call, call)
    assert not first


def test_calls_that_are_many_are_short(looked: Looked) -> None:
    calls = places(many_calls, "CALL")
    verdicts = [looked.judge(many_calls, call) for _ in range(10) for call in calls]
    assert not any(verdicts)


def test_an_inner_loop_says_nothing_of_the_calls_of_the_outer_one(looked: Looked) -> None:
    (call,), inner = places(two_loops, "CALL"), loop_ends(two_loops)[0]
    verdicts = []
    for _ in range(20):
        verdicts.append(looked.judge(two_loops, call))
        looked.judge(two_loops, inner)
    assert all(verdicts)


def test_who_computes_beyond_the_time_after_which_python_gives_way_keeps_the_lock(looked: Looked) -> None:
    call, end = places(one_call, "CALL")[0], loop_ends(one_call)[-1]
    for _ in range(20):
        looked.judge(one_call, end)
    assert looked.judge(one_call, call, late=8.0) is True
    assert looked.computing.held_ns > 0
    assert looked.judge(one_call, end, late=9.5) is True, "a call that is no CALL: a comparison, a product"
    assert not looked.judge(one_call, end, late=9.5, alone=False), "another thread had the lock"
    assert not looked.judge(one_call, end, late=9.5, cpu=0.5), "the thread itself was kept waiting"


def test_who_computes_while_another_has_the_lock_computes_without(looked: Looked) -> None:
    call = places(one_call, "CALL")[0]
    assert looked.judge(one_call, call, late=0.1, computes=True) is True
    assert looked.judge(one_call, call, late=6.0, computes=True, alone=False) is True


def test_who_waits_has_computed_what_it_did_before(looked: Looked) -> None:
    call, end = places(one_call, "CALL")[0], loop_ends(one_call)[-1]
    looked.judge(one_call, end)
    assert not looked.judge(one_call, call, late=0.1, cpu=0.3)
    looked.judge(one_call, call, late=0.1, computes=True)
    assert looked.judge(one_call, call, late=0.1, cpu=0.3)


def test_who_lets_go_of_the_lock_when_it_is_asked_for_was_where_it_was_seen_before(looked: Looked) -> None:
    """A loop that computes and sleeps is met at the sleep, and most of its time was before."""
    call, end = places(one_call, "CALL")[0], loop_ends(one_call)[-1]
    looked.judge(one_call, end, stack=HERE)
    assert not looked.judge(one_call, call, late=2.0, cpu=0.7, stack=THERE)
    assert looked.where is HERE
    looked.judge(one_call, call, late=0.1, cpu=0.0, stack=THERE)
    assert looked.where is THERE
    for _ in range(6):
        looked.judge(one_call, call, late=0.1, cpu=0.0, stack=THERE)
    looked.judge(one_call, call, late=2.0, cpu=0.2, stack=THERE)
    assert looked.where is THERE, "that was long ago"


def test_on_a_loaded_machine_who_is_often_met_without_the_lock_computes_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = Looked(monkeypatch, loaded=True)
    call, end = places(one_call, "CALL")[0], loop_ends(one_call)[-1]
    looked.judge(one_call, end)
    verdicts = [bool(looked.judge(one_call, call, late=0.1, cpu=0.4)) for _ in range(8)]
    assert verdicts[0] is False
    assert verdicts[-1] is True


def test_code_that_is_gone_leaves_nothing_to_the_next_of_its_number(looked: Looked) -> None:
    def made() -> FunctionType:
        found: dict[str, Any] = {}
        exec("def f(numbers):\n    for each in numbers:\n        sum(each)", found)
        made_function: FunctionType = found["f"]
        return made_function

    for _ in range(30):
        function = made()
        assert not looked.judge(function, loop_ends(function)[-1])
        assert looked.judge(function, places(function, "CALL")[0]) is not None
    assert len(looked.computing._codes) <= 30


# ── real threads ─────────────────────────────────────────────────────────────────────────────────────────────────────


def looping(until: float) -> None:
    x = 0
    while time.perf_counter() < until:
        for i in range(500):
            x += i * i % 7


def appending(until: float) -> None:
    while time.perf_counter() < until:
        found: list[int] = []
        for i in range(50):
            found.append(i)  # noqa: PERF402


def dumping(until: float, rows: Any = [{"a": i, "b": "x"} for i in range(3_000)]) -> None:  # noqa: B006
    while time.perf_counter() < until:
        json.dumps(rows)


def summing(until: float, numbers: Any = list(range(2_000_000))) -> None:  # noqa: B006
    while time.perf_counter() < until:
        sum(numbers)


def hashing(until: float, block: bytes = b"x" * 5_000_000) -> None:
    while time.perf_counter() < until:
        hashlib.sha256(block)


def napping(until: float) -> None:
    while (now := time.perf_counter()) < until:
        looping(now + 0.02)
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("work", "native"),
    [(looping, False), (appending, False), (napping, False), (dumping, True), (summing, True), (hashing, True)],
)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a busy thread"])
def test_what_a_program_computes_in(work: Callable[[float], None], native: bool, beside: bool) -> None:
    """On a busy machine a look may come when neither has had the processor for long: once or twice, not each time."""
    computed = {True: 0, False: 0}
    for _ in range(3):
        computed = _computed(work, beside=beside)
        if computed[native] > computed[not native]:
            break
    assert computed[native] > computed[not native]


def _computed(work: Callable[[float], None], *, beside: bool) -> dict[bool, int]:
    """For how many ns the main thread computed in native code (True), and in Python's, as the samples say."""
    with nbtrace.record(sampling=200) as recording:
        until = time.perf_counter() + 0.6
        other = threading.Thread(target=looping, args=(until,), name="other")
        if beside:
            other.start()
        work(until)
        if beside:
            other.join()
    computed = {True: 0, False: 0}
    for batch in recording._store.snapshot().samples:
        threads = batch.samples.column("thread").to_pylist()
        verdicts = batch.samples.column("native").to_pylist()
        for thread, verdict, cpu in zip(threads, verdicts, batch.numbers("cpu").tolist(), strict=True):
            if thread["thread_name"] == "MainThread":
                computed[verdict] += max(cpu, 0)
    return computed
