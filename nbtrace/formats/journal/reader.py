"""A journal is read: what a process recorded, however it ended.

Enters: a path. Leaves: a snapshot. A span that has started and not ended is unfinished. A line that was being written when the
process died is left out; one that cannot be read otherwise is counted."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nbtrace.formats.checked import without_twins
from nbtrace.formats.journal.ends import is_head
from nbtrace.formats.journal.files import before, parts
from nbtrace.formats.journal.records import EXECUTION_FIELDS, HEAD, VERSION
from nbtrace.formats.journal.series import MOST_BYTES
from nbtrace.formats.parquet.whole import read_parquet
from nbtrace.formats.reading import Loaded, UnreadableFileError
from nbtrace.store.batch import Batch, divided
from nbtrace.store.book import Execution, Resources
from nbtrace.store.rows import CHUNK_ROWS
from nbtrace.store.samples import SampleBatch, SampleFields, seal_samples
from nbtrace.store.schema import KINDS, STATUS_CODES, UNFINISHED, Extra, Origin, Row, Thread
from nbtrace.store.seal import seal
from nbtrace.store.span_store import Snapshot
from nbtrace.store.stacks import MAX_DEPTH, Stack, root
from nbtrace.store.statements import StatementBatch, statement_batch
from nbtrace.store.values import clean_text, decode_json, with_tuples

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
    if not reading.heads:
        raise UnreadableFileError(
            f"{str(path)!r} is no journal of nbtrace: its first line does not say so. nbtrace.load() reads other files."
        )
    return reading.loaded(before(path))


class _Reading:
    """What is known so far."""

    def __init__(self) -> None:
        self.heads = 0
        self.lines = 0
        self.lost = 0
        self.bad: Counter[str] = Counter()
        self.first_bad = ""
        self._batches: list[Batch] = []
        self._rows: list[Row] = []
        self._open: dict[int, Row] = {}
        self._early: dict[int, int] = {}
        """When spans ended of which has not been read yet that they have started."""
        self._preliminary: dict[int, Row] = {}
        self._executions: dict[int, dict[str, Any]] = {}
        self._begun: dict[int, list[tuple[int, int, int]]] = {}
        self._over: dict[int, tuple[int, bool]] = {}
        self._samples: list[Row] = []
        self._sample_batches: list[SampleBatch] = []
        self._root = root()
        self._known: dict[int, Any] = {}
        self._depths: dict[int, int] = {}
        """What lines of this part refer to, by number: origins, threads, keys, stacks."""
        self._readers: dict[Any, Callable[[list[Any]], None]] = {
            "o": self._origin,
            "t": self._thread,
            "k": self._keys,
            "f": self._frame,
            "s": self._started,
            "x": self._ended_as_started,
            "e": self._ended,
            "i": self._ended_for_now,
            "c": self._execution,
            "b": self._statement,
            "d": self._statements_over,
            "p": self._sample,
            "r": lambda items: None,
            "z": self._closed,
            HEAD: self._head,
        }

    def read(self, path: Path) -> None:
        """Read a part."""
        self._known, self._depths = {}, {}
        for number, line in enumerate(_lines(path), start=1):
            self.lines += 1
            try:
                items = decode_json(line)
                self._readers[items[0]](items)
            except UnreadableFileError:
                raise
            except (ValueError, TypeError, LookupError, RecursionError, OverflowError) as error:
                self.bad[type(error).__name__] += 1
                self.first_bad = self.first_bad or f"line {number} of {path.name!r} ({type(error).__name__})"

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _head(self, items: list[Any]) -> None:
        if not is_head(items):
            raise ValueError("no head")
        if items[1] != VERSION:
            raise UnreadableFileError(
                f"this journal was written by another version of nbtrace ({items[2].get('version')!r}); read it with that one."
            )
        self.heads += 1

    def _origin(self, items: list[Any]) -> None:
        _, number, service, scope, version, resource = items
        if not isinstance(json.loads(resource), dict):
            raise ValueError("no resource")
        service, scope, version = (None if each is None else _text(each) for each in (service, scope, version))
        self._known[number] = Origin(service, scope, version, _text(resource))

    def _thread(self, items: list[Any]) -> None:
        _, number, pid, ident, name = items
        self._known[number] = Thread(
            None if pid is None else _long(pid),
            None if ident is None else _long(ident),
            None if name is None else _text(name),
        )

    def _keys(self, items: list[Any]) -> None:
        _, number, keys = items
        self._known[number] = tuple(map(_text, keys))

    def _frame(self, items: list[Any]) -> None:
        _, number, above, function, file, line, first_line = items
        stack = self._root if above == 0 else self._of(above, Stack)
        depth = self._depths[number] = self._depths.get(above, 0) + 1 if above else 1
        if depth > MAX_DEPTH + 1:  # no stack is kept that is deeper, and a path to each of its frames takes long
            raise ValueError("too deep a stack")
        self._known[number] = stack.call(_text(function), _text(file), _small(line), _small(first_line))

    def _started(self, items: list[Any]) -> None:
        _, trace_id, span_id, parent, name, kind, cell, o, t, k, start, *values = items
        row = self._row((trace_id, span_id, parent), name, kind, start, UNFINISHED, 0, cell, o, t, None, k, values)
        if (end := self._early.pop(row[1], None)) is not None:
            self._done((*row[:6], end, *row[7:]))
        else:
            self._open[row[1]] = row

    def _ended_as_started(self, items: list[Any]) -> None:
        _, span_id, end = items
        row = self._open.pop(span_id, None)
        if row is not None:
            self._done((*row[:6], _int(end), *row[7:]))
        else:  # a disk was slow when it started, so that stands behind
            self._early[_int(span_id)] = _int(end)

    def _ended(self, items: list[Any]) -> None:
        row = self._ended_row(items)
        self._open.pop(row[1], None)
        if self._preliminary:
            self._preliminary.pop(row[1], None)
        self._done(row)

    def _done(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= CHUNK_ROWS:
            self._seal()

    def _ended_for_now(self, items: list[Any]) -> None:
        row = self._ended_row(items)
        self._open.pop(row[1], None)
        self._preliminary[row[1]] = row

    def _ended_row(self, items: list[Any]) -> Row:
        _, trace_id, span_id, parent, name, kind, start, end, status, cell, o, t, extra, k, *values = items
        return self._row(
            (trace_id, span_id, parent), name, kind, start, end, status, cell, o, t, _extra(extra), k, values
        )

    def _row(
        self,
        ids: Any,
        name: Any,
        kind: Any,
        start: Any,
        end: Any,
        status: Any,
        cell: Any,
        o: Any,
        t: Any,
        extra: Any,
        k: Any,
        values: Any,
    ) -> Row:
        trace_id, span_id, parent = map(_int, ids)
        keys = self._of(k, tuple)
        if len(keys) != len(values):
            raise ValueError("as many values as keys")
        return (
            trace_id,
            span_id,
            parent,
            _text(name),
            _among(kind, KINDS),
            _int(start),
            _int(end),
            _among(status, STATUS_CODES),
            _small(cell),
            self._of(o, Origin),
            self._of(t, Thread),
            extra,
            keys,
            *[value if type(value) in _ATOMS else with_tuples(value) for value in values],
        )

    def _of(self, number: Any, kind: type) -> Any:
        found = self._known[number]
        if type(found) is not kind:
            raise ValueError("another kind of thing")
        return found

    def _execution(self, items: list[Any]) -> None:
        _, said = items
        number = _small(said["number"])
        _execution(said)  # raises where it cannot be one
        known = self._executions.setdefault(number, {})
        # What was said first may be of a time when little was known.
        known.update({name: value for name, value in said.items() if value or name not in known})

    def _statement(self, items: list[Any]) -> None:
        _, cell, start, line = items
        self._begun.setdefault(_small(cell), []).append((_long(start), _small(line), 0))

    def _statements_over(self, items: list[Any]) -> None:
        _, cell, end, failed, begun = items
        self._over[_small(cell)] = (_long(end), bool(failed))
        self._begun[cell] = [(_long(start), _small(first), _small(last)) for start, first, last in begun]

    def _sample(self, items: list[Any]) -> None:
        _, time_ns, cell, trace_id, span_id, t, wall, cpu, memory, native, f = items
        stack = self._root if f == 0 else self._of(f, Stack)
        thread = self._of(t, Thread)
        cpu, memory = (None if each is None else _long(each) for each in (cpu, memory))
        ids = _small(cell), _int(trace_id), _int(span_id)
        self._samples.append(SampleFields(_long(time_ns), *ids, thread, _long(wall), cpu, memory, bool(native), stack))
        if len(self._samples) >= _SAMPLES:
            self._sample_batches.append(seal_samples(self._samples))
            self._samples = []

    def _closed(self, items: list[Any]) -> None:
        self.lost += _small(items[1])

    # ── all of it ────────────────────────────────────────────────────────────────────────────────────────────────────

    def loaded(self, before_path: Path) -> Loaded:
        """Return what was read, and what was recorded before the journal began."""
        unread = []
        if self.bad:
            n = sum(self.bad.values())
            unread.append(f"{n:,} of {self.lines:,} lines cannot be read, the first of them {self.first_bad}")
        if self.lost:
            unread.append(f"{self.lost:,} lines were not written, as the disk was too slow")
        earlier = Snapshot((), (), 0)
        if before_path.is_file():
            try:
                earlier = read_parquet(before_path).snapshot
            except UnreadableFileError as error:
                unread.append(f"what was recorded before the journal began is left out: {error}")
        self._rows += self._preliminary.values()
        self._seal()
        if self._samples:
            self._sample_batches.append(seal_samples(self._samples))
        ended, _ = zip(*map(divided, earlier.batches), strict=True) if earlier.batches else ((), ())
        # A span may have been said twice around an interrupt, or stand in what was recorded before, too.
        batches, _ = without_twins([*ended, *self._batches, seal(list(self._open.values()))])
        executions = {each.number: each for each in earlier.executions}
        executions.update({number: _execution(said) for number, said in self._executions.items()})
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
        for cell, begun in self._begun.items():
            execution = executions.get(cell)
            end, failed = self._over.get(cell, (None, False))
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


def _execution(said: dict[str, Any]) -> Execution:
    known = {name: said.get(name) for name in EXECUTION_FIELDS}
    resources = said.get("resources")
    if isinstance(resources, dict):
        resources = Resources(
            **{name: _number(value) for name, value in resources.items() if name in Resources._fields}
        )
    line_map = known["line_map"]
    count, cell_id = known["execution_count"], known["cell_id"]
    return Execution(
        number=_small(known["number"]),
        execution_count=_long(count) if type(count) is int else None,
        cell_id=None if cell_id is None else clean_text(cell_id),
        source=clean_text(known["source"] or ""),
        run=_long(known["run"]) if type(known["run"]) is int else 1,
        trace_id=_id(known["trace_id"] or 0, 128),
        span_id=_id(known["span_id"] or 0, 64),
        digest=str(known["digest"] or ""),
        asks=bool(known["asks"]),
        failed=bool(known["failed"]),
        resources=resources if isinstance(resources, Resources) else None,
        file=str(known["file"] or ""),
        line_map=tuple(map(_small, line_map)) if isinstance(line_map, list) else None,
    )


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


_ATOMS = frozenset((str, int, float, bool, type(None)))


def _int(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("no whole number")
    return value


def _long(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError("no number of 64 bits")
    return value


def _id(value: Any, bits: int) -> int:
    if type(value) is not int or not 0 <= value < 2**bits:
        raise ValueError("no id")
    return value


def _number(value: Any) -> Any:
    if type(value) is int:
        return _long(value)
    if value is not None and type(value) not in (float, bool):
        raise ValueError("no number")
    return value


def _small(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**31:
        raise ValueError("no small number")
    return value


def _among(value: Any, words: tuple[str, ...]) -> int:
    if _small(value) >= len(words):
        raise ValueError("a word that there is not")
    return int(value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("no text")
    return value


def _extra(said: Any) -> Extra | None:
    if said is None:
        return None
    message, events, links, attributes, dropped_events, dropped_links, propagated = with_tuples(said)
    return Extra(
        None if message is None else _text(message),
        tuple((_int(when), _text(name), tuple(map(_text, keys)), values) for when, name, keys, values in events),
        tuple((_int(trace), _int(span), tuple(map(_text, keys)), values) for trace, span, keys, values in links),
        _small(attributes),
        _small(dropped_events),
        _small(dropped_links),
        bool(propagated),
    )
