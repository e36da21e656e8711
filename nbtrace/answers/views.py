"""What is looked at: the inspector, the tree, a report in a file, plots.

Enters: a store, and a selection. Leaves: views. They are opened by the first question, not by the import."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrace.analysis.conditions import named
from nbtrace.analysis.selection import Cells, Selection
from nbtrace.answers.profiles import Profiles
from nbtrace.answers.register import question
from nbtrace.capture.live import LIVE
from nbtrace.store.libraries import open_libraries
from nbtrace.views.inspector.front_end import has_front_end

if TYPE_CHECKING:
    import pandas as pd

    from nbtrace.formats.flames import Flames
    from nbtrace.store.span_store import Snapshot
    from nbtrace.views.inspector.widget import Inspector
    from nbtrace.views.plots import Plots
    from nbtrace.views.tree import TreeView


class Views(Profiles):
    """Views of the spans of a store."""

    @question("tree")
    def text(
        self,
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        last: int | None = None,
        asking: bool = False,
    ) -> TreeView:
        """Return the tree of spans, to be displayed: a table in a notebook, text in a terminal and in `print`.

        Narrowed as `view`."""
        return self._tree(Selection(cell, trace_id, name, where, last, asking))

    @question("view")
    def view(
        self,
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        last: int | None = None,
        asking: bool = False,
    ) -> TreeView | Inspector:
        """Return the inspector, to be displayed: a widget in a notebook, the tree as text in a terminal and in `print`.

        Narrowed as `spans`; last: only the last so many cells, and what comes after them; asking: see `cells`. It is live: open
        it before the cells that it shall show, and it grows while they run, by what meets the conditions. It begins with the
        spans of the cell that opens it, if that has some of its own, and with everything otherwise."""
        open_libraries()
        selection = Selection(cell, trace_id, name, where, last, asking).bound()
        tree = partial(self._tree, selection)
        if not has_front_end():
            return tree()
        from nbtrace.views.inspector.widget import inspector

        opener = self._asker(self._store.executions())
        live = LIVE.is_open(self._store)
        return inspector(tree, self._store, self.spans, selection, live=live, opener=opener)

    @question()
    def report(
        self,
        path: str | os.PathLike[str],
        *,
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        last: int | None = None,
        asking: bool = False,
    ) -> Path:
        """Write one HTML file with the whole inspector, to be opened in any browser without a kernel or a network; return
        its path. Narrowed as `view`; of more than 100,000 spans the last ones are written, and the file says so. Below it stand
        the hot lines of the slowest cells, and a link by which the file hands out their profile, as `save` writes it."""
        open_libraries()
        from nbtrace.views.report import write

        selection = Selection(cell, trace_id, name, where, last, asking)
        section = self._where_the_time_went(selection, Path(path).stem)
        return write(path, self._store, self._tree(selection), narrowed=selection.narrowed, section=section)

    @property
    @question()
    def plot(self) -> Plots:
        """Plots of the recording: .durations(), .cells(), .flame(). Needs matplotlib."""
        open_libraries()
        from nbtrace.views.plots import Plots

        def spans(*, cell: Cells = None, trace_id: str | None = None, where: str | None = None, asking: bool) -> Any:
            selection = Selection(cell, trace_id, where=where, asking=asking)
            return self._table("spans", "columns", selection, asking=selection.with_asking)

        return Plots(spans, self.cells)

    def _tree(self, selection: Selection) -> TreeView:
        """The tree of the spans that meet the conditions."""
        tables = self._tables()
        from nbtrace.views.doing import all_said
        from nbtrace.views.last_seen import last_seen
        from nbtrace.views.tree import TreeView

        snapshot, where = self._snapshot(), selection.where
        table = tables.spans(snapshot, wanted=named(where, snapshot), asking=selection.with_asking)
        asker = self._asker(snapshot.executions)
        own = None if asker is None or asker.execution_count is None else f"{asker.span_id:016x}"
        if asker is not None and selection.cell is None and (table["span_id"] == own).any():
            # The cell that asks is still running; nobody wants to see it in the answer. A recording that was begun inside
            # the cell is another thing.
            table = table[(table["cell"] != asker.execution_count).fillna(True)]
        if selection.last is not None:
            table = table[table["cell"].isin(self._last_cells(selection.last, asking=selection.with_asking))]
        shown = selection.of(table, snapshot)
        said = {**self._notes(shown, snapshot), **all_said(self._store, snapshot, time.time_ns())}
        for span_id, note in last_seen(shown, snapshot).items():
            said[span_id] = " · ".join(filter(None, (note, said.get(span_id))))
        return TreeView(shown, tables.errors(snapshot), snapshot.dropped_spans, said)

    def _notes(self, spans: pd.DataFrame, snapshot: Snapshot) -> dict[str, str]:
        """By the id of a cell's span what the cell took, of those that are worth a note."""
        from nbtrace.analysis.profiles.resources import resources
        from nbtrace.views.cell_notes import LEAST_NS, notes

        # A running cell is told too, as far as it has come.
        length = (
            spans["duration"].astype("int64").where(spans["duration"].notna() | (spans["state"] != "running"), LEAST_NS)
        )
        long = set(spans["span_id"][length >= LEAST_NS])
        cells = [each for each in snapshot.executions if each.span_id and f"{each.span_id:016x}" in long]
        if not cells:
            return {}
        ids = [f"{each.span_id:016x}" for each in cells]
        duration = spans.set_index("span_id")["duration"].reindex(ids)
        taken = resources(snapshot, [each.number for each in cells], duration)
        lengths = [LEAST_NS if ns < 0 else ns for ns in duration.astype("int64").tolist()]
        lines = [each.source.strip().count("\n") + 1 for each in cells]
        return {span_id: note for span_id, note in zip(ids, notes(taken, lengths, lines), strict=True) if note}

    def _where_the_time_went(self, selection: Selection, stem: str) -> str:
        """What a report says of samples; nothing where there are none."""
        flames = self._flames(selection, snapshot := self._profiled())
        if not flames.parts:
            return ""
        from nbtrace.formats.speedscope import speedscope
        from nbtrace.views.hot_lines import MAX_CELLS, MAX_LINES, profile_link, section

        link = profile_link(speedscope(flames, stem), stem)
        if selection.of_spans:
            # Lines are those of whole cells, and what other spans did is not told.
            return section(link)
        from nbtrace.analysis.profiles.cell_code import CellCode
        from nbtrace.views.listing import slowest

        table, code = self._lines(selection, snapshot), CellCode(snapshot.executions)
        return section(link, slowest(table, code, most_cells=MAX_CELLS, most_lines=MAX_LINES))

    def _flames(self, selection: Selection, snapshot: Snapshot) -> Flames:
        """The samples of what meets the conditions, named; none where there are none."""
        from nbtrace.analysis.profiles.flames import Wanted, flames

        cells = self._executions(selection, snapshot)
        if cells is not None and selection.cell is None and selection.last is None:
            cells.add(0)  # outside of cells nobody only asks
        spans = self._with_those_below(selection, snapshot) if selection.of_spans else None
        own = {each.number for each in snapshot.executions if spans and f"{each.span_id:016x}" in spans}
        return flames(snapshot, Wanted(cells, spans, own))
