"""Threads and pools nest under the code that starts or submits; tracebacks and behaviour stay as they were."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any
from unittest import mock

import joblib
import pytest

import nbtrace
from nbtrace.capture.notebook.open_cells import current_span_is_clean

STARTS = "_start_joinable_thread" if hasattr(threading, "_start_joinable_thread") else "_start_new_thread"
"""What Thread.start asks the interpreter for, from 3.13 on and before."""


def work(x: int = 0) -> int:
    with nbtrace.span("work"):
        return x * 2


class OwnRun(threading.Thread):
    def run(self) -> None:
        work()


def run_thread(thread: threading.Thread) -> None:
    thread.start()
    thread.join()


class OwnStart(threading.Thread):
    def start(self) -> None:
        super().start()


def through_the_class(thread: threading.Thread) -> None:
    threading.Thread.start(thread)
    thread.join()


def through_a_wrapper(thread: threading.Thread) -> None:
    """As a library does that is loaded after us."""
    start = threading.Thread.start
    threading.Thread.start = lambda self: start(self)  # type: ignore[method-assign]
    try:
        run_thread(thread)
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]


def in_executor() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(None, work, 1)

    asyncio.run(main())


def in_pool(call: str, *args: Any) -> None:
    with ThreadPool(2) as pool:
        result = getattr(pool, call)(*args)
        list(result.get() if hasattr(result, "get") else result) if call != "apply" else None


@pytest.mark.parametrize(
    ("start", "count"),
    [
        (lambda: run_thread(threading.Thread(target=work)), 1),
        (lambda: run_thread(OwnRun()), 1),
        (lambda: run_thread(threading.Timer(0, work)), 1),
        (lambda: through_the_class(threading.Thread(target=work)), 1),
        (lambda: through_a_wrapper(threading.Thread(target=work)), 1),
        (lambda: run_thread(OwnStart(target=work)), 1),
        (lambda: ThreadPoolExecutor(1).submit(work, 1).result(), 1),
        (lambda: list(ThreadPoolExecutor(2).map(work, range(3))), 3),
        (in_executor, 1),
        (lambda: asyncio.run(asyncio.to_thread(work)), 1),
        (lambda: in_pool("apply", work, (1,)), 1),
        (lambda: in_pool("map", work, [1, 2, 3]), 3),
        (lambda: in_pool("imap", work, [1, 2]), 2),
        (lambda: in_pool("imap_unordered", work, [1, 2], 2), 2),
        (lambda: in_pool("starmap", work, [(1,), (2,)]), 2),
        (lambda: joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(work)(i) for i in range(3)), 3),
    ],
)
def test_spans_in_threads_nest_under_the_span_that_started_them(start: Any, count: int) -> None:
    with nbtrace.record() as rec, nbtrace.span("starter"):
        start()
    table = rec.spans().set_index("name")
    assert len(table) == count + 1
    assert set(table.loc[["work"], "parent_span_id"]) == {table.loc["starter", "span_id"]}


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(1), lambda: ThreadPool(1)])
def test_a_kept_pool_follows_who_submits(make: Any) -> None:
    """Also when nobody's span is current at the second submission."""
    pool = make()
    submit = pool.submit if hasattr(pool, "submit") else lambda f: pool.apply_async(f)
    done = (lambda job: job.result()) if hasattr(pool, "submit") else (lambda job: job.get())
    with nbtrace.record() as rec:
        for name in ("first", "second"):
            with nbtrace.span(name):
                done(submit(work))
        done(submit(work))
    table = rec.spans()
    ids = dict(zip(table["name"], table["span_id"], strict=True))
    parents = table.loc[table["name"] == "work", "parent_span_id"].tolist()
    assert parents[:2] == [ids["first"], ids["second"]]
    assert parents[2] != parents[2], "a root has no parent"
    pool.shutdown() if hasattr(pool, "shutdown") else pool.terminate()


def fail() -> None:
    raise ValueError("in a thread")


def frames(start: Any) -> list[str]:
    """The functions in the traceback of what `start` raises."""
    with pytest.raises(ValueError, match="in a thread") as caught:
        start()
    return [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


@pytest.mark.parametrize(
    "start",
    [
        lambda: ThreadPoolExecutor(1).submit(fail).result(),
        lambda: in_pool("apply", fail),
        lambda: in_pool("map", lambda _: fail(), [1]),
    ],
)
def test_a_traceback_from_a_thread_is_the_one_without_us(start: Any) -> None:
    untraced = frames(start)
    with nbtrace.record():
        assert frames(start) == untraced


def test_a_thread_that_fails_is_reported_as_without_us(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(traceback.extract_tb(args.exc_traceback)))
    run_thread(threading.Thread(target=fail))
    with nbtrace.record():
        run_thread(threading.Thread(target=fail))
    assert [frame.name for frame in seen[0]] == [frame.name for frame in seen[1]]


def test_the_class_of_threads_is_left_as_it_is() -> None:
    """Mocks made of it work, whoever inspects it finds functions, and the code is the original."""
    before = dict(vars(threading.Thread))
    with nbtrace.record():
        assert dict(vars(threading.Thread)) == before
        assert inspect.isfunction(inspect.getattr_static(threading.Thread, "start"))
        mock.create_autospec(threading.Thread)(target=print).start()
        with mock.patch.object(threading.Thread, "start", autospec=True) as start:
            thread = threading.Thread(target=work)
            thread.start()
        start.assert_called_once_with(thread)


@pytest.mark.parametrize("reason", ["threads can only be started once", "can't start new thread"])
def test_a_thread_that_cannot_be_started_says_so_as_without_us(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Same traceback, nothing left over, and who wanted it goes on in its own span."""

    def refuse(*args: Any, **options: Any) -> None:
        raise RuntimeError(reason)

    def told() -> list[str]:
        thread = threading.Thread(target=str)
        if reason.startswith("can't"):
            monkeypatch.setattr(threading, STARTS, refuse)
        else:
            run_thread(thread)
        with pytest.raises(RuntimeError, match=reason) as caught:
            thread.start()
        monkeypatch.undo()
        assert thread not in threading.enumerate()
        return [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]

    untraced = told()
    with nbtrace.record() as rec:
        with nbtrace.span("starter"):
            assert told() == untraced
            work()
        run_thread(threading.Thread(target=work))
    table = rec.spans()
    parents = table.loc[table["name"] == "work", "parent_span_id"].tolist()
    assert parents[0] == table.set_index("name").loc["starter", "span_id"]
    assert parents[1] != parents[1], "a root has no parent"


def test_a_thread_that_starts_while_tracing_begins_or_ends_starts() -> None:
    """It is put into one dict and would be taken out of another."""
    for _ in range(20):
        threads = [threading.Thread(target=str) for _ in range(5)]
        with nbtrace.record():
            for thread in threads[:3]:
                thread.start()
        for thread in threads[3:]:
            thread.start()
        with nbtrace.record():
            pass
        for thread in threads:
            thread.join()
    assert not threading._limbo  # type: ignore[attr-defined]


def test_other_context_variables_stay_where_they_are() -> None:
    """A thread begins with an empty context, and a pool's worker keeps what it has set."""
    mine: contextvars.ContextVar[str] = contextvars.ContextVar("mine", default="unset")
    mine.set("main")

    def seen() -> str:
        before = mine.get()
        mine.set("worker")
        return before

    with nbtrace.record(), nbtrace.span("starter"), ThreadPoolExecutor(1) as pool:
        assert [pool.submit(seen).result() for _ in range(2)] == ["unset", "worker"]


def test_a_thread_that_cannot_start_raises_as_ever() -> None:
    with nbtrace.record():
        thread = threading.Thread(target=work)
        run_thread(thread)
        with pytest.raises(RuntimeError, match="threads can only be started once") as caught:
            thread.start()
        assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][1:] == ["start"]
        assert "_nbtrace_carried" not in vars(thread)


def test_the_worker_of_a_pool_is_clean_between_its_tasks() -> None:
    with nbtrace.record():
        pool = ThreadPoolExecutor(1)
        with nbtrace.span("starter"):
            pool.submit(work).result()
        assert pool.submit(current_span_is_clean).result()
        pool.shutdown()


def test_patches_of_others_survive_ours() -> None:
    """Somebody who patches on top of us, and is still there when we go, goes on working."""
    original = vars(threading.Thread)["start"]
    with nbtrace.record():
        ours = threading.Thread.start
        calls = []

        def theirs(self: threading.Thread) -> None:
            calls.append(self)
            ours(self)

        threading.Thread.start = theirs  # type: ignore[method-assign]
    try:
        run_thread(threading.Thread(target=work))
        assert len(calls) == 1
        assert threading.Thread.start is theirs
    finally:
        threading.Thread.start = original  # type: ignore[method-assign]


def test_the_packaged_instrumentation_has_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for opentelemetry-instrumentation-threading, which cannot be installed beside every SDK."""
    import sys
    import types

    from nbtrace.capture.instruments import threads

    module = types.ModuleType("opentelemetry.instrumentation.threading")
    module.ThreadingInstrumentor = lambda: types.SimpleNamespace(  # type: ignore[attr-defined]
        is_instrumented_by_opentelemetry=True
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    original = threading.Thread.start
    with nbtrace.record():
        assert "which is active" in threads.status()
        assert threading.Thread.start is original


@pytest.mark.parametrize("error", [AttributeError, ValueError])
def test_a_thread_whose_class_cannot_say_its_ident_runs(error: type[Exception]) -> None:
    """Nothing of the user's class is asked on the way of a thread."""
    ran = []

    class Odd(threading.Thread):
        @property
        def ident(self) -> int:
            raise error("not yet")

        def run(self) -> None:
            with nbtrace.span("inside"):
                ran.append(True)

    with nbtrace.record() as rec, nbtrace.span("outside"):
        thread = Odd()
        thread.start()
        threading.Thread.join(thread)
    assert ran == [True]
    spans = rec.spans().set_index("name")
    assert spans.loc["inside", "parent_span_id"] == spans.loc["outside", "span_id"]
