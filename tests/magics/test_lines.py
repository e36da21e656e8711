"""The reader of %spans and %nbtrace by itself; what it answers to whom stands in kernels/wrong_lines.txt."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbtrace.magics.lines.read import Asked, LineError, read
from nbtrace.magics.lines.words import MAGICS, NBTRACE, SPANS

PIECES = [
    *SPANS.words,
    *NBTRACE.words,
    *(
        "--cell",
        "--last",
        "--where",
        "--cells",
        "-c",
        "--",
        "-",
        "--=",
        "--cell=",
        "--by",
        "--by=line",
        "--where=",
        "=",
        ",",
        ">",
        "'",
        '"',
        "#",
    ),
    *(
        "3",
        "3,5",
        "7-3",
        "-1",
        "cell",
        "last",
        "where",
        "cell=3",
        "[3]",
        "duration > 1s",
        "x",
        "—cell",
        "and",
        "''",
        "help",
    ),
]


@given(st.sampled_from(sorted(MAGICS)), st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=6))
@settings(max_examples=400, deadline=None)
@example("%spans", ["--cell", "'"])
@example("%nbtrace", ["forget", "--cell="])
def test_whatever_is_typed_is_read_or_told_and_what_is_advised_can_be_read(magic: str, pieces: list[str]) -> None:
    try:
        read(MAGICS[magic], " ".join(pieces))
    except LineError as error:
        told = str(error)
        assert told.isprintable()
        assert "  " in told, "nothing to type"
        _, _, advised = told.rpartition("Did you mean  ")
        for line in advised.removesuffix("?").split("  or  ") if "Did you mean  " in told else ():
            name, _, rest = line.partition(" ")
            read(MAGICS[name], rest)


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("", Asked("tree")),
        ("table", Asked("table")),
        ("--cell 3", Asked("tree", cell=[3])),
        ("--cell=3,5,7-9 stats", Asked("stats", cell=[3, 5, 7, 8, 9])),
        ('table --cell "3"', Asked("table", cell=[3])),
        ("--last 2 errors", Asked("errors", last=2)),
        ("--where name == '--cell 3' --cell 4", Asked("tree", cell=[4], where="name == '--cell 3'")),
        ("""--where "name == 'x'" """, Asked("tree", where="name == 'x'")),
        ("--where name == 'x' or name == 'y'", Asked("tree", where="name == 'x' or name == 'y'")),
        ("--where=rows>3", Asked("tree", where="rows>3")),
        ("compare", Asked("compare")),
        ("compare 3", Asked("compare", sides=([3],))),
        ("compare 3,4 6-7", Asked("compare", sides=([3, 4], [6, 7]))),
        ("headings my file.ipynb", Asked("headings", file="my file.ipynb")),
        ("hot", Asked("hot")),
        ("hot --by line", Asked("hot", by="line")),
        ("--by=library hot --last 2", Asked("hot", by="library", last=2)),
        ("hot --by line --where name == 'fit'", Asked("hot", by="line", where="name == 'fit'")),
        ("lines --cell 3", Asked("lines", cell=[3])),
        ("help", None),
        ("table -h", None),
    ],
)
def test_a_right_line_is_read(line: str, asked: Asked | None) -> None:
    assert read(SPANS, line) == asked


def test_an_example_names_a_cell_that_there_is() -> None:
    with pytest.raises(LineError, match=r"--cell 41$"):
        read(SPANS, "table --cell", lambda: [7, 41])
    with pytest.raises(LineError, match=r"compare 7 41$"):
        read(SPANS, "compare a b", lambda: [7, 41])


@pytest.mark.parametrize("line", ["--cell " + "1" * 60 + "x", "cell " + "1" * 60 + "x", "--cell " + "1,2," * 30 + "x"])
def test_a_long_number_that_is_no_cell_is_answered_at_once(line: str) -> None:
    """Sixty digits have more ways to be taken apart than there is time; one is tried."""
    for magic in (SPANS, NBTRACE):
        with pytest.raises(LineError):
            read(magic, line, lambda: [3, 5])
