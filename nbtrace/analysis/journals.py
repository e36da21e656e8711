"""The journals that there are, as a table.

Enters: what is known of each. Leaves: a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from nbtrace.analysis.columns import TEXT
from nbtrace.formats.journal.folder import Found


def journals(found: Sequence[Found]) -> pd.DataFrame:
    """Return one row per journal: file, state, notebook (str), started, written (datetime64[ns, UTC]), bytes (int64)."""
    return pd.DataFrame(
        {
            "file": pd.array([str(each.path) for each in found], dtype=TEXT),
            "state": pd.array([each.state for each in found], dtype=TEXT),
            "notebook": pd.array([each.notebook for each in found], dtype=TEXT),
            "started": pd.to_datetime([each.started_ns for each in found], utc=True),
            "written": pd.to_datetime([each.written_ns for each in found], utc=True),
            "bytes": pd.Series([each.nbytes for each in found], dtype="int64"),
        }
    )
