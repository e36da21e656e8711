"""pyarrow and pandas, opened when sealing or an answer needs them: not before, as a user's first cell may fork, and as loading
nbtrace is to cost nothing."""

from __future__ import annotations

import _thread
import os
import sys
import time
from importlib import metadata

_IMPORT_PATIENCE_S = 10.0

_opening: set[int] = set()


class LibraryVersionsError(ImportError):
    """The libraries that hold a recording cannot be opened, mostly because of versions that do not fit together."""


class Opening:
    """While a thread opens what sealing and answers need, a fork waits: the child would find modules half open, and their
    locks held by a thread that it does not have."""

    def __enter__(self) -> None:
        _opening.add(_thread.get_ident())

    def __exit__(self, *error: object) -> None:
        _opening.discard(_thread.get_ident())


def open_libraries() -> None:
    """Open pyarrow, and pandas, which pyarrow opens when it makes an array. Raises LibraryVersionsError if that fails."""
    if "pandas" in sys.modules and not _opening and "nbtrace.store.seal" in sys.modules:
        return
    with Opening():
        try:
            from nbtrace.store.seal import seal

            seal([])
        except ImportError as error:
            raise LibraryVersionsError(_what_fits(error)) from None


def _what_fits(error: ImportError) -> str:
    """What is installed, why it does not work, and what to install."""
    pyarrow, numpy = _version("pyarrow"), _version("numpy")
    if pyarrow is None or numpy is None:
        missing = "pyarrow" if pyarrow is None else "numpy"
        return f"nbtrace needs {missing}, which is not installed. Type  %pip install {missing}  and restart the kernel."
    # Neither says so in its metadata: pyarrow 26 needs numpy 2, and before 16 it was built for numpy 1.
    wanted = "--upgrade pyarrow numpy"
    if _major(numpy) < 2 and _major(pyarrow) >= 26:
        wanted = '"numpy>=2"  or  %pip install "pyarrow<26"'
    elif _major(numpy) >= 2 and _major(pyarrow) < 16:
        wanted = '"pyarrow>=16"  or  %pip install "numpy<2"'
    return (
        f"pyarrow {pyarrow} and numpy {numpy} do not fit together ({error}), so nothing can be shown; cells are recorded all "
        f"the same. Type  %pip install {wanted}  and restart the kernel."
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _before_fork() -> None:
    until = time.monotonic() + _IMPORT_PATIENCE_S
    while _opening - {_thread.get_ident()} and time.monotonic() < until:
        time.sleep(0.001)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
