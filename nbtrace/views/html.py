"""The static twin: a plain table of the tree that survives GitHub, nbconvert, an untrusted notebook and the loss of all
CSS. No script, no <details> (a sanitiser prints it raw), no SVG; bars are made of characters.

Enters: a spans and an errors DataFrame. Leaves: HTML. Everything that comes from a span goes through `_cell`."""

from __future__ import annotations

from html import escape

import pandas as pd

from nbtrace.views import words
from nbtrace.views.text import rows

_BAR = 20

MAX_ROWS = 50
"""Rows shown; about 22 kB of notebook file."""


def tree_table(spans: pd.DataFrame, errors: pd.DataFrame, note: str = "", *, max_rows: int = MAX_ROWS) -> str:
    """Return the tree as one HTML table: span, duration, timeline, details."""
    if not len(spans):
        left = f" — {escape(note)}" if note else ""
        return f'<p class="nbtrace">no spans{left}</p>'
    lines = [
        '<table class="nbtrace">',
        '<thead><tr><th style="text-align:left">span</th><th style="text-align:right">duration</th>'
        '<th style="text-align:left">timeline</th><th style="text-align:left">details</th></tr></thead>',
        "<tbody>",
    ]
    shown = 0
    for row in rows(spans, errors, max_rows=max_rows, bar_width=_BAR):
        shown += 1
        details = " ".join(filter(None, [row["error"], row["attributes"]]))
        lines.append(
            "<tr>"
            + _cell(row["label"], "text-align:left;white-space:pre", limit=80)
            + _cell(row["duration"], "text-align:right;white-space:nowrap")
            + _cell(row["bar"], "text-align:left;white-space:pre;color:#3572b0;font-family:monospace")
            + _cell(details, "text-align:left" + (";color:#d9534f" if row["error"] else ""), limit=300)
            + "</tr>"
        )
    lines.append("</tbody></table>")
    left_out = f"showing {shown:,} of {len(spans):,} spans" if len(spans) > shown else ""
    foot = " · ".join(filter(None, [left_out, note]))
    return "\n".join([*lines, f"<p>{escape(foot)}</p>"] if foot else lines)


def _cell(text: str, style: str, limit: int = 0) -> str:
    # Spaces that draw the tree must stay where a sanitiser drops the style.
    return f'<td style="{style}">{escape(words.plain(text, limit)).replace("  ", " &nbsp;")}</td>'
