"""Narrow a table: by cell, trace, name, or a condition on its columns.

Enters: a DataFrame of dataframes.py. Leaves: its rows that match. A column that does not exist is an error that names
the nearest ones, in every place where a column can be named."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from nbtrace.analysis.where.errors import FilterError, UnknownColumnError
from nbtrace.analysis.where.mask import column_kinds, mask
from nbtrace.analysis.where.parser import parse


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

    cell: an execution count, or several. trace_id: 32 hex digits, or the beginning of them. name: exact. where: a
    condition of docs/conditions.md, in which `@x` is the variable x of `variables`. known: names without a column, which an
    error can suggest."""
    if cell is not None:
        table = table[table["cell"].isin(execution_counts(cell))]
    if trace_id is not None:
        table = table[table["trace_id"].str.startswith(str(trace_id).lower()).astype(bool)]
    if name is not None:
        table = table[(table[name_column] == name).astype(bool)]
    if where is not None:
        table = _met(table, where, variables or {}, known)
    return table.reset_index(drop=True)


def execution_counts(cell: Any) -> list[int]:
    """Return the execution counts that somebody asks for, one or several."""
    try:
        return [operator.index(cell)]
    except TypeError:
        pass  # arrays have __index__ too, whatever they hold
    try:
        return [operator.index(each) for each in cell]
    except TypeError:
        shown = " ".join(reprlib.repr(cell).split())
        meant = f"Did you mean cell={cell.strip()}?" if isinstance(cell, str) and cell.strip().isdecimal() else ""
        raise FilterError(
            f"cell={shown} is no execution count. {meant or 'Type a number, or several: cell=[3, 5].'}"
        ) from None


def check_column(table: pd.DataFrame, name: str) -> str:
    """Return `name` if the table has this column; raise UnknownColumnError otherwise."""
    if name not in table.columns:
        raise UnknownColumnError(name, map(str, table.columns))
    return name


def _met(table: pd.DataFrame, where: str, variables: Mapping[str, Any], known: Collection[str]) -> pd.DataFrame:
    condition = parse(where, column_kinds(table), variables, known)
    met = mask(table, condition)
    # Two missing operands make one answer for all rows.
    return table[met if np.ndim(met) else np.full(len(table), bool(met))]
