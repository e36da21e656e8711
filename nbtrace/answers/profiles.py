"""What a cell did inside, though nobody wrote a span there: its statements, and the samples of its threads.

Enters: a snapshot of a store, and a selection. Leaves: DataFrames. pandas is opened by the first question, not by the import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbtrace.analysis.selection import Cells, Selection
from nbtrace.answers.register import question
from nbtrace.answers.tables import Tables
from nbtrace.store.libraries import Opening
from nbtrace.store.span_store import Snapshot

if TYPE_CHECKING:
    import pandas as pd


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
        from nbtrace.analysis.statements import statements

        table = statements(snapshot, asking=selection.with_asking)
        return self._marked(selection.of(table, snapshot), snapshot)

    @question()
    def samples(
        self, *, cell: Cells = None, trace_id: str | None = None, where: str | None = None, asking: bool = False
    ) -> pd.DataFrame:
        """Return one row per sample of a thread that worked, in the order of time: time, cell, trace_id and span_id (of the
        span that was current), thread_id, wall and cpu (timedelta64[ns]: how long the sample stands for, and how long of that
        the thread computed), memory (resident bytes of the process), stack.

        stack is a tuple of texts "function (file:line)", the innermost last; the file of a cell's code is cell [4], that of a
        library begins where it is imported from. Names are as the code has them, whatever they contain. cpu and memory are
        missing where the system does not tell. Samples of several threads at one moment share their time. Raw: what is not
        sampled is in none of them, see `hotspots`. cell, trace_id, where: see `spans`, but the condition is about these
        columns; asking: see `cells`."""
        selection, snapshot = Selection(cell, trace_id, where=where, asking=asking), self._profiled()
        from nbtrace.analysis.samples import samples

        table = samples(snapshot, asking=selection.with_asking)
        return self._marked(selection.of(table, snapshot), snapshot)

    # ── how they are made ────────────────────────────────────────────────────────────────────────────────────────────

    def _profiled(self) -> Snapshot:
        """A snapshot, with what reads its samples opened so that a fork meanwhile waits."""
        self._tables()
        with Opening():
            from nbtrace.analysis import samples, statements  # noqa: F401

        return self._snapshot()
