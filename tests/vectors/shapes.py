"""Values of attributes, and what stands in a line in their place: in a tree of Python's and beside the pointer in the browser.

`python -m tests.vectors.shapes` writes shapes.json: a value and its shape each, "" where it is told as it is."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from nbtrace.views.shapes import shaped
from tests.vectors.files import lines

FILE = Path(__file__).with_suffix(".json")

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEUlEQVR4nGP4z8DA8B+MEBQAQdMF+08zgXEAAAAASUVORK5CYII=",
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
)
JPEG = bytes([0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0, 0, 0xFF, 0xC0, 0, 11, 8, 0, 9, 0, 16, 1, 1, 1, 1, 0, 0, 0])
WEBP = b"RIFF0000WEBPVP8X\0\0\0\0\0\0\0\0\x0f\0\0\x08\0\0"

CASES: tuple[Any, ...] = (
    *([], [1, 2, 3], [1, 2, 3, 4], [0.1 + i * 0.0096 for i in range(1000)], [2, 2, 2, 2], [1, "2", 3, 4], ["a"] * 5),
    *(
        [[0.5, 1], [2, 3]],
        [[1], [1, 2], [1], [2]],
        [[], [], [], []],
        [True, False, True, False],
        [1e-7, 2e-7, 3e-7, 1e-7],
    ),
    *([1.5, 2.5, 3.5, 4.5, "[+96 items]"], [1e22, 1.0, 1.0, 1.0], [-5, 0, 0, 5], [12345.678, 1, 1, 1]),
    *(
        "",
        "x",
        "plain words",
        "[",
        "{}",
        "[]",
        "[not an array",
        "array(",
        "[1, 2, 3, 4]",
        "[1, 2, NaN, 4]",
        "{" * 5_000,
    ),
    *("[" * 5_000, '{"a": [1, 2, 3, 4]}', "[[1, 2], [3, 4]]", "[1.5, 2.5, 3.5, 4.5, 5.… [+1,000 characters]"),
    *(
        "   a  b\n0  1  2\n1  3  4",
        "     a\n0    1\n..  ..\n999  9\n\n[1000 rows x 1 columns]",
        "a  b\n0  1",
        "0 is\n1 not",
    ),
    *("shape: (1_000, 2)\n┌──┐\n└──┘", "0    1\n1    2\nName: x, Length: 1000, dtype: int64", "0    a\ndtype: object"),
    *("array([[1, 2, 3],\n       [4, 5, 6]], dtype=int32)", "[[1. 2.]\n [3. 4.]\n [5. 6.]]", "tensor([[[1., 2.]]])"),
    *("array([[0., 0., ..., 0.],\n ...], shape=(1000, 3))", "[0. 0. 0. ... 0. 0. 0.]", "[1 2 3]", "array([1., 2.])"),
    *(
        f"data:image/png;base64,{PNG[0]}",
        f"data:image/gif;base64,{PNG[1]}",
        "data:,",
        "data:text/plain,hello",
        "data:x",
    ),
    f"data:image/jpeg;base64,{b64encode(JPEG).decode()}",
    f"data:image/webp;base64,{b64encode(WEBP).decode()}",
    *(
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png;base64,AAAA",
        "data:image/png;base64,%%%",
        "data:image/png,x",
    ),
    f"data:image/png;base64,{PNG[0][:80]}… [+4,000 characters]",
    *(PNG[0] * 2, "ab" * 40, "Aa1" * 40, "Aa1+" * 40, "AAAA" * 40),
)


def written() -> str:
    """What the file has to be."""
    return lines({"shapes": [[item, shaped(item)] for item in CASES]})


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
