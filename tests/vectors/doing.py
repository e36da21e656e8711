"""What a running cell is doing in words, for every language that writes it.

`python -m tests.vectors.doing` writes doing.json: what is told of a cell as the inspector in the browser is told it, the moment in
milliseconds, and the line."""

from __future__ import annotations

from pathlib import Path

from nbtrace.views.doing import Doing, said
from nbtrace.views.inspector.doing import told_as
from tests.vectors.files import lines

FILE = Path(__file__).with_suffix(".json")

MS = 1_000_000
T0 = 1_790_000_000_000 * MS

ONE = Doing(3, "df.merge(other)", 3, 3, T0, T0, 0, "", "")
LOOP = Doing(4, "fit(x)", 3, 7, T0, T0 + 500 * MS, 0, "solve (scipy)", "")

DOINGS = [
    ONE,
    ONE._replace(hottest="merge_asof (pandas) 62 %"),
    ONE._replace(function="read", silent_ns=T0 + 800 * MS),
    ONE._replace(function="read", hottest="the cell's own lines 7.0 %", silent_ns=T0 + 9_000 * MS),
    ONE._replace(code=""),
    ONE._replace(line=1),
    ONE._replace(code="größe = 東京 # 🎉"),
    LOOP,
    LOOP._replace(hottest="fit (sklearn) 100 %"),
    LOOP._replace(since_ns=T0),
    LOOP._replace(line=1, since_ns=T0 + 4_000 * MS),
]
MOMENTS = [T0 - 5_000 * MS, T0, T0 + 1_499 * MS, T0 + 1_500 * MS, T0 + 4_250 * MS, T0 + 7_000_000 * MS]


def written() -> str:
    """The file as it should be."""
    return lines({"said": [[told_as(4, told), at / MS, said(told, at)] for told in DOINGS for at in MOMENTS]})


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
