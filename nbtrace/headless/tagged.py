"""What other runners do not send with a cell: its id and its tags, taken from the notebook's file.

Enters: what a kernel recorded, and the notebook that it ran. Leaves: the same, with what the file says of cells of the same
code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbtrace.store.batch import with_ids, without
from nbtrace.store.book import digest
from nbtrace.store.schema import WIDTH, RowFields
from nbtrace.store.semconv import JUPYTER_CELL_ID, JUPYTER_CELL_TAGS
from nbtrace.store.span_store import Snapshot, SpanStore
from nbtrace.store.unseal import unseal

_SPAN_ID, _KEYS = map(RowFields._fields.index, ("span_id", "keys"))


def tagged(snapshot: Snapshot, notebook: Path) -> Snapshot:
    """Return what was recorded, with ids and tags where none were sent. A file that cannot be read says nothing."""
    known = _cells(notebook)
    found = {
        execution.span_id: known[execution.digest]
        for execution in snapshot.executions
        if execution.digest in known and execution.cell_id is None
    }
    if not found:
        return snapshot
    store = SpanStore(redact=False)
    batches = []
    for batch in snapshot.batches:
        for row in unseal(with_ids(batch, found)):
            more = found[row[_SPAN_ID]]
            store.append((*row[:_KEYS], (*row[_KEYS], *more), *row[WIDTH:], *more.values()))
        batches.append(without(batch, found))
    executions = tuple(
        replace(each, cell_id=found[each.span_id].get(JUPYTER_CELL_ID)) if each.span_id in found else each
        for each in snapshot.executions
    )
    return replace(snapshot, batches=(*store.snapshot().batches, *batches), executions=executions)


def _cells(notebook: Path) -> dict[str, dict[str, Any]]:
    """By what tells their code from others', the attributes of a notebook's cells."""
    found: dict[str, dict[str, Any]] = {}
    try:
        for cell in json.loads(notebook.read_bytes())["cells"]:
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            tags = tuple(tag for tag in cell["metadata"].get("tags", ()) if isinstance(tag, str))
            attributes = {JUPYTER_CELL_ID: cell.get("id"), JUPYTER_CELL_TAGS: tags}
            found.setdefault(digest(source), {key: value for key, value in attributes.items() if value})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {code: attributes for code, attributes in found.items() if attributes}
