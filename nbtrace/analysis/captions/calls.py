"""Calls of others by OpenTelemetry's conventions: HTTP, databases, messages, remote procedures.

Enters: kind and attributes of a span. Leaves: what is said of it, or None. Names that are stable now come before those that
older instrumentations send (https://opentelemetry.io/docs/specs/semconv/)."""

from __future__ import annotations

import re

from nbtrace.analysis.amounts import count
from nbtrace.analysis.captions.read import Attributes, one_line, text, whole
from nbtrace.analysis.captions.said import Said
from nbtrace.analysis.captions.sql import summary

_METHOD = ("http.request.method", "http.method")
_PATH = ("url.path",)
_TARGET = ("http.target",)
_URL = ("url.full", "http.url")
_ROUTE = ("http.route",)
_HOST = ("server.address", "net.peer.name", "http.host")
_STATUS = ("http.response.status_code", "http.status_code")

_SYSTEM = ("db.system.name", "db.system")
_OPERATION = ("db.operation.name", "db.operation")
_TABLE = ("db.collection.name", "db.sql.table", "db.mongodb.collection", "db.cassandra.table", "db.cosmosdb.container")
_DATABASE = ("db.namespace", "db.name")
_SUMMARY = ("db.query.summary",)
_QUERY = ("db.query.text", "db.statement")
_ROWS = ("db.response.returned_rows",)
_BATCH = ("db.operation.batch.size",)

_MESSAGING = ("messaging.system",)
_DOES = ("messaging.operation.name", "messaging.operation", "messaging.operation.type")
_DESTINATION = ("messaging.destination.name", "messaging.destination", "messaging.destination.template")
_MESSAGES = ("messaging.batch.message_count",)

_SERVICE = ("rpc.service",)
_PROCEDURE = ("rpc.method",)
_RPC = ("rpc.system.name", "rpc.system")
_GRPC_STATUS = ("rpc.grpc.status_code",)
_RPC_STATUS = ("rpc.response.status_code", "rpc.connect_rpc.error_code", "rpc.jsonrpc.error_code")

KEYS = frozenset(
    (
        *(*_METHOD, *_PATH, *_TARGET, *_URL, *_ROUTE, *_HOST, *_STATUS),
        *(*_SYSTEM, *_OPERATION, *_TABLE, *_DATABASE, *_SUMMARY, *_QUERY, *_ROWS, *_BATCH),
        *(*_MESSAGING, *_DOES, *_DESTINATION, *_MESSAGES),
        *(*_SERVICE, *_PROCEDURE, *_RPC, *_GRPC_STATUS, *_RPC_STATUS),
    )
)
"""All keys that are read."""

HTTP, DATABASE, MESSAGING, RPC = (frozenset(each) for each in (_METHOD, _SYSTEM, _MESSAGING, _PROCEDURE))
"""A span that has none of these is no such call."""

MARKS = HTTP | DATABASE | MESSAGING | RPC

_HTTP_KNOWN = (*_METHOD, *_PATH, *_TARGET, *_ROUTE, *_URL, *_HOST)
_HTTP_TOLD = (*_METHOD, *_PATH, *_STATUS, *_ROUTE)
_DATABASE_KNOWN = (*_SYSTEM, *_OPERATION, *_TABLE, *_DATABASE, *_QUERY)
_DATABASE_TOLD = (*_OPERATION, *_TABLE, *_SUMMARY, *_ROWS, *_BATCH)
_MESSAGING_KNOWN = (*_MESSAGING, *_DOES, *_DESTINATION)
_PASSED = ("send", "publish", "receive", "process")

_GRPC = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)([^?#]*)")
_HERE = re.compile(r"(localhost|127\.[\d.]+|::1|\[::1\]|0\.0\.0\.0)(:\d*)?$", re.IGNORECASE)


def http(kind: str, attributes: Attributes) -> Said | None:
    """`GET /users 500`, of a client of another machine `GET example.com/users`. A status that says that all is well is not
    said."""
    method = text(attributes, *_METHOD)
    if not method:
        return None
    url = text(attributes, *_URL)
    absolute = _ABSOLUTE.match(url)
    path = text(attributes, *_PATH) or _before(text(attributes, *_TARGET))
    path = path or ((absolute[2] or "/") if absolute else _before(url)) or text(attributes, *_ROUTE)
    host = ""
    if kind != "SERVER":
        host = absolute[1].rpartition("@")[2] if absolute else text(attributes, *_HOST)
        host = "" if _HERE.match(host) else host
    status = whole(attributes, *_STATUS)
    shown = str(status) if status and not 200 <= status < 300 else ""
    head = " ".join(filter(None, [method, one_line(host + path), shown]))
    told: tuple[str, ...] = _HTTP_TOLD
    told += _TARGET if "?" not in text(attributes, *_TARGET) else ()
    told += _URL if url and "?" not in url and "#" not in url else ()
    return Said(head, "", _HTTP_KNOWN, ("http", "https"), told, outcome=shown)


def _before(target: str) -> str:
    """A path without what is asked of it."""
    return target.partition("?")[0].partition("#")[0]


def database(kind: str, attributes: Attributes) -> Said | None:
    """`SELECT users`, with how many rows came back where that is known."""
    if not text(attributes, *_SYSTEM):
        return None
    operation, table = text(attributes, *_OPERATION), text(attributes, *_TABLE)
    queries = [each for each in map(attributes.get, _QUERY) if isinstance(each, str)]
    if not table and queries:
        read, table = summary(queries[0])
        # Some send the whole statement, or what the driver called.
        operation = read if operation.upper() in read or not operation or table else operation
    head = text(attributes, *_SUMMARY) or " ".join(filter(None, [operation, table]))
    if not head:
        return None
    rows, batch = whole(attributes, *_ROWS), whole(attributes, *_BATCH)
    rest = [count(rows, "row") if rows is not None else "", f"batch of {batch:,}" if batch and batch > 1 else ""]
    return Said(one_line(head), ", ".join(filter(None, rest)), _DATABASE_KNOWN, told=_DATABASE_TOLD)


def messaging(kind: str, attributes: Attributes) -> Said | None:
    """`publish orders`."""
    system = text(attributes, *_MESSAGING)
    if not system:
        return None
    does = text(attributes, *_DOES) or {"PRODUCER": "publish", "CONSUMER": "process"}.get(kind, "")
    destination = text(attributes, *_DESTINATION)
    head = " ".join(filter(None, [does, destination]))
    many = whole(attributes, *_MESSAGES)
    rest = count(many, "message") if many is not None else ""
    return Said(head, rest, _MESSAGING_KNOWN, _PASSED, (*_DOES, *_DESTINATION, *_MESSAGES)) if head else None


def rpc(kind: str, attributes: Attributes) -> Said | None:
    """`Greeter/SayHello NOT_FOUND`. A status that says that all is well is not said."""
    method = text(attributes, *_PROCEDURE)
    if not method:
        return None
    service = text(attributes, *_SERVICE)
    code = whole(attributes, *_GRPC_STATUS)
    status = (_GRPC[code] if code < len(_GRPC) else str(code)) if code is not None else _status(attributes)
    called = f"{service}/{method}" if service and "/" not in method else method
    shown = "" if status == "OK" else status
    head = " ".join(filter(None, [one_line(called), shown]))
    told = (*_SERVICE, *_PROCEDURE, *_GRPC_STATUS, *_RPC_STATUS)
    return Said(head, "", (*_SERVICE, *_PROCEDURE, *_RPC), told=told, outcome=shown)


def _status(attributes: Attributes) -> str:
    """The code of an error, whether it is a word or a number."""
    for key in _RPC_STATUS:
        item = attributes.get(key)
        if isinstance(item, (str, int)) and not isinstance(item, bool) and item not in ("", 0, "0"):
            return one_line(str(item), 40)
    return ""
