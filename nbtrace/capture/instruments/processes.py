"""Pools of processes, and processes, carry the current span of the code that sends them work.

concurrent.futures.ProcessPoolExecutor, loky's and joblib's, multiprocessing.Pool and Process, whatever the start method. What a
person calls is left as it is: whoever mocks, inspects or wraps `submit`, `map` or `start` finds the original. What is changed is
what they put into their queues. docs/decisions/0030."""

from __future__ import annotations

import inspect
import multiprocessing.pool
import multiprocessing.process
import os
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.pool import Pool, ThreadPool
from types import ModuleType
from typing import Any

from nbtrace.capture.imports import forget_imports, when_imported
from nbtrace.capture.patches import Patch, QuickPatch
from nbtrace.capture.processes.carried import TRAVELS, Arriving, Ticket
from nbtrace.capture.processes.outcomes import Callbacks
from nbtrace.capture.processes.task_names import task_name
from nbtrace.formats.spool import end_slot

_EXECUTORS = ("concurrent.futures.process", "loky.process_executor", "joblib.externals.loky.process_executor")
_TICKET = "nbtrace"
_QUEUE = "_taskqueue"

_RERAISES = getattr(multiprocessing.pool, "_helper_reraises_exception", None)

_patches: list[Patch] = []


def install() -> None:
    """Have work carry what is current."""
    if _TICKET in _config():
        return
    _config()[_TICKET] = Ticket()
    if _QUEUE not in vars(Pool):
        setattr(Pool, _QUEUE, _Queue())
    for name in _EXECUTORS:
        when_imported(name, _patch_executor)


def uninstall() -> None:
    """Let it go as it would."""
    forget_imports(_EXECUTORS)
    _config().pop(_TICKET, None)
    if isinstance(vars(Pool).get(_QUEUE), _Queue):
        delattr(Pool, _QUEUE)
    while _patches:
        _patches.pop().undo()


def status() -> str:
    """Say what becomes of processes."""
    lacks = []
    if not hasattr(os, "fork"):
        lacks.append("this system has no fork, so none is followed")
    if not end_slot.POSSIBLE:
        lacks.append("when a task ends is known when its worker begins the next one")
    more = f" {'; '.join(lacks).capitalize()}." if lacks else ""
    return f"Pools of processes and multiprocessing: what workers record nests under what sent it.{more}"


def _config() -> dict[str, Any]:
    """What a process of multiprocessing hands down to those that it starts."""
    config: dict[str, Any] = multiprocessing.process.current_process()._config  # type: ignore[attr-defined]
    return config


def _patch_executor(module: ModuleType) -> None:
    _patches.append(QuickPatch(vars(module)["_WorkItem"], "__init__", _around_item))


def _around_item(initialise: Callable[..., Any]) -> Callable[..., Any]:
    leaves, arriving, callbacks = TRAVELS.leaves, Arriving.of, Callbacks

    def initialised(self: Any, future: Any, fn: Any, args: Any, kwargs: Any) -> None:
        # Where somebody has wrapped us and we could not be taken out, this is there twice after the next load.
        carried = leaves() if type(fn) is not Arriving else None
        if carried is not None:
            number = 0
            if not future._done_callbacks:
                future._done_callbacks = called = callbacks(future, known=TRAVELS.collects)
                number = called.number
            fn = arriving(fn, carried, "", number)
        initialise(self, future, fn, args, kwargs)

    return initialised


class _Queue:
    """In the place of a pool's queue of tasks: gives one that looks at what is put into that."""

    def __get__(self, pool: Any, of: type) -> Any:
        if pool is None:
            return self
        try:
            return _Tasks(vars(pool)[_QUEUE], pool)
        except KeyError:
            raise AttributeError(_QUEUE) from None

    def __set__(self, pool: Any, queue: Any) -> None:
        vars(pool)[_QUEUE] = queue

    def __delete__(self, pool: Any) -> None:
        vars(pool).pop(_QUEUE, None)


class _Tasks:
    """A pool's queue, with tasks that carry what is current where they are put in."""

    def __init__(self, queue: Any, pool: Any) -> None:
        self._queue = queue
        self._carries = not isinstance(pool, ThreadPool)

    def put(self, item: Any, *args: Any, **kwargs: Any) -> None:
        """Put in a series of tasks, and who is told of its length; or None, at the end."""
        if self._carries and type(item) is tuple and len(item) == 2:
            carried = TRAVELS.leaves()
            if carried is not None:
                tasks, told = item
                arriving = partial(Arriving.of, carried=carried, name=_mapped(tasks))
                item = ([*_arriving(tasks, arriving)] if type(tasks) is list else _arriving(tasks, arriving), told)
        self._queue.put(item, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_queue":  # of one that is being copied
            raise AttributeError(name)
        return getattr(self._queue, name)


def _arriving(tasks: Any, arriving: Callable[[Any], Any]) -> Iterator[Any]:
    for task in tasks:
        # A pool asks whether it is this one function, by which it tells what the user's iterable has raised.
        if len(task) > 3 and callable(task[2]) and task[2] is not _RERAISES and type(task[2]) is not Arriving:
            task = (*task[:2], arriving(task[2]), *task[3:])
        yield task


def _mapped(tasks: Any) -> str:
    """The name of the function that is mapped, which stands in the arguments of each chunk; "" where the tasks' own function has
    it."""
    at = tasks
    for _ in range(2):  # the pool's generator of tasks, and the one of chunks in it
        if not inspect.isgenerator(at) or at.gi_frame is None:
            return ""
        found = at.gi_frame.f_locals
        if at.gi_code.co_name == "_get_tasks":
            return task_name(found["func"])
        if getattr(found.get("func"), "__name__", "") not in ("mapstar", "starmapstar"):
            return ""
        at = found.get("iterable")
    return ""
