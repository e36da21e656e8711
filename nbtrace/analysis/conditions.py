"""What a condition may name: columns however rare, and the variables of whoever asks.

Enters: a `where`, and a snapshot. Leaves: attribute keys, and variables."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from nbtrace.store.store import Snapshot


class Condition(str):
    """A `where` that brings the variables which its `@x` mean: a magic's are the notebook's."""

    variables: Mapping[str, Any]

    def __new__(cls, text: str, variables: Mapping[str, Any]) -> Condition:
        """Return `text` with its variables."""
        condition = super().__new__(cls, text)
        condition.variables = variables
        return condition


def attribute_keys(snapshot: Snapshot) -> set[str]:
    """Return the keys of all attributes, of events and links too."""
    return {
        key
        for batch in snapshot.batches
        for key in (*batch.attributes, *batch.event_attributes, *batch.link_attributes)
    }


def named(where: str | None, snapshot: Snapshot) -> set[str]:
    """Return the attributes that a condition may mean: they get a column, however rare they are."""
    return {key for key in attribute_keys(snapshot) if key in where} if isinstance(where, str) else set()


def caller(where: str | None) -> Mapping[str, Any]:
    """Return the variables that `@x` in a condition can mean: those of the first frame outside this package."""
    if isinstance(where, Condition):
        return where.variables
    if not isinstance(where, str) or "@" not in where:
        return {}
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "nbtrace":
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals}
