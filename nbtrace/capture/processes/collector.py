"""What other processes have written comes home: read when somebody asks, and when a cell ends.

Enters: the spools in a directory. Leaves: rows of spans and samples. It is done by a thread of its own, for which nobody waits
but who asks: an interrupt of the user's must not come between the reading of a row and its keeping."""

from __future__ import annotations

import _thread
import os
import re
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nbtrace.capture.processes.notebook_code import NAMELESS, file_of
from nbtrace.capture.processes.outcomes import Outcomes
from nbtrace.faults import fault
from nbtrace.formats.journal.files import SUFFIX
from nbtrace.formats.journal.line_reader import LineReader
from nbtrace.formats.spool.home import Home, check, open_ours
from nbtrace.formats.spool.spool import FAILED, SLOT
from nbtrace.formats.spool.spool_reader import SpoolReader
from nbtrace.store import semconv
from nbtrace.store.schema import RUNNING, Row, RowFields

_PATIENCE_S = 10.0
"""So long who asks waits for what has been written; more comes the next time."""

_PART = re.compile(rf"(?P<process>\d{{1,9}}-\d{{1,20}}){re.escape(SUFFIX)}(?:\.(?P<number>[1-9]\d{{0,8}}))?\Z")


_END, _ORIGIN = map(RowFields._fields.index, ("end_ns", "origin"))


class Collector:
    """Reads what is written into one directory."""

    def __init__(self, home: Home, done: Callable[[Row], object], sampled: Callable[[Row], object]) -> None:
        self._home = home
        self._done, self._sampled = done, sampled
        self._outcomes = Outcomes()
        self._readers: dict[str, SpoolReader] = {}
        self._asked: deque[Any] = deque()
        """Locks that are let go of when what was there by now has been read."""
        self._wanted = False
        self._at_work = _thread.allocate_lock()
        self.processes = 0
        """How many have written something so far."""
        self._missing = 0
        """How many lines of processes that are gone could not be read, or were not written."""
        self.failed: Counter[str] = Counter()
        """How many could not write, by the reason."""
        self.trouble = ""
        """Why the directory is not read."""

    def running_rows(self) -> list[Row]:
        """Return the rows of spans that run in other processes, as far as has been read."""
        rows = [row for reader in list(self._readers.values()) for row in reader.running_rows()]
        return rows + [(*row[:_END], RUNNING, *row[_END + 1 :]) for row in self._outcomes.waiting()]

    def now(self) -> None:
        """Read what has been written, and come back when that is done."""
        if not self._home.owned or not self._home.made:
            return
        asked = _thread.allocate_lock()
        asked.acquire()
        self._asked.append(asked)
        if self._work_soon():
            asked.acquire(timeout=_PATIENCE_S)

    def soon(self) -> None:
        """Have it read, and do not wait."""
        if self._home.owned and self._home.made:
            self._wanted = True
            self._work_soon()

    def _work_soon(self) -> bool:
        """Have a thread at work; where none can be had, do it here. Return whether one is."""
        if self._at_work.locked():
            return True
        try:
            # Not by `threading`, in whose list the user would see it.
            _thread.start_new_thread(self._work, ())
        except RuntimeError:
            self._work()
            return False
        return True

    def _work(self) -> None:
        while (self._asked or self._wanted) and self._at_work.acquire(False):
            # Looked at again after the release: somebody may have asked when nobody seemed left.
            try:
                while self._asked or self._wanted:
                    asked, self._wanted = [self._asked.popleft() for _ in range(len(self._asked))], False
                    try:
                        self._read()
                    except Exception:
                        fault("reading what other processes have recorded")
                    finally:
                        for each in asked:
                            each.release()
            finally:
                self._at_work.release()

    def _read(self) -> None:
        try:
            check(self._home.path)
        except OSError as error:  # somebody has deleted it, or put another one there
            self.trouble = f"{self._home.path} {error.strerror or error}"
            if isinstance(error, FileNotFoundError):  # and with it what would have told more
                for left in self._readers.values():
                    left.give_up()
                self._readers.clear()
            return
        self.trouble = ""
        parts: dict[str, dict[int, str]] = {}
        with os.scandir(self._home.path) as entries:
            for entry in entries:
                if not entry.is_file(follow_symlinks=False):
                    continue
                if (match := _PART.match(entry.name)) is not None:
                    parts.setdefault(match["process"], {})[int(match["number"] or 1)] = entry.path
                elif entry.name.endswith(FAILED):
                    self._note_failure(entry.path)
        for process in sorted(parts, key=lambda process: int(process.partition("-")[2])):
            reader = self._readers.get(process)
            if reader is None:
                reader = self._readers[process] = SpoolReader(LineReader(self._take, self._sampled, _file_of))
                self.processes += 1
            pid, slot = int(process.partition("-")[0]), os.path.join(self._home.path, process + SLOT)
            try:
                if reader.read(pid, parts[process], slot):
                    del self._readers[process]
                    self._missing += reader.lost + reader.bad
            except Exception:  # of the others all is read
                fault("reading what a process has recorded")
            time.sleep(0)  # the user's code goes on in between
        for row in self._outcomes.waiting():
            self._take(row)

    def _take(self, row: Row) -> None:
        """Hand on a row, that of a task with its outcome, once that is known."""
        if row[_ORIGIN].scope_name != semconv.TASK_SCOPE:
            self._outcomes.note(row)
            self._done(row)
        elif (known := self._outcomes.finished(row)) is not None:
            self._done(known)

    def give_up(self) -> None:
        """Hand on what was kept back."""
        for row in self._outcomes.give_up():
            self._done(row)

    def _note_failure(self, path: str) -> None:
        with suppress(OSError):
            with open(open_ours(path), "rb") as file:
                self.failed[file.read(200).decode("utf-8", "replace")] += 1
            os.unlink(path)

    def status(self) -> list[str]:
        """Say how much has come home, and what has not."""
        found = []
        if self.trouble:
            found.append(f"Other processes: nothing comes home, as {self.trouble}.")
        if self.processes:
            found.append(f"Other processes: {self.processes:,} have sent what they recorded.")
        missing = self._missing + sum(reader.lost + reader.bad for reader in list(self._readers.values()))
        if missing:
            found.append(f"Of what they wrote {missing:,} lines are missing: written too fast, or torn.")
        found += [f"Of {number:,} nothing comes home: {why}." for why, number in self.failed.items()]
        return found


def _file_of(function: str, file: str, first_line: int) -> str:
    """The file of a frame as the kernel knows it."""
    return (file == NAMELESS and file_of(function, first_line)) or file
