"""A receiver of OTLP over HTTP on loopback: a port, a token, and as few threads as there are requests.

Enters: connections. Leaves: rows, to the arrivals; how many requests were refused, and why. Its threads are none that `threading`
knows, as the user's code would see them; a forked child has none of it."""

from __future__ import annotations

import _thread
import errno
import os
import secrets
import socket
import time
import weakref
from collections import Counter

from nbtrace.capture.receiving.arrivals import Arrivals
from nbtrace.capture.receiving.body import Body
from nbtrace.capture.receiving.limits import Limits, Refused, Room
from nbtrace.capture.receiving.request import PATH, Request
from nbtrace.faults import fault
from nbtrace.formats.otlp.incoming import BrokenError
from nbtrace.formats.otlp.messages import messages
from nbtrace.formats.otlp.received import Read, read_request

_LOOPBACK = "127.0.0.1"
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED, errno.EINTR)
"""What may be over in a moment."""

_PAUSE_S = 0.01
_PATIENCE_S = 1.0
_CLOSED_S = 2.0


class Server:
    """Open from when it is made until it is closed."""

    def __init__(self, arrivals: Arrivals, limits: Limits | None = None) -> None:
        """Raises OSError where no port can be had."""
        self.limits = limits or Limits()
        self.room = Room(self.limits.max_held)
        self.token = secrets.token_urlsafe(24)
        self.arrivals = arrivals
        self.refusals: Counter[str] = Counter()
        self.unrecorded = 0
        """How many spans came while nobody recorded."""
        self._listener = socket.create_server((_LOOPBACK, 0), backlog=128)
        self._pid = os.getpid()
        port = self._listener.getsockname()[1]
        self.endpoint = f"http://{_LOOPBACK}:{port}{PATH}"
        names = (_LOOPBACK, "localhost")
        self.hosts = frozenset((*names, *(f"{name}:{port}" for name in names)))
        self._open: dict[socket.socket, None] = {}
        self._unproven: dict[socket.socket, None] = {}
        """Those that have not shown the token, the oldest first: they give way to others."""
        self._decoding = _thread.allocate_lock()
        self._listening = _thread.allocate_lock()
        self.is_open = True
        self._listening.acquire()
        _SERVERS.add(self)
        try:
            # Not by `threading`, in whose list the user would see it.
            _thread.start_new_thread(self._listen, ())
        except RuntimeError as error:
            self._listener.close()
            raise OSError(errno.EAGAIN, str(error)) from None

    @property
    def reads_protobuf(self) -> bool:
        """Whether the package is there that reads OTLP's messages."""
        try:
            messages()
        except ModuleNotFoundError:
            return False
        return True

    def close(self) -> None:
        """Close the port and what is connected. A second time, or in a forked child, nothing happens."""
        if not self.is_open or os.getpid() != self._pid:
            return
        self.is_open = False
        # A thread that waits for a connection is woken by this on Linux, and by a connection everywhere.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if not self._listening.acquire(timeout=0.1):
            try:
                socket.create_connection(self._listener.getsockname(), timeout=_CLOSED_S).close()
            except OSError:
                pass
            self._listening.acquire(timeout=_CLOSED_S)
        for connection in list(self._open):
            _shut(connection)

    def abandon(self) -> None:
        """In a forked child: let go of the parent's port, which it would keep open."""
        self.is_open = False
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    # ── what a request asks for ──────────────────────────────────────────────────────────────────────────────────────

    def prove(self, connection: socket.socket) -> None:
        """Take note that a connection has shown the token."""
        self._unproven.pop(connection, None)

    def refused(self, why: str) -> None:
        """Count a request that was not taken."""
        self.refusals[why] += 1

    def take(self, body: Body, *, as_json: bool) -> Read:
        """Take a body; say what became of it. Raises Refused."""
        try:
            with self._decoding:  # one after the other: what a body becomes is larger than the body
                recorded = self.arrivals.recorded
                read = read_request(
                    body.file, body.length, as_json=as_json, take=self.arrivals.take if recorded else _pass
                )
        except BrokenError as error:
            raise Refused(400, "not as OTLP has it", str(error)) from None
        except ModuleNotFoundError:
            raise Refused(415, 'protobuf, for which this kernel needs  pip install "nbtrace[otlp]"') from None
        if read.left_out:
            self.refusals["spans that are not as OTLP has them"] += read.left_out
        if not recorded:
            self.unrecorded += read.spans
            read = Read(read.spans, read.spans + read.left_out, "nothing is recorded: nbtrace is off in the notebook")
        return read

    # ── threads ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _listen(self) -> None:
        try:
            while self.is_open:
                try:
                    connection, address = self._listener.accept()
                except OSError as error:
                    if not self.is_open or error.errno not in _PASSING:
                        break
                    time.sleep(_PAUSE_S)  # the process has no more files to open, or no memory
                    continue
                if self.is_open:
                    self._admit(connection, address)
                else:
                    connection.close()
        except Exception:
            fault("listening for spans")
        finally:
            self.is_open = False
            self._listener.close()
            self._listening.release()

    def _admit(self, connection: socket.socket, address: object) -> None:
        if len(self._open) >= self.limits.max_connections:
            for oldest in list(self._unproven)[:1]:
                self._unproven.pop(oldest, None)
                self.refused("waiting without the token for too long")
                _shut(oldest)
            until = time.monotonic() + _PATIENCE_S
            while len(self._open) >= 2 * self.limits.max_connections and time.monotonic() < until:
                time.sleep(_PAUSE_S)  # those that have given way are about to end
            if len(self._open) >= 2 * self.limits.max_connections:
                self.refused("too many at one time")
                connection.close()
                return
        self._open[connection] = self._unproven[connection] = None
        try:
            _thread.start_new_thread(self._handle, (connection, address))
        except RuntimeError:  # no more threads to be had
            self._let_go(connection)

    def _handle(self, connection: socket.socket, address: object) -> None:
        try:
            Request(connection, address, self)
        except OSError:
            pass  # whoever has asked is gone
        except Exception:
            fault("receiving spans")
        finally:
            self._let_go(connection)

    def _let_go(self, connection: socket.socket) -> None:
        self._unproven.pop(connection, None)
        self._open.pop(connection, None)
        _shut(connection)  # a child that was forked meanwhile may hold it, too
        connection.close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _pass(rows: object) -> None:
    pass


_SERVERS: weakref.WeakSet[Server] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for server in list(_SERVERS):
        try:
            server.abandon()
        except OSError:
            pass


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
