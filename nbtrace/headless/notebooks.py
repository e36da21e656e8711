"""Notebooks as files.

Enters: a path. Leaves: a notebook of nbformat, or a `NotebookFileError`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

_SKIPPED = "skip-execution"
"""The tag of cells that nbclient leaves as they are."""


class NotebookFileError(ValueError):
    """A file that is no notebook."""


def read_notebook(path: Path) -> Any:
    """Return a notebook as nbformat reads it, of the current version. Raises NotebookFileError for a file that is none, and
    OSError."""
    if path.is_dir():
        raise NotebookFileError(f"{str(path)!r} is a folder. Name the notebooks in it, as in  {path}/*.ipynb")
    if path.exists() and not path.is_file():
        raise NotebookFileError(f"{str(path)!r} is no file, but a pipe or a device.")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotebookFileError(f"there is no file {str(path)!r}.") from None
    except ValueError:
        raise NotebookFileError(f"{str(path)!r} is no notebook: it is not text.") from None
    # It opens the checkers of JSON schemas, which takes as long as a kernel takes to boot.
    from nbformat import reads
    from traitlets.log import get_logger

    log: Any = get_logger()
    before, log.disabled = log.disabled, True  # of what no schema has, but nbclient runs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids get some, as with every reader
            notebook = reads(text, as_version=4)
        for cell in notebook.cells:
            if not isinstance(cell["source"], str) or not hasattr(cell["metadata"], "get"):
                raise ValueError("a cell has no source, or no metadata.")
    except Exception as error:
        why = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise NotebookFileError(f"{str(path)!r} is no notebook: {why}") from None
    finally:
        log.disabled = before
    return notebook


def is_run(cell: Any) -> bool:
    """Whether running a notebook runs this cell: code, that nobody has tagged as to be skipped."""
    tags = cell["metadata"].get("tags", [])
    return cell["cell_type"] == "code" and bool(cell["source"].strip()) and _SKIPPED not in tags
