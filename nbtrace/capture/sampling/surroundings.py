"""Whether threads can be looked at from another one, here and now.

Enters: nothing. Leaves: answers."""

from __future__ import annotations

import sys

_SWITCH_S = 0.004
"""Where threads give way to each other after less than this, the one that is looked at could go on within a look."""

_INTERPRETERS = ("_interpreters", "_xxsubinterpreters")
"""The modules with which Python code makes other interpreters: of Python 3.13 on, and before."""


def lets_look() -> bool:
    """Return whether no thread can go on within a look."""
    return sys.getswitchinterval() >= _SWITCH_S and not _other_interpreters()


def _other_interpreters() -> bool:
    """Whether this process has more than one interpreter. From Python 3.12 on one can have a lock of its own, and so run while a
    look goes through the frames of all threads, its own among them: that crashes."""
    for name in _INTERPRETERS:
        known = getattr(sys.modules.get(name), "list_all", None)
        if known is not None:
            return len(known()) > 1
    return False


def trouble() -> str:
    """Return why threads cannot be looked at here at all, "" where they can."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return "in a Python without the interpreter's lock a thread cannot be looked at safely"
    if not hasattr(sys, "_current_frames"):
        return "this Python does not show what its threads do"
    return ""
