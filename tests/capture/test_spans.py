"""nbtrace.span and @nbtrace.traced, in a program."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pandas as pd
import pytest
from opentelemetry import trace

import nbtrace
from nbtrace.capture.notebook.open_cells import current_span_is_clean


def tree(rec: nbtrace.Recording) -> list[Any]:
    """The spans as [name, children], in the order of their starts."""
    table = rec.spans()
    nodes: dict[str, list[Any]] = {row.span_id: [row.name, []] for row in table.itertuples(index=False)}
    roots = []
    for row in table.itertuples(index=False):
        parent = nodes.get(row.parent_span_id)
        (roots if parent is None else parent[1]).append(nodes[row.span_id])
    return roots


def test_spans_nest_and_give_the_opentelemetry_span() -> None:
    with nbtrace.record() as rec, nbtrace.span("outer", source="s3", rows=3) as outer:
        assert isinstance(outer, trace.Span)
        with nbtrace.span("inner") as inner:
            assert trace.get_current_span() is inner
        assert trace.get_current_span() is outer
    assert tree(rec) == [["outer", [["inner", []]]]]
    assert rec.spans(name="outer", attributes="dict")["attributes"][0] == {"source": "s3", "rows": 3}


def test_any_attribute_is_taken() -> None:
    class Evil:
        def __str__(self) -> str:
            raise ValueError

    with nbtrace.record() as rec, nbtrace.span("x", evil=Evil(), name="a name") as span:
        span.set_attribute("later", Evil())
        span.set_attribute(5, object)  # type: ignore[arg-type]
        span.add_event("e", {"evil": Evil()})
        span.set_attributes({"nested": {"a": [1, {"b": None}]}})
    found = rec.spans(attributes="dict")["attributes"][0]
    assert found["evil"] == found["later"] == "<Evil: unprintable, ValueError>"
    assert found["name"] == "a name"
    assert found["nested"] == {"a": [1, {"b": None}]}


def test_an_exception_goes_on_and_is_recorded_once() -> None:
    """However many spans it passes: on the innermost, while all of them fail."""
    error = ValueError("boo")
    with (
        nbtrace.record() as rec,
        pytest.raises(ValueError, match="boo") as caught,
        nbtrace.span("a"),
        nbtrace.span("b"),
        nbtrace.span("c"),
    ):
        raise error
    assert caught.value is error
    assert rec.errors()["span_name"].tolist() == ["c"]
    table = rec.spans()
    assert table["status_code"].tolist() == ["ERROR"] * 3
    assert table["attributes.error.type"].tolist() == ["ValueError"] * 3
    assert table["event_count"].tolist() == [0, 0, 1]


def test_two_exceptions_from_the_same_line_are_two() -> None:
    """The second may even stand at the address of the first."""

    def fail() -> None:
        with nbtrace.span("try"):
            raise ValueError("again")

    with nbtrace.record() as rec, nbtrace.span("retries"):
        for _ in range(3):
            with pytest.raises(ValueError, match="again"):
                fail()
    assert rec.errors()["span_name"].tolist() == ["try"] * 3


def test_an_exception_of_plain_opentelemetry_spans_is_recorded_once_too() -> None:
    """The SDK records it on each span it passes."""
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())
    tracer = trace.get_tracer("mine")
    with nbtrace.record() as rec, pytest.raises(ValueError, match="boo"):
        with tracer.start_as_current_span("a"), tracer.start_as_current_span("b"):
            raise ValueError("boo")
    assert rec.errors()["span_name"].tolist() == ["b"]
    assert rec.spans()["status_code"].tolist() == ["ERROR", "ERROR"]


@pytest.mark.parametrize("provider", ["own", "the user's"])
def test_an_exception_raised_from_another_is_recorded_once(provider: str) -> None:
    """Its text begins with what it was raised from, and grows in the middle with each function it leaves."""
    from opentelemetry.sdk.trace import TracerProvider

    if provider == "the user's":
        trace.set_tracer_provider(TracerProvider())
    tracer = trace.get_tracer("mine")

    def predict() -> None:
        with nbtrace.span("forecast"), tracer.start_as_current_span("predict"):
            pd.DataFrame({"a": [1]})["no such column"]

    @nbtrace.traced("model")
    def model() -> None:
        predict()

    with nbtrace.record() as rec, pytest.raises(KeyError), tracer.start_as_current_span("pipeline"):
        model()
    assert rec.errors()["span_name"].tolist() == ["predict"]
    assert "direct cause" in rec.errors()["exception_stacktrace"][0]
    assert rec.spans()["status_code"].tolist() == ["ERROR"] * 4


def test_of_an_exception_that_is_raised_once_more_later_only_the_first_is_recorded() -> None:
    """As retries do with the last of them. What another line raises is another, though it may stand at the same address."""

    @nbtrace.traced("try")
    def fail() -> None:
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise ValueError("again") from cause

    def retries() -> None:
        last = None
        for _ in range(2):
            try:
                fail()
            except ValueError as error:
                last = error
        assert last is not None
        raise last

    def otherwise() -> None:
        with pytest.raises(ValueError, match="again"):
            fail()
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise ValueError("again") from cause

    for work, told in (retries, ["try", "try"]), (otherwise, ["whole", "try"]):
        with nbtrace.record() as rec, pytest.raises(ValueError, match="again"), nbtrace.span("whole"):
            work()
        assert sorted(rec.errors()["span_name"]) == sorted(told)


def test_deep_recursion_is_recorded_once() -> None:
    def deep(n: int) -> None:
        with nbtrace.span("level"):
            deep(n + 1)

    limit = sys.getrecursionlimit()
    # Not as deep as it could be: each level shows the stack below it, which takes a minute for a thousand of them.
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        with nbtrace.record() as rec, pytest.raises(RecursionError):
            deep(0)
    finally:
        sys.setrecursionlimit(limit)
    errors = rec.errors()
    assert len(errors) == 1
    assert len(errors["exception_stacktrace"][0]) < 100_000
    assert len(rec.spans()) > 50


def test_an_interrupt_is_an_error_and_a_generator_exit_is_none() -> None:
    with nbtrace.record() as rec:
        for error in (KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), GeneratorExit()):
            with pytest.raises(type(error)), nbtrace.span(type(error).__name__):
                raise error
    assert dict(zip(rec.spans()["name"], rec.spans()["status_code"], strict=True)) == {
        "KeyboardInterrupt": "ERROR",
        "SystemExit": "ERROR",
        "CancelledError": "ERROR",
        "GeneratorExit": "UNSET",
    }


def test_an_interrupt_through_the_sdks_own_block_is_marked_in_the_recording() -> None:
    """The SDK leaves it UNSET; a span that begins and ends while the interrupt is being handled is none of it."""
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())
    tracer = trace.get_tracer("mine")
    with nbtrace.record() as rec:
        try:
            with tracer.start_as_current_span("cut"):
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            with tracer.start_as_current_span("clean up"):
                pass
    assert rec.spans()["status_code"].tolist() == ["ERROR", "UNSET"]
    assert rec.errors()[["span_name", "exception_type"]].values.tolist() == [["cut", "KeyboardInterrupt"]]


def test_a_user_exception_whose_str_raises_reaches_the_user() -> None:
    class Evil(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not this one")

    with nbtrace.record() as rec:
        with pytest.raises(Evil), nbtrace.span("a"):
            raise Evil
        with pytest.raises(Evil), trace.get_tracer("mine").start_as_current_span("b"):
            raise Evil
        span = trace.get_tracer("mine").start_span("c")
        with pytest.raises(Evil), trace.use_span(span, end_on_exit=True):
            raise Evil
    assert rec.errors()["exception_message"].tolist() == ["<Evil: unprintable, RuntimeError>"] * 3


# ── traced ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@nbtrace.traced
def plain(x: int) -> int:
    """Add one."""
    return x + 1


@nbtrace.traced("named", kind="pure")
async def coroutine(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


@nbtrace.traced
def generator(n: int) -> Iterator[int]:
    for i in range(n):
        with nbtrace.span(f"step {i}"):
            got = yield i
            if got:
                yield got


@nbtrace.traced
async def async_generator(n: int) -> AsyncIterator[int]:
    for i in range(n):
        with nbtrace.span(f"step {i}"):
            await asyncio.sleep(0)
        yield i


def test_a_traced_function_keeps_its_face() -> None:
    assert (plain.__name__, plain.__doc__, inspect.signature(plain).parameters["x"].annotation) == (
        "plain",
        "Add one.",
        "int",
    )
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(async_generator)


def test_functions_and_coroutines_get_a_span_per_call() -> None:
    with nbtrace.record() as rec:
        assert plain(1) == 2
        assert asyncio.run(coroutine(2)) == 3
    assert tree(rec) == [["plain", []], ["named", []]]
    attributes = rec.spans(attributes="dict")["attributes"].tolist()
    assert attributes[0]["code.function.name"] == "tests.capture.test_spans.plain"
    assert attributes[0]["code.file.path"] == __file__
    assert attributes[1]["kind"] == "pure"


def test_a_generator_is_current_inside_and_never_for_its_consumer() -> None:
    """From its first next() to its end; what it opens around a yield is there again at the next step."""
    with nbtrace.record() as rec, nbtrace.span("consumer") as consumer:
        stepping = generator(2)
        assert len(rec.spans()) == 1, "not begun before the first next()"
        assert next(stepping) == 0
        assert trace.get_current_span() is consumer
        assert stepping.send(5) == 5
        with nbtrace.span("work of the consumer"):
            assert list(stepping) == [1]
        assert trace.get_current_span() is consumer
    assert tree(rec) == [["consumer", [["generator", [["step 0", []], ["step 1", []]]], ["work of the consumer", []]]]]


def test_interleaved_generators_keep_their_own_children() -> None:
    with nbtrace.record() as rec:
        pairs = list(zip(generator(2), generator(2), strict=True))
    assert pairs == [(0, 0), (1, 1)]
    assert tree(rec) == [["generator", [["step 0", []], ["step 1", []]]]] * 2


def test_a_generator_left_early_ends_without_an_error() -> None:
    with nbtrace.record() as rec:
        stepping = generator(3)
        next(stepping)
        stepping.close()
    assert rec.spans()["status_code"].tolist() == ["UNSET", "UNSET"]
    assert rec.spans()["duration"].notna().all()


def test_an_exception_thrown_into_a_generator_arrives() -> None:
    @nbtrace.traced
    def resilient() -> Iterator[str]:
        try:
            yield "first"
        except KeyError as error:
            yield f"caught {error}"

    with nbtrace.record() as rec:
        stepping = resilient()
        next(stepping)
        assert stepping.throw(KeyError("k")) == "caught 'k'"
        assert list(stepping) == []
    assert rec.spans()["status_code"].tolist() == ["UNSET"]


def test_an_async_generator_is_current_inside_alone() -> None:
    async def consume() -> list[int]:
        found = []
        async for item in async_generator(2):
            assert not trace.get_current_span().get_span_context().is_valid
            found.append(item)
        return found

    with nbtrace.record() as rec:
        assert asyncio.run(consume()) == [0, 1]
    assert tree(rec) == [["async_generator", [["step 0", []], ["step 1", []]]]]


def test_methods_of_all_kinds() -> None:
    class Model:
        @nbtrace.traced
        def fit(self) -> str:
            return "fit"

        @nbtrace.traced
        @staticmethod
        def load() -> str:
            return "load"

        @nbtrace.traced("make")
        @classmethod
        def make(cls) -> str:
            return cls.__name__

    with nbtrace.record() as rec:
        assert (Model().fit(), Model.load(), Model().make()) == ("fit", "load", "Model")
    assert rec.spans()["name"].str.rpartition(".")[2].tolist() == ["fit", "load", "make"]


@pytest.mark.parametrize("target", [5, int, object()])
def test_traced_on_what_is_no_function_says_what_to_type(target: Any) -> None:
    with pytest.raises(TypeError, match=r"Type @nbtrace\.traced above a def"):
        nbtrace.traced(target)


def test_a_block_left_in_another_context_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A token of OpenTelemetry's could not be used there, and the attempt would be logged."""
    with nbtrace.record():
        block = nbtrace.span("elsewhere")
        contextvars.copy_context().run(block.__enter__)
        block.__exit__(None, None, None)
    assert caplog.records == []
    assert current_span_is_clean()


def test_without_a_recording_a_span_is_opentelemetrys_no_op() -> None:
    with nbtrace.span("nobody listens") as span:
        assert not span.is_recording()
    assert plain(1) == 2
