"""Calls of language models, and what agents do: `chat gpt-4o`, `1,204 → 310 tokens · $0.012`.

Enters: name and attributes of a span, by OpenTelemetry's conventions (`gen_ai.`), OpenInference's (`openinference.`, `llm.`),
Traceloop's and MLflow's. Leaves: what is said of it, or None. The conversation itself is for who opens the span."""

from __future__ import annotations

import math

from nbtrace.analysis.amounts import count
from nbtrace.analysis.captions.read import Attributes, Said, number, one_line, text, unpacked, whole

_OPERATION = ("gen_ai.operation.name",)
_REQUEST = ("llm.request.type",)
_KIND = ("openinference.span.kind", "traceloop.span.kind", "mlflow.spanType")
_MODEL = (
    *("gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "embedding.model_name"),
    *("reranker.model_name", "mlflow.llm.model"),
)
_SYSTEM = ("gen_ai.provider.name", "gen_ai.system", "llm.system", "llm.provider")
_INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
)
_OUTPUT = (
    *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    "llm.usage.completion_tokens",
)
_TOTAL = ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens")
_COST = ("gen_ai.usage.cost", "llm.cost.total", "operation.cost")
_TOOL = ("gen_ai.tool.name", "tool.name")
_AGENT = ("gen_ai.agent.name", "agent.name")
_SOURCE = ("gen_ai.data_source.id",)
_ENTITY = ("traceloop.entity.name",)
_MLFLOW_USAGE, _MLFLOW_COST = "mlflow.chat.tokenUsage", "mlflow.llm.cost"

KEYS = frozenset(
    (
        *(*_OPERATION, *_REQUEST, *_KIND, *_MODEL, *_SYSTEM, *_INPUT, *_OUTPUT, *_TOTAL, *_COST),
        *(*_TOOL, *_AGENT, *_SOURCE, *_ENTITY, _MLFLOW_USAGE, _MLFLOW_COST),
    )
)
"""All keys that are read."""

MARKS = frozenset((*_OPERATION, *_REQUEST, *_KIND, *_MODEL, *_INPUT, *_TOTAL))
"""A span that has none of these has nothing to do with models."""

TEXTS = (
    *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"),
    *("gen_ai.prompt", "gen_ai.completion", "gen_ai.tool.call.", "llm.input_messages", "llm.output_messages"),
    *("llm.prompts", "llm.completions", "llm.tools", "llm.invocation_parameters", "input.value", "output.value"),
    *("input.mime_type", "output.mime_type", "retrieval.documents", "embedding.embeddings", "traceloop.entity.input"),
    *("traceloop.entity.output", "mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tools"),
)
"""What keys of conversations begin with: they are read in the panel, and are pages in a line."""

_WORDS = {"execute_tool": "tool", "invoke_agent": "agent", "create_agent": "create agent", "retrieval": "retriever"}
_WORDS |= {"reranker": "reranker", "guardrail": "guardrail", "evaluator": "evaluator"}
_WORDS |= {each: each for each in ("tool", "agent", "retriever")}
_EMBEDS = ("embedding", "embeddings")
_CALLS = ("llm", "chat_model", "completion", "chat")
# They hold other spans together, and have a name of their own.
_HOLDS = ("chain", "workflow", "task", "prompt", "unknown", "parser", "invoke_workflow")


def model(name: str, attributes: Attributes) -> Said | None:
    """`chat gpt-4o`, `embeddings text-embedding-3-small`, `tool get_weather`; tokens and cost as far as they are given."""
    operation = text(attributes, *_OPERATION, *_REQUEST)
    kind = text(attributes, *_KIND).strip('"').lower()
    used = text(attributes, *_MODEL)
    rest = " · ".join(filter(None, [_tokens(attributes), _cost(attributes)]))
    does = operation.lower() if operation else kind
    known = [operation, kind, used, name if does in _WORDS else "", *(text(attributes, each) for each in _SYSTEM)]
    if does in _WORDS:
        word = _WORDS[does]
        keys = _TOOL if word == "tool" else _AGENT if word.endswith("agent") else _SOURCE
        named = text(attributes, *keys, *_ENTITY)
        if not named:
            named = one_line(name)
            word = "" if _begins(named, word) or _begins(named, operation) else word
        known.append(named)
        head = f"{word} {named}".strip()
    elif operation and does in _EMBEDS:
        head = " ".join(filter(None, ["embeddings", used]))
    elif operation and does not in _HOLDS:
        head = " ".join(filter(None, [operation.replace("_", " "), used]))
    else:
        head = used if kind in (*_CALLS, *_EMBEDS, "") or rest else ""
    if not head and not rest:
        return None
    told = [*_OPERATION, *_REQUEST, *_KIND, *_TOOL, *_AGENT, *_ENTITY, *_COST, _MLFLOW_USAGE, _MLFLOW_COST]
    told += [*_INPUT, *_OUTPUT, *_TOTAL] if "→" in rest or "token" in rest else []
    # A response's model is the request's with a date; where they differ it stays to be seen.
    told += [key for key in _MODEL if key != "gen_ai.response.model" or attributes.get(key) == used]
    return Said(one_line(head), rest, tuple(filter(None, known)), tuple(told))


def dollars(amount: float) -> str:
    """Write a cost: $1.23, of less than a dollar two digits: $0.012."""
    if amount >= 1 or amount == 0:
        return f"${amount:,.2f}" if 0 < amount < 100 else f"${amount:,.0f}"
    if amount < 1e-6:
        return "< $0.000001"
    # The place of the first digit as it is written: 0.0999 is 0.10.
    return f"${amount:.{max(2, 1 - math.floor(math.log10(float(f'{amount:.1e}'))))}f}"


def _begins(name: str, word: str) -> bool:
    return bool(word) and name.lower().startswith(word)


def _tokens(attributes: Attributes) -> str:
    usage = unpacked(attributes, _MLFLOW_USAGE) if _MLFLOW_USAGE in attributes else {}
    asked = _first(whole(attributes, *_INPUT), whole(usage, "input_tokens"))
    answered = _first(whole(attributes, *_OUTPUT), whole(usage, "output_tokens"))
    if asked is not None and answered is not None:
        return f"{asked:,} → {answered:,} tokens"
    one = _first(asked, answered, whole(attributes, *_TOTAL), whole(usage, "total_tokens"))
    return count(one, "token") if one is not None else ""


def _cost(attributes: Attributes) -> str:
    cost = number(attributes, *_COST)
    if cost is None and _MLFLOW_COST in attributes:
        cost = number(unpacked(attributes, _MLFLOW_COST), "total_cost")
    return dollars(cost) if cost is not None else ""


def _first(*numbers: int | None) -> int | None:
    return next((each for each in numbers if each is not None), None)
