"""A tree of spans at one moment, in whatever form the place it is shown in can take.

Enters: a spans and an errors DataFrame, and how many spans were dropped. Leaves: text/plain and text/html."""

from __future__ import annotations

import pandas as pd

from nbtrace.analysis import dataframes
from nbtrace.store.store import Snapshot
from nbtrace.views import html, text, words

TWIN_ROWS = 50


class TreeView:
    """A tree of spans at one moment: text/plain everywhere, an HTML table where that can be shown. Of a long recording the
    latest traces are shown, and the rest counted."""

    def __init__(self, spans: pd.DataFrame, errors: pd.DataFrame, dropped_spans: int) -> None:
        self._spans = spans
        # Nothing of spans that it was not given, be it never shown.
        self._errors = errors[errors["span_id"].isin(spans["span_id"])] if len(errors) else errors
        self._dropped = dropped_spans

    @classmethod
    def of(cls, snapshot: Snapshot, ids: frozenset[str]) -> TreeView:
        """Return the tree of the spans with these ids, as far as they are recorded."""
        spans = dataframes.spans(snapshot)
        chosen = spans[spans["span_id"].isin(ids)].reset_index(drop=True)
        return cls(chosen, dataframes.errors(snapshot), snapshot.dropped_spans)

    def last(self, count: int | None = None) -> frozenset[str]:
        """Return the ids of the last so many spans, or of all, those that are not shown included."""
        ids = self._spans["span_id"]
        return frozenset(ids if count is None else ids.iloc[-count:])

    def __len__(self) -> int:
        """Return the number of spans, those that are not shown included."""
        return len(self._spans)

    def __str__(self) -> str:
        return text.tree(*self._latest(text.MAX_ROWS))

    __repr__ = __str__

    def twin(self) -> dict[str, str]:
        """Return what stands for an inspector where there is none: text and a table, both short, as every view is saved."""
        return {"text/html": self._repr_html_(), "text/plain": text.tree(*self._latest(TWIN_ROWS), max_rows=TWIN_ROWS)}

    def _repr_html_(self) -> str:
        return html.tree_table(*self._latest(html.MAX_ROWS))

    def _latest(self, max_rows: int) -> tuple[pd.DataFrame, pd.DataFrame, str]:
        """The spans of the last traces that fit into `max_rows`, at least one; and a note on what is left out."""
        notes = [f"{self._dropped:,} older spans were dropped (see %nbtrace status)"] if self._dropped else []
        sizes = self._spans.groupby("trace_id", sort=False).size()
        fitting = sizes[::-1].cumsum() <= max_rows
        traces = max(1, int(fitting.sum()))
        if traces >= len(sizes):
            return self._spans, self._errors, " · ".join(notes)
        chosen = self._spans[self._spans["trace_id"].isin(sizes.index[-traces:])].reset_index(drop=True)
        left_out = len(self._spans) - len(chosen)
        earlier = f"{words.count(left_out, 'span')} of {words.count(len(sizes) - traces, 'earlier trace')}"
        notes.insert(0, f"{earlier} not shown (--cell N, --where …)")
        return chosen, self._errors, " · ".join(notes)
