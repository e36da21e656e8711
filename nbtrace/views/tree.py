"""A tree of spans at one moment, in whatever form the place it is shown in can take.

Enters: a spans and an errors DataFrame, and how many spans were dropped. Leaves: text/plain and text/html."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from nbtrace.views import words
from nbtrace.views.grid import Grid, as_html, as_text
from nbtrace.views.outline import outline

MAX_ROWS = 100
"""Lines shown; some 20 kB of notebook file."""

TWIN_ROWS = 50
_MOST_SPANS = 50_000
"""So many spans of the last traces are put in order, to be folded; those before are only counted."""

_HINT = " (see %nbtrace status)"


class TreeView:
    """A tree of spans at one moment: text/plain everywhere, an HTML table where that can be shown. Of a long recording the
    latest traces are shown, and the rest counted."""

    def __init__(
        self, spans: pd.DataFrame, errors: pd.DataFrame, dropped_spans: int, said: Mapping[str, str] | None = None
    ) -> None:
        """`said`: by the ids of the spans of cells, what they took, or of one that runs, what it is doing."""
        self._spans = spans
        self._said = said or {}
        # Nothing of spans that it was not given, be it never shown.
        self._errors = errors[errors["span_id"].isin(spans["span_id"])] if len(errors) else errors
        self._dropped = dropped_spans

    def last(self, count: int | None = None) -> frozenset[str]:
        """Return the ids of the last so many spans, or of all, those that are not shown included."""
        ids = self._spans["span_id"]
        return frozenset(ids if count is None else ids.iloc[-count:])

    def __len__(self) -> int:
        """Return the number of spans, those that are not shown included."""
        return len(self._spans)

    def __str__(self) -> str:
        return as_text(self._grid()) if len(self) else self._nothing()

    __repr__ = __str__

    def as_text(self, width: int) -> str:
        """Return the tree in lines of at most so many columns, for who has no magics to type."""
        return as_text(self._grid(hint=""), width) if len(self) else self._nothing(hint="")

    def twin(self) -> dict[str, str]:
        """Return what stands for an inspector where there is none: text and a table, both short, as every view is saved."""
        if not len(self):
            return {"text/html": self._repr_html_(), "text/plain": self._nothing()}
        grid = self._grid(TWIN_ROWS)
        return {"text/html": as_html(grid), "text/plain": as_text(grid)}

    def _repr_html_(self) -> str:
        return as_html(self._grid()) if len(self) else f'<p class="nbtrace">{self._nothing(" — ")}</p>'

    def _nothing(self, joined: str = "\n", hint: str = _HINT) -> str:
        return joined.join(["no spans", *self._notes(hint)])

    def _notes(self, hint: str) -> list[str]:
        return [f"{self._dropped:,} older spans were dropped{hint}"] if self._dropped else []

    def _grid(self, max_rows: int = MAX_ROWS, hint: str = _HINT) -> Grid:
        notes, spans = self._notes(hint), self._spans
        sizes = spans.groupby("trace_id", sort=False).size()
        traces = max(1, int((sizes[::-1].cumsum() <= _MOST_SPANS).sum()))
        if traces < len(sizes):
            spans = spans[spans["trace_id"].isin(sizes.index[-traces:])].reset_index(drop=True)
            before = f"{words.count(len(self) - len(spans), 'span')} of {words.count(len(sizes) - traces, 'trace')}"
            notes.insert(0, f"{before} before not shown (--cell N, --where …)")
        return outline(spans, self._errors, " · ".join(notes), max_rows=max_rows, said=self._said)
