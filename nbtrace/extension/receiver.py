"""The receiver of one shell's recording: switched on and off, and what is said of it.

Enters: what a person types. Leaves: an open port, sentences, and what another program needs to know. Without it nothing of it is
imported, and no port is open."""

from __future__ import annotations

import atexit
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from nbtrace.capture.live import LIVE
from nbtrace.store.book import Execution
from nbtrace.views import words

if TYPE_CHECKING:
    from nbtrace.capture.receiving.server import Server


class Variables(dict[str, str]):
    """Variables of the environment for a program that is to send its spans: `env = %nbtrace receive`, then
    `subprocess.run([…], env=os.environ | env)`. Printed, it says what it is."""

    def __init__(self, said: str, shell: Any, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self._said = said
        self._shell = shell
        self._told_in = shell.execution_count

    def __str__(self) -> str:
        return self._said

    def _ipython_display_(self) -> None:
        # The line that asks for it has printed it, and need not show it again as its value.
        if self._shell.execution_count != self._told_in:
            print(self)  # noqa: T201


class ShellReceiver:
    """Whether spans are received, and what has come."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._server: Server | None = None

    def on(self) -> Variables:
        """Open a port, if none is open; return what to say. Raises UsageError where none can be had."""
        server = self._server
        if server is None or not server.is_open:
            from nbtrace.capture.receiving.arrivals import Arrivals
            from nbtrace.capture.receiving.server import Server

            try:
                server = self._server = Server(Arrivals(LIVE.recorder, LIVE.cells))
            except OSError as error:
                raise UsageError(f"no port can be opened on 127.0.0.1: {error.strerror or error}.") from None
            atexit.register(self.off)
        variables = {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": server.endpoint,
            # A blank would end the value for some, and is written so by OpenTelemetry's rule for lists of headers.
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"authorization=Bearer%20{server.token}",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf" if server.reads_protobuf else "http/json",
        }
        lines = [
            f"nbtrace: spans of other programs are received at {server.endpoint} until  %nbtrace receive off  or the end of "
            "the kernel.",
            "Give them to a program that exports OTLP over HTTP as variables of its environment (env = %nbtrace receive  keeps "
            "them in a dict):",
            *(f"  {name}={value}" for name, value in variables.items()),
            "What it does for a request that carries the traceparent of a cell nests below that cell. To try it, in a shell:",
            f"  {_curl(server)}",
        ]
        if not server.reads_protobuf:
            lines.append('Only JSON can be read here: protobuf needs  pip install "nbtrace[otlp]"')
        return Variables("\n".join(lines), self._shell, variables)

    def off(self) -> str:
        """Close the port, if one is open; return what to say."""
        server, self._server = self._server, None
        if server is None:
            return ""
        atexit.unregister(self.off)
        server.close()
        return f"nbtrace: {server.endpoint} is closed; {_come(server)}."

    def cell_ended(self, execution: Execution) -> None:
        """Note when a cell has ended: what comes later may have begun before."""
        if self._server is not None:
            self._server.arrivals.cell_ended(execution)

    def status(self) -> str:
        """Say whether spans are received, and what has come."""
        server = self._server
        if server is None:
            return "Other programs: not listened to (%nbtrace receive opens a receiver of OTLP on this machine)."
        if not server.is_open:
            return f"Other programs: the receiver was closed from outside; {_come(server)} (%nbtrace receive)."
        return f"Other programs: received at {server.endpoint}; {_come(server)} (%nbtrace receive off)."


def _come(server: Server) -> str:
    """What has come, and what was refused."""
    said = f"{words.count(server.arrivals.spans, 'span')} came"
    if server.unrecorded:
        said += f", {server.unrecorded:,} more while nbtrace was off"
    refusals = server.refusals.most_common()
    if refusals:
        kinds = ", ".join(f"{number:,} × {why}" for why, number in refusals)
        said += f"; {sum(number for _, number in refusals):,} refused: {kinds}"
    return said


def _curl(server: Server) -> str:
    """A line that sends a span, in a trace of its own."""
    now = time.time_ns()
    span = {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": "hello from curl",
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 1_000_000),
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, separators=(",", ":"))
    return f"curl -sS {server.endpoint} -H 'Authorization: Bearer {server.token}' -H 'Content-Type: application/json' -d '{body}'"
