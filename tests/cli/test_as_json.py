"""Tables as JSON: valid whatever spans contain."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.cli.as_json import rows
from nbtrace.recording import Recording
from nbtrace.store.span_store import SpanStore
from tests.formats.kept import rich
from tests.rows import row


def strict(text: str) -> Any:
    """Read JSON as the RFC has it: no NaN, and no half of a character."""
    assert text.isascii()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(text, parse_constant=refuse)
    json.dumps(found, ensure_ascii=False).encode("utf-8")
    return found


def as_json(table: pd.DataFrame) -> Any:
    return strict("".join(rows(table)))


def test_each_type_has_one_form() -> None:
    table = pd.DataFrame(
        {
            "time": pd.to_datetime([1_700_000_000_123_456_789, None], utc=True),
            "duration": pd.to_timedelta([1_500_000_001, None], unit="ns"),
            "cell": pd.array([2**62, None], dtype="Int64"),
            "yes": pd.array([True, None], dtype="boolean"),
            "share": [0.25, math.nan],
            "far": [math.inf, -math.inf],
            "text": ["ä\n\x1b\u202e", None],
            "half": pd.Series(["a\ud800b", "\ud83d\ude00"], dtype=object),
            "raw": [b"\0\xff", None],
            "list": [(1, 2.5, None, "x", math.nan), {"a": (True, b"x"), "ä": math.inf}],
            "numpy": [np.float64(1.5), np.int64(3)],
            "huge": [10**30, -(10**30)],
        }
    ).astype({"numpy": object, "huge": object})
    assert as_json(table) == [
        {
            "time": "2023-11-14T22:13:20.123456789Z",
            "duration": 1_500_000_001,
            "cell": 2**62,
            "yes": True,
            "share": 0.25,
            "far": "Infinity",
            "text": "ä\n\x1b\u202e",
            "half": "a\ufffdb",
            "raw": "AP8=",
            "list": [1, 2.5, None, "x", None],
            "numpy": 1.5,
            "huge": 10**30,
        },
        {
            "time": None,
            "duration": None,
            "cell": None,
            "yes": None,
            "share": None,
            "far": "-Infinity",
            "text": None,
            "half": "\U0001f600",
            "raw": None,
            "list": {"a": [True, "eA=="], "ä": "Infinity"},
            "numpy": 3,
            "huge": -(10**30),
        },
    ]


@pytest.mark.parametrize("moment", [-1, 0, 999, -1_000_000_001, 2**62])
def test_a_time_keeps_its_nanoseconds(moment: int) -> None:
    table = pd.DataFrame({"time": pd.to_datetime([moment], utc=True)})
    (found,) = as_json(table)
    assert found["time"].endswith("Z")
    assert pd.Timestamp(found["time"]).value == moment


def test_an_empty_table_is_an_empty_array() -> None:
    assert as_json(pd.DataFrame({"name": pd.array([], dtype="Int64")})) == []


def test_a_row_is_a_line() -> None:
    text = "".join(rows(rich().recording.spans()))
    assert len(text.splitlines()) == 2 + len(rich().recording.spans())


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.text(alphabet="\ud800\udfffa"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_whatever_spans_carry_it_is_valid(attributes: list[dict[str, Any]]) -> None:
    store = SpanStore()
    for number, each in enumerate(attributes, start=1):
        store.append((*row(number)[:12], tuple(each), *each.values()))
    assert len(as_json(Recording(store).spans(attributes="all"))) == len(attributes)
