"""What a span's row holds, on the common path and beside it."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

import nbtrace
from nbtrace import faults
from nbtrace.capture.recorder import SpanRecorder
from nbtrace.capture.sdk.rows import SpanRows
from nbtrace.capture.sdk.tap import Tap
from nbtrace.store.schema import WIDTH, Row, RowFields


@pytest.fixture
def often_interrupted() -> Iterator[None]:
    """Threads take turns between any two steps."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_spans_of_many_tracers_ending_at_once_keep_their_own_scope(often_interrupted: None) -> None:
    """The last origin is remembered for speed, and tracers of other threads change it all the time."""
    with nbtrace.record() as rec:
        start = threading.Barrier(6)

        def work(number: int) -> None:
            tracer = trace.get_tracer(f"scope {number}")
            start.wait()
            for _ in range(2_000):
                with tracer.start_as_current_span(f"scope {number}"):
                    pass

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    table = rec.spans()
    assert len(table) == 12_000
    assert (table["name"] == table["scope_name"]).all()


class Renamed(ReadableSpan):
    """A span whose private fields are gone."""

    def __init__(self, span: ReadableSpan) -> None:
        self._span = span

    def __getattribute__(self, name: str) -> object:
        if name.startswith("_") and name not in ("_span", "__class__", "__dict__"):
            raise AttributeError(name)
        return getattr(object.__getattribute__(self, "_span"), name)


class Counting(IdGenerator):
    """Ids that are the same in each run."""

    def __init__(self) -> None:
        self.ids = itertools.count(1)

    def generate_span_id(self) -> int:
        return next(self.ids)

    def generate_trace_id(self) -> int:
        return next(self.ids)


class Rows(list[Row]):
    """A sink that keeps rows without their times."""

    def append(self, row: Row, weight: int) -> None:  # type: ignore[override]
        fields = RowFields._make(row[:WIDTH])
        assert fields.start_ns <= fields.end_ns
        extra = fields.extra and fields.extra._replace(events=tuple((0, *event[1:]) for event in fields.extra.events))
        super().append((*fields._replace(start_ns=0, end_ns=0, extra=extra), *row[WIDTH:]))

    def holds(self, row: Row) -> bool:
        return any(known[:2] == row[:2] for known in self)


def plain(tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("work", attributes={"n": 1, "s": "x"}) as span:
        span.set_attribute("later", 0.5)
        span.update_name("renamed")
        span.add_event("event", {"k": [1, 2]})
        with tracer.start_as_current_span("inner", kind=trace.SpanKind.CLIENT):
            span.set_status(trace.StatusCode.OK)


def failing(error: BaseException) -> Callable[[trace.Tracer], None]:
    def work(tracer: trace.Tracer) -> None:
        with (
            contextlib.suppress(type(error)),
            tracer.start_as_current_span("outer"),
            tracer.start_as_current_span("inner"),
        ):
            raise error.with_traceback(None)

    return work


def caught_inside(tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("outer"):
        try:
            with tracer.start_as_current_span("inner"):
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            with tracer.start_as_current_span("tidying up"):
                pass


def while_handling(tracer: trace.Tracer) -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        with tracer.start_as_current_span("ok"):
            pass
        with contextlib.suppress(SystemExit), tracer.start_as_current_span("exit"):
            sys.exit(3)


def closed_early(tracer: trace.Tracer) -> None:
    def numbers() -> Iterator[int]:
        with tracer.start_as_current_span("generator"):
            yield 1

    generator = numbers()
    next(generator)
    generator.close()  # type: ignore[attr-defined]


def by_hand(tracer: trace.Tracer) -> None:
    span = tracer.start_span("by hand")
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        span.end()


@pytest.mark.parametrize(
    "work",
    [
        plain,
        failing(ValueError("x")),
        failing(KeyboardInterrupt()),
        failing(SystemExit(1)),
        failing(GeneratorExit()),
        caught_inside,
        while_handling,
        closed_early,
        by_hand,
    ],
)
@pytest.mark.parametrize("careful", ["start", "end", "start and end"])
def test_an_sdk_with_other_private_names_is_read_by_its_public_properties(
    work: Callable[[trace.Tracer], None], careful: str
) -> None:
    """Slower, and with the same row, whatever passes through or is being handled when the span starts or ends."""
    recorded = []
    for renamed in (False, True):
        rows, recorder, tap = Rows(), SpanRecorder(), Tap()
        recorder.listen(rows)
        tap.open(SpanRows(recorder))
        if renamed:
            _rename(tap, careful)
        provider = TracerProvider(id_generator=Counting())
        provider.add_span_processor(tap)
        work(provider.get_tracer("mine"))
        assert not recorder.running.table
        recorded.append(rows)
    assert recorded[0] == recorded[1]


def _rename(tap: Tap, when: str) -> None:
    """Let the tap see spans without private names."""
    kept = []  # the recorder holds them weakly

    def seen(span: Any, hear: Callable[..., None], *context: Any) -> None:
        kept.append(Renamed(span))
        hear(kept[-1], *context)

    start, end = tap.on_start, tap.on_end
    if "start" in when:
        tap.on_start = lambda span, parent_context=None: seen(span, start, parent_context)  # type: ignore[method-assign]
    if "end" in when:
        tap.on_end = lambda span: seen(span, end)  # type: ignore[method-assign]


def test_a_sink_that_raises_does_not_give_the_others_a_row_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of them it is, and whether what it raises is an error or an interrupt."""
    monkeypatch.setattr(faults, "RAISE", False)

    class Broken(Rows):
        def append(self, row: Row, weight: int) -> None:  # type: ignore[override]
            raise error

    for error in (ValueError(), KeyboardInterrupt()):
        for broken_at in range(3):
            sinks = [Rows(), Rows()]
            recorder, tap = SpanRecorder(), Tap()
            for sink in (*sinks[:broken_at], Broken(), *sinks[broken_at:]):
                recorder.listen(sink)
            tap.open(SpanRows(recorder))
            provider = TracerProvider()
            provider.add_span_processor(tap)
            for name in ("one", "two"):
                with contextlib.suppress(type(error)):
                    provider.get_tracer("mine").start_span(name).end()
            for sink in sinks:
                assert [row[3] for row in sink] == ["one", "two"]
