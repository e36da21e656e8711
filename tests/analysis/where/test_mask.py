"""The evaluator over DataFrames says what the plainest one says of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbtrace.analysis.columns import TEXT
from nbtrace.analysis.where.mask import column_kinds, mask
from nbtrace.analysis.where.parser import parse
from tests.analysis.where import oracle

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

DAY = 86_400_000_000_000
NAMES = ["load", "LOAD", "fit model", "a.b", "", "x"]
ints = st.sampled_from([0, 1, -1, 3, 100, 2**53 + 1, 2**63 - 1, -(2**63)]) | st.integers(-5, 5)
floats = st.sampled_from([0.0, 0.5, -1.0, 3.0, 2.0**53, 1e300, -1e300, float("nan"), float("inf")])
mixed = st.none() | ints | floats | st.sampled_from(NAMES) | st.booleans() | st.sampled_from([[1, 2], ["x"], {"a": 1}])
ROW = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "status_message": st.none() | st.sampled_from(NAMES),
        "duration": st.none() | st.sampled_from([0, 1, 100_000_000, DAY, 100 * 365 * DAY]),
        "start_time": st.sampled_from([0, 1_767_225_600_000_000_000, 1_767_225_600_000_000_001]),
        "end_time": st.none() | st.sampled_from([1, 1_767_225_600_000_000_000]),
        "cell": st.none() | st.integers(1, 4),
        "attributes.n": st.none() | ints,
        "attributes.f": floats,
        "attributes.s": st.none() | st.sampled_from(NAMES),
        "attributes.b": st.none() | st.booleans(),
        "attributes.m-x/y": mixed,
        "attributes.other": mixed,
    }
)


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows with the dtypes of the span table."""

    def column(key: str) -> list[Any]:
        return [row[key] for row in rows]

    def objects(key: str) -> Any:
        made = np.empty(len(rows), dtype=object)
        for at, value in enumerate(column(key)):
            made[at] = value
        return made

    def times(key: str, dtype: str) -> Any:
        return np.array([np.iinfo(np.int64).min if v is None else v for v in column(key)], np.int64).view(dtype)

    return pd.DataFrame(
        {
            "name": pd.Series(column("name"), dtype=TEXT),
            "status_message": pd.Series(column("status_message"), dtype=TEXT),
            "duration": pd.Series(pd.TimedeltaIndex(times("duration", "m8[ns]"))),
            "start_time": pd.Series(pd.DatetimeIndex(times("start_time", "M8[ns]"), tz="UTC")),
            "end_time": pd.Series(pd.DatetimeIndex(times("end_time", "M8[ns]"), tz="UTC")),
            "cell": pd.Series(pd.array(column("cell"), dtype="Int64")),
            "attributes.n": pd.Series(pd.array(column("attributes.n"), dtype="Int64")),
            "attributes.f": pd.Series(column("attributes.f"), dtype="float64"),
            "attributes.s": pd.Series(column("attributes.s"), dtype=TEXT),
            "attributes.b": pd.Series(pd.array(column("attributes.b"), dtype="boolean")),
            "attributes.m-x/y": pd.Series(objects("attributes.m-x/y"), dtype=object),
            "attributes.other": pd.Series(objects("attributes.other"), dtype=object),
        }
    )


SIGNS = st.sampled_from(["==", "=", "!=", "<", "<=", ">", ">="])
TEXTS = st.sampled_from(["name", "status_message"])
ATTRIBUTES = st.sampled_from(
    ["attributes.n", "attributes.f", "attributes.s", "attributes.b", "attributes.m-x/y", "attributes.other"]
)
text_values = st.sampled_from([repr(name) for name in NAMES])
number_values = st.sampled_from(
    ["0", "1", "-1", "3", "0.5", "1e300", "9007199254740993", "9007199254740992.0", "9223372036854775807"]
)
PLAIN = text_values | number_values | st.sampled_from(["true", "False"])
DURATIONS = st.sampled_from(
    [
        "duration",
        "100ms",
        "'1d'",
        "end_time - start_time",
        "duration * 2",
        "duration / 3",
        "-duration",
        "duration + 1ns",
        "200 * duration",
    ]
)
MOMENTS = st.sampled_from(
    [
        "start_time",
        "end_time",
        "'2026-01-01'",
        "'2026-01-01 00:00:00.000000001'",
        "end_time + 1d",
        "start_time - duration",
    ]
)
NUMBERS = (
    st.sampled_from(["cell", "attributes.n", "attributes.f", "attributes.m-x/y", "(duration / 1ms)"]) | number_values
)
COUNTED = st.builds("({} {} {})".format, NUMBERS, st.sampled_from("+-*/%"), NUMBERS) | NUMBERS
PATTERNS = st.sampled_from(
    ["l", "^l", "L", "d$", "[a-m]+", "a.b", r"a\.b", "fit|load", "^$", r"\w o?", "(o|O)a", "x{1,2}"]
)
ATOMS = st.one_of(
    st.builds("{} {} {}".format, TEXTS, SIGNS, text_values | TEXTS),
    st.builds("{} {} {}".format, ATTRIBUTES, SIGNS, PLAIN | ATTRIBUTES),
    st.builds("{} {} {}".format, PLAIN, SIGNS, ATTRIBUTES),
    st.builds("{} {} {}".format, ATTRIBUTES, SIGNS, TEXTS),
    st.builds("{} {} {} {} {}".format, number_values, SIGNS, ATTRIBUTES, SIGNS, number_values),
    st.builds("duration {} {}".format, SIGNS, DURATIONS),
    st.builds("{} {} duration".format, DURATIONS, SIGNS),
    st.builds("start_time {} {}".format, SIGNS, MOMENTS),
    st.builds("cell {} {}".format, SIGNS, COUNTED),
    st.builds("{} {} attributes.n".format, COUNTED, SIGNS),
    st.builds("{} {} [{}]".format, ATTRIBUTES, st.sampled_from(["in", "not in"]), st.lists(PLAIN, max_size=4).map(", ".join)),
    st.builds("name in [{}]".format, st.lists(text_values, max_size=3).map(", ".join)),
    st.builds("duration not in ({})".format, st.lists(st.sampled_from(["100ms", "'1d'", "0s"]), max_size=3).map(", ".join)),
    st.builds("{}{}".format, TEXTS | ATTRIBUTES | st.sampled_from(["cell", "duration", "end_time"]), st.sampled_from([".isna()", ".notna()"])),
    st.builds("{}.str.{}({})".format, TEXTS | ATTRIBUTES, st.sampled_from(["startswith", "endswith"]), text_values),
    st.builds("{}.str.contains({}, regex=False, case={})".format, TEXTS | ATTRIBUTES, text_values, st.booleans()),
    st.builds("{}.str.contains('{}', case={})".format, TEXTS | ATTRIBUTES, PATTERNS, st.booleans()),
    st.builds("{} ~ '{}'".format, TEXTS | ATTRIBUTES, PATTERNS),
    ATTRIBUTES,
)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("not {}".format, inner),
        st.builds("~({})".format, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "&", "|"]), inner),
        st.builds("{} or {} and {}".format, inner, inner, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(where=CONDITIONS, rows=st.lists(ROW, max_size=8))
def test_it_says_of_a_table_what_is_true_of_each_row(where: str, rows: list[dict[str, Any]]) -> None:
    made = table(rows)
    tree = parse(where, column_kinds(made))
    found = mask(made, tree)
    assert found.dtype == bool
    assert found.tolist() == [oracle.holds(tree, row) is True for row in rows]
    opposite = mask(made, parse(f"not ({where})", column_kinds(made)))
    assert opposite.tolist() == [oracle.holds(tree, row) is False for row in rows]


@pytest.mark.parametrize("where", ["attributes.m-x/y > 3", "not attributes.m-x/y > 3", "attributes.n > 3", "not attributes.n > 3"])  # fmt: skip
def test_a_missing_value_meets_neither_a_comparison_nor_its_negation(where: str) -> None:
    empty = dict.fromkeys(
        (
            "status_message",
            "duration",
            "end_time",
            "cell",
            "attributes.n",
            "attributes.s",
            "attributes.b",
            "attributes.m-x/y",
            "attributes.other",
        )
    )
    made = table([{**empty, "name": "x", "start_time": 0, "attributes.f": float("nan")}])
    assert not mask(made, parse(where, column_kinds(made))).any()
    for column in made.columns.drop(["name", "start_time"]):
        assert mask(made, parse(f"`{column}`.isna()", column_kinds(made))).all()
        assert not mask(made, parse(f"`{column}`.notna()", column_kinds(made))).any()
        assert mask(made, parse(f"`{column}`.notna() or name == 'x'", column_kinds(made))).all()
