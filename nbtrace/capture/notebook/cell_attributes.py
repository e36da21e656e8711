"""What is known about a cell: its title, its id, its kernel, its notebook, and what it is a part of.

Enters: the shell, the message that asked for the execution, the environment. Leaves: attributes with OpenTelemetry's names."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any

from nbtrace.capture.notebook.magic_line import is_span_line
from nbtrace.store import semconv
from nbtrace.store.book import Execution

_TITLE_LENGTH = 60
_LOOKED_AT = 500


def title(count: int | None, source: str, shown: Callable[[str], str]) -> str:
    """`cell [N]` and the first line of code, as `shown` gives it: a name goes to the user's exporters too."""
    first = shown(_first_line(source))
    if len(first) > _TITLE_LENGTH:
        first = first[: _TITLE_LENGTH - 1] + "…"
    return f"cell [{' ' if count is None else count}] {first}".rstrip()


def _first_line(source: str) -> str:
    """The first line of code: no comment, decorator or %%span line if there is anything else."""
    first = ""
    for line in map(str.strip, source.splitlines() if len(source) < 10_000 else source[:10_000].splitlines()):
        if line and not line.startswith(("#", "@")) and not is_span_line(line):
            return line[:_LOOKED_AT]
        first = first or line
    return first[:_LOOKED_AT]


def attributes(
    constants: dict[str, Any], namespace: dict[str, Any], execution: Execution, asked_by: dict[str, Any]
) -> dict[str, Any]:
    """The attributes of a cell's span. `constants`: those of the kernel; `asked_by`: the message."""
    found = dict(constants)
    path = _from_editor(namespace)
    if path is not None:
        found[semconv.CODE_FILE_PATH] = found[semconv.JUPYTER_NOTEBOOK_PATH] = path
    session = asked_by.get("header", {}).get("session")
    if session:
        found[semconv.JUPYTER_SESSION_ID] = session
    if execution.cell_id:
        found[semconv.JUPYTER_CELL_ID] = execution.cell_id
    if execution.execution_count is not None:
        found[semconv.JUPYTER_CELL_EXECUTION_COUNT] = execution.execution_count
    if tags := _tags(asked_by):
        found[semconv.JUPYTER_CELL_TAGS] = tags
    return found


def _tags(asked_by: dict[str, Any]) -> tuple[str, ...]:
    """What the front end tells of the cell beside its code: JupyterLab sends all of its metadata."""
    tags = asked_by.get("metadata", {}).get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def header(shell: Any) -> dict[str, Any]:
    """The message that asked for this execution; empty where there is no kernel."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return {}
    try:
        parent = kernel.get_parent("shell")
    except Exception:  # kernels older than ipykernel 6.12 keep it elsewhere
        parent = getattr(kernel, "_parent_header", None)
    return parent if isinstance(parent, dict) else {}


def cell_id_of(info: Any, header: dict[str, Any]) -> str | None:
    """The id of the cell in its notebook."""
    cell_id = getattr(info, "cell_id", None) or header.get("metadata", {}).get("cellId")
    return cell_id if isinstance(cell_id, str) else None


def _from_editor(namespace: dict[str, Any]) -> str | None:
    path = namespace.get("__vsc_ipynb_file__")
    return path if isinstance(path, str) else None


def notebook(namespace: dict[str, Any]) -> str | None:
    """Return the path of the notebook; None where nobody tells."""
    return _from_editor(namespace) or kernel_attributes().get(semconv.JUPYTER_NOTEBOOK_PATH)


def kernel_attributes(notebook: str | None = None) -> dict[str, Any]:
    """What is the same for all cells of this kernel. notebook: the path of the notebook, if it is known from elsewhere."""
    found = {}
    path = notebook or os.environ.get("JPY_SESSION_NAME", "")
    if path.endswith(".ipynb"):  # a console has a session too
        found[semconv.CODE_FILE_PATH] = found[semconv.JUPYTER_NOTEBOOK_PATH] = path
    application = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    if application is None or not application.initialized():
        return found
    name = os.path.basename(getattr(application.instance(), "connection_file", "") or "")
    match = re.fullmatch(r"kernel-(.+)\.json", name)
    if match:
        found[semconv.JUPYTER_KERNEL_ID] = match[1]
    return found
