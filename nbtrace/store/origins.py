"""Where spans come from: the resource and the instrumentation scope, each pair once, known by its index."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    """One pair of resource and instrumentation scope."""

    service_name: str | None
    scope_name: str | None
    scope_version: str | None = None
    resource: Mapping[str, Any] = field(default_factory=dict)


class Origins:
    """An append-only table of origins; equal ones share an index."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}
        # 0 is "not known", so that a row always has an origin.
        self._table: list[Origin] = [Origin(None, None)]
        self._lock = threading.Lock()

    def index(self, origin: Origin) -> int:
        """Return the index of `origin`, entering it if it is new."""
        key = (origin.service_name, origin.scope_name, origin.scope_version, repr(sorted(origin.resource.items())))
        with self._lock:
            if key not in self._known:
                self._table.append(origin)
                self._known[key] = len(self._table) - 1
            return self._known[key]

    def __getitem__(self, index: int) -> Origin:
        return self._table[index]

    def __len__(self) -> int:
        return len(self._table)


ORIGINS = Origins()
"""One table for the process: rows go to several recordings at once, and an index must mean the same in each."""
