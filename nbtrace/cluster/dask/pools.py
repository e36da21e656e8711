"""The threads in which Dask does tasks: a pool of its own, a copy of the standard library's as it was once.

Enters: whoever needs them to know for what they work. Leaves: patches, until the last of those is gone."""

from __future__ import annotations

from distributed import _concurrent_futures_thread

from nbtrace.capture.instruments.threads import carry_in
from nbtrace.capture.patches import Patch

_patches: list[Patch] = []
_users = 0


def install() -> None:
    """Have them know it from here on."""
    global _users
    _users += 1
    if not _patches:
        _patches.extend(carry_in(_concurrent_futures_thread._WorkItem))


def uninstall() -> None:
    """Once for each `install`."""
    global _users
    _users -= 1
    while not _users and _patches:
        _patches.pop().undo()
