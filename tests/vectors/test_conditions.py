"""Conditions answered a second time, row by row."""

from __future__ import annotations

import json

from nbtrace.analysis.where.parser import parse
from tests.analysis.where import oracle
from tests.vectors import conditions


def test_the_vectors_are_what_is_true_of_each_row() -> None:
    rows = conditions.table()
    plain = [dict(row) for row in conditions.ROWS]
    for row, (_, times) in zip(plain, rows[["start_time", "end_time"]].iterrows(), strict=True):
        for name, time in times.items():
            row[str(name)] = None if time != time else time.value
    for case in json.loads(conditions.FILE.read_text(encoding="utf-8"))["cases"]:
        if "rows" in case:
            tree = parse(case["where"], conditions.COLUMNS)
            assert case["rows"] == [n for n, row in enumerate(plain) if oracle.holds(tree, row) is True], case["where"]
