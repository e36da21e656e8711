"""Providers: none, before, after, twice, foreign, sampled off, disabled, shut down."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

import nbtrace
from nbtrace.capture.live import LIVE


def exporting(**options: Any) -> tuple[TracerProvider, InMemorySpanExporter]:
    """A provider as a user sets it up, and what it exports."""
    provider, exporter = TracerProvider(**options), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


def names(exporter: InMemorySpanExporter) -> list[str]:
    return [span.name for span in exporter.get_finished_spans()]


def test_without_a_provider_one_is_made_and_taken_away_again() -> None:
    with nbtrace.record() as rec, trace.get_tracer("lib").start_as_current_span("work"):
        pass
    assert rec.spans()["name"].tolist() == ["work"]
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_a_provider_set_before_is_heard_and_goes_on_after() -> None:
    provider, exporter = exporting()
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("mine")
    with nbtrace.record() as rec, tracer.start_as_current_span("during"), nbtrace.span("ours"):
        pass
    with tracer.start_as_current_span("after"):
        pass
    assert rec.spans()["name"].tolist() == ["during", "ours"]
    assert names(exporter) == ["ours", "during", "after"]
    assert trace.get_tracer_provider() is provider


def test_a_provider_set_after_is_heard_at_once_and_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Tracers that were handed out before pass on to it, as OpenTelemetry's own proxies do."""
    with nbtrace.record() as rec:
        early = trace.get_tracer("early")
        with early.start_as_current_span("before"):
            pass
        provider, exporter = exporting()
        trace.set_tracer_provider(provider)
        with early.start_as_current_span("early"), trace.get_tracer("late").start_as_current_span("late"):
            with nbtrace.span("ours"):
                pass
    assert rec.spans()["name"].tolist() == ["before", "early", "late", "ours"]
    assert names(exporter) == ["ours", "late", "early"]
    assert caplog.records == []


def test_setting_a_second_provider_warns_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    with nbtrace.record():
        trace.set_tracer_provider(TracerProvider())
        trace.set_tracer_provider(TracerProvider())
    assert [record.message for record in caplog.records] == ["Overriding of current TracerProvider is not allowed"]


def test_a_provider_swapped_behind_the_apis_back_is_heard_from_the_next_look() -> None:
    """Some libraries assign the global; a notebook looks again before each cell."""
    with nbtrace.record() as rec:
        provider, exporter = exporting()
        trace._TRACER_PROVIDER = provider
        LIVE.attachment.look()
        with provider.get_tracer("lib").start_as_current_span("work"):
            pass
    assert rec.spans()["name"].tolist() == ["work"]
    assert names(exporter) == ["work"]


def test_a_tracer_kept_beyond_the_recording_waits_for_a_provider() -> None:
    with nbtrace.record():
        tracer = trace.get_tracer("kept")
    with tracer.start_as_current_span("nothing") as span:
        assert not span.is_recording()
    provider, exporter = exporting()
    trace.set_tracer_provider(provider)
    with tracer.start_as_current_span("something"):
        pass
    assert names(exporter) == ["something"]


def test_recordings_one_after_the_other_and_inside_each_other() -> None:
    provider, _ = exporting()
    trace.set_tracer_provider(provider)
    with nbtrace.record() as outer:
        with nbtrace.span("one"):
            pass
        with nbtrace.record() as inner, nbtrace.span("two"):
            pass
        with nbtrace.span("three"):
            pass
    with nbtrace.record() as again, nbtrace.span("four"):
        pass
    assert outer.spans()["name"].tolist() == ["one", "two", "three"]
    assert inner.spans()["name"].tolist() == ["two"]
    assert again.spans()["name"].tolist() == ["four"]
    assert len(provider._active_span_processor._span_processors) == 2, "tapped once, for ever"


def test_a_sampler_that_drops_everything_still_leaves_our_own_spans() -> None:
    """They are recorded without being sampled, so that nobody else exports a span because of them."""
    provider, exporter = exporting(sampler=ParentBased(ALWAYS_OFF))
    trace.set_tracer_provider(provider)
    with nbtrace.record() as rec:
        with nbtrace.span("ours") as ours, trace.get_tracer("mine").start_as_current_span("theirs"):
            assert not ours.get_span_context().trace_flags.sampled
        report = " ".join(LIVE.attachment.report())
    assert rec.spans()["name"].tolist() == ["ours"]
    assert names(exporter) == []
    assert "AlwaysOffSampler" in report


def test_the_sdk_disabled_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with nbtrace.record() as rec:
        with nbtrace.span("ours"), trace.get_tracer("mine").start_as_current_span("theirs") as theirs:
            assert not theirs.is_recording()
        assert any("OTEL_SDK_DISABLED" in line for line in LIVE.attachment.report())
    assert rec.spans()["name"].tolist() == ["ours"]


def test_a_foreign_provider_is_left_alone() -> None:
    class Foreign(trace.TracerProvider):
        __slots__ = ()

        def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
            return trace.NoOpTracer()

    trace._TRACER_PROVIDER = Foreign()
    with nbtrace.record() as rec:
        with nbtrace.span("ours"), trace.get_tracer("mine").start_as_current_span("theirs"):
            pass
        assert any("no add_span_processor" in line for line in LIVE.attachment.report())
    assert rec.spans()["name"].tolist() == ["ours"]


def test_a_provider_that_was_shut_down_is_still_heard() -> None:
    provider, _ = exporting()
    trace.set_tracer_provider(provider)
    with nbtrace.record() as rec:
        provider.shutdown()
        with trace.get_tracer("mine").start_as_current_span("after"):
            pass
    assert rec.spans()["name"].tolist() == ["after"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "abc"),
        ("OTEL_TRACES_SAMPLER", "nonsense"),
        ("OTEL_PYTHON_TRACER_PROVIDER", "missing"),
        ("OTEL_TRACES_SAMPLER_ARG", "x"),
    ],
)
def test_a_bad_variable_is_reported_and_not_fatal(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In the status, and not below a cell."""
    if variable == "OTEL_TRACES_SAMPLER_ARG":
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv(variable, value)
    with nbtrace.record() as rec, nbtrace.span("ours"):
        report = LIVE.attachment.report()
    assert rec.spans()["name"].tolist() == ["ours"]
    assert any(line.startswith("Environment:") for line in report), report
    if variable != "OTEL_PYTHON_TRACER_PROVIDER":  # OpenTelemetry itself says that one
        assert caplog.records == []


def test_the_standard_variables_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3")
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4")
    with nbtrace.record() as rec, nbtrace.span("a", one="123456", two=2) as span:
        for i in range(5):
            span.set_attribute(f"more{i}", i)
    table = rec.spans(attributes="dict")
    assert table["service_name"].tolist() == ["shop"]
    assert table["attributes"][0] == {"one": "1234", "two": 2, "more0": 0}
    assert table["dropped_attributes"].tolist() == [4]


def test_a_seed_repeats_no_id_and_no_id_disturbs_a_seed() -> None:
    """The numbers of a seeded run are those of the same run without us, spans of the user's included."""
    provider, _ = exporting()
    tracer = provider.get_tracer("mine")

    def run() -> tuple[list[float], list[int]]:
        numbers, ids = [], []
        for _ in range(2):
            random.seed(0)
            with tracer.start_as_current_span("work") as span:
                ids.append(span.get_span_context().span_id)
            numbers.append(random.random())
        return numbers, ids

    untraced, repeated = run()
    assert repeated[0] == repeated[1], "the SDK alone repeats ids"
    trace.set_tracer_provider(provider)
    with nbtrace.record():
        traced, ids = run()
    assert traced == untraced
    assert ids[0] != ids[1]
    assert run() == (untraced, repeated), "and afterwards it is as before"


def test_everything_on_our_own_provider_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    """Without a provider these calls meet no-ops, which never complain."""
    caplog.set_level(logging.DEBUG)
    with nbtrace.record() as rec:
        tracer = trace.get_tracer("")
        span = tracer.start_span(5, attributes={"a": object(), "": 1, "n": None})  # type: ignore[dict-item, arg-type]
        span.set_attribute("x", object())  # type: ignore[arg-type]
        span.set_attributes({f"k{i}": i for i in range(200)})
        span.set_status(trace.Status(trace.StatusCode.OK), "ignored")
        span.add_event("e", {"": object()}, timestamp=1.5)  # type: ignore[dict-item, arg-type]
        span.add_link(None)  # type: ignore[arg-type]
        span.end(end_time=2e18)  # type: ignore[arg-type]
        span.end()
        span.set_attribute("late", 1)
        span.update_name("late")
        span.add_event("late")
        span.record_exception(ValueError())
        span.set_status(trace.StatusCode.ERROR)
    assert caplog.records == []
    table = rec.spans()
    assert table["name"].tolist() == ["5"]
    assert table["dropped_attributes"][0] > 70
    assert table["event_count"].tolist() == [1]


def test_links_with_hostile_attributes_do_not_raise() -> None:
    class Evil:
        def __str__(self) -> str:
            raise ValueError

    with nbtrace.record() as rec, nbtrace.span("first") as first:
        link = trace.Link(first.get_span_context(), {"evil": Evil(), "n": 1})  # type: ignore[dict-item]
        with trace.get_tracer("x").start_as_current_span("second", links=[link, None]):  # type: ignore[list-item]
            pass
    assert rec.links()[["span_name", "attributes.n"]].values.tolist() == [["second", 1]]


def test_baggage_and_propagation_work_as_documented() -> None:
    with nbtrace.record() as rec:
        token = context.attach(baggage.set_baggage("user", "u1"))
        with nbtrace.span("client"):
            carrier: dict[str, str] = {}
            propagate.inject(carrier)
        context.detach(token)
        with trace.get_tracer("server").start_as_current_span("server", context=propagate.extract(carrier)):
            assert baggage.get_baggage("user") is None
    assert carrier["baggage"] == "user=u1"
    table = rec.spans().set_index("name")
    assert table.loc["server", "parent_span_id"] == table.loc["client", "span_id"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_what_a_forked_child_records_is_asked_of_the_parent_alone() -> None:
    """In the child the recording holds what was there; what the child makes comes home to the parent's."""
    program = """
import os, nbtrace
with nbtrace.record() as rec:
    with nbtrace.span("parent"):
        pid = os.fork()
        if pid == 0:
            with nbtrace.span("child"):
                pass
            assert rec.spans()["name"].tolist() == ["parent"], "what was there at the fork"
            with nbtrace.record() as own, nbtrace.span("child's own"):
                pass
            assert own.spans()["name"].tolist() == ["child's own"]
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
table = rec.spans()
print(sorted(table["name"]), table["process_pid"].nunique(), table["parent_span_id"].isna().sum())
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("['child', \"child's own\", 'parent'] 2 1\n", "")


def test_code_that_sets_a_provider_only_if_there_is_none_still_sets_it() -> None:
    with nbtrace.record() as rec:
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            provider, exporter = exporting()
            trace.set_tracer_provider(provider)
        with trace.get_tracer("mine").start_as_current_span("work"):
            pass
    assert names(exporter) == rec.spans()["name"].tolist() == ["work"]


def test_code_that_adds_its_processor_to_whatever_is_set_is_heard() -> None:
    exporter = InMemorySpanExporter()
    with nbtrace.record() as rec:
        trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))  # type: ignore[attr-defined]
        with trace.get_tracer("mine").start_as_current_span("a", attributes={"n": 1}), nbtrace.span("b"):
            pass
    assert names(exporter) == ["b", "a"]
    assert rec.spans()["name"].tolist() == ["a", "b"]
    assert exporter.get_finished_spans()[1].attributes == {"n": 1}


@nbtrace.traced
def traced_here(n: int) -> int:
    return n + 1


def test_tracers_spans_and_traced_functions_travel_to_other_processes() -> None:
    """Without a provider they could, as no-ops; a notebook's functions are pickled by value with what they name."""
    import joblib

    with nbtrace.record() as rec:
        tracer = trace.get_tracer("mine", "1.0")

        def work(n: int) -> int:
            with tracer.start_as_current_span("work"):
                return n * 2

        @nbtrace.traced
        def wrapped(n: int) -> int:
            return n * 2

        for function in (work, wrapped, traced_here):
            done = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(function)(n) for n in range(2))
            assert done == [function(0), function(1)]
    assert "work" in set(rec.spans()["name"])
    import pickle

    with nbtrace.record():
        span = pickle.loads(pickle.dumps(trace.get_tracer("x").start_span("s")))
        assert not span.is_recording()
        assert pickle.loads(pickle.dumps(trace.get_tracer_provider())) is trace.get_tracer_provider()
