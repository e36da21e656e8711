"""The inspector in one file: for a colleague, a ticket, an archive. No kernel, no network, no server.

Enters: frames of a recording, its tree, and what is said of samples. Leaves: HTML. What comes from spans
runs in a frame without rights, and stands in the page as data; the static twin follows for those who run no scripts."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterable
from html import escape
from pathlib import Path

from nbtrace.formats.files import write_text, write_whole
from nbtrace.store.span_store import SpanStore
from nbtrace.views.inspector.feed import Feed
from nbtrace.views.inspector.frames import Frame
from nbtrace.views.inspector.front_end import static
from nbtrace.views.inspector.narrowed import among
from nbtrace.views.inspector.told import MAX_DETAILS
from nbtrace.views.tree import TreeView

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<title>nbtrace: {title}</title>
<style>:root {{ color-scheme: light dark; }}
body {{ margin: 0; font: 14px system-ui, sans-serif; height: 100vh; display: flex; flex-direction: column; }}
iframe {{ border: 0; flex: 1; min-height: 0; width: 100%; }} nav {{ padding: 3px 10px; font-size: 12px; }}
nav a {{ color: inherit; }} main {{ max-height: 60vh; overflow: auto; padding: 0 12px 12px; }} h1 {{ font-size: 16px; }}
h3 {{ font: bold 14px ui-monospace, monospace; }} main:not(:target) {{ display: none; }}
@media print {{ body {{ display: block; height: auto; }} main:not(:target) {{ display: block; max-height: none; }} }}</style>
</head><body>
<iframe sandbox="allow-scripts" title="nbtrace inspector" srcdoc="{inner}"></iframe>
<nav><a href="#text">the same as text</a></nav>
<main id="text"><p><a href="#">close</a></p><h1>{title}</h1><p>{note}</p>{twin}
{section}</main>
</body></html>
"""

_INNER = """<!doctype html><html><head><meta charset="utf-8">
<style>:root {{ color-scheme: light dark; }} body {{ margin: 0; background: Canvas; }}</style></head>
<body><div id="nbtrace"></div><script type="application/json" id="nbtrace-data">{data}</script>
<script>{code}</script></body></html>"""


def write(path: str | os.PathLike[str], store: SpanStore, tree: TreeView, *, narrowed: bool, section: str) -> Path:
    """Write the spans of a tree as a file, the last ones if there are too many. narrowed: there are others, of which the file
    says no more than that. section: what hot_lines.py says of samples, as HTML."""
    kept = tree.last(MAX_DETAILS)
    left_out = [f"{len(tree) - len(kept):,} earlier spans are left out"] if len(tree) > len(kept) else []
    left_out += [f"{store.dropped_spans:,} were dropped"] if store.dropped_spans else []
    feed = Feed(store, lambda frame: None, live=False, choose=among(kept), outside=not narrowed)
    target = Path(path)
    note = "; ".join(["narrowed", *left_out] if narrowed else left_out or ["all spans"])
    page = report(feed.frames(), tree, code=static("report.js"), title=target.stem, note=note, section=section)
    write_whole(target, lambda file: write_text(iter([page]), file))
    return target


def report(frames: Iterable[Frame], tree: TreeView, *, code: str, title: str, note: str, section: str) -> str:
    """Return the page. `note` says what is left out; `code` is the front end."""
    data = {"frames": [b64encode(frame).decode("ascii") for frame in frames], "note": note}
    # Text that could end the script is told by its number; so nothing in the data is markup.
    text = json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
    inner = _INNER.format(data=text, code=code)
    return _PAGE.format(
        title=escape(title),
        note=escape(note),
        inner=escape(inner, quote=True),
        twin=tree._repr_html_(),
        section=section,
    )
