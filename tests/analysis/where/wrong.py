"""What is typed wrongly, and among which columns and variables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from nbtrace.analysis.where.tree import Kind

COLUMNS: dict[str, Kind] = {
    "name": "text",
    "kind": "text",
    "start_time": "moment",
    "duration": "duration",
    "status_code": "text",
    "cell": "number",
    "attributes.rows": "any",
    "attributes.http.route": "any",
    "attributes.ok": "any",
    "attributes.retry count": "any",
    "state": "text",
}
VARIABLES: dict[str, Any] = {
    "number": 3,
    "limit": "1s",
    "name": "load",
    "names": ["a", "b"],
    "nothing": None,
    "function": len,
    "array": np.array([1]),
    "pattern": re.compile("x"),
    "huge": 10**400,
}
