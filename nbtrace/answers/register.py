"""The register of questions: what there is to ask, what narrows it, and how it is asked in %spans.

Enters: methods, as tables.py and views.py define them. Leaves: a `Question` each, read by the package's functions, %spans,
completion, and whoever asks which cells only asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from nbtrace.analysis.selection import Selection

Method = TypeVar("Method", bound=Callable[..., Any])
Takes = Literal["nothing", "cells", "switch", "file"]

CONDITIONS = tuple(each.name for each in fields(Selection))
"""What can narrow a question."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a recording answers."""

    name: str
    """The method's, and the function's of the package."""
    says: str
    """What it returns, in one sentence."""
    narrows: tuple[str, ...]
    """Which of `CONDITIONS` it takes."""
    word: str
    """How %spans names it; "" if it does not."""
    options: tuple[str, ...]
    """Which conditions it takes in %spans."""
    takes: Takes
    """What may stand behind the word."""
    why: str
    """Why it takes no other option."""
    last_cell: bool
    """Whether %spans asks about the last cell unless told otherwise."""

    def ask(self, recording: Any, *given: Any, **conditions: Any) -> Any:
        """Return a recording's answer, with as many of the conditions as narrow the question."""
        wanted = {name: value for name, value in conditions.items() if name in self.narrows}
        return getattr(recording, self.name)(*given, **wanted)


REGISTER: dict[str, Question] = {}
"""The questions by their names."""


def question(
    word: str = "",
    *,
    options: tuple[str, ...] | None = None,
    takes: Takes = "nothing",
    why: str = "",
    last_cell: bool = False,
) -> Callable[[Method], Method]:
    """Enter a method into the register, and leave it as it is. What narrows it is read from its signature, the sentence from its
    docstring; `options` are those of %spans where they are fewer."""

    def enter(method: Method) -> Method:
        narrows = tuple(name for name in CONDITIONS if name in inspect.signature(method).parameters)
        method.__qualname__ = f"Recording.{method.__name__}"  # errors name what a person has called
        says = (inspect.getdoc(method) or "").replace("\n", " ").partition(". ")[0].partition(": ")[0]
        REGISTER[method.__name__] = Question(
            method.__name__, says, narrows, word, narrows if options is None else options, takes, why, last_cell
        )
        return method

    return enter


def by_word() -> dict[str, Question]:
    """Return the questions that %spans asks, by their words; first those that are looked at, which alone take all conditions."""
    asked = sorted(REGISTER.values(), key=lambda each: "last" not in each.narrows)
    return {each.word: each for each in asked if each.word}
