"""Dask: tasks that a notebook sends to a scheduler nest below the cell that has sent them, wherever they are done.

    %nbtrace dask                    the current client, and those that are used from here on
    nbtrace.dask.install(client)     the same in a program, for one client
    nbtrace.dask.uninstall()         and off again

Needs dask.distributed: pip install "nbtrace[dask]". Nothing of Dask is imported before it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrace.cluster.dask.following import Following

__all__ = ["install", "status", "uninstall"]

_following: Following | None = None


def install(client: Any = None) -> str:
    """Follow a `dask.distributed.Client`: what it sends while something is recorded is recorded too. Return what that means.

    client: None for the current one, and each one that is used from here on.

    Each task becomes a span between what has sent it and what is recorded in it, named as Dask names its kind, with
    `nbtrace.task.key`, `.worker`, `.waited` and `.transfer` in seconds, and `host.name`; see `nbtrace.tasks()`. What a worker
    records comes home by the scheduler; of a worker that has no nbtrace, or another version, the tasks are known. An asynchronous
    client is not waited for: what it sends at once may run before its workers know of it.

    Raises ImportError where dask.distributed is missing, TypeError for what is no client, ValueError for one that is closed,
    RuntimeError where the version of Dask cannot be followed."""
    global _following
    if _following is None:
        try:
            from nbtrace.cluster.dask.following import Following
        except ImportError as error:
            raise ImportError(f'{error}. Type  pip install "nbtrace[dask]"') from None
        _following = Following()
    return _following.install(client)


def uninstall() -> None:
    """Follow no client any more; workers are as before."""
    if _following is not None:
        _following.uninstall()


def status() -> list[str]:
    """Return sentences that say which clients are followed, what has come of their workers, and what has not."""
    return [] if _following is None else _following.status()
