"""Lines of a journal are understood, one after the other: what they refer to, which spans are open.

Enters: lines, as they were written by records.py, in parts. Leaves: rows, handed on as they end; what has not ended is kept.
Nothing in a line is believed: each value is looked at. Opens no library, as a kernel reads lines while the user's code runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nbtrace.formats.journal.ends import is_head
from nbtrace.formats.journal.records import EXECUTION_FIELDS, HEAD, VERSION
from nbtrace.formats.reading import UnreadableFileError
from nbtrace.store.book import Execution, Resources
from nbtrace.store.schema import KINDS, STATUS_CODES, UNFINISHED, Extra, Origin, Row, Thread
from nbtrace.store.stacks import MAX_DEPTH, Stack, root
from nbtrace.store.values import clean_text, decode_json, with_tuples

BAD_LINE = (ValueError, TypeError, LookupError, RecursionError, OverflowError)
"""What a line raises that cannot be read."""


class LineReader:
    """Understands the lines of one journal."""

    def __init__(
        self,
        done: Callable[[Row], object],
        sampled: Callable[[Row], object],
        file_of: Callable[[str, str, int], str] | None = None,
    ) -> None:
        """`done` takes the row of each span that has ended, `sampled` that of each sample. `file_of` gives the file of a frame by
        its function, its file as it was written, and its first line."""
        self._done, self._sampled, self._file_of = done, sampled, file_of
        self.heads: list[dict[str, Any]] = []
        """What each part says of who has written it."""
        self.lost = 0
        """How many lines were not written."""
        self.open: dict[int, Row] = {}
        """Spans that have not ended, by their id: as unfinished."""
        self.preliminary: dict[int, Row] = {}
        """Those that have, with what could be said before all of their texts had been looked at."""
        self.executions: dict[int, dict[str, Any]] = {}
        self.begun: dict[int, list[tuple[int, int, int]]] = {}
        """By the number of an execution when its statements began, and their lines."""
        self.over: dict[int, tuple[int, bool]] = {}
        """And when it was over, and whether it had failed."""
        self._settled: set[int] = set()
        """Spans of which somebody else has told that they ended; their line may still come."""
        self._early: dict[int, int] = {}
        """When spans ended of which has not been read yet that they have started."""
        self._root = root()
        self.begin_part()
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

    def begin_part(self) -> None:
        """Go on in the next part, in which numbers mean something else."""
        self._known: dict[int, Any] = {}
        """What lines of this part refer to, by number: origins, threads, keys, stacks."""
        self._depths: dict[int, int] = {}

    def read(self, items: list[Any]) -> None:
        """Understand a line. Raises one of `BAD_LINE` where it cannot be, UnreadableFileError for another version's."""
        self._readers[items[0]](items)

    def read_all(self, lines: list[bytes]) -> int:
        """Understand lines as they were written; return how many cannot be read."""
        bad = 0
        try:
            # In one go, which takes half the time.
            found = decode_json(b"[" + b",".join(lines) + b"]")
            if len(found) != len(lines):
                raise ValueError("more than one thing in a line")
        except (ValueError, RecursionError):
            found = [_decoded(line) for line in lines]
        for items in found:
            try:
                self.read(items)
            except (*BAD_LINE, UnreadableFileError):
                bad += 1
        return bad

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def end_open(self, span_id: int, end_ns: int) -> None:
        """End a span that is open, by what somebody else has told."""
        row = self.open.get(span_id)
        if row is not None:
            self._settled.add(span_id)
            self._over(span_id, (*row[:6], max(end_ns, row[5]), *row[7:]))  # a clock may have been set back in between

    def give_up(self) -> None:
        """Hand on what has not ended, as it is, or as far as is known how."""
        for row in (*self.open.values(), *self.preliminary.values()):
            self._done(row)
        self.open.clear()
        self.preliminary.clear()

    def _over(self, span_id: int, row: Row) -> None:
        # In this order, as somebody may look at this moment: at what runs first, and then at what has ended.
        self._done(row)
        self.open.pop(span_id, None)

    def _head(self, items: list[Any]) -> None:
        if not is_head(items):
            raise ValueError("no head")
        if items[1] != VERSION:
            raise UnreadableFileError(
                f"this journal was written by another version of nbtrace ({items[2].get('version')!r}); read it with that one."
            )
        self.heads.append(items[2])

    def _origin(self, items: list[Any]) -> None:
        _, number, service, scope, version, resource = items
        if not isinstance(json.loads(resource), dict):
            raise ValueError("no resource")
        service, scope, version = (None if each is None else _text(each) for each in (service, scope, version))
        self._known[number] = Origin(service, scope, version, _text(resource))

    def _thread(self, items: list[Any]) -> None:
        _, number, pid, ident, name = items
        self._known[number] = Thread(
            None if pid is None else long_number(pid),
            None if ident is None else long_number(ident),
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
        function, file, line, first_line = _text(function), _text(file), _small(line), _small(first_line)
        if self._file_of is not None:
            file = self._file_of(function, file, first_line)
        self._known[number] = stack.call(function, file, line, first_line)

    def _started(self, items: list[Any]) -> None:
        _, trace_id, span_id, parent, name, kind, cell, o, t, k, start, *values = items
        row = self._row((trace_id, span_id, parent), name, kind, start, UNFINISHED, 0, cell, o, t, None, k, values)
        if (end := self._early.pop(row[1], None)) is not None:
            self._done((*row[:6], end, *row[7:]))
        else:
            self.open[row[1]] = row

    def _ended_as_started(self, items: list[Any]) -> None:
        _, span_id, end = items
        if span_id in self._settled:
            self._settled.discard(span_id)
            return
        row = self.open.get(span_id)
        if row is not None:
            self._over(span_id, (*row[:6], _int(end), *row[7:]))
        else:  # a disk was slow when it started, so that stands behind
            self._early[_int(span_id)] = _int(end)

    def _ended(self, items: list[Any]) -> None:
        row = self._ended_row(items)
        self._over(row[1], row)
        if self.preliminary:
            self.preliminary.pop(row[1], None)

    def _ended_for_now(self, items: list[Any]) -> None:
        row = self._ended_row(items)
        self.open.pop(row[1], None)
        self.preliminary[row[1]] = row

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
        execution_of(said)  # raises where it cannot be one
        known = self.executions.setdefault(number, {})
        # What was said first may be of a time when little was known.
        known.update({name: value for name, value in said.items() if value or name not in known})

    def _statement(self, items: list[Any]) -> None:
        _, cell, start, line = items
        self.begun.setdefault(_small(cell), []).append((long_number(start), _small(line), 0))

    def _statements_over(self, items: list[Any]) -> None:
        _, cell, end, failed, begun = items
        self.over[_small(cell)] = (long_number(end), bool(failed))
        self.begun[cell] = [(long_number(start), _small(first), _small(last)) for start, first, last in begun]

    def _sample(self, items: list[Any]) -> None:
        _, time_ns, cell, trace_id, span_id, t, wall, cpu, memory, native, f = items
        stack = self._root if f == 0 else self._of(f, Stack)
        thread = self._of(t, Thread)
        cpu, memory = (None if each is None else long_number(each) for each in (cpu, memory))
        ids = _small(cell), _int(trace_id), _int(span_id)
        self._sampled((long_number(time_ns), *ids, thread, long_number(wall), cpu, memory, bool(native), stack))

    def _closed(self, items: list[Any]) -> None:
        self.lost += _small(items[1])


def _decoded(line: bytes) -> Any:
    try:
        return decode_json(line)
    except (ValueError, RecursionError):
        return None


def execution_of(said: dict[str, Any]) -> Execution:
    """Return an execution by what is said of it. Raises one of `BAD_LINE` where it cannot be one."""
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
        execution_count=long_number(count) if type(count) is int else None,
        cell_id=None if cell_id is None else clean_text(cell_id),
        source=clean_text(known["source"] or ""),
        run=long_number(known["run"]) if type(known["run"]) is int else 1,
        trace_id=_id(known["trace_id"] or 0, 128),
        span_id=_id(known["span_id"] or 0, 64),
        digest=str(known["digest"] or ""),
        asks=bool(known["asks"]),
        failed=bool(known["failed"]),
        resources=resources if isinstance(resources, Resources) else None,
        file=str(known["file"] or ""),
        line_map=tuple(map(_small, line_map)) if isinstance(line_map, list) else None,
    )


_ATOMS = frozenset((str, int, float, bool, type(None)))


def _int(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("no whole number")
    return value


def long_number(value: Any) -> int:
    """Return what is a whole number of 64 bits. Raises ValueError for anything else."""
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError("no number of 64 bits")
    return value


def _id(value: Any, bits: int) -> int:
    if type(value) is not int or not 0 <= value < 2**bits:
        raise ValueError("no id")
    return value


def _number(value: Any) -> Any:
    if type(value) is int:
        return long_number(value)
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
