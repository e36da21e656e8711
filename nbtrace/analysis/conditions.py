"""What a condition may name: columns however rare, and the variables of whoever asks.

Enters: a `where`, and a snapshot. Leaves: attribute keys, and variables."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from nbtrace.analysis.where.tokens import MAX_LENGTH
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.store.store import Snapshot

if TYPE_CHECKING:
    import pandas as pd


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


def narrowed_by(
    table: pd.DataFrame,
    snapshot: Snapshot,
    cell: int | Collection[int] | None = None,
    trace_id: str | None = None,
    name: str | None = None,
    where: str | None = None,
    name_column: str = "name",
) -> pd.DataFrame:
    """Return the rows of a table that meet all conditions: see `filters.narrow`. `@x` is a variable of whoever asks, and
    an unknown column's error suggests rare keys too."""
    from nbtrace.analysis.filters import narrow

    variables = caller(where)
    rare = [ATTRIBUTE_PREFIX + key for key in attribute_keys(snapshot, *_holders(table))] if where is not None else ()
    return narrow(
        table,
        cell=cell,
        trace_id=trace_id,
        name=name,
        where=where,
        name_column=name_column,
        variables=variables,
        known=rare,
    )


def _holders(table: pd.DataFrame) -> tuple[Holder, ...]:
    """Return whose attributes can be columns of a table: those of errors and cells are none."""
    if "linked_span_id" in table:
        return ("link_attributes",)
    if "parent_span_id" in table:
        return ("attributes",)
    return ("event_attributes",) if "time" in table and "name" in table else ()
