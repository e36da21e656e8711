"""A journal is read: what a process recorded, however it ended.

Enters: a path. Leaves: a snapshot. A span that has started and not ended is unfinished. A line that was being written when the
process died is left out; one that cannot be read otherwise is counted."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from nbtrace.formats.checked import without_twins
from nbtrace.formats.journal.files import before, parts
from nbtrace.formats.journal.line_reader import BAD_LINE, LineReader, execution_of
from nbtrace.formats.journal.series import MOST_BYTES
from nbtrace.formats.parquet.whole import read_parquet
from nbtrace.formats.reading import Loaded, UnreadableFileError
from nbtrace.store.batch import Batch, divided
from nbtrace.store.book import Execution
from nbtrace.store.rows import CHUNK_ROWS
from nbtrace.store.samples import SampleBatch, seal_samples
from nbtrace.store.schema import Row
from nbtrace.store.seal import seal
from nbtrace.store.span_store import Snapshot
from nbtrace.store.statements import StatementBatch, statement_batch
from nbtrace.store.values import decode_json

_BLOCK = 1_000_000
_SAMPLES = 100_000


def read_journal(path: Path) -> Loaded:
    """Return what stands in a journal. Raises FileNotFoundError where there is none, UnreadableFileError for another file."""
    found = parts(path)
    if not found:
        raise FileNotFoundError(f"there is no journal {str(path)!r}; nbtrace.recover() lists those that there are.")
    reading = _Reading()
    for each in found:
        reading.read(each)
    if not reading.has_head:
        raise UnreadableFileError(
            f"{str(path)!r} is no journal of nbtrace: its first line does not say so. nbtrace.load() reads other files."
        )
    return reading.loaded(before(path))


class _Reading:
    """What is known so far."""

    def __init__(self) -> None:
        self.lines = 0
        self.bad: Counter[str] = Counter()
        self.first_bad = ""
        self._reader = LineReader(self._done, self._sampled)
        self._batches: list[Batch] = []
        self._rows: list[Row] = []
        self._samples: list[Row] = []
        self._sample_batches: list[SampleBatch] = []

    @property
    def has_head(self) -> bool:
        """Whether one of the parts is one of a journal."""
        return bool(self._reader.heads)

    def read(self, path: Path) -> None:
        """Read a part."""
        self._reader.begin_part()
        for number, line in enumerate(_lines(path), start=1):
            self.lines += 1
            try:
                self._reader.read(decode_json(line))
            except UnreadableFileError:
                raise
            except BAD_LINE as error:
                self.bad[type(error).__name__] += 1
                self.first_bad = self.first_bad or f"line {number} of {path.name!r} ({type(error).__name__})"

    def _done(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= CHUNK_ROWS:
            self._seal()

    def _sampled(self, row: Row) -> None:
        self._samples.append(row)
        if len(self._samples) >= _SAMPLES:
            self._sample_batches.append(seal_samples(self._samples))
            self._samples = []

    def loaded(self, before_path: Path) -> Loaded:
        """Return what was read, and what was recorded before the journal began."""
        unread = []
        if self.bad:
            n = sum(self.bad.values())
            unread.append(f"{n:,} of {self.lines:,} lines cannot be read, the first of them {self.first_bad}")
        if self._reader.lost:
            unread.append(f"{self._reader.lost:,} lines were not written, as the disk was too slow")
        earlier = Snapshot((), (), 0)
        if before_path.is_file():
            try:
                earlier = read_parquet(before_path).snapshot
            except UnreadableFileError as error:
                unread.append(f"what was recorded before the journal began is left out: {error}")
        self._rows += self._reader.preliminary.values()
        self._seal()
        if self._samples:
            self._sample_batches.append(seal_samples(self._samples))
        ended, _ = zip(*map(divided, earlier.batches), strict=True) if earlier.batches else ((), ())
        # A span may have been said twice around an interrupt, or stand in what was recorded before, too.
        batches, _ = without_twins([*ended, *self._batches, seal(list(self._reader.open.values()))])
        executions = {each.number: each for each in earlier.executions}
        executions.update({number: execution_of(said) for number, said in self._reader.executions.items()})
        statements = [*earlier.statements, self._statements(executions)]
        snapshot = Snapshot(
            tuple(batch for batch in batches if batch.length),
            tuple(executions[number] for number in sorted(executions)),
            earlier.dropped_spans,
            (*earlier.samples, *self._sample_batches),
            tuple(batch for batch in statements if batch.length),
            earlier.dropped_samples,
        )
        return Loaded(snapshot, tuple(unread))

    def _seal(self) -> None:
        if self._rows:
            self._batches.append(seal(self._rows))
            self._rows = []

    def _statements(self, executions: dict[int, Execution]) -> StatementBatch:
        found: list[tuple[int, int, int, int, int | None, int]] = []
        for cell, begun in self._reader.begun.items():
            execution = executions.get(cell)
            end, failed = self._reader.over.get(cell, (None, False))
            ends = {} if execution is None else _last_lines(execution.source)
            for at, (start, first, last) in enumerate(begun):
                is_last = at == len(begun) - 1
                lines = first, last or ends.get(first, first)
                if execution is not None:
                    lines = execution.typed_line(lines[0]), execution.typed_line(lines[1])
                until = end if is_last else begun[at + 1][0]
                found.append(
                    (cell, *lines, start, None if until is None else max(start, until), 2 if failed and is_last else 0)
                )
        return statement_batch(found)


def _last_lines(source: str) -> dict[int, int]:
    """By the first line of each statement of a cell its last one; of code that is not only Python's nothing is known."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found = {}
    for node in tree.body:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        found[first] = node.end_lineno or first
    return found


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a part. What stands behind the last newline was being written, or is the room that was kept."""
    rest = b""
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            if not block.strip(b"\0"):
                continue
            *whole, rest = (rest + block).split(b"\n")
            yield from (line.lstrip(b"\0") for line in whole)
            if len(rest) > 2 * MOST_BYTES:
                raise UnreadableFileError(
                    f"{str(path)!r} is no journal: a line of it is longer than any that is written."
                )
