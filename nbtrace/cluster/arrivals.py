"""What workers far away have sent home becomes rows: of their tasks, and of what was recorded in these.

Enters: messages as an engine delivers them, some lost, some of another version, none believed. Leaves: rows of spans and samples
by the kernel's clock, in processes that cannot be taken for others."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from nbtrace.cluster.clocks import Clock
from nbtrace.formats.journal.line_reader import LineReader, long_number
from nbtrace.store import semconv
from nbtrace.store.schema import RUNNING, STATUS_CODES, UNFINISHED, WIDTH, Extra, Origin, Row, RowFields, Thread
from nbtrace.store.values import clean_text
from nbtrace.store.workers import OTHER_MACHINES

_SPAN_ID, _START, _END, _THREAD, _EXTRA, _KEYS = map(
    RowFields._fields.index, ("span_id", "start_ns", "end_ns", "thread", "extra", "keys")
)
_ERROR = STATUS_CODES.index("ERROR")
_ORIGIN = Origin(None, semconv.TASK_SCOPE)

_MOST_BYTES = 64_000_000
"""What a parcel may grow to when it is unpacked."""

_MOST_RUNS = 200_000
"""Of so many keys it is known how often they have run."""

_MOST_GONE = 1_000
"""So many workers that are there no more are remembered."""

_BAD = (ValueError, TypeError, LookupError, OverflowError, RecursionError, AttributeError, zlib.error)


class Sender(NamedTuple):
    """What is known of the sending of a task."""

    trace_id: int
    span_id: int
    cell: int
    number: int
    """Of what was sent together."""
    sent_ns: int
    """By the kernel's clock; 0 where that is not known."""


Which: TypeAlias = tuple[str, int, int]
"""A worker: its address, the number of its process, and when it began to work for this kernel."""


class Worker:
    """A process that works for the kernel."""

    def __init__(self, address: str, pid: int, host: str, lacks: str, via: str) -> None:
        self.address, self.pid, self.host, self.lacks, self.via = address, pid, host, lacks, via
        self.clock = Clock()
        self.numbers = 0
        """Of the last message that has come."""
        self.missing = 0
        """How many have not."""
        self.lost = 0
        """How much it could not keep until it was sent."""
        self.bad = 0
        """How much of what has come could not be read."""
        self.open: dict[int, Row] = {}
        """Its tasks that run."""
        self.lines: LineReader
        self.gone = False
        self.given_up: set[int] = set()
        """Tasks and spans that ran in it when it was gone: should it come back, they have been told of."""


class Arrivals:
    """Of all workers of an engine."""

    def __init__(
        self,
        done: Callable[[Row], object],
        sampled: Callable[[Row], object],
        sender_of: Callable[[str], Sender],
        file_of: Callable[[str, str, int], str],
        machine: str,
    ) -> None:
        """`done` and `sampled` take rows; `sender_of` reads what a task has carried, and raises ValueError where that cannot be;
        `file_of` gives the file of a frame, see `LineReader`; `machine`: what this one calls itself."""
        self._done, self._sampled, self._sender_of, self._file_of = done, sampled, sender_of, file_of
        self._machines = {machine: 0}
        self.workers: dict[Which, Worker] = {}
        self.tasks = 0
        self.spans = 0
        self.lost_tasks = 0
        """How many ended with their workers."""
        self._runs: dict[tuple[int, str], int] = {}
        self._run_of: dict[int, int] = {}
        self._keys: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._threads: dict[Thread, Thread] = {}

    def take(self, message: Any, received_ns: int, via: str = "") -> None:
        """Read a message that came at a moment of the kernel's clock, by whatever `via` names. What cannot be read in it is
        counted; one that has come before, as two have subscribed, is not read again."""
        worker = self._worker(message, via)
        number, sent_ns = long_number(message["number"]), long_number(message["sent"])
        if number <= worker.numbers:
            return
        worker.missing += max(0, number - worker.numbers - 1)
        worker.clock.went(sent_ns, received_ns)
        worker.lost = long_number(message.get("lost", 0))
        said, parcels = self._tasks(worker, message.get("tasks")), message.get("parcels", ())
        for each in said:
            came, sent = each.get("came"), each["sender"].sent_ns
            if type(came) is int and sent:
                worker.clock.came(sent, came)
        for parcel in parcels if isinstance(parcels, (list, tuple)) else ():
            self._lines(worker, parcel)
        for each in said:
            try:
                self._task(worker, message, each)
            except _BAD:
                worker.bad += 1
        worker.numbers = max(worker.numbers, number)

    def numbers(self) -> dict[Which, int]:
        """Return the number of the last message of each worker."""
        return {which: worker.numbers for which, worker in self.workers.copy().items()}

    def running_rows(self) -> list[Row]:
        """Return the rows of what runs in workers that are there."""
        rows = []
        for worker in list(self.workers.values()):
            if worker.gone:
                continue
            rows += list(worker.open.copy().values())
            shifted = (_shifted(row, worker.clock.behind_ns) for row in worker.lines.open.copy().values())
            rows += [(*row[:_END], RUNNING, *row[_END + 1 :]) for row in shifted]
        return rows

    @property
    def waits(self) -> bool:
        """Whether tasks run, or spans of theirs, as far as is known."""
        return any(worker.open or worker.lines.open for worker in list(self.workers.values()) if not worker.gone)

    def gone(self, worker: Worker, *, lost: bool = True) -> None:
        """A worker is there no more, or nobody who could tell of it: what ran in it nobody ends. `lost`: it is that has ended."""
        given_up = {*worker.open, *worker.lines.open}
        worker.lines.give_up()
        worker.given_up |= given_up
        self.lost_tasks += len(worker.open) if lost else 0
        for row in worker.open.values():
            keys, values = row[_KEYS], row[WIDTH:]
            if lost:
                keys, values = (*keys, semconv.TASK_OUTCOME), (*values, "lost")
            self._done((*row[:_END], UNFINISHED, *row[_END + 1 : _KEYS], self._shared(keys), *values))
        worker.open = {}
        worker.gone = True

    def begin_anew(self) -> None:
        """Nobody works for the kernel any more: what runs is given up, and what comes later is counted from there."""
        for worker in list(self.workers.values()):
            if not worker.gone:
                self.gone(worker, lost=False)
        self.workers.clear()
        self.tasks = self.spans = self.lost_tasks = 0

    # ── a worker ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _worker(self, message: Any, via: str) -> Worker:
        which = clean_text(message["worker"]), long_number(message["pid"]), long_number(message["born"])
        found = self.workers.get(which)
        if found is None:
            found = self.workers[which] = Worker(
                which[0], self._pid(message), clean_text(message["host"]), clean_text(message["lacks"]), via
            )
            found.lines = self._reader(found)
            for old in [which for which, worker in self.workers.items() if worker.gone][:-_MOST_GONE]:
                del self.workers[old]
        found.gone = False
        return found

    def _pid(self, message: Any) -> int:
        """The number of a process, which another machine may have given to another one as well."""
        machine = clean_text(message["machine"])
        place = self._machines.setdefault(machine, len(self._machines))
        return long_number(message["pid"]) % OTHER_MACHINES + place * OTHER_MACHINES

    def _reader(self, worker: Worker) -> LineReader:
        def done(row: Row) -> None:
            if worker.given_up and row[_SPAN_ID] in worker.given_up:
                return
            row = self._placed(_shifted(row, worker.clock.behind_ns), worker)
            self.spans += 1
            self._done(row)

        def sampled(row: Row) -> None:
            thread = self._thread(row[4], worker)
            self._sampled((row[0] + worker.clock.behind_ns, *row[1:4], thread, *row[5:]))

        return LineReader(done, sampled, self._file_of)

    def _placed(self, row: Row, worker: Worker) -> Row:
        return (*row[:_THREAD], self._thread(row[_THREAD], worker), *row[_THREAD + 1 :])

    def _thread(self, thread: Thread, worker: Worker) -> Thread:
        """A thread of a worker, or of a process that has worked for that one there, by its number in the recording."""
        pid = thread.process_pid
        if pid is not None:
            pid = pid % OTHER_MACHINES + worker.pid // OTHER_MACHINES * OTHER_MACHINES
        found = Thread(pid, thread.thread_id, thread.thread_name)
        if len(self._threads) > 10_000:
            self._threads.clear()
        return self._threads.setdefault(found, found)

    def _lines(self, worker: Worker, parcel: Any) -> None:
        try:
            text = _unpacked(parcel)
        except _BAD:
            worker.bad += 1
            return
        worker.lines.begin_part()
        worker.bad += worker.lines.read_all(text.rstrip(b"\n").split(b"\n"))

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tasks(self, worker: Worker, packed: Any) -> list[dict[str, Any]]:
        try:
            found = json.loads(_unpacked(packed)) if packed else []
        except _BAD:
            worker.bad += 1
            return []
        said = []
        for each in found if isinstance(found, list) else ():
            try:
                each["sender"] = self._sender_of(each["of"])
                said.append(each)
            except _BAD:
                worker.bad += 1
        return said

    def _task(self, worker: Worker, message: Any, said: dict[str, Any]) -> None:
        """Hand on a task that has ended; keep one that runs."""
        sender: Sender = said["sender"]
        task_id, key, behind = int(said["id"], 16), clean_text(said["key"]), worker.clock.behind_ns
        if task_id in worker.given_up:
            return
        start_ns = long_number(said["start"]) + behind
        came_ns = long_number(said["came"]) + behind if said.get("came") is not None else 0
        submitted_ns = (came_ns if said.get("needs") or not sender.sent_ns else sender.sent_ns) or start_ns
        start_ns = max(start_ns, submitted_ns)
        values: dict[str, Any] = {semconv.TASK_WAITED: (start_ns - submitted_ns) / 1e9}
        born_ns = min(start_ns, long_number(message["born"]) + behind)
        if born_ns > submitted_ns:
            values[semconv.TASK_WORKER_START] = (born_ns - submitted_ns) / 1e9
        if transfer := _together(said.get("transfers", ()), behind, submitted_ns, start_ns):
            values[semconv.TASK_TRANSFER] = transfer / 1e9
        values |= {semconv.TASK_KEY: key, semconv.TASK_WORKER: worker.address, semconv.HOST_NAME: worker.host}
        if (run := self._run(task_id, sender, key)) > 1:
            values[semconv.TASK_RUN] = run
        if behind:
            values[semconv.TASK_CLOCK] = behind / 1e9
        end_ns = long_number(said["end"]) + behind if "end" in said else RUNNING
        status, extra = 0, None
        if end_ns:
            end_ns = max(end_ns, start_ns)
            self._run_of.pop(task_id, None)
            if said.get("outcome"):
                values[semconv.TASK_OUTCOME] = clean_text(said["outcome"])
            if said.get("error"):
                kind, text, stack = (clean_text(each) for each in said["error"])
                status, extra = _ERROR, _failure(end_ns, kind, text, stack, told=said.get("told") is True)
                values[semconv.ERROR_TYPE] = kind
        ident, name = said.get("thread") or (None, None)
        thread = self._thread(Thread(worker.pid % OTHER_MACHINES, ident, name), worker)
        row: Row = (
            *(sender.trace_id, task_id, sender.span_id, clean_text(said["name"]), 0, start_ns, end_ns, status),
            *(sender.cell, _ORIGIN, thread, extra, self._shared(tuple(values)), *values.values()),
        )
        if end_ns:
            self.tasks += 1
            self._done(row)
            worker.open.pop(task_id, None)  # last: somebody may look first at what runs, and then at what has ended
        else:
            worker.open[task_id] = row

    def _run(self, task_id: int, sender: Sender, key: str) -> int:
        """Which run of a key it is, of those that were sent together."""
        known = self._run_of.get(task_id)
        if known is None:
            which = (sender.number, key)
            known = self._runs[which] = self._runs.pop(which, 0) + 1
            if len(self._runs) > _MOST_RUNS:
                self._runs.pop(next(iter(self._runs)))
            self._run_of[task_id] = known
        return known

    def _shared(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        return self._keys.setdefault(keys, keys)


def _failure(end_ns: int, kind: str, text: str, stack: str, *, told: bool) -> Extra:
    """`told`: by a span in the task."""
    if told:
        return Extra(status_message=text, propagated=True)
    keys = (semconv.EXCEPTION_TYPE, semconv.EXCEPTION_MESSAGE, semconv.EXCEPTION_STACKTRACE)
    return Extra(status_message=text, events=((end_ns, semconv.EXCEPTION_EVENT, keys, (kind, text, stack)),))


def _shifted(row: Row, by_ns: int) -> Row:
    """A row by the kernel's clock."""
    if not by_ns:
        return row
    end, extra = row[_END], row[_EXTRA]
    if extra is not None and extra.events:
        extra = extra._replace(events=tuple((event[0] + by_ns, *event[1:]) for event in extra.events))
    end = end + by_ns if end > 0 else end
    return (*row[:_START], row[_START] + by_ns, end, *row[_END + 1 : _EXTRA], extra, *row[_EXTRA + 1 :])


def _together(spells: Any, shift: int, begin: int, end: int) -> int:
    """How long at least one of several lasted, between two moments, in ns."""
    total, at = 0, begin
    for first, last in sorted(tuple(map(long_number, each)) for each in spells):
        first, last = max(first + shift, at), min(last + shift, end)
        if last > first:
            total, at = total + last - first, last
    return total


def _unpacked(parcel: Any) -> bytes:
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(parcel, _MOST_BYTES)
    if unpacking.unconsumed_tail:
        raise ValueError("more than a parcel may hold")
    return text
