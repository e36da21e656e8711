"""Parameters of a notebook, as papermill has them: a cell tagged `parameters` holds the defaults, and one that is put behind it
those of this run.

Enters: a notebook, and what was typed. Leaves: the notebook with one cell more, or a `ParameterError`."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Mapping
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

TAG = "parameters"
INJECTED = "injected-parameters"


class ParameterError(ValueError):
    """A parameter that the notebook does not know, or that cannot be read."""


def read_parameters(typed: tuple[str, ...]) -> dict[str, Any]:
    """Return parameters from texts such as `alpha=0.1`: numbers, true, false, null, lists and maps as JSON or Python writes them,
    anything else as text. Raises ParameterError for what is none."""
    found: dict[str, Any] = {}
    for text in typed:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ParameterError(f"{text!r} is no parameter. Type for example  --param alpha=0.1")
        if name in found:
            raise ParameterError(f"--param {name} stands there twice.")
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if ast_safe(value) else text
    return text


def ast_safe(value: Any) -> bool:
    """Whether Python reads back what it writes of a value: not of infinities, say."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, RecursionError):
        return False


def put_in(cells: list[Any], parameters: Mapping[str, Any], new_cell: Any) -> None:
    """Put a cell with these parameters behind the one that holds the defaults, in the place of one that an earlier run has left.

    new_cell: makes a code cell of a source. Raises ParameterError where there is no cell of defaults, and for a name that it
    does not set."""
    if not parameters:
        return
    places = [number for number, cell in enumerate(cells) if cell["cell_type"] == "code" and TAG in _tags(cell)]
    if not places:
        raise ParameterError(
            f"the notebook takes no parameters: no cell has the tag {TAG!r}. Give it to the cell that sets their defaults."
        )
    at = places[0]
    known = _names(cells[at]["source"])
    for name in parameters:
        if known is not None and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"Did you mean {near[0]}?" if near else f"It knows {', '.join(sorted(known)) or 'none'}."
            raise ParameterError(f"the notebook knows no parameter {name!r}. {meant}")
    lines = ["# Parameters", *(f"{name} = {value!r}" for name, value in parameters.items())]
    cell = new_cell("\n".join(lines))
    cell["metadata"]["tags"] = [INJECTED]
    cells[:] = [each for each in cells if INJECTED not in _tags(each)]
    cells.insert(cells.index(next(each for each in cells if TAG in _tags(each))) + 1, cell)


def _tags(cell: Any) -> list[str]:
    tags = cell.get("metadata", {}).get("tags", [])
    return tags if isinstance(tags, list) else []


def _names(source: str) -> set[str] | None:
    """The names that a cell sets; None where its code cannot be read."""
    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError):
        return None
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
