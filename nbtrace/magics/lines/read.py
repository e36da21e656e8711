"""Read the line of %spans and %nbtrace: what it asks for, or what a wrong one may have meant.

Enters: the text behind the magic's name, or the pieces that a shell has made of a command's. Leaves: an `Asked`, or a
`LineError` of one line that says what is wrong, why, and what to type. What is advised is mended until it can be read, so that it
works when it is typed. Knows no shell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nbtrace.magics.lines.checks import check_known, check_signs, check_taken, too_many, word_of
from nbtrace.magics.lines.pieces import LONG, Line, WrongError, pieces, shown, unquoted
from nbtrace.magics.lines.values import Known, cells_of, choice_of, count_of, sides, switch
from nbtrace.magics.lines.words import MAGICS, Magic

_HELP = ("--help", "-h", "-help", "--h", "-?", "/?")
_MOST_MENDED = 12
"""So many things that are wrong with one line are mended."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A line that has been read."""

    word: str
    cell: list[int] | None = None
    last: int | None = None
    where: str | None = None
    sides: tuple[list[int], ...] = ()
    switch: str = ""
    file: str = ""
    asking: bool = False
    """Whether cells that only ask nbtrace are wanted too."""
    by: str | None = None


class LineError(ValueError):
    """A line that cannot be read; its text is one line that says what to type."""


def read(magic: Magic, line: str, cells: Callable[[], Sequence[int]] = lambda: ()) -> Asked | None:
    """Return what a line asks for; None if it asks for help. cells: the numbers of recorded cells, for examples.

    Raises LineError."""
    known = Known(cells)
    try:
        return _asked(magic, pieces(magic, line), known)
    except WrongError as wrong:
        raise _told(magic, wrong, known) from None


def read_pieces(magic: Magic, line: Line, cells: Callable[[], Sequence[int]] = lambda: ()) -> Asked | None:
    """The same for a line that a shell has taken apart, of a magic that stands for a command."""
    known = Known(cells)
    try:
        return _asked(magic, line, known)
    except WrongError as wrong:
        raise _told(magic, wrong, known) from None


def _told(magic: Magic, wrong: WrongError, known: Known) -> LineError:
    return LineError(f"{shown(wrong.what, 6 * LONG + len(magic.name))}{_advice(magic, wrong, known)}")


def _advice(magic: Magic, wrong: WrongError, known: Known) -> str:
    if wrong.advice:
        return wrong.advice
    lines = [_mended(magic, each, known) for each in wrong.instead]
    found = list(dict.fromkeys(line for line in lines if line is not None and len(line) <= 3 * LONG + len(magic.name)))
    if not found:
        return f" Type  {magic.name} help"
    if wrong.example:
        return f" Type for example  {'  or  '.join(found)}"
    return f" Did you mean  {'  or  '.join(found)}?"


def _mended(magic: Magic, instead: Line | str, known: Known) -> str | None:
    """A line that can be read, come from one that may have other faults; None if there is none."""
    for _ in range(_MOST_MENDED):
        if isinstance(instead, str) or not magic.in_shell:
            # As it will be read when it is typed.
            text = instead if isinstance(instead, str) else instead.text(magic)
            name, _, rest = text.partition(" ")
            magic = MAGICS[name]
            line = pieces(magic, rest)
        else:
            line, text = instead, instead.text(magic)
        try:
            _asked(magic, line, known)
        except WrongError as wrong:
            if not wrong.instead:
                return None
            instead = wrong.instead[0]
        else:
            return text if line.printable and text.isprintable() else None
    return None


def _asked(magic: Magic, line: Line, known: Known) -> Asked | None:
    """Read the pieces of a line; None if they ask for help. Raises WrongError with the first thing that is wrong."""
    if any(name in _HELP for name, _ in line.options) or line.words[:1] in (("help",), ("/?",), ("?",)):
        return None
    if not magic.in_shell:
        check_signs(magic, line)
    check_known(magic, line)
    word, behind = word_of(magic, line)
    check_taken(magic, line, word)
    spec = magic.words[word]
    cell = last = by = None
    for name, value in line.options:
        if name == "--cell":
            cell = cells_of(line, value, known)
        elif name == "--last":
            last = count_of(line, value)
        elif name == "--by":
            by = choice_of(line, value, spec.by)
        elif value is not None:
            kept = line.without(name)
            off = value.lower() in ("false", "no", "off", "0", "none")
            raise WrongError(
                f"{name} is a switch: nothing stands behind it.", kept if off else line.with_option(name, None)
            )
    if cell is not None and last is not None:
        raise WrongError(
            "--cell and --last both choose cells: only one of them can.", line.without("--last"), line.without("--cell")
        )
    if line.where == "":
        raise WrongError("--where needs a condition.", line.with_option("--where", "duration > '100ms'"), example=True)
    asked = Asked(word, cell, last, line.where, asking="--asking" in dict(line.options), by=by)
    if spec.takes == "cells":
        asked = replace(asked, sides=sides(line, behind, known))
    elif spec.takes == "switch":
        asked = replace(asked, switch=switch(magic, word, behind))
    elif spec.takes == "switch or nothing":
        asked = replace(asked, switch=switch(magic, word, behind) if behind else "")
    elif spec.takes == "switch and file":
        turned = switch(magic, word, behind[:1]) if behind else ""
        if turned == "off" and len(behind) > 1:
            raise too_many(magic, line, word, behind[1:])
        asked = replace(asked, switch=turned, file=unquoted(" ".join(behind[1:])))
    elif spec.takes == "file" and behind:
        asked = replace(asked, file=unquoted(" ".join(behind)))
    elif spec.takes == "name" and behind:
        if len(behind) > 1:
            raise too_many(magic, line, word, behind[1:])
        asked = replace(asked, file=behind[0])
    elif behind:
        raise too_many(magic, line, word, behind)
    if spec.needs_option and not line.options and line.where is None:
        example = replace(line, words=(word,)).with_option("--cell", str(known.last(1)[0]))
        raise WrongError(
            f"{magic.name} {word} needs to know what.",
            example,
            replace(line, words=(word,)).with_option("--where", "name == 'login'"),
            example=True,
        )
    return asked
