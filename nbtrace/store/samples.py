"""Samples: what a thread was doing at a moment, and how long that stands for.

Enters: row tuples with the fields of `SampleFields`. Leaves: a `SampleBatch` of narrow Arrow columns, some 15 bytes a sample."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nbtrace.store.batch import THREAD_TYPE, kept_rows
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import Row, Thread
from nbtrace.store.stacks import Stack
from nbtrace.store.values import clean_text

TIME_UNIT_NS = 10_000
"""What times of samples are counted in: a hundredth of a millisecond is little beside the ten between two of them."""

MEMORY_UNIT_BYTES = 16_384

_OVERHEAD = 4_000


class SampleFields(NamedTuple):
    """The fields of a row, in their order."""

    time_ns: int
    cell: int
    """Number of the execution for which the thread worked, 0 outside a cell."""
    trace_id: int
    span_id: int
    """The span that was current there, 0 for none."""
    thread: Thread
    wall_ns: int
    """How long the sample stands for: since the last one of this thread, or since its statement began."""
    cpu_ns: int | None
    """How long of that the thread computed; None where the system does not tell."""
    memory: int | None
    """Resident memory of the process in bytes; None where the system does not tell."""
    native: object
    """Whether it computed in code that is not Python's: asked as a truth when the row is sealed, as what tells it may grow."""
    stack: Stack
    """The innermost frame. The outermost is the cell's own where the thread ran the cell's code."""


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Samples sealed into columns."""

    length: int
    samples: Any
    """RecordBatch: time, wall, cpu (null where unknown), memory (likewise), native, stack, cell, span (dictionary of structs of
    trace_id and span_id, null for none), thread (dictionary of `Thread`s). Of time, memory and cell what is above `bases`; time,
    wall and cpu in `TIME_UNIT_NS`, memory in `MEMORY_UNIT_BYTES`."""
    bases: dict[str, int]
    """By column: what to add to its values."""
    stacks: Any
    """RecordBatch: above (the stack from which it was called, -1 for none), frame. Row N is stack N; a stack stands behind the
    one above it."""
    frames: Any
    """RecordBatch: function, file, line, first_line."""

    @property
    def nbytes(self) -> int:
        """The memory that it holds."""
        return int(_OVERHEAD + self.samples.nbytes + self.stacks.nbytes + self.frames.nbytes)

    def numbers(self, column: str) -> npt.NDArray[np.int64]:
        """Return time, wall or cpu in ns, memory in bytes, or cell; -1 where it is unknown."""
        unit = {"time": TIME_UNIT_NS, "wall": TIME_UNIT_NS, "cpu": TIME_UNIT_NS, "memory": MEMORY_UNIT_BYTES}.get(
            column, 1
        )
        values = self.samples.column(column)
        missing = np.asarray(values.is_null()) if values.null_count else None
        found = np.asarray(values if missing is None else values.fill_null(0)).astype(np.int64)
        found += self.bases.get(column, 0)
        found *= unit
        if missing is not None:
            found[missing] = -1
        return found


_SPAN_TYPE = pa.struct([("trace_id", pa.string()), ("span_id", pa.string())])


def seal_samples(rows: Sequence[Row], redactor: Redactor | None = None) -> SampleBatch:
    """Return the batch of rows, in their order; names in frames without what the redactor takes for secrets."""
    clean: Callable[[str], str] = str if redactor is None else redactor.text
    columns: Any = list(zip(*rows, strict=True)) or [()] * len(SampleFields._fields)
    fields: Any = SampleFields(*columns)
    bases: dict[str, int] = {}
    stacks, frames, codes = _stacks(fields.stack, clean)
    spans = [(trace, span) if span else None for trace, span in zip(fields.trace_id, fields.span_id, strict=True)]
    samples = {
        "time": _counted(fields.time_ns, TIME_UNIT_NS, bases, "time"),
        "wall": _counted(fields.wall_ns, TIME_UNIT_NS),
        "cpu": _counted(fields.cpu_ns, TIME_UNIT_NS),
        "memory": _counted(fields.memory, MEMORY_UNIT_BYTES, bases, "memory"),
        "native": pa.array([bool(native) for native in fields.native], pa.bool_()),
        "stack": pa.array(narrow(np.array(codes, dtype=np.int64))),
        "cell": _counted(fields.cell, 1, bases, "cell"),
        "span": _dictionary(spans, _SPAN_TYPE, lambda ids: {"trace_id": f"{ids[0]:032x}", "span_id": f"{ids[1]:016x}"}),
        "thread": _dictionary(
            fields.thread,
            THREAD_TYPE,
            lambda thread: {
                **thread._asdict(),
                "thread_name": thread.thread_name and clean(clean_text(thread.thread_name[:_LONGEST])),
            },
        ),
    }
    return SampleBatch(len(rows), pa.RecordBatch.from_pydict(samples), bases, stacks, frames)


def _counted(values: Any, unit: int, bases: dict[str, int] | None = None, name: str = "") -> Any:
    """Numbers in units, as narrow as they can be; None is null. With bases, what is above the least of them."""
    missing = np.array([value is None for value in values], dtype=bool)
    whole = np.array([0 if value is None else value for value in values], dtype=np.int64)
    whole = (whole + unit // 2) // unit
    if bases is not None:
        known = whole[~missing]
        base = bases[name] = min(known.tolist(), default=0)
        whole = np.where(missing, 0, whole - base)
    return pa.array(narrow(np.maximum(whole, 0)), mask=missing if missing.any() else None)


def narrow(values: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return whole numbers, none below 0, in as few bytes as they need."""
    most = max(values.tolist(), default=0)
    kind = next(kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if most <= np.iinfo(kind).max)
    return values.astype(kind)


def _dictionary(values: Sequence[Any], arrow_type: Any, plain: Callable[[Any], dict[str, Any]]) -> Any:
    unique = [value for value in dict.fromkeys(values) if value is not None]
    place = {value: number for number, value in enumerate(unique)}
    codes = np.array([place.get(value, -1) for value in values], dtype=np.int64)
    # Arrow's indices are signed.
    kind: Any = np.int8 if len(unique) < 128 else np.int16 if len(unique) < 32_768 else np.int32
    indices = pa.array(codes.astype(kind), mask=codes < 0 if (codes < 0).any() else None)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(map(plain, unique)), arrow_type))


def _stacks(stacks: Sequence[Stack], clean: Callable[[str], str]) -> tuple[Any, Any, list[int]]:
    """The tree of the stacks and its frames as tables, and which of them each sample has."""
    number: dict[Stack, int] = {}
    above: list[int] = []
    frame_of: list[int] = []
    frames: dict[tuple[str, str, int, int], int] = {}
    codes = []
    for stack in stacks:
        if stack not in number:
            for each in reversed([frame for frame in stack.outwards() if frame not in number]):
                number[each] = len(above)
                above.append(number.get(each.above, -1))  # type: ignore[arg-type] # the root has no number
                key = (each.function, each.file, each.line, each.first_line)
                frame_of.append(frames.setdefault(key, len(frames)))
        codes.append(number.get(stack, 0))
    texts: dict[str, str] = {}
    for function, file, _, _ in frames:
        for text in (function, file):
            if text not in texts:
                texts[text] = clean(clean_text(text[:_LONGEST]))
    table = pa.RecordBatch.from_pydict(
        {
            "function": pa.array([texts[function] for function, *_ in frames], pa.string()),
            "file": pa.array([texts[file] for _, file, *_ in frames], pa.string()),
            "line": pa.array([line for *_, line, _ in frames], pa.int32()),
            "first_line": pa.array([first for *_, first in frames], pa.int32()),
        }
    )
    tree = pa.RecordBatch.from_pydict({"above": pa.array(above, pa.int32()), "frame": pa.array(frame_of, pa.int32())})
    return tree, table, codes


_LONGEST = 500
"""Characters kept of the name of a function, a file or a thread."""


def without_samples(batch: SampleBatch, cells: Collection[int], span_ids: Collection[int]) -> SampleBatch:
    """Return the batch without the samples of these executions and of these spans; stacks that nobody has any more are gone."""
    gone = np.isin(batch.numbers("cell"), list(cells))
    if span_ids:
        wanted = {f"{span_id & (2**64 - 1):016x}" for span_id in span_ids}
        spans = batch.samples.column("span")
        hit = np.array([each["span_id"] in wanted for each in spans.dictionary.to_pylist()] + [False], dtype=bool)
        gone |= hit[np.asarray(spans.indices.fill_null(-1)).astype(np.int64)]
    if not gone.any():
        return batch
    left = kept_rows(batch.samples, ~gone)
    above, frame = np.asarray(batch.stacks["above"]), np.asarray(batch.stacks["frame"])
    used = np.zeros(len(above), dtype=bool)
    used[np.asarray(left.column("stack")).astype(np.int64)] = True
    for at in range(len(above) - 1, -1, -1):  # those above stand before
        if used[at] and above[at] >= 0:
            used[above[at]] = True
    place = np.append(np.cumsum(used) - 1, -1)
    frames, frame_place = _kept_frames(batch.frames, frame[used])
    stacks = pa.RecordBatch.from_pydict(
        {"above": pa.array(place[above[used]].astype(np.int32)), "frame": pa.array(frame_place.astype(np.int32))}
    )
    columns = {name: left.column(name) for name in left.schema.names}
    columns["stack"] = pa.array(narrow(place[np.asarray(columns["stack"]).astype(np.int64)].astype(np.int64)))
    return replace(
        batch, length=left.num_rows, samples=pa.RecordBatch.from_pydict(columns), stacks=stacks, frames=frames
    )


def _kept_frames(frames: Any, wanted: npt.NDArray[Any]) -> tuple[Any, npt.NDArray[Any]]:
    kept, place = np.unique(wanted, return_inverse=True)
    return frames.take(pa.array(kept)), place


def samples_with_cells(batch: SampleBatch, place: Mapping[int, int]) -> SampleBatch:
    """Return the batch with the number of each execution replaced: what comes from another process counts otherwise there."""
    cells = batch.numbers("cell")
    known, where = np.unique(cells, return_inverse=True)
    numbers = np.array([place.get(int(cell), 0) for cell in known], dtype=np.int64)[where] if len(cells) else cells
    base = min(numbers.tolist(), default=0)
    columns = {name: batch.samples.column(name) for name in batch.samples.schema.names}
    columns["cell"] = pa.array(narrow(numbers - base))
    return replace(batch, samples=pa.RecordBatch.from_pydict(columns), bases={**batch.bases, "cell": base})
