"""The journal of one shell's recording: switched on and off, and what is said of it.

Enters: what a person types, or has configured. Leaves: a journal that is written, and sentences. What goes wrong is said once."""

from __future__ import annotations

import atexit
import errno
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType

from nbtrace.faults import fault
from nbtrace.formats.journal import folder
from nbtrace.formats.journal.files import SUFFIX
from nbtrace.formats.journal.journal import Journal
from nbtrace.store.span_store import SpanStore
from nbtrace.views import words

_TOLD = 3
"""Of the journals that others have left so many are told of, the last ones."""

StatementTold = Callable[[int, int, CodeType], None]


class ShellJournal:
    """Whether a journal is written, and where."""

    def __init__(self, store: SpanStore, notebook: Callable[[], str | None]) -> None:
        """`notebook` gives the path of the notebook, None where it is not known."""
        self._store = store
        self._notebook = notebook
        self._journal: Journal | None = None
        self._told = ""
        """The trouble that has been said."""

    def start(self, file: str = "") -> str:
        """Begin a journal, at its default place, in a folder or in a file; return what to say. Raises OSError where it cannot be
        made."""
        notebook = self._notebook()
        usual = folder.folder_of(notebook)
        target = Path(os.path.expanduser(file)).absolute() if file else usual
        _check(target)
        is_file = bool(file) and not target.is_dir()
        if is_file and target.suffix != SUFFIX:
            target = target.with_name(target.name + SUFFIX)
        if self._journal is not None and self._journal.on and (not file or target == self._journal.path):
            return f"nbtrace: what is recorded is written to {_short(self._journal.path)} already."
        self.stop()
        path = folder.unused(target) if is_file else folder.new_path(target, notebook)
        self.write_to(path)
        _clear_old(usual)
        kept = f" {_short(target)} is there from before, and stays as it is." if is_file and path != target else ""
        said = f"nbtrace: what is recorded is written to {_short(path)} as it happens.{kept}"
        return "\n".join([said, *(f"  {each}" for each in self._to_recover())])

    def write_to(self, path: Path) -> None:
        """Begin a journal at a path at which there is none. Raises OSError where it cannot be made."""
        journal = Journal(self._store, path, notebook=self._notebook())
        journal.start()
        self._journal, self._told = journal, ""
        atexit.register(self.stop)

    def begin(self, file: str = "") -> None:
        """Begin a journal because it is configured: where that cannot be done, say so, and go on."""
        try:
            self.start(file)
        except OSError as error:
            print(f"nbtrace: {trouble(error)}", file=sys.stderr)  # noqa: T201

    def stop(self) -> str:
        """End the journal, if one is written; return what to say."""
        journal, self._journal = self._journal, None
        if journal is None:
            return ""
        atexit.unregister(self.stop)
        journal.stop()
        return f"nbtrace: {_short(journal.path)} is closed; nbtrace.recover({_short(journal.path)!r}) opens it."

    @property
    def statement_begun(self) -> StatementTold | None:
        """Who is to be told of statements that begin; None if nobody is."""
        return None if self._journal is None else self._statement_begun

    def _statement_begun(self, number: int, start_ns: int, code: CodeType) -> None:
        try:
            if self._journal is not None:
                self._journal.statement_begun(number, start_ns, code)
        except Exception:
            fault("writing that a statement has begun")

    def rules_changed(self) -> None:
        """Redact by the store's rules of now."""
        if self._journal is not None:
            self._journal.rules_changed()

    def look(self) -> None:
        """Say that something has gone wrong, once."""
        if self._journal is None or self._told or not (said := self._journal.trouble):
            return
        self._told = said
        more = "" if self._journal.on else " The recording in memory goes on; %nbtrace journal on begins another."
        print(f"nbtrace: the journal is not whole: {said}.{more}", file=sys.stderr)  # noqa: T201

    def status(self) -> list[str]:
        """Say whether a journal is written, and what others have left."""
        journal = self._journal
        if journal is None:
            lines = ["Journal: off. What is recorded dies with the kernel (%nbtrace journal on)."]
        elif not journal.on:
            lines = [f"Journal: stopped, as {journal.trouble} (%nbtrace journal on)."]
        else:
            size = words.size(journal.nbytes)
            missing = f" Not whole: {journal.trouble}." if journal.trouble else ""
            lines = [f"Journal: {_short(journal.path)}, {size}; it survives the kernel (nbtrace.recover).{missing}"]
        return lines + self._to_recover()

    def _to_recover(self) -> list[str]:
        """Say what kernels that died have left."""
        died = self._died()
        lines = [_left(found) for found in died[:_TOLD]]
        if len(died) > _TOLD:
            lines.append(f"To recover: {len(died) - _TOLD:,} more. Type  nbtrace.recover()")
        return lines

    def _died(self) -> list[folder.Found]:
        """The journals beside the notebook of kernels that died, the last one first."""
        try:
            return [each for each in folder.beside(self._notebook()) if each.state == "died"]
        except OSError:
            return []


def _check(target: Path) -> None:
    """Raise OSError for a name that no file can have, and for what is neither file nor folder."""
    try:
        mode = os.stat(target).st_mode
    except ValueError:  # a zero, half of a character
        raise OSError(errno.EINVAL, "is no name for a file", str(target)) from None
    except OSError:  # not there yet, as a rule
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "is a pipe or a device", str(target))


def trouble(error: OSError) -> str:
    """Say why no journal can be written, and what to type."""
    # A name that no file can have comes as text, which nobody need encode.
    name = error.filename if isinstance(error.filename, str) else os.fsdecode(error.filename or b"")
    path = Path(name) if name else None
    why = f"{_short(path)!r} {error.strerror or error}" if path else error.strerror or str(error)
    if path and isinstance(error, FileNotFoundError) and not path.parent.is_dir():
        why = f"there is no folder {_short(path.parent)!r}"
    return f"no journal is written: {why}. Type  %nbtrace journal on FILE  with another place."


def _left(found: folder.Found) -> str:
    ago = words.duration(max(0, time.time_ns() - found.written_ns))
    whose = f" of {words.plain(Path(found.notebook).name, 60)}" if found.notebook else ""
    return f"To recover: a kernel{whose} died {ago} ago. Type  rec = nbtrace.recover({_short(found.path)!r})"


def _short(path: Path) -> str:
    """A path as a person would write it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _clear_old(where: Path) -> None:
    try:
        folder.clear_old(where)
    except Exception:
        fault("deleting old journals")
