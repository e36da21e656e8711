"""How a part of a journal begins and ends: who has written it, and whether that is over.

Enters: a path. Leaves: what its first and its last line say; the lines between are not read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbtrace.formats.journal.records import HEAD

_LONGEST = 1_000_000


def head_of(path: Path) -> dict[str, Any] | None:
    """Return what the head of a part says of who has written it; None for another file."""
    try:
        with open(path, "rb") as file:
            items = json.loads(file.readline(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return items[2] if is_head(items) else None


def ends_with(path: Path) -> str:
    """Return what the last line of a part is, by its letter; "" for one behind which there is room."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 64))
        last = file.read().rpartition(b"\n[")[2]
    return last[1:2].decode("latin-1") if last.endswith(b"]\n") else ""


def is_head(items: Any) -> bool:
    """Whether a line is the head of a part."""
    return isinstance(items, list) and len(items) == 3 and items[0] == HEAD and isinstance(items[2], dict)
