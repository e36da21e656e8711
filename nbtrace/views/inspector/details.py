"""All that is known of spans, for the panel and the search of the inspector: compressed, a thousand spans at a time.

Enters: spans that have been placed in the browser. Leaves: frames. Only these spans are looked at: nothing of others in their
batch can come along."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from nbtrace.store.batch import Attributes, Batch
from nbtrace.store.schema import KINDS, STATUS_CODES
from nbtrace.store.values import decode_json
from nbtrace.views.inspector.frames import Frame, frame
from nbtrace.views.inspector.placed import Ints, Placed, below
from nbtrace.views.inspector.protocol import DETAILS

MAX_SAFE_INTEGER = 2**53


def details(placed: Placed) -> Iterator[Frame]:
    """Return what the panel shows of spans, in frames of up to a thousand: the keys of their attributes, and two columns, the
    rows, and the zlib-compressed JSON of a list."""
    for each in placed.slices():
        described = _describe(each.batch, each.positions)
        text = json.dumps(described, ensure_ascii=True, allow_nan=False)
        keys = sorted({key for item in described for key in item["attributes"]})
        data = np.frombuffer(zlib.compress(text.encode("ascii"), 1), dtype=np.uint8)
        yield frame({"kind": DETAILS, "keys": keys}, (each.rows.astype(np.int32), data))


_DESCRIBED = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "kind",
    "status",
    "status_message",
    "start_ns",
    "origin",
    "thread",
    "dropped_attributes",
    "dropped_events",
    "dropped_links",
)


def _describe(batch: Batch, positions: Ints) -> list[dict[str, Any]]:
    """What is known of the rows that stand there, as JSON can hold it."""
    where = pa.array(positions)
    columns = [batch.spans[name].take(where).to_pylist() for name in _DESCRIBED]
    found: list[dict[str, Any]] = []
    for fields, attributes in zip(zip(*columns, strict=True), attributes_of(batch.attributes, positions), strict=True):
        trace_id, span_id, parent, kind, status, message, start_ns, origin, thread, *dropped = fields
        found.append(
            {
                "id": span_id,
                "trace": trace_id,
                "parent": parent,
                "kind": KINDS[kind],
                "status": STATUS_CODES[status],
                "message": message,
                "start": str(start_ns),
                "attributes": _plain(attributes),
                "scope": [origin["scope_name"], origin["scope_version"]],
                "resource": _plain(decode_json(origin["resource"])),
                "thread": [_plain(thread[field]) for field in ("process_pid", "thread_id", "thread_name")],
                "dropped": dropped,
            }
        )
    _add(found, "events", batch.events, batch.event_attributes, positions, ("name", "time_ns"))
    _add(found, "links", batch.links, batch.link_attributes, positions, ("linked_trace_id", "linked_span_id"))
    return found


def _add(
    found: list[dict[str, Any]],
    what: str,
    table: Any,
    attributes: Attributes,
    positions: Ints,
    columns: Sequence[str],
) -> None:
    """Put events or links to the spans that they belong to."""
    chosen, owner = below(table, positions)
    if not len(chosen):
        return
    first, second = (table[column].take(pa.array(chosen)).to_pylist() for column in columns)
    dicts = attributes_of(attributes, chosen)
    for place, one, two, values in zip(owner.tolist(), first, second, dicts, strict=True):
        found[place].setdefault(what, []).append([one, str(two), _plain(values)])


def attributes_of(attributes: Attributes, positions: Ints, only: frozenset[str] | None = None) -> list[dict[str, Any]]:
    """Return the attributes of the rows that stand there, and of no others; only some keys if these are given."""
    found: list[dict[str, Any]] = [{} for _ in positions]
    if not len(positions):
        return found
    everywhere = range(len(positions))
    for key, runs in attributes.items():
        if only is not None and key not in only:
            continue
        for run in runs:
            at: Ints = positions
            places: Sequence[int] = everywhere
            if run.rows is not None:
                if not len(run.rows):
                    continue
                at = np.minimum(np.searchsorted(run.rows, positions), len(run.rows) - 1)
                hit = run.rows[at] == positions
                at, places = at[hit], np.flatnonzero(hit).tolist()
            for place, item in zip(places, run.values.take(pa.array(at)).to_pylist(), strict=True):
                found[place][key] = decode_json(item) if run.kind == "json" else item
    return found


def _plain(value: Any) -> Any:
    """A value as JSON in a browser can hold it: what it could not tell apart or would lose becomes text, marked."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": repr(value)}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= MAX_SAFE_INTEGER:
        return {"$": str(value)}
    if isinstance(value, bytes):
        return {"$": repr(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
