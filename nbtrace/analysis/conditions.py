"""What a condition may name: columns however rare, and the variables of whoever asks.

Enters: a `where`, and a snapshot. Leaves: attribute keys, and variables."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from nbtrace.analysis.where.tokens import MAX_LENGTH
from nbtrace.store.span_store import Snapshot

Holder: TypeAlias = Literal["attributes", "event_attributes", "link_attributes"]
"""Where a batch keeps attributes."""


class Condition(str):
    """A `where` that brings the variables which its `@x` mean: a magic's are the notebook's."""

    variables: Mapping[str, Any]

    def __new__(cls, text: str, variables: Mapping[str, Any]) -> Condition:
        """Return `text` with its variables."""
        condition = super().__new__(cls, text)
        condition.variables = variables
        return condition


def attribute_keys(snapshot: Snapshot, *holders: Holder) -> set[str]:
    """Return the keys of all attributes: of spans, of events, of links."""
    return {key for batch in snapshot.batches for holder in holders for key in getattr(batch, holder)}


def named(where: str | None, snapshot: Snapshot) -> set[str]:
    """Return the attributes that a condition may mean: they get a column, however rare they are."""
    if not isinstance(where, str) or len(where) > MAX_LENGTH:  # which nothing reads
        return set()
    return {key for key in attribute_keys(snapshot, *get_args(Holder)) if key in where}


def caller(where: str | None) -> Mapping[str, Any]:
    """Return the variables that `@x` in a condition can mean: those of the first frame outside this package. Without an `@`,
    their names alone: an error tells who forgot it."""
    if isinstance(where, Condition):
        return where.variables
    if not isinstance(where, str):
        return {}
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "nbtrace":
        frame = frame.f_back
    if "@" not in where:
        return {**dict.fromkeys(frame.f_globals), **dict.fromkeys(frame.f_locals)}
    return {**frame.f_globals, **frame.f_locals}
