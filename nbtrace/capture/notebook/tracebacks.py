"""What a traceback has of IPython: its own frames, and the files that it compiles cells as."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

_FRAME = re.compile(r'^([ |]*)File "([^"\n]+)", (line \d+)(, in <(?:module|cell line: \d+)>)?', re.MULTILINE)


def named_cells(stack: str, counts: Mapping[str, int]) -> str:
    """Return a stack trace with `Cell In[18], line 5` where it names the file that IPython compiled a cell as, as the notebook
    does. `counts`: the execution count by that file."""

    def named(frame: re.Match[str]) -> str:
        count = counts.get(frame[2])
        return frame[0] if count is None else f"{frame[1]}Cell In[{count}], {frame[3]}"

    return _FRAME.sub(named, stack) if counts else stack


def ipython_directory() -> str:
    """Return where IPython lives, "" where it is not there (a script); it is not imported to find out."""
    return os.path.dirname(getattr(sys.modules.get("IPython"), "__file__", None) or "")
