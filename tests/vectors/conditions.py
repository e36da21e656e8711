"""Conditions, and the rows that meet them, for every language that reads conditions.

`python -m tests.vectors.conditions` writes conditions.json: `columns` with their kinds, `rows` (a duration in nanoseconds, a
moment in ISO 8601, a missing value absent, what JSON cannot hold as {"$": text}), and `cases`: a condition with the numbers of
the rows that meet it, or with the kind of its error. Most are made at random from the grammar, the same each time; of these
some have lost a word or got one too many."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
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
    "state": "text",
    "parent_span_id": "text",
    "thread_id": "number",
    "thread_name": "text",
    "process_pid": "number",
    "service_name": "text",
    "scope_name": "text",
    "event_count": "number",
    "dropped_events": "number",
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
    {
        "name": "cell [1] load",
        "kind": "INTERNAL",
        "start_time": "2026-01-31T12:00:00Z",
        "end_time": "2026-01-31T12:00:02Z",
        "duration": 2_000_000_000,
        "status_code": "UNSET",
        "cell": 1,
        "thread_id": 2**47,
        "thread_name": "MainThread",
        "process_pid": 41,
        "service_name": "shop",
        "scope_name": "nbtrace",
    },
    {
        "name": "load",
        "kind": "CLIENT",
        "start_time": "2026-01-31T12:00:00.5Z",
        "end_time": "2026-01-31T12:00:00.65Z",
        "duration": 150_000_000,
        "status_code": "UNSET",
        "cell": 1,
        "attributes.rows": 3,
        "attributes.share": 0.5,
        "attributes.cached": True,
        "attributes.http.route": "/users/{id}",
        "attributes.my-key": "a",
    },
    {
        "name": "load",
        "kind": "CLIENT",
        "start_time": "2026-01-31T12:00:01Z",
        "duration": None,
        "status_code": "UNSET",
        "cell": 1,
        "attributes.rows": 10,
        "attributes.cached": False,
        "attributes.a/b": 2,
        "state": "running",
        "parent_span_id": "00000000000000a1",
        "thread_id": 7,
        "thread_name": "Thread-1 (work)",
    },
    {
        "name": "query body",
        "kind": "CLIENT",
        "start_time": "2026-01-31T12:00:01.1Z",
        "end_time": "2026-01-31T12:00:01.1001Z",
        "duration": 100_000,
        "status_code": "ERROR",
        "status_message": "Timeout: no answer",
        "cell": 1,
        "attributes.rows": "10",
        "attributes.odd key": "x",
    },
    {
        "name": "it's",
        "kind": "SERVER",
        "start_time": "2026-02-01T00:00:00Z",
        "end_time": "2026-02-01T01:00:00Z",
        "duration": 3_600_000_000_000,
        "status_code": "OK",
        "attributes.rows": True,
        "attributes.größe": 1.5,
    },
    {
        "name": "C:\\temp",
        "kind": "INTERNAL",
        "start_time": "2026-02-01T00:00:00Z",
        "end_time": "2026-02-01T00:00:00Z",
        "duration": 0,
        "status_code": "ERROR",
        "status_message": "",
        "cell": 2,
        "attributes.rows": [1, 2],
        "attributes.share": 3,
        "state": "unfinished",
    },
    {
        "name": "Load 🚀 größe",
        "kind": "INTERNAL",
        "start_time": "2026-02-01T00:00:00.123456789Z",
        "end_time": "2026-02-01T00:00:00.12345679Z",
        "duration": 1,
        "status_code": "OK",
        "cell": 3,
        "event_count": 2,
        "dropped_events": 1,
        "attributes.rows": 2**53 + 1,
        "attributes.share": math.inf,
        "attributes.a/b": 2.0**53,
        "attributes.my-key": "\uffff",
    },
    {
        "name": "a\nb",
        "kind": "INTERNAL",
        "start_time": "2026-01-30T23:59:59.999999999Z",
        "end_time": "2026-01-31T00:00:00.000000001Z",
        "duration": 2,
        "status_code": "UNSET",
        "cell": 3,
        "attributes.rows": [1, 2],
        "attributes.share": -0.5,
        "attributes.a/b": [1, 2],
        "attributes.my-key": "🚀",
        "attributes.cached": "yes",
    },
]
for _row in ROWS:
    _row.update({name: value for name, value in {"state": "ended", "event_count": 0, "dropped_events": 0}.items() if name not in _row})  # fmt: skip
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
attributes.rows == attributes.rows
attributes.rows != attributes.a/b
attributes.rows == 9007199254740993
attributes.rows == 9007199254740992.0
attributes.a/b == 9007199254740993
attributes.a/b in [9007199254740993, 3]
attributes.rows in [9007199254740992.0]
attributes.my-key < '🚀'
attributes.my-key > '\uffff'
attributes.share > 1e308
attributes.share - attributes.share == 0
attributes.share * 0 == 0
-attributes.rows % 4 == 1
attributes.share % -2 < 0
thread_name ~ 'Thread' and thread_id > 100
process_pid == 41
service_name == 'shop' or scope_name.isna()
parent_span_id.isna()
state == 'running'
state in ['unfinished', 'ended'] and event_count > 0
state = 'done'
dropped_events / event_count > 0.4
duration > 99999d
start_time + 99999d > '2026-01-01'
start_time + 90000d < end_time
start_time - '1970-01-01' < 1s
'2026-02-01' - start_time <= 0s
duration * 1e300 > 1s
duration / 0 > 1s
not duration / 0 > 1s
duration * 0.5 == 0s
duration * 1.5 == 2ns
duration / 3 == 1ns
start_time == '2026-02-01 00:00:00.123456789'
start_time < '2026-01-31 00:00Z'
start_time > '2026-02-30'
start_time > '2026-01-31 24:00'
duration in ['-1s', -1s, 0s, - 5ns]
name ~ 'a.b'
name ~ 'a\\sb'
name ~ '^[^\\d]+$'
name ~ '\\bgr'
name ~ 'e$'
name ~ '(l|L)oad( 🚀)? ?.*e$'
name ~ '^.{4,6}$'
name ~ '^(a+)+b$'
name ~ '[\\w-]+\\s'
name ~ '[a-'
name ~ '[z-a]'
name ~ 'a{2}{3}'
name ~ '(a{500}){3}'
name ~ 'x{1001}'
name ~ '(?i)load'
name ~ '\\Aload'
name ~ ''
name.str.contains('GRÖSSE', case=False)
name.str.contains('GRÖßE', case=False, regex=False)
name.str.startswith('load', case=False)
name.str.contains('load', flags=1)
name.str.contains('load', case=no)
name.str.contains(3)
name.str.upper()
name.isin(['load'])
cell.str.contains('1')
cell ~ '1'
name between 'a' and 'b'
name like 'x'
name == 'load' name
name or
not
duration >
duration
(duration > 1s
((name == 'load'))
not status = error
attributes.nope > 1
attributes.nope.isna()
name in
name in [
name in ['load'
name in ['load',]
name in ['load' 'x']
name not 'load'
cell == 1 == 1
cell == (1)
cell == (1 + 1) * 2 - 1
cell + 1
1 + 1 == 2
1 < 2 < cell
name == 'load' = true
attributes.cached == (name == 'load')
(name == 'load') + 1 > 2
-name == 'x'
- - cell == 1
not -cell == -1
cell == not 1
~~attributes.cached
attributes.cached & attributes.rows == 3
attributes.cached.isna() | name == 'load'
name == @x
name in @names
name == @x.y
name = 'load' -- comment
name == 'load'; cell == 1
name ~ "load" and
status == 'ok'
status_code == kind
kind == 3
start_time == 2026-01-31 12:00
duration == 100m
duration == 5 parsecs
cell == 1e999
cell == 99999999999999999999
cell == 1_0
attributes['rows'] == 3
attributes.rows.max() == 3
attributes.rows.str.contains('1').isna()
attributes.http.route.missing == 1
`nope` == 1
`name == 'x'
name == "x
name == r'x'
name == “load”
DURATION > 1s
Name == 'load'
load and cell == 1
name == 'load' && cell == 1
name <> 'load'
name === 'load'
!(name == 'load')
5 > 3
'load'
''
name.__class__ == 1
__import__('os')
""".strip().splitlines()


# ── at random ───────────────────────────────────────────────────────────────────────────────────────────────────────────

SEED = 17
MADE = 700
_SIGNS = ("==", "=", "!=", "<", "<=", ">", ">=")
_TEXTS = ("name", "kind", "status_message", "thread_name", "scope_name", "parent_span_id")
_NUMBERS = ("cell", "thread_id", "process_pid", "event_count", "dropped_events")
_ANYS = tuple(f"`{name}`" if " " in name else name for name in COLUMNS if name.startswith("attributes."))
_WRITTEN = ("'load'", "'Load'", "''", '"it\'s"', "'C:\\temp'", "'10'", "'🚀'", "'a'", "'\uffff'", "'CLIENT'")
_COUNTS = (
    "0",
    "1",
    "-1",
    "3",
    "0.5",
    "2",
    "10",
    "41",
    "1e300",
    "9007199254740993",
    "9007199254740992.0",
    "140737488355328",
    "1_0",
    ".5",
)
_TIMES = (
    "100ms",
    "'1d'",
    "0s",
    "2ns",
    "1h 30min",
    "'0 days 01:00:00'",
    "1.5 s",
    "duration",
    "duration * 2",
    "duration / 3",
    "-duration",
    "3 * duration",
    "end_time - start_time",
    "duration + 1ns",
    "duration - 1h",
    "200d",
)
_MOMENTS = (
    "'2026-01-31'",
    "2026-02-01",
    "'2026-01-31 12:00:01'",
    "'2026-02-01T01:00+01:00'",
    "start_time",
    "end_time",
    "start_time + duration",
    "end_time - 30min",
    "start_time + 2 * duration",
    "'1970-01-01'",
)
_PATTERNS = ("l", "^l", "^[Ll]oad$", "d$", "[a-m]+", "a.b", r"a\.b", "load|query", "^$", r"\w o?", "(o|O)a", "x{1,2}", r"\bb", r"\Bo", r"^\S+$", "[^a-z ]", r"\[\d\]", "(?:l.a|b)d?$", "(a*)*b", "🚀.", ".{3,5}?d", r"\s", r"^\D{2,}$")  # fmt: skip


def made(count: int) -> list[str]:
    """Conditions from the grammar, the same each time; a fifth of them is damaged."""
    chance = random.Random(SEED)
    found: list[str] = []
    while len(found) < count:
        where = _condition(chance, 2)
        if chance.random() < 0.2:
            words = where.split(" ")
            place = chance.randrange(len(words))
            words[place : place + 1] = chance.choice(([], [chance.choice(("and", "or", "not", "(", ")", "==", "in", "nope", "'x'", "3", "1s", ",", "~", "-"))], [words[place]] * 2))  # fmt: skip
            where = " ".join(words)
        if where.strip():
            found.append(where)
    return list(dict.fromkeys(found))


def _condition(chance: random.Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.3:
        return chance.choice(_ATOMS)(chance)
    inner = (_condition(chance, depth - 1) for _ in range(3))
    form = chance.choice(("{} and {}", "{} or {}", "{} & {}", "{} | {}", "not {}", "~({})", "({} OR {}) AND {}", "{} or {} and not {}", "not ({} and {})"))  # fmt: skip
    return form.format(*inner)


def _counted(chance: random.Random) -> str:
    side = chance.choice((*_NUMBERS, *_ANYS, *_COUNTS, "(duration / 1ms)"))
    if chance.random() < 0.6:
        return side
    return f"({side} {chance.choice('+-*/%')} {chance.choice((*_NUMBERS, *_ANYS, *_COUNTS))})"


def _listed(chance: random.Random, values: tuple[str, ...]) -> str:
    some = ", ".join(chance.choice(values) for _ in range(chance.randrange(4)))
    return f"({some})" if chance.random() < 0.3 else f"[{some}]"


def _in(chance: random.Random) -> str:
    return chance.choice(("in", "not in"))


_ATOMS: tuple[Callable[[random.Random], str], ...] = (
    lambda chance: f"{chance.choice(_TEXTS)} {chance.choice(_SIGNS)} {chance.choice((*_WRITTEN, *_TEXTS))}",
    lambda chance: f"{chance.choice(_ANYS)} {chance.choice(_SIGNS)} {chance.choice((*_WRITTEN, *_COUNTS, *_ANYS, 'True', 'false'))}",
    lambda chance: f"{chance.choice((*_WRITTEN, *_COUNTS, 'true'))} {chance.choice(_SIGNS)} {chance.choice(_ANYS)}",
    lambda chance: f"{chance.choice(_COUNTS)} {chance.choice(_SIGNS)} {chance.choice(_ANYS)} {chance.choice(_SIGNS)} {chance.choice(_COUNTS)}",
    lambda chance: f"duration {chance.choice(_SIGNS)} {chance.choice(_TIMES)}",
    lambda chance: f"{chance.choice(_TIMES)} {chance.choice(_SIGNS)} duration",
    lambda chance: f"start_time {chance.choice(_SIGNS)} {chance.choice(_MOMENTS)}",
    lambda chance: f"{chance.choice(_MOMENTS)} {chance.choice(_SIGNS)} end_time",
    lambda chance: f"{_counted(chance)} {chance.choice(_SIGNS)} {_counted(chance)}",
    lambda chance: f"{_counted(chance)} {chance.choice(_SIGNS)} {chance.choice(_NUMBERS)}",
    lambda chance: f"{chance.choice(_ANYS)} {_in(chance)} {_listed(chance, (*_WRITTEN, *_COUNTS, 'True'))}",
    lambda chance: f"{chance.choice(_TEXTS[:1] + _TEXTS[2:])} {_in(chance)} {_listed(chance, _WRITTEN)}",
    lambda chance: f"duration {_in(chance)} {_listed(chance, _TIMES[:7])}",
    lambda chance: f"{chance.choice((*_TEXTS, *_NUMBERS, *_ANYS, 'duration', 'end_time'))}.{chance.choice(('isna', 'notna'))}()",
    lambda chance: f"{chance.choice((*_TEXTS, *_ANYS))}.str.{chance.choice(('startswith', 'endswith'))}({chance.choice(_WRITTEN)})",
    lambda chance: f"{chance.choice((*_TEXTS, *_ANYS))}.str.contains({chance.choice(_WRITTEN)}, regex=False, case={chance.choice(('True', 'False'))})",
    lambda chance: f"{chance.choice((*_TEXTS, *_ANYS))}.str.contains('{chance.choice(_PATTERNS)}', case={chance.choice(('True', 'False'))})",
    lambda chance: f"{chance.choice(('name', *_TEXTS, *_ANYS))} ~ '{chance.choice(_PATTERNS)}'",
    lambda chance: f"name ~ '{chance.choice(_PATTERNS)}'",
    lambda chance: chance.choice(_ANYS),
    lambda chance: f"status {chance.choice(('==', '!='))} '{chance.choice(('ERROR', 'OK', 'UNSET'))}'",
    lambda chance: f"state {chance.choice(_SIGNS)} '{chance.choice(('ended', 'running', 'unfinished'))}'",
)  # fmt: skip


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
    given = [{name: _plain(value) for name, value in row.items() if value is not None} for row in ROWS]
    conditions = dict.fromkeys([*CONDITIONS, *made(MADE)])
    parts = {"rows": given, "cases": [case(where, rows) for where in conditions]}
    lines = ["{", f'"columns": {json.dumps(COLUMNS, ensure_ascii=False)},']
    for name, items in parts.items():
        lines += [f'"{name}": [', ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)]
        lines += ["]" if name == "cases" else "],"]
    return "\n".join([*lines, "}"]) + "\n"


def _plain(value: Any) -> Any:
    """As details bring it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": repr(value)}
    return {"$": str(value)} if type(value) is int and value >= 2**53 else value


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
