"""What runs in a worker of Dask's, whatever is installed there: it notes each task that a notebook has sent, and sends that home.

Enters: tasks with an annotation of nbtrace's. Leaves: messages by the scheduler's own connection: when each task came, began and
ended, and where the worker has nbtrace too, what it has recorded meanwhile. The text of this module is sent to workers that have
none, so it imports Dask and the standard library alone."""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib
import inspect
import json
import logging
import os
import random
import re
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, NamedTuple

import dask.base
from dask.utils import key_split
from distributed.client import Client
from distributed.diagnostics.plugin import WorkerPlugin

_EVERY_S = 0.1
"""So often at most what is new is sent."""

_STAYS_S, _RECORDS_S = 1.0, 60.0
"""So long after its last task a kernel is looked after, as threads may go on; and so long something records for it."""

_SHARES_S = 3_600.0
"""So long after its last task a notebook counts as one that uses this."""

_LONG = 500
"""Characters of a key that are kept."""

_LONG_TRACEBACK = 20_000
_MOST = 100_000
"""So many tasks at most wait to be sent; what comes then is lost, and counted."""

logger = logging.getLogger(__name__)

_now_ns = partial(time.time_ns)
random_bits = random.Random().getrandbits
_json = json.JSONEncoder(default=str, separators=(",", ":")).encode


class Sent(NamedTuple):
    """What a task carries, as one text: a whole number of 64 bits and more is refused by msgpack, and hangs the client."""

    trace_id: int
    span_id: int
    """Of whoever has sent it, as it stands in the recording; 0 for none."""
    flags: int
    cell: int
    number: int
    """Of what was sent together: in it a key that comes again is another run."""
    sent_ns: int
    """By the clock of the kernel; 0 where another has sent it."""
    home: str
    """The topic by which the kernel hears of it."""
    wishes: str
    """What the kernel wants of who records for it."""

    def text(self) -> str:
        """Return it as `read` reads it."""
        numbers = " ".join(f"{number:x}" for number in self[:6])
        return f"{numbers} {self.home} {self.wishes}"

    @classmethod
    def read(cls, text: str) -> Sent:
        """Return what `text` has made a text of. Raises ValueError for anything else."""
        *numbers, home, wishes = text.split(" ", 7)
        if len(numbers) != 6:
            raise ValueError("not as many numbers as are sent")
        trace_id, span_id, flags, cell, group, sent_ns = (int(number, 16) for number in numbers)
        return cls(trace_id, span_id, flags, cell, group, sent_ns, home, wishes)


class Task:
    """A task that runs, or has."""

    __slots__ = ("came_ns", "carried", "delay_s", "leave", "said", "sent", "task_id", "told")

    def __init__(self, carried: str, came_ns: int | None) -> None:
        self.carried = carried
        self.sent = Sent.read(carried)
        self.task_id = random_bits(64) | 1
        self.came_ns = came_ns
        """When the worker got to know of it."""
        self.delay_s = 0.0
        """What Dask adds to its times, as it was when it began: it is another one with each heartbeat."""
        self.said: dict[str, Any] = {}
        """What is known of it."""
        self.told = False
        """Whether the kernel knows that it runs."""
        self.leave: Callable[[], list[str]] = list
        """Ends its recording; gives the ends of the stack traces that its spans have told."""


CURRENT: ContextVar[tuple[str, Task, Any] | None] = ContextVar("nbtrace_dask_task", default=None)
"""The task that is done here: what its annotation is called, and what records in it, if anything does."""


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Sends:
    """In the place of the method by which a client sends tasks: gives it such that they carry what is current. No frame of ours
    is in a traceback that comes out of it."""

    carriers: list[Callable[[Any], dict[str, str] | None]] = []  # noqa: RUF012 - one for the process
    """Who says what the tasks of a client are to carry, as annotations; None for nothing."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __get__(self, client: Any, owner: Any = None) -> Any:
        bound = self.original.__get__(client, owner)
        if client is None:
            return bound
        try:
            carried = _carried(client)
            if carried is None:
                return bound
            context = copy_context()
            context.run(dask.base._annotations.set, {**dask.base.get_annotations(), **carried})
            return partial(context.run, bound)
        except Exception:
            logger.exception("nbtrace: a task is sent without what it should carry")
            return bound

    @classmethod
    def install(cls) -> None:
        """Put it there. Raises AttributeError where this version of Dask has no such place."""
        found = vars(Client)["_graph_to_futures"]
        dask.base._annotations.get()
        if not isinstance(found, Sends):
            Client._graph_to_futures = cls(found)

    @classmethod
    def uninstall(cls) -> None:
        """Put back what was there, if it is still this that stands in its place."""
        found = vars(Client)["_graph_to_futures"]
        if isinstance(found, Sends) and not cls.carriers:
            Client._graph_to_futures = found.original


def _carried(client: Any) -> dict[str, str] | None:
    return next((carried for carrier in Sends.carriers if (carried := carrier(client)) is not None), None)


def _of_a_task(client: Any) -> dict[str, str] | None:
    """What a task's own tasks carry."""
    found = CURRENT.get()
    if found is None:
        return None
    name, task, recorder = found
    trace_id, span_id = task.sent.trace_id, task.task_id
    if recorder is not None:
        known = recorder.current()
        trace_id, span_id = known if known[1] else (trace_id, span_id)
    sent = task.sent._replace(trace_id=trace_id, span_id=span_id, number=random_bits(32), sent_ns=0)
    return {name: sent.text()}


def name_of(version: str) -> str:
    """Return what the plugin and the annotations of a version of nbtrace are called: those of another one are not read."""
    return f"nbtrace-{version}"


# ── what runs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Home:
    """A kernel, as a worker knows it."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.recorder: Any = None
        """What records for it; None where nothing can, or while it sends nothing."""
        self.open: dict[int, Task] = {}
        self.done: list[Task] = []
        self.number = 0
        """How many messages have been sent."""
        self.lost = 0
        self.seen_s = 0.0


class Tasks(WorkerPlugin):
    """Of one worker, for all kernels that send it tasks."""

    idempotent = True

    def __init__(self, version: str) -> None:
        """`version`: of the nbtrace by which it was sent."""
        self.version = version
        self.name = name_of(version)
        self.lacks = ""
        """Why nothing is recorded but the tasks; "" if all is."""
        self._homes: dict[str, _Home] = {}
        self._came: dict[Any, int] = {}
        self._remote: Any = None
        self._pools: Any = None
        self._timer: Any = None
        self._off = False

    def __reduce__(self) -> Any:
        return eval, (_loading(self.version),)

    async def setup(self, worker: Any) -> None:
        """Be there."""
        self._worker, self._born_ns, self._machine = worker, _now_ns(), machine()
        self._loop = asyncio.get_running_loop()
        # Whatever a file system takes for that, others go on meanwhile.
        self._remote, self.lacks = await self._loop.run_in_executor(None, _recording, self.version)
        if self._remote is not None:
            self._pools = importlib.import_module("nbtrace.cluster.dask.pools")
            self._pools.install()
        self._execute = worker.execute
        self._executes = worker.execute = self._executed
        if _of_a_task not in Sends.carriers:
            Sends.carriers.insert(0, _of_a_task)
        Sends.install()

    async def teardown(self, worker: Any) -> None:
        """Be there no more."""
        self._off = True
        if worker.execute == self._executes:
            worker.execute = self._execute
        if self._timer is not None:
            self._timer.cancel()
        for home in self._homes.values():
            self._send_all(home)
            if home.recorder is not None:
                home.recorder.close()
        self._homes.clear()
        if self._pools is not None:
            self._pools.uninstall()
        if _of_a_task in Sends.carriers:
            Sends.carriers.remove(_of_a_task)
        Sends.uninstall()

    def transition(self, key: Any, start: Any, finish: Any, **more: Any) -> None:
        """Note when a task comes to this worker."""
        if start == "released" and finish == "waiting":
            task = self._worker.state.tasks.get(key)
            if task is not None and task.annotations and self.name in task.annotations:
                self._came[key] = _now_ns()
        elif finish == "forgotten":
            self._came.pop(key, None)

    def _executed(self, key: Any, *, stimulus_id: str) -> Any:
        if self._off:
            return self._execute(key, stimulus_id=stimulus_id)
        try:
            known = self._worker.state.tasks.get(key)
            carried = None if known is None or not known.annotations else known.annotations.get(self.name)
            task = None if carried is None else Task(carried, self._came.pop(key, None))
        except Exception:
            logger.exception("nbtrace: a task is not noted")
            task = None
        return self._execute(key, stimulus_id=stimulus_id) if task is None else self._watched(key, stimulus_id, task)

    async def _watched(self, key: Any, stimulus_id: str, task: Task) -> Any:
        known = self._worker.state.tasks[key]
        self._begins(key, known, task)
        try:
            event = await self._execute(key, stimulus_id=stimulus_id)
        except BaseException as error:
            self._over(key, known, task, error)
            raise
        self._over(key, known, task, event)
        return event

    def _begins(self, key: Any, known: Any, task: Task) -> None:
        try:
            sent = task.sent
            home = self._homes.get(sent.home)
            if home is None:
                home = self._homes[sent.home] = _Home(sent.home)
            if home.recorder is None and self._remote is not None:
                home.recorder = self._remote.Remote(sent.home)
            CURRENT.set((self.name, task, home.recorder))
            if home.recorder is not None:
                ids = (sent.trace_id, sent.span_id, sent.flags, task.task_id)
                task.leave = home.recorder.enter(ids, sent.cell, sent.wishes)
            needs = bool(known.dependencies)
            delay = task.delay_s = self._worker.scheduler_delay
            since = task.came_ns or 0
            task.said = {
                "id": f"{task.task_id:x}",
                "of": task.carried,
                "key": str(key)[:_LONG],
                "name": key_split(key)[:_LONG],
                "came": task.came_ns,
                "needs": needs,
                "transfers": [
                    (int((each["start"] - delay) * 1e9), int((each["stop"] - delay) * 1e9))
                    for each in known.startstops
                    if each["action"] == "transfer" and (each["stop"] - delay) * 1e9 >= since
                ],
                "start": _now_ns(),
            }
            home.open[task.task_id] = task
            self._soon(home)
        except Exception:
            logger.exception("nbtrace: a task that begins is not noted")

    def _over(self, key: Any, known: Any, task: Task, event: Any) -> None:
        try:
            ends = task.leave()
            home = self._homes.get(task.sent.home)
            if home is None or home.open.pop(task.task_id, None) is None:
                return
            said, delay, kind = task.said, task.delay_s, type(event).__name__
            failed = kind == "ExecuteFailureEvent"
            if not task.told and (failed or kind == "RescheduleEvent"):
                # It may be tried again, elsewhere: the kernel is to hear of this run first.
                self._message(home, [task], [])
            said["end"] = _now_ns()
            start, stop = getattr(event, "start", None), getattr(event, "stop", None)
            if start and stop:  # when its function began and ended
                begin, end = int((start - delay) * 1e9), int((stop - delay) * 1e9)
                said["start"] = min(max(begin, said["start"]), said["end"])
                said["end"] = min(max(end, said["start"]), said["end"])
            ident = self._worker.threads.get(key)
            if ident is not None:
                said["thread"] = ident, getattr(getattr(threading, "_active", {}).get(ident), "name", None)
            if failed:
                said["error"] = _error(event)
                said["told"] = any(_tells(end, *said["error"][:2]) for end in ends)
            elif isinstance(event, BaseException) or known.state in ("cancelled", "resumed"):
                said["outcome"] = "cancelled"
            elif kind == "RescheduleEvent":
                said["outcome"] = "rescheduled"
            if len(home.done) >= _MOST:
                home.lost += 1
            else:
                home.done.append(task)
            self._soon(home)
        except Exception:
            logger.exception("nbtrace: a task that has ended is not noted")

    # ── what goes home ───────────────────────────────────────────────────────────────────────────────────────────────

    def _soon(self, home: _Home) -> None:
        home.seen_s = time.monotonic()
        if self._off or (self._timer is not None and self._timer.when() - self._loop.time() <= _EVERY_S):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(_EVERY_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        stays = False
        for home in list(self._homes.values()):
            try:
                self._send(home)
            except Exception:
                logger.exception("nbtrace: what was recorded is not sent")
            holds = home.recorder is not None and home.recorder.holds
            idle_s = time.monotonic() - home.seen_s
            stays = stays or bool(home.open) or holds or idle_s < _STAYS_S
            if home.recorder is not None and idle_s > _RECORDS_S and not home.open:
                home.recorder.close()  # the notebook may be gone, and the worker serve others for days
                home.recorder = None
        if not self._off and self._homes:
            self._timer = self._loop.call_later(_EVERY_S if stays else _RECORDS_S, self._tick)

    async def report(self, topic: str) -> dict[str, Any]:
        """Send a kernel all there is for it, and say how much that is."""
        home = self._homes.get(topic)
        if home is not None:
            self._send_all(home)
        return {
            "messages": 0 if home is None else home.number,
            "more": home is not None and (bool(home.open) or (home.recorder is not None and home.recorder.holds)),
            "pid": os.getpid(),
            "born": self._born_ns,
        }

    def _send_all(self, home: _Home) -> None:
        try:
            self._send(home, last=True)
        except Exception:
            logger.exception("nbtrace: what was recorded is not sent")

    async def leave(self, topic: str) -> bool:
        """A kernel takes its leave. Return whether others use this."""
        home = self._homes.pop(topic, None)
        if home is not None and home.recorder is not None:
            home.recorder.close()
        return any(each.open or time.monotonic() - each.seen_s < _SHARES_S for each in self._homes.values())

    def _send(self, home: _Home, *, last: bool = False) -> None:
        done, home.done = home.done, []
        begun = [task for task in home.open.values() if not task.told]
        parcels = [] if home.recorder is None else home.recorder.take(last=last)
        if done or begun or parcels:
            self._message(home, [*begun, *done], parcels)

    def _message(self, home: _Home, told: list[Task], parcels: list[bytes]) -> None:
        safe = dict if home.recorder is None else home.recorder.without_secrets
        tasks = [_json(safe(task.said)).encode() for task in told]
        for task in told:
            task.told = True
        home.number += 1
        message = {
            "number": home.number,
            "worker": self._worker.address,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "machine": self._machine,
            "born": self._born_ns,
            "sent": _now_ns(),
            "lacks": self.lacks,
            "lost": home.lost + (0 if home.recorder is None else home.recorder.lost),
            "tasks": zlib.compress(b"[" + b",".join(tasks) + b"]", 1),
            "parcels": [zlib.compress(parcel, 1) for parcel in parcels],
        }
        self._worker.log_event(home.topic, message)


def _error(event: Any) -> tuple[str, str, str]:
    """The kind of an exception, its message, and where it was raised: as far as its text tells, as to read the exception would be
    to run code of the user's once more."""
    text = str(event.exception_text)
    match = re.match(r"([\w.]+)\((.*?),?\)\Z", text, re.DOTALL)
    if match is None:
        return text.partition("(")[0][:_LONG] or "Exception", text[:_LONG_TRACEBACK], ""
    kind, message = match[1], match[2]
    try:
        message = _message_of(kind, ast.literal_eval(message)) if message else ""
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    return kind, message[:_LONG_TRACEBACK], str(event.traceback_text)[-_LONG_TRACEBACK:]


def _tells(end: str, kind: str, message: str) -> bool:
    """Whether a stack trace that ends so is of an exception of which this is known."""
    said, end = f"{kind}: {message}".rstrip(": \n"), end.rstrip()
    # To what is known of an error of the system's belongs no name of a file.
    return end.endswith(said[-200:]) or (message.startswith("[Errno ") and f"{said}: " in end)


def _message_of(kind: str, said: Any) -> str:
    """What an exception says that was made with this."""
    if kind == "KeyError" and not isinstance(said, tuple):
        return repr(said)
    if isinstance(said, tuple) and len(said) == 2 and type(said[0]) is int and type(said[1]) is str:
        known = getattr(builtins, kind, None)
        if isinstance(known, type) and issubclass(known, OSError):
            return f"[Errno {said[0]}] {said[1]}"
    return str(said)


def machine() -> str:
    """What tells the processes of one system from those of others, whose numbers may be the same."""
    found = [socket.gethostname()]
    for read in (_boot, lambda: os.readlink("/proc/self/ns/pid")):
        try:
            found.append(read())
        except OSError:
            pass
    return " ".join(found)


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


# ── how it gets there ────────────────────────────────────────────────────────────────────────────────────────────────────


def _recording(version: str) -> tuple[Any, str]:
    """What records here what tasks do, or why that cannot be."""
    try:
        found = importlib.import_module("nbtrace")
        if found.__version__ != version:
            return None, f"has nbtrace {found.__version__}, not {version}"
        return importlib.import_module("nbtrace.cluster.remote"), ""
    except ImportError as error:
        missing = getattr(error, "name", None)
        return None, "has no nbtrace" if missing == "nbtrace" else f"cannot open its nbtrace: {error}"
    except Exception as error:
        return None, f"cannot open its nbtrace: {type(error).__name__}: {error}"


_LOADER = """
try:
    import nbtrace.cluster.dask.plugin as found
    if nbtrace.__version__ != version:
        raise ImportError
except Exception:
    names = {"__name__": "nbtrace_of_the_notebook"}
    exec(compile(source, "nbtrace/cluster/dask/plugin.py", "exec"), names)
    plugin = names["Tasks"](version)
else:
    plugin = found.Tasks(version)
"""


def _loading(version: str) -> str:
    """An expression whose value is the plugin: by the nbtrace that a worker has, or by this text."""
    names = {"version": version, "source": inspect.getsource(sys.modules[__name__])}
    return f"(lambda names: (exec({_LOADER!r}, names), names['plugin'])[1])({names!r})"


class Shipped:
    """A function that is sent as its text: where it is called there may be no nbtrace."""

    def __init__(self, source: str, **values: str) -> None:
        """`source`: of a function `f`, in which the `values` are known by their names."""
        self._source, self._values = source, values

    def __reduce__(self) -> Any:
        return eval, (f"(lambda names: (exec({self._source!r}, names), names['f'])[1])({self._values!r})",)


ASK = """
async def f(dask_worker):
    plugin = dask_worker.plugins.get(name)
    return None if plugin is None else await plugin.report(topic)
"""

LEAVE = """
async def f(dask_worker):
    plugin = dask_worker.plugins.get(name)
    return plugin is not None and await plugin.leave(topic)
"""

FORGET = """
def f(dask_scheduler):
    dask_scheduler._broker.truncate(topic)
"""
