"""Threads and thread pools carry the current span of the code that starts or submits.

threading.Thread (Timer, and subclasses with a run() of their own), concurrent.futures.ThreadPoolExecutor (and so
run_in_executor), multiprocessing.pool.ThreadPool (and so joblib's threading backend). No frame of ours is in a traceback
that comes out of them, and threading.Thread itself is left as it is: whoever mocks, inspects or wraps it finds the original.

Where opentelemetry-instrumentation-threading is active, this steps aside."""

from __future__ import annotations

import concurrent.futures.thread
import functools
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from opentelemetry.context import Context, get_current

from nbtrace.capture.current_cell import CELL, attach
from nbtrace.capture.patches import Patch
from nbtrace.capture.sampling import working_threads
from nbtrace.capture.task_parent import is_task

_CARRIED = "_nbtrace_carried"


class Carried(NamedTuple):
    """What travels: OpenTelemetry's context and the cell. Other context variables stay where they are, as without us."""

    context: Context
    cell: int
    works: bool
    """Whether the thread works for a cell, or a program, that is sampled: then those that it gives work do too."""

    @classmethod
    def here(cls) -> Carried:
        """Return what is current here."""
        context = get_current()
        return cls(context, CELL.get(), working_threads.at_work() or is_task(context))

    def arrive(self) -> None:
        """Make it current in this thread."""
        attach(self.context)
        CELL.set(self.cell)
        if self.works:
            working_threads.begin(self.cell, self.context)
        else:
            working_threads.cease()


class _Arriving:
    """Stands for a function in a pool's queue, and makes what it carries current when it is called.

    `__call__` is a property: Python looks it up, and so runs `arrive`, right before it calls what the property gave. A
    wrapping function would do the same and show up in every traceback."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._carried = Carried.here()

    @property
    def __call__(self) -> Callable[..., Any]:
        self._carried.arrive()
        return self._function


def packaged_instrumentation_active() -> bool:
    """Whether opentelemetry-instrumentation-threading does this already."""
    module = sys.modules.get("opentelemetry.instrumentation.threading")
    instrumentor = getattr(module, "ThreadingInstrumentor", None)
    return bool(instrumentor and getattr(instrumentor(), "is_instrumented_by_opentelemetry", False))


def install() -> None:
    """Patch the standard library, unless the packaged instrumentation is active."""
    global _limbo, _stepped_aside
    _stepped_aside = packaged_instrumentation_active()
    if _patches or _stepped_aside:
        return
    _limbo = _Limbo.install()
    _patches.append(Patch(concurrent.futures.thread._WorkItem, "__init__", _around_item))
    _patches.append(Patch(concurrent.futures.thread._WorkItem, "run", _around_item_run))
    # Only for pools of threads: a pool of processes would have to pickle what travels. Opened on demand, as
    # multiprocessing is not free to import.
    from multiprocessing.pool import ThreadPool

    _patches.append(Patch(ThreadPool, "apply_async", _around_apply))
    _patches.append(Patch(ThreadPool, "_guarded_task_generation", _around_tasks))


def uninstall() -> None:
    """Put the standard library's functions back."""
    global _limbo
    while _patches:
        _patches.pop().undo()
    if _limbo is not None:
        _limbo.remove()
        _limbo = None


def status() -> str:
    """Say what becomes of threads."""
    if _stepped_aside:
        return "Threads: carried by opentelemetry-instrumentation-threading, which is active."
    return "Threads and thread pools: their spans nest under the cell that starts or submits them."


class _Limbo(dict[threading.Thread, threading.Thread]):
    """The dict in which `threading` keeps the threads that are being started: a thread is put into it by the thread that
    starts it, in every `Thread.start`, whoever calls it and however it is wrapped; and taken out by the new thread, before it
    runs anything. So it notes what the thread carries, and makes that current; docs/decisions/0007."""

    def __init__(self, plain: dict[threading.Thread, threading.Thread]) -> None:
        super().__init__(plain)
        self._plain = plain
        self._carried: dict[int, tuple[Carried, int]] = {}
        """What each carries, and which thread starts it. Of the thread itself nothing is asked: it may be the user's class."""
        self._active = True

    @classmethod
    def install(cls) -> _Limbo | None:
        """Put a limbo in place of the plain one; None where `threading` has none."""
        plain = vars(threading).get("_limbo")
        if type(plain) is not dict:
            return None
        with threading._active_limbo_lock:  # type: ignore[attr-defined]
            limbo = threading._limbo = cls(plain)  # type: ignore[attr-defined]
        return limbo

    def remove(self) -> None:
        """Put the plain one back, with the threads that are being started at this moment."""
        self._active = False
        with threading._active_limbo_lock:  # type: ignore[attr-defined]
            if vars(threading).get("_limbo") is self:
                self._plain.clear()
                self._plain.update(self)
                threading._limbo = self._plain  # type: ignore[attr-defined]

    def __setitem__(self, thread: threading.Thread, value: threading.Thread) -> None:
        if self._active:
            self._carried[id(thread)] = Carried.here(), threading.get_ident()
        super().__setitem__(thread, value)

    def __delitem__(self, thread: threading.Thread) -> None:
        super().__delitem__(thread)
        carried, starter = self._carried.pop(id(thread), (None, 0))
        # Where a thread cannot be started, it is the one that wanted it that takes it out.
        if carried is not None and starter != threading.get_ident():
            carried.arrive()

    def clear(self) -> None:
        """A child after a fork has none of the threads."""
        self._carried.clear()
        super().clear()


_patches: list[Patch] = []
_limbo: _Limbo | None = None
_stepped_aside = False


def _around_item(initialise: Callable[..., Any]) -> Callable[..., Any]:
    def initialised(self: Any, *args: Any, **kwargs: Any) -> None:
        initialise(self, *args, **kwargs)
        vars(self)[_CARRIED] = Carried.here()

    return initialised


def _around_item_run(run: Callable[..., Any]) -> Callable[..., Any]:
    def ran(self: Any, *args: Any, **kwargs: Any) -> Any:
        carried = vars(self).pop(_CARRIED, None)
        if carried is None:
            return run(self, *args, **kwargs)
        before = Carried.here()
        carried.arrive()
        try:
            return run(self, *args, **kwargs)
        finally:
            before.arrive()  # the idle worker must not keep a cell's span alive

    return ran


def carry_in(item: type) -> list[Patch]:
    """Have a pool's own kind of `_WorkItem` carry too. Its threads work for others only while they do something: what was current
    where a thread was started is not what its later work is about."""
    return [Patch(item, "__init__", _around_item), Patch(item, "run", _around_clean_run)]


def _around_clean_run(run: Callable[..., Any]) -> Callable[..., Any]:
    def ran(self: Any, *args: Any, **kwargs: Any) -> Any:
        carried = vars(self).pop(_CARRIED, _NOTHING)
        carried.arrive()
        try:
            return run(self, *args, **kwargs)
        finally:
            _NOTHING.arrive()

    return ran


_NOTHING = Carried(Context(), 0, works=False)


def _around_apply(apply_async: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(apply_async)
    def applied(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return apply_async(self, _Arriving(func), *args, **kwargs)

    return applied


def _around_tasks(generate: Callable[..., Any]) -> Callable[..., Any]:
    def tasks(self: Any, result_job: Any, func: Callable[..., Any], iterable: Iterable[Any]) -> Any:
        return generate(self, result_job, _Arriving(func), iterable)

    return tasks
