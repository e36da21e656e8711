"""Cells over their executions: how often, how long, and whether the last run was another than those before.

Enters: the cells table. Leaves: one row per cell, or per heading of the notebook that they stand below."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nbtrace.analysis.columns import TEXT
from nbtrace.analysis.dataframes import DIGEST
from nbtrace.analysis.wrong_question import QuestionError
from nbtrace.store.book import digest
from nbtrace.store.schema import ATTRIBUTE_PREFIX
from nbtrace.store.semconv import JUPYTER_NOTEBOOK_PATH

FENCE = re.compile(r"\s{0,3}(```|~~~)")
HEADING = re.compile(r"\s{0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$")


class NotebookError(QuestionError):
    """The notebook's file is not known or cannot be read."""


def history(cells: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell, the one that took longest over all its runs first.

    cell Int64 (execution count of its last run) · code str (its first line) · runs, errors Int64 (runs; those that failed) ·
    last timedelta64[ns], missing while it runs · change timedelta64[ns] and ratio float64, the last run against the one
    before · median, fastest, slowest, total timedelta64[ns], of the runs that have ended. Executions are of the same cell if
    they have the cell's id, or its source where the front end sends no ids."""
    rows = [_row(runs) for _, runs in cells.groupby(_identity(cells), sort=False)]
    columns = ("cell", "code", "runs", "errors", "last", "change", "ratio", "median", "fastest", "slowest", "total")
    table = pd.DataFrame(rows, columns=list(columns))
    table["code"] = table["code"].astype(TEXT)
    table["ratio"] = table["ratio"].astype("float64")
    table[["cell", "runs", "errors"]] = table[["cell", "runs", "errors"]].astype("Int64")
    for column in ("last", "change", "median", "fastest", "slowest", "total"):
        table[column] = pd.Series(table[column].tolist(), dtype="timedelta64[ns]")  # also if all of them are missing
    return table.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)


def _identity(cells: pd.DataFrame) -> pd.Series:
    """The cell's id, or the digest of its code where there is none; `cells` has it, or the source it is made of."""
    if DIGEST in cells:
        codes = cells[DIGEST]
    else:
        codes = pd.Series([digest(source) for source in cells["source"]], index=cells.index, dtype=object)
    if "cell_id" not in cells:
        return codes
    return cells["cell_id"].astype(object).where(cells["cell_id"].notna(), codes)


def _row(runs: pd.DataFrame) -> tuple[object, ...]:
    last = runs.iloc[-1]
    lines = str(last["source"]).strip().splitlines()
    lengths = runs["duration"].dropna()
    before = runs["duration"].iloc[:-1].dropna()
    change = last["duration"] - before.iloc[-1] if len(before) else pd.NaT
    ratio = last["duration"] / before.iloc[-1] if len(before) and before.iloc[-1].value else np.nan
    failed = int((runs["status_code"] == "ERROR").sum())
    shortest, longest = (lengths.min(), lengths.max()) if len(lengths) else (pd.NaT, pd.NaT)
    median = lengths.median() if len(lengths) else pd.NaT
    return (
        last["cell"],
        lines[0] if lines else "",
        len(runs),
        failed,
        last["duration"],
        change,
        ratio,
        median,
        shortest,
        longest,
        lengths.sum(),
    )


@dataclass(slots=True)
class _Section:
    """A heading and the code below it, up to the next."""

    heading: str
    level: int
    """1 for `#`; 0 for what stands before the first heading."""
    keys: list[str]
    """Ids and digests of its code cells."""


def notebook_path(spans: pd.DataFrame) -> str:
    """Return the file of the notebook that the last cell span names. Raises NotebookError where none does."""
    paths = spans.get(ATTRIBUTE_PREFIX + JUPYTER_NOTEBOOK_PATH)
    if paths is None or paths.isna().all():
        said = "the notebook's file is not known here."
        raise NotebookError(
            f'{said} Name it: nbtrace.headings("analysis.ipynb").', f"{said} Type  %spans headings FILE.ipynb"
        )
    return str(paths.dropna().iloc[-1])


def headings(cells: pd.DataFrame, notebook: str | os.PathLike[str]) -> pd.DataFrame:
    """Return one row per markdown heading of the notebook's file, in its order.

    heading str · level Int64, 1 for `#` · cells, runs, errors Int64: cells below it that have run, their runs, those that
    failed · own timedelta64[ns]: the time of all runs up to the next heading · total timedelta64[ns]: with the headings
    below it · share float64, of the time of all cells. Cells that are not in the file (deleted, or not saved yet) stand in a
    last row without a heading. Raises NotebookError for a file that cannot be read."""
    sections = _sections(notebook)
    place = {key: number for number, section in reversed(list(enumerate(sections))) for key in section.keys}
    nowhere = len(sections)
    where = np.array(
        [
            place.get(cell_id if isinstance(cell_id, str) else "", place.get(code, nowhere))
            for cell_id, code in zip(cells["cell_id"], _identity(cells.drop(columns="cell_id")), strict=True)
        ],
        dtype=np.int64,
    )
    ended = cells["duration"].notna().to_numpy()
    ns = np.where(ended, cells["duration"].astype("int64").to_numpy(), 0)
    own = np.zeros(nowhere + 1, dtype=np.int64)
    np.add.at(own, where, ns)
    failed = (cells["status_code"] == "ERROR").to_numpy(dtype=bool)
    identity = _identity(cells)
    levels = [section.level for section in sections]
    total = own.copy()
    for number in range(nowhere - 1, -1, -1):
        below = number + 1
        while below < nowhere and levels[below] > levels[number] > 0:
            below += 1
        total[number] = own[number:below].sum()
    table = pd.DataFrame(
        {
            "heading": pd.array([*(section.heading for section in sections), None], dtype=TEXT),
            "level": pd.array([*levels, None], dtype="Int64"),
            "cells": pd.array([identity[where == n].nunique() for n in range(nowhere + 1)], dtype="Int64"),
            "runs": pd.array(np.bincount(where, minlength=nowhere + 1), dtype="Int64"),
            "errors": pd.array(np.bincount(where[failed], minlength=nowhere + 1), dtype="Int64"),
            "own": pd.to_timedelta(own, unit="ns").astype("timedelta64[ns]"),
            "total": pd.to_timedelta(total, unit="ns").astype("timedelta64[ns]"),
            "share": total / max(int(ns.sum()), 1),
        }
    )
    kept = table["level"].fillna(0).gt(0) | table["runs"].gt(0)
    return table[kept.to_numpy(dtype=bool)].reset_index(drop=True)


def _sections(notebook: str | os.PathLike[str]) -> list[_Section]:
    path = Path(notebook)
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found = [_Section("", 0, [])]
        for cell in cells:
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                found += [_Section(text, level, []) for level, text in _headings(source)]
            elif cell["cell_type"] == "code":
                found[-1].keys += [digest(source), *([cell["id"]] if "id" in cell else [])]
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = f"cannot read the notebook {str(path)!r}: {type(error).__name__}: {error}. Save it, or"
        raise NotebookError(
            f'{said} name another file: nbtrace.headings("analysis.ipynb").', f"{said} type  %spans headings FILE.ipynb"
        ) from None
    return found


def _headings(markdown: str) -> list[tuple[int, str]]:
    """The headings of a markdown cell that stand outside code."""
    found, fence = [], ""
    for line in markdown.splitlines():
        mark = FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        elif not fence and (heading := HEADING.match(line)):
            found.append((len(heading[1]), (heading[2] or "").strip()))
    return found
