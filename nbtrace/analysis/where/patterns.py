"""Which patterns a condition takes: those that mean the same to Python's re, to JavaScript and to RE2.

RE2 applies them (inside pyarrow), in a time that grows with the text alone: no pattern can hang the kernel. The browser
applies them as JavaScript does."""

from __future__ import annotations

import re

MAX_PATTERN = 1_000
MAX_REPEAT = 1_000
"""RE2's own bound."""

_GROUPS = {
    "(?=": "looking ahead",
    "(?!": "looking ahead",
    "(?<=": "looking behind",
    "(?<!": "looking behind",
    "(?>": "an atomic group",
    "(?(": "a condition on a group",
    "(?#": "a comment",
    "(?P": "a group with a name",
    "(?<": "a group with a name",
}
_ESCAPES = frozenset("dDwWsSbBtnrfv")
_COUNT = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_TOKEN = re.compile(
    r"(?P<escape>\\(?:x[0-9a-fA-F]{2}|.)?)|(?P<set>\[)|(?P<group>\((?:\?(?:P|<[=!]?|.)?)?)"
    r"|(?P<count>\{[0-9]*,?[0-9]*\})|(?P<repeat>[*+?])|(?P<other>.)",
    re.DOTALL,
)


class PatternError(ValueError):
    """A pattern that is wrong, or that not all three read alike."""


def check(pattern: str) -> None:
    """Raise PatternError, which names the construct and what to write, for a pattern that not all three read alike."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern has {len(pattern):,} characters; at most {MAX_PATTERN:,} are read")
    at, can_repeat, repeated, depth = 0, False, False, 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        assert token is not None, "any character is one"
        piece, at = token[0], token.end()
        if token["count"] or token["repeat"]:
            if repeated and piece == "?":  # the lazy form
                repeated = can_repeat = False
                continue
            if repeated and piece == "+":
                raise PatternError("a possessive repetition (*+, ++, ?+) is Python's alone: leave the second + out")
            if not can_repeat:
                raise PatternError(f"{piece!r} has nothing to repeat. Write \\{piece[0]} for the character itself")
            _check_count(token["count"])
            repeated = True
            can_repeat = False
            continue
        repeated = False
        can_repeat = True
        if token["escape"]:
            _check_escape(piece, inside=False)
            can_repeat = piece not in (r"\b", r"\B")
        elif token["set"]:
            at = _after_set(pattern, at)
        elif token["group"]:
            _check_group(piece, pattern[at - len(piece) :])
            at = token.start() + (3 if piece.startswith("(?") else 1)
            depth += 1
            can_repeat = False
        elif piece == ")":
            depth -= 1
            if depth < 0:
                raise PatternError("a ')' closes nothing. Write \\) for the character itself")
        elif piece in "{}]":
            raise PatternError(f"write \\{piece} for the character {piece!r} itself")
        elif piece in "|^$":
            can_repeat = False
    if depth:
        raise PatternError("a '(' is not closed. Write \\( for the character itself")
    _compile(pattern)


def _compile(pattern: str) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        reason = str(error).partition("Invalid regular expression: ")[2].partition("\n")[0]
        raise PatternError(f"the pattern is not read: {reason or 'it is no pattern'}") from None


def _check_count(count: str | None) -> None:
    if count is None:
        return
    match = _COUNT.fullmatch(count)
    if match is None:
        raise PatternError(
            f"{count!r} is no repetition: write {{2}}, {{2,}} or {{0,2}}, or \\{{ for the character itself"
        )
    if any(len(bound) > 4 or int(bound) > MAX_REPEAT for bound in match.groups() if bound):
        raise PatternError(f"{count!r} repeats more than {MAX_REPEAT:,} times")


def _check_escape(piece: str, *, inside: bool) -> None:
    character = piece[1:2]
    if not character:
        raise PatternError("the pattern ends in a single backslash. Write \\\\\\\\ for the character itself")
    if character in "bB" and inside:
        raise PatternError(f"{piece} means another thing inside [ ] in each language: leave it out")
    if (
        character in _ESCAPES
        or len(piece) == 4
        or (character.isascii() and not character.isalnum() and character != "_")
    ):
        return
    if character.isdigit():
        raise PatternError(f"going back to a group ({piece}) takes unbounded time and is not read")
    others = {
        "A": "write ^",
        "Z": "write $",
        "z": "write $",
        "Q": "put \\ before each character",
        "u": "write the letter",
    }
    advice = others.get(character, f"write {character} for the letter itself")
    raise PatternError(f"{piece} is not known to Python, JavaScript and RE2 alike: {advice}")


def _check_group(piece: str, rest: str) -> None:
    if piece == "(" or rest.startswith("(?:"):
        return
    if piece in _GROUPS:
        advice = ": write ( or (?:" if "name" in _GROUPS[piece] else ""
        raise PatternError(f"{_GROUPS[piece]}, {piece}…), is not known to Python, JavaScript and RE2 alike{advice}")
    if re.match(r"\(\?[a-zA-Z-]+[:)]", rest):
        raise PatternError(
            "flags inside a pattern, (?i), are not JavaScript's: .str.contains('x', case=False) ignores case"
        )
    raise PatternError(f"{rest[:3]} begins no group. Write (?: or \\(")


def _after_set(pattern: str, at: int) -> int:
    """Return where a set of characters ends, whose [ stands before `at`."""
    if pattern.startswith("^", at):
        at += 1
    if pattern.startswith("]", at):
        raise PatternError("[] is empty in JavaScript, and begins with ] elsewhere: write \\] inside [ ]")
    while at < len(pattern):
        if pattern[at] == "]":
            return at + 1
        if pattern.startswith(("[:", "[.", "[="), at):
            raise PatternError(f"{pattern[at : at + 2]}…] is RE2's alone: write the characters, as in [a-z0-9]")
        if pattern.startswith(("--", "&&", "~~", "||"), at):
            raise PatternError(f"{pattern[at : at + 2]} inside [ ] may become an operator: write it with \\")
        if pattern[at] == "\\":
            token = _TOKEN.match(pattern, at)
            assert token is not None
            _check_escape(token[0], inside=True)
            at = token.end()
        else:
            at += 1
    raise PatternError("a '[' is not closed. Write \\[ for the character itself")
