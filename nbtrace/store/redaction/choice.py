"""What a person chose to redact: True, False, `["+rule", "-rule"]` or a callable, checked and taken apart.

Enters: the choice as it was typed. Leaves: `Choice`, or a ValueError that says what is wrong and what to type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from nbtrace.store.redaction.names import NAME_RULES
from nbtrace.store.redaction.rules import FORMATS, SHAPES

DEFAULTS = frozenset((*NAME_RULES, *SHAPES, *(format.rule for format in FORMATS)))
"""The rules that are on unless somebody switches them off."""

OPTIONAL = ("email", "ip", "card", "iban")
"""Rules that are off unless somebody switches them on: no secrets, but what some may not keep."""

Redact: TypeAlias = bool | str | Sequence[str] | Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is redacted."""

    rules: frozenset[str] = DEFAULTS
    names: tuple[str, ...] = ()
    """Names of the user's own: `+name:customer_id`."""
    patterns: tuple[tuple[str, re.Pattern[str], str], ...] = ()
    """The rule, the pattern, and the name of the group that is replaced, "" for all of it."""
    call: Callable[[str, Any], Any] | None = None

    @property
    def active(self) -> bool:
        """Whether anything is redacted at all."""
        return bool(self.rules or self.names or self.patterns or self.call)


_PASS = 'Pass True, False, a list as ["+email", "-jwt"], or a callable f(key, value).'
"""What to do instead of what cannot be meant."""

OFF = Choice(rules=frozenset())


def parse_choice(choice: Redact) -> Choice:
    """Return what `choice` means.

    True is the defaults, False nothing, a callable `f(key, value)` the defaults and then itself. In a list, `"-jwt"` switches a
    rule off, `"+email"` one of `OPTIONAL` on; `"+name:customer_id"` redacts texts under a key whose last words are these, and
    `"+pattern:ACME-[0-9]+"` what a regular expression finds. A named group in it, `"+pattern:case (?P<acme>[0-9]+)"`, is what
    is replaced, and names the rule. Raises ValueError for anything else.

    In a magic's line IPython puts `6` in the place of `{6}`, as if it were a variable: double the braces there."""
    if choice is True:
        return Choice()
    if choice is False:
        return OFF
    if callable(choice):
        return Choice(call=choice)
    items = [choice] if isinstance(choice, str) else choice
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"redact is {choice!r}. {_PASS}")
    rules, names, patterns = set(DEFAULTS), [], []
    for item in items:
        sign, rule = item[:1], item[1:].strip()
        if sign not in ("+", "-") or not rule:
            raise ValueError(_unsigned(item, alone=isinstance(choice, str)))
        kind, colon, rest = rule.partition(":")
        if sign == "+" and colon and kind == "name":
            names.append(_name(item, rest))
        elif sign == "+" and colon and kind == "pattern":
            patterns.append(_pattern(item, rest))
        elif rule not in DEFAULTS and rule not in OPTIONAL:
            raise ValueError(_unknown(item, rule))
        elif sign == "+":
            rules.add(rule)
        else:
            rules.discard(rule)
    return Choice(frozenset(rules), tuple(names), tuple(patterns))


def _unsigned(item: str, *, alone: bool) -> str:
    """Say what to type instead of an item without a sign, or without anything behind it."""
    word = item.strip()
    if word in ("", "+", "-"):
        return f"{item!r} in redact is empty: it names no rule. {_PASS}"
    if word in DEFAULTS or word in OPTIONAL or word.startswith(("name:", "pattern:")):
        off = "" if ":" in word else f', "-{word}" to switch it off'
        return f'{item!r} in redact has no sign. Write "+{word}" to switch it on{off}.'
    return f"redact is {item!r}. {_PASS}" if alone else _unknown(item, word)


def _unknown(item: str, rule: str) -> str:
    known = sorted(DEFAULTS | set(OPTIONAL))
    near = get_close_matches(rule, known, n=1)
    sign = "-" if item.startswith("-") else "+"
    meant = f" Did you mean {sign + near[0]!r}?" if near else ""
    own = ' Of your own: "+name:customer_id", "+pattern:ACME-[0-9]+".' if sign == "+" else ""
    return f"{item!r} in redact is no rule.{meant} Known: {', '.join(known)}.{own}"


def _name(item: str, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][\w.\- ]{0,60}", name):
        raise ValueError(
            f'{item!r} in redact names no key. Write letters, digits, "_", "-" and ".", as "+name:customer_id".'
        )
    return name


def _pattern(item: str, source: str) -> tuple[str, re.Pattern[str], str]:
    try:
        pattern = re.compile(source)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{item!r} in redact is no regular expression: {error}.") from error
    if pattern.search("") is not None:
        raise ValueError(f"{item!r} in redact matches the empty text, so everything. Demand at least one character.")
    if _is_catastrophic(source):
        raise ValueError(
            f"{item!r} in redact repeats what is repeated already, which can take for ever on an unlucky text. "
            "Write a single repeat with a bound: [a-z]{1,40} instead of ([a-z]+)*."
        )
    group = next(iter(pattern.groupindex), "")
    return (group.replace("_", "-") or "pattern"), pattern, group


def _is_catastrophic(source: str) -> bool:
    """Whether a repeat of open length stands within another: exponential where their texts overlap."""
    try:
        from re import _parser  # type: ignore[attr-defined]  # private: where it is gone, the pattern is taken as it is
    except ImportError:
        return False
    return any(_nested(_parser.parse(source), inside=False))


def _nested(parsed: Any, *, inside: bool) -> Iterator[bool]:
    for operation, argument in parsed:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, body = argument
            variable = most != least and most > 1
            yield variable and inside
            # A fixed number of times is no choice; possessive repeats never come back.
            yield from _nested(body, inside=inside or variable)
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from _nested(branch, inside=inside)
        elif name == "SUBPATTERN":
            yield from _nested(argument[-1], inside=inside)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from _nested(argument[1], inside=inside)
