"""Which spans are those of whole runs: `nbtrace run` puts one around the cells of each notebook.

Enters: a spans DataFrame. Leaves: which of its rows they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbtrace.store.semconv import RUN_SCOPE


def of_runs(spans: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return whether each row is such a span."""
    if "scope_name" not in spans:  # whatever somebody has made of it
        return np.zeros(len(spans), dtype=bool)
    return (spans["scope_name"] == RUN_SCOPE).fillna(False).to_numpy(dtype=bool)


def run_roots(spans: pd.DataFrame, tops: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the rows of those that are roots, in the order of the table. tops: the row of the root above each span."""
    return np.flatnonzero(of_runs(spans) & (tops == np.arange(len(tops)))).astype(np.int64)
