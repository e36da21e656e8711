"""Clients of Dask's that are followed: what they send carries what is current, and what their workers record comes home.

Enters: clients, as they send tasks. Leaves: annotations, a plugin for workers, and rows. Nothing of it is there before somebody
asks for it, and all of it is gone after `uninstall`."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from distributed.client import Client
from opentelemetry.context import get_current
from opentelemetry.trace import get_current_span

from nbtrace.capture.current_cell import CELL
from nbtrace.capture.live import LIVE
from nbtrace.capture.processes.exchange import wishes
from nbtrace.capture.processes.notebook_code import NAMELESS, file_of, note_classes
from nbtrace.capture.sdk.ids import OwnIdGenerator
from nbtrace.capture.task_parent import recorded_id
from nbtrace.cluster import remote
from nbtrace.cluster.arrivals import Arrivals, Sender, Which, Worker
from nbtrace.cluster.dask import said
from nbtrace.cluster.dask.followed import Closes, Followed, current_client
from nbtrace.cluster.dask.plugin import ASK, FORGET, LEAVE, Sends, Sent, Shipped, Tasks, machine, name_of, random_bits
from nbtrace.cluster.inbox import Inbox
from nbtrace.store.schema import Row

_REGISTER_S = 5.0
"""So long it is waited for workers to open what records in them: once for a client."""

_ASK_S, _SETTLE_S = 5.0, 2.0
"""So long it is waited, when somebody asks, for workers to say what they have sent, and for that to come."""

_AGAIN_S = 1.0
"""So often at most workers are asked that send by themselves: whether they are there."""

_PUSHED_S = 0.3
"""So long it is waited for what workers send by themselves, where one of them does not answer."""

_UNDER_WAY_S = 2.0
"""So long something may come when it is no longer wanted."""

_KEPT = 64
"""After so many messages the scheduler is told to forget those that it keeps."""


class Following:
    """All that this process has to do with Dask."""

    def __init__(self) -> None:
        self.version = sys.modules["nbtrace"].__version__
        self.topic = f"nbtrace-{secrets.token_hex(8)}"
        self._name = name_of(self.version)
        self._ids = OwnIdGenerator()
        self._clients: dict[int, Followed] = {}
        self._all = False
        self._arrivals = Arrivals(LIVE.recorder.take, LIVE.exchange.sampled, _sender, _file_of, machine())
        self._inbox = Inbox(self._read)
        self._asked_s = 0.0
        self._leaving: list[Worker] = []
        """Those that are gone, which whoever reads what comes is about to learn."""
        self._owed = False
        """Whether tasks were sent since workers have said the last time that they have sent all."""
        self._messages = 0
        self._pid = os.getpid()

    @property
    def on(self) -> bool:
        """Whether any client is followed."""
        return self._all or bool(self._clients)

    def install(self, client: Any = None) -> str:
        """Follow a client; without one the current client, and each one that is used from here on. Return what to say.

        Raises TypeError for what is no client, ValueError for one that is closed, and RuntimeError where this version of Dask
        cannot be followed."""
        if client is not None and not isinstance(client, Client):
            raise TypeError(f"{type(client).__name__} is no dask.distributed.Client")
        if client is not None and client.status not in ("running", "connecting"):
            raise ValueError(f"the client is {client.status}")
        try:
            closes = vars(Client)["_close"]
            Sends.install()
        except (AttributeError, KeyError) as error:
            raise RuntimeError(f"this version of Dask has another way to send tasks ({error})") from None
        if self._carried not in Sends.carriers:
            Sends.carriers.append(self._carried)
        if not isinstance(closes, Closes):
            Client._close = Closes(closes, self._last)
        if self not in LIVE.exchange.elsewhere:
            LIVE.exchange.elsewhere = (*LIVE.exchange.elsewhere, self)
        remote.HOMES.add(self.topic)
        if client is None:
            self._all = True
            client = current_client()
        if client is not None:
            self._follow(client)
        return said.beginning(None if client is None else self._clients[id(client)])

    def uninstall(self) -> None:
        """Follow none any more, and take from workers what this process has brought them."""
        if self._carried in Sends.carriers:
            Sends.carriers.remove(self._carried)
        Sends.uninstall()
        if isinstance(found := vars(Client)["_close"], Closes):
            Client._close = found.original
        if os.getpid() != self._pid:
            self._clients.clear()
            self._all = False
            return
        self.collect()
        LIVE.exchange.elsewhere = tuple(each for each in LIVE.exchange.elsewhere if each is not self)
        for followed in list(self._clients.values()):
            client = followed.client()
            if client is None or client.status != "running":
                continue
            try:
                if not _within(client):
                    client.sync(self._take_away, followed, client, callback_timeout=_ASK_S)
            except Exception:
                pass  # the scheduler, or a worker, is gone
            self._unsubscribe(client)
        self._clients.clear()
        self._all = False
        self._arrivals.begin_anew()
        remote.HOMES.discard(self.topic)

    async def _take_away(self, followed: Followed, client: Any) -> None:
        """Take leave of workers, and the plugin from them, if this client has brought it and no other notebook uses it."""
        leave = Shipped(LEAVE, name=self._name, topic=self.topic)
        shared = await client._run(leave, on_error="ignore")
        if followed.registered and not any(each is True for each in shared.values()):
            await client._unregister_worker_plugin(self._name)

    # ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _carried(self, client: Any) -> dict[str, str] | None:
        """What the tasks carry that a client is about to send; None for one that is not followed, or where nobody records."""
        followed = self._clients.get(id(client))
        if (followed is None and not self._all) or os.getpid() != self._pid:
            return None
        stores = LIVE.stores()
        if not stores:
            return None
        connection = getattr(client, "scheduler_comm", None)
        if followed is None or followed.client() is not client or followed.connection is not connection:
            self._follow(client)
        known = get_current_span(get_current()).get_span_context()
        trace_id, span_id = (known.trace_id, recorded_id(known)) if known.is_valid else (0, 0)
        self._owed = True
        sent = Sent(
            trace_id or self._ids.generate_trace_id(),
            span_id,
            int(known.trace_flags) if span_id else 1,
            CELL.get(),
            random_bits(32),
            time.time_ns(),
            self.topic,
            wishes(stores).text(),
        )
        return {self._name: sent.text()}

    def _follow(self, client: Any) -> None:
        """Have a client's workers record, and hear of it. Waits for them, once, where the client can wait."""
        self._clients = {key: each for key, each in self._clients.items() if each.client() is not None}
        followed = self._clients[id(client)] = Followed(client)
        followed.connection = client.scheduler_comm
        plugin = Tasks(self.version)

        async def register() -> None:
            try:
                followed.registered = bool(await client._register_worker_plugin(plugin, self._name, True))
            except Exception as error:
                followed.trouble = f"{type(error).__name__}: {error}"

        try:
            client.subscribe_topic(self.topic, partial(self._heard, followed.where))
            if _within(client):
                client.loop.add_callback(register)
            else:
                client.sync(register, callback_timeout=_REGISTER_S)
        except TimeoutError:
            pass  # a worker is busy with something that lets nobody in between; the scheduler sees to it
        except Exception as error:
            followed.trouble = f"{type(error).__name__}: {error}".rstrip(": ")

    # ── what comes home ──────────────────────────────────────────────────────────────────────────────────────────────

    def _heard(self, where: str, event: Any) -> None:
        """Called in the thread of a client."""
        self._inbox.put((event[1], time.time_ns(), where))
        self._messages += 1
        if self._messages % _KEPT == 0:
            for _, client in self._living():
                forget = Shipped(FORGET, topic=self.topic)
                client.loop.add_callback(_quietly, client._run_on_scheduler, forget)

    def _read(self, come: tuple[Any, int, str]) -> None:
        self._arrivals.take(*come)

    def collect(self) -> None:
        """Have workers send what they have, and take it."""
        if os.getpid() != self._pid:
            return
        self._let_go_of_closed()
        if not (self._owed or self._arrivals.waits):
            return
        self._owed = False
        expected: dict[Which, int] = {}
        for followed, client in self._living():
            if _within(client):
                self._owed = True
                continue
            try:
                if time.monotonic() >= followed.rests_until_s:
                    expected |= client.sync(self._ask, followed, client, callback_timeout=_ASK_S)
                    followed.answered()
                    continue
            except Exception:  # a worker is busy with something that lets nobody in between, or all are gone
                followed.rests()
            self._owed = True
            self._inbox.wait(_never, _PUSHED_S)
        leaving = list(self._leaving)
        self._inbox.wait(
            lambda: _has(self._arrivals.numbers(), expected) and not any(each in self._leaving for each in leaving),
            _SETTLE_S,
        )
        if self._arrivals.waits:
            self._owed = True

    def collect_soon(self) -> None:
        """Have them send it: at the end of a cell, or when somebody looks again and again."""
        if os.getpid() != self._pid:
            return
        note_classes()
        now = time.monotonic()
        self._let_go_of_closed()
        if not (self._owed or self._arrivals.waits) or now - self._asked_s < _AGAIN_S:
            return
        self._asked_s = now
        for followed, client in self._living():
            if not followed.asking and now >= followed.rests_until_s:
                client.loop.add_callback(self._ask_aside, followed, client)

    async def _ask_aside(self, followed: Followed, client: Any) -> None:
        followed.asking = True
        try:
            await asyncio.wait_for(self._ask(followed, client), _ASK_S)
            followed.answered()
        except Exception:
            followed.rests()
        finally:
            followed.asking = False

    def _let_go_of_closed(self) -> None:
        """Of what was sent by a client that is closed, or whose scheduler is gone, nothing more comes."""
        living = {followed.where for followed, _ in self._living()}
        self._leave(lambda worker: worker.via not in living, lost=False)

    def _leave(self, which: Callable[[Worker], bool], *, lost: bool) -> None:
        for worker in list(self._arrivals.workers.values()):
            if not worker.gone and worker not in self._leaving and which(worker):
                self._leaving.append(worker)
                self._inbox.put_call(partial(self._gone, worker, lost=lost))

    def running_rows(self) -> list[Row]:
        """Return the rows of what runs."""
        return self._arrivals.running_rows()

    async def _ask(self, followed: Followed, client: Any) -> dict[Which, int]:
        """Have a client's workers send what they have; return how many messages each has sent. Who is there no more is gone."""
        answers = await client._run(Shipped(ASK, name=self._name, topic=self.topic), on_error="ignore")
        there = await client.scheduler.ncores(workers=None)
        if None in answers.values():
            # Another notebook has taken the plugin away that it had brought: bring it with what is sent next.
            followed.connection = None
        expected = {}
        for address, answer in answers.items():
            if isinstance(answer, dict):
                expected[address, answer["pid"], answer["born"]] = answer["messages"]
                # By now it may have told that its tasks have ended, and what they have recorded last is to come.
                self._owed = self._owed or answer["more"]
        others = {address for address, *_ in expected}
        known = {id(self._arrivals.workers.get(which)) for which in expected}

        def is_gone(worker: Worker) -> bool:
            if worker.via != followed.where or id(worker) in known:
                return False
            # It is not registered, or another process is.
            return worker.address not in there or worker.address in others

        self._leave(is_gone, lost=True)
        return expected

    async def _last(self, client: Any, close: Any, *args: Any, **options: Any) -> Any:
        """Close a client, and take before that what can be had of its workers."""
        followed = self._clients.get(id(client))
        if followed is not None and followed.client() is client and os.getpid() == self._pid:
            try:
                if self._owed or self._arrivals.waits:
                    await asyncio.wait_for(self._ask_and_wait(followed, client), _ASK_S)
            except Exception:
                pass  # the scheduler is gone, or a worker lets nobody in between
            self._clients.pop(id(client), None)
            if not any(other.where == followed.where for other, _ in self._living()):
                with suppress(Exception):
                    await asyncio.wait_for(self._take_away(followed, client), _ASK_S)
            self._unsubscribe(client)
            self._let_go_of_closed()
        return await close(*args, **options)

    async def _ask_and_wait(self, followed: Followed, client: Any) -> None:
        expected = await self._ask(followed, client)
        while not _has(self._arrivals.numbers(), expected):
            await asyncio.sleep(0.005)

    def _unsubscribe(self, client: Any) -> None:
        try:
            client.unsubscribe_topic(self.topic)
            # What is under way finds somebody who takes it, or Dask would say in the notebook that there is nobody.
            client._event_handlers[self.topic] = id
            client.loop.add_callback(client.loop.call_later, _UNDER_WAY_S, self._forget, client)
        except Exception:
            pass  # the scheduler is gone

    def _forget(self, client: Any) -> None:
        if client._event_handlers.get(self.topic) is id:  # it may be followed again by now
            del client._event_handlers[self.topic]

    def _gone(self, worker: Worker, *, lost: bool) -> None:
        self._leaving.remove(worker)
        if not worker.gone:  # it may have been asked after twice
            self._arrivals.gone(worker, lost=lost)

    def _living(self) -> list[tuple[Followed, Any]]:
        found = [(followed, followed.client()) for followed in list(self._clients.values())]
        return [(followed, client) for followed, client in found if client is not None and client.status == "running"]

    # ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> list[str]:
        """Say what is followed, and what has come."""
        return said.state([followed for followed, _ in self._living()], self._arrivals, _ASK_S) if self.on else []


def _within(client: Any) -> bool:
    """Whether it cannot be waited for a client here: in a program that is asynchronous, or the client's own thread."""
    return bool(client.asynchronous)


def _never() -> bool:
    return False


def _has(numbers: dict[Which, int], expected: dict[Which, int]) -> bool:
    return all(numbers.get(which, 0) >= number for which, number in expected.items())


def _sender(carried: str) -> Sender:
    sent = Sent.read(carried)
    if not (0 < sent.trace_id < 2**128 and 0 <= sent.span_id < 2**64 and 0 <= sent.cell < 2**31):
        raise ValueError("no ids")
    return Sender(sent.trace_id, sent.span_id, sent.cell, sent.number, sent.sent_ns)


def _file_of(function: str, file: str, first_line: int) -> str:
    return (file == NAMELESS and file_of(function, first_line)) or file


async def _quietly(function: Any, *args: Any) -> None:
    try:
        await function(*args)
    except Exception:
        pass  # the scheduler is gone, or does not take functions
