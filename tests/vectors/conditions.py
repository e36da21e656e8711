"""Conditions, and the rows that meet them, for every language that reads conditions.

`python -m tests.vectors.conditions` writes conditions.json: `columns` with their kinds, `rows` (a duration in nanoseconds, a
moment in ISO 8601, a missing value absent), and `cases`: a condition with the numbers of the rows that meet it, or with the
kind of its error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from nbtrace.analysis.columns import TEXT
from nbtrace.analysis.where.errors import FilterError, UnknownColumnError
from nbtrace.analysis.where.mask import mask
from nbtrace.analysis.where.parser import parse
from nbtrace.analysis.where.tree import Kind

FILE = Path(__file__).with_suffix(".json")

COLUMNS: dict[str, Kind] = {
    "name": "text",
    "kind": "text",
    "start_time": "moment",
    "end_time": "moment",
    "duration": "duration",
    "status_code": "text",
    "status_message": "text",
    "cell": "number",
    "attributes.rows": "any",
    "attributes.share": "any",
    "attributes.cached": "any",
    "attributes.http.route": "any",
    "attributes.my-key": "any",
    "attributes.a/b": "any",
    "attributes.größe": "any",
    "attributes.odd key": "any",
}
DTYPES = {"text": TEXT, "number": "Int64", "duration": "timedelta64[ns]", "any": object}
ROWS: list[dict[str, Any]] = [
    {"name": "cell [1] load", "kind": "INTERNAL", "start_time": "2026-01-31T12:00:00Z", "end_time": "2026-01-31T12:00:02Z", "duration": 2_000_000_000, "status_code": "UNSET", "cell": 1},
    {"name": "load", "kind": "CLIENT", "start_time": "2026-01-31T12:00:00.5Z", "end_time": "2026-01-31T12:00:00.65Z", "duration": 150_000_000, "status_code": "UNSET", "cell": 1, "attributes.rows": 3, "attributes.share": 0.5, "attributes.cached": True, "attributes.http.route": "/users/{id}", "attributes.my-key": "a"},
    {"name": "load", "kind": "CLIENT", "start_time": "2026-01-31T12:00:01Z", "duration": None, "status_code": "UNSET", "cell": 1, "attributes.rows": 10, "attributes.cached": False, "attributes.a/b": 2},
    {"name": "query body", "kind": "CLIENT", "start_time": "2026-01-31T12:00:01.1Z", "end_time": "2026-01-31T12:00:01.1001Z", "duration": 100_000, "status_code": "ERROR", "status_message": "Timeout: no answer", "cell": 1, "attributes.rows": "10", "attributes.odd key": "x"},
    {"name": "it's", "kind": "SERVER", "start_time": "2026-02-01T00:00:00Z", "end_time": "2026-02-01T01:00:00Z", "duration": 3_600_000_000_000, "status_code": "OK", "attributes.rows": True, "attributes.größe": 1.5},
    {"name": "C:\\temp", "kind": "INTERNAL", "start_time": "2026-02-01T00:00:00Z", "end_time": "2026-02-01T00:00:00Z", "duration": 0, "status_code": "ERROR", "status_message": "", "cell": 2, "attributes.rows": [1, 2], "attributes.share": 3},
]  # fmt: skip
CONDITIONS = """
name == 'load'
name = 'load'
name != "load"
name > 'load'
'load' == name
status = 'ERROR'
status_code in ['ERROR', 'OK']
status_code not in ('ERROR', 'OK')
name in []
not name in []
kind == 'CLIENT' and name == 'load'
kind == 'CLIENT' & name == 'load'
(kind == 'CLIENT') & (name == 'load')
name == 'load' or name == 'query body'
name == 'load' | name == 'query body'
name == 'load' OR status = 'ERROR' AND cell = 2
(name == 'load' or status = 'ERROR') and cell = 1
not name == 'load'
~(name == 'load')
not not name == 'load'
name == 'it\\'s'
name == "it's"
name == 'C:\\temp'
name == 'C:\\\\temp'
duration > '100ms'
duration > 100ms
duration > 100 ms
duration>100ms
not duration > 100ms
duration <= 0.1s or duration > 100ms
duration == 150ms
duration == '0.15 s'
duration >= '1h'
duration >= 60min
duration == '0 days 01:00:00'
duration < 1min 30s and duration > 1s 500ms
duration in [150ms, '2 s']
duration.isna()
duration.notna()
duration == 100us
duration == '100 µs'
duration == 100000ns
duration < 1d
start_time > '2026-01-31'
start_time >= 2026-02-01
start_time >= '2026-02-01'
start_time == '2026-01-31 12:00:00.5'
start_time == '2026-01-31T13:00:00.5+01:00'
start_time < 2026-01-31T12:00:01Z
end_time.isna()
end_time > '2026-01-31'
not end_time > '2026-01-31'
end_time - start_time > 1s
start_time + 30min < end_time
duration * 2 > 300ms
duration / 1ms == 150
-duration < -1s
cell == 1
cell != 1
cell.isna()
not cell == 1
cell in [2, 3]
cell % 2 == 0
cell - 3 == -2
-cell == -2
1 <= cell < 2
attributes.rows > 3
not attributes.rows > 3
attributes.rows == 10
attributes.rows != 10
attributes.rows == '10'
attributes.rows >= '1'
attributes.rows == true
attributes.rows in [3, '10', True]
attributes.rows not in [3, '10', True]
attributes.rows.isna()
attributes.rows.notna()
attributes.rows.str.contains('1')
attributes.rows + 1 == 11
attributes.rows / 0 > 1
not attributes.rows / 0 > 1
1 < attributes.rows <= 3
attributes.share == 3
attributes.share == 3.0
attributes.share < 1
attributes.share != 0.5
attributes.cached
not attributes.cached
attributes.cached == false
attributes.rows
attributes.cached or name == 'query body'
attributes.cached and name == 'query body'
attributes.http.route == '/users/{id}'
attributes.http.route.str.startswith('/users')
attributes.http.route ~ '\\{[a-z]+\\}$'
attributes.my-key == 'a'
attributes.a/b > 1
attributes.größe > 1
`attributes.odd key` == 'x'
`attributes.rows` > 3
name ~ 'load'
name ~ '^load$'
name ~ '[0-9]'
name ~ '^\\w+ \\w+$'
not name ~ 'load|query'
name.str.contains('LOAD')
name.str.contains('LOAD', case=False)
name.str.contains('[1]')
name.str.contains('[1]', regex=False)
name.str.contains('LOAD', case=False, regex=False)
name.str.startswith('load')
name.str.endswith('load')
status_message.str.contains('no')
not status_message.str.contains('no')
status_message == ''
status_message.isna()
attributes.rows == attributes.a/b
attributes.rows != attributes.my-key
duration > 1
duration > 'soon'
duration > '5m'
start_time > 5
start_time > 'yesterday'
name == 3
cell == '1'
status = 'error'
status = error
attributes.rows > 100ms
attributes.rowz > 3
rows > 3
name
duration + 1s
name ==
name == 'x
(name == 'x'
name == 'x')
name == 'x' name == 'y'
name in 'x'
name == ['x']
name is None
name == None
name && cell
1 == 1
name ~ '(?=x)'
name ~ '(a)\\1'
name ~ '('
name.upper() == 'X'
len(name) > 3
name.__class__ == 1
__import__('os')
""".strip().splitlines()


def table() -> pd.DataFrame:
    """The rows as a span table has them."""
    made = {}
    for name, kind in COLUMNS.items():
        values = [row.get(name) for row in ROWS]
        if kind == "moment":
            made[name] = pd.Series(pd.DatetimeIndex(pd.to_datetime(values, utc=True, format="ISO8601")).as_unit("ns"))
        else:
            made[name] = pd.Series(pd.Series(values, dtype=object), dtype=DTYPES[kind])  # type: ignore[call-overload]
    return pd.DataFrame(made)


def case(where: str, rows: pd.DataFrame) -> dict[str, Any]:
    """A condition, and what comes of it."""
    try:
        found = mask(rows, parse(where, COLUMNS))
    except UnknownColumnError:
        return {"where": where, "error": "unknown column"}
    except FilterError:
        return {"where": where, "error": "condition"}
    return {"where": where, "rows": found.nonzero()[0].tolist()}


def written() -> str:
    """The file as it should be: one row, and one case, a line."""
    rows = table()
    given = [{name: value for name, value in row.items() if value is not None} for row in ROWS]
    parts = {"rows": given, "cases": [case(where, rows) for where in CONDITIONS]}
    lines = ["{", f'"columns": {json.dumps(COLUMNS, ensure_ascii=False)},']
    for name, items in parts.items():
        lines += [f'"{name}": [', ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)]
        lines += ["]" if name == "cases" else "],"]
    return "\n".join([*lines, "}"]) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
