"""What stands behind a word or an option: cells, a number of cells, on or off, two sides.

Enters: a text, and the line that it stands in. Leaves: a value, or a WrongError."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from nbtrace.magics.lines.pieces import LONG, Line, WrongError, near, shown, unquoted
from nbtrace.magics.lines.words import Magic

_MANY_CELLS = 100_000
_NUMBERS = re.compile(r"\d{1,18}")
_CELLS = re.compile(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*")


@dataclass(frozen=True, slots=True)
class Known:
    """Numbers of cells to make examples with, asked for when they are needed."""

    cells: Callable[[], Sequence[int]] = field(default=lambda: ())

    def last(self, how_many: int) -> list[int]:
        """So many cells, the last ones that there are; 3 and 5 where there are too few."""
        found = sorted(set(self.cells()))[-how_many:]
        return found if len(found) == how_many else [3, 5][:how_many]


def switch(magic: Magic, word: str, behind: tuple[str, ...]) -> str:
    """Read on or off."""
    on, off = (f"{magic.name} {word} {switch}" for switch in ("on", "off"))
    if not behind:
        raise WrongError(f"{magic.name} {word} needs to know: on or off.", on, off, example=True)
    typed = behind[0].strip("'\".,;=").lower()
    if behind in (("on",), ("off",)):
        return behind[0]
    wrong = f"{shown(' '.join(behind))} is neither on nor off."
    if typed in ("on", "yes", "true", "1", "enable", "tree", "all"):
        raise WrongError(wrong, on)
    if typed in ("off", "no", "of", "false", "0", "disable", "none"):
        raise WrongError(wrong, off)
    raise WrongError(wrong, on, off)


def sides(line: Line, behind: tuple[str, ...], known: Known) -> tuple[list[int], ...]:
    """Read the cells that are compared: none, one, or two sides, each one cell or several."""
    sides = [unquoted(each) for each in behind]
    numbers = [each for side in sides for each in _CELLS.findall(side)]
    word = line.words[0]
    if not all(_CELLS.fullmatch(side) for side in sides):
        wrong = next(side for side in sides if not _CELLS.fullmatch(side))
        if 0 < len(numbers) <= 2:
            raise WrongError(f"{shown(wrong)} is no cell.", replace(line, words=(word, *numbers)))
        example = map(str, known.last(2))
        raise WrongError(f"{shown(wrong)} is no cell.", replace(line, words=(word, *example)), example=True)
    if len(sides) > 2:
        together = (word, ",".join(sides[:-1]), sides[-1])
        raise WrongError(
            "compare has two sides. Several runs of one side stand with commas, or as 3-5.",
            replace(line, words=together),
        )
    if len(sides) == 1 and not sides[0].isdigit():
        several = _NUMBERS.findall(sides[0])
        raise WrongError(f"{shown(sides[0])} is one side.", replace(line, words=(word, several[0], several[-1])))
    return tuple(_counts(line, side, None) for side in sides)


def cells_of(line: Line, value: str | None, known: Known) -> list[int]:
    """Read `3`, `3,5` or `7-9`."""
    example = line.with_option("--cell", str(known.last(1)[0]))
    if value is None:
        raise WrongError("--cell needs a number.", example, example=True)
    if _CELLS.fullmatch(value):
        return _counts(line, value, "--cell")
    typed = shown(value)
    if value.lower() in ("last", "this", "current", "latest", "-1") or re.fullmatch(r"-\d{1,18}", value):
        raise WrongError(
            f"--cell {typed} is no cell.",
            line.without("--cell").with_option("--last", value.lstrip("-") if value[0] == "-" else "1"),
        )
    numbers = _NUMBERS.findall(value)
    if (
        numbers
        and len(value) < LONG
        and re.fullmatch(r"(?:[\d\s,;&+.:()\[\]-]|\band\b|\bto\b|cell|=)*", value)
        and not re.search(r"\d\.\d", value)
    ):
        ranged = len(numbers) == 2 and re.search(r":|\.\.|to", value)
        text = ("-" if ranged else ",").join(numbers)
        raise WrongError(f"--cell {typed}: cells are written 3, or 3,5,7-9.", line.with_option("--cell", text))
    raise WrongError(f"--cell {typed} is no cell: it is the number in its brackets.", example, example=True)


def _counts(line: Line, text: str, option: str | None) -> list[int]:
    """The execution counts that a text names."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if max(len(first), len(last)) > 18:
            raise WrongError(f"{shown(text)} is no cell: no notebook has so many.", advice=" Type  %spans cells")
        cells = range(int(first), int(last or first) + 1)
        if not cells:
            turned = text.replace(part, f"{last}-{first}")
            words = tuple(turned if word == text else word for word in line.words)
            raise WrongError(
                f"{shown(part)} counts down.",
                line.with_option(option, turned) if option else replace(line, words=words),
            )
        if len(cells) > _MANY_CELLS:
            raise WrongError(f"{shown(part)} is more than {_MANY_CELLS:,} cells.", advice=" Type  %spans cells")
        found += cells
    return found


def choice_of(line: Line, value: str | None, choices: Sequence[str]) -> str:
    """Read one of some words."""
    if value is not None and value in choices:
        return value
    listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
    if value is None:
        raise WrongError(f"--by needs one of {listed}.", line.with_option("--by", choices[-1]), example=True)
    bare = value.strip("'\".,;").lower()
    nearest = [each for each in choices if bare in (each + "s", each)] or near(bare, choices)
    meant = [line.with_option("--by", each) for each in nearest[:1] or choices]
    raise WrongError(f"--by {shown(value)} is none of {listed}.", *meant)


def count_of(line: Line, value: str | None) -> int:
    """Read a number of cells."""
    if value is None:
        raise WrongError("--last needs a number of cells.", line.with_option("--last", "3"), example=True)
    if re.fullmatch(r"[0-9]{1,18}", value) and int(value) > 0:
        return int(value)
    number = re.fullmatch(r"-?0*([1-9][0-9]{0,17})(?:\.0*)?", value)
    raise WrongError(
        f"--last {shown(value)} is no number of cells.",
        line.with_option("--last", number[1] if number else "3"),
        example=number is None,
    )
