"""Captions of the rows of a spans table, and which of their attributes are no words for a line.

Enters: a row of a spans table with a column for each attribute. Leaves: a `Caption`; names of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nbtrace.analysis.captions import models
from nbtrace.analysis.captions.caption import KEYS, MARKS, Caption, caption
from nbtrace.store.schema import ATTRIBUTE_PREFIX

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
    present = {each[len(ATTRIBUTE_PREFIX) :]: record[each] for each in columns if _is_there(record[each])}
    return caption(str(record["name"]), str(record["kind"]), present)


def conversation(record: pd.Series, columns: Sequence[str]) -> frozenset[str]:
    """Return those of the columns of attributes that hold what was said to a model and by it: pages, which are read in the
    inspector. What a chain was given, and nothing else is known of, stays."""
    if not any(each in _OF_MODELS and _is_there(record[each]) for each in columns):
        return frozenset()
    pages = frozenset(each for each in columns if each.startswith(_PAGES) and _is_there(record[each]))
    return pages if any(not each.startswith(_RAW) for each in pages) else frozenset()


def _is_there(item: Any) -> bool:
    return item is not None and item is not pd.NA and not (isinstance(item, float) and item != item)
