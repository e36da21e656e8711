"""Durations, ratios and hostile text in words, for every language that writes them.

`python -m tests.vectors.words` writes words.json: pairs of what is given, a time in nanoseconds, and what is written."""

from __future__ import annotations

import random
from pathlib import Path

from nbtrace.views import words
from tests.vectors.files import lines

FILE = Path(__file__).with_suffix(".json")

# Halves between two digits, the edges of units, and what lies beside them.
DURATIONS = [
    0,
    1,
    999,
    1_000,
    1_005,
    1_125,
    1_135,
    9_994,
    9_995,
    9_996,
    10_250,
    12_350,
    99_949,
    99_950,
    99_951,
    284_500,
]
DURATIONS += [285_500, 999_499, 999_500, 1_125_000, 2_675_000, 10_250_000, 284_500_000, 999_500_000, 1_125_000_000]
DURATIONS += [59_949_999_999, 59_950_000_000, 60_500_000_000, 61_500_000_000, 62_500_000_000, 3_599_500_000_000]
DURATIONS += [3_600_000_000_000, 5_430_000_000_000, 90_000_000_000_000, -284_500, -1]
RATIOS = [
    0.0,
    0.0004,
    0.013,
    0.0994,
    0.0996,
    0.5,
    0.994,
    0.995,
    0.9951,
    1.0,
    1.004,
    1.005,
    1.0051,
    1.125,
    2.675,
    9.9949,
    9.995,
    10.25,
    99.94,
    99.95,
    150.5,
    12_345.0,
]
TEXTS = [
    "plain",
    "",
    "two\nlines\tand\rmore\v\f",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07after",
    "\x1b]8;;http://x\x1b\\link",
    "\x1b^private",
    "\x1b]unended",
    "\x1b-b",
    "\x1bM\x1b7",
    "\u202eright to left\u2066\u200f\u061c",
    "\x00\x07\x85\x9f\x7f",
    "größe 東京 🎉",
    "🎉" * 25,
    "x" * 20,
    "x" * 21,
]
LIMIT = 20
BYTES = [0, 1, 999, 1_000, 9_994, 9_995, 12_350, 99_949, 99_950, 999_499, 999_500, 410_000_000, 1_125_000_000, 10**15]
SHARES = [0.0, 0.0004, 0.0045, 0.0994, 0.0995, 0.105, 0.615, 0.625, 1.0]


def written() -> str:
    """The file as it should be."""
    chance = random.Random(12)
    durations = DURATIONS + [chance.randrange(10 ** chance.randint(1, 14)) for _ in range(150)]
    # Halves of the last digit that is written.
    durations += [chance.randint(100, 999) * 1_000_000 + 500_000 for _ in range(20)]
    durations += [(chance.randint(100, 999) * 10 + 5) * 100_000_000 // 1_000 for _ in range(20)]
    return lines(
        {
            "durations": [[ns, words.duration(ns)] for ns in durations],
            "changes": [[ns, words.change(ns)] for ns in DURATIONS],
            "ratios": [[times, words.ratio(times)] for times in RATIOS],
            "sizes": [[number, words.size(number)] for number in (*BYTES, -2_500_000)],
            "growths": [[number, words.growth(number)] for number in (0, 410_000_000, -1_200_000_000)],
            "shares": [[part, words.share(part)] for part in SHARES],
            "counts": [[number, words.count(number, "span")] for number in (0, 1, 2, 999, 1_000, 1_234_567)],
            "texts": [[text, words.plain(text, LIMIT)] for text in TEXTS],
        }
    )


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
