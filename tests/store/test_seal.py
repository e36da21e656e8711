from __future__ import annotations

from typing import Any

import pytest

from nbtrace.store.batch import Batch, Run
from nbtrace.store.schema import MAX_TEXT, UNSEALABLE, Extra
from nbtrace.store.seal import seal
from nbtrace.store.values import decode_json
from tests.rows import row


def values(batch: Batch, key: str) -> list[tuple[str, list[int] | None, list[Any]]]:
    """The runs of a key in plain Python."""
    return [(r.kind, None if r.rows is None else r.rows.tolist(), r.values.to_pylist()) for r in batch.attributes[key]]


def test_a_batch_holds_ids_as_hex_and_times_as_integers() -> None:
    batch = seal([row(255, parent=0, trace=2**127), row(2**64 - 1, parent=255, end=0)])
    table = batch.spans.to_pydict()
    assert table["trace_id"] == [f"{2**127:032x}", f"{7:032x}"]
    assert table["span_id"] == ["00000000000000ff", "f" * 16]
    assert table["parent_span_id"] == [None, "00000000000000ff"]
    assert (table["start_ns"], table["end_ns"]) == ([1_000, 1_000], [2_000, None])


def test_no_rows_give_an_empty_batch_of_the_same_types() -> None:
    empty, full = seal([]), seal([row(a=1)])
    assert empty.spans.schema == full.spans.schema
    assert empty.length == 0


def test_a_key_on_every_row_needs_no_row_numbers() -> None:
    batch = seal([row(1, n=1), row(2, n=2)])
    assert values(batch, "n") == [("int", None, [1, 2])]


def test_keys_in_different_orders_stand_in_the_order_of_the_rows() -> None:
    """Rows of one shape are transposed together; a key that several shapes share comes out in row order."""
    batch = seal([row(1, a=1, b="x"), row(2, b="y", a=2), row(3, a=3), row(4)])
    assert values(batch, "a") == [("int", [0, 1, 2], [1, 2, 3])]
    assert values(batch, "b") == [("str", [0, 1], ["x", "y"])]


def test_ints_and_floats_under_one_key_stay_ints_and_floats() -> None:
    """One column of floats would lose the last digits of a large int without a word."""
    batch = seal([row(1, n=2**53 + 1), row(2, n=0.5), row(3, n=True), row(4, n="x"), row(5, n=None)])
    assert values(batch, "n") == [
        ("int", [0], [2**53 + 1]),
        ("float", [1], [0.5]),
        ("bool", [2], [True]),
        ("str", [3], ["x"]),
        ("none", [4], [None]),
    ]


def test_arrays_maps_and_bytes_survive() -> None:
    batch = seal([row(1, v=(1, 2.5, "x", (None,))), row(2, v={"k": (b"\xff", True)}), row(3, v=b"\x00")])
    runs = {run.kind: run for run in batch.attributes["v"]}
    assert [decode_json(text) for text in runs["json"].values.to_pylist()] == [
        [1, 2.5, "x", [None]],
        {"k": [b"\xff", True]},
    ]
    assert runs["bytes"].values.to_pylist() == [b"\x00"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a\udc80", "a\\udc80"),
        (2**64, str(2**64)),
        ("x" * (MAX_TEXT + 1), "x" * MAX_TEXT + "… [+1 characters]"),
    ],
)
def test_what_arrow_refuses_is_cleaned_and_costs_nobody_else(value: Any, kept: str) -> None:
    batch = seal([row(1, v="before" if isinstance(value, str) else 1), row(2, v=value)])
    found = {
        position: item
        for _, rows, items in values(batch, "v")
        for position, item in zip(rows or [0, 1], items, strict=False)
    }
    assert found[1] == kept
    assert found[0] in ("before", 1)


@pytest.mark.parametrize(
    ("fields", "column", "kept"),
    [
        ({"name": 5}, "name", "5"),
        ({"name": "\udcff"}, "name", "\\udcff"),
        ({"name": ["unhashable"]}, "name", "['unhashable']"),
        ({"start": 12.7}, "start_ns", 12),
        ({"start": -5}, "start_ns", -5),
        ({"start": 2**70}, "start_ns", 2**63 - 1),
        ({"start": "soon"}, "start_ns", 0),
        ({"end": 1e30}, "end_ns", 2**63 - 1),
    ],
)
def test_a_field_of_the_wrong_kind_is_mended_and_costs_nobody_else(
    fields: dict[str, Any], column: str, kept: Any
) -> None:
    table = seal([row(1), row(2, **fields)]).spans.to_pydict()
    assert table[column][1] == kept
    assert table["name"][0] == "work"


def test_events_and_links_know_their_row() -> None:
    extra = Extra(
        events=((5, "started", ("n",), (1,)), (6, "ended", (), ())),
        links=((9, 8, ("why",), ("retry",)),),
        dropped_links=3,
    )
    batch = seal([row(1), row(2, extra=extra)])
    assert batch.events.to_pydict() == {"row": [1, 1], "time_ns": [5, 6], "name": ["started", "ended"]}
    assert batch.event_attributes["n"][0].values.to_pylist() == [1]
    assert batch.links.to_pydict() == {"row": [1], "linked_trace_id": [f"{9:032x}"], "linked_span_id": [f"{8:016x}"]}
    assert batch.spans.to_pydict()["dropped_links"] == [0, 3]


def test_strings_that_repeat_are_stored_once() -> None:
    batch = seal([row(i + 1, s="the same text every time") for i in range(100)])
    run: Run = batch.attributes["s"][0]
    assert len(run.values.dictionary) == 1


def test_a_row_that_cannot_be_sealed_is_one_that_says_so_and_costs_no_other() -> None:
    """Torn, short, of objects that refuse everything: the others are there, and each is counted once."""

    class Refusing:
        def __hash__(self) -> int:
            raise ValueError("no")

        def __eq__(self, other: object) -> bool:
            raise ValueError("no")

    UNSEALABLE.clear()
    good = row(1, n=1)
    torn = (*row(2, a=1, b=2)[:-1],)
    rows = [good, row(3, name=Refusing()), torn, (7, 4, 0), (7, 5), row(6, n=2)]
    for _ in range(3):
        batch = seal(rows)
    found = batch.spans.to_pylist()
    assert [int(each["span_id"], 16) for each in found] == [1, 3, 2, 4, 5, 6]
    assert found[0]["name"] == found[5]["name"] == "work"
    assert "Refusing object" in found[1]["name"]
    assert [each["name"].startswith("this span could not be kept") for each in found] == [
        False,
        False,
        False,
        True,
        True,
        False,
    ]
    assert sorted(UNSEALABLE) == [(7, 4), (7, 5)]
    UNSEALABLE.clear()
