"""Notebooks for tests, and the command line in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[2]


def write(path: Path, *sources: str, tags: Mapping[int, Sequence[str]] | None = None, kernel: str = "") -> Path:
    """Write a notebook of code cells; `tags` by their places."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    for place, those in (tags or {}).items():
        notebook.cells[place].metadata["tags"] = list(those)
    if kernel:
        notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    nbformat.write(notebook, path)
    return path


def text_of(path: Path) -> str:
    """All that the cells of a notebook have printed."""
    notebook: Any = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") for output in outputs)


def start(
    *arguments: str, folder: Path, stdout: IO[str] | int = subprocess.PIPE, **environment: str
) -> subprocess.Popen[str]:
    """Start `nbtrace …` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "nbtrace", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "110", **environment},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kept(said: str, what: str, folder: Path) -> Path:
    """The file that a summary names."""
    (found,) = re.findall(rf"^{what} +(.+)$", said, re.MULTILINE)
    return folder / str(found)
