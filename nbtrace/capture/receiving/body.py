"""The body of a request, read within bounds, whatever it says of itself.

Enters: a request's headers, and what comes behind them. Leaves: the body, unpacked; or a `Refused`. Nothing is read that is not
counted, and of what is packed never more is unpacked than there is room for."""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Iterator
from email.message import Message
from typing import Any, BinaryIO

from nbtrace.capture.receiving.limits import Refused, Room

_PIECE = 65_536
_GZIP = 31
"""zlib's word for it."""

_LINE = 1_000


class Body:
    """Bytes of a request, in pages of their own: what grows on the heap is copied again and again, and leaves holes there."""

    def __init__(self, room: Room, most: int) -> None:
        """At most so many bytes, and as many as there is room for."""
        self._room, self._most = room, most
        self.file: Any = None
        """Can be read, sought and told; of it `length` bytes are the body."""
        self.length = 0

    def write(self, piece: bytes) -> None:
        """Add a piece. Raises Refused if it is too much."""
        if not piece:
            return
        if self.length + len(piece) > self._most:
            raise Refused(413, "too large")
        self._room.take(len(piece))
        self.length += len(piece)
        self._pages().write(piece)

    def _pages(self) -> Any:
        if self.file is None:
            private = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
            self.file = mmap.mmap(-1, self._most, **({"flags": private} if private else {}))
        return self.file

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.give_back(self.length)
        if self.file is not None:
            self.file.close()


def read_body(file: BinaryIO, headers: Message, body: Body, max_sent: int) -> None:
    """Fill the body with what comes. Raises Refused."""
    encoding = (headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise Refused(415, "packed otherwise than with gzip")
    pieces = _sent(file, headers, max_sent)
    for piece in _unpacked(pieces) if encoding == "gzip" else pieces:
        body.write(piece)


def _sent(file: BinaryIO, headers: Message, most: int) -> Iterator[bytes]:
    """The pieces as they were sent."""
    lengths, codings = headers.get_all("Content-Length", []), headers.get_all("Transfer-Encoding", [])
    if codings:
        if lengths or [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise Refused(400, "of a length that cannot be told")
        yield from _chunks(file, most)
        return
    if not lengths:
        raise Refused(411, "without a length")
    if len(set(lengths)) > 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0].strip()):
        raise Refused(400, "of a length that cannot be told")
    if (length := int(lengths[0])) > most:
        raise Refused(413, "too large")
    yield from _exactly(file, length)


def _chunks(file: BinaryIO, most: int) -> Iterator[bytes]:
    """The pieces of a body in chunks: https://www.rfc-editor.org/rfc/rfc9112#section-7.1."""
    while length := _chunk_length(file.readline(_LINE)):
        most -= length + 1  # an end of chunks of a byte each is in sight, too
        if most < 0:
            raise Refused(413, "too large")
        yield from _exactly(file, length)
        if file.readline(_LINE).strip():
            raise Refused(400, "in chunks that do not end where they say")
    for _ in range(100):  # trailers, which mean nothing here
        if not file.readline(_LINE).strip():
            return
    raise Refused(400, "in chunks that do not end where they say")


def _chunk_length(line: bytes) -> int:
    found = re.match(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;|\r?\n)", line)
    if found is None:
        raise Refused(400, "in chunks that do not end where they say")
    return int(found[1], 16)


def _exactly(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        piece = file.read(min(length, _PIECE))
        if not piece:
            raise Refused(400, "broken off")
        length -= len(piece)
        yield piece


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip has packed, in pieces of a bounded size however small it was packed."""
    stream = zlib.decompressobj(_GZIP)
    try:
        for piece in pieces:
            while piece:
                if stream.eof:
                    raise Refused(400, "no gzip")
                yield stream.decompress(piece, _PIECE)
                piece = stream.unconsumed_tail or stream.unused_data
        while not stream.eof and (rest := stream.decompress(b"", _PIECE)):
            yield rest
    except zlib.error:
        raise Refused(400, "no gzip") from None
    if not stream.eof:
        raise Refused(400, "no gzip")
