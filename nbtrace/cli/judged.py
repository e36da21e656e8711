"""Budgets, and a baseline: what a run is held against.

Enters: what was typed. Leaves: judgements of runs, and the table of what has changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrace.analysis.judging.judgement import Judgement
from nbtrace.analysis.judging.reading import read_budget, read_limit
from nbtrace.analysis.wrong_question import QuestionError
from nbtrace.cli.compare import shown
from nbtrace.cli.problems import Problem

if TYPE_CHECKING:
    from nbtrace.headless.ran import Ran
    from nbtrace.recording import Recording

_CHANGES = 8
"""So many changes are shown."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of one run."""

    judgements: Sequence[Judgement] = ()
    exceeded: Sequence[str] = ()
    """The limits of change that it exceeds."""
    changes: str = ""
    """The table of what has changed; "" without a baseline."""


class Judge:
    """What is asked of every run."""

    def __init__(self, budgets: Sequence[str], baseline: str, limits: Sequence[str], *, save: str = "") -> None:
        """Raises BudgetError for what cannot be read, Problem for a baseline that cannot be.

        save: where the run is saved. The first run that is saved into the folder that is the baseline, too, has none."""
        self._budgets = [read_budget(text) for text in budgets]
        self._limits = [read_limit(text) for text in limits]
        if limits and not baseline:
            raise Problem("--fail-if needs a baseline. Type for example  --baseline runs/")
        self._baseline: Recording | None = None
        self._first = False
        if baseline:
            # Tables are opened by whoever asks for them: a run that is held against nothing has begun before they are.
            from nbtrace.cli.files import read_recording
            from nbtrace.formats.register import names_folder

            self._first = names_folder(baseline) and not _holds_anything(baseline) and _same(baseline, save)
            self._baseline = None if self._first else read_recording(baseline)
        self.last = Judged()
        """What was found of the run that was judged last."""

    def check(self, notebooks: Sequence[Path]) -> None:
        """Raise BaselineError if the baseline is of another notebook."""
        if self._baseline is not None:
            from nbtrace.analysis.judging.changes import check_baseline

            for path in notebooks:
                check_baseline(self._baseline, path.name)

    def exceeded(self, ran: Ran) -> Sequence[str]:
        """Judge a run, and return the limits of change that it exceeds; `last` has the rest."""
        self.last = self.judge(ran)
        return self.last.exceeded

    def judge(self, ran: Ran) -> Judged:
        """Judge a run, as far as it has come; of one that did not reach its end nothing is compared."""
        if ran.outcome.ending == "interrupted":
            return Judged()
        from nbtrace.analysis.judging.budgets import judge
        from nbtrace.analysis.judging.changes import judge_change

        judgements = judge(ran.recording, self._budgets)
        if self._first:
            return Judged([*judgements, *(Judgement(str(each), True, _NO_BASELINE) for each in self._limits)])
        if self._baseline is None or ran.outcome.ending != "fine":
            return Judged(judgements)
        try:
            changed = judge_change(self._baseline, ran.recording, self._limits)
            changes = shown(ran.recording.compare(self._baseline, ran.recording), _CHANGES)
        except QuestionError as error:  # the cells tell more of a notebook than its name
            return Judged([*judgements, Judgement("--baseline", False, str(error))])
        exceeded = [each.typed for each in changed if not each.kept]
        return Judged([*judgements, *changed], exceeded, changes)


_NO_BASELINE = "there is no baseline yet; this run is the first one."


def _holds_anything(path: str) -> bool:
    return os.path.isdir(path) and any(os.scandir(path))


def _same(one: str, other: str) -> bool:
    return bool(other) and os.path.realpath(one) == os.path.realpath(other)
