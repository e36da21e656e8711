"""Recordings of made-up spans, which no program would make."""

from __future__ import annotations

from hypothesis import strategies as st

from nbtrace.recording import Recording
from nbtrace.store.book import Resources
from nbtrace.store.schema import RUNNING, UNFINISHED, Origin
from nbtrace.store.span_store import SpanStore
from tests.rows import row

NAMES = ("cell [1] load()", "cell [2] load()", "cell [ ]", "run a.ipynb", "load", "", "cell\x1b[31m\n[3]")
_ORIGINS = (Origin(), Origin("s", "nbtrace.run"))
_TAGS = (None, "train", ("train", "x"), 7, (), ("",))

_spans = st.tuples(
    st.integers(0, 9),  # parent
    st.sampled_from(NAMES),
    st.integers(1, 3),  # trace
    st.integers(0, 50),  # start
    st.one_of(st.sampled_from([RUNNING, UNFINISHED]), st.integers(1, 80)),  # end
    st.integers(0, 3),  # cell
    st.sampled_from(_ORIGINS),
    st.integers(0, 2),  # status
    st.sampled_from(_TAGS),
    st.sampled_from([None, "a.ipynb", "b/c.ipynb", 3]),
)
_cells = st.tuples(
    st.sampled_from([None, 1, 2, 1]),
    st.sampled_from([None, "id"]),
    st.booleans(),
    st.sampled_from([None, Resources(), Resources(cpu_ns=5, memory_peak=3, memory_change=-2, gpu_memory_peak=9)]),
    st.integers(0, 9),  # the span that is its own
)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    store = SpanStore()
    numbers = [0]
    for count, cell_id, asks, resources, span in draw(st.lists(_cells, max_size=3)):
        ran = store.cells.open(execution_count=count, cell_id=cell_id, source="load()", asks=asks)
        ran.span_id, ran.trace_id, ran.resources = span, 1, resources
        numbers.append(ran.number)
    for number, each in enumerate(draw(st.lists(_spans, max_size=8)), 1):
        parent, name, trace, start, end, cell, origin, status, tags, path = each
        attributes = {"jupyter.cell.tags": tags, "jupyter.notebook.path": path}
        store.append(
            row(
                number,
                parent=parent,
                name=name,
                trace=trace,
                start=start,
                end=end,
                cell=numbers[cell % len(numbers)],
                origin=origin,
                status=status,
                **{key: value for key, value in attributes.items() if value is not None},
            )
        )
    return Recording(store)
