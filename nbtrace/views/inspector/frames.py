"""Frames: the form in which the inspector in the browser is told things.

A frame is the length of its header (4 bytes, little-endian), the header as JSON, and the columns, each from a multiple of 8
on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Frame = bytes


def frame(header: dict[str, Any], columns: Sequence[npt.NDArray[Any]] = ()) -> Frame:
    """Put a header and columns together; the header tells dtype and length of each."""
    layout = [[column.dtype.str[1:], len(column)] for column in columns]
    text = json.dumps({**header, "columns": layout}, ensure_ascii=True).encode("ascii")
    text += b" " * (-(len(text) + 4) % 8)
    parts = [len(text).to_bytes(4, "little"), text]
    for column in columns:
        data = np.ascontiguousarray(column).tobytes()
        parts += [data, b"\0" * (-len(data) % 8)]
    return b"".join(parts)
