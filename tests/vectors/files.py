"""How vectors are written: JSON with an item a line, so that a change of one answer is a change of one line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def lines(parts: Mapping[str, Iterable[Any]]) -> str:
    """A JSON object of lists."""
    found = []
    for name, items in parts.items():
        inner = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items)
        found.append(f'"{name}": [\n{inner}\n]')
    return "{\n" + ",\n".join(found) + "\n}\n"
