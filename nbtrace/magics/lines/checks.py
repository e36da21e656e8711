"""What can be wrong with a line, each check mending one thing.

Enters: the pieces of a line. Leaves: nothing, or a WrongError with the line that was meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from nbtrace.magics.lines.pieces import CELL_LIKE, Line, WrongError, any_options, near, option_meant, shown, unquoted
from nbtrace.magics.lines.words import MAGICS, NBTRACE, OPTIONS, SPANS, Magic

_DASHES = "‐‑‒–—―−"
_CONDITION = re.compile(r"[\w`)\]]\s*(?:[=<>~!]=?|\bin\b)\s*[\w'\"@`(\[-]|\.(?:isna|notna|str)\b")
_NUMBERS = re.compile(r"\d{1,18}")


def check_signs(magic: Magic, line: Line) -> None:
    """Refuse what no line has: a comment, dashes of a word processor, a quote that is not closed."""
    for at, word in enumerate(line.words):
        before, behind = line.words[:at], line.words[at + 1 :]
        if word.startswith("#"):
            raise WrongError("a magic's line has no comments.", replace(line, words=before))
        if word[0] in _DASHES:
            dashed = "--" + word.lstrip(_DASHES + "-")
            raise WrongError(
                f"{shown(word)} begins with another dash.", replace(line, words=(*before, dashed, *behind))
            )
        if word.count("'") % 2 or word.count('"') % 2:
            quote = "'" if word.count("'") % 2 else '"'
            raise WrongError(
                f"the quote {quote} is not closed.", replace(line, words=(*before, word.replace(quote, ""), *behind))
            )


def word_of(magic: Magic, line: Line) -> tuple[str, tuple[str, ...]]:
    """The line's word, and what stands behind it."""
    if not line.words:
        return magic.default, ()
    typed, behind = line.words[0], line.words[1:]
    if typed in magic.words:
        return typed, behind
    wrong = f"there is no {magic.name} {shown(typed)}."
    bare = unquoted(typed).strip(".,;:!()[]{}-%").lower()
    joined = " ".join(line.words)
    option = _as_option(magic, line, line.words)
    if option is not None:
        alone = re.fullmatch(r"[\d,]+", bare) is not None
        said = f"{shown(typed)} stands alone." if alone else wrong
        raise WrongError(said, option.text(SPANS) if magic is NBTRACE else option)
    head, equals, value = bare.partition("=")
    for piece, more in ((bare, ()), (re.split(r"[(.]", bare)[0], ()), (head, (value,) if equals else ())):
        if piece in magic.words:
            raise WrongError(wrong, replace(line, words=(piece, *more, *behind)))
        if piece in magic.meant:
            raise _meant(magic, wrong, line, magic.meant[piece], behind)
    if "--where" in magic.words[magic.default].options and _CONDITION.search(joined):
        raise WrongError(wrong, replace(line, words=()).with_option("--where", joined))
    nearest = near(bare, magic.words)
    if nearest:
        raise WrongError(wrong, replace(line, words=(nearest[0], *behind)))
    nearest = near(bare, [each for each in magic.meant if len(each) > 5])  # a slip in a short word may be anything
    if nearest:
        raise _meant(magic, wrong, line, magic.meant[nearest[0]], behind)
    listed = ", ".join(magic.words)
    raise WrongError(f"{wrong} There are {listed}.", advice=f" Type  {magic.name} help")


def _meant(magic: Magic, wrong: str, line: Line, meant: str, behind: tuple[str, ...]) -> WrongError:
    if meant.startswith(" "):
        return WrongError(wrong, advice=meant)
    if meant.startswith("%"):
        other, _, word = meant.partition(" ")
        options = MAGICS[other].words[word or MAGICS[other].default].options
        kept = line.without(*(name for name in OPTIONS if name not in options))
        return WrongError(wrong, replace(kept, words=(word, *behind)).text(MAGICS[other]))
    if meant == "forget" and behind[:1] == ("all",):
        return WrongError(wrong, replace(line, words=("reset",)))
    return WrongError(wrong, replace(line, words=(*meant.split(), *behind)))


def _as_option(magic: Magic, line: Line, words: tuple[str, ...], before: tuple[str, ...] = ()) -> Line | None:
    """The line with words read as an option that lacks its dashes: 3, cell 3, cell=3, last, where duration > 1s."""
    taken = magic.words[before[0]].options if before else any_options(magic)
    typed = unquoted(words[0])
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
        more = tuple(word for word in words[1:] if CELL_LIKE.fullmatch(word))
        kept = (*before, *words[1 + len(more) :])
        return replace(line, words=kept).with_option("--cell", " ".join((number[1].strip(","), *more)))
    if option == "--where" and "--where" in taken and rest and line.where is None:
        return replace(line, words=before).with_option("--where", " ".join(rest))
    choices = magic.words[before[0]].by if before else ()
    if typed in choices or (option == "--by" and choices and rest):
        kept = words[1:] if typed in choices else rest[1:]
        return replace(line, words=(*before, *kept)).with_option("--by", typed if typed in choices else rest[0])
    if option == "--asking" and option in taken and not value:
        return replace(line, words=(*before, *rest)).with_option(option, None)
    if option in ("--cell", "--last") and option in taken:
        numbers = tuple(word for word in rest if CELL_LIKE.fullmatch(word) or word.strip("[]").isdigit())
        if numbers:
            others = tuple(word for word in rest if word not in numbers)
            return replace(line, words=(*before, *others)).with_option(option, " ".join(numbers))
        if option == "--last":
            return replace(line, words=(*before, *(word for word in rest if word not in ("cell", "one")))).with_option(
                option, "1"
            )
    return None


def check_known(magic: Magic, line: Line) -> None:
    """Refuse options that there are not."""
    for name, value in line.options:
        if name in OPTIONS:
            continue
        wrong = f"there is no option {shown(name)}."
        bare = name.strip("-").lower()
        meant = option_meant(magic, name)
        rest = line.without(name)
        if bare in magic.words and (meant is None or value is None):
            raise WrongError(wrong, replace(rest, words=(bare, *line.words)))
        if bare in ("name", "names", "span") and "--where" in any_options(magic):
            load, words = (line.words[0], line.words[1:]) if line.words else ("load", ())
            named = (load, words) if load not in magic.words else (words[0] if words else "load", (load, *words[1:]))
            raise WrongError(wrong, replace(rest, words=named[1]).with_option("--where", f"name == '{named[0]}'"))
        if meant is not None:
            raise WrongError(wrong, rest.with_option(meant, value))
        nearest = near(bare, magic.words)
        if nearest and not line.words:
            raise WrongError(wrong, replace(rest, words=(nearest[0],)))
        word = line.words[0] if line.words and line.words[0] in magic.words else magic.default
        options = magic.words[word].options
        raise WrongError(f"{wrong} {magic.name} {word} takes {_listed(options)}." if options else wrong, rest)


def check_taken(magic: Magic, line: Line, word: str) -> None:
    """Refuse options that the word does not take, and those that stand there twice."""
    spec = magic.words[word]
    given = list(dict.fromkeys([name for name, _ in line.options] + (["--where"] if line.where is not None else [])))
    for name in given:
        if name not in spec.options:
            takers = [f"{magic.name} {each}" for each, other in magic.words.items() if name in other.options]
            why = f": {spec.why}." if spec.why else f"; {_listed(takers)} does." if takers else "."
            wrong = f"{magic.name} {word} takes no {name}{why}"
            rest = line.without(*(each for each in OPTIONS if each not in spec.options))
            if name == "--by" and not line.words and len(takers) == 1:
                raise WrongError(wrong, replace(line, words=(takers[0].partition(" ")[2],)))
            if spec.takes == "cells" and name == "--cell":
                value = dict(line.options)[name] or ""
                rest = replace(rest, words=(*line.words, *_NUMBERS.findall(value)))
            elif magic is NBTRACE and word == "reset" and takers:
                rest = replace(line, words=("forget",))
            elif magic is NBTRACE and word == magic.default:
                raise WrongError(wrong, replace(line, words=()).text(SPANS))
            raise WrongError(wrong, rest)
        if [each for each, _ in line.options].count(name) > 1:
            values = [value for each, value in line.options if each == name and value]
            once = line.with_option(
                name, ",".join(values) if OPTIONS[name] == "cells" else values[-1] if values else None
            )
            raise WrongError(f"{name} stands there twice.", once)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def too_many(magic: Magic, line: Line, word: str, behind: tuple[str, ...]) -> WrongError:
    """What is said of words that stand behind one that takes none."""
    first = shown(behind[0])
    option = _as_option(magic, line, behind, (word,))
    if option is not None and option.options + ((option.where,) if option.where else ()):
        alone = behind[0].strip("[](),.").isdigit()
        return WrongError(
            f"{first} stands alone." if alone else f"an option begins with two dashes: {first} does not.", option
        )
    kept = replace(line, words=(word,))
    if behind[0][0] in ">|&":
        keep = f" Type  df = {magic.name} {word}  to keep the answer in a variable" if magic is SPANS else ""
        raise WrongError(f"{first} leads nowhere: this is no shell.", kept, advice=keep)
    if magic is NBTRACE and word == "forget" and behind[0].strip("*'\"") in ("all", "everything", ""):
        raise WrongError(f"{first} is no cell.", replace(kept, words=("reset",)))
    other = behind[0] if behind[0] in magic.words else next(iter(near(behind[0].strip(".,;:"), magic.words)), None)
    if other is not None and other != word:
        return WrongError(
            f"{magic.name} shows one thing at a time." if magic is SPANS else f"{magic.name} does one thing at a time.",
            kept,
            replace(line, words=(other,)),
        )
    if "--where" in magic.words[word].options and _CONDITION.search(" ".join(behind)) and line.where is None:
        return WrongError(
            "a condition stands behind --where.", kept.with_option("--where", " ".join(behind).lstrip("=<> "))
        )
    return WrongError(f"{first} is one word too many behind {magic.name} {word}.", kept)
