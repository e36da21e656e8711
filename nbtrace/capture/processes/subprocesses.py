"""Children that `subprocess` starts are told what was current where they were started, if a person has asked for it.

By their environment: TRACEPARENT, which whatever speaks OpenTelemetry may read, and what `nbtrace.arrive()` reads. What a person
calls is left as it is; what starts the process is told a longer environment."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from nbtrace.capture.patches import QuickPatch
from nbtrace.capture.processes.carried import TRAVELS, Carried
from nbtrace.faults import fault

TRACEPARENT = "TRACEPARENT"
ARRIVES = "NBTRACE_ARRIVES"
"""The variable that holds what a child carries, and when it was started."""

_now_ns = partial(time.time_ns)

_ENVIRONMENT = 5
"""Which argument of the function that forks and executes it is."""

_POSIX_SPAWN = "_USE_POSIX_SPAWN"

_patches: list[Any] = []

can = hasattr(subprocess, "_fork_exec") and os.name == "posix"


def install() -> None:
    """Tell children from here on. Raises OSError where this Python starts them otherwise."""
    if not can:
        raise OSError("children are started otherwise here than nbtrace knows")
    if not _patches:
        _patches.append(QuickPatch(subprocess, "_fork_exec", _around_fork_exec))
        _patches.append(_ForkAlways())


def uninstall() -> None:
    """Tell them nothing more."""
    while _patches:
        _patches.pop().undo()


def is_on() -> bool:
    """Whether children are told."""
    return bool(_patches)


def status() -> str:
    """Say what becomes of children."""
    if not _patches:
        return "Subprocesses: are told nothing (%nbtrace propagate on)."
    return "Subprocesses: get TRACEPARENT; a Python program comes home by nbtrace.arrive() or under opentelemetry-instrument."


def carried(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Return what the environment of this process says that it carries, and when it was started; None for nothing."""
    sent, _, text = environment.get(ARRIVES, "").partition(" ")
    try:
        return (text, int(sent)) if text and Carried.read(text) else None
    except ValueError:
        return None


def variables(text: str) -> dict[str, str]:
    """Return what stands in the environment of a child that carries this."""
    known = Carried.read(text)
    said = {ARRIVES: f"{_now_ns()} {text}"}
    if known.span_id:
        said[TRACEPARENT] = f"00-{known.trace_id:032x}-{known.span_id:016x}-{known.flags:02x}"
    return said


class _ForkAlways:
    """With few of Popen's options the child would be started by another function, which reads no list."""

    def __init__(self) -> None:
        self._before = vars(subprocess).get(_POSIX_SPAWN)
        setattr(subprocess, _POSIX_SPAWN, False)  # as its documentation has it

    def undo(self) -> None:
        """Let it be as it was."""
        setattr(subprocess, _POSIX_SPAWN, self._before)


def _around_fork_exec(fork_exec: Callable[..., Any]) -> Callable[..., Any]:
    def told(*arguments: Any) -> Any:
        try:
            if _patches and (text := TRAVELS.leaves()) is not None:
                arguments = (
                    *arguments[:_ENVIRONMENT],
                    _with(arguments[_ENVIRONMENT], text),
                    *arguments[_ENVIRONMENT + 1 :],
                )
        except Exception:
            fault("telling a subprocess where it comes from")
        return fork_exec(*arguments)

    return told


def _with(environment: Any, text: str) -> list[bytes]:
    """An environment, None for that of this process, with what a child carries. What a person has set stays."""
    said = {name.encode(): value.encode() for name, value in variables(text).items()}
    if environment is None:  # what is in it names what this process was started by
        return [name + b"=" + value for name, value in ({**os.environb, **said}).items()]
    names = {each.partition(b"=")[0] for each in environment} - {ARRIVES.encode()}
    kept = [each for each in environment if not each.startswith(ARRIVES.encode() + b"=")]
    return kept + [name + b"=" + value for name, value in said.items() if name not in names]
