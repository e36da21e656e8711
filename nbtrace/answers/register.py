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
Takes = Literal["nothing", "cells", "switch", "file", "switch and file", "switch or nothing", "name"]

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
    by: tuple[str, ...]
    """What %spans may have it counted by."""
    is_table: bool
    """Whether it returns a DataFrame; otherwise what shows itself."""
    shows: str
    """The method that makes what %spans shows of it; "" for the question's own."""

    def ask(self, recording: Any, *given: Any, by: str | None = None, **conditions: Any) -> Any:
        """Return a recording's answer, with as many of the conditions as narrow the question."""
        return getattr(recording, self.name)(*given, **self._wanted(by, conditions))

    def show(self, recording: Any, *given: Any, by: str | None = None, **conditions: Any) -> Any:
        """Return what %spans shows of it, likewise."""
        return getattr(recording, self.shows or self.name)(*given, **self._wanted(by, conditions))

    def _wanted(self, by: str | None, conditions: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: value for name, value in conditions.items() if name in self.narrows}
        return wanted if by is None else {**wanted, "by": by}


REGISTER: dict[str, Question] = {}
"""The questions by their names."""


def question(
    word: str = "",
    *,
    options: tuple[str, ...] | None = None,
    takes: Takes = "nothing",
    why: str = "",
    last_cell: bool = False,
    by: tuple[str, ...] = (),
    shows: str = "",
) -> Callable[[Method], Method]:
    """Enter a method into the register, and leave it as it is. What narrows it is read from its signature, the sentence from its
    docstring; `options` are those of %spans where they are fewer."""

    def enter(method: Method) -> Method:
        signature = inspect.signature(method)
        narrows = tuple(name for name in CONDITIONS if name in signature.parameters)
        method.__qualname__ = f"Recording.{method.__name__}"  # errors name what a person has called
        says = (inspect.getdoc(method) or "").replace("\n", " ").partition(". ")[0].partition(": ")[0]
        REGISTER[method.__name__] = Question(
            method.__name__,
            says,
            narrows,
            word,
            narrows if options is None else options,
            takes,
            why,
            last_cell,
            by,
            is_table=signature.return_annotation == "pd.DataFrame",
            shows=shows,
        )
        return method

    return enter


def by_word() -> dict[str, Question]:
    """Return the questions that %spans asks, by their words; first those that are looked at."""
    asked = sorted(REGISTER.values(), key=lambda each: each.is_table)
    return {each.word: each for each in asked if each.word}
