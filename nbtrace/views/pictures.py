"""How large a picture is, by its header: nothing of it is drawn.

Enters: PNG, GIF, WebP or JPEG in base64. Leaves: pixels. frontend/src/engine/shapes.ts reads the same in a browser."""

from __future__ import annotations

import base64
import binascii
import struct

_HEAD = 40_000
"""Letters in which the header of a picture stands."""
_LARGEST = 100_000
"""Pixels beside each other in a picture that is one."""


def size_of(kind: str, packed: str) -> tuple[int, int] | None:
    """Return width and height of a picture in base64, as far as its header tells."""
    try:
        head = base64.b64decode(packed[:_HEAD], validate=True)
        found = _PIXELS[kind](head) if kind in _PIXELS else None
    except (binascii.Error, struct.error, ValueError, IndexError):
        return None
    return found if found and all(0 < each <= _LARGEST for each in found) else None


def _png(head: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">II", head, 16) if head[1:4] == b"PNG" else None


def _gif(head: bytes) -> tuple[int, int] | None:
    return struct.unpack_from("<HH", head, 6) if head[:4] == b"GIF8" else None


def _webp(head: bytes) -> tuple[int, int] | None:
    if head[8:12] != b"WEBP":
        return None
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if head[12:16] != b"VP8 ":
        return None
    wide, high = struct.unpack_from("<HH", head, 26)
    return wide & 0x3FFF, high & 0x3FFF


def _jpeg(head: bytes) -> tuple[int, int] | None:
    if head[:2] != b"\xff\xd8":
        return None
    at = 2
    while at < len(head) - 9:
        marker, length = struct.unpack_from(">HH", head, at)
        if marker >> 8 != 0xFF:
            return None
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            high, wide = struct.unpack_from(">HH", head, at + 5)
            return wide, high
        at += 2 + length
    return None


_PIXELS = {"image/png": _png, "image/gif": _gif, "image/webp": _webp, "image/jpeg": _jpeg}
