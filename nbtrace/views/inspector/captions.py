"""What is shown of spans in place of their names, told with their details.

Enters: spans with their attributes, as details hold them. Leaves: texts, and which span has which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrace.analysis.captions.caption import MARKS, caption
from nbtrace.store.schema import KINDS
from nbtrace.views import words
from nbtrace.views.inspector.placed import Ints, Placed

MAX_CAPTION = 200


def captions(
    placed: Placed, attributes: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> tuple[list[str], Ints, npt.NDArray[np.uint32]]:
    """Return captions, the places of the spans that have one, and which each has; what there is of it in a second line. keys: of
    the attributes of all of them."""
    known: dict[str, int] = {}
    places: list[int] = []
    numbers: list[int] = []
    if not MARKS.isdisjoint(keys):  # else no span is looked at
        where = pa.array(placed.positions)
        names, kinds = (placed.batch.spans[column].take(where).to_pylist() for column in ("name", "kind"))
        for place, (name, kind, carried) in enumerate(zip(names, kinds, attributes, strict=True)):
            found = caption(name, KINDS[kind], carried)
            if found is not None:
                text = "\n".join(words.plain(part, MAX_CAPTION) for part in (found.head, found.rest) if part)
                places.append(place)
                numbers.append(known.setdefault(text, len(known)))
    return list(known), np.array(places, dtype=np.int64), np.array(numbers, dtype=np.uint32)
