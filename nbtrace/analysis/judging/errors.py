"""What is said of a budget or a limit that cannot be read, and of a baseline that is none."""

from __future__ import annotations

from nbtrace.analysis.wrong_question import QuestionError

_SHOWN = 80


class BudgetError(QuestionError):
    """A budget or a limit of change that cannot be read."""

    def __init__(self, what: str, typed: str, reason: str, example: str) -> None:
        """what: "budget" or "limit". example: one that works, and lies near to what was typed."""
        shown = typed if len(typed) <= _SHOWN else typed[: _SHOWN - 1] + "…"
        said = reason if reason.endswith("?") else f"{reason}."
        super().__init__(f"{what} {shown!r}: {said} For example: {example}")


class BaselineError(QuestionError):
    """A baseline with which the recording has nothing in common."""
