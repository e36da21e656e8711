from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbtrace.analysis.history import NotebookError, headings, history


def cells(*runs: tuple[str | None, str, int | None, str]) -> pd.DataFrame:
    """A cells table from (cell id, source, duration in ns or None, status)."""
    return pd.DataFrame(
        {
            "cell": pd.array(range(1, len(runs) + 1), dtype="Int64"),
            "cell_id": pd.Series([run[0] for run in runs], dtype="str"),
            "source": pd.Series([run[1] for run in runs], dtype="str"),
            "duration": pd.to_timedelta([run[2] for run in runs], unit="ns").astype("timedelta64[ns]"),
            "status_code": pd.Series([run[3] for run in runs], dtype="str"),
        }
    )


def test_a_cell_over_its_runs() -> None:
    """The last against the one before; a run that has not ended has no time yet."""
    found = history(
        cells(
            ("a", "f()", 10, "UNSET"),
            ("b", "\n g()\nh()", 90, "ERROR"),
            ("a", "f(2)", 40, "ERROR"),
            ("a", "f(3)", 20, "UNSET"),
            ("c", "k()", None, "UNSET"),
        )
    )
    assert found["code"].tolist() == ["g()", "f(3)", "k()"]
    row = found.iloc[1]
    assert (row["cell"], row["runs"], row["errors"], row["ratio"]) == (4, 3, 1, 0.5)
    assert [row[c].value for c in ("last", "change", "median", "fastest", "slowest", "total")] == [
        20,
        -20,
        20,
        10,
        40,
        70,
    ]
    assert found.iloc[2][["last", "change", "median"]].isna().all()
    once = history(cells(("a", "f()", 10, "UNSET")))
    assert once.dtypes.astype(str).to_dict() == found.dtypes.astype(str).to_dict()
    assert history(cells()).dtypes.astype(str).to_dict() == found.dtypes.astype(str).to_dict()


def notebook(path: Path, *blocks: tuple[str, str, str]) -> Path:
    """A notebook file from (kind, id, source)."""
    content: dict[str, Any] = {
        "cells": [
            {"cell_type": kind, **({"id": cell_id} if cell_id else {}), "source": source.splitlines(keepends=True)}
            for kind, cell_id, source in blocks
        ]
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_time_by_heading(tmp_path: Path) -> None:
    """By id, else by source; a heading has the time of those below it, too; what the file lacks has a row of its own."""
    file = notebook(
        tmp_path / "a.ipynb",
        ("code", "0", "setup()"),
        ("markdown", "1", "# Data #\ntext\n```\n# no heading\n```\n## Load"),
        ("code", "2", "load()"),
        ("markdown", "3", "## Clean"),
        ("code", "", "clean()\n"),
        ("markdown", "4", "# Model"),
    )
    found = headings(
        cells(
            ("0", "setup()", 1, "UNSET"),
            ("2", "load(old)", 10, "ERROR"),
            ("2", "load()", 20, "UNSET"),
            (None, "clean()", 30, "UNSET"),
            ("gone", "tried()", 39, "UNSET"),
        ),
        file,
    )
    rows = found.astype(object).where(found.notna(), None).values.tolist()
    assert [[*row[:5], row[5].value, row[6].value, row[7]] for row in rows] == [
        ["", 0, 1, 1, 0, 1, 1, 0.01],
        ["Data", 1, 0, 0, 0, 0, 60, 0.6],
        ["Load", 2, 1, 2, 1, 30, 30, 0.3],
        ["Clean", 2, 1, 1, 0, 30, 30, 0.3],
        ["Model", 1, 0, 0, 0, 0, 0, 0.0],
        [None, None, 1, 1, 0, 39, 39, 0.39],
    ]


@pytest.mark.parametrize("content", ["", "[]", '{"cells": [{}]}', '{"cells": 3}', "\x00"])
def test_a_file_that_is_no_notebook_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NotebookError, match=r"cannot read the notebook .*x.ipynb"):
        headings(cells(), path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"FileNotFoundError.*nbtrace.headings\(\"analysis.ipynb\"\)"):
        headings(cells(), tmp_path / "none.ipynb")
