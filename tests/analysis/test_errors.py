"""What an error is, by the table and by the inspector's column."""

from __future__ import annotations

import numpy as np

import nbtrace
from nbtrace.analysis.errors import errors
from nbtrace.store.schema import Extra
from nbtrace.store.span_store import SpanStore
from tests.rows import row

TOLD = (5, "exception", ("exception.type",), ("ValueError",))


def test_the_table_has_as_many_errors_as_the_inspector_counts() -> None:
    """Exceptions, each; a failed span without one; none for what was passed on, or for an exception that is no event."""
    spans = {
        "fine": row(1),
        "one": row(2, status=2, extra=Extra(events=(TOLD,))),
        "two, handled": row(3, extra=Extra(events=(TOLD, (6, "tick", (), ()), TOLD))),
        "bare": row(4, status=2, extra=Extra(status_message="HTTP 500")),
        "passed on": row(5, status=2, extra=Extra(propagated=True)),
        "passed one on and has another": row(6, status=2, extra=Extra(events=(TOLD,), propagated=True)),
        "ticks": row(7, extra=Extra(events=((6, "tick", (), ()),))),
        "runs": row(8, end=0, extra=Extra(events=(TOLD,))),
    }
    store = SpanStore()
    for name, each in spans.items():
        store.append((*each[:3], name, *each[4:]))
    rec = nbtrace.Recording(store)
    counted = np.concatenate([errors(batch) for batch in store.snapshot().batches])
    assert counted.tolist() == [0, 1, 2, 1, 0, 1, 0, 1]
    table = rec.errors()["span_name"].value_counts().to_dict()
    assert table == {name: count for name, count in zip(spans, counted.tolist(), strict=True) if count}


def test_a_recording_without_spans_has_no_errors() -> None:
    assert errors(SpanStore().snapshot().batches[0]).tolist() == []
