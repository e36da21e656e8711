"""Narrow a table: by cell, trace, name, or a pandas query expression over its columns.

Enters: a DataFrame of dataframes.py. Leaves: its rows that match. A column that does not exist is an error that names
the nearest ones, in every place where a column can be named."""

from __future__ import annotations

import difflib
import keyword
import operator
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

MAX_LISTED = 40
"""Columns that an error lists where none is near."""


class UnknownColumnError(KeyError):
    """A column that the table does not have."""

    def __init__(self, name: str, columns: Iterable[str]) -> None:
        self.name = name
        known = list(columns)
        by_lower = {column.lower(): column for column in known}
        near = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
        near += [column for column in known if column.endswith("." + name) and column not in near]
        hint = (
            f"Did you mean {' or '.join(map(repr, near))}?"
            if near
            else f"Columns: {', '.join(known[:MAX_LISTED])}{', …' if len(known) > MAX_LISTED else ''}."
        )
        self.text = f"there is no column {name!r}. {hint}"
        super().__init__(self.text)

    def __str__(self) -> str:
        return self.text


class FilterError(ValueError):
    """A condition that cannot be read or applied."""


def narrow(
    table: pd.DataFrame,
    *,
    cell: int | Collection[int] | None = None,
    trace_id: str | None = None,
    name: str | None = None,
    where: str | None = None,
    name_column: str = "name",
    variables: Mapping[str, Any] | None = None,
    known: Collection[str] = (),
) -> pd.DataFrame:
    """Return the rows of `table` that meet all conditions, numbered anew.

    cell: an execution count, or several. trace_id: 32 hex digits, or the beginning of them. name: exact. where: a pandas
    query expression; `attributes.rows > 3` needs no backticks, and `@x` is the variable x of `variables`. known: names
    without a column, which an error can suggest."""
    if cell is not None:
        table = table[table["cell"].isin(execution_counts(cell))]
    if trace_id is not None:
        table = table[table["trace_id"].str.startswith(str(trace_id).lower()).astype(bool)]
    if name is not None:
        table = table[(table[name_column] == name).astype(bool)]
    if where is not None:
        table = _query(table, where, variables or {}, known)
    return table.reset_index(drop=True)


def execution_counts(cell: Any) -> list[int]:
    """Return the execution counts that somebody asks for, one or several."""
    try:
        return [operator.index(each) for each in ([cell] if hasattr(type(cell), "__index__") else list(cell))]
    except TypeError:
        raise FilterError(f"cell={cell!r} is no execution count. Type a number, or several: cell=[3, 5].") from None


def check_column(table: pd.DataFrame, name: str) -> str:
    """Return `name` if the table has this column; raise UnknownColumnError otherwise."""
    if name not in table.columns:
        raise UnknownColumnError(name, map(str, table.columns))
    return name


def _query(table: pd.DataFrame, where: str, variables: Mapping[str, Any], known: Collection[str]) -> pd.DataFrame:
    if not isinstance(where, str) or not where.strip():
        raise FilterError(f"where={where!r} is no condition. Type for example where=\"duration > '100ms'\".")
    times = [str(column) for column, dtype in table.dtypes.items() if isinstance(dtype, pd.DatetimeTZDtype)]
    try:
        expression = quote_columns(where, list(map(str, table.columns)), times)
    except UnknownColumnError as error:
        raise UnknownColumnError(error.name, dict.fromkeys([*map(str, table.columns), *known])) from None
    try:
        # numexpr, where installed, does not know strings and timedeltas.
        mask = table.eval(expression, engine="python", local_dict=dict(variables), global_dict={})
        if isinstance(mask, pd.Series) and mask.dtype == object and all(type(each) is bool for each in mask.dropna()):
            mask = mask.isin([True])  # before pandas 3, a question to a column of texts with gaps
        if not (isinstance(mask, pd.Series) and pd.api.types.is_bool_dtype(mask.dtype)):
            raise FilterError("it gives no yes or no per row")
        return table[mask.fillna(False).astype(bool)]
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise FilterError(
            f"where={where!r} cannot be applied: {reason}. "
            "It is a pandas query expression, for example  status_code == 'ERROR' and duration > '100ms'"
        ) from None


_TOKEN = re.compile(
    r"""(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
      | `(?P<quoted>[^`]*)`
      | (?P<variable>@\w+)
      | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
      | (?P<other>\d[\w.]*|.)""",
    re.VERBOSE | re.DOTALL,
)


_DATE = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")


def quote_columns(expression: str, columns: Collection[str], times: Collection[str] = ()) -> str:
    """Put backticks around dotted column names, and read a date compared with one of `times` as UTC; raise
    UnknownColumnError for a name that is no column."""
    known = set(columns)
    pieces: list[str] = []
    before = column = ""
    for token in _TOKEN.finditer(expression):
        piece = token[0]
        if token["quoted"] is not None and token["quoted"] not in known:
            raise UnknownColumnError(token["quoted"], columns)
        if token["name"] is not None and before != ".":
            column = piece
            piece = _quoted_name(piece, expression[token.end() :], columns)
        elif (
            token["text"] is not None and column in times and before in "<>=" and (date := _DATE.fullmatch(piece[1:-1]))
        ):
            piece = f"{piece[:-1]}{'' if date['time'] else 'T00:00'}Z{piece[-1]}"
        pieces.append(piece)
        if not piece.isspace():
            before = piece
    return "".join(pieces)


def _quoted_name(name: str, behind: str, columns: Collection[str]) -> str:
    """Quote the longest beginning of a dotted name that is a column: `attributes.http.status` is one, of
    `status_code.str.lower` only the first part is, and the rest are its methods."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        column = ".".join(parts[:count])
        if column in columns:
            methods = "".join("." + part for part in parts[count:])
            return (f"`{column}`" if count > 1 else column) + methods
    called = behind.lstrip().startswith("(")
    keyword_argument = re.match(r"\s*=(?!=)", behind) is not None
    if keyword.iskeyword(name) or name == "index" or called or keyword_argument:
        return name
    raise UnknownColumnError(name, columns)
