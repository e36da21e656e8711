"""Where the time went, for a page that nobody can ask: the lines of the slowest cells, and the profile to be taken along.

Enters: a listing of cells, and a profile as text. Leaves: HTML, all that comes from code escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape

from nbtrace.views.grid import Grid, as_html

MAX_CELLS = 20
"""Cells that are shown, the slowest."""

MAX_LINES = 30
"""Lines that are shown of a cell: of a longer one, those around the hot ones."""

MAX_PROFILE = 8_000_000
"""Characters of a profile that a page carries."""


def section(link: str, listing: Grid | None = None) -> str:
    """Return what is said of the cells that have samples; `link` is of `profile_link`, and without a listing is all of it."""
    listed = (
        []
        if listing is None
        else ["<p>A line has the time of all that it called: lines do not add up.</p>", as_html(listing)]
    )
    return "\n".join(["<section>", "<h2>Where the time went</h2>", *listed, link, "</section>"])


def profile_link(pieces: Iterable[str], stem: str) -> str:
    """Return the link by which a page hands out a profile, or where it is too long for a page, how to get it."""
    name = f"{stem}.speedscope.json"
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > MAX_PROFILE:
            typed = escape(f"nbtrace.save({name!r})")
            return f"<p>The profile was left out: it has more than {MAX_PROFILE // 10**6} MB. <code>{typed}</code> writes it.</p>"
    data = b64encode(text.encode("utf-8", "backslashreplace")).decode("ascii")
    href = f"data:application/json;base64,{data}"
    return (
        f'<p><a download="{escape(name, quote=True)}" href="{href}">Download the profile</a> '
        "and open it in https://www.speedscope.app, or drop it there.</p>"
    )
