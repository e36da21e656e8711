from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from nbtrace.analysis.ids import rows_of

A, B, C = "00000000000000aa", "00000000000000bb", "ffffffffffffffff"


@pytest.mark.parametrize("kind", ["str", object, "string"])
def test_each_id_is_found_in_its_row(kind: Any) -> None:
    """Missing ones, unknown ones and repeated ones too, whatever kind of text the column is."""
    wanted = pd.Series([None, B, B, C, "0000000000000001", A, None], dtype=kind)
    assert rows_of(wanted, pd.Series([A, B, C], dtype=kind)).tolist() == [-1, 1, 1, 2, -1, 0, -1]


def test_an_id_that_occurs_twice_means_its_first_row() -> None:
    assert rows_of(pd.Series([B, A], dtype="str"), pd.Series([A, B, B, A], dtype="str")).tolist() == [1, 0]


@pytest.mark.parametrize("odd", ["7", "00000000000000AA", "zz000000000000aa", "ﬀ0000000000000", ""])
def test_texts_that_are_no_ids_are_compared_as_texts(odd: str) -> None:
    assert rows_of(pd.Series([odd, A, "x"], dtype="str"), pd.Series([A, odd], dtype="str")).tolist() == [1, 0, -1]


def test_nothing_is_found_in_nothing() -> None:
    empty = pd.Series([], dtype="str")
    assert rows_of(empty, empty).tolist() == []
    assert rows_of(pd.Series([None, A], dtype="str"), empty).tolist() == [-1, -1]
    assert rows_of(pd.Series([None], dtype="str"), pd.Series([A], dtype="str")).tolist() == [-1]
