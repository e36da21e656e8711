"""A recording as Chrome trace events, the JSON that https://ui.perfetto.dev, chrome://tracing and others import. Not read back.

Enters: a snapshot. Leaves: one JSON object, written event by event. What becomes what:

    a process            a process with its pid, "worker" if tasks of a pool ran in it, and which if of an
                         engine; a thread: a track with its name
    a span               a complete event (X) on the track of the thread in which it began; one that has not ended begins only (B)
    an event             an instant (i) inside its span, an exception's by its type and message; one whose time is before or
                         behind its span stands at the edge, its time among its arguments
    a link, and a child on another track than its parent       an arrow (s, f), from the earlier of the two
    samples              counters (C) of cores busy and of resident memory, per process; of a cell that has no samples its mean
                         and its peak

Tracks hold only what nests. Spans of one thread that overlap, tasks of asyncio and generators, stand on further tracks beside it,
"MainThread · 2", with all that runs below them (lanes.py says which). The format's own asynchronous events would not do: they
belong to a process and to no thread, and Perfetto shows them away from what awaited them.

A track's number is the thread's own where viewers can hold it: Perfetto takes one beyond 31 bits, as `threading.get_ident()`
gives them on Linux and macOS, for no number at all, and lets all these threads fall into one. The main thread has the number of
its process, which is how Perfetto knows it, others have free numbers; the thread's own is an argument, `thread_id`.

Times are in µs with three decimals since the first of them, which `otherData` tells, so that no reader's floating point rounds
them. Arguments hold attributes, status and ids. Text is UTF-8: Perfetto shows escapes as they are written. Stacks of samples have
no place in this format in which Perfetto would look for them; speedscope's has."""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from nbtrace.formats.counters import Cell, Steps, cores_busy, resident_memory
from nbtrace.formats.lanes import Spans, lanes
from nbtrace.store import semconv
from nbtrace.store.batch import Batch
from nbtrace.store.book import Execution
from nbtrace.store.schema import KINDS, STATES, STATUS_CODES, UNFINISHED, WIDTH, RowFields, Thread
from nbtrace.store.span_store import Snapshot
from nbtrace.store.unseal import unseal
from nbtrace.store.workers import worker_names

Numbers = npt.NDArray[np.int64]

_TITLE = 120
"""Characters of an exception's message in the name of its instant; all of it is among the arguments."""

_LARGEST = 2**31 - 1
"""The largest number that viewers take for a thread's."""

_MEGABYTE = 1_000_000

_SURROGATES = re.compile("[\ud800-\udfff]")


def write_chrome(snapshot: Snapshot, file: BinaryIO) -> None:
    """Write a snapshot. Of its spans as many are made rows at once as a batch has."""
    layout = _Layout.of(snapshot)
    head = {
        "displayTimeUnit": "ns",
        "otherData": {
            "exporter": "nbtrace",
            "start_time_unix_nano": str(layout.zero),
            "dropped_spans": snapshot.dropped_spans,
            "dropped_samples": snapshot.dropped_samples,
        },
    }
    file.write(f'{json.dumps(head)[:-1]}, "traceEvents": [\n'.encode())
    before = b""
    for event in _events(snapshot, layout):  # the file gathers them
        file.write(before + event.encode("utf-8"))
        before = b",\n"
    file.write(b"\n]}\n")


def _events(snapshot: Snapshot, layout: _Layout) -> Iterator[str]:
    counts = {each.number: each for each in snapshot.executions}
    yield from layout.names()
    running: list[tuple[int, list[str]]] = []
    at = 0
    for batch in snapshot.batches:
        for row in unseal(batch):
            fields = RowFields(*row[:WIDTH])
            track = layout.tracks[layout.track[at]]
            end = layout.spans.end[at] if layout.spans.ended[at] else None
            texts = list(_of_span(fields, row[WIDTH:], end, counts.get(fields.cell), track, layout.zero))
            if end is not None:
                yield from texts
            else:
                running.append((fields.start_ns, texts))
            at += 1
    # What begins only must stand in the order of its beginnings.
    for _, texts in sorted(running):
        yield from texts
    # Behind the spans: an arrow is tied to what has begun, in the file too, where its ends are.
    yield from layout.arrows(snapshot.batches)
    yield from _counters(snapshot, layout)


# ── the tracks ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Track:
    """Where something stands."""

    pid: int
    tid: int
    name: str

    @property
    def place(self) -> str:
        return f'"pid":{self.pid},"tid":{self.tid}'


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where every span stands, and when the file begins."""

    spans: Spans
    zero: int
    """The first moment, in ns since the epoch."""
    track: list[int]
    """Of each span, in `tracks`."""
    tracks: list[_Track]
    pids: dict[int | None, int]
    """By the process's own number: the one that it has in the file."""
    processes: dict[int, str]
    """By its number in the file: its name."""
    places: _Places

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Layout:
        batches = snapshot.batches
        columns: dict[str, list[Any]] = {"start_ns": [], "end_ns": [], "state": []}
        for batch in batches:
            for name, values in columns.items():
                values.extend(batch.spans[name].to_pylist())
        start = columns["start_ns"]
        ended = [STATES[state] == "ended" for state in columns["state"]]
        moments = [*start, *(end for end in columns["end_ns"] if end is not None)]
        for batch in batches:
            moments.extend(batch.events["time_ns"].to_pylist())
        for samples in snapshot.samples:
            times = samples.numbers("time")
            if len(times):
                moments += [int(np.min(times - samples.numbers("wall"))), int(np.max(times))]
        zero, last = min(moments, default=0), max(moments, default=0)
        end = [
            last if e is None or not done else max(s, e)
            for s, e, done in zip(start, columns["end_ns"], ended, strict=True)
        ]
        places = _Places.of(batches)
        threads, number = _threads(batches)
        spans = Spans(
            start, end, ended, places.of_ids([id for batch in batches for id in _ids(batch, "parent_span_id")]), number
        )
        lane = lanes(spans)
        first: dict[tuple[int, int], int] = {}
        for at in sorted(range(len(start)), key=start.__getitem__):
            first.setdefault((number[at], int(lane[at])), at)
        pids, processes = _processes([*threads, *_sampled(snapshot)], batches)
        # A thread after the other as they began, each with its further lanes behind it.
        began: dict[int, int] = {}
        for thread, _ in first:
            began.setdefault(thread, len(began))
        ordered = sorted(first, key=lambda key: (began[key[0]], key[1]))
        tracks = _tracks(ordered, threads, pids)
        track_of = {key: at for at, key in enumerate(ordered)}
        track = [track_of[number[at], int(lane[at])] for at in range(len(start))]
        return cls(spans, zero, track, tracks, pids, processes, places)

    def names(self) -> Iterator[str]:
        """What names processes and tracks, in the order in which they are to stand."""
        for at, (pid, name) in enumerate(self.processes.items()):
            yield _metadata("process_name", pid, 0, {"name": name})
            yield _metadata("process_sort_index", pid, 0, {"sort_index": at})
        for at, track in enumerate(self.tracks):
            yield _metadata("thread_name", track.pid, track.tid, {"name": track.name})
            yield _metadata("thread_sort_index", track.pid, track.tid, {"sort_index": at})

    def arrows(self, batches: Sequence[Batch]) -> Iterator[str]:
        """From parents to children on other tracks, and along links."""
        numbers = count(1)
        for at, parent in enumerate(self.spans.parent):
            if parent >= 0 and self.track[parent] != self.track[at]:
                yield from self._arrow(parent, at, "child", next(numbers))
        offset = 0
        for batch in batches:
            if batch.links.num_rows:
                linked = self.places.of_ids(_ids(batch, "linked_span_id", batch.links))
                for row, other in zip(batch.links["row"].to_pylist(), linked, strict=True):
                    if other >= 0 and other != offset + row:
                        yield from self._arrow(other, offset + row, "link", next(numbers))
            offset += batch.length

    def _arrow(self, one: int, other: int, name: str, number: int) -> Iterator[str]:
        # An end that comes before its beginning is no arrow for Perfetto.
        if self.spans.start[one] > self.spans.start[other]:
            one, other = other, one
        for phase, at in (('"s"', one), ('"f","bp":"e"', other)):
            yield (
                f'{{"ph":{phase},"name":"{name}","cat":"{name}","id":{number},{self.tracks[self.track[at]].place},'
                f'"ts":{_us(self.spans.start[at] - self.zero)}}}'
            )


@dataclass(frozen=True, slots=True)
class _Places:
    """Finds spans by their ids."""

    ids: npt.NDArray[np.uint64]
    """Sorted."""
    order: Numbers

    @classmethod
    def of(cls, batches: Sequence[Batch]) -> _Places:
        ids = np.array([id for batch in batches for id in _ids(batch, "span_id")], dtype=np.uint64)
        order = np.argsort(ids, kind="stable")
        return cls(ids[order], order)

    def of_ids(self, wanted: Sequence[int]) -> list[int]:
        """Return where the spans with these ids are, -1 for those that are nowhere."""
        ids = np.array(wanted, dtype=np.uint64)
        if not len(self.ids):
            return [-1] * len(ids)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return cast("list[int]", np.where((self.ids[at] == ids) & (ids != 0), self.order[at], -1).tolist())


def _ids(batch: Batch, name: str, table: Any = None) -> list[int]:
    """Ids as numbers, 0 for none."""
    texts = (batch.spans if table is None else table)[name].to_pylist()
    return [0 if text is None else int(text, 16) for text in texts]


def _threads(batches: Sequence[Batch]) -> tuple[list[Thread], list[int]]:
    """The threads, and of each span which of them it has."""
    known: dict[Thread, int] = {}
    number: list[int] = []
    for batch in batches:
        column = batch.spans["thread"]
        place = [known.setdefault(Thread(**each), len(known)) for each in column.dictionary.to_pylist()]
        number.extend(place[code] for code in column.indices.to_pylist())
    return list(known), number


def _sampled(snapshot: Snapshot) -> Iterator[Thread]:
    for samples in snapshot.samples:
        for each in samples.samples.column("thread").dictionary.to_pylist():
            yield Thread(**each)


def _processes(threads: Iterable[Thread], batches: Sequence[Batch]) -> tuple[dict[int | None, int], dict[int, str]]:
    """Numbers and names of the processes; one that nobody knows has a number that is no other's."""
    own = dict.fromkeys(thread.process_pid for thread in threads)
    taken = {pid for pid in own if pid is not None}
    free = (number for number in count(1) if number not in taken)
    # Perfetto has a process 0 of its own.
    pids = {pid: pid if pid is not None and 0 < pid <= _LARGEST else next(free) for pid in own}
    services: dict[int | None, str] = {}
    of_pools: set[int | None] = set()
    for batch in batches:
        origins = [each["service_name"] for each in batch.spans["origin"].dictionary.to_pylist()]
        workers = [each["process_pid"] for each in batch.spans["thread"].dictionary.to_pylist()]
        pairs = zip(batch.spans["thread"].indices.to_pylist(), batch.spans["origin"].indices.to_pylist(), strict=True)
        scopes = [each["scope_name"] for each in batch.spans["origin"].dictionary.to_pylist()]
        for thread, origin in dict.fromkeys(pairs):
            if _is_named(origins[origin]):
                services.setdefault(workers[thread], origins[origin])
            if scopes[origin] == semconv.TASK_SCOPE:
                of_pools.add(workers[thread])
    names, engines = {}, worker_names(batches)
    for pid in own:
        name = services.get(pid, "Python" if pid is not None else "unknown process")
        names[pids[pid]] = " ".join(
            filter(None, (name, "worker" if pid in of_pools else "", engines.get(pid) if pid is not None else ""))
        )
    return pids, names


def _is_named(service: str | None) -> bool:
    """Whether somebody has named the service, and not the SDK for want of a name."""
    return service is not None and not service.startswith("unknown_service")


def _tracks(ordered: Sequence[tuple[int, int]], threads: Sequence[Thread], pids: dict[int | None, int]) -> list[_Track]:
    """One track for each lane of a thread, with a number that no other has, whatever its process."""
    taken = set(pids.values())
    mains: set[int] = set()
    # Behind those of all processes, so that a thread's lanes follow it wherever tracks are sorted by number.
    free = count(max(taken, default=0) + 1)
    found = []
    for number, lane in ordered:
        thread = threads[number]
        pid = pids[thread.process_pid]
        name = thread.thread_name or (
            f"thread {thread.thread_id}" if thread.thread_id is not None else "unknown thread"
        )
        own = thread.thread_id
        if not lane and name == "MainThread" and pid not in mains:
            mains.add(pid)
            tid = pid
        elif not lane and own is not None and 0 < own <= _LARGEST and own not in taken:
            tid = own
        else:
            tid = next(number for number in free if number not in taken)
        taken.add(tid)
        found.append(_Track(pid, tid, name if not lane else f"{name} · {lane + 1}"))
    return found


def _metadata(name: str, pid: int, tid: int, args: dict[str, Any]) -> str:
    return f'{{"ph":"M","name":"{name}","pid":{pid},"tid":{tid},"args":{_json(args)}}}'


# ── spans ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_span(
    fields: RowFields, values: Sequence[Any], end: int | None, execution: Execution | None, track: _Track, zero: int
) -> Iterator[str]:
    """A span, and its events. It has no end if it has not ended."""
    args: dict[str, Any] = {}
    cell = None if execution is None else execution.execution_count
    if cell is not None:
        args["cell"] = cell
    extra = fields.extra
    if fields.status:
        args["status"] = STATUS_CODES[fields.status]
    if extra is not None and extra.status_message is not None:
        args["status_message"] = extra.status_message
    if end is None:
        args["state"] = "unfinished" if fields.end_ns == UNFINISHED else "running"
    if values:
        args["attributes"] = dict(zip(fields.keys, map(_plain, values), strict=True))
    if extra is not None and extra.links:
        args["links"] = [
            {"trace_id": f"{trace_id:032x}", "span_id": f"{span_id:016x}", **_attributes(names, held)}
            for trace_id, span_id, names, held in extra.links
        ]
    if execution is not None and execution.span_id == fields.span_id and execution.resources is not None:
        known = execution.resources._asdict()
        args["resources"] = {name: value for name, value in known.items() if value is not None and value is not False}
    if fields.kind:
        args["kind"] = KINDS[fields.kind]
    if _is_named(fields.origin.service_name):
        args["service"] = fields.origin.service_name
    args["trace_id"] = f"{fields.trace_id:032x}"
    args["span_id"] = span_id = f"{fields.span_id:016x}"
    if fields.parent_span_id:
        args["parent_span_id"] = f"{fields.parent_span_id:016x}"
    if fields.thread.thread_id is not None:
        args["thread_id"] = fields.thread.thread_id
    if extra is not None:
        dropped = ("dropped_attributes", "dropped_events", "dropped_links")
        args |= {name: number for name in dropped if (number := getattr(extra, name))}
    begins = f'"name":{_json(fields.name)},"cat":{_json(fields.origin.scope_name or "span")},{track.place}'
    red = ',"cname":"terrible"' if STATUS_CODES[fields.status] == "ERROR" else ""
    begins += f',"ts":{_us(fields.start_ns - zero)}'
    if end is None:
        yield f'{{"ph":"B",{begins}{red},"args":{_json(args)}}}'
    else:
        yield f'{{"ph":"X",{begins},"dur":{_us(end - fields.start_ns)}{red},"args":{_json(args)}}}'
    for time_ns, name, names, held in () if extra is None else extra.events:
        found = dict(zip(names, held, strict=True))
        title = name
        if name == semconv.EXCEPTION_EVENT:
            title = _raised(found) or name
        about = {**_attributes(names, held), "span_id": span_id}
        # At the very end it would be behind it for a viewer.
        placed = max(fields.start_ns, time_ns if end is None else min(time_ns, end - 1))
        if placed != time_ns:
            about["time_unix_nano"] = time_ns
        yield (
            f'{{"ph":"i","s":"t","name":{_json(title)},"cat":"event",{track.place},"ts":{_us(placed - zero)},'
            f'"args":{_json(about)}}}'
        )


def _raised(attributes: dict[str, Any]) -> str:
    """An exception by its type and message, in one line."""
    kind, message = attributes.get(semconv.EXCEPTION_TYPE, ""), attributes.get(semconv.EXCEPTION_MESSAGE, "")
    text = " ".join(f"{kind}: {message}".split()) if message else str(kind)
    return text if len(text) <= _TITLE else f"{text[: _TITLE - 1]}…"


def _attributes(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return {"attributes": dict(zip(names, map(_plain, values), strict=True))} if names else {}


def _plain(value: Any) -> Any:
    """An attribute's value in JSON. Perfetto leaves out what is null or empty, and JSON knows neither bytes nor NaN: these are
    text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()} or "{}"
    if isinstance(value, tuple):
        return [_plain(item) for item in value] or "[]"
    return "None" if value is None else value


def _json(value: Any) -> str:
    text = _ENCODE(value)
    return text if text.isascii() else _SURROGATES.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text)


_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def _us(ns: int) -> str:
    """A time in µs, exactly."""
    if ns < 0:
        return "-" + _us(-ns)
    return f"{ns // 1000}.{ns % 1000:03}"


# ── counters ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _counters(snapshot: Snapshot, layout: _Layout) -> Iterator[str]:
    """How many cores each process kept busy, and its resident memory."""
    wanted = [each for each in snapshot.executions if each.span_id]
    cells = [
        Cell(layout.tracks[layout.track[at]].pid, layout.spans.start[at], layout.spans.end[at], execution)
        for execution, at in zip(wanted, layout.places.of_ids([each.span_id for each in wanted]), strict=True)
        if at >= 0
    ]
    for pid, steps in cores_busy(snapshot.samples, layout.pids, cells).items():
        yield from _counter("CPU", "cores busy", pid, steps, layout.zero, 1)
    for pid, steps in resident_memory(snapshot.samples, layout.pids, cells).items():
        yield from _counter("resident memory", "MB", pid, steps, layout.zero, _MEGABYTE)


def _counter(name: str, series: str, pid: int, steps: Steps, zero: int, unit: int) -> Iterator[str]:
    for time_ns, value in zip(steps.time_ns.tolist(), (np.round(steps.value / unit, 3) + 0.0).tolist(), strict=True):
        yield f'{{"ph":"C","name":"{name}","pid":{pid},"ts":{_us(time_ns - zero)},"args":{{"{series}":{value}}}}}'
