"""Which spans an inspector tells of that was asked for some of them.

Enters: a selection. Leaves: for each batch of spans, whether each is one of them: asked batch by batch, so that a narrowed
inspector grows as spans come."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.analysis import dataframes
from nbtrace.analysis.conditions import attribute_keys, named
from nbtrace.analysis.filters import execution_counts
from nbtrace.analysis.selection import Selection, last_executions
from nbtrace.analysis.wrong_question import QuestionError
from nbtrace.faults import fault
from nbtrace.store.batch import Batch
from nbtrace.store.book import Execution
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.store.span_store import Snapshot
from nbtrace.views.inspector.placed import Choice


def among(ids: Collection[str]) -> Choice:
    """Choose the spans with these ids."""
    known = pa.array(sorted(ids), pa.large_string())

    def choose(batch: Batch) -> npt.NDArray[np.bool_]:
        return np.asarray(pc.is_in(batch.spans["span_id"], value_set=known))

    return choose


def meeting(
    selection: Selection,
    executions: Callable[[], tuple[Execution, ...]],
    *,
    asker: int,
    known_keys: Collection[str] = (),
) -> Choice:
    """Choose the spans that meet a selection, whose condition is bound to its variables. The last so many cells are those
    before `asker`, the number of the execution that opens the inspector, and whatever comes after.

    known_keys: the attributes that there are by now; no batch need have all of them."""
    first = 0
    if selection.last is not None:
        last = last_executions(executions(), selection.last, asker=asker, asking=selection.with_asking)
        first = last[0].number if last else asker
    if selection.where is None:
        # No table is needed for the rest, and an inspector that looks ten times a second feels it.
        return _by_columns(selection, executions, first)
    where = selection.where
    keys = set(known_keys)

    def choose(batch: Batch) -> npt.NDArray[np.bool_]:
        snapshot = Snapshot((batch,), executions(), 0)
        keys.update(attribute_keys(snapshot, "attributes"))
        try:
            table = dataframes.spans(snapshot, wanted=named(where, snapshot), asking=selection.with_asking)
            for key in keys:
                # Missing in this batch is missing in its spans, and not a column that there is not.
                if key in where and ATTRIBUTE_PREFIX + key not in table:
                    table[ATTRIBUTE_PREFIX + key] = pd.Series([None] * len(table), dtype=object)
            kept = selection.of(table, snapshot)["span_id"]
        except Exception as error:
            if not isinstance(error, QuestionError):
                fault("choosing the spans of an inspector")
            return np.zeros(batch.length, dtype=bool)
        ids = pa.array(kept.tolist(), pa.large_string())
        met = np.asarray(pc.is_in(batch.spans["span_id"], value_set=ids))
        return met & (np.asarray(batch.spans["cell"]) >= first)

    return choose


def _by_columns(selection: Selection, executions: Callable[[], tuple[Execution, ...]], first: int) -> Choice:
    """As `Selection.of` chooses, without a table."""
    counts = None if selection.cell is None else set(execution_counts(selection.cell))
    begins = None if selection.trace_id is None else str(selection.trace_id).lower()

    def choose(batch: Batch) -> npt.NDArray[np.bool_]:
        numbers = np.asarray(batch.spans["cell"])
        chosen = numbers >= first
        known = executions()
        if counts is not None:
            chosen &= np.isin(numbers, [each.number for each in known if each.execution_count in counts])
        if not selection.with_asking:
            chosen &= ~np.isin(numbers, [each.number for each in known if each.only_asked])
        if begins is not None:
            traces = batch.spans["trace_id"]
            chosen &= np.asarray(pc.starts_with(traces.dictionary, begins))[np.asarray(traces.indices)]
        if selection.name is not None:
            names = batch.spans["name"]
            same = [name == selection.name for name in names.dictionary.to_pylist()]
            chosen &= np.array(same, dtype=bool)[np.asarray(names.indices)]
        return chosen

    return choose
