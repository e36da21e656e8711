"""Read the line of %spans and %nbtrace: what the words are, which options they take, and what a wrong one may have meant.

Enters: the text behind the magic's name. Leaves: an `Asked`, or a `LineError` of one line that says what is wrong, why, and
what to type. Each check mends one thing; what is advised is mended until it can be read, so that it works when it is typed.
Knows no shell."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from nbtrace.views.words import plain

Takes = Literal["nothing", "cells", "switch", "file"]
Holds = Literal["cells", "count", "condition", "nothing"]

OPTIONS: dict[str, Holds] = {"--cell": "cells", "--last": "count", "--where": "condition"}
"""Each option, and what stands behind it. `--where` takes the rest of the line, up to another option; a switch holds nothing."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that a magic's line begins with."""

    options: tuple[str, ...] = ()
    takes: Takes = "nothing"
    """What may stand behind it: up to two sides of cells, on or off, a file."""
    needs_option: bool = False
    why: str = ""
    """Why it takes no other option."""


@dataclass(frozen=True, slots=True)
class Magic:
    """A magic: its words, and what other words mean."""

    name: str
    words: dict[str, Word]
    default: str
    meant: dict[str, str]
    """Words that lie nearer to a line than their letters tell: what to type instead, a whole line if it begins with %. One
    that begins with a blank is advice in words."""


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


class LineError(ValueError):
    """A line that cannot be read; its text is one line that says what to type."""


def _lines(line: str, *words: str) -> dict[str, str]:
    return dict.fromkeys(words, line)


_ALL = ("--cell", "--last", "--where")
_NO_WHERE = "it is about all spans of a cell"
_EXPORT = (
    ' Python writes files. Type  import nbtrace; nbtrace.report("run.html")  for a page, or  '
    'nbtrace.spans().to_csv("spans.csv")  for a table, or  nbtrace.live().to_arrow()  for Arrow'
)
_CONFIG = " Type  %config NBTrace  to see and set options"
_EXPORTS = (
    "export",
    "save",
    "write",
    "dump",
    "download",
    "html",
    "report",
    "csv",
    "parquet",
    "json",
    "arrow",
    "to_arrow",
    "to_csv",
    "to_parquet",
)
_TO_NBTRACE = ("status", "on", "off", "reset", "forget", "display")

SPANS = Magic(
    "%spans",
    {
        "tree": Word(_ALL),
        "view": Word(_ALL),
        "table": Word(_ALL),
        "errors": Word(_ALL),
        "cells": Word(_ALL),
        "stats": Word(_ALL),
        "self": Word(("--cell", "--last"), why=_NO_WHERE),
        "path": Word(("--cell", "--last"), why=_NO_WHERE),
        "gaps": Word(("--cell", "--last"), why=_NO_WHERE),
        "repeats": Word(("--cell", "--last"), why=_NO_WHERE),
        "compare": Word(takes="cells", why="it sets two cells side by side"),
        "history": Word(why="it is about all cells"),
        "headings": Word(takes="file", why="it is about the whole notebook"),
    },
    default="tree",
    meant={
        **_lines("view", "inspect", "inspector", "widget", "open", "ui", "timeline", "waterfall", "flame", "live"),
        **_lines("table", "dataframe", "df", "spans", "list", "ls", "all", "rows", "sql"),
        **_lines("tree", "show", "print", "text"),
        **_lines("stats", "statistics", "statistic", "summary", "describe"),
        **_lines("errors", "failed", "failures", "failure", "exceptions", "exception", "traceback"),
        **_lines("self", "slow", "slowest", "hot", "hotspots", "top", "time", "times", "profile", "self_times"),
        **_lines("path", "critical", "critical_path", "critical-path"),
        **_lines("gaps", "idle"),
        **_lines("compare", "diff", "changes", "change"),
        **_lines("headings", "sections", "notebook"),
        **_lines(_EXPORT, *_EXPORTS),
        **{word: f"%nbtrace {word}" for word in _TO_NBTRACE},
        **_lines("%nbtrace reset", "clear"),
        **_lines("%nbtrace off", "stop", "pause"),
        **_lines("%nbtrace on", "start", "resume"),
        **_lines("%nbtrace status", "version"),
        **_lines(_CONFIG, "config", "options", "settings"),
    },
)

NBTRACE = Magic(
    "%nbtrace",
    {
        "status": Word(),
        "on": Word(),
        "off": Word(),
        "reset": Word(),
        "forget": Word(("--cell", "--where"), needs_option=True),
        "display": Word(takes="switch"),
    },
    default="status",
    meant={
        **_lines("on", "start", "enable", "resume", "enabled", "load", "true", "1"),
        **_lines("off", "stop", "disable", "pause", "disabled", "unload", "false", "0"),
        **_lines("reset", "clear", "empty"),
        **_lines("forget", "delete", "remove", "drop"),
        **_lines("display on", "show"),
        **_lines("display off", "hide"),
        **_lines("status", "info", "state", "version"),
        **_lines(
            _CONFIG,
            "config",
            "options",
            "settings",
            "redact",
            "max_spans",
            "max_bytes",
            "unstored_cells",
            "capture_source",
        ),
        **_lines(_EXPORT, *_EXPORTS),
        **{word: f"%spans {word}" for word in SPANS.words},
        **_lines("%spans", "spans"),
        **_lines("%spans stats", "statistics"),
    },
)

MAGICS = {magic.name: magic for magic in (SPANS, NBTRACE)}

_HELP = ("--help", "-h", "-help", "--h", "-?", "/?")
_MANY_CELLS = 100_000
_LONG = 60
"""Characters of a word, and of a whole advised line three times as many, that an error shows."""
_MOST_MENDED = 12
"""So many things that are wrong with one line are mended."""
_DASHES = "‐‑‒–—―−"
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+|\S+""")
_NUMBERS = re.compile(r"\d{1,18}")
_CELLS = re.compile(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*")
_CELL_LIKE = re.compile(r"[\[(]?(?:\d+|,|and|to)(?:[-,:.;+&]*\d+)*[-,;:.)\]]*|[-&+]")
_CONDITION = re.compile(r"[\w`)\]]\s*(?:[=<>~!]=?|\bin\b)\s*[\w'\"@`(\[-]|\.(?:isna|notna|str)\b")


@dataclass(frozen=True, slots=True)
class _Line:
    """The pieces of a line, whether they are right or not."""

    words: tuple[str, ...] = ()
    options: tuple[tuple[str, str | None], ...] = ()
    """Without --where. None: nothing stands behind it."""
    where: str | None = None

    def text(self, magic: Magic) -> str:
        """The line as it is typed."""
        pieces = [magic.name, *self.words]
        for name, value in self.options:
            pieces += [name] if value is None else [name, value]
        if self.where is not None:
            pieces += ["--where", self.where]
        return " ".join(piece for piece in pieces if piece)

    def without(self, *names: str) -> _Line:
        """The line without these options."""
        return replace(
            self,
            options=tuple((name, value) for name, value in self.options if name not in names),
            where=None if "--where" in names else self.where,
        )

    def with_option(self, name: str, value: str | None) -> _Line:
        """The line with one option more, or with this one changed."""
        if name == "--where":
            return replace(self, where=value)
        return replace(self.without(name), options=(*self.without(name).options, (name, value)))


class _WrongError(ValueError):
    """One thing that is wrong, and lines that are meant instead."""

    def __init__(self, what: str, *instead: _Line | str, example: bool = False, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead
        self.example = example
        """Whether the lines are an example, and no guess at what was meant."""
        self.advice = advice


@dataclass(frozen=True, slots=True)
class _Known:
    """Numbers of cells to make examples with, asked for when they are needed."""

    cells: Callable[[], Sequence[int]] = field(default=lambda: ())

    def last(self, how_many: int) -> list[int]:
        """So many cells, the last ones that there are; 3 and 5 where there are too few."""
        found = sorted(set(self.cells()))[-how_many:]
        return found if len(found) == how_many else [3, 5][:how_many]


def read(magic: Magic, line: str, cells: Callable[[], Sequence[int]] = lambda: ()) -> Asked | None:
    """Return what a line asks for; None if it asks for help. cells: the numbers of recorded cells, for examples.

    Raises LineError."""
    known = _Known(cells)
    try:
        return _asked(magic, _pieces(magic, line), known)
    except _WrongError as wrong:
        raise LineError(f"{_shown(wrong.what, 6 * _LONG)}{_advice(magic, wrong, known)}") from None


def condition_of(line: str) -> tuple[str, str | None, str]:
    """Cut a line at `--where`: what stands before it, the condition up to another option, what stands behind that."""
    match = re.search(r"(?:^|\s)--where(?:\s+|=|$)", line)
    if match is None:
        return line, None, ""
    rest = line[match.end() :]
    # What stands in quotes is text, whatever it looks like.
    end = re.search(r"(?:^|\s)--[^\W\d]", _QUOTED.sub(lambda text: "'" * len(text[0]), rest))
    return line[: match.start()], *((rest, "") if end is None else (rest[: end.start()], rest[end.start() :]))


# ── what is advised ──────────────────────────────────────────────────────────────────────────────────────────────────


def _advice(magic: Magic, wrong: _WrongError, known: _Known) -> str:
    if wrong.advice:
        return wrong.advice
    lines = [_mended(magic, each, known) for each in wrong.instead]
    found = list(dict.fromkeys(line for line in lines if line is not None and len(line) <= 3 * _LONG))
    if not found:
        return f" Type  {magic.name} help"
    if wrong.example:
        return f" Type for example  {'  or  '.join(found)}"
    return f" Did you mean  {'  or  '.join(found)}?"


def _mended(magic: Magic, instead: _Line | str, known: _Known) -> str | None:
    """A line that can be read, come from one that may have other faults; None if there is none."""
    for _ in range(_MOST_MENDED):
        if isinstance(instead, _Line):
            instead = instead.text(magic)
        name, _, rest = instead.partition(" ")
        magic = MAGICS[name]
        try:
            _asked(magic, _pieces(magic, rest), known)
        except _WrongError as wrong:
            if not wrong.instead:
                return None
            instead = wrong.instead[0]
        else:
            return instead if instead.isprintable() else None
    return None


def _shown(text: str, limit: int = _LONG) -> str:
    line = plain(text, limit)
    return line if line.isprintable() else ascii(line)[1:-1]


# ── pieces ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _pieces(magic: Magic, line: str) -> _Line:
    """Take a line apart: words, options with what stands behind them, and the condition."""
    before, where, behind = condition_of(line)
    tokens = _WORD.findall(before + " " + behind)
    if where is not None:
        where = _unquoted(where.strip()).strip()
    words: list[str] = []
    options: list[tuple[str, str | None]] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token[0] == "-" and token != "-" and not token[1:2].isdigit():
            name, equals, value = token.partition("=")
            name = name.lower() if name.lower() in OPTIONS else name
            values = [_unquoted(value)] if equals and value else []
            holds = OPTIONS.get(_option_meant(magic, name) or "")
            end = _end_of_value(magic, holds, tokens, at, given=bool(values))
            values += map(_unquoted, tokens[at:end])
            at = end
            options.append((name, " ".join(values) if values else None))
        else:
            words.append(token)
    return _Line(tuple(words), tuple(options), where)


def _end_of_value(magic: Magic, holds: Holds | None, tokens: list[str], start: int, *, given: bool) -> int:
    """Where the value of an option ends that would begin at `start`. given: whether some of it stands behind a `=`."""
    if holds in (None, "nothing") or (holds == "count" and given):
        return start
    if not given and (start == len(tokens) or _is_other(magic, tokens[start])):
        return start
    end = start
    while end < len(tokens) and not tokens[end].startswith("--"):
        if holds == "cells" and not _CELL_LIKE.fullmatch(tokens[end]):
            break
        end += 1
        if holds == "count":
            break
    return end if given else max(end, start + 1)  # what can be no value is told as a wrong one


def _is_other(magic: Magic, token: str) -> bool:
    """Whether a token behind an option cannot be its value: a word of the magic, or an option."""
    return token in magic.words or (token[0] == "-" and not token[1:2].isdigit())


def _unquoted(text: str) -> str:
    """The text without quotes around all of it."""
    if len(text) > 1 and text[0] in "'\"" and text.find(text[0], 1) == len(text) - 1:
        return text[1:-1]
    return text


def _option_meant(magic: Magic, name: str) -> str | None:
    """The option that a word with dashes means, be it spelled right or not; None if it is nearer to none."""
    if name in OPTIONS:
        return name
    bare = name.strip("-").lower()
    taken = {option.strip("-"): option for option in _any_options(magic)}
    if len(bare) == 1:
        return next((option for each, option in taken.items() if each.startswith(bare)), None)
    return next((taken[each] for each in _near(bare, taken)), None)


def _near(word: str, known: Iterable[str]) -> list[str]:
    """The known words that a word is a slip of, the nearest first; none for one that is too long for a slip."""
    return difflib.get_close_matches(word, known, n=3, cutoff=0.65) if len(word) <= _LONG else []


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


def _asked(magic: Magic, line: _Line, known: _Known) -> Asked | None:
    """Read the pieces of a line; None if they ask for help. Raises _WrongError with the first thing that is wrong."""
    if any(name in _HELP for name, _ in line.options) or line.words[:1] in (("help",), ("/?",), ("?",)):
        return None
    _check_signs(magic, line)
    _check_known(magic, line)
    word, behind = _word(magic, line)
    _check_taken(magic, line, word)
    spec = magic.words[word]
    cell = last = None
    for name, value in line.options:
        if name == "--cell":
            cell = _cells(line, value, known)
        elif name == "--last":
            last = _count(line, value)
    if cell is not None and last is not None:
        raise _WrongError(
            "--cell and --last both choose cells: only one of them can.", line.without("--last"), line.without("--cell")
        )
    if line.where == "":
        raise _WrongError("--where needs a condition.", line.with_option("--where", "duration > '100ms'"), example=True)
    asked = Asked(word, cell, last, line.where)
    if spec.takes == "cells":
        asked = replace(asked, sides=_sides(line, behind, known))
    elif spec.takes == "switch":
        asked = replace(asked, switch=_switch(magic, word, behind))
    elif spec.takes == "file" and behind:
        asked = replace(asked, file=_unquoted(" ".join(behind)))
    elif behind:
        raise _behind(magic, line, word, behind)
    if spec.needs_option and not line.options and line.where is None:
        example = replace(line, words=(word,)).with_option("--cell", str(known.last(1)[0]))
        raise _WrongError(
            f"{magic.name} {word} needs to know what.",
            example,
            replace(line, words=(word,)).with_option("--where", "name == 'login'"),
            example=True,
        )
    return asked


def _check_signs(magic: Magic, line: _Line) -> None:
    """Refuse what no line has: a comment, dashes of a word processor, a quote that is not closed."""
    for at, word in enumerate(line.words):
        before, behind = line.words[:at], line.words[at + 1 :]
        if word.startswith("#"):
            raise _WrongError("a magic's line has no comments.", replace(line, words=before))
        if word[0] in _DASHES:
            dashed = "--" + word.lstrip(_DASHES + "-")
            raise _WrongError(
                f"{_shown(word)} begins with another dash.", replace(line, words=(*before, dashed, *behind))
            )
        if word.count("'") % 2 or word.count('"') % 2:
            quote = "'" if word.count("'") % 2 else '"'
            raise _WrongError(
                f"the quote {quote} is not closed.", replace(line, words=(*before, word.replace(quote, ""), *behind))
            )


def _word(magic: Magic, line: _Line) -> tuple[str, tuple[str, ...]]:
    """The line's word, and what stands behind it."""
    if not line.words:
        return magic.default, ()
    typed, behind = line.words[0], line.words[1:]
    if typed in magic.words:
        return typed, behind
    wrong = f"there is no {magic.name} {_shown(typed)}."
    bare = _unquoted(typed).strip(".,;:!()[]{}-%").lower()
    joined = " ".join(line.words)
    option = _as_option(magic, line, line.words)
    if option is not None:
        alone = re.fullmatch(r"[\d,]+", bare) is not None
        said = f"{_shown(typed)} stands alone." if alone else wrong
        raise _WrongError(said, option if magic is SPANS else option.text(SPANS))
    head, equals, value = bare.partition("=")
    for piece, more in ((bare, ()), (re.split(r"[(.]", bare)[0], ()), (head, (value,) if equals else ())):
        if piece in magic.words:
            raise _WrongError(wrong, replace(line, words=(piece, *more, *behind)))
        if piece in magic.meant:
            raise _meant(magic, wrong, line, magic.meant[piece], behind)
    if "--where" in magic.words[magic.default].options and _CONDITION.search(joined):
        raise _WrongError(wrong, replace(line, words=()).with_option("--where", joined))
    near = _near(bare, magic.words)
    if near:
        raise _WrongError(wrong, replace(line, words=(near[0], *behind)))
    near = _near(bare, [each for each in magic.meant if len(each) > 5])  # a slip in a short word may be anything
    if near:
        raise _meant(magic, wrong, line, magic.meant[near[0]], behind)
    listed = ", ".join(magic.words)
    raise _WrongError(f"{wrong} There are {listed}.", advice=f" Type  {magic.name} help")


def _meant(magic: Magic, wrong: str, line: _Line, meant: str, behind: tuple[str, ...]) -> _WrongError:
    if meant.startswith(" "):
        return _WrongError(wrong, advice=meant)
    if meant.startswith("%"):
        other, _, word = meant.partition(" ")
        options = MAGICS[other].words[word or MAGICS[other].default].options
        kept = line.without(*(name for name in OPTIONS if name not in options))
        return _WrongError(wrong, replace(kept, words=(word, *behind)).text(MAGICS[other]))
    if meant == "forget" and behind[:1] == ("all",):
        return _WrongError(wrong, replace(line, words=("reset",)))
    return _WrongError(wrong, replace(line, words=(*meant.split(), *behind)))


def _as_option(magic: Magic, line: _Line, words: tuple[str, ...], before: tuple[str, ...] = ()) -> _Line | None:
    """The line with words read as an option that lacks its dashes: 3, cell 3, cell=3, last, where duration > 1s."""
    taken = magic.words[before[0]].options if before else _any_options(magic)
    typed = _unquoted(words[0])
    name, _, value = typed.partition("=")
    option = (
        "--"
        + name.strip("-[](),.:;").rstrip("s" if value or (len(words) > 1 and words[1][0].isdigit()) else "").lower()
    )
    rest = tuple(each for each in ((value.lstrip("="),) if value else ()) + words[1:])
    number = re.fullmatch(r"(?:cell|Cell|In|Out|in|out)?\s*[\[(]?(-?\d[\d,-]*)[\])]?[,:.;]?", typed)
    if number is not None and "--cell" in taken:
        if number[1].startswith("-"):
            return replace(line, words=before).with_option("--last" if "--last" in taken else "--cell", number[1][1:])
        more = tuple(word for word in words[1:] if _CELL_LIKE.fullmatch(word))
        kept = (*before, *words[1 + len(more) :])
        return replace(line, words=kept).with_option("--cell", " ".join((number[1].strip(","), *more)))
    if option == "--where" and "--where" in taken and rest and line.where is None:
        return replace(line, words=before).with_option("--where", " ".join(rest))
    if option in ("--cell", "--last") and option in taken:
        numbers = tuple(word for word in rest if _CELL_LIKE.fullmatch(word) or word.strip("[]").isdigit())
        if numbers:
            others = tuple(word for word in rest if word not in numbers)
            return replace(line, words=(*before, *others)).with_option(option, " ".join(numbers))
        if option == "--last":
            return replace(line, words=(*before, *(word for word in rest if word not in ("cell", "one")))).with_option(
                option, "1"
            )
    return None


def _any_options(magic: Magic) -> tuple[str, ...]:
    return tuple(dict.fromkeys(option for word in magic.words.values() for option in word.options))


def _check_known(magic: Magic, line: _Line) -> None:
    """Refuse options that there are not."""
    for name, value in line.options:
        if name in OPTIONS:
            continue
        wrong = f"there is no option {_shown(name)}."
        bare = name.strip("-").lower()
        meant = _option_meant(magic, name)
        rest = line.without(name)
        if bare in magic.words and (meant is None or value is None):
            raise _WrongError(wrong, replace(rest, words=(bare, *line.words)))
        if bare in ("name", "names", "span") and "--where" in _any_options(magic):
            load, words = (line.words[0], line.words[1:]) if line.words else ("load", ())
            named = (load, words) if load not in magic.words else (words[0] if words else "load", (load, *words[1:]))
            raise _WrongError(wrong, replace(rest, words=named[1]).with_option("--where", f"name == '{named[0]}'"))
        if meant is not None:
            raise _WrongError(wrong, rest.with_option(meant, value))
        near = _near(bare, magic.words)
        if near and not line.words:
            raise _WrongError(wrong, replace(rest, words=(near[0],)))
        word = line.words[0] if line.words and line.words[0] in magic.words else magic.default
        options = magic.words[word].options
        raise _WrongError(f"{wrong} {magic.name} {word} takes {_listed(options)}." if options else wrong, rest)


def _check_taken(magic: Magic, line: _Line, word: str) -> None:
    """Refuse options that the word does not take, and those that stand there twice."""
    spec = magic.words[word]
    given = list(dict.fromkeys([name for name, _ in line.options] + (["--where"] if line.where is not None else [])))
    for name in given:
        if name not in spec.options:
            takers = [f"{magic.name} {each}" for each, other in magic.words.items() if name in other.options]
            why = f": {spec.why}." if spec.why else f"; {_listed(takers)} does." if takers else "."
            wrong = f"{magic.name} {word} takes no {name}{why}"
            rest = line.without(*(each for each in OPTIONS if each not in spec.options))
            if spec.takes == "cells" and name == "--cell":
                value = dict(line.options)[name] or ""
                rest = replace(rest, words=(*line.words, *_NUMBERS.findall(value)))
            elif magic is NBTRACE and word == "reset" and takers:
                rest = replace(line, words=("forget",))
            elif magic is NBTRACE and word == magic.default:
                raise _WrongError(wrong, replace(line, words=()).text(SPANS))
            raise _WrongError(wrong, rest)
        if [each for each, _ in line.options].count(name) > 1:
            values = [value for each, value in line.options if each == name and value]
            once = line.with_option(
                name, ",".join(values) if OPTIONS[name] == "cells" else values[-1] if values else None
            )
            raise _WrongError(f"{name} stands there twice.", once)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _behind(magic: Magic, line: _Line, word: str, behind: tuple[str, ...]) -> _WrongError:
    """What is said of words that stand behind one that takes none."""
    first = _shown(behind[0])
    option = _as_option(magic, line, behind, (word,))
    if option is not None and option.options + ((option.where,) if option.where else ()):
        alone = behind[0].strip("[](),.").isdigit()
        return _WrongError(
            f"{first} stands alone." if alone else f"an option begins with two dashes: {first} does not.", option
        )
    kept = replace(line, words=(word,))
    if behind[0][0] in ">|&":
        keep = f" Type  df = {magic.name} {word}  to keep the answer in a variable" if magic is SPANS else ""
        raise _WrongError(f"{first} leads nowhere: this is no shell.", kept, advice=keep)
    if magic is NBTRACE and word == "forget" and behind[0].strip("*'\"") in ("all", "everything", ""):
        raise _WrongError(f"{first} is no cell.", replace(kept, words=("reset",)))
    other = behind[0] if behind[0] in magic.words else next(iter(_near(behind[0].strip(".,;:"), magic.words)), None)
    if other is not None and other != word:
        return _WrongError(
            f"{magic.name} shows one thing at a time." if magic is SPANS else f"{magic.name} does one thing at a time.",
            kept,
            replace(line, words=(other,)),
        )
    if "--where" in magic.words[word].options and _CONDITION.search(" ".join(behind)) and line.where is None:
        return _WrongError(
            "a condition stands behind --where.", kept.with_option("--where", " ".join(behind).lstrip("=<> "))
        )
    return _WrongError(f"{first} is one word too many behind {magic.name} {word}.", kept)


def _switch(magic: Magic, word: str, behind: tuple[str, ...]) -> str:
    """Read on or off."""
    on, off = (f"{magic.name} {word} {switch}" for switch in ("on", "off"))
    if not behind:
        raise _WrongError(f"{magic.name} {word} needs to know: on or off.", on, off, example=True)
    typed = behind[0].strip("'\".,;=").lower()
    if behind in (("on",), ("off",)):
        return behind[0]
    wrong = f"{_shown(' '.join(behind))} is neither on nor off."
    if typed in ("on", "yes", "true", "1", "enable", "tree", "all"):
        raise _WrongError(wrong, on)
    if typed in ("off", "no", "of", "false", "0", "disable", "none"):
        raise _WrongError(wrong, off)
    raise _WrongError(wrong, on, off)


def _sides(line: _Line, behind: tuple[str, ...], known: _Known) -> tuple[list[int], ...]:
    """Read the cells that are compared: none, one, or two sides, each one cell or several."""
    sides = [_unquoted(each) for each in behind]
    numbers = [each for side in sides for each in _CELLS.findall(side)]
    word = line.words[0]
    if not all(_CELLS.fullmatch(side) for side in sides):
        wrong = next(side for side in sides if not _CELLS.fullmatch(side))
        if 0 < len(numbers) <= 2:
            raise _WrongError(f"{_shown(wrong)} is no cell.", replace(line, words=(word, *numbers)))
        example = map(str, known.last(2))
        raise _WrongError(f"{_shown(wrong)} is no cell.", replace(line, words=(word, *example)), example=True)
    if len(sides) > 2:
        together = (word, ",".join(sides[:-1]), sides[-1])
        raise _WrongError(
            "compare has two sides. Several runs of one side stand with commas, or as 3-5.",
            replace(line, words=together),
        )
    if len(sides) == 1 and not sides[0].isdigit():
        several = _NUMBERS.findall(sides[0])
        raise _WrongError(f"{_shown(sides[0])} is one side.", replace(line, words=(word, several[0], several[-1])))
    return tuple(_counts(line, side, None) for side in sides)


def _cells(line: _Line, value: str | None, known: _Known) -> list[int]:
    """Read `3`, `3,5` or `7-9`."""
    example = line.with_option("--cell", str(known.last(1)[0]))
    if value is None:
        raise _WrongError("--cell needs a number.", example, example=True)
    if _CELLS.fullmatch(value):
        return _counts(line, value, "--cell")
    shown = _shown(value)
    if value.lower() in ("last", "this", "current", "latest", "-1") or re.fullmatch(r"-\d{1,18}", value):
        raise _WrongError(
            f"--cell {shown} is no cell.",
            line.without("--cell").with_option("--last", value.lstrip("-") if value[0] == "-" else "1"),
        )
    numbers = _NUMBERS.findall(value)
    if (
        numbers
        and len(value) < _LONG
        and re.fullmatch(r"(?:[\d\s,;&+.:()\[\]-]|\band\b|\bto\b|cell|=)*", value)
        and not re.search(r"\d\.\d", value)
    ):
        ranged = len(numbers) == 2 and re.search(r":|\.\.|to", value)
        text = ("-" if ranged else ",").join(numbers)
        raise _WrongError(f"--cell {shown}: cells are written 3, or 3,5,7-9.", line.with_option("--cell", text))
    raise _WrongError(f"--cell {shown} is no cell: it is the number in its brackets.", example, example=True)


def _counts(line: _Line, text: str, option: str | None) -> list[int]:
    """The execution counts that a text names."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if max(len(first), len(last)) > 18:
            raise _WrongError(f"{_shown(text)} is no cell: no notebook has so many.", advice=" Type  %spans cells")
        cells = range(int(first), int(last or first) + 1)
        if not cells:
            turned = text.replace(part, f"{last}-{first}")
            words = tuple(turned if word == text else word for word in line.words)
            raise _WrongError(
                f"{_shown(part)} counts down.",
                line.with_option(option, turned) if option else replace(line, words=words),
            )
        if len(cells) > _MANY_CELLS:
            raise _WrongError(f"{_shown(part)} is more than {_MANY_CELLS:,} cells.", advice=" Type  %spans cells")
        found += cells
    return found


def _count(line: _Line, value: str | None) -> int:
    """Read a number of cells."""
    if value is None:
        raise _WrongError("--last needs a number of cells.", line.with_option("--last", "3"), example=True)
    if re.fullmatch(r"[0-9]{1,18}", value) and int(value) > 0:
        return int(value)
    number = re.fullmatch(r"-?0*([1-9][0-9]{0,17})(?:\.0*)?", value)
    raise _WrongError(
        f"--last {_shown(value)} is no number of cells.",
        line.with_option("--last", number[1] if number else "3"),
        example=number is None,
    )
