"""What must hold of every recording, whatever has been sent where."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

import nbtrace


def wrong(rec: nbtrace.Recording) -> list[str]:
    """Return what is wrong with the spans of a recording in which nothing runs any more."""
    spans = rec.spans(attributes="dict")
    found = []
    known = set(spans["span_id"])
    if twice := [one for one, count in Counter(spans["span_id"]).items() if count > 1]:
        found.append(f"{len(twice)} spans are there twice")
    if orphans := set(spans["parent_span_id"].dropna()) - known:
        found.append(f"{len(orphans)} parents are missing")
    if len(running := spans[spans["state"] == "running"]):
        found.append(f"still running: {sorted(set(running['name']))[:5]}")
    if len(late := spans[spans["end_time"] < spans["start_time"]]):
        found.append(f"ended before they began: {sorted(set(late['name']))[:5]}")
    began = spans.set_index("span_id")["start_time"]
    early = spans[spans["start_time"] < spans["parent_span_id"].map(began)]
    if len(early):
        by = (early["parent_span_id"].map(began) - early["start_time"]).max()
        found.append(f"began before their parents: {sorted(set(early['name']))[:5]}, by {by} at most")
    return found


def below(rec: nbtrace.Recording) -> dict[tuple[str, str | None], int]:
    """Return how many spans of a name stand below one of another name; None for roots."""
    spans = rec.spans()
    names = dict(zip(spans["span_id"], spans["name"], strict=True))
    parents = [None if pd.isna(each) else names.get(each, "?") for each in spans["parent_span_id"]]
    return dict(Counter(zip(spans["name"], parents, strict=True)))


def tasks(rec: nbtrace.Recording, name: str = "") -> list[dict[str, Any]]:
    """Return the rows of tasks, their attributes among the columns, in the order in which they began; `name`: of those alone."""
    spans = rec.spans(attributes="dict")
    found = spans[spans["scope_name"] == "nbtrace.tasks"].sort_values("start_time")
    rows = [{**row, **row.pop("attributes")} for row in found.to_dict("records")]
    return [row for row in rows if not name or row["name"] == name]
