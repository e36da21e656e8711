"""Dask, as one shell follows it: switched on and off, and what is said of it.

Enters: what a person types. Leaves: clients that are followed, and sentences. Until then nothing of it is imported."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from IPython.core.error import UsageError

from nbtrace.faults import fault

_MODULE = "nbtrace.cluster.dask"


class ShellDask:
    """Whether clients of Dask's are followed."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def on(self, name: str) -> str:
        """Follow the client that a variable holds, or any where none is named; return what to say. Raises UsageError."""
        namespace = self._shell.user_ns
        if name and name not in namespace:
            raise UsageError(
                f"there is no variable {name}. Type  %nbtrace dask  for the current client and later ones."
            )
        try:
            said: str = import_module(_MODULE).install(namespace[name] if name else None)
        except ImportError as error:
            raise UsageError(str(error)) from None
        except TypeError as error:
            raise UsageError(
                f"{name} cannot be followed: {error}. Type  %nbtrace dask  for the current client."
            ) from None
        except ValueError as error:
            raise UsageError(
                f"{name} cannot be followed: {error}. Make another client, or type  %nbtrace dask"
            ) from None
        except RuntimeError as error:
            raise UsageError(f"{error}. Please report it, with the versions of dask and nbtrace.") from None
        return said

    def off(self) -> str:
        """Follow none any more; return what to say."""
        module = sys.modules.get(_MODULE)
        if module is None or not module.status():
            return ""
        try:
            module.uninstall()
        except Exception:
            fault("leaving the clients of Dask's")
        return "nbtrace: clients of Dask's are followed no more."

    def status(self) -> list[str]:
        """Say what is followed, and what has come."""
        module = sys.modules.get(_MODULE)
        return [] if module is None else list(module.status())
