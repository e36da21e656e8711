"""Names by number: a frame tells a name once, and the number of it from then on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrace.views.inspector.columns import Piece


class Names:
    """Names by number. A name that no row has any more gives its number to the next new one."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []
        self._uses = np.zeros(256, dtype=np.int64)
        self._free: list[int] = []

    def enter(self, pieces: Sequence[Piece]) -> tuple[list[str], list[tuple[int, str]]]:
        """Number the names of the pieces; return those that are new at the end, and those that take an old number."""
        known, renamed = len(self._texts), []
        for piece in pieces:
            names = piece.column("name")
            indices = np.asarray(names.indices)
            used = np.flatnonzero(np.bincount(indices, minlength=1))
            table = np.zeros(int(used[-1]) + 1 if len(used) else 1, dtype=np.uint32)
            for place, text in zip(used.tolist(), names.dictionary.take(pa.array(used)).to_pylist(), strict=True):
                code = self._codes.get(text)
                if code is None:
                    if self._free:
                        code = self._free.pop()
                        self._texts[code] = text
                        renamed.append((code, text))
                    else:
                        code = len(self._texts)
                        self._texts.append(text)
                    self._codes[text] = code
                table[place] = code
            piece.names = table[indices]
        # One that was new at the end can be renamed no more in the same frame: none is freed while names are entered.
        return self._texts[known:], renamed

    def count(self, codes: npt.NDArray[Any], by: int) -> None:
        """Count rows in or out; what is counted out altogether is free."""
        if not len(codes):
            return
        if len(codes) < 16:  # a look at all names would cost more
            for code in codes.tolist():
                self._grow(code)
                self._uses[code] += by
                if self._uses[code] <= 0:
                    self._release(code)
            return
        rows = np.bincount(codes)
        self._grow(len(rows))
        self._uses[: len(rows)] += by * rows
        if by < 0:
            for code in np.flatnonzero((rows > 0) & (self._uses[: len(rows)] <= 0)).tolist():
                self._release(code)

    def _grow(self, code: int) -> None:
        if code >= len(self._uses):
            self._uses = np.concatenate([self._uses, np.zeros(max(code, len(self._uses)), dtype=np.int64)])

    def _release(self, code: int) -> None:
        self._uses[code] = 0
        self._codes.pop(self._texts[code], None)
        self._texts[code] = ""
        self._free.append(code)
