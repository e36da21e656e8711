"""The names of the messages between the inspector in the browser and the kernel; protocol.md says what they mean, and
frontend/src/protocol.ts names them for the other side. Imports nothing."""

from __future__ import annotations

from typing import Final

HELLO: Final = "hello"
BYE: Final = "bye"
DESCRIBE: Final = "describe"
CODE: Final = "code"
FRAME: Final = "frame"

SPANS: Final = "spans"
DETAILS: Final = "details"
HAVE: Final = "have"
DOING: Final = "doing"
PROFILE: Final = "profile"

FROM_BROWSER: Final = {HELLO: ("rows", "details", "profiles", "code"), BYE: (), DESCRIBE: ("row",)}
"""Messages with their fields, `kind` left out."""

FROM_KERNEL: Final = {CODE: ("code",), FRAME: ()}
"""`FRAME` has a frame as its one buffer."""

FRAMES: Final = {
    SPANS: (
        "first",
        "count",
        "zero",
        "names",
        "renamed",
        "cells",
        "processes",
        "workers",
        "captions",
        "reset",
        "dropped",
        "narrowed",
        "now",
    ),
    DETAILS: ("keys",),
    HAVE: ("rows", "details", "profiles"),
    DOING: ("cells", "now"),
    PROFILE: ("number", "base", "memory", "texts", "files", "codes", "lines", "threads", "resources", "dropped"),
}
"""Frames with the fields of their headers, `kind` and `columns` left out."""

COLUMNS: Final = {
    SPANS: (
        *(("start", "f8"), ("end", "f8"), ("name", "u4"), ("parent", "i4"), ("cell", "i4"), ("flags", "u1")),
        *(("errors", "u1"), ("changed", "i4"), ("newEnd", "f8"), ("newName", "u4"), ("newParent", "i4")),
        *(
            ("newFlags", "u1"),
            ("newErrors", "u1"),
            ("eventRow", "i4"),
            ("eventTime", "f8"),
            ("taskRow", "i4"),
            ("waited", "f8"),
        ),
        *(("starting", "f8"), ("transfer", "f8"), ("captionRow", "i4"), ("caption", "u4"), ("gone", "i4")),
    ),
    DETAILS: (("row", "i4"), ("data", "u1")),
    HAVE: (),
    DOING: (),
    PROFILE: (
        *(("above", "u"), ("frame", "u"), ("function", "u"), ("file", "u"), ("line", "u"), ("firstLine", "u")),
        *(("kind", "u"), ("thread", "u"), ("cell", "u"), ("span", "u"), ("stack", "u"), ("after", "u2")),
        *(("wall", "u2"), ("computed", "u1"), ("look", "u2"), ("at", "u2"), ("run", "u2"), ("origin", "u2")),
        *(("long", "i4"), ("longAfter", "f8"), ("longWall", "f8"), ("statement", "u"), ("place", "u")),
        *(("first", "u"), ("last", "u"), ("begun", "f8"), ("ended", "f8"), ("status", "u1")),
    ),
}
"""The columns of each frame in their order, with dtypes as numpy writes them; u is u1, u2 or u4, whatever is enough."""
