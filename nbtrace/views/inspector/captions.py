"""What is told of spans that have a caption: what is shown of them in place of their names.

Enters: spans that have been placed in the browser. Leaves: texts, and columns with an entry for each such span."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrace.analysis.captions.caption import KEYS, MARKS, caption
from nbtrace.store.batch import Batch
from nbtrace.store.schema import KINDS
from nbtrace.views import words
from nbtrace.views.inspector.details import attributes_of
from nbtrace.views.inspector.placed import Ints, Placed

MAX_CAPTION = 200


def captions(placed: Sequence[Placed]) -> tuple[list[str], npt.NDArray[np.int32], npt.NDArray[np.uint32]]:
    """Return captions, the rows that have one, and the place of each one's. A row that ran when it was told of has another when
    it has ended; one that has none any more has an empty one."""
    known: dict[str, int] = {}
    rows: list[int] = []
    numbers: list[int] = []
    for each in placed:
        at = _marked(each.batch, each.positions)
        if not len(at):
            continue
        chosen = each.positions[at]
        carried = attributes_of(each.batch.attributes, chosen, KEYS)
        where = pa.array(chosen)
        names, kinds = (each.batch.spans[column].take(where).to_pylist() for column in ("name", "kind"))
        told = each.rows[at].tolist()
        for row, name, kind, attributes in zip(told, names, kinds, carried, strict=True):
            found = caption(name, KINDS[kind], attributes)
            text = words.plain(found, MAX_CAPTION) if found else ""
            rows.append(row)
            numbers.append(known.setdefault(text, len(known)))
    return list(known), np.array(rows, dtype=np.int32), np.array(numbers, dtype=np.uint32)


def _marked(batch: Batch, positions: Ints) -> Ints:
    """Which of the positions are spans that may have a caption. Of most batches none is, and no span of theirs is looked at."""
    found = np.zeros(len(positions), dtype=bool)
    for key in MARKS & batch.attributes.keys():
        for run in batch.attributes[key]:
            if run.rows is None:
                found[:] = True
            elif len(run.rows) and len(positions):
                at = np.minimum(np.searchsorted(run.rows, positions), len(run.rows) - 1)
                found |= run.rows[at] == positions
    return np.flatnonzero(found)
