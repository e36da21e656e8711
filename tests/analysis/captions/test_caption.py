"""What is shown in place of the names of spans that follow conventions, and of those that only seem to."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrace.analysis.captions.caption import KEYS, MARKS, caption
from nbtrace.analysis.captions.models import TEXTS
from nbtrace.analysis.captions.sql import summary
from nbtrace.analysis.captions.usage import dollars

SENT = json.loads(Path(__file__).with_name("instrumentations.json").read_text(encoding="utf-8"))


def said(name: str, kind: str = "CLIENT", **attributes: Any) -> str | None:
    """A caption; keys with two underscores for each dot."""
    found = caption(name, kind, {key.replace("__", "."): item for key, item in attributes.items()})
    return None if found is None else str(found)


def sent(*packages: str, opted: str = "") -> list[str]:
    """What is shown of the spans that instrumentations have sent."""
    [run] = [each for each in SENT if set(packages) <= set(each["versions"]) and each["opted"] == opted]
    return [str(caption(each["name"], each["kind"], each["attributes"]) or each["name"]) for each in run["spans"]]


CALLS = [
    *("GET /users", "GET /missing 404", "GET /broken 500", "GET /users/7", "POST /orders 404", "GET /none"),
    *("CREATE TABLE users", "INSERT users", "SELECT users", "SELECT nowhere"),
    *("GET /users/7", "GET /nothing 404", "GET /fails 500"),
    *("PRAGMA", "connect", "CREATE TABLE orders", "CREATE TABLE orders", "SELECT orders", "SELECT orders"),
]


@pytest.mark.parametrize("opted", ["", "http,database"])
def test_what_instrumentations_of_http_and_databases_send(opted: str) -> None:
    """requests, httpx, Flask, sqlite3 and SQLAlchemy read the same, by the names of today and by those before."""
    assert sent("opentelemetry-instrumentation-requests", opted=opted) == CALLS


def test_what_instrumentations_of_openai_send() -> None:
    """Three instrumentations of one SDK read alike."""
    calls = ["chat gpt-4o · 1,204 → 310 tokens"] * 2 + ["embeddings text-embedding-3-small · 8 tokens", "chat none"]
    assert sent("opentelemetry-instrumentation-openai-v2") == calls
    assert sent("opentelemetry-instrumentation-openai") == calls
    assert sent("openinference-instrumentation-openai") == [
        *["ChatCompletion · gpt-4o-2024-08-06 · 1,204 → 310 tokens"] * 2,
        "CreateEmbeddings · text-embedding-3-small · 8 tokens",
        "ChatCompletion · none",
    ]


def test_what_mlflow_sends() -> None:
    """MLflow's autolog writes each attribute as JSON, and names spans by the methods that it has wrapped. A call that failed says
    which model it asked for."""
    assert sent("mlflow-tracing", "openai") == [
        *["Completions · gpt-4o-2024-08-06 · 1,204 → 310 tokens"] * 3,
        *("Embeddings · text-embedding-3-small", "Completions · busy", "Responses · gpt-4o · 1,204 → 310 tokens"),
    ]
    assert sent("mlflow-tracing", "anthropic") == ["Messages.create · claude-sonnet-4-5 · 1,204 → 310 tokens"] * 2
    called = "ChatOpenAI · gpt-4o · 1,204 → 310 tokens"
    assert sent("mlflow-tracing", "langchain-openai") == [
        *(called, "tool get_weather", called, "weather", "ChatOpenAI · busy", "retriever Docs"),
    ]
    [made] = [each for each in SENT if set(each["versions"]) == {"mlflow-tracing"}]
    assert [str(caption(each["name"], each["kind"], each["attributes"])) for each in made["spans"]] == [
        *("retriever docs", "tool get_weather", "agent weather"),
    ]
    chat = "chat gpt-4o-2024-08-06 · 1,204 → 310 tokens"
    assert sent("mlflow-tracing", "openai", opted="gen_ai") == [
        *[chat] * 3,
        *("embeddings text-embedding-3-small", "chat", "chat gpt-4o · 1,204 → 310 tokens"),
    ]


def test_of_what_mlflow_sends_a_line_says_each_thing_once() -> None:
    """Nothing is left of what it notes for itself, nor of pages."""
    for run in SENT:
        if "mlflow-tracing" not in run["versions"] or run["opted"]:
            continue
        for each in run["spans"]:
            if found := caption(each["name"], each["kind"], each["attributes"]):
                left = [key for key in each["attributes"] if key not in found.told and not key.startswith(TEXTS)]
                assert {*left} <= {
                    "stream",
                    "stream_options",
                    "options",
                    "batch_size",
                    "metadata",
                    "color",
                    "tool_call_id",
                }


def test_what_pydantic_ai_and_logfire_send() -> None:
    """A name of Logfire's is a template: what it has written beside it is shown."""
    chat = "chat gpt-4o · 1,204 → 310 tokens · $0.0061"
    told = [chat, "tool get_weather", chat, "agent weather · 2,408 → 620 tokens"]
    assert sent("pydantic-ai-slim", opted="version=2") == told
    assert sent("pydantic-ai-slim") == told
    said = "Chat Completion with 'gpt-4o' · 1,204 → 310 tokens · $0.0061"
    assert sent("logfire", "openai") == [
        *(said, said, "Chat Completion with 'gpt-4o'"),
        "streaming response from 'gpt-4o' took 0.05s · chat gpt-4o · 1,204 → 310 tokens · $0.0061",
        "embeddings text-embedding-3-small · 8 tokens · < $0.000001",
        *("Chat Completion with 'busy'", chat),
    ]


def test_what_logfire_has_written_beside_a_name_is_shown() -> None:
    message = {"logfire__msg_template": "load {rows}", "logfire__msg": "load 3\nrows"}
    assert said("load {rows}", **message) == "load 3 rows"
    assert said("load 3 rows", **message) is None
    assert said("GET /users", http__request__method="GET", url__path="/users", logfire__msg="GET /users") is None
    assert said("load {rows}", **message | {"logfire__msg": 7}) is None


def test_what_today_s_instrumentations_of_langchain_and_openai_send() -> None:
    called = "ChatOpenAI · gpt-4o-2024-08-06 · 1,204 → 310 tokens"
    assert sent("openinference-instrumentation-langchain") == [
        *(called, "tool get_weather", called, "weather", "ChatOpenAI · busy", "retriever Docs"),
    ]
    latest = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "m", "gen_ai__provider__name": "openai"}
    assert said("openai.response", **latest) == "chat m"
    calls = ["chat gpt-4o · 1,204 → 310 tokens"] * 3 + ["embeddings text-embedding-3-small · 8 tokens", "chat busy"]
    assert sent("opentelemetry-instrumentation-openai-v2", opted="gen_ai_latest_experimental") == calls


def test_a_name_that_says_it_already_is_not_repeated() -> None:
    assert said("GET /users", "SERVER", http__request__method="GET", url__path="/users") is None
    assert said("SELECT users", db__system="sqlite", db__operation="SELECT", db__sql__table="users") is None
    assert said("chat gpt-4o", gen_ai__operation__name="chat", gen_ai__request__model="gpt-4o") is None


def test_a_name_that_somebody_has_chosen_stays() -> None:
    """What the conventions say stands behind it."""
    query = {"db__system": "postgresql", "db__query__text": "select * from users"}
    assert said("load users", **query) == "load users · SELECT users"
    assert (
        said("download", http__method="GET", http__url="https://example.com/a.csv")
        == "download · GET example.com/a.csv"
    )
    assert said("plan", gen_ai__usage__input_tokens=5, gen_ai__usage__output_tokens=7) == "plan · 5 → 7 tokens"


def test_another_machine_is_named_and_this_one_is_not() -> None:
    url = {"http__request__method": "GET", "http__response__status_code": 200}
    assert said("GET", url__full="https://ada:secret@example.com:8443/a/b?q=1#c", **url) == "GET example.com:8443/a/b"
    for here in ("localhost:8000", "127.0.0.1", "[::1]:80"):
        assert said("GET", url__full=f"http://{here}/a", **url) == "GET /a"
    assert said("GET", server__address="example.com", url__path="/a", **url) == "GET example.com/a"
    assert said("GET", "SERVER", server__address="example.com", url__path="/a", **url) == "GET /a"
    assert said("GET", url__full="http://[::1", **url) == "GET [::1/"


def test_a_status_is_said_unless_all_is_well() -> None:
    for status, shown in (
        (200, ""),
        (204, ""),
        (304, " 304"),
        (404, " 404"),
        ("503", " 503"),
        (True, ""),
        (math.nan, ""),
    ):
        path = {"url__path": "/", "http__response__status_code": status}
        assert said("GET", "SERVER", http__request__method="GET", **path) == "GET /" + shown


def test_databases() -> None:
    mongo = {"db__system": "mongodb", "db__operation": "find", "db__mongodb__collection": "users"}
    assert said("users.find", **mongo) is None
    assert said("shop.users", **mongo) == "shop.users · find users"
    assert said("GET", db__system="redis", db__statement="GET user:1") is None
    assert said("q", db__system__name="x", db__query__summary="SELECT a b") == "q · SELECT a b"
    rows = {"db__system__name": "x", "db__operation__name": "SELECT", "db__collection__name": "t"}
    assert said("SELECT t", db__response__returned_rows=1, **rows) == "SELECT t · 1 row"
    assert said("SELECT", db__response__returned_rows=1_204, **rows) == "SELECT t · 1,204 rows"
    assert said("BATCH", db__operation__batch__size=12, **rows) == "BATCH · SELECT t · batch of 12"


def test_messages_and_procedures() -> None:
    kafka = {"messaging__system": "kafka", "messaging__destination__name": "orders"}
    assert said("orders publish", "PRODUCER", **kafka) is None
    assert said("send", "PRODUCER", messaging__operation__name="send", **kafka) == "send orders"
    assert said("orders", "CONSUMER", **kafka) == "process orders"
    assert (
        said("poll orders", messaging__operation__name="poll", messaging__batch__message_count=3, **kafka)
        == "poll orders · 3 messages"
    )
    hello = {"rpc__system": "grpc", "rpc__service": "Greeter", "rpc__method": "SayHello"}
    assert said("Greeter/SayHello", rpc__grpc__status_code=0, **hello) is None
    assert said("Greeter/SayHello", rpc__grpc__status_code=5, **hello) == "Greeter/SayHello NOT_FOUND"
    assert said("x", rpc__grpc__status_code=99, **hello) == "x · Greeter/SayHello 99"
    assert (
        said("SayHello", rpc__method="pkg.Greeter/SayHello", rpc__response__status_code="OK") == "pkg.Greeter/SayHello"
    )


def test_tools_agents_and_retrievers_are_called_by_their_names() -> None:
    assert (
        said("execute_tool get_weather", gen_ai__operation__name="execute_tool", gen_ai__tool__name="get_weather")
        == "tool get_weather"
    )
    assert said("get_weather", openinference__span__kind="TOOL") == "tool get_weather"
    assert said("tool: weather", openinference__span__kind="TOOL") is None
    assert said("invoke_agent Ada", gen_ai__operation__name="invoke_agent", gen_ai__agent__name="Ada") == "agent Ada"
    assert said("docs", openinference__span__kind="RETRIEVER") == "retriever docs"
    assert said("docs.tool", traceloop__span__kind="tool", traceloop__entity__name="docs") is None
    assert said("pipeline", openinference__span__kind="CHAIN", input__value="x") is None
    assert (
        said(
            "Completions",
            mlflow__spanType='"CHAT_MODEL"',
            mlflow__chat__tokenUsage='{"input_tokens": 3, "output_tokens": 4}',
        )
        == "Completions · 3 → 4 tokens"
    )


def test_what_a_call_of_a_model_cost() -> None:
    """As far as it is given: nothing is computed from prices."""
    chat = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "m", "gen_ai__usage__input_tokens": 1}
    assert said("chat m", gen_ai__usage__cost=0.0123, **chat) == "chat m · 1 token · $0.012"
    assert said("chat m", gen_ai__usage__cost="free", **chat) == "chat m · 1 token"
    costs = [0, 1e-9, 0.00042, 0.0999, 0.5, 0.999, 1, 1.234, 99.999, 1234.5]
    assert [dollars(each) for each in costs] == [
        *("$0", "< $0.000001", "$0.00042", "$0.10", "$0.50", "$1.00", "$1.00", "$1.23", "$100.00", "$1,234"),
    ]


@pytest.mark.parametrize(
    ("statement", "does", "table"),
    [
        ("select a from users where x = ' from nowhere '", "SELECT", "users"),
        ("-- why\n/* from x */ SELECT 1", "SELECT", ""),
        ('SELECT * FROM "public"."Users" u JOIN b', "SELECT", "public.Users"),
        ("SELECT * FROM (SELECT * FROM `inner`) q", "SELECT", "inner"),
        ("WITH recent AS (SELECT * FROM orders) SELECT * FROM recent", "SELECT", "orders"),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "INSERT", "t"),
        ("insert or ignore into [my table] values (1)", "INSERT", "my table"),
        ("UPDATE ONLY s.t SET a = 1", "UPDATE", "s.t"),
        ("DELETE FROM größe", "DELETE", "größe"),
        ("create temporary table if not exists t (a)", "CREATE TABLE", "t"),
        ("DROP INDEX CONCURRENTLY i", "DROP INDEX", "i"),
        ("BEGIN", "BEGIN", ""),
        ("{call: 1}", "", ""),
        ("", "", ""),
        ("'unended", "", ""),
        ("(" * 5_000, "", ""),
    ],
)
def test_what_a_statement_does(statement: str, does: str, table: str) -> None:
    assert summary(statement) == (does, table)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers()),
    st.dictionaries(st.text(), st.integers()), st.sampled_from(['"\\ud800"', '{"model": "\\ud800\\n"}', '"' * 9, '{"total_cost": NaN, "input_tokens": -1}', "[" * 50 + "]" * 50, "chat", "GET", "SELECT * FROM t", "http://[", "1e400", "\x1b[31m", "\ud800", "{" * 9_999]),
)  # fmt: skip


@given(st.text(), st.dictionaries(st.sampled_from(sorted(KEYS)), VALUES))
def test_whatever_stands_there_a_caption_is_a_short_line(name: str, attributes: dict[str, Any]) -> None:
    """Attributes come from anybody."""
    found = caption(name, "CLIENT", attributes)
    if found is not None:
        assert len(str(found)) < len(name) + 600
        assert not set("\n\r\t") & set(str(found).removeprefix(name))
        assert str(found).encode("utf-8"), "and it can be written"


def test_a_million_letters_are_not_read() -> None:
    """Statements, names and addresses are looked at as far as a caption reaches."""
    long = "a" * 1_000_000
    for key in sorted(KEYS):
        assert len(str(caption("x", "CLIENT", dict.fromkeys(MARKS, "GET") | {key: long}))) < 1_000


def test_what_follows_no_convention_has_no_caption() -> None:
    assert caption("work", "INTERNAL", {"rows": 3, "url.path": "/x", "db.statement": "SELECT 1"}) is None
