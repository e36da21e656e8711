from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import nbtrace
from nbtrace.analysis.conditions import caller
from nbtrace.analysis.filters import FilterError, UnknownColumnError


@pytest.fixture
def rec() -> nbtrace.Recording:
    with nbtrace.record() as recording:
        for rows, route in ((10, "/a"), (200, "/b")):
            with nbtrace.span("load", rows=rows, **{"http.route": route}):
                pass
        with nbtrace.span("other"):
            pass
    return recording


LIMIT = 100
ROWS = {10, 11}


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("attributes.rows > 100", 1),
        ("`attributes.rows` > 100", 1),
        ("attributes.rows > @LIMIT and name == 'load'", 1),
        ("attributes.http.route == '/a'", 1),
        ("attributes.http.route.str.startswith('/')", 2),
        ("name.str.contains('LOAD', case=False)", 2),
        ("duration < '1h'", 3),
        ("duration > '1 hour' or name == 'attributes.rows'", 0),
        ("status_code in ['UNSET'] and not name == 'load'", 1),
        ("attributes.rows.isna()", 1),
        ("start_time > '2020-01-01'", 3),
        ("index == 0", 1),
        ("duration < 1h & status = 'UNSET'", 3),
        ("1 < attributes.rows <= 10", 1),
        ("not attributes.rows > 100", 1),
        ("~(attributes.rows > 100) | attributes.rows.isna()", 2),
        ("name ~ '^l' and attributes.rows in @ROWS", 1),
        ("end_time - start_time < 1h", 3),
    ],
)
def test_conditions_read_as_they_are_thought(rec: nbtrace.Recording, where: str, count: int) -> None:
    """Dotted names need no backticks, @names are the caller's, and a missing value meets no condition."""
    assert len(rec.spans(where=where)) == count
    assert len(rec.spans(where=where, attributes="dict")) == count


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("attribute.rows > 1", "no column 'attribute.rows'. Did you mean 'attributes.rows'"),
        ("rows > 1", "Did you mean 'attributes.rows'"),
        ("durration > '1s'", "Did you mean 'duration'"),
        ("`nothing like it` == 1", "no column 'nothing like it'. Columns: trace_id, span_id"),
    ],
)
def test_an_unknown_column_names_the_nearest(rec: nbtrace.Recording, where: str, message: str) -> None:
    with pytest.raises(UnknownColumnError, match=re.escape(message)):
        rec.spans(where=where)


@pytest.mark.parametrize(
    "where", ["", "   ", "duration >", "name", "duration + 1", "name == @missing", "(name == 'x'", 5]
)
def test_a_condition_that_cannot_be_applied_says_so(rec: nbtrace.Recording, where: str) -> None:
    with pytest.raises(FilterError, match="where="):
        rec.spans(where=where)


def test_a_variable_without_its_sign_is_told_the_sign(rec: nbtrace.Recording) -> None:
    """Of whoever asks; that of a module too. Only the names are looked at."""
    longest = 1
    with pytest.raises(UnknownColumnError, match=r"no column 'longest'. It is a variable of yours: write @longest"):
        rec.spans(where="duration > longest")
    with pytest.raises(UnknownColumnError, match=r"It is a variable of yours: write @LIMIT"):
        rec.statistics(where="attributes.rows > LIMIT")
    assert set(caller("duration > longest").values()) == {None}
    assert caller("cell > @longest")["longest"] == longest


def test_what_is_suggested_is_a_column_of_this_table() -> None:
    with nbtrace.record() as rec:
        with pytest.raises(ValueError, match="x"), nbtrace.span("fit", shape=1):
            raise ValueError("x")
    instead = r"What was raised stands among the errors: nbtrace.errors\(where=\"exception_type == 'X'\"\)"
    for table in (rec.spans, rec.statistics, rec.text):
        with pytest.raises(UnknownColumnError, match=instead):
            table(where="exception_type == 'X'")
    with pytest.raises(UnknownColumnError, match=r"Did you mean 'attributes.exception.type'"):
        rec.events(where="exception_type == 'X'")
    assert len(rec.events(where="attributes.exception.type == 'ValueError'")) == 1
    assert len(rec.errors(where="exception_type == 'ValueError'")) == 1
    for other in (rec.events, rec.links, rec.errors, rec.cells):
        with pytest.raises(UnknownColumnError) as caught:
            other(where="attributes.shap == 1")
        assert "attributes.shape" not in str(caught.value)
    with pytest.raises(UnknownColumnError, match=r"Did you mean 'attributes.shape'"):
        rec.spans(where="attributes.shap == 1")


def test_every_table_takes_the_same_words(rec: nbtrace.Recording) -> None:
    for table in (rec.spans, rec.events, rec.errors, rec.cells):
        assert len(table(where="cell > 3 or not cell > 3")) == 0, "outside a cell there is none"
    assert len(rec.links(where="span_name ~ 'l' and linked_span_id.notna()")) == 0
    assert rec.statistics(where="attributes.rows > 3")["count"].tolist() == [2]


def test_the_other_ways_to_narrow(rec: nbtrace.Recording) -> None:
    trace_id = rec.spans()["trace_id"][0]
    assert len(rec.spans(name="load")) == 2
    assert len(rec.spans(trace_id=trace_id)) == len(rec.spans(trace_id=trace_id[:12].upper())) == 1
    assert len(rec.spans(cell=3)) == len(rec.spans(cell=[])) == 0
    assert rec.spans(name="other").columns.str.startswith("attributes.").sum() == 0, "no columns of nothing"
    for cell in ("3", 2.5, ["x"]):
        with pytest.raises(FilterError, match="is no execution count"):
            rec.spans(cell=cell)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is no number of cells"):
        rec.view(last=0)
    with pytest.raises(ValueError, match='none of "columns", "all" and "dict"'):
        rec.spans(attributes="list")  # type: ignore[arg-type]


def test_a_condition_cannot_run_code(rec: nbtrace.Recording, tmp_path: Path) -> None:
    """tests/analysis/where/test_errors.py tries harder."""
    file = tmp_path / "trace"
    for where in ("__import__('os').getcwd() == 'x'", "@pd.compat.os.getcwd() == 'x'", f"name.to_csv('{file}') == 1"):
        with pytest.raises((FilterError, UnknownColumnError)):
            rec.spans(where=where)
    assert pd is not None
    assert not file.exists()
