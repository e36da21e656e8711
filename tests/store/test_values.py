from __future__ import annotations

import enum
import math
from collections import UserDict
from typing import Any

import numpy as np
import pytest

from nbtrace.store.schema import MAX_ITEMS, MAX_TEXT
from nbtrace.store.values import clean_attributes, clean_text, clean_value


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")


class Recursive:
    def __str__(self) -> str:
        return str(self)


class Hostile:
    @property
    def __class__(self) -> Any:
        raise ValueError("gotcha")


class Colour(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("text", "text"),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        (None, None),
        (b"\x00\xff", b"\x00\xff"),
        (2**63, str(2**63)),
        (-(2**70), str(-(2**70))),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array([1, 2]), (1, 2)),
        (np.datetime64("2024-01-02T03:04:05.000000006"), "2024-01-02T03:04:05.000000006"),
        (Colour.RED, "red"),
        ([1, 2.0, "x", None, {"a": (True,)}], (1, 2.0, "x", None, {"a": (True,)})),
        (UserDict({1: 2}), {"1": 2}),
        ({"k"}, ("k",)),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_a_value_keeps_its_type_where_opentelemetry_has_it(given: Any, kept: Any) -> None:
    """Numpy's become Python's, unknown ones text, and nothing else changes."""
    cleaned = clean_value(given)
    assert cleaned == kept
    assert type(cleaned) is type(kept)


def test_nan_and_infinity_are_kept() -> None:
    """They are floats like any other; the views cope."""
    assert math.isnan(clean_value(float("nan")))
    assert clean_value(float("-inf")) == float("-inf")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Unprintable(), "<Unprintable: unprintable, RuntimeError>"),
        (Recursive(), "<Recursive: unprintable, RecursionError>"),
    ],
)
def test_a_value_that_cannot_be_printed_becomes_a_placeholder(value: object, text: str) -> None:
    assert clean_value(value) == text


def test_a_value_that_lies_about_its_class_does_not_raise() -> None:
    assert isinstance(clean_value(Hostile()), str)


def test_a_list_that_contains_itself_ends_in_a_placeholder() -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    assert clean_value(endless) == (1, "<list: contains itself>")
    endless_map: dict[str, Any] = {}
    endless_map["me"] = endless_map
    assert clean_value(endless_map) == {"me": "<dict: contains itself>"}


def test_long_text_and_long_arrays_are_cut_with_a_mark() -> None:
    """What was left out is counted."""
    text = clean_value("x" * (MAX_TEXT + 5))
    assert text == "x" * MAX_TEXT + "… [+5 characters]"
    items = clean_value(list(range(MAX_ITEMS + 7)))
    assert items[:MAX_ITEMS] == tuple(range(MAX_ITEMS))
    assert items[MAX_ITEMS:] == ("… [+7 items]",)
    assert clean_value(range(10**12))[-1] == f"… [+{10**12 - MAX_ITEMS:,} items]"
    nested = clean_value([[1] * 400] * 400)
    assert len(str(nested)) < 20_000


def test_a_lone_surrogate_becomes_visible() -> None:
    """It could not be encoded, and would cost its neighbours their export."""
    assert clean_text("a\udc80b") == "a\\udc80b"
    assert clean_value("é") == "é"


def test_attributes_without_a_usable_key_are_counted() -> None:
    assert clean_attributes({"": 1, "a": 2, 3: 4}) == ({"a": 2, "3": 4}, 1)
    assert clean_attributes({"a": 1, "b": 2, "c": 3}, limit=2) == ({"a": 1, "b": 2}, 1)
    assert clean_attributes(5) == ({}, 1)


@pytest.mark.parametrize(
    "value",
    [
        "x" * (MAX_TEXT + 5),
        list(range(MAX_ITEMS + 7)),
        {str(at): at for at in range(MAX_ITEMS + 7)},
        [list(range(600)), list(range(600)), {"a": 1}],
    ],
    ids=["text", "array", "map", "nested"],
)
def test_what_was_cut_is_not_cut_again(value: object) -> None:
    """A value that comes from a file is cleaned a second time; its mark still says how much is gone of what there was."""
    once = clean_value(value)
    assert once != value
    assert clean_value(once) == once


class Touchy(int):
    """Nobody's comparisons and conversions are for us to run."""

    def __ge__(self, other: object) -> bool:
        raise KeyboardInterrupt

    __le__ = __lt__ = __gt__ = __eq__ = __ge__  # type: ignore[assignment]
    __hash__ = int.__hash__

    def __int__(self) -> int:
        raise KeyboardInterrupt

    __index__ = __int__


class TouchyFloat(float):
    def __float__(self) -> float:
        raise KeyboardInterrupt


@pytest.mark.parametrize(("given", "kept"), [(Touchy(7), 7), (Touchy(2**70), str(2**70)), (TouchyFloat(0.5), 0.5)])
def test_the_code_of_numbers_of_ones_own_is_not_run(given: Any, kept: Any) -> None:
    found = clean_value(given)
    assert type(found) is type(kept)
    assert found == kept
