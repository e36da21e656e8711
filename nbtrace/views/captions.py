"""Captions of the rows of a spans table, and which of their attributes are no words for a line.

Enters: a row of a spans table with a column for each attribute. Leaves: a `Caption`; names of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nbtrace.analysis.captions import models, usage
from nbtrace.analysis.captions.caption import KEYS, MARKS, Caption, caption
from nbtrace.analysis.captions.usage import Used
from nbtrace.store.schema import ATTRIBUTE_PREFIX

MOST_READ = 1_000
"""Of so many siblings that differ each is read, to know whether all did the same."""

_RAW = (ATTRIBUTE_PREFIX + "input.", ATTRIBUTE_PREFIX + "output.")
_PAGES = tuple(ATTRIBUTE_PREFIX + each for each in models.TEXTS)
_OF_MODELS = frozenset(ATTRIBUTE_PREFIX + each for each in models.MARKS)


def columns(attributes: Sequence[str]) -> list[str]:
    """Return those of the columns of attributes that captions are made of; none if no span of the table can have one."""
    if MARKS.isdisjoint(each[len(ATTRIBUTE_PREFIX) :] for each in attributes):
        return []
    return [each for each in attributes if each[len(ATTRIBUTE_PREFIX) :] in KEYS]


def of_record(record: pd.Series, columns: Sequence[str]) -> Caption | None:
    """Return the caption of a span, if it has one. columns: as `columns` gives them."""
    if not columns:
        return None
    present = {each[len(ATTRIBUTE_PREFIX) :]: _plain(record[each]) for each in columns if _is_there(record[each])}
    return caption(str(record["name"]), str(record["kind"]), present)


def by_id(spans: pd.DataFrame) -> dict[str, str]:
    """Return the captions of those of the spans that have one."""
    wanted = columns([each for each in spans.columns if each.startswith(ATTRIBUTE_PREFIX)])
    found = ((record["span_id"], beside_name(record, wanted)) for _, record in spans.iterrows()) if wanted else ()
    return {span_id: each for span_id, each in found if each}


def beside_name(record: pd.Series, columns: Sequence[str]) -> str:
    """Return what a span did as it stands in a column beside its name, "" where there is nothing to be said."""
    return str(of_record(record, columns) or "").removeprefix(f"{record['name']} · ")


def together(records: pd.DataFrame, columns: Sequence[str]) -> tuple[str, str]:
    """Return what all of these siblings did, "" if they did different things; and what calls of models took together, "" if
    nothing is known of that. How it ended is said where it ended so for all."""
    if not columns:
        return "", ""
    counted = [each for each in columns if each[len(ATTRIBUTE_PREFIX) :] in usage.KEYS]
    did: set[str] = set()
    ended: set[str] = set()
    distinct = _distinct(records, counted)
    for _, record in distinct.iloc[:MOST_READ].iterrows():
        found = of_record(record, columns)
        did.add(found.what if found else str(record["name"]))
        ended.add(found.head if found else str(record["name"]))
        if len(did) > 1:
            break
    same = ended if len(ended) == 1 else did
    known = len(same) == 1 and len(distinct) <= MOST_READ
    return same.pop() if known else "", str(usage.together(_used(records[counted])))


def _distinct(records: pd.DataFrame, counted: Sequence[str]) -> pd.DataFrame:
    """One of those that say the same, whatever they took: of thousands of queries there are few."""
    known = records[counted].notna().any(axis=1)
    try:
        return records[~records.drop(columns=counted).assign(known=known).duplicated()]
    except TypeError:  # an array, a map
        return records


def _used(numbers: pd.DataFrame) -> list[Used]:
    keys = [each[len(ATTRIBUTE_PREFIX) :] for each in numbers.columns]
    rows = numbers.dropna(how="all").astype(object).itertuples(index=False, name=None)
    return [usage.used({key: item for key, item in zip(keys, row, strict=True) if _is_there(item)}) for row in rows]


def conversation(record: pd.Series, columns: Sequence[str]) -> frozenset[str]:
    """Return those of the columns of attributes that hold what was said to a model and by it: pages, which are read in the
    inspector. What a chain was given, and nothing else is known of, stays."""
    if not any(each in _OF_MODELS and _is_there(record[each]) for each in columns):
        return frozenset()
    pages = frozenset(each for each in columns if each.startswith(_PAGES) and _is_there(record[each]))
    return pages if any(not each.startswith(_RAW) for each in pages) else frozenset()


def _plain(item: Any) -> Any:
    """A value as the span carried it: a column of numbers gives them as numpy's."""
    return item.item() if isinstance(item, np.generic) else item


def _is_there(item: Any) -> bool:
    return item is not None and item is not pd.NA and not (isinstance(item, float) and item != item)
