"""What both ways of reading OTLP share: rows of spans, with our marks taken off, sealed as they come; and a count of what is bad.

Enters: the attributes of resources, scopes and spans, and the fields of spans. Leaves: a `Loaded`."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nbtrace.formats.otlp import marks
from nbtrace.formats.reading import Loaded, UnreadableFileError
from nbtrace.store import semconv
from nbtrace.store.batch import Batch, part
from nbtrace.store.book import Execution, Resources
from nbtrace.store.origins import origin
from nbtrace.store.schema import RUNNING, UNFINISHED, Extra, Origin, Row, Thread
from nbtrace.store.seal import seal
from nbtrace.store.span_store import Snapshot
from nbtrace.store.values import clean_text, clean_value

MAX_BYTES = 64_000_000
"""The longest line of JSON, and the longest message of a span, that is read."""

_ROWS = 16_384
_BYTES = 16_000_000
"""So many rows, or rows from so much of a file, are sealed together."""

_MAX_SHAPES = 10_000
_THREAD = (marks.THREAD_ID, marks.THREAD_NAME)
_INT64, _INT32 = 2**63, 2**31
_MASK = 2**64 - 1

Pairs = tuple[tuple[str, ...], Sequence[Any]]
"""Keys and values of attributes."""


class BrokenError(ValueError):
    """A part of a file is not as OTLP has it; says how."""


class Source(NamedTuple):
    """A resource that has been read."""

    attributes: dict[str, Any]
    service: str | None
    pid: int | None
    recording: str | None
    """None for a resource that is not ours."""


class Shape(NamedTuple):
    """Which of the keys of a span's attributes are its own, and which ours."""

    own: tuple[str, ...]
    places: tuple[int, ...]
    """Of its own, among all of them."""
    thread_id: int | None
    thread_name: int | None
    """The places of the thread's, wherever those are ours or not."""
    ours: dict[str, int]
    """The places of ours but for those."""


class Incoming:
    """One reading of one file."""

    def __init__(self, *, knows_ours: bool = True) -> None:
        """`knows_ours`: whether a resource that says that it is of a recording of ours is taken for one."""
        self.spans = 0
        self._knows_ours = knows_ours
        self._rows: list[Row] = []
        self._weight = 0
        self._ids = (
            array("Q"),
            array("Q"),
        )  # of all spans, of which there may be millions: half of the trace's, and its own
        self._batches: list[Batch] = []
        self._shapes: tuple[dict[tuple[str, ...], Shape], dict[tuple[str, ...], Shape]] = ({}, {})
        self._threads: dict[tuple[int | None, int | None, str | None], Thread] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._executions: dict[int, Execution] = {}
        self._dropped: dict[str, int] = {}
        self._bad: dict[str, list[Any]] = {}

    # ── resources and scopes ─────────────────────────────────────────────────────────────────────────────────────────

    def source(self, pairs: Pairs) -> Source:
        """Return what a resource with these attributes says."""
        found = {clean_text(key): clean_value(value) for key, value in zip(*pairs, strict=True)}
        service = found.get(semconv.SERVICE_NAME)
        service = None if service is None else clean_text(service)
        pid = found.get(marks.PROCESS_PID)
        if marks.FORMAT not in found or not self._knows_ours:
            return Source(found, service, _number(pid), None)
        recording = clean_text(found.get(marks.RECORDING, ""))
        if marks.DROPPED_SPANS in found:
            self._dropped[recording] = _number(found[marks.DROPPED_SPANS]) or 0
        if (beside := marks.OURS + marks.PROCESS_PID) in found:
            pid = found[beside]
        else:
            found.pop(marks.PROCESS_PID, None)
        service = found.get(marks.SERVICE_NAME, service)
        own = {
            _recorded(key): value
            for key, value in found.items()
            if key.startswith(marks.OWN) or not key.startswith(marks.OURS)
        }
        return Source(own, service, _number(pid), recording)

    def origin(self, source: Source, name: str, version: str, pairs: Pairs) -> Origin:
        """Return where the spans of a scope come from; of its attributes ours are read."""
        ours = pairs[0] if source.recording is not None else ()
        return origin(
            source.service,
            clean_text(name) if name or marks.EMPTY_NAME in ours else None,
            clean_text(version) if version or marks.EMPTY_VERSION in ours else None,
            source.attributes,
        )

    # ── spans ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add(
        self,
        source: Source,
        origin: Origin,
        *,
        trace_id: int,
        span_id: int,
        parent_id: int,
        name: str,
        kind: int,
        start: int,
        end: int,
        status: int,
        message: str,
        pairs: Pairs,
        events: tuple[tuple[Any, ...], ...],
        links: tuple[tuple[Any, ...], ...],
        dropped: tuple[int, int, int],
    ) -> None:
        """Take a span. Times as OTLP has them, 0 for none; kind and status code by their numbers there."""
        if not 0 <= kind <= 5:
            raise BrokenError(f"its kind {kind} is none of OTLP's")
        if not 0 <= status <= 2:
            raise BrokenError(f"its status code {status} is none of OTLP's")
        keys, values = pairs
        shape = self._shape(keys, source.recording is not None)
        thread = self._thread(source, shape, values)
        cell, state, propagated, said_empty = 0, "unfinished", False, False
        if shape.ours and source.recording is not None:
            told = {key: values[place] for key, place in shape.ours.items()}
            cell = self._cell(source.recording, _number(told.get(marks.CELL)))
            state, propagated = told.get(marks.STATE, state), told.get(marks.PROPAGATED) is True
            said_empty = marks.EMPTY_MESSAGE in told
            if f"{marks.CELL}.number" in told:
                self._ride(source.recording, trace_id, span_id, told)
        extra = None
        if message or events or links or propagated or said_empty or dropped != (0, 0, 0):
            counts = [min(count, _INT32 - 1) for count in dropped]
            said = clean_text(message) if message or said_empty else None
            extra = Extra(said, events, links, counts[0], counts[1], counts[2], propagated)
        self._rows.append(
            (
                trace_id,
                span_id,
                parent_id,
                name,
                max(kind - 1, 0),
                self.time(source, start),
                self.time(source, end) if end else RUNNING if state == "running" else UNFINISHED,
                status,
                cell,
                origin,
                thread,
                extra,
                shape.own,
                *(values if len(shape.places) == len(values) else [values[place] for place in shape.places]),
            )
        )
        self._ids[0].append((trace_id ^ trace_id >> 64) & _MASK)
        self._ids[1].append(span_id)
        self.spans += 1

    def time(self, source: Source, ns: int) -> int:
        """Return a time of a file as a recording has it. Those before 1970 are ours, written as the 64 bits that they are."""
        if 0 <= ns < _INT64:
            return ns
        if source.recording is not None and _INT64 <= ns < 2 * _INT64:
            return ns - 2 * _INT64
        raise BrokenError(f"a time of {shown(ns)} ns is not within the years 1970 to 2262")

    def has_read(self, nbytes: int) -> None:
        """Seal what has come, if it is enough; `nbytes` of the file have been read since this was last called."""
        self._weight += nbytes
        if len(self._rows) >= _ROWS or self._weight >= _BYTES:
            self._seal()

    def _seal(self) -> None:
        for start in range(0, len(self._rows), _ROWS):
            self._batches.append(seal(self._rows[start : start + _ROWS]))
        self._rows, self._weight = [], 0

    def _thread(self, source: Source, shape: Shape, values: Sequence[Any]) -> Thread:
        """The thread of a span; equal ones are one object."""
        ident = None if shape.thread_id is None else _number(values[shape.thread_id])
        name = None if shape.thread_name is None else values[shape.thread_name]
        if name is not None and type(name) is not str:
            name = clean_text(name)
        known = self._threads.get((source.pid, ident, name))
        if known is None:
            known = Thread(source.pid, ident, None if name is None else clean_text(name))
            if len(self._threads) >= _MAX_SHAPES:
                self._threads.clear()
            self._threads[source.pid, ident, name] = known
        return known

    def _shape(self, keys: tuple[str, ...], is_ours: bool) -> Shape:
        known = self._shapes[is_ours]
        found = known.get(keys)
        if found is None:
            place = {key: at for at, key in enumerate(keys)}  # the last of a key that is there twice
            own, ours = place, {key: place[key] for key in _THREAD if key in place}
            if is_ours:
                ours = {key: at for key, at in place.items() if not _is_own(key)}
                for key in _THREAD:
                    if (beside := ours.pop(marks.OURS + key, None)) is not None:
                        ours[key] = beside  # what has the plain name is the span's own
                own = {_recorded(key): at for key, at in place.items() if at not in ours.values()}
            threads = [ours.pop(key, None) for key in _THREAD]
            found = Shape(tuple(own), tuple(own.values()), threads[0], threads[1], ours)
            if len(known) >= _MAX_SHAPES:
                known.clear()
            known[keys] = found
        return found

    # ── executions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _cell(self, recording: str, number: int | None) -> int:
        """The number of an execution in what is read, which may be several recordings in one file."""
        if not number:
            return 0
        return self._numbers.setdefault((recording, number), len(self._numbers) + 1)

    def _ride(self, recording: str, trace_id: int, span_id: int, told: dict[str, Any]) -> None:
        """Take the execution that rides on a span."""
        prefix = f"{marks.CELL}."
        said = {key.removeprefix(prefix): value for key, value in told.items() if key.startswith(prefix)}
        number = self._cell(recording, _number(said["number"]))
        try:
            resources = said.get("resources")
            lines, line_map = said.get("compiled"), said.get("line_map")
            self._executions[number] = Execution(
                number,
                _number(said.get("count")),
                None if said.get("id") is None else str(said["id"]),
                str(said.get("source", "")),
                _number(said.get("run")) or 1,
                int(said.get("trace_id", f"{trace_id:x}"), 16),
                int(said.get("span_id", f"{span_id:x}"), 16),
                str(said.get("digest", "")),
                said.get("asks") is True,
                said.get("failed") is True,
                Resources(**resources) if isinstance(resources, dict) else None,
                str(said.get("file", "")),
                None if lines is None else tuple(map(str, lines)),
                None if line_map is None else tuple(map(int, line_map)),
            )
        except (TypeError, ValueError, OverflowError):
            raise BrokenError("what it says of its cell's execution is not as nbtrace writes it") from None

    # ── what is bad ──────────────────────────────────────────────────────────────────────────────────────────────────

    def bad(self, what: str, place: str, why: str) -> None:
        """Count something that is left out, a noun that may be one of many; of the first it is said where it stands, and why."""
        known = self._bad.setdefault(what, [0, place, why])
        known[0] += 1

    def unread(self) -> tuple[str, ...]:
        """Return a sentence for each kind of what was left out."""
        return tuple(_counted(*bad) for bad in self._bad.items())

    def loaded(self, path: Path, form: str) -> Loaded:
        """Return all that has been read. Raises UnreadableFileError if that is no span and nothing of ours; `form`: which of
        OTLP's the file should have."""
        self._seal()
        self._drop_repeated()
        unread = self.unread()
        if not self._batches and not self._dropped:
            why = f": {'; '.join(unread)}" if unread else ""
            raise UnreadableFileError(f"{str(path)!r} holds no spans of OTLP in {form}{why}. {_what_to_do(path)}")
        executions = [self._executions[number] for number in self._in_order()]
        return Loaded(Snapshot(tuple(self._batches), tuple(executions), sum(self._dropped.values())), unread)

    def _drop_repeated(self) -> None:
        """Leave out what stands there again, as exporters that try again send it: with the same ids and the same start. Of each
        span one that has ended is kept, the first of them, or else the last."""
        traces, spans = (np.frombuffer(ids, np.uint64) for ids in self._ids)
        if len(np.unique(spans)) == len(spans):
            return
        starts = np.concatenate([np.asarray(batch.spans["start_ns"]) for batch in self._batches])
        has_no_end = np.concatenate([np.asarray(batch.spans["state"]) != 0 for batch in self._batches])
        place = np.arange(len(spans))
        order = np.lexsort((np.where(has_no_end, -place, place), has_no_end, starts, traces, spans))
        traces, spans, starts = traces[order], spans[order], starts[order]
        again = (spans[1:] == spans[:-1]) & (traces[1:] == traces[:-1]) & (starts[1:] == starts[:-1])
        gone = order[1:][again]
        kept = np.ones(len(order), dtype=bool)
        kept[gone] = False
        start = 0
        for at, batch in enumerate(self._batches):
            self._batches[at] = part(batch, kept[start : (start := start + batch.length)])
        if len(gone):
            self._bad["repeated span"] = [len(gone), "", ""]

    def _in_order(self) -> list[int]:
        """The executions of each recording in the order of their starts, as they are numbered there."""
        first: dict[str, int] = {}
        for recording, _ in self._numbers:
            first.setdefault(recording, len(first))
        known = sorted(self._numbers.items(), key=lambda pair: (first[pair[0][0]], pair[0][1]))
        return [number for _, number in known if number in self._executions]


def _what_to_do(path: Path) -> str:
    """What to do with a file that is not what its name says, from how it begins."""
    with open(path, "rb") as file:
        start = file.read(2)
    if not start:
        return "It is empty: nothing was written into it, or not yet."
    if start == b"\x1f\x8b":
        return "It is packed with gzip: unpack it, and load what comes out."
    if start[:1] in (b"{", b"[") and path.suffix.lower() == ".otlp":
        return "It begins like JSON: rename it to .jsonl."
    return "If it holds something else, rename it: how a file is read depends on its suffix."


def _counted(what: str, bad: list[Any]) -> str:
    count, place, why = bad
    said = f"{count:,} {what}{'' if count == 1 else 's'} left out"
    return f"{said}, {'' if count == 1 else 'the first '}{place}: {why}" if place else said


def _is_own(key: str) -> bool:
    """Whether an attribute of a span in a file of ours was recorded."""
    return key.startswith(marks.OWN) or not (key.startswith(marks.OURS) or key in _THREAD)


def _recorded(key: str) -> str:
    return key.removeprefix(marks.OWN)


def _number(value: Any) -> int | None:
    """A number of a file that is one of a process, a thread or a cell; None where it is none of those."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    return value if type(value) is int and 0 <= value < _INT64 else None


def shown(value: object) -> str:
    """What is said of a value of a file."""
    if isinstance(value, (list, dict)):
        return f"a {'list' if isinstance(value, list) else 'map'} of {len(value):,}"
    text = repr(value[:100] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= 60 else f"{text[:57]}…"
