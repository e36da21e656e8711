"""Random forests of spans, and the small obvious versions of the answers that the vectorised ones are held against."""

from __future__ import annotations

import pandas as pd
from hypothesis import strategies as st

Span = tuple[int, int, int]
"""(parent row or -1 or a row that does not exist, start, duration; -1 means running)."""

forests = st.integers(0, 9).flatmap(
    lambda n: st.lists(st.tuples(st.integers(-1, n), st.integers(0, 12), st.integers(-1, 8)), min_size=n, max_size=n)
)


def table(spans: list[Span]) -> pd.DataFrame:
    """A spans table; the name of a span is its row."""
    return pd.DataFrame(
        {
            "span_id": pd.Series([str(i) for i in range(len(spans))], dtype="str"),
            "parent_span_id": pd.Series([None if p < 0 else str(p) for p, _, _ in spans], dtype="str"),
            "name": pd.Series([f"s{i}" for i in range(len(spans))], dtype="str"),
            "cell": pd.array([None] * len(spans), dtype="Int64"),
            "scope_name": pd.Series([None] * len(spans), dtype="str"),
            "start_time": pd.to_datetime([s for _, s, _ in spans], utc=True).astype("datetime64[ns, UTC]"),
            "duration": pd.to_timedelta([None if d < 0 else d for _, _, d in spans], unit="ns").astype(
                "timedelta64[ns]"
            ),
        }
    )


def ends(spans: list[Span]) -> list[int]:
    """The end of each span; a running one ends at the latest moment known."""
    latest = max([s + max(d, 0) for _, s, d in spans], default=0)
    return [latest if d < 0 else s + d for _, s, d in spans]


def parent_of(spans: list[Span], row: int) -> int:
    parent = spans[row][0]
    return parent if 0 <= parent < len(spans) and parent != row else -1


def self_times(spans: list[Span]) -> list[int | None]:
    """Count the moments of each span at which no child runs."""
    found: list[int | None] = []
    end = ends(spans)
    for row, (_, start, duration) in enumerate(spans):
        children = [other for other in range(len(spans)) if parent_of(spans, other) == row]
        moments = [t for t in range(start, end[row]) if not any(spans[c][1] <= t < end[c] for c in children)]
        found.append(None if duration < 0 else len(moments))
    return found


def running(spans: list[Span], moment: int) -> int:
    end = ends(spans)
    return sum(start <= moment < end[row] for row, (_, start, _) in enumerate(spans))


def critical_path(spans: list[Span]) -> dict[int, int]:
    """How long the critical path stays in each span: from the end of a root backwards through the last to finish."""
    end = ends(spans)
    found: dict[int, int] = {}

    def visit(row: int, begin: int, moment: int) -> None:
        inside = [
            (min(end[c], moment), c, max(spans[c][1], begin)) for c in range(len(spans)) if parent_of(spans, c) == row
        ]
        inside = [child for child in inside if child[2] < child[0]]
        here = moment
        while ended := [child for child in inside if child[0] <= here and child[2] < here]:
            last, child, start = max(ended)
            found[row] = found.get(row, 0) + here - last
            visit(child, start, last)
            here = start
        found[row] = found.get(row, 0) + here - begin

    for row in range(len(spans)):
        if parent_of(spans, row) < 0:
            visit(row, spans[row][1], end[row])
    return {row: time for row, time in found.items() if time}
