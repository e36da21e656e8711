"""The recording itself: spans and executions in memory, redacted, with what still runs.

Enters: row tuples, by `append`, and whoever knows of running spans. Leaves: a `Snapshot` of sealed batches. How rows are
kept is rows.py's affair. Knows no SDK, no DataFrame and no notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nbtrace.store.book import CellBook, Execution, renumbered
from nbtrace.store.libraries import open_libraries
from nbtrace.store.now import Now
from nbtrace.store.redaction import rows as redacted
from nbtrace.store.redaction.choice import Redact
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.redaction.rows import CaptureSource
from nbtrace.store.rows import MIN_SETTLED_ROWS, Mark, Rows
from nbtrace.store.schema import STATES, UNFINISHED, Row, RowFields

if TYPE_CHECKING:
    from nbtrace.store.batch import Batch
    from nbtrace.store.samples import SampleBatch
    from nbtrace.store.statements import StatementBatch

SAMPLES_PART = 10
"""Samples may take this part of `max_bytes` beside the spans, and statements as much."""

_MANY_CELLS = 32
"""A row of statements has those of a cell: so many rows are worth sealing for good."""

_END = RowFields._fields.index("end_ns")
_UNFINISHED = STATES.index("unfinished")

_MANY = 2**62
"""So many rows may come: what bounds them is their weight."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a recording held at one moment."""

    batches: tuple[Batch, ...]
    """Sealed spans, the oldest first; a running span has no end."""
    executions: tuple[Execution, ...]
    dropped_spans: int
    """Finished spans that the bound has pushed out since the recording began or was reset."""
    samples: tuple[SampleBatch, ...] = ()
    statements: tuple[StatementBatch, ...] = ()
    dropped_samples: int = 0

    def from_elsewhere(self) -> Snapshot:
        """Return what another process held as this one can hold it: with numbers for its executions that no other has."""
        from nbtrace.store.batch import with_cells
        from nbtrace.store.samples import samples_with_cells
        from nbtrace.store.statements import statements_with_cells

        executions = renumbered(self.executions)
        place = {number: execution.number for number, execution in executions.items()}
        batches = tuple(with_cells(batch, place) for batch in self.batches)
        samples = tuple(samples_with_cells(batch, place) for batch in self.samples)
        statements = tuple(statements_with_cells(batch, place) for batch in self.statements)
        known = tuple(executions.values())
        return Snapshot(batches, known, self.dropped_spans, samples, statements, self.dropped_samples)


class Subscriber(Protocol):
    """Who is told of spans as they start and end, in their threads: on the user's path."""

    def started(self, row: Row) -> None:
        """Take the row of a span that has started."""
        ...

    def ended(self, row: Row) -> None:
        """Take the row of a span that has ended, or that nothing can end any more."""
        ...


class SpanStore:
    """Finished spans, the oldest dropped beyond `max_spans` or `max_bytes`; running ones are asked for when somebody
    looks."""

    def __init__(
        self,
        *,
        max_spans: int = 1_000_000,
        max_bytes: int = 1_000_000_000,
        redact: Redact = True,
        capture_source: CaptureSource = "full",
        sampling: int = 0,
    ) -> None:
        self.sampling = sampling
        """How often a second samples are wanted, 0 for not at all."""
        self._sealing = _Sealing(Redactor(redact))
        self.capture_source: CaptureSource = capture_source
        self._shown = redacted.Shown()
        self.cells = CellBook()
        self.sources: dict[object, Callable[[], list[Row]]] = {}
        """By who they are: each gives the rows of spans that still run."""
        self.forgotten_spans = 0
        """How many spans have been taken out because somebody asked for it."""
        self._rows: Rows[Batch] = Rows(
            self._sealing.sealed, self._sealing.sealed_now, max_rows=max_spans, max_bytes=max_bytes
        )
        part = max(1, max_bytes // SAMPLES_PART)
        self.samples: Rows[SampleBatch] = Rows(
            self._sealing.sealed_samples, self._sealing.sealed_samples_now, max_rows=_MANY, max_bytes=part
        )
        self.statements: Rows[StatementBatch] = Rows(
            _sealed_statements, _sealed_statements, max_rows=_MANY, max_bytes=part
        )
        self.running_statements: dict[object, Callable[[], list[Row]]] = {}
        """By who they are: each gives the row of statements of cells that still run."""
        self.now: dict[int, Now] = {}
        """By the number of the execution: what those that run were doing when they were last looked at."""
        self.append = self._rows.append
        """Add a finished span, `append(row, weight)`. Called on the user's path, from any thread."""
        self.holds = self._rows.holds
        """Whether a row with the ids of this one is among the last that came: an interrupted writer asks."""
        self.settle = self._rows.settle
        """Have a long chunk sealed now, while nobody waits for it."""
        self.starts: tuple[Callable[[Row], None], ...] = ()
        """Who is told of spans that start: whoever makes them need not make a row if there is nobody."""
        self.gather: tuple[Callable[[bool], None], ...] = ()
        """Called before anything is read: what waits elsewhere is to come in first."""
        self.subscribed: Callable[[], None] = _nobody
        """Called when somebody subscribes or goes; whoever makes rows of spans that start sets it."""
        self.redacts_otherwise: Callable[[], None] = _nobody
        """Called when the redactor is another; whoever has told others of it sets it."""
        self.taken_out: tuple[Callable[[], None], ...] = ()
        """Called when something was taken out because somebody asked for it: whoever keeps a copy of what comes is in it."""
        self._carried: list[Batch] = []
        """Spans that ran when another store handed them over: as they were then, until they end here."""

    @property
    def redactor(self) -> Redactor:
        """Takes secrets out of whatever is sealed or shown from here on."""
        return self._sealing.redactor

    @redactor.setter
    def redactor(self, redactor: Redactor) -> None:
        self._sealing.redactor = redactor
        self.redacts_otherwise()

    def __len__(self) -> int:
        """Return how many finished spans are kept."""
        return len(self._rows)

    @property
    def unfinished_spans(self) -> int:
        """How many spans are kept, or known, that never ended and never will."""
        kept = self._rows.kept()
        states: list[int] = [
            chunk.batch.spans["state"].to_pylist().count(_UNFINISHED) for chunk in kept if chunk.batch is not None
        ]
        ends = [row[_END] for chunk in kept for row in chunk.rows or ()]
        return sum(states) + (ends + [row[_END] for row in self.running_rows()]).count(UNFINISHED)

    @property
    def dropped_spans(self) -> int:
        """How many finished spans the bound has pushed out."""
        return self._rows.dropped

    @property
    def max_spans(self) -> int:
        """The bound; setting it drops what is over it at once."""
        return self._rows.max_rows

    @max_spans.setter
    def max_spans(self, max_spans: int) -> None:
        self._rows.max_rows = max_spans

    @property
    def nbytes(self) -> int:
        """The memory of the finished spans: measured where they are sealed, estimated where they are not."""
        return self._rows.nbytes

    @property
    def max_bytes(self) -> int:
        """The bound on their memory; setting it drops what is over it at once."""
        return self._rows.max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        self._rows.max_bytes = max_bytes
        self.samples.max_bytes = self.statements.max_bytes = max(1, max_bytes // SAMPLES_PART)

    # ── spans that run ───────────────────────────────────────────────────────────────────────────────────────────────

    def running_rows(self) -> list[Row]:
        """Return the rows of the spans that have not ended, of all sources."""
        return [row for source in list(self.sources.values()) for row in source()]

    def ended_rows(self, span_ids: Collection[int]) -> list[Row]:
        """Return the rows of these spans, as far as they have come in."""
        found, batches = [], []
        for chunk in self._rows.kept() if span_ids else ():
            if (rows := chunk.rows) is not None:
                found += [row for row in rows if row[1] in span_ids]
            elif chunk.batch is not None:
                batches.append(chunk.batch)
        if batches:
            from nbtrace.store.batch import with_ids
            from nbtrace.store.unseal import unseal

            found += [row for batch in batches for row in unseal(with_ids(batch, span_ids))]
        return found

    def subscribe(self, subscriber: Subscriber) -> None:
        """Tell of each span that starts or ends from here on."""
        self.starts = (*self.starts, subscriber.started)
        self._rows.subscribe(subscriber.ended)
        self.subscribed()

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Tell it no more."""
        self.starts = tuple(told for told in self.starts if told != subscriber.started)
        self._rows.unsubscribe(subscriber.ended)
        self.subscribed()

    def gather_all(self, *, asked: bool = True) -> None:
        """Have come in what waits elsewhere. Not `asked`: somebody looks again and again, and what takes a while comes later."""
        for gather in self.gather:
            gather(asked)

    # ── all of it ────────────────────────────────────────────────────────────────────────────────────────────────────

    def clear(self) -> None:
        """Forget all finished spans and the count of the dropped, samples and statements too."""
        self.gather_all()
        for rows in (self._rows, self.samples, self.statements):
            rows.clear()
        self._shown.clear()
        self._carried = []
        self.forgotten_spans = 0
        self._tell_taken_out()

    def take(self, snapshot: Snapshot) -> None:
        """Hold what another store held: for one that is empty and is not being written to."""
        from nbtrace.store.batch import divided, traces_with_parents, with_cells_of_traces

        self.cells.take(snapshot.executions)
        number_of = self.cells.by_trace()
        cells = [each.span_id for each in snapshot.executions if each.span_id]
        for trace_id in {found for batch in snapshot.batches for found in traces_with_parents(batch, cells)}:
            # Something is above the cells there, the span of a run: what has no cell may be that, or beside the cells.
            number_of.pop(trace_id, None)
        for batch in snapshot.batches:
            ended, running = divided(with_cells_of_traces(batch, number_of))
            if running.length:
                self._carried.append(running)
            self._rows.take(ended)
        self._rows.take_dropped(snapshot.dropped_spans)
        for samples in snapshot.samples:
            self.samples.take(samples)
        self.samples.take_dropped(snapshot.dropped_samples)
        for statements in snapshot.statements:
            self.statements.take(statements)

    def forget(self, span_ids: Collection[int], running: int = 0, executions: Collection[int] = ()) -> None:
        """Take spans out, with all that hangs on them; `running` of them have not ended, and will not come in. And the
        executions with these numbers, and those whose own span is among the spans, with their statements and samples."""
        from nbtrace.store.batch import without
        from nbtrace.store.samples import without_samples
        from nbtrace.store.statements import without_statements

        found = running + self._rows.replace(lambda batch: without(batch, span_ids))
        carried = sum(batch.length for batch in self._carried)
        self._carried = [left for batch in self._carried if (left := without(batch, span_ids)).length]
        found += carried - sum(batch.length for batch in self._carried)
        gone = {e.number for e in self.cells.executions() if e.span_id in span_ids} | set(executions)
        self.samples.replace(lambda batch: without_samples(batch, gone, span_ids))
        self.statements.replace(lambda batch: without_statements(batch, gone))
        self.cells.blank(gone)
        self._shown.forget(gone)
        self.forgotten_spans += found
        self._tell_taken_out()

    def _tell_taken_out(self) -> None:
        for told in self.taken_out:
            told()

    def since(self, mark: Mark | None) -> tuple[list[tuple[Batch, int]], Mark]:
        """Return the spans that came after `mark`, as batches, each with the number of rows to skip, and a new mark: see
        `Rows.since`. Without a mark those that ran when another store handed them over are among them."""
        self.gather_all(asked=mark is None)
        found, mark_now = self._rows.since(mark)
        if mark is None:
            found += [(batch, 0) for batch in self._still_carried([batch for batch, _ in found])]
        return found, mark_now

    def snapshot(self) -> Snapshot:
        """Return all spans as sealed batches, running ones in a last batch of their own. Writers are never blocked:
        what they append meanwhile is in the next snapshot."""
        open_libraries()
        self.gather_all()
        self._rows.begin_anew()
        # Running spans first: one that ends in between is then in both, and the finished row wins.
        before = self._rows.lengths()
        running, dropped = self.running_rows(), self.dropped_spans
        chunks, batches, rows = self._rows.read()
        if running:
            ended = {row[1] for row in rows}
            for chunk, batch in ((chunk, chunk.batch) for chunk in chunks if chunk.batch is not None):
                if (skip := before.get(chunk.number, 0)) < batch.length:
                    ended.update(int(span_id, 16) for span_id in batch.spans["span_id"].slice(skip).to_pylist())
            rows += [row for row in running if row[1] not in ended]
        batches += self._still_carried(batches, rows)
        self._rows.trim()
        if rows or not batches:
            batches.append(self.sealed_now(rows))
        # Each batch has a tree of stacks of its own: it pays for many samples only.
        self.samples.begin_anew(MIN_SETTLED_ROWS)
        self.statements.begin_anew(_MANY_CELLS)
        samples = tuple(batch for batch, _ in self.samples.since(None)[0])
        statements = [batch for batch, _ in self.statements.since(None)[0]]
        now = [row for source in list(self.running_statements.values()) for row in source()]
        if now:
            statements.append(_sealed_statements(now))
        return Snapshot(tuple(batches), self.executions(), dropped, samples, tuple(statements), self.samples.dropped)

    def _still_carried(self, batches: Collection[Batch], rows: Collection[Row] = ()) -> list[Batch]:
        """The spans that ran when another store handed them over, but for those that have ended here."""
        if not self._carried:
            return []
        from nbtrace.store.batch import ids_among, without

        ended = {row[1] for row in rows}.union(*(ids_among(batches, batch) for batch in self._carried))
        return [left for batch in self._carried if (left := without(batch, ended)).length]

    def forget_ended_cells(self) -> None:
        """Forget all executions but the last, which may be the one that asks, and what was kept of their sources."""
        before = {execution.number for execution in self.cells.executions()}
        self.cells.forget_ended()
        self._shown.forget(before - {execution.number for execution in self.cells.executions()})

    def change(self, *, redactor: Redactor | None = None, capture_source: CaptureSource | None = None) -> None:
        """Redact otherwise from here on. What has ended, and the sources of cells that have run, stay as they are kept."""
        if (
            redactor is not None
            and redactor.choice == self.redactor.choice
            and capture_source in (None, self.capture_source)
        ):
            return
        self._rows.seal_all()
        self.samples.seal_all()
        self._shown.settle(self.cells.executions(), self.redactor, self.capture_source)
        if redactor is not None:
            self.redactor = redactor
        if capture_source is not None:
            self.capture_source = capture_source

    def sealed_now(self, rows: list[Row]) -> Batch:
        """Seal rows that will be sealed for good later, running ones say."""
        return self._sealing.sealed_now(rows)

    def executions(self) -> tuple[Execution, ...]:
        """Return the executions in the order of their starts, with as much of their sources as is wanted, redacted. Of those
        that are forgotten only number and count are left, as other spans may name them."""
        return tuple(self._shown.execution(e, self.redactor, self.capture_source) for e in self.cells.executions())

    def shown(self, execution: Execution) -> Execution:
        """Return an execution with as much of its source as is wanted, redacted."""
        return self._shown.execution(execution, self.redactor, self.capture_source)

    def redacted(self) -> dict[str, int]:
        """Return how often each rule has taken something out of what the recording holds or held."""
        self.executions()
        waiting = self.redactor.uncounted()
        for chunk in self._rows.kept():
            redacted.rows(chunk.rows or (), waiting)
        return dict((Counter(self.redactor.counts) + Counter(waiting.counts)).most_common())


def _nobody() -> None: ...


def _sealed_statements(rows: list[Row]) -> StatementBatch:
    from nbtrace.store.statements import seal_statements

    return seal_statements(rows)


class _Sealing:
    """How rows become batches: without secrets. Apart from the store, which the rows would hold otherwise as it holds them."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor

    def sealed(self, rows: list[Row]) -> Batch:
        from nbtrace.store.seal import seal  # opens pyarrow, so not at import

        return seal(rows, self.redactor)

    def sealed_now(self, rows: list[Row]) -> Batch:
        """What is redacted is counted when they are sealed for good."""
        from nbtrace.store.seal import seal

        return seal(rows, self.redactor.uncounted())

    def sealed_samples(self, rows: list[Row]) -> SampleBatch:
        from nbtrace.store.samples import seal_samples

        return seal_samples(rows, self.redactor)

    def sealed_samples_now(self, rows: list[Row]) -> SampleBatch:
        from nbtrace.store.samples import seal_samples

        return seal_samples(rows, self.redactor.uncounted())
