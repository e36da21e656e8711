"""Calls of language models, and what agents do: `chat gpt-4o`, `1,204 → 310 tokens · $0.012`.

Enters: name and attributes of a span, by OpenTelemetry's conventions (`gen_ai.`), OpenInference's (`openinference.`, `llm.`),
Traceloop's, MLflow's and Pydantic AI's. Leaves: what is said of it, or None. What was said is for who opens the span."""

from __future__ import annotations

from nbtrace.analysis.captions import usage
from nbtrace.analysis.captions.read import Attributes, one_line, text, unpacked
from nbtrace.analysis.captions.said import Said

_OPERATION = ("gen_ai.operation.name",)
_REQUEST = ("llm.request.type",)
_KIND = ("openinference.span.kind", "traceloop.span.kind", "mlflow.spanType")
_MODEL = (
    *("gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "embedding.model_name"),
    *("reranker.model_name", "mlflow.llm.model"),
)
_SYSTEM = ("gen_ai.provider.name", "gen_ai.system", "llm.system", "llm.provider")
_TOOL = ("gen_ai.tool.name", "tool.name")
_AGENT = ("gen_ai.agent.name", "agent.name")
_SOURCE = ("gen_ai.data_source.id",)
_ENTITY = ("traceloop.entity.name",)
_MLFLOW = "mlflow.spanType"
_MLFLOW_MODEL = ("model",)
_MLFLOW_PAGES = ("tools", "functions", "instructions", "invocation_params")
_SENT = ("llm.invocation_parameters", "embedding.invocation_parameters")
_HOUSEKEEPING = (
    *("mlflow.traceRequestId", "mlflow.spanLogLevel", "mlflow.spanFunctionName", "mlflow.message.format"),
    *("mlflow.llm.provider", "mlflow.llm.model"),
)

KEYS = frozenset(
    (
        *(*_OPERATION, *_REQUEST, *_KIND, *_MODEL, *_SYSTEM, *usage.KEYS),
        *(*_TOOL, *_AGENT, *_SOURCE, *_ENTITY, *_MLFLOW_MODEL, *_SENT),
    )
)
"""All keys that are read."""

MARKS = frozenset((*_OPERATION, *_REQUEST, *_KIND, *_MODEL, *usage.INPUT, *usage.TOTAL))
"""A span that has none of these has nothing to do with models."""

_TOLD = (
    *(*_OPERATION, *_REQUEST, *_KIND, *_MODEL, *_TOOL, *_AGENT, *_ENTITY, *usage.COST),
    *(usage.MLFLOW_USAGE, usage.MLFLOW_COST, *_HOUSEKEEPING),
)
_KNOWN = (*_OPERATION, *_REQUEST, *_KIND, *_MODEL, *_SYSTEM, *_TOOL, *_AGENT, *_SOURCE, *_ENTITY)

TEXTS = (
    *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"),
    *("gen_ai.prompt", "gen_ai.completion", "gen_ai.tool.call.", "llm.input_messages", "llm.output_messages"),
    *("llm.prompts", "llm.completions", "llm.tools", "llm.invocation_parameters", "input.value", "output.value"),
    *("input.mime_type", "output.mime_type", "retrieval.documents", "embedding.embeddings", "traceloop.entity.input"),
    *("traceloop.entity.output", "mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tools"),
    *("pydantic_ai.all_messages", "pydantic_ai.new_messages", "final_result", "tool_arguments", "tool_response"),
    *("model_request_parameters", "request_data", "response_data", "gen_ai.usage.raw", "logfire.json_schema"),
)
"""What keys of conversations begin with: they are read in the panel, and are pages in a line."""

_WORDS = {"execute_tool": "tool", "invoke_agent": "agent", "create_agent": "create agent", "retrieval": "retriever"}
_WORDS |= {"reranker": "reranker", "guardrail": "guardrail", "evaluator": "evaluator"}
_WORDS |= {each: each for each in ("tool", "agent", "retriever")}
_EMBEDS = ("embedding", "embeddings")
# Words of which libraries make names.
_PARTS = ("response", "responses", "completion", "embedding", "creation", "with", "api")
_CALLS = ("llm", "chat_model", "completion", "chat")
# They hold other spans together, and have a name of their own.
_HOLDS = ("chain", "workflow", "task", "prompt", "unknown", "parser", "invoke_workflow")


def model(name: str, attributes: Attributes) -> Said | None:
    """`chat gpt-4o`, `embeddings text-embedding-3-small`, `tool get_weather`; tokens and cost as far as they are given."""
    operation = text(attributes, *_OPERATION, *_REQUEST)
    kind = text(attributes, *_KIND).lower()
    used = _model(attributes)
    took = usage.used(attributes)
    rest = str(took)
    does = operation.lower() if operation else kind
    own: tuple[str, ...] = ()
    if does in _WORDS:
        word = _WORDS[does]
        keys = _TOOL if word == "tool" else _AGENT if word.endswith("agent") else _SOURCE
        named = text(attributes, *keys, *_ENTITY)
        if not named:
            named = one_line(name)
            word = "" if _begins(named, word) or _begins(named, operation) else word
        own = (name,)
        head = f"{word} {named}".strip()
    elif operation and does in _EMBEDS:
        head = " ".join(filter(None, ["embeddings", used]))
    elif operation and does not in _HOLDS:
        head = " ".join(filter(None, [operation.replace("_", " "), used]))
    else:
        head = used if kind in (*_CALLS, *_EMBEDS, "") or rest else ""
    if not head and not rest:
        return None
    told: tuple[str, ...] = _TOLD + usage.TOKENS if "token" in rest else _TOLD
    if _MLFLOW in attributes:
        told += (*_MLFLOW_MODEL, *_MLFLOW_PAGES)
    # A response's model is the request's with a date; where they differ it stays to be seen.
    if attributes.get("gen_ai.response.model") != used:
        told = tuple(each for each in told if each != "gen_ai.response.model")
    return Said(one_line(head), rest, _KNOWN, (*own, *_PARTS) if operation else own, told, used=took)


def _model(attributes: Attributes) -> str:
    """Which model was called; of a call that failed, which one was asked for."""
    if found := text(attributes, *_MODEL):
        return found
    if _MLFLOW in attributes and (found := text(attributes, *_MLFLOW_MODEL)):
        return found
    return next(filter(None, (text(unpacked(attributes, key), "model", "model_name") for key in _SENT)), "")


def _begins(name: str, word: str) -> bool:
    return bool(word) and name.lower().startswith(word)
