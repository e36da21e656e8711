"""Checksums of a Parquet file's bytes, which it carries itself where other readers do not look.

Enters: bytes as they are written, or a file. Leaves: the file with a checksum for each megabyte, and for its footer; or which
megabytes are not what was written. Libraries trust a file's bytes, and may crash on one that a disk or a network has changed.

    PAR1  row groups …  [checksum of each block, little-endian uint32]  [_END]  footer  its length  PAR1

A footer says where in the file each column lies, so what stands between the last column and the footer belongs to nobody."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

BLOCK = 1 << 20

_END = struct.Struct("<QII8s")
"""How many bytes the blocks have altogether, the checksum of the footer, that of the blocks' checksums and of what stands before
it here, and `_MAGIC`."""

_MAGIC = b"nbtrace1"
_PARQUET = b"PAR1"


class DamagedFileError(ValueError):
    """A file whose bytes are not those that were written."""


class Summing:
    """A file to write Parquet into: sums up what passes, and puts the sums before the footer."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sums: list[int] = []
        self._sum = self._in_block = self._length = 0
        self._footer: list[bytes] | None = None
        self.closed = False
        """Asked for by pyarrow."""

    def write(self, data: bytes) -> int:
        """Write, or keep for later what comes after `footer_begins`."""
        if self._footer is None:
            self._pass(data)
        else:
            self._footer.append(bytes(data))
        return len(data)

    def tell(self) -> int:
        """Return how much has been written."""
        return self._length + sum(map(len, self._footer or ()))

    def flush(self) -> None:
        """Do nothing: whoever has opened the file flushes it."""

    def footer_begins(self) -> None:
        """Say that all rows are written. What is left of them may still come before the footer."""
        self._footer = []

    def finish(self) -> None:
        """Write what is left, with the sums."""
        kept, self._footer = b"".join(self._footer or ()), None
        start = len(kept) - 8 - int.from_bytes(kept[-8:-4], "little")
        self._pass(kept[:start])
        footer = kept[start:]
        if self._in_block:
            self._sums.append(self._sum)
        sums = struct.pack(f"<{len(self._sums)}I", *self._sums)
        said = struct.pack("<QI", self._length, zlib.crc32(footer))
        self._file.write(sums + _END.pack(self._length, zlib.crc32(footer), zlib.crc32(sums + said), _MAGIC) + footer)

    def _pass(self, data: bytes) -> None:
        self._file.write(data)
        view = memoryview(data).cast("B")
        self._length += len(view)
        while view:
            part = view[: BLOCK - self._in_block]
            self._sum = zlib.crc32(part, self._sum)
            self._in_block += len(part)
            if self._in_block == BLOCK:
                self._sums.append(self._sum)
                self._sum = self._in_block = 0
            view = view[len(part) :]


@dataclass(frozen=True, slots=True)
class Damage:
    """Which blocks of a file are not what was written."""

    blocks: frozenset[int]

    def hits(self, start: int, end: int) -> bool:
        """Whether some of these bytes are in such a block."""
        return bool(self.blocks) and any(
            at in self.blocks for at in range(start // BLOCK, (max(start, end - 1)) // BLOCK + 1)
        )


def footer_of(read_at: Callable[[int, int], bytes], size: int) -> int:
    """Return where the footer of a Parquet file begins. `read_at` gives a number of bytes from a place. Raises DamagedFileError
    for a file that is none, or that has been cut."""
    if size < 12 or read_at(4, 0) != _PARQUET:
        raise DamagedFileError("it is no Parquet file")
    tail = read_at(8, size - 8)
    start = size - 8 - int.from_bytes(tail[:4], "little")
    if tail[4:] != _PARQUET:
        raise DamagedFileError("its end is missing: it was not copied or written to the end")
    if start < 4:
        raise DamagedFileError("its end does not say where its footer begins")
    return start


def damage(read_at: Callable[[int, int], bytes], size: int, footer: int) -> Damage | None:
    """Return what of a file is damaged, None if it has no checksums, as files of others. Raises DamagedFileError where the footer
    itself is."""
    start = footer - _END.size
    if start < 4:
        return None
    length, footer_sum, own_sum, magic = _END.unpack(read_at(_END.size, start))
    if magic != _MAGIC:
        return None
    count = -(-length // BLOCK)
    if length + 4 * count != start:
        raise DamagedFileError("its checksums are damaged")
    sums = read_at(4 * count, length)
    if zlib.crc32(sums + struct.pack("<QI", length, footer_sum)) != own_sum:
        raise DamagedFileError("its checksums are damaged")
    if zlib.crc32(read_at(size - footer, footer)) != footer_sum:
        raise DamagedFileError("its footer is damaged")
    found = struct.unpack(f"<{count}I", sums)
    bad = {at for at in range(count) if zlib.crc32(read_at(min(BLOCK, length - at * BLOCK), at * BLOCK)) != found[at]}
    return Damage(frozenset(bad))
