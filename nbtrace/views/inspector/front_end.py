"""Who is looking: a front end that can show a widget, or somebody who reads text. Imports nothing heavy."""

from __future__ import annotations

import sys
from importlib.resources import files


def has_front_end() -> bool:
    """Whether there is somebody who can show a widget: a kernel's front end, or marimo."""
    if "marimo" in sys.modules:
        return True
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def static(name: str) -> str:
    """Return a file of the built front end."""
    return files("nbtrace.views").joinpath("static", name).read_text(encoding="utf-8")
