"""The parts of a journal, one after the other: one is written to, the next is kept ready, the oldest go when all are too large.

Enters: what is to be said, as functions that say it to `Lines`. Leaves: files. What needs a disk is done by a thread that ends
when there is nothing to do: on the user's path a line is copied into memory; where no room is ready it waits for that thread."""

from __future__ import annotations

import _thread
import errno
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nbtrace.faults import fault
from nbtrace.formats.journal import files
from nbtrace.formats.journal.part import Part
from nbtrace.formats.journal.records import Lines

FIRST_BYTES, MOST_BYTES = 256_000, 32_000_000
"""How long the first part is, and the longest: each has four times the length of the last; a short session takes little."""

LATE_LINES = 20_000
"""So much waits for a slow disk; what comes then is missing."""

_SOON_S = 1.0
"""So long who is to wait for a part waits."""

_PATIENCE_S = 5.0
"""So long who closes waits for a thread that is at a slow disk."""

Saying = Callable[[Lines], None]


class Series:
    """Parts at `path`, `path.2`, `path.3` …, written by one process."""

    def __init__(
        self,
        path: Path,
        opened: Callable[[Part, int], Lines],
        carried: Saying,
        *,
        max_bytes: int,
        first_bytes: int = 0,
        waits: bool = False,
    ) -> None:
        """`opened` begins a part and gives what writes into it; `carried` says what runs, for a part that will be left without
        the older ones; `waits`: who says something waits for a part that has room for it, rather than have that said later."""
        self.path = path
        self.lines: Lines | None = None
        """Says into the part that is written to; None when there is none any more. Raises ValueError where that is full."""
        self.trouble: OSError | None = None
        """What ends it: no part follows the one that is written to, or that is closed too."""
        self.lost = 0
        """How much was not written, as the disk was too slow."""
        self._opened, self._carried, self._max_bytes = opened, carried, max_bytes
        self._waits = waits
        self._number = 0
        self._length = first_bytes or FIRST_BYTES
        self._parts: deque[Part] = deque()
        self._spare: deque[Part] = deque()
        self._late: deque[Saying] = deque()
        self._at_work = _thread.allocate_lock()

    @property
    def nbytes(self) -> int:
        """How much stands in all parts."""
        return sum(part.used for part in list(self._parts))

    def begin(self) -> None:
        """Make the first part. Raises OSError where that cannot be done, FileExistsError where the file is there."""
        part = self._made()
        self._parts.append(part)
        self.lines = self._opened(part, self._number)
        self._work_soon()

    def say(self, saying: Saying) -> None:
        """Say something to the part that has room for it: at once if one is ready, else as soon as one is."""
        for _ in range(2):
            lines = self.lines
            if lines is None:
                return
            try:
                saying(lines)
                return
            except ValueError:
                if not self._turned(lines):
                    break
        self.say_later(saying)

    def say_later(self, saying: Saying) -> None:
        """Have the thread say it: what takes long."""
        if self.lines is None:
            return
        if len(self._late) >= LATE_LINES:
            self.lost += 1
        else:
            self._late.append(saying)
        self._work_soon()

    def _turned(self, full: Lines) -> bool:
        """Go on in the next part, if one is ready."""
        if self.lines is not full:
            return True
        if (trouble := self._parts[-1].trouble) is not None:
            self.give_up(trouble)
            return True
        try:
            part = self._spare.popleft()
        except IndexError:
            if self.trouble is not None:
                self.give_up(self.trouble)
                return True
            waited_for = self._waited_for() if self._waits else None
            if waited_for is None:
                return False
            part = waited_for
        self._parts.append(part)
        self.lines = self._opened(part, self._number)
        self._work_soon()
        return True

    def _waited_for(self) -> Part | None:
        """The next part, from the thread that is making it, or made here; None where that cannot be had soon."""
        if not self._at_work.acquire(timeout=_SOON_S):
            return None
        try:
            if self._spare:
                return self._spare.popleft()
            self._length = min(4 * self._length, MOST_BYTES)
            return self._made()
        except OSError as error:
            self.trouble = error
            return None
        finally:
            self._at_work.release()

    def look(self) -> None:
        """See whether the file that is written to is still there, and as long as it was made; write no more if it is not."""
        if self.lines is not None and not self._parts[-1].is_whole():
            self.give_up(FileNotFoundError(errno.ENOENT, "somebody has deleted its file, or cut it"))

    def begin_anew(self, write_rest: Callable[[], None]) -> None:
        """Leave nothing of what was written so far but what `write_rest` writes. Raises OSError."""
        if not self._at_work.acquire(timeout=_PATIENCE_S):
            raise OSError(errno.EBUSY, "its thread waits for the disk, or for a callable that redacts")
        try:
            part = self._made()
            older = [*self._parts, *self._spare]
            self._late.clear()
            self._spare.clear()
            self._parts = deque([part])
            self.lines = self._opened(part, self._number)
            write_rest()
            for each in older:
                each.close()
                each.path.unlink(missing_ok=True)
            part.rename(self.path)
            self._number = 1
        finally:
            self._at_work.release()
        self._work_soon()

    def close(self, last: Saying) -> None:
        """Say a last thing, and close all parts."""
        if self.lines is None:
            return
        free = self._at_work.acquire(timeout=_PATIENCE_S)
        try:
            self._late.append(last)
            if free:
                self._drain()
        finally:
            self.lines = None
            self._end()
            if free:
                self._at_work.release()

    def give_up(self, error: OSError) -> None:
        """Write no more, for this reason."""
        self.trouble, self.lines = error, None
        self._late.clear()
        self._end()

    def abandon(self) -> None:
        """In a forked child: leave the files to the parent."""
        self.lines = None
        self._late.clear()
        self._at_work = _thread.allocate_lock()
        for part in (*self._parts, *self._spare):
            part.abandon()

    # ── the thread ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _work_soon(self) -> None:
        if not self._at_work.locked():
            with suppress(RuntimeError):  # no thread to be had: who closes does it
                _thread.start_new_thread(self._work, ())

    def _work(self) -> None:
        try:
            while self._has_work() and self._at_work.acquire(False):
                # Looked at again after the release: work may have come when none seemed left.
                try:
                    while self._has_work():
                        self._work_once()
                finally:
                    self._at_work.release()
        except OSError as error:
            self.give_up(error)
        except Exception:
            fault("writing the journal")

    def _has_work(self) -> bool:
        if self.lines is None:
            return False
        return bool(self._late) or (not self._spare and self.trouble is None) or len(self._open()) > 1

    def _work_once(self) -> None:
        for full in self._open()[:-1]:
            full.close()
        if not self._spare and self.trouble is None:
            self._length = min(4 * self._length, MOST_BYTES)
            try:
                self._spare.append(self._made())
            except OSError as error:
                # There is room in the part that is written to: the journal ends when that is full.
                self.trouble = error
        self._drain()
        while len(self._parts) > 1 and self.nbytes + self._length > self._max_bytes:
            self.say(self._carried)
            oldest = self._parts.popleft()
            oldest.close()
            oldest.path.unlink(missing_ok=True)

    def _open(self) -> list[Part]:
        return [part for part in list(self._parts) if part.is_open]

    def _drain(self) -> None:
        """Say what has waited, as far as there is room."""
        while self._late:
            saying, lines = self._late[0], self.lines
            if lines is None:
                return
            try:
                saying(lines)
            except ValueError:
                part = self._parts[-1]
                if part.length < MOST_BYTES or part.used > FIRST_BYTES:
                    if not self._turned(lines):
                        return
                    continue
                self.lost += 1  # longer than any part
            self._late.popleft()

    def _made(self) -> Part:
        self._number += 1
        return Part(files.part(self.path, self._number), self._length)

    def _end(self) -> None:
        for part in self._parts:
            with suppress(OSError):
                part.close()
        for part in self._spare:
            with suppress(OSError):
                part.close()
                part.path.unlink(missing_ok=True)
        self._spare.clear()
