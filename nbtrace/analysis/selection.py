"""What a question is about: which spans, by cell, trace, name or a condition.

Enters: what somebody typed. Leaves: a `Selection`, which narrows tables. It is frozen, and its condition brings its variables
along, so that it means the same whenever it is asked."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbtrace.analysis.conditions import Condition, Holder, attribute_keys, caller
from nbtrace.analysis.whole_numbers import whole
from nbtrace.store.book import Execution
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.store.span_store import Snapshot

if TYPE_CHECKING:
    import pandas as pd

Cells = int | Collection[int] | None

_VARIABLE = re.compile(r"@(\w+)")


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of the spans; without conditions all of them."""

    cell: Cells = None
    """An execution count, or several."""
    trace_id: str | None = None
    """32 hex digits, or the beginning of them."""
    name: str | None = None
    """Exact."""
    where: str | None = None
    """A condition of docs/conditions.md."""
    last: int | None = None
    """Only the last so many cells, the one that asks left out."""
    asking: bool = False
    """Those of cells that only ask nbtrace, too."""

    def __post_init__(self) -> None:
        if isinstance(self.cell, Iterator):  # which can be read once; a selection may be asked again
            object.__setattr__(self, "cell", tuple(self.cell))
        if self.last is not None:
            said = f"last={reprlib.repr(self.last)} is no number of cells. Type for example last=3."
            object.__setattr__(self, "last", whole(self.last, said))

    @property
    def narrowed(self) -> bool:
        """Whether there is any condition."""
        return any(each is not None for each in (self.cell, self.trace_id, self.name, self.where, self.last))

    @property
    def of_spans(self) -> bool:
        """Whether there is a condition that chooses among the spans of a cell."""
        return any(each is not None for each in (self.trace_id, self.name, self.where))

    @property
    def with_asking(self) -> bool:
        """Whether cells that only ask are wanted: who names a cell or a trace wants it, whatever it does."""
        return self.asking or self.cell is not None or self.trace_id is not None

    def bound(self) -> Selection:
        """Return the same with the variables that its condition names: for one that is asked again later, by others."""
        if not isinstance(self.where, str):
            return self
        variables = caller(self.where)
        kept = {name: variables[name] for name in _VARIABLE.findall(self.where) if name in variables}
        return Selection(self.cell, self.trace_id, self.name, Condition(self.where, kept), self.last, self.asking)

    def of(self, table: pd.DataFrame, snapshot: Snapshot, *, name_column: str = "name") -> pd.DataFrame:
        """Return the rows of a table that meet all conditions but `last` and `asking`, numbered anew. `@x` in a condition is a
        variable of whoever asks, and an unknown column's error suggests rare keys too."""
        from nbtrace.analysis.filters import narrow

        variables = caller(self.where)
        rare = (
            [ATTRIBUTE_PREFIX + k for k in attribute_keys(snapshot, *_holders(table))] if self.where is not None else ()
        )
        return narrow(
            table,
            cell=self.cell,
            trace_id=self.trace_id,
            name=self.name,
            where=self.where,
            name_column=name_column,
            variables=variables,
            known=rare,
        )


def _holders(table: pd.DataFrame) -> tuple[Holder, ...]:
    """Return whose attributes can be columns of a table: those of errors, cells and tasks are none."""
    if "linked_span_id" in table:
        return ("link_attributes",)
    if "kind" in table:
        return ("attributes",)
    return ("event_attributes",) if "time" in table and "name" in table else ()


def last_executions(executions: Iterable[Execution], last: int, *, asker: int, asking: bool = False) -> list[Execution]:
    """Return the last so many executions that have a count and did something, or only asked; `asker` is the number of the one
    that asks, which is left out."""
    found = [
        each
        for each in executions
        if each.execution_count is not None and each.number != asker and (asking or not each.only_asked)
    ]
    return found[-last:]
