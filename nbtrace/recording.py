"""A recording: spans in memory. What it answers is in answers/.

Enters: a store. Leaves: the store fed or not, bounded, forgotten, copied."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrace.analysis.selection import Cells, Selection
from nbtrace.analysis.whole_numbers import checked
from nbtrace.answers.register import question
from nbtrace.answers.views import Views
from nbtrace.capture.live import LIVE
from nbtrace.store.chunks import AnyBatch
from nbtrace.store.libraries import open_libraries
from nbtrace.store.redaction.rows import CaptureSource
from nbtrace.store.span_store import Snapshot, SpanStore

if TYPE_CHECKING:
    import pyarrow as pa


class Recording(Views):
    """Spans in memory, and the answers about them. `nbtrace.record()` makes one; the live one is the notebook's."""

    def __init__(self, store: SpanStore) -> None:
        self._store = store

    # ── recording ────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> Recording:
        """Record from here on; a second call does nothing."""
        LIVE.open(self._store)
        return self

    def stop(self) -> Recording:
        """Stop recording. What was recorded stays; spans that have not ended stay as running."""
        LIVE.close(self._store)
        return self

    def __enter__(self) -> Recording:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def recording(self) -> bool:
        """Whether spans are being recorded."""
        return LIVE.is_open(self._store)

    def clear(self) -> None:
        """Forget all finished spans; running ones come in when they end."""
        self._store.clear()

    def forget(
        self, *, cell: Cells = None, trace_id: str | None = None, name: str | None = None, where: str | None = None
    ) -> int:
        """Take spans out, and all that hangs on them: attributes, events, links, exceptions, and of a cell its source. Return
        how many spans there were, running ones included; they are not recorded when they end.

        Narrowed as `spans`; at least one condition is needed. Open inspectors are told. What has left the recording before
        (a report, an output saved in the notebook, a span exported) is not reached. Raises ValueError without a condition."""
        selection = Selection(cell, trace_id, name, where)
        if not selection.narrowed:
            raise ValueError(
                "forget needs to know what. Type for example rec.forget(cell=3) or rec.forget(where=\"name == 'login'\"); "
                "rec.clear() forgets everything."
            )
        found = self._table("spans", "columns", selection)
        executions: set[int] = set()
        if trace_id is None and name is None and where is None:
            # All of the cell, its source too, though its own span may have gone over the bound.
            from nbtrace.analysis.filters import execution_counts

            counts = execution_counts(selection.cell)
            executions = {e.number for e in self._store.executions() if e.execution_count in counts}
        LIVE.forget(self._store, {int(span_id, 16) for span_id in found["span_id"]}, executions)
        feeds = sys.modules.get("nbtrace.views.inspector.feed")
        if feeds is not None:
            feeds.resend(self._store)
        return len(found)

    def __deepcopy__(self, memo: dict[int, Any]) -> Recording:
        """A recording of its own that holds what this one holds now, and does not record."""
        store = SpanStore(max_spans=self.max_spans, max_bytes=self.max_bytes)
        store.redactor, store.capture_source = self._store.redactor, self._store.capture_source
        store.take(self._snapshot())
        return Recording(store)

    def __copy__(self) -> Recording:
        return self.__deepcopy__({})

    def __reduce__(self) -> Any:
        """Travel to another process, or into a file, as what it holds now; there it does not record."""
        return _unpickled, (self.max_spans, self.max_bytes, self._snapshot())

    @property
    def dropped_spans(self) -> int:
        """How many finished spans were pushed out by `max_spans` or `max_bytes`."""
        return self._store.dropped_spans

    @property
    def max_spans(self) -> int:
        """How many finished spans are kept."""
        return self._store.max_spans

    @max_spans.setter
    def max_spans(self, max_spans: int) -> None:
        self._store.max_spans = checked("max_spans", max_spans)

    @property
    def max_bytes(self) -> int:
        """How much memory finished spans may take, in bytes; what is held stays within a quarter of it. They are weighed as
        they end, and again when they are sealed into columns."""
        return self._store.max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        self._store.max_bytes = checked("max_bytes", max_bytes)

    def __len__(self) -> int:
        """Return the number of finished spans."""
        return len(self._store)

    def __repr__(self) -> str:
        state = "recording" if self.recording else "stopped"
        dropped = f", {self.dropped_spans:,} dropped" if self.dropped_spans else ""
        left = f", {unfinished:,} unfinished" if (unfinished := self._store.unfinished_spans) else ""
        return f"<Recording: {len(self):,} spans{dropped}{left}, {state}>"

    def to_arrow(self) -> pa.Table:
        """Return the span table as a pyarrow Table, one row per span in the order in which they ended.

        The columns of `spans`; times are timestamp[ns, UTC], strings that repeat dictionary-encoded, an attribute of mixed
        types is text. Needs no pandas, and most of it is the recording's own memory."""
        open_libraries()
        from nbtrace.analysis.arrow import to_arrow

        return to_arrow(self._snapshot())

    @question()
    def save(
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
        """Write the recording into a file, in the format that its suffix names, and return its path.

        .parquet: all of it without loss, a row a span. A path that ends in "/", or a folder that is empty or was saved into
        before: a dataset of Parquet files, to which each save adds what is new, and which DuckDB, Polars and Dask read in place.

        .jsonl: OTLP as JSON lines, as OpenTelemetry's Collector reads them; .otlp: the same as protobuf, which needs
        `pip install "nbtrace[otlp]"`. Both hold spans and the executions of cells, and come back equal; samples and statements
        are not in them.

        For other programs alone: .json, Chrome trace events for https://ui.perfetto.dev: threads over time, with arrows for
        links, CPU and memory; spans of a thread that overlap stand on tracks beside it. .speedscope.json: a profile for
        https://www.speedscope.app, of each cell and of all of them, weighed in ns. .folded: stacks for flamegraph.pl and
        inferno, in microseconds. In profiles the notebook's frames are its lines, `cell [4] line 3`; a thread that is not the
        cell's own stands outermost by its name, and the times of several threads add up. What is not sampled (the first 10 ms
        of a cell, say) is not in them.

        Narrowed as `view`; trace_id, name, where: these spans and those below them. The file is whole or as it was before.
        Raises UnknownFormatError for another suffix, NoSamplesError where a profile would be empty, and OSError."""
        open_libraries()
        from nbtrace.formats.files import write_text, write_whole
        from nbtrace.formats.parquet.dataset import write_dataset
        from nbtrace.formats.register import FORMATS, names_folder, suffix_of

        target = Path(path)
        suffix = "" if names_folder(path) else suffix_of(target)
        known = FORMATS.get(suffix)
        selection, snapshot = Selection(cell, trace_id, name, where, last, asking), self._profiled()
        if known is None:
            write_dataset(self._kept(selection, snapshot), target)
        elif known.profile is not None:
            flames = self._flames(selection, snapshot)
            if not flames.parts:
                from nbtrace.analysis.profiles.flames import no_samples

                raise no_samples(snapshot, narrowed=selection.narrowed)
            text = known.profile(flames, target.name[: -len(suffix)])
            write_whole(target, lambda file: write_text(text, file))
        else:
            write, kept = known.write, self._kept(selection, snapshot)
            assert write is not None
            write_whole(target, lambda file: write(kept, file))
        return target

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the span table to whoever speaks Arrow: polars.DataFrame(rec), duckdb.sql("select … from rec")."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def from_elsewhere(snapshot: Snapshot) -> Recording:
    """Return a recording of what another process held, bounded so that all of it has room; it does not record."""
    length = sum(batch.length for batch in snapshot.batches)
    signals: tuple[Sequence[AnyBatch], ...] = (snapshot.batches, snapshot.samples, snapshot.statements)
    nbytes = sum(batch.nbytes for signal in signals for batch in signal)
    return _unpickled(max(1_000_000, 2 * length), max(1_000_000_000, 10 * nbytes), snapshot)


def _unpickled(max_spans: int, max_bytes: int, snapshot: Snapshot) -> Recording:
    # What that process took for secrets is gone; what it kept is what there is.
    store = SpanStore(max_spans=max_spans, max_bytes=max_bytes, redact=False)
    store.take(snapshot.from_elsewhere())
    return Recording(store)


def checked_source(capture_source: Any) -> CaptureSource:
    """Return how much of a cell's source is kept; raise ValueError if it is none of the three."""
    if capture_source not in ("full", "hash", "none"):
        raise ValueError(f'capture_source is {capture_source!r}, but must be "full", "hash" or "none".')
    return capture_source  # type: ignore[no-any-return]
