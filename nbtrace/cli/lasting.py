"""A stream for what is said of a run, which goes on when nobody hears it any more: `| head`, a terminal that was closed, a full
disk.

Enters: a stream. Leaves: one that never fails."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO, Any


class Lasting:
    """A stream that takes text for as long as somebody takes it from there."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._heard = True

    def write(self, text: str) -> int:
        """Write text, or nothing."""
        if self._heard:
            try:
                self._stream.write(text)
            except OSError:
                self._leave()
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self._heard:
            try:
                self._stream.flush()
            except OSError:
                self._leave()

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else."""
        return getattr(self._stream, name)

    def _leave(self) -> None:
        self._heard = False
        # What is still in the stream's own buffer would fail once more when Python ends, and with a status of its own.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
