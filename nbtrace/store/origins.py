"""Where spans come from: the resource and the instrumentation scope, each pair once, known by its index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    """One pair of resource and instrumentation scope."""

    service_name: str | None
    scope_name: str | None
    scope_version: str | None = None
    resource: Mapping[str, Any] = field(default_factory=dict)


_UNKNOWN = Origin(None, None)


class Origins:
    """A table of origins that only grows; equal ones share an index. Without a lock: the first span of a scope may start in
    a signal handler."""

    def __init__(self) -> None:
        self._indices: dict[object, int] = {}
        # 0 is "not known", so that a row always has an origin.
        self._table: dict[int, Origin] = {0: _UNKNOWN}
        self._numbers = count(1)

    def index(self, origin: Origin) -> int:
        """Return the index of `origin`, entering it if it is new."""
        key = (origin.service_name, origin.scope_name, origin.scope_version, repr(sorted(origin.resource.items())))
        index = self._indices.get(key)
        if index is None:
            # Of two threads that come at once one wins, and the other's number stays empty.
            index = self._indices.setdefault(key, next(self._numbers))
        self._table.setdefault(index, origin)
        return index

    def __getitem__(self, index: int) -> Origin:
        return self._table.get(index, _UNKNOWN)

    def __len__(self) -> int:
        return max(self._table.copy()) + 1


ORIGINS = Origins()
"""One table for the process: rows go to several recordings at once, and an index must mean the same in each."""
