"""One request: who may send it, what it must be, and what is answered.

Enters: a connection. Leaves: a body, to the server that holds the connection; an answer as OTLP has it
(https://opentelemetry.io/docs/specs/otlp/#otlphttp). A connection is for one request, and every wait has an end."""

from __future__ import annotations

import io
import json
import secrets
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import Any, BinaryIO, Protocol, cast

from nbtrace.capture.receiving.body import Body, read_body
from nbtrace.capture.receiving.limits import Limits, Refused, Room
from nbtrace.faults import fault
from nbtrace.formats.otlp.received import Read, answer, refusal

PATH = "/v1/traces"

_JSON, _PROTOBUF = "application/json", "application/x-protobuf"
_PIECE = 65_536
_CODES_FOR_LATER = (503,)


class Receiver(Protocol):
    """Who a request is for."""

    limits: Limits
    room: Room
    hosts: frozenset[str]
    """What the Host of a request may be."""
    token: str

    def prove(self, connection: socket.socket) -> None:
        """Take note that a connection has shown the token."""
        ...

    def take(self, body: Body, *, as_json: bool) -> Read:
        """Take a body; say what became of it. Raises Refused."""
        ...

    def refused(self, why: str) -> None:
        """Count a request that was not taken."""
        ...


class Request(BaseHTTPRequestHandler):
    """Reads one request, and answers it."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "nbtrace", ""
    request_version, requestline, command = protocol_version, "", ""
    # Until the first line has come, a refusal is written with these.

    def __init__(self, connection: socket.socket, address: Any, receiver: Receiver) -> None:
        self._receiver, self._limits = receiver, receiver.limits
        self._as_json: bool | None = None
        super().__init__(connection, address, cast(Any, None))

    def setup(self) -> None:
        """Have what is read end in time."""
        super().setup()
        self.rfile.close()
        self._timed = _Timed(self.connection, self._limits.head_s, self._limits.max_head)
        self.rfile = cast(Any, io.BufferedReader(self._timed))

    def handle(self) -> None:
        """Read the request and answer it, whatever it is."""
        self.close_connection = True
        try:
            try:
                self.handle_one_request()
            except Refused as refused:
                if self._timed.begun:  # else somebody has come and gone, which is nothing
                    self._receiver.refused(refused.why)
                    self._refuse(refused)
        except OSError:
            pass  # whoever has asked is gone
        except Exception:
            fault("receiving spans")
            self._refuse(Refused(500, "a fault of nbtrace's own"))

    def handle_expect_100(self) -> bool:
        """Ask for a body only if it is wanted."""
        self._check()
        return super().handle_expect_100()

    def _serve(self) -> None:
        self._check()
        self._timed.go_on(self._limits.body_s)
        most = self._limits.max_json if self._as_json else self._limits.max_unpacked
        with Body(self._receiver.room, most) as body:
            read_body(cast(BinaryIO, self.rfile), self.headers, body, self._limits.max_sent)
            read = self._receiver.take(body, as_json=self._as_json is True)
        self._answer(200, answer(read.left_out, read.why, as_json=self._as_json is True))

    do_POST = do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _check(self) -> None:
        """Raise Refused for a request whose body need not be read."""
        kind = (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        self._as_json = {_JSON: True, _PROTOBUF: False}.get(kind)
        hosts = self.headers.get_all("Host", [])
        # A page in a browser reaches this machine by a name of its own making, and gives itself away by that.
        if len(hosts) != 1 or hosts[0].strip().lower() not in self._receiver.hosts:
            raise Refused(403, "for another Host")
        tokens = self.headers.get_all("Authorization", [])
        scheme, _, token = (tokens[0] if len(tokens) == 1 else "").strip().partition(" ")
        given, wanted = token.strip().encode("utf-8", "replace"), self._receiver.token.encode()
        if not secrets.compare_digest(given, wanted) or scheme.lower() != "bearer":
            raise Refused(401, "without the token")
        self._receiver.prove(self.connection)
        if self.path != PATH:
            raise Refused(404, f"for another path than {PATH}")
        if self.command != "POST":
            raise Refused(405, "by another method than POST")
        if self._as_json is None:
            raise Refused(415, f"neither {_PROTOBUF} nor {_JSON}")

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _refuse(self, refused: Refused) -> None:
        said = f"nbtrace: the request is refused: {refused.why}{refused.how and f': {refused.how}'}"
        as_text = self._as_json is None
        self._answer(refused.code, said if as_text else refusal(said, as_json=self._as_json is True), refused.why)
        self._pass_over()

    def _answer(self, code: int, body: Any, reason: str | None = None) -> None:
        kind = {None: "text/plain; charset=utf-8", True: _JSON, False: _PROTOBUF}[self._as_json]
        sent = (
            body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        self.connection.settimeout(self._limits.answer_s)
        self.request_version = self.protocol_version  # what cannot be read counts as HTTP/0.9, which has no status
        self.send_response(code, reason)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(sent)))
        self.send_header("Connection", "close")
        if code == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if code == 405:
            self.send_header("Allow", "POST")
        if code in _CODES_FOR_LATER:
            self.send_header("Retry-After", "1")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)

    def _pass_over(self) -> None:
        """Read what was not wanted: else the answer is lost on the sender, who would be told of a broken connection."""
        self.connection.shutdown(socket.SHUT_WR)
        until, left = time.monotonic() + self._limits.answer_s, self._limits.max_sent
        while left > 0 and (remaining := until - time.monotonic()) > 0:
            self.connection.settimeout(remaining)
            piece = self.connection.recv(_PIECE)
            if not piece:
                return
            left -= len(piece)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what http.server cannot read. What it says of it is the sender's text, and is not repeated."""
        raise Refused(code, "no HTTP that is understood here")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: refusals are counted."""


class _Timed(io.RawIOBase):
    """A connection of which is read up to a moment, and up to so many bytes."""

    def __init__(self, connection: socket.socket, seconds: float, nbytes: int) -> None:
        self._connection = connection
        self._until = time.monotonic() + seconds
        self._left: int | None = nbytes
        self.begun = False
        """Whether anything has come."""

    def go_on(self, seconds: float) -> None:
        """Read on for so long, and count no more."""
        self._until, self._left = time.monotonic() + seconds, None

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        remaining = self._until - time.monotonic()
        if self._left is not None and self._left <= 0:
            raise Refused(431, "with too much in its headers")
        if remaining <= 0:
            raise Refused(408, "too slow")
        self._connection.settimeout(remaining)
        try:
            count = self._connection.recv_into(into)
        except TimeoutError:
            raise Refused(408, "too slow") from None
        self.begun = self.begun or count > 0
        if self._left is not None:
            self._left -= count
        return count
