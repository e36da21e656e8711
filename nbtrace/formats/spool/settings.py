"""What the processes that work for a kernel have to know of its wishes: how often to sample, what to redact.

Enters: the choice of the kernel's recordings. Leaves: a small file in their directory, JSON, read once and again when it changes.
A callable of the user's cannot be written down: a process that was not forked from the kernel hides all texts instead."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from typing import Any, NamedTuple

from nbtrace.formats.spool.home import open_ours
from nbtrace.store.rate import checked_rate
from nbtrace.store.redaction.choice import Choice
from nbtrace.store.redaction.redactor import Redactor

_FILE = "settings"

HIDDEN = "[hidden: the process could not ask your redact function]"
"""What stands in the place of each text where the user's own callable is not to be had."""


class Settings(NamedTuple):
    """The wishes of a kernel."""

    sampling: int
    redactor: Redactor

    def text(self) -> str:
        """Return them as `read` reads them: JSON on one line."""
        choice = self.redactor.choice
        said: dict[str, Any] = {"sampling": self.sampling}
        if choice != Redactor(True).choice:
            said |= {
                "rules": sorted(choice.rules),
                "names": choice.names,
                "patterns": [(rule, pattern.pattern, pattern.flags, group) for rule, pattern, group in choice.patterns],
                "asks": choice.call is not None,
            }
        return json.dumps(said, separators=(",", ":"))

    @classmethod
    def read(cls, text: str | bytes) -> Settings:
        """Return what `text` has made a text of. Of anything else nothing is sampled, and the defaults are redacted."""
        try:
            said = json.loads(text)
            redactor = Redactor(_choice(said) if "rules" in said else True)
            return cls(checked_rate(said["sampling"] or False), redactor)
        except (ValueError, TypeError, LookupError, re.error):
            return cls(0, Redactor(True))

    def write(self, directory: str) -> None:
        """Put them into a directory, in one step. Raises OSError."""
        path = os.path.join(directory, _FILE)
        beside = f"{path}.{os.getpid()}"
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            os.write(file, self.text().encode("utf-8"))
        finally:
            os.close(file)
        os.replace(beside, path)


def version_of(directory: str) -> int:
    """Return what changes with the settings of a directory; 0 where there are none."""
    with suppress(OSError):
        return os.stat(os.path.join(directory, _FILE)).st_mtime_ns
    return 0


def read_settings(directory: str) -> Settings:
    """Return the settings of a directory. Where they cannot be read nothing is sampled, and the defaults are redacted."""
    try:
        with open(open_ours(os.path.join(directory, _FILE)), "rb") as file:
            return Settings.read(file.read(1_000_000))
    except OSError:
        return Settings(0, Redactor(True))


def _choice(said: dict[str, Any]) -> Choice:
    patterns = tuple((str(rule), re.compile(text, flags), str(group)) for rule, text, flags, group in said["patterns"])
    return Choice(
        frozenset(map(str, said["rules"])),
        tuple(map(str, said["names"])),
        patterns,
        _hidden if said["asks"] else None,
    )


def _hidden(key: str, value: Any) -> Any:
    return HIDDEN if isinstance(value, str) else value if isinstance(value, (int, float, bool)) else HIDDEN
