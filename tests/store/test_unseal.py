"""Batches as rows again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.store.schema import RUNNING, UNFINISHED, Extra, Row
from nbtrace.store.seal import seal
from nbtrace.store.unseal import unseal
from tests.formats.test_arrow import rows, told
from tests.rows import row


@settings(deadline=None, max_examples=60)
@given(found=st.lists(rows(), max_size=6))
def test_rows_that_are_sealed_again_are_the_same_batch(found: list[Row]) -> None:
    """Types, None, mixed types under one key, events, links, running spans, threads and origins."""
    batch = seal(found)
    assert told(seal(unseal(batch))) == told(batch)


def test_rows_are_what_was_sealed() -> None:
    """As they came, with one tuple for all that share keys."""
    extra = Extra("why", ((5, "tick", ("k",), (None,)),), ((7, 8, (), ()),), 1, 2, 3, True)
    found = [
        row(1, a=1, b=(1, ("x",))),
        row(2, parent=1, end=RUNNING, a=2, b={"c": (1,)}),
        row(3, end=UNFINISHED, extra=extra),
    ]
    again = unseal(seal(found))
    assert again == found
    assert again[0][12] is again[1][12]
