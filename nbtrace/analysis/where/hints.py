"""What somebody meant who typed a word that is neither a column nor of the grammar.

Enters: the word, and what stands around it. Leaves: advice; what it says to write can be typed as it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from nbtrace.analysis.where.literals import moment_ns
from nbtrace.store.schema import ATTRIBUTE_PREFIX

QUOTES = "‘’‚‛“”„‟«»‹›´"
"""Quotes that word processors and web pages put for straight ones."""

_FAILED = ("error", "errors", "failed")
_RAISED = ("exception_type", "exception_message", "exception_stacktrace")
_NAMES = re.compile(r"[^\W\d]\w*(?=$|[-/:])")
_IS = re.compile(r"\s+(not\s+)?('[^'\\]*'|\"[^\"\\]*\"|[0-9.]+\b|[^\W\d]\w*)", re.IGNORECASE)
_TIME = re.compile(
    r"\s+([0-9]{1,2})(:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:\s?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)(?!\w))?)"
)
_CONDITION = re.compile(r"[=<>~]|\b(?:and|or|not|in)\b|\.(?:isna|notna|str)\b", re.IGNORECASE)


def variable(run: str, variables: Collection[str]) -> str | None:
    """Return the variable that a run of letters begins with: limit in limit, and in limit/2. Its value is not looked at."""
    match = _NAMES.match(run)
    return match[0] if match is not None and match[0] in variables else None


def failed(word: str, columns: Collection[str]) -> bool:
    """Whether a word asks for what has the status ERROR."""
    return word.lower() in _FAILED and "status_code" in columns


def raised(name: str, columns: Iterable[str]) -> tuple[str, str] | None:
    """Return what is said, in Python and in a magic, of a name that asks for an exception, where the table has no such
    column; None for another name."""
    plain = name.removeprefix(ATTRIBUTE_PREFIX).replace(".", "_")
    if plain not in _RAISED or any(
        column.removeprefix(ATTRIBUTE_PREFIX).replace(".", "_") == plain for column in columns
    ):
        return None
    condition = f"{plain} == 'X'"
    stands = "What was raised stands among the errors:"
    return f'{stands} nbtrace.errors(where="{condition}")', f"{stands} type  %spans errors --where {condition}"


def identity(behind: str, column: str, example: str, missing: Collection[str], *, boolean: bool) -> str:
    """Return what to write for `column is …`. boolean: whether the column can be True or False."""
    match = _IS.match(behind)
    word = "" if match is None else match[2]
    negated = match is not None and match[1] is not None
    if word in missing:
        meant = f"{column}.{'notna' if negated else 'isna'}()"
    elif word.lower() in ("true", "false") and boolean:
        meant = column if (word.lower() == "true") is not negated else f"not {column}"
    elif word[:1] in ("'", '"') or word[:1].isdigit():
        meant = f"{column} {'!=' if negated else '=='} {word}"
    else:
        meant = f"{column} == {example}, {column}.isna() or {column}.notna()"
    return f"`is` is not known. Write {meant}"


def straight(behind: str) -> str:
    """Return what is said of a text that begins with a curly quote."""
    inner = re.match(rf"[{QUOTES}]([^{QUOTES}'\\]{{0,40}})[{QUOTES}]", behind)
    return f"quotes are straight here: write '{inner[1]}'" if inner else "quotes are straight here: write ' or \""


def date_and_time(date: str, behind: str) -> tuple[int, str] | None:
    """Return how much of what stands behind a date is a time of day, and what is said of it; None if none stands there."""
    match = _TIME.match(behind)
    if match is None:
        return None
    meant = f"{date} {match[1]:0>2}{match[2]}"
    return match.end(), f"a date with a time stands in quotes: '{meant if moment_ns(meant) else '2026-01-31 12:00'}'"


def is_condition(text: str) -> bool:
    """Whether a text reads like a condition: somebody put one into quotes."""
    return _CONDITION.search(text) is not None


def continued(text: str, start: int, columns: Iterable[str], odd: Callable[[str], bool]) -> str | None:
    """Return the longest column with characters for backticks that stands in the text without them."""
    found = (
        column
        for column in columns
        if odd(column)
        and (text.startswith(column, start) or text.startswith(column.removeprefix(ATTRIBUTE_PREFIX), start))
    )
    return max(found, key=len, default=None)
