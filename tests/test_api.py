from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas
import pytest

import nbtrace
from nbtrace.analysis.filters import UnknownColumnError
from nbtrace.analysis.history import NotebookError
from nbtrace.analysis.runs import RunsError


def test_the_public_names_are_those_of_the_documentation() -> None:
    assert set(nbtrace.__all__) == {
        "Recording",
        "arrive",
        "cells",
        "compare",
        "headings",
        "hotspots",
        "history",
        "plot",
        "tree",
        "concurrency",
        "critical_path",
        "errors",
        "events",
        "gaps",
        "lines",
        "links",
        "live",
        "load",
        "record",
        "recover",
        "repeats",
        "report",
        "samples",
        "save",
        "self_times",
        "span",
        "spans",
        "statements",
        "statistics",
        "tasks",
        "text",
        "traced",
        "view",
        "__version__",
    }
    assert all(getattr(nbtrace, name) is not None for name in nbtrace.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nbtrace.nonsense


@pytest.mark.parametrize(
    "statement",
    [
        "import nbtrace",
        "import nbtrace; nbtrace.span; nbtrace.record",
        "from IPython.core.interactiveshell import InteractiveShell as S; S.instance().run_line_magic('load_ext', 'nbtrace')",
    ],
)
def test_importing_and_loading_opens_no_heavy_library(statement: str) -> None:
    program = (
        f"{statement}\nimport sys; print([m for m in ('pandas', 'pyarrow', 'anywidget', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_start_and_stop_do_what_the_block_does() -> None:
    rec = nbtrace.record()
    assert not rec.recording
    rec.start().start()
    with nbtrace.span("inside"):
        assert rec.recording
    rec.stop().stop()
    with nbtrace.span("outside"):
        pass
    assert rec.spans()["name"].tolist() == ["inside"]
    assert repr(rec) == "<Recording: 1 spans, stopped>"


def test_a_bound_is_kept_and_told() -> None:
    with nbtrace.record(max_spans=10) as rec:
        for _ in range(25):
            with nbtrace.span("x"):
                pass
    assert (len(rec), rec.dropped_spans) == (10, 15)
    assert rec.spans().attrs["dropped_spans"] == 15
    assert "15 older spans were dropped" in str(rec.view())
    assert "15 older spans were dropped" in rec.view()._repr_html_()
    assert "15 dropped" in repr(rec)


@pytest.mark.parametrize("bound", [0, -1, 2.5, "many", True])
def test_a_bad_bound_is_a_clear_error(bound: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number of at least 1"):
        nbtrace.record(max_spans=bound)  # type: ignore[arg-type]


def test_a_long_recording_shows_its_latest_traces() -> None:
    with nbtrace.record() as rec:
        for i in range(300):
            with nbtrace.span(f"trace {i}"):
                pass
    shown = str(rec.view()).splitlines()
    assert shown[-2].startswith("trace 299")
    assert shown[-1] == "200 spans of 200 earlier traces not shown (--cell N, --where …)"


def test_every_answer_about_the_live_recording_is_one_of_a_recordings() -> None:
    """`nbtrace.x()` and `rec.x()` are the same questions; each has an answer when nothing was recorded."""
    with nbtrace.record() as rec:
        pass
    makers = {"Recording", "arrive", "live", "load", "record", "recover", "span", "traced"}
    others = {*makers, "view", "text", "plot", "report", "save", "__version__"}
    for name in set(nbtrace.__all__) - others:
        assert getattr(nbtrace, name).__func__ is getattr(nbtrace.Recording, name)
        if name not in ("compare", "headings"):
            assert len(getattr(rec, name)()) == 0, name
    with pytest.raises(RunsError, match=r"no cell has run twice, so there is nothing to compare\. Run one again\.$"):
        rec.compare()
    with pytest.raises(NotebookError, match="the notebook's file is not known here"):
        rec.headings()


def test_where_the_time_went() -> None:
    with nbtrace.record() as rec, nbtrace.span("page"):
        for _ in range(6):
            with nbtrace.span("query"):
                pass
    assert set(rec.self_times()["name"]) == {"page", "query"}
    assert rec.critical_path()["share"].sum() == pytest.approx(1)
    assert rec.repeats()[["parent_name", "name", "count"]].values.tolist() == [["page", "query", 6]]
    assert rec.concurrency()["running"].max() == 2
    assert len(rec.gaps()) == 0
    table = rec.statistics().set_index("name")
    assert table.loc["page", "self"] < table.loc["page", "total"]
    assert table["self"].sum() == table.loc["page", "total"]


def test_a_mistyped_rare_key_is_told_the_nearest() -> None:
    """The vocabulary of `where` is every key there is, though rare ones have no column."""
    with nbtrace.record() as rec:
        for i in range(150):
            with nbtrace.span("x", **{f"rare.key{i}": i}):
                pass
        with nbtrace.span("x", **{"model.temperature": 1}):
            pass
    assert len(rec.spans(where="attributes.model.temperature == 1")) == 1
    with pytest.raises(UnknownColumnError, match=r"Did you mean 'attributes.model.temperature'"):
        rec.spans(where="attributes.model.temperatur == 1")


def test_two_recordings_are_compared_by_the_names_in_them() -> None:
    def run(rows: int) -> nbtrace.Recording:
        with nbtrace.record() as rec:
            for _ in range(3):
                with nbtrace.span("load"):
                    for _ in range(rows):
                        with nbtrace.span("row"):
                            pass
        return rec

    found = nbtrace.compare(run(2), run(200)).set_index("path")
    assert found.loc["load › row", ["count_before", "count_after"]].tolist() == [2, 200]
    assert set(found.index) == {"load", "load › row"}  # the verdict is the clock's: see test_compare
    assert found["runs_after"].tolist() == [3, 3]


def test_wrong_calls_are_told_in_one_line_what_to_write() -> None:
    """Whatever a question is asked with: an error that names the next thing to type, or Python's own about its keywords."""
    asked = {
        "spans(cell='3')": "Did you mean cell=3?",
        "spans(cell='x')": "cell=[3, 5]",
        "spans(cell=3.5)": "cell=[3, 5]",
        "spans(cell=pandas.Series([1.5, 2.5]))": "cell=[3, 5]",
        "spans(where='duration > 1')": "durations are written '100ms'. Did you mean '1s'?",
        "spans(where='nam == 1')": "Did you mean 'name'?",
        "spans(where=5)": "where=\"duration > '100ms'\"",
        "spans(attributes='wide')": '"columns", "all" and "dict"',
        "statistics(by='nam')": "Did you mean 'name'?",
        "repeats(at_least='x')": "at_least=5",
        "repeats(at_least=2.5)": "at_least=5",
        "text(last=0)": "last=3",
        "view(last='x')": "last=3",
        "view(where='durations > 1s')": "Did you mean 'duration'?",
        "compare(2)": "no cell [2] in the recording. nbtrace.cells()",
        "compare(2, 3)": "nothing is recorded of a cell [2]. nbtrace.cells()",
        "compare('2')": "nbtrace.compare(3)",
        "compare(2.5)": "nbtrace.compare(3)",
        "compare([2, 3])": "nbtrace.compare([3, 4, 5], [6, 7, 8])",
        "compare([], [])": "nbtrace.compare(3, 5)",
        "headings('no.ipynb')": 'nbtrace.headings("analysis.ipynb")',
        "record(max_spans=0)": "at least 1",
        "record(max_bytes=1.5)": "at least 1",
        "record(capture_source='some')": '"full", "hash" or "none"',
        "live().forget()": "rec.forget(cell=3)",
        "plot.foo": ".durations(), .cells() and .flame()",
        "spens": "Did you mean nbtrace.spans?",
        "nope": "dir(nbtrace)",
        "spans(cel=3)": "unexpected keyword argument 'cel'",
        "spans(3)": "positional argument",
    }
    for call, expected in asked.items():
        with pytest.raises((ValueError, AttributeError, TypeError)) as caught:
            eval(f"nbtrace.{call}", {"nbtrace": nbtrace, "pandas": pandas})
        assert expected in str(caught.value), call
        assert "\n" not in str(caught.value), call


def test_numbers_of_any_kind_choose_cells() -> None:
    """Of numpy, of pandas, negative: what is no cell's number finds nothing."""
    with nbtrace.record() as rec, nbtrace.span("a"):
        pass
    for cell in (np.int64(3), np.array([3, 5]), pandas.Series([3, 5]), {3, 5}, range(3), -1, [], (3,)):
        assert len(rec.spans(cell=cell)) == 0
    assert len(rec.repeats(at_least=np.int64(2))) == 0
    assert nbtrace.record(max_spans=np.int64(5)).max_spans == 5
    assert str(rec.text(last=np.int64(1))) == "no spans"
