"""What is said about a condition that cannot be read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence

from nbtrace.analysis.wrong_question import QuestionError

MAX_LISTED = 40
"""Columns that an error lists where none is near."""

_LONG = 80
"""Characters of a name that are shown; nothing that is longer resembles a column."""


class UnknownColumnError(QuestionError, KeyError):
    """A column that the table does not have."""

    def __init__(
        self,
        name: str,
        columns: Iterable[str],
        advice: str = "",
        near: Sequence[str] | None = None,
        written: Callable[[str], str] = repr,
        advice_in_magic: str | None = None,
    ) -> None:
        """near: the columns that may be meant, if that is known better than by their letters. written: shows a column.
        advice_in_magic: the advice for who asked in a magic, if it is another."""
        self.name = name
        known = [column for column in columns if column != name]
        near = nearest(name, known) if near is None else near
        hint = f"Did you mean {' or '.join(map(written, near))}?" if near else ""
        if not hint and not advice:
            hint = f"Columns: {', '.join(known[:MAX_LISTED])}{', …' if len(known) > MAX_LISTED else ''}."
        shown = name if len(name) <= _LONG else name[:_LONG] + "…"
        texts = [
            " ".join(part for part in (f"there is no column {shown!r}.", hint, last) if part)
            for last in (advice, advice if advice_in_magic is None else advice_in_magic)
        ]
        self.text = texts[0]
        super().__init__(*texts)

    def __str__(self) -> str:
        return self.text


class FilterError(QuestionError):
    """A condition that cannot be read or applied."""


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that `name` may have meant, the best first; none for a name too long to be a slip."""
    if len(name) > _LONG:
        return []
    by_lower = {each.lower(): each for each in known}
    near = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    return near + [each for each in known if each.endswith("." + name) and each not in near]
