"""Rules that are off by default, and patterns of the user's own.

Enters: a text. Leaves: the text without what they hit. What is redacted already is never looked at, so that a pattern that
matches the word "redacted" ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from nbtrace.store.redaction.names import MARK
from nbtrace.store.redaction.rules import Hit

WINDOW = 4_096
"""Characters of a text that a pattern of the user's own sees at a time: one that is slow on long texts stays bearable."""

OVERLAP = 512
"""The longest match that is found wherever it stands."""


def patterns(text: str, chosen: Sequence[tuple[str, re.Pattern[str], str]], hit: Hit) -> str:
    """Replace what the user's patterns find."""
    for rule, pattern, group in chosen:
        text = _between_marks(text, lambda part, p=pattern, g=group, r=rule: _windowed(part, p, g, r, hit))  # type: ignore[misc]
    return text


def _between_marks(text: str, change: Callable[[str], str]) -> str:
    if "[redacted: " not in text:
        return change(text)
    parts, position = [], 0
    for mark in MARK.finditer(text):
        parts += [change(text[position : mark.start()]), mark.group()]
        position = mark.end()
    return "".join(parts) + change(text[position:])


def _windowed(text: str, pattern: re.Pattern[str], group: str, rule: str, hit: Hit) -> str:
    parts, done, position = [], 0, 0
    while position < len(text):
        end = min(len(text), position + WINDOW)
        match = pattern.search(text, position, end)
        if match is None or match.start() == match.end():
            position = end if end == len(text) else end - OVERLAP
            continue
        if match.end() == end < len(text):  # the window may have cut it
            match = pattern.match(text, match.start(), match.start() + WINDOW) or match
        first, last = match.span(group or 0)
        if first < 0 or first == last:  # a group that took no part
            first, last = match.span()
        parts += [text[done:first], hit(rule)]
        done, position = last, max(last, match.end())
    return "".join(parts) + text[done:] if parts else text


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_IP = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.])"
    r"|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"
)
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")


def optional(text: str, rules: frozenset[str], hit: Hit) -> str:
    """Replace mail addresses, IP addresses, card and account numbers, of those what `rules` names."""
    for rule, pattern, check in _OPTIONAL:
        if rule in rules:
            text = pattern.sub(lambda match, r=rule, c=check: hit(r) if c(match.group()) else match.group(), text)  # type: ignore[misc]
    return text


def _luhn(text: str) -> bool:
    digits = [int(digit) for digit in text if digit.isdigit()][::-1]
    return sum(digits[::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


def _mod97(text: str) -> bool:
    packed = text.replace(" ", "")
    return int("".join(str(int(letter, 36)) for letter in packed[4:] + packed[:4])) % 97 == 1


_OPTIONAL: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("email", _EMAIL, lambda text: True),
    ("ip", _IP, lambda text: True),
    ("card", _CARD, _luhn),
    ("iban", _IBAN, _mod97),
)
