"""Whoever sends spans over HTTP, well or ill: the bytes of requests, and what is answered."""

from __future__ import annotations

import gzip
import itertools
import json
import secrets
import socket
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

PATIENCE_S = 60.0

Send = tuple[bytes, ...]
"""What is sent, piece by piece; a moment passes between two."""


class Answer(NamedTuple):
    status: int
    """0 if the connection was closed without one."""
    head: str
    body: bytes


def span(name: str, **fields: Any) -> dict[str, Any]:
    """A span in OTLP's JSON, of a trace of its own."""
    now = time.time_ns()
    return {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": name,
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 1_000),
        **fields,
    }


def request(*spans: Any) -> bytes:
    """An ExportTraceServiceRequest as JSON."""
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def post(
    endpoint: str,
    token: str | None,
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/v1/traces",
    **headers: str | None,
) -> bytes:
    """The bytes of a request; a header that is None is left out."""
    host = endpoint.split("/")[2]
    found: dict[str, str | None] = {
        "Host": host,
        "Authorization": None if token is None else f"Bearer {token}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in found.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def ask(endpoint: str, *pieces: bytes, pause_s: float = 0.0, half_closed: bool = False) -> Answer:
    """Send the pieces over a connection of their own and return what comes back."""
    address = endpoint.split("/")[2].rsplit(":", 1)
    with socket.create_connection((address[0], int(address[1])), timeout=PATIENCE_S) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                if pause_s:
                    time.sleep(pause_s)
            if half_closed:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has been refused before its end
        found = bytearray()
        try:
            while piece := connection.recv(65_536):
                found += piece
        except ConnectionError:
            pass
    head, _, body = bytes(found).partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1] if head.startswith(b"HTTP/1.1 ") else b"0"
    return Answer(int(status), head.decode("latin-1"), body)


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(100_000_000))


def hostile(endpoint: str, token: str) -> dict[str, tuple[int, Callable[[], tuple[bytes, ...]], bool]]:
    """Requests that are none, by their kind: what is answered, what is sent, and whether nothing comes behind it. What has the
    token is of somebody who may send, and sends what cannot be taken."""
    evil = request(span("evil"))
    bomb = _bomb()
    wrong = request(
        span("evil", traceId="xyz"),
        span("evil", spanId=7),
        span("evil", startTimeUnixNano=[]),
        span("evil", attributes={"a": 1}),
        span("evil", kind=99),
        "evil",
        None,
    )

    def simply(*pieces: bytes) -> Callable[[], tuple[bytes, ...]]:
        return lambda: pieces

    return {
        "no token": (401, simply(post(endpoint, None, evil)), False),
        "a wrong token": (401, simply(post(endpoint, "x" * 32, evil)), False),
        "a token in another alphabet": (401, simply(post(endpoint, "\u00e9" * 32, evil)), False),
        "half of the token": (401, simply(post(endpoint, token[:16], evil)), False),
        "the token of another scheme": (401, simply(post(endpoint, None, evil, Authorization=f"Basic {token}")), False),
        "another Host": (403, simply(post(endpoint, token, evil, Host="evil.example")), False),
        "another Host with the port": (
            403,
            simply(post(endpoint, token, evil, Host="evil.example:" + endpoint.split("/")[2].split(":")[1])),
            False,
        ),
        "another port": (403, simply(post(endpoint, token, evil, Host="127.0.0.1:1")), False),
        "no Host": (403, simply(post(endpoint, token, evil, Host=None)), False),
        "two Hosts": (403, simply(post(endpoint, token, evil, host="evil.example")), False),
        "another path": (404, simply(post(endpoint, token, evil, path="/v1/logs")), False),
        "the path of a proxy": (404, simply(post(endpoint, token, evil, path="http://evil.example/v1/traces")), False),
        "GET": (405, simply(post(endpoint, token, method="GET")), False),
        "OPTIONS of a browser": (
            401,
            simply(post(endpoint, None, method="OPTIONS", Origin="http://evil.example")),
            False,
        ),
        "a method of its own": (501, simply(post(endpoint, token, evil, method="EVIL")), False),
        "a form": (415, simply(post(endpoint, token, evil, Content_Type="text/plain")), False),
        "no type": (415, simply(post(endpoint, token, evil, Content_Type=None)), False),
        "packed with something else": (415, simply(post(endpoint, token, evil, Content_Encoding="br")), False),
        "packed twice": (415, simply(post(endpoint, token, evil, Content_Encoding="gzip, gzip")), False),
        "no gzip": (400, simply(post(endpoint, token, evil, Content_Encoding="gzip")), False),
        "half of a gzip": (400, simply(post(endpoint, token, bomb[:5_000], Content_Encoding="gzip")), False),
        "a bomb": (413, simply(post(endpoint, token, bomb, Content_Encoding="gzip")), False),
        "a bomb without the token": (401, simply(post(endpoint, None, bomb, Content_Encoding="gzip")), False),
        "no length": (411, simply(post(endpoint, token, evil, Content_Length=None)), False),
        "a length below zero": (400, simply(post(endpoint, token, evil, Content_Length="-1")), False),
        "a length that is none": (400, simply(post(endpoint, token, evil, Content_Length="1e3")), False),
        "a length beyond all": (413, simply(post(endpoint, token, evil, Content_Length="9" * 17)), False),
        "a body of chunks and a length": (400, simply(post(endpoint, token, evil, Transfer_Encoding="chunked")), False),
        "chunks that are none": (
            400,
            simply(post(endpoint, token, b"zz\r\n", Transfer_Encoding="chunked", Content_Length=None)),
            False,
        ),
        "chunks without an end": (
            413,
            simply(
                post(endpoint, token, b"", Transfer_Encoding="chunked", Content_Length=None),
                *itertools.repeat(b"%x\r\n" % 4_000_000 + bytes(4_000_000) + b"\r\n", 5),
            ),
            False,
        ),
        "a body that breaks off": (400, simply(post(endpoint, token, evil[:-9], Content_Length=str(len(evil)))), True),
        "headers without an end": (
            431,
            simply(post(endpoint, token)[:-2], *itertools.repeat(b"X: y\r\n" * 2_000, 20)),
            False,
        ),
        "a header of 60 kB": (431, simply(post(endpoint, token, evil, X="y" * 60_000)), False),
        "no HTTP": (400, simply(b"\x16\x03\x01\x02\x00evil\r\n\r\n"), True),
        "another HTTP": (505, simply(b"POST /v1/traces HTTP/2.0\r\n\r\n"), True),
        "no JSON": (400, simply(post(endpoint, token, b"{evil")), False),
        "JSON of another shape": (400, simply(post(endpoint, token, b'[{"evil": 1}]')), False),
        "logs": (400, simply(post(endpoint, token, b'{"resourceLogs": []}')), False),
        "JSON nested without an end": (
            400,
            simply(post(endpoint, token, b'{"resourceSpans":' + b"[" * 200_000)),
            False,
        ),
        "JSON of too many values": (400, simply(post(endpoint, token, b"[" + b"0," * 1_500_000 + b"0]")), False),
        "an empty body": (400, simply(post(endpoint, token)), False),
        "no text": (400, simply(post(endpoint, token, b'{"a": "\xff"}')), False),
        "spans of other types": (400, simply(post(endpoint, token, wrong)), False),
        "no protobuf": (
            400,
            simply(post(endpoint, token, b"\xff" * 900, Content_Type="application/x-protobuf")),
            False,
        ),
        "JSON that says protobuf": (
            400,
            simply(post(endpoint, token, evil, Content_Type="application/x-protobuf")),
            False,
        ),
    }
