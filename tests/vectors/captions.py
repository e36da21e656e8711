"""Spans that follow conventions, and what is shown of them: in a tree of Python's and on the bars of the browser.

`python -m tests.vectors.captions` writes captions.json: name, kind, attributes and caption of each, "" of those that have none;
and a frame that tells of all of them, in their order."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbtrace.analysis.captions.caption import caption
from nbtrace.store.schema import KINDS
from nbtrace.store.seal import seal
from nbtrace.views.inspector.wire import Encoder
from tests.rows import row
from tests.vectors.files import lines

FILE = Path(__file__).with_suffix(".json")
SENT = Path(__file__).parents[1] / "analysis" / "captions" / "instrumentations.json"

MADE = 220

METHODS = ("GET", "POST", "DELETE", "_OTHER")
PATHS = ("/", "/users", "/users/7", "/größe/東京", "/a b", "/<b>&amp;", "/\u202ex")
STATEMENTS = (
    *(
        "SELECT * FROM users",
        'INSERT INTO "My Orders" VALUES (?)',
        "update t set a = 1",
        "COMMIT",
        "drop table if exists x.y",
    ),
    *("WITH a AS (SELECT 1) SELECT * FROM b, a", "select 1 -- from nowhere", "{find: 1}", ""),
)
MODELS = ("gpt-4o", "claude-3-5-sonnet", "", "m\nn", "\x1b[31mred")
NAMES = ("GET", "SELECT", "chat gpt-4o", "load users", "", "publish orders", "ChatCompletion", "x" * 300)


def cases() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What instrumentations have sent, and what might be sent."""
    for run in json.loads(SENT.read_text(encoding="utf-8")):
        for span in run["spans"]:
            yield span["name"], span["kind"], span["attributes"]
    chance = random.Random(20)
    for number in range(MADE):
        makers = (_http, _database, _message, _procedure, _model)
        attributes = makers[number % len(makers)](chance)
        yield chance.choice(NAMES), chance.choice(KINDS), attributes


def _some(chance: random.Random, *choices: tuple[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Some of the keys, each with one of its values."""
    return {key: chance.choice(values) for key, values in choices if chance.random() < 0.7}


def _http(chance: random.Random) -> dict[str, Any]:
    url = tuple(f"http://{host}{path}?q=1" for host in ("localhost", "example.com:81", "u:p@x.org") for path in PATHS)
    old = chance.random() < 0.5
    return {"http.method" if old else "http.request.method": chance.choice(METHODS)} | _some(
        chance,
        ("http.target" if old else "url.path", PATHS),
        ("http.url" if old else "url.full", url),
        ("http.status_code" if old else "http.response.status_code", (200, 201, 304, 404, 500, "502", 1.5, -1, True)),
        ("net.peer.name" if old else "server.address", ("example.com", "127.0.0.1")),
        ("http.route", ("/users/{id}",)),
    )


def _database(chance: random.Random) -> dict[str, Any]:
    return {"db.system": chance.choice(("sqlite", "postgresql"))} | _some(
        chance,
        (chance.choice(("db.statement", "db.query.text")), STATEMENTS),
        ("db.operation.name", ("SELECT", "find", "")),
        ("db.collection.name", ("users", "", 7)),
        ("db.response.returned_rows", (0, 1, 1_204, "12", 2**60)),
    )


def _message(chance: random.Random) -> dict[str, Any]:
    return {"messaging.system": "kafka"} | _some(
        chance,
        ("messaging.destination.name", ("orders", "a b")),
        ("messaging.operation.type", ("publish", "receive")),
        ("messaging.batch.message_count", (1, 12)),
    )


def _procedure(chance: random.Random) -> dict[str, Any]:
    return {"rpc.method": "SayHello"} | _some(
        chance,
        ("rpc.service", ("Greeter", "S3")),
        ("rpc.grpc.status_code", (0, 5, 14, 99)),
        ("rpc.response.status_code", ("OK", "NOT_FOUND")),
    )


def _model(chance: random.Random) -> dict[str, Any]:
    return _some(
        chance,
        ("gen_ai.operation.name", ("chat", "embeddings", "execute_tool", "invoke_agent", "generate_content")),
        ("gen_ai.request.model", MODELS),
        ("llm.model_name", MODELS),
        ("openinference.span.kind", ("LLM", "TOOL", "AGENT", "CHAIN", "RETRIEVER", "EMBEDDING", 3)),
        ("gen_ai.usage.input_tokens", (0, 1, 1_204)),
        ("gen_ai.usage.output_tokens", (0, 310, "x")),
        ("gen_ai.usage.cost", (0.012, 0, 12, 1e-8)),
        ("gen_ai.tool.name", ("get_weather",)),
    )


def written() -> str:
    """The file as it should be."""
    found = list(cases())
    rows = [
        row(number, name=name, start=1_000 * number, end=1_000 * number + 10, **attributes)
        for number, (name, _, attributes) in enumerate(found, 1)
    ]
    rows = [(*each[:4], KINDS.index(kind), *each[5:]) for each, (_, kind, _) in zip(rows, found, strict=True)]
    frame, _ = Encoder().spans([(seal(rows), 0)], [], {"reset": True, "dropped": 0, "narrowed": False, "now": 0})
    told = [[*each, str(caption(*each) or "")] for each in found]
    return lines({"cases": told, "frames": [b64encode(frame).decode("ascii")]})


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
