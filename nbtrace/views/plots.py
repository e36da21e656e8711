"""Pictures of a recording: how durations are spread, when the cells ran, where a trace's time went.

Enters: spans and cells DataFrames. Leaves: matplotlib Axes, to be changed or saved like any other. matplotlib is optional:
it is opened by the first plot."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pandas as pd

from nbtrace.analysis.filters import check_column
from nbtrace.analysis.intervals import intervals
from nbtrace.analysis.tree import depth_first
from nbtrace.views import words
from nbtrace.views.colours import colour

FAILED = "#d55e00"
RAN = "#0072b2"
"""Okabe and Ito's, which people of any colour vision can tell apart."""

MAX_DEPTH = 40
MAX_POINTS = 500
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_LEAST_WIDTH = 1 / 2_000
_LABEL_WIDTH = 0.04
_LABEL_CHARACTERS = 130


class Plots:
    """Plots of one recording: `nbtrace.plot.durations()`, `rec.plot.cells()`. Each takes `ax` and returns the Axes."""

    def __init__(self, spans: Callable[..., pd.DataFrame], cells: Callable[..., pd.DataFrame]) -> None:
        self._spans = spans
        self._cells = cells

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"there is no plot {name!r}. There are .durations(), .cells() and .flame().", name=name)

    def durations(
        self,
        *,
        by: str = "name",
        cell: int | Collection[int] | None = None,
        where: str | None = None,
        top: int = 10,
        asking: bool = False,
        ax: Any = None,
    ) -> Any:
        """Draw how durations are spread, by name or another column: a box from the lower to the upper quartile with the
        median, whiskers to the 5th and 95th percentile, the rest as points, on a logarithmic axis. The `top` values with
        the largest total are shown."""
        spans = self._spans(cell=cell, where=where, asking=asking)
        check_column(spans, by)
        spans = spans[spans["duration"].notna() & spans[by].notna()]
        ms = spans["duration"].dt.total_seconds() * 1_000
        groups = ms.groupby(spans[by].astype(str))
        names = groups.sum().sort_values(ascending=False).index.tolist()
        ax = _axes(ax, rows=min(len(names), top))
        if names:
            lengths = [np.maximum(groups.get_group(name).to_numpy(), 1e-6) for name in names[:top]]
            low, lower, median, upper, high = np.array([np.quantile(length, QUANTILES) for length in lengths]).T
            rows = np.arange(len(lengths))
            ax.hlines(rows, low, high, color=RAN, linewidth=1)
            ax.barh(rows, upper - lower, left=lower, height=0.6, color="#56b4e9", edgecolor=RAN)
            ax.vlines(median, rows - 0.3, rows + 0.3, color=FAILED, linewidth=2)
            for row, length in enumerate(lengths):
                beyond = length[(length < low[row]) | (length > high[row])][:MAX_POINTS]
                ax.plot(beyond, np.full(len(beyond), row), ".", color=RAN, alpha=0.4, markersize=4)
            labels = [
                f"{words.plain(name, 40)} ({len(length):,})" for name, length in zip(names, lengths, strict=False)
            ]
            ax.set_yticks(rows, [_plain(label) for label in labels])
            ax.invert_yaxis()
            ax.set_xscale("log")
            ax.margins(x=0.03)
        ax.set_xlabel("duration in ms")
        ax.set_title(_plain(f"Durations by {by}" + _left_out(len(names), top, "value")), loc="left")
        return ax

    def cells(self, *, asking: bool = False, ax: Any = None, top: int = 30) -> Any:
        """Draw when each cell ran: a bar per execution, a failed one in another colour, a row per cell. The last `top` cells
        are shown, with asking=True those that only ask nbtrace as well."""
        cells = self._cells(asking=asking)
        known = cells["source"].where(cells["source"] != "", "#" + cells["cell"].astype(str))  # capture_source="none"
        identity = cells["cell_id"].where(cells["cell_id"].notna(), known)
        order = list(dict.fromkeys(identity[::-1].tolist()))
        kept = {key: row for row, key in enumerate(reversed(order[:top]))}
        ax = _axes(ax, rows=len(kept))
        start = cells["start_time"].min()
        labels: dict[int, str] = {}
        each: Any
        for key, each in zip(identity.tolist(), cells.itertuples(), strict=True):
            if key not in kept:
                continue
            row = kept[key]
            began = (each.start_time - start).total_seconds()
            lasted = 0.0 if each.duration is pd.NaT else each.duration.total_seconds()
            shade = FAILED if each.status_code == "ERROR" else RAN
            ax.barh(row, max(lasted, 1e-6), left=began, height=0.7, color=shade, edgecolor=shade, linewidth=0.8)
            lines = str(each.source).strip().splitlines()
            labels[row] = f"[{'' if each.cell is pd.NA else each.cell}] {words.plain(lines[0] if lines else '', 30)}"
        ax.set_yticks(list(labels), [_plain(label) for label in labels.values()])
        ax.invert_yaxis()
        ax.set_xlabel("seconds since the first cell")
        ax.set_title(_plain("Cells" + _left_out(len(order), top, "cell")), loc="left")
        return ax

    def flame(self, *, cell: int | Collection[int] | None = None, trace_id: str | None = None, ax: Any = None) -> Any:
        """Draw spans below their parents over time, the last cell's if nothing is asked for. Spans too narrow to be seen,
        and those deeper than 40 levels, are left out and counted in the title."""
        if cell is None and trace_id is None:
            counts = self._cells()["cell"].dropna()
            cell = None if counts.empty else int(counts.iloc[-1])
        spans = self._spans(cell=cell, trace_id=trace_id, asking=True)
        rows: Any
        depths: Any
        rows, depths = depth_first(spans)
        found: Any = intervals(spans)
        start, end = found.start[rows] / 1e6, found.end[rows] / 1e6
        first, last = (start.min(), end.max()) if len(rows) else (0.0, 1.0)
        whole = max(last - first, 1e-6)
        shown = np.flatnonzero((end - start >= whole * _LEAST_WIDTH) & (depths < MAX_DEPTH))
        ax = _axes(ax, rows=int(depths[shown].max(initial=0)) + 1)
        names = spans["name"].tolist()
        failed = (spans["status_code"] == "ERROR").tolist()
        for place in shown.tolist():
            row, left, width = int(rows[place]), start[place] - first, end[place] - start[place]
            ax.barh(
                depths[place],
                width,
                left=left,
                height=0.92,
                align="edge",
                color=colour(names[row]),
                edgecolor=FAILED if failed[row] else "white",
                linewidth=1.6 if failed[row] else 0.4,
            )
            if width > whole * _LABEL_WIDTH:
                text = words.plain(names[row], max(3, int(width / whole * _LABEL_CHARACTERS)))
                ax.text(
                    left + whole * 0.003,
                    depths[place] + 0.46,
                    _plain(text),
                    va="center",
                    fontsize=8,
                    clip_on=True,
                    color="black",
                )
        ax.set_xlim(0, whole)
        ax.invert_yaxis()
        ax.set_yticks([])
        ax.set_xlabel("ms")
        ax.set_title(_plain(words.count(len(rows), "span") + _left_out(len(rows), len(shown), "span")), loc="left")
        return ax


def _axes(ax: Any, *, rows: int) -> Any:
    """The Axes to draw on, a new one if none is given."""
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'plots need matplotlib, which is not installed. Type  pip install "nbtrace[plot]"', name=error.name
        ) from None
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 1.1 + 0.3 * max(rows, 2)), layout="constrained")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _plain(text: str) -> str:
    """Text that matplotlib does not take for mathematics, nor for a character that no font has."""
    return words.plain(text).replace("$", r"\$")


def _left_out(there: int, shown: int, what: str) -> str:
    return f" ({there - shown:,} more {what}{'s' if there - shown > 1 else ''} not shown)" if there > shown else ""
