"""A part of what a recording held: some executions, some spans.

Enters: a snapshot. Leaves: one of the same kind."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nbtrace.store.batch import Batch, part
from nbtrace.store.samples import without_samples
from nbtrace.store.span_store import Snapshot
from nbtrace.store.statements import without_statements


def narrowed(snapshot: Snapshot, executions: Collection[int] | None, span_ids: Collection[str] | None) -> Snapshot:
    """Return the spans with these ids (hex digits) that belong to these executions, and what is known of those; None for all.

    With spans, executions of which no span is left go, with their statements and samples."""
    batches = []
    for batch in snapshot.batches:
        kept = np.ones(batch.length, dtype=bool)
        if executions is not None:
            kept &= np.isin(np.asarray(batch.spans["cell"]), list(executions))
        if span_ids is not None:
            kept &= _are_among(batch, span_ids)
        if kept.any():
            batches.append(part(batch, kept))
    known = {each.number for each in snapshot.executions} | {0}  # which is what belongs to none
    stay = known if executions is None else known & set(executions)
    if span_ids is not None:
        stay = stay & {int(number) for batch in batches for number in np.unique(np.asarray(batch.spans["cell"]))}
    gone = known - stay
    return replace(
        snapshot,
        batches=tuple(batches),
        executions=tuple(each for each in snapshot.executions if each.number in stay),
        samples=tuple(found for batch in snapshot.samples if (found := without_samples(batch, gone, ())).length),
        statements=tuple(left for each in snapshot.statements if (left := without_statements(each, gone)).length),
    )


def _are_among(batch: Batch, span_ids: Collection[str]) -> npt.NDArray[np.bool_]:
    wanted = frozenset(span_ids)
    return np.fromiter((span_id in wanted for span_id in batch.spans["span_id"].to_pylist()), bool, batch.length)
