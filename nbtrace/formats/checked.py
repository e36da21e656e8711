"""What a file says of spans, as far as spans can be like that.

Enters: a `Batch` as a file gave it. Leaves: one whose ids are ids, whose times are times and whose JSON is JSON, so that no
answer stumbles over it later; and how many spans that has cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.batch import Attributes, Batch, part
from nbtrace.store.schema import STATES
from nbtrace.store.values import decode_json

Mask = npt.NDArray[np.bool_]

_NO_TIME = -(2**63)
"""What pandas takes for a time that is missing."""

_DIGITS = np.full(256, 255, dtype=np.uint8)
_DIGITS[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = np.arange(16, dtype=np.uint8)

_ENDED, _UNFINISHED = STATES.index("ended"), STATES.index("unfinished")


@dataclass(slots=True)
class Checked:
    """How often something was not as it must be."""

    spans: int = 0
    resources: int = 0
    values: int = 0

    def said(self) -> list[str]:
        """Return a sentence for each kind of it."""
        found = (
            (self.spans, "left out, as their ids, names or times are none"),
            (self.resources, "shown without their resource, which is no JSON object"),
            (self.values, "attributes shown as text, as they are no JSON"),
        )
        return [f"{count:,} {'' if 'attributes' in what else 'spans '}{what}" for count, what in found if count]


def checked(batch: Batch, counts: Checked) -> Batch:
    """Return the batch without what cannot be, and count that."""
    bad = _bad(batch)
    if bad.any():
        counts.spans += int(bad.sum())
        batch = part(batch, ~bad)
    spans = {name: batch.spans.column(name) for name in batch.spans.schema.names}
    has_end, ended = np.asarray(spans["end_ns"].is_valid()), np.asarray(spans["state"]) == _ENDED
    if (has_end != ended).any():
        spans["state"] = pa.array(np.where(ended & ~has_end, _UNFINISHED, np.asarray(spans["state"])).astype(np.int8))
        spans["end_ns"] = pc.if_else(pa.array(ended), spans["end_ns"], pa.scalar(None, pa.int64()))
    spans["origin"] = _origins(spans["origin"], counts)
    return replace(
        batch,
        spans=pa.RecordBatch.from_pydict(spans),
        attributes=_json(batch.attributes, counts),
        event_attributes=_json(batch.event_attributes, counts),
        link_attributes=_json(batch.link_attributes, counts),
    )


def without_twins(batches: Sequence[Batch]) -> tuple[list[Batch], list[str]]:
    """Return the batches with each span once, and a sentence on those that were there several times: one that has ended is kept
    before an unfinished one, that before a running one, and the first before the others."""
    if not batches:
        return [], []
    ids = np.concatenate([numbers(batch.spans["span_id"], 16)[0] for batch in batches])
    kept = _first_of_each(ids, np.concatenate([_rank(batch) for batch in batches]))
    if kept.all():
        return list(batches), []
    twins = int((~kept).sum())
    ends = np.cumsum([batch.length for batch in batches])[:-1]
    found = [part(batch, own) for batch, own in zip(batches, np.split(kept, ends), strict=True)]
    have = "row has" if twins == 1 else "rows have"
    return [batch for batch in found if batch.length], [
        f"{twins:,} {have} the span_id of another, of which the one that has ended, else the first, is kept"
    ]


def _first_of_each(ids: npt.NDArray[np.uint64], rank: npt.NDArray[np.int8]) -> Mask:
    """Which rows are the first of the lowest rank with their id."""
    kept = np.ones(len(ids), dtype=bool)
    order = np.argsort(ids, kind="stable")
    same = ids[order][1:] == ids[order][:-1]
    if not same.any():
        return kept
    order = np.lexsort((rank, ids))  # keeps the order of what is equal
    kept[order[1:][ids[order][1:] == ids[order][:-1]]] = False
    return kept


def _rank(batch: Batch) -> npt.NDArray[np.int8]:
    ranks = np.array([("ended", "unfinished", "running").index(state) for state in STATES], dtype=np.int8)
    found: npt.NDArray[np.int8] = ranks[np.asarray(batch.spans["state"])]
    return found


def numbers(texts: Any, digits: int) -> tuple[npt.NDArray[np.uint64], Mask]:
    """Return ids as numbers (of longer ones the last 16 digits) and which of them are none; 0 for those and for missing ones."""
    length = len(texts)
    fits = pc.equal(pc.binary_length(texts), digits).fill_null(False)
    even = pc.if_else(fits, texts, pa.scalar("0" * digits, texts.type))
    data = np.frombuffer(even.buffers()[2] or b"", dtype=np.uint8)[: length * digits].reshape(length, digits)
    values = _DIGITS[data]
    bad = ~np.asarray(fits.cast(pa.uint8())).astype(bool) & np.asarray(texts.is_valid())
    strange = (values == 255).any(axis=1)
    values = np.where(strange[:, None], np.uint8(0), values) if strange.any() else values
    packed = np.ascontiguousarray((values[:, 0::2] << 4 | values[:, 1::2])[:, -8:])
    return packed.view(">u8").reshape(length).astype(np.uint64), bad | strange


def _bad(batch: Batch) -> Mask:
    """Which spans cannot be."""
    spans, bad = batch.spans, np.zeros(batch.length, dtype=bool)
    for name in ("name", "start_ns", "cell", "dropped_attributes", "dropped_events", "dropped_links", "propagated"):
        if spans[name].null_count:
            bad |= np.asarray(spans[name].is_null())
    for name in ("start_ns", "end_ns"):
        bad |= np.asarray(pc.equal(spans[name], _NO_TIME).fill_null(False).cast(pa.uint8())).astype(bool)
    for name in ("span_id", "parent_span_id"):
        bad |= numbers(spans[name], 16)[1]
    bad |= _bad_traces(spans["trace_id"])
    events, links = batch.events, batch.links
    wrong = np.asarray(pc.equal(events["time_ns"], _NO_TIME).fill_null(True).cast(pa.uint8())).astype(bool)
    bad[np.asarray(events["row"])[wrong | np.asarray(events["name"].is_null())]] = True
    wrong = _bad_traces(links["linked_trace_id"]) | np.asarray(links["linked_span_id"].is_null())
    bad[np.asarray(links["row"])[wrong | numbers(links["linked_span_id"], 16)[1]]] = True
    return bad


def _bad_traces(column: Any) -> Mask:
    """Which of the dictionary-encoded ids of traces are none."""
    wrong = np.append(numbers(column.dictionary, 32)[1] | np.asarray(column.dictionary.is_null()), True)
    return wrong[np.asarray(column.indices.fill_null(-1))]


def _origins(column: Any, counts: Checked) -> Any:
    known = column.dictionary.to_pylist()
    bad = [at for at, origin in enumerate(known) if not _is_map(origin["resource"])]
    if not bad:
        return column
    counts.resources += int(np.isin(np.asarray(column.indices), bad).sum())
    for at in bad:
        known[at]["resource"] = "{}"
    return pa.DictionaryArray.from_arrays(column.indices, pa.array(known, column.dictionary.type))


def _is_map(text: str | None) -> bool:
    try:
        return text is not None and isinstance(decode_json(text), dict)
    except (ValueError, RecursionError):
        return False


def _json(attributes: Attributes, counts: Checked) -> Attributes:
    """Attributes of which those that should be JSON are."""
    found: Attributes = {}
    for key, runs in attributes.items():
        found[key] = []
        for run in runs:
            if run.kind == "json":
                texts = run.values.to_pylist()
                wrong = [at for at, text in enumerate(texts) if not _is_json(text)]
                if wrong:
                    counts.values += len(wrong)
                    for at in wrong:
                        texts[at] = _quoted(texts[at])
                    run = replace(run, values=pa.array(texts, pa.string()))
            found[key].append(run)
    return found


def _is_json(text: str) -> bool:
    try:
        decode_json(text)
    except (ValueError, RecursionError):
        return False
    return True


def _quoted(text: str) -> str:
    return json.dumps(text)
