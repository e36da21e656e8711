"""Executions, samples and statements as Arrow tables, and back: what files hold beside spans.

Enters: executions and batches. Leaves: one pyarrow Table a signal, in types that Parquet has too; or the other way.

executions: one row each
    execution                            int64: its number, which spans, samples and statements name
    execution_count                      int64 · cell_id, source string · run int64
    trace_id, span_id                    string: of its own span; none if it has none
    digest, file                         string
    asks, failed                         bool
    compiled                             string: JSON, a list of lines · line_map list of int64
    cpu_ns … gpu_utilization             the fields of `Resources`; `shared` is missing where nothing was measured

samples: one row each
    time_unix_nano, wall_ns, cpu_ns, memory    int64; the last two missing where unknown
    native                               bool
    execution                            int64, 0 outside a cell
    trace_id, span_id                    string: the span that was current
    process_pid, thread_id               int64 · thread_name string
    stack_id                             string: of its innermost frame

stacks: one row for each frame of each stack, those further out first
    stack_id, parent_stack_id            string: 16 hex digits, made of what is in the stack, so that equal stacks of several
                                         files share them; no parent for the outermost
    function, file                       string · line, first_line int32

statements: one row each
    execution                            int64 · first_line, last_line int32
    start_time_unix_nano                 int64 · end_time_unix_nano int64, missing while it runs
    status_code                          string"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.store.book import Execution, Resources
from nbtrace.store.samples import MEMORY_UNIT_BYTES, TIME_UNIT_NS, SampleBatch, narrow
from nbtrace.store.schema import STATUS_CODES, Thread
from nbtrace.store.statements import StatementBatch

_RESOURCES: dict[str, Any] = {
    name: {"shared": pa.bool_(), "gpu_utilization": pa.float64()}.get(name, pa.int64()) for name in Resources._fields
}

EXECUTIONS = pa.schema(
    [
        ("execution", pa.int64()),
        ("execution_count", pa.int64()),
        ("cell_id", pa.string()),
        ("source", pa.string()),
        ("run", pa.int64()),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("digest", pa.string()),
        ("asks", pa.bool_()),
        ("failed", pa.bool_()),
        ("file", pa.string()),
        ("compiled", pa.string()),
        ("line_map", pa.list_(pa.int64())),
        *_RESOURCES.items(),
    ]
)
SAMPLES = pa.schema(
    [
        ("time_unix_nano", pa.int64()),
        ("wall_ns", pa.int64()),
        ("cpu_ns", pa.int64()),
        ("memory", pa.int64()),
        ("native", pa.bool_()),
        ("execution", pa.int64()),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("process_pid", pa.int64()),
        ("thread_id", pa.int64()),
        ("thread_name", pa.string()),
        ("stack_id", pa.string()),
    ]
)
STACKS = pa.schema(
    [
        ("stack_id", pa.string()),
        ("parent_stack_id", pa.string()),
        ("function", pa.string()),
        ("file", pa.string()),
        ("line", pa.int32()),
        ("first_line", pa.int32()),
    ]
)
STATEMENTS = pa.schema(
    [
        ("execution", pa.int64()),
        ("first_line", pa.int32()),
        ("last_line", pa.int32()),
        ("start_time_unix_nano", pa.int64()),
        ("end_time_unix_nano", pa.int64()),
        ("status_code", pa.string()),
    ]
)

_SAMPLES_IN_BATCH = 1 << 20


def fitted(table: Any, schema: Any) -> Any:
    """Return a table with the columns of a schema, in its order and its types. Raises KeyError for one that is missing,
    pyarrow.ArrowInvalid for one of another type, or that has a value that its type cannot hold."""
    columns = []
    for field in schema:
        column = table[field.name]
        if isinstance(column.type, pa.DictionaryType):
            column = column.cast(column.type.value_type)
        try:
            columns.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise pa.ArrowInvalid(f"{field.name} is {column.type}, and not {field.type} ({error})") from None
    return pa.table(columns, schema=schema)


# ── executions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def from_executions(executions: Sequence[Execution]) -> Any:
    """Return the table of executions, in their order."""
    rows = [
        {
            "execution": each.number,
            "execution_count": each.execution_count,
            "cell_id": each.cell_id and _text(each.cell_id),
            "source": _text(each.source),
            "run": each.run,
            "trace_id": f"{each.trace_id:032x}" if each.trace_id else None,
            "span_id": f"{each.span_id:016x}" if each.span_id else None,
            "digest": each.digest,
            "asks": each.asks,
            "failed": each.failed,
            "file": _text(each.file),
            "compiled": None if each.compiled is None else json.dumps(each.compiled),
            "line_map": None if each.line_map is None else list(each.line_map),
            **(each.resources or Resources(shared=None))._asdict(),  # type: ignore[arg-type] # what marks its absence
        }
        for each in executions
    ]
    return pa.Table.from_pylist(rows, EXECUTIONS)


def to_executions(table: Any) -> tuple[Execution, ...]:
    """Return the executions of a table. Raises KeyError and pyarrow.ArrowInvalid for one that is none of executions."""
    rows = fitted(table, EXECUTIONS).to_pylist()
    for row in rows:
        if row["execution"] is None or not 0 < row["execution"] < 2**31:
            raise pa.ArrowInvalid(f"{row['execution']!r} is no number of an execution")
    return tuple(
        Execution(
            number=row["execution"],
            execution_count=row["execution_count"],
            cell_id=row["cell_id"],
            source=row["source"] or "",
            run=row["run"] or 1,
            trace_id=_number(row["trace_id"], 32),
            span_id=_number(row["span_id"], 16),
            digest=row["digest"] or "",
            asks=bool(row["asks"]),
            failed=bool(row["failed"]),
            resources=None if row["shared"] is None else Resources(*(row[name] for name in _RESOURCES)),
            file=row["file"] or "",
            compiled=None if row["compiled"] is None else tuple(map(str, json.loads(row["compiled"]))),
            line_map=None if row["line_map"] is None else tuple(line or 0 for line in row["line_map"]),
        )
        for row in rows
    )


def _text(text: str) -> str:
    """A text that can be encoded: a lone surrogate as its escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _number(digits: str | None, length: int) -> int:
    if digits is None:
        return 0
    try:
        number = int(digits, 16)
    except ValueError:
        number = -1
    if number < 0 or len(digits) != length:
        raise pa.ArrowInvalid(f"{digits[:40]!r} is no id of {length} hex digits")
    return number


# ── samples ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def from_samples(batches: Sequence[SampleBatch]) -> tuple[Any, Any]:
    """Return the tables of samples and of stacks. A stack stands once, however many batches have it."""
    stacks: dict[str, dict[str, Any]] = {}
    tables = [_from_samples(batch, stacks) for batch in batches]
    samples = pa.concat_tables(tables) if tables else SAMPLES.empty_table()
    return samples, pa.Table.from_pylist(list(stacks.values()), STACKS)


def _from_samples(batch: SampleBatch, stacks: dict[str, dict[str, Any]]) -> Any:
    frames = batch.frames.to_pylist()
    texts = ["\0".join(map(str, frame.values())).encode() for frame in frames]
    ids: list[str] = []
    for above, frame in zip(batch.stacks["above"].to_pylist(), batch.stacks["frame"].to_pylist(), strict=True):
        parent = ids[above] if above >= 0 else None
        own = blake2b((parent or "").encode() + b"\0" + texts[frame], digest_size=8).hexdigest()
        ids.append(own)
        if own not in stacks:
            stacks[own] = {"stack_id": own, "parent_stack_id": parent, **frames[frame]}
    known = pa.array([*ids, None], pa.string())
    code = np.minimum(np.asarray(batch.samples["stack"]).astype(np.int64), len(ids))
    span, thread = batch.samples["span"], batch.samples["thread"]
    columns = {
        "time_unix_nano": _known(batch.numbers("time")),
        "wall_ns": _known(batch.numbers("wall")),
        "cpu_ns": _or_null(batch, "cpu"),
        "memory": _or_null(batch, "memory"),
        "native": batch.samples["native"],
        "execution": _known(batch.numbers("cell")),
        **{name: span.dictionary.field(name).take(span.indices) for name in ("trace_id", "span_id")},
        **{name: thread.dictionary.field(name).take(thread.indices) for name in Thread._fields},
        "stack_id": known.take(pa.array(code)),
    }
    return pa.table(list(columns.values()), schema=SAMPLES)


def _known(values: npt.NDArray[np.int64]) -> Any:
    return pa.array(values)


def _or_null(batch: SampleBatch, column: str) -> Any:
    missing = np.asarray(batch.samples[column].is_null())
    return pa.array(batch.numbers(column), mask=missing if missing.any() else None)


def to_samples(samples: Any, stacks: Any) -> tuple[tuple[SampleBatch, ...], str]:
    """Return the samples of a table, in few batches, and what is wrong with their stacks, "" for nothing. Raises KeyError and
    pyarrow.ArrowInvalid for tables that are none of these."""
    samples = fitted(samples, SAMPLES).combine_chunks()
    stacks = fitted(stacks, STACKS).combine_chunks()
    for name in ("time_unix_nano", "wall_ns", "execution", "native"):
        if samples[name].null_count:
            raise pa.ArrowInvalid(f"{name} is missing in some samples")
    tree, frames, ids, cut = _tree(stacks)
    code = pc.index_in(samples["stack_id"], ids)
    lost = len(samples) - samples["stack_id"].null_count - (len(code) - code.null_count)
    said = [
        f"{cut:,} of {stacks.num_rows:,} frames are without what called them" if cut else "",
        f"the stacks of {lost:,} of {samples.num_rows:,} samples are missing" if lost else "",
    ]
    batches = tuple(
        _to_samples(samples.slice(start, _SAMPLES_IN_BATCH), code.slice(start, _SAMPLES_IN_BATCH), tree, frames)
        for start in range(0, samples.num_rows, _SAMPLES_IN_BATCH)
    )
    return batches, "; ".join(filter(None, said))


def _tree(stacks: Any) -> tuple[Any, Any, Any, int]:
    """The tree of stacks, its frames, the ids of its rows, and how many have lost what is above them."""
    first = np.sort(np.unique(np.asarray(pc.index_in(stacks["stack_id"], stacks["stack_id"])), return_index=True)[1])
    stacks = stacks.take(pa.array(first))
    ids = _array(stacks["stack_id"])
    above = np.asarray(pc.index_in(stacks["parent_stack_id"], ids).fill_null(-1)).astype(np.int32)
    # Those above stand before: a circle cannot be.
    above = np.where(above < np.arange(len(above)), above, -1).astype(np.int32)
    cut = int(((above < 0) & np.asarray(stacks["parent_stack_id"].is_valid())).sum())
    names = ("function", "file", "line", "first_line")
    rows = list(zip(*(stacks[name].to_pylist() for name in names), strict=True))
    unique = {row: at for at, row in enumerate(dict.fromkeys(rows))}
    frames = pa.RecordBatch.from_pydict(
        {
            "function": pa.array([function or "" for function, *_ in unique], pa.string()),
            "file": pa.array([file or "" for _, file, *_ in unique], pa.string()),
            "line": pa.array([line or 0 for *_, line, _ in unique], pa.int32()),
            "first_line": pa.array([first_line or 0 for *_, first_line in unique], pa.int32()),
        }
    )
    frame = np.fromiter(map(unique.__getitem__, rows), np.int32, len(rows))
    return pa.RecordBatch.from_pydict({"above": pa.array(above), "frame": pa.array(frame)}), frames, ids, cut


def _to_samples(table: Any, code: Any, tree: Any, frames: Any) -> SampleBatch:
    bases: dict[str, int] = {}
    columns = {
        "time": _counted(table["time_unix_nano"], TIME_UNIT_NS, bases, "time"),
        "wall": _counted(table["wall_ns"], TIME_UNIT_NS),
        "cpu": _counted(table["cpu_ns"], TIME_UNIT_NS),
        "memory": _counted(table["memory"], MEMORY_UNIT_BYTES, bases, "memory"),
        "native": _array(table["native"]),
        "stack": pa.array(narrow(np.asarray(code.fill_null(0)).astype(np.int64))),
        "cell": _counted(table["execution"], 1, bases, "cell"),
        "span": _shared(table, ("trace_id", "span_id"), missing=True),
        "thread": _shared(table, Thread._fields),
    }
    return SampleBatch(table.num_rows, pa.RecordBatch.from_pydict(columns), bases, tree, frames)


def _array(column: Any) -> Any:
    """A table's column as one array."""
    found = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = found.chunk(0) if found.num_chunks else pa.array([], found.type)
    return found


def _counted(column: Any, unit: int, bases: dict[str, int] | None = None, name: str = "") -> Any:
    """Numbers in units, as `SampleBatch` has them."""
    missing = np.asarray(column.is_null())
    whole = np.asarray(column.fill_null(0)).astype(np.int64)
    whole = whole // unit + (whole % unit + unit // 2) // unit
    if bases is not None:
        known = whole[~missing]
        base = bases[name] = min(known.tolist(), default=0)
        if len(known) and max(known.tolist()) - base >= 2**63:
            raise pa.ArrowInvalid(f"{name} is beyond what a time can be")
        whole = np.where(missing, 0, whole - base)
    return pa.array(narrow(np.maximum(whole, 0)), mask=missing if missing.any() else None)


def _shared(table: Any, names: Sequence[str], *, missing: bool = False) -> Any:
    """Structs of columns, dictionary-encoded; with `missing`, null where their last field is."""
    rows: list[Any] = list(zip(*(table[name].to_pylist() for name in names), strict=True))
    if missing:
        rows = [None if row[-1] is None else row for row in rows]
    unique = {row: at for at, row in enumerate(dict.fromkeys(row for row in rows if row is not None))}
    codes = np.fromiter((-1 if row is None else unique[row] for row in rows), np.int64, len(rows))
    kind: Any = np.int8 if len(unique) < 128 else np.int16 if len(unique) < 32_768 else np.int32
    structs = pa.StructArray.from_arrays(
        [pa.array([row[at] for row in unique], table[name].type) for at, name in enumerate(names)], names=list(names)
    )
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(kind), mask=codes < 0 if (codes < 0).any() else None), structs
    )


# ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────────


def from_statements(batches: Sequence[StatementBatch]) -> Any:
    """Return the table of statements, in their order."""
    names = {"cell": "execution", "start_ns": "start_time_unix_nano", "end_ns": "end_time_unix_nano"}
    tables = []
    for batch in batches:
        columns = {names.get(name, name): batch.statements[name] for name in batch.statements.schema.names}
        columns["status_code"] = pa.array(STATUS_CODES).take(columns.pop("status"))
        tables.append(pa.table([columns[name] for name in STATEMENTS.names], names=STATEMENTS.names).cast(STATEMENTS))
    return pa.concat_tables(tables) if tables else STATEMENTS.empty_table()


def to_statements(table: Any) -> tuple[StatementBatch, ...]:
    """Return the statements of a table as one batch, none if there are none. Raises KeyError and pyarrow.ArrowInvalid for a
    table that is none of statements."""
    table = fitted(table, STATEMENTS)
    status = pc.index_in(table["status_code"], pa.array(STATUS_CODES))
    needed = [table[name] for name in STATEMENTS.names if name not in ("end_time_unix_nano", "status_code")]
    if any(column.null_count for column in (*needed, status)):
        raise pa.ArrowInvalid("a statement needs an execution, lines, a start, and a status of OpenTelemetry's")
    if not table.num_rows:
        return ()
    columns = {
        "cell": _array(table["execution"].cast(pa.int32())),
        "first_line": _array(table["first_line"]),
        "last_line": _array(table["last_line"]),
        "start_ns": _array(table["start_time_unix_nano"]),
        "end_ns": _array(table["end_time_unix_nano"]),
        "status": _array(status.cast(pa.int8())),
    }
    return (StatementBatch(table.num_rows, pa.RecordBatch.from_pydict(columns)),)
