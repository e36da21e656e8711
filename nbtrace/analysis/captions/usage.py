"""What calls of language models took: tokens and cost, of one call and of several together.

Enters: attributes of a span, by OpenTelemetry's conventions, OpenInference's, Traceloop's, MLflow's and Pydantic AI's. Leaves: a
`Used`, which writes itself: `1,204 → 310 tokens · $0.012`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nbtrace.analysis.amounts import count
from nbtrace.analysis.captions.read import Attributes, number, unpacked, whole

INPUT = (
    *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens"),
    "gen_ai.aggregated_usage.input_tokens",
)
OUTPUT = (
    *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    *("llm.usage.completion_tokens", "gen_ai.aggregated_usage.output_tokens"),
)
TOTAL = ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens")
COST = ("gen_ai.usage.cost", "llm.cost.total", "operation.cost")
MLFLOW_USAGE, MLFLOW_COST = "mlflow.chat.tokenUsage", "mlflow.llm.cost"

TOKENS = (*INPUT, *OUTPUT, *TOTAL)
KEYS = (*TOKENS, *COST, MLFLOW_USAGE, MLFLOW_COST)
"""All keys that are read."""


@dataclass(frozen=True, slots=True)
class Used:
    """What calls took, as far as it is known."""

    asked: int | None = None
    """Tokens that went in."""
    answered: int | None = None
    total: int | None = None
    """Tokens of which is not known which way they went."""
    cost: float | None = None
    """In dollars."""

    def __str__(self) -> str:
        return " · ".join(filter(None, [self._tokens(), "" if self.cost is None else dollars(self.cost)]))

    def _tokens(self) -> str:
        if self.asked is not None and self.answered is not None:
            return f"{self.asked:,} → {self.answered:,} tokens"
        one = _first(self.asked, self.answered, self.total)
        return count(one, "token") if one is not None else ""


def used(attributes: Attributes) -> Used:
    """Return what a call took; nothing is computed from prices."""
    usage = unpacked(attributes, MLFLOW_USAGE) if MLFLOW_USAGE in attributes else {}
    asked = _first(whole(attributes, *INPUT), whole(usage, "input_tokens"))
    answered = _first(whole(attributes, *OUTPUT), whole(usage, "output_tokens"))
    total = None
    if asked is None and answered is None:
        total = _first(whole(attributes, *TOTAL), whole(usage, "total_tokens"))
    cost = number(attributes, *COST)
    if cost is None and MLFLOW_COST in attributes:
        cost = number(unpacked(attributes, MLFLOW_COST), "total_cost")
    return Used(asked, answered, total, cost)


def together(calls: Sequence[Used]) -> Used:
    """Return what several calls took. Where it is not known of one of them which way its tokens went, they are one number."""
    asked, answered = _sum(each.asked for each in calls), _sum(each.answered for each in calls)
    total = _sum(each.total for each in calls)
    if total is not None:
        asked, answered, total = None, None, total + (asked or 0) + (answered or 0)
    costs = [each.cost for each in calls if each.cost is not None]
    return Used(asked, answered, total, math.fsum(costs) if costs else None)


def dollars(amount: float) -> str:
    """Write a cost: $1.23, of less than a dollar two digits: $0.012."""
    if amount >= 1 or amount == 0:
        return f"${amount:,.2f}" if 0 < amount < 100 else f"${amount:,.0f}"
    if amount < 1e-6:
        return "< $0.000001"
    # The place of the first digit as it is written: 0.0999 is 0.10.
    return f"${amount:.{max(2, 1 - math.floor(math.log10(float(f'{amount:.1e}'))))}f}"


def _first(*numbers: int | None) -> int | None:
    return next((each for each in numbers if each is not None), None)


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [each for each in numbers if each is not None]
    return sum(known) if known else None
