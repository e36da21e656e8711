"""nbtrace loaded from outside the notebook: by `nbtrace run` and `nbtrace exec`, and where `nbtrace enable` has been typed.

A module of its own, so that IPython does not take nbtrace itself for loaded: a notebook's own `%load_ext nbtrace` says nothing,
as it would without us, and its `%unload_ext nbtrace` works."""

from __future__ import annotations

import sys
from typing import Any

from nbtrace.extension.handed import ARGUMENT
from nbtrace.extension.shell import load, unload


def load_ipython_extension(shell: Any) -> None:
    """Load nbtrace as whoever runs the notebook wants it."""
    # Code that reads the kernel's arguments (argparse with a dummy -f) must not stumble over one more.
    sys.argv[:] = [each for each in sys.argv if each != ARGUMENT]
    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take nbtrace out again."""
    unload(shell)
