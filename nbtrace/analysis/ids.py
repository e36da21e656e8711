"""Where ids stand: the row of each span id in a column of span ids.

Enters: columns of hex digits. Leaves: row numbers. Ids of 16 digits are compared as integers, three times as fast as text;
any other text (a hostile file's) is compared as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
_Keys = npt.NDArray[np.uint64]

DIGITS = 16


def rows_of(wanted: Any, ids: Any) -> Ints:
    """Return the row in `ids` of each of `wanted`, -1 for one that is missing or not there. An id that occurs twice means its
    first row."""
    known, asked = _texts(ids), _texts(wanted)
    present = np.asarray(asked.is_valid())
    everywhere = bool(present.all())
    keys, questions = _integers(known), _integers(asked if everywhere else asked.drop_null())
    if keys is None or questions is None:
        return np.asarray(pc.index_in(asked, value_set=known, skip_nulls=True).fill_null(-1)).astype(np.int64)
    # Siblings mostly stand side by side, so that one question answers for all of a run.
    new = np.flatnonzero(np.r_[True, questions[1:] != questions[:-1]]) if len(questions) else np.zeros(0, np.int64)
    index = pd.Index(keys)
    if index.is_unique:
        answers = index.get_indexer(pd.Index(questions[new]))
    else:
        answers = np.asarray(pc.index_in(pa.array(questions[new]), value_set=pa.array(keys)).fill_null(-1))
    found = np.repeat(answers.astype(np.int64), np.diff(np.r_[new, len(questions)]))
    if everywhere:
        return found
    rows = np.full(len(asked), -1, dtype=np.int64)
    rows[present] = found
    return rows


def _texts(column: Any) -> Any:
    """Any column of texts as one Arrow array."""
    found = pa.array(column, pa.large_string(), from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _pairs() -> npt.NDArray[np.uint16]:
    """The byte that two hex digits mean, 256 for what are none."""
    digits = b"0123456789abcdef"
    table = np.full(1 << 16, 256, dtype=np.uint16)
    for high, first in enumerate(digits):
        for low, second in enumerate(digits):
            pair = np.frombuffer(bytes((first, second)), dtype=np.uint16)[0]
            table[pair] = high * 16 + low
    return table


_PAIRS = _pairs()


def _integers(ids: Any) -> _Keys | None:
    """The ids as integers; None if one of them is no id of 16 lower-case digits."""
    if not len(ids):
        return np.zeros(0, dtype=np.uint64)
    if ids.null_count:
        return None
    offsets = np.frombuffer(ids.buffers()[1], dtype=np.int64)[ids.offset : ids.offset + len(ids) + 1]
    if offsets[-1] - offsets[0] != DIGITS * len(ids) or (np.diff(offsets) != DIGITS).any():
        return None
    text = np.frombuffer(ids.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]
    values = _PAIRS[text.view(np.uint16)]
    if (values > 255).any():
        return None
    return values.astype(np.uint8).view(">u8").astype(np.uint64)
