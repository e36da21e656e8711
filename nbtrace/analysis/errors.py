"""What an error is: the one rule, for the tables and for the inspector.

Each exception that was recorded on a span is one, on the innermost span it went through; and each span with the status ERROR
that has no exception of its own, and passed none on from a span below.

Enters: sealed batches. Leaves: numbers per span."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.batch import Batch
from nbtrace.store.schema import STATUS_CODES
from nbtrace.store.semconv import EXCEPTION_EVENT


def exceptions(batch: Batch) -> npt.NDArray[np.int64]:
    """Return how many exceptions were recorded on each span of a batch; int64, one per row."""
    if not batch.events.num_rows:
        return np.zeros(batch.length, dtype=np.int64)
    told = np.asarray(pc.equal(batch.events["name"].cast(pa.large_string()), EXCEPTION_EVENT))
    return np.bincount(np.asarray(batch.events["row"])[told], minlength=batch.length)


def failed_without(batch: Batch) -> npt.NDArray[np.bool_]:
    """Return which spans of a batch are an error though no exception was recorded on them; bool, one per row."""
    failed: npt.NDArray[np.bool_] = np.asarray(batch.spans["status"]) == STATUS_CODES.index("ERROR")
    if not failed.any():
        return failed
    failed &= (np.asarray(batch.spans["propagated"]) == 0) & (exceptions(batch) == 0)
    return failed


def errors(batch: Batch) -> npt.NDArray[np.int64]:
    """Return how many errors each span of a batch has; int64, one per row."""
    return exceptions(batch) + failed_without(batch)
