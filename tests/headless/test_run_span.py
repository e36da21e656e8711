from __future__ import annotations

from pathlib import Path

import pytest

from nbtrace.headless.recorded import held, with_run
from nbtrace.headless.run_span import RunSpan

PARENT = "00-" + "a" * 32 + "-" + "b" * 16


def test_a_run_alone_is_a_trace_of_its_own() -> None:
    span = RunSpan("run x.ipynb", {})
    span.end()
    nothing, unread = held([])
    rec = with_run(nothing, span.row({"jupyter.notebook.path": "/somewhere/x.ipynb"}))
    (row,) = rec.spans().to_dict("records")
    assert unread == []
    assert (row["name"], row["scope_name"], row["status_code"]) == ("run x.ipynb", "nbtrace.run", "UNSET")
    assert row["parent_span_id"] != row["parent_span_id"]  # missing
    assert span.traceparent == f"00-{row['trace_id']}-{row['span_id']}-01"
    assert row["duration"].value == span.duration_ns > 0


@pytest.mark.parametrize("flags", ["01", "00"])
def test_a_run_joins_the_trace_of_who_started_it(flags: str) -> None:
    """Also where that one is not sampled: the cells are recorded all the same."""
    span = RunSpan("run x.ipynb", {"TRACEPARENT": f"{PARENT}-{flags}", "TRACESTATE": "vendor=1"})
    span.end()
    (row,) = with_run(held([])[0], span.row({})).spans().to_dict("records")
    assert (row["trace_id"], row["parent_span_id"]) == ("a" * 32, "b" * 16)
    assert (span.traceparent[-2:], span.tracestate) == ("01", "vendor=1")


@pytest.mark.parametrize("parent", ["", "nonsense", "00-0-0-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_parent_that_is_none_is_left_out(parent: str) -> None:
    span = RunSpan("run x.ipynb", {"TRACEPARENT": parent})
    assert span.parent_span_id == 0
    assert span.trace_id


def test_a_run_that_failed_says_why() -> None:
    span = RunSpan("run x.ipynb", {})
    span.end()
    rec = with_run(
        held([])[0], span.row({"nbtrace.run.parameters.alpha": 1}, failed="ValueError", message="ValueError: no")
    )
    (row,) = rec.spans().to_dict("records")
    assert (row["status_code"], row["status_message"]) == ("ERROR", "ValueError: no")
    assert (row["attributes.error.type"], row["attributes.nbtrace.run.parameters.alpha"]) == ("ValueError", 1)


def test_a_parameter_that_looks_like_a_secret_is_not_kept() -> None:
    span = RunSpan("run x.ipynb", {})
    span.end()
    rec = with_run(held([])[0], span.row({"nbtrace.run.parameters.password": "hunter2"}))
    assert rec.spans()["attributes.nbtrace.run.parameters.password"].tolist() == ["[redacted: password]"]


def test_a_journal_that_cannot_be_read_is_told_and_the_run_is_there(tmp_path: Path) -> None:
    """A cell may have emptied it."""
    (tmp_path / "run.journal").write_bytes(b"")
    span = RunSpan("run x.ipynb", {})
    span.end()
    nothing, unread = held([tmp_path / "run.journal"])
    assert len(unread) == 1
    assert "is no journal of nbtrace" in unread[0]
    assert with_run(nothing, span.row({})).spans()["name"].tolist() == ["run x.ipynb"]
