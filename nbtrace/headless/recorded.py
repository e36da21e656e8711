"""What kernels have recorded, once they are gone: their journals, with the span of the run above the cells.

Enters: journals, and the row of a run. Leaves: a recording. There is one way, whether a kernel ended or was killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nbtrace.formats.journal.reader import read_journal
from nbtrace.formats.reading import UnreadableFileError
from nbtrace.recording import Recording, from_elsewhere
from nbtrace.store.schema import Row
from nbtrace.store.span_store import Snapshot, SpanStore


def held(journals: Sequence[Path]) -> tuple[Snapshot, list[str]]:
    """Return what journals hold together, and what could not be read. Nothing without any."""
    together = Snapshot((), (), 0)
    unread: list[str] = []
    for journal in journals:
        try:
            loaded = read_journal(journal)
        except (UnreadableFileError, OSError) as error:
            unread.append(str(error))
            continue
        one = loaded.snapshot.from_elsewhere()  # numbers of executions that those of the other kernels do not have
        unread += loaded.unread
        together = Snapshot(
            (*together.batches, *one.batches),
            (*together.executions, *one.executions),
            together.dropped_spans + one.dropped_spans,
            (*together.samples, *one.samples),
            (*together.statements, *one.statements),
            together.dropped_samples + one.dropped_samples,
        )
    return together, unread


def with_run(snapshot: Snapshot, run: Row) -> Recording:
    """Return the recording of what a run's kernels held, below the span of the run."""
    own = SpanStore()  # which redacts: a parameter of the run may be a secret
    own.append(run)
    return from_elsewhere(replace(snapshot, batches=(*own.snapshot().batches, *snapshot.batches)))


def last_seen(recording: Recording) -> str:
    """Say where the cell was that never ended; "" where there is none, or nobody knows."""
    from nbtrace.views.last_seen import last_seen as noted

    notes = noted(recording.spans(), recording._snapshot())
    return next(iter(notes.values()), "")
