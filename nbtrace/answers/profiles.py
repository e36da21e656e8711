"""What a cell did inside, though nobody wrote a span there: its statements, and the samples of its threads.

Enters: a snapshot of a store, and a selection. Leaves: DataFrames. pandas is opened by the first question, not by the import."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbtrace.analysis.conditions import named
from nbtrace.analysis.selection import Cells, Selection, last_executions
from nbtrace.answers.register import question
from nbtrace.answers.tables import Tables
from nbtrace.capture.current_cell import CELL
from nbtrace.store.libraries import Opening
from nbtrace.store.span_store import Snapshot

if TYPE_CHECKING:
    import pandas as pd

    from nbtrace.analysis.profiles.allotted import Allotted
    from nbtrace.analysis.profiles.hotspots import By
    from nbtrace.analysis.profiles.profile import Bools


class Profiles(Tables):
    """Answers about the statements and the samples of a store."""

    @question()
    def statements(self, *, cell: Cells = None, where: str | None = None, asking: bool = False) -> pd.DataFrame:
        """Return one row per statement at the top level of a cell, in the order in which they ran: cell, first_line,
        last_line (of the cell as it was typed, from 1), source, start_time, duration, status_code.

        Exact, and no spans. The body of a cell magic is one statement. A statement that runs has no duration yet. source is
        missing where code is not kept, and cut at 1,000 characters. cell, where: see `spans`, but the condition is about these
        columns; asking: see `cells`."""
        selection, snapshot = Selection(cell, where=where, asking=asking), self._profiled()
        from nbtrace.analysis.profiles.statements import statements

        table = statements(snapshot, asking=selection.with_asking)
        return self._marked(selection.of(table, snapshot), snapshot)

    @question()
    def samples(
        self, *, cell: Cells = None, trace_id: str | None = None, where: str | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return one row per sample of a thread that worked, in the order of time: time, cell, trace_id and span_id (of the
        span that was current), thread_id, process_pid, wall and cpu (timedelta64[ns]: how long the sample stands for, and how
        long of that the thread computed), memory (resident bytes of its process), stack.

        stack is a tuple of texts "function (file:line)", the innermost last; the file of a cell's code is cell [4], that of a
        library begins where it is imported from. Names are as the code has them, whatever they contain. cpu and memory are
        missing where the system does not tell. Samples of several threads at one moment share their time. Raw: what is not
        sampled is in none of them, see `hotspots`. cell, trace_id, where: see `spans`, but the condition is about these
        columns; asking: see `cells`."""
        selection, snapshot = Selection(cell, trace_id, where=where, asking=asking), self._profiled()
        from nbtrace.analysis.profiles.samples import samples

        table = samples(snapshot, asking=selection.with_asking)
        return self._marked(selection.of(table, snapshot), snapshot)

    @question("hot", by=("function", "line", "library"), last_cell=True)
    def hotspots(
        self,
        *,
        by: By = "function",
        cell: Cells = None,
        trace_id: str | None = None,
        name: str | None = None,
        where: str | None = None,
        last: int | None = None,
        asking: bool = False,
    ) -> pd.DataFrame:
        """Return where the time of threads went, one row per function, line or library, the largest self time first: function,
        file, line (of a function the first), library, self and total (timedelta64[ns]: the innermost, and with all that it
        called), self_share and total_share (from 0 to 1, of all time that counts), python, native, waiting (timedelta64[ns]),
        samples (in which it is on the stack).

        by: "function", "line" or "library" (function, file and line are missing then). What calls itself counts once in total.
        python, native and waiting divide self by what the thread did: it computed in Python's code, in other code, or not at
        all; what was not sampled is in none of them, and they are missing where the system does not tell. library is the
        distribution (pandas, scikit-learn), "standard library", "your files" or "notebook".

        Of each cell the self times on its own thread add up to its duration: what was not sampled (its first 10 ms, whole
        cells shorter than that) is self time of `<module>` at the statement that ran. Other threads count beside it, so all may
        be more than the duration. `.attrs["samples"]` says how many samples it rests on; a share of fewer than ten is a guess.
        A running cell is answered as far as it has come.

        name, trace_id, where choose spans, as in `spans`: what was sampled in them and below them counts. last: only the last
        so many cells; asking: see `cells`. Raises UnknownGroupError for another `by`."""
        selection, snapshot = Selection(cell, trace_id, name, where, last, asking), self._profiled()
        from nbtrace.analysis.profiles.allotted import allotted
        from nbtrace.analysis.profiles.hotspots import checked_by, hotspots

        by = checked_by(by)
        time = allotted(snapshot)
        return self._marked(hotspots(time, by, *self._counted(selection, snapshot, time)), snapshot)

    @question("lines", last_cell=True, shows="_shown_lines")
    def lines(
        self, *, cell: Cells = None, where: str | None = None, last: int | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return what each line of cells' code took, one row per line that took time, in the order of cells and lines: cell (in
        which the time passed), code_cell (whose source the line is: a function of cell 2 that cell 5 calls has the lines of 2,
        called from 5), line (as it was typed, from 1), source, time (timedelta64[ns]), share (of the cell's duration), cpu
        (timedelta64[ns]), memory_change (bytes), samples, workers (other processes that ran it: those of a pool).

        time is the line with all that it called, once per stack and once for several threads or processes at a time, and never
        more than the duration: rows do not add up. It is exact where a statement is a single line; lines of longer statements
        and of functions come from samples, and what was not sampled of a statement goes to its first line. cpu is of all threads
        and processes, and of samples alone; memory_change is by how much a process grew from one look to the next while it ran
        the line. Both are missing where nobody looked. source is missing where code is not kept, and cut at 1,000 characters.

        A cell that was edited and run again is another execution with lines of its own. A running cell is answered as far as it
        has come. cell, where, last: see `view`, but the condition is about these columns; asking: see `cells`."""
        selection, snapshot = Selection(cell, where=where, last=last, asking=asking), self._profiled()
        from nbtrace.analysis.profiles.lines import FOR_VIEWS

        table = self._lines(selection, snapshot).drop(columns=list(FOR_VIEWS))
        return self._marked(selection.of(table, snapshot), snapshot)

    def _shown_lines(
        self, *, cell: Cells = None, where: str | None = None, last: int | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """The same, shown beside the code of the cells."""
        selection, snapshot = Selection(cell, where=where, last=last, asking=asking), self._profiled()
        from nbtrace.analysis.profiles.cell_code import CellCode
        from nbtrace.analysis.profiles.lines import FOR_VIEWS
        from nbtrace.views.formatted import Answer
        from nbtrace.views.listing import listed

        table = self._lines(selection, snapshot)
        public = self._marked(selection.of(table.drop(columns=list(FOR_VIEWS)), snapshot), snapshot)
        return listed(public, table, CellCode(snapshot.executions)) if where is None else Answer.of(public, "lines")

    # ── how they are made ────────────────────────────────────────────────────────────────────────────────────────────

    def _profiled(self) -> Snapshot:
        """A snapshot, with what reads its samples opened so that a fork meanwhile waits."""
        self._tables()
        with Opening():
            from nbtrace.analysis.profiles import hotspots, hottest, samples, statements  # noqa: F401

        return self._snapshot()

    def _lines(self, selection: Selection, snapshot: Snapshot) -> pd.DataFrame:
        """The lines of the cells that are asked about, whatever the condition says."""
        from nbtrace.analysis.profiles.allotted import allotted
        from nbtrace.analysis.profiles.lines import lines

        time, executions = allotted(snapshot), self._executions(selection, snapshot)
        return lines(time, time.code.by_number if executions is None else executions)

    def _executions(self, selection: Selection, snapshot: Snapshot) -> set[int] | None:
        """The numbers of the executions that are asked about; None for all of them, and for what is outside of cells."""
        known = [e for e in snapshot.executions if selection.with_asking or not e.only_asked]
        if selection.last is not None:
            known = last_executions(known, selection.last, asker=CELL.get(), asking=True)
        if selection.cell is not None:
            from nbtrace.analysis.filters import execution_counts

            counts = execution_counts(selection.cell)
            known = [each for each in known if each.execution_count in counts]
        elif selection.last is None and len(known) == len(snapshot.executions):
            return None
        return {each.number for each in known}

    def _counted(
        self, selection: Selection, snapshot: Snapshot, time: Allotted
    ) -> tuple[Bools | None, set[int] | None]:
        """Which samples count, and of which executions what was not sampled does; None for all."""
        import numpy as np

        executions, samples = self._executions(selection, snapshot), time.samples
        counted = None
        if executions is not None:
            numbers = list(executions)
            if selection.cell is None and selection.last is None:
                numbers.append(0)  # outside of cells nobody only asks
            counted = np.isin(samples.cell, numbers)
        if not selection.of_spans:
            return counted, executions
        spans = self._with_those_below(selection, snapshot)
        inside = np.array([span_id in spans for _, span_id in samples.spans] + [False], dtype=bool)[samples.span]
        # Where it is not known which span was current, it is the cell's own.
        own = {each.number for each in snapshot.executions if f"{each.span_id:016x}" in spans}
        inside |= (samples.span < 0) & np.isin(samples.cell, list(own))
        return inside if counted is None else inside & counted, own if executions is None else own & executions

    def _kept(self, selection: Selection, snapshot: Snapshot) -> Snapshot:
        """What of a snapshot meets the conditions, with the spans below; all of it without any."""
        if not selection.narrowed:
            return snapshot
        from nbtrace.store.narrowed import narrowed

        executions = self._executions(replace(selection, asking=True), snapshot)
        spans = self._with_those_below(selection, snapshot) if selection.of_spans else None
        return narrowed(snapshot, executions, spans)

    def _with_those_below(self, selection: Selection, snapshot: Snapshot) -> set[str]:
        """The ids of the spans that trace, name and condition choose, and of all below them."""
        from nbtrace.analysis.tree import with_those_below

        table = self._tables().spans(snapshot, wanted=named(selection.where, snapshot))
        return with_those_below(table, replace(selection, cell=None, last=None).of(table, snapshot)["span_id"])
