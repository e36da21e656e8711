"""Take the line of a magic apart: words, options with what stands behind them, and the condition.

Enters: the text behind the magic's name. Leaves: a `Line` of pieces, right or wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nbtrace.magics.lines.words import OPTIONS, Holds, Magic
from nbtrace.views.words import plain, typed

LONG = 60
"""Characters of a word that an error shows."""

_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+|\S+""")
CELL_LIKE = re.compile(r"[\[(]?(?>\d+|,|and|to)(?>[-,:.;+&]*\d+)*+[-,;:.)\]]*|[-&+]")


@dataclass(frozen=True, slots=True)
class Line:
    """The pieces of a line, whether they are right or not."""

    words: tuple[str, ...] = ()
    options: tuple[tuple[str, str | None], ...] = ()
    """Without --where. None: nothing stands behind it."""
    where: str | None = None

    def text(self, magic: Magic) -> str:
        """The line as it is typed."""
        written = typed if magic.in_shell else str
        pieces = [magic.name, *map(written, self.words)]
        for name, value in self.options:
            pieces += [name] if value is None else [name, written(value)]
        if self.where is not None:
            pieces += ["--where", written(self.where)]
        return " ".join(piece for piece in pieces if piece)

    @property
    def printable(self) -> bool:
        """Whether all that stands in it can be shown as it is."""
        values = [value or "" for _, value in self.options]
        return "".join([*self.words, *values, self.where or ""]).isprintable()

    def without(self, *names: str) -> Line:
        """The line without these options."""
        return replace(
            self,
            options=tuple((name, value) for name, value in self.options if name not in names),
            where=None if "--where" in names else self.where,
        )

    def with_option(self, name: str, value: str | None) -> Line:
        """The line with one option more, or with this one changed."""
        if name == "--where":
            return replace(self, where=value)
        return replace(self.without(name), options=(*self.without(name).options, (name, value)))


class WrongError(ValueError):
    """One thing that is wrong, and lines that are meant instead."""

    def __init__(self, what: str, *instead: Line | str, example: bool = False, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead
        self.example = example
        """Whether the lines are an example, and no guess at what was meant."""
        self.advice = advice


def condition_of(line: str) -> tuple[str, str | None, str]:
    """Cut a line at `--where`: what stands before it, the condition up to another option, what stands behind that."""
    match = re.search(r"(?:^|\s)--where(?:\s+|=|$)", line)
    if match is None:
        return line, None, ""
    rest = line[match.end() :]
    # What stands in quotes is text, whatever it looks like.
    end = re.search(r"(?:^|\s)--[^\W\d]", _QUOTED.sub(lambda text: "'" * len(text[0]), rest))
    return line[: match.start()], *((rest, "") if end is None else (rest[: end.start()], rest[end.start() :]))


def shown(text: str, limit: int = LONG) -> str:
    """Return a text as an error shows it: one line, cut, printable."""
    line = plain(text, limit)
    return line if line.isprintable() else ascii(line)[1:-1]


def pieces(magic: Magic, line: str) -> Line:
    """Take a line apart: words, options with what stands behind them, and the condition."""
    before, where, behind = condition_of(line)
    tokens = _WORD.findall(before + " " + behind)
    if where is not None:
        where = unquoted(where.strip()).strip()
    words: list[str] = []
    options: list[tuple[str, str | None]] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token[0] == "-" and token != "-" and not token[1:2].isdigit():
            name, equals, value = token.partition("=")
            name = name.lower() if name.lower() in OPTIONS else name
            values = [unquoted(value)] if equals and value else []
            holds = OPTIONS.get(option_meant(magic, name) or "")
            end = _end_of_value(magic, holds, tokens, at, given=bool(values))
            values += map(unquoted, tokens[at:end])
            at = end
            options.append((name, " ".join(values) if values else None))
        else:
            words.append(token)
    return Line(tuple(words), tuple(options), where)


def _end_of_value(magic: Magic, holds: Holds | None, tokens: list[str], start: int, *, given: bool) -> int:
    """Where the value of an option ends that would begin at `start`. given: whether some of it stands behind a `=`."""
    one = holds in ("count", "choice")
    if holds in (None, "nothing") or (one and given):
        return start
    # "lines" may be meant for "line", though it is a word.
    if not given and (start == len(tokens) or _is_other(magic, tokens[start], holds)):
        return start
    end = start
    while end < len(tokens) and not tokens[end].startswith("--"):
        if holds == "cells" and not CELL_LIKE.fullmatch(tokens[end]):
            break
        end += 1
        if one:
            break
    return end if given else max(end, start + 1)  # what can be no value is told as a wrong one


def _is_other(magic: Magic, token: str, holds: Holds | None) -> bool:
    """Whether a token behind an option cannot be its value: a word of the magic, or an option."""
    return (token in magic.words and holds != "choice") or (token[0] == "-" and not token[1:2].isdigit())


def unquoted(text: str) -> str:
    """The text without quotes around all of it."""
    if len(text) > 1 and text[0] in "'\"" and text.find(text[0], 1) == len(text) - 1:
        return text[1:-1]
    return text


def option_meant(magic: Magic, name: str) -> str | None:
    """The option that a word with dashes means, be it spelled right or not; None if it is nearer to none."""
    if name in OPTIONS:
        return name
    bare = name.strip("-").lower()
    taken = {option.strip("-"): option for option in any_options(magic)}
    if len(bare) == 1:
        return next((option for each, option in taken.items() if each.startswith(bare)), None)
    return next((taken[each] for each in near(bare, taken)), None)


def near(word: str, known: Iterable[str]) -> list[str]:
    """The known words that a word is a slip of, the nearest first; none for one that is too long for a slip."""
    return difflib.get_close_matches(word, known, n=3, cutoff=0.65) if len(word) <= LONG else []


def any_options(magic: Magic) -> tuple[str, ...]:
    """Return the options that any word of the magic takes."""
    return tuple(dict.fromkeys(option for word in magic.words.values() for option in word.options))
