"""A recording, or several, as a folder of Parquet files that grows: DuckDB, Polars and Dask read it in place.

Enters: a snapshot and a folder. Leaves: files in it, or a snapshot. The tables are those of arrow.py and signals.py:

    nbtrace.json                         which format it is, and how many spans and samples recordings have dropped
    spans/0-running.parquet              what had not ended when it was saved; written anew at each save
    spans/000001-….parquet               what had ended; a file for each save that brought any
    executions/, statements/             one file each, written anew
    samples/, stacks/                    a file for each save that brought any

An attribute's column has one name and one type, whichever save brought it, and all files of spans have all columns: where a save
brings new ones, the older files are written anew with them, and stay empty there. Executions have numbers of the
dataset, in the order in which they came.

Each file is put in place whole, in an order in which each of them needs only earlier ones. So who reads meanwhile, or after a
save has died, finds all that was there before, and at worst a span both running and ended, of which the ended one counts."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nbtrace.formats.checked import numbers, without_twins
from nbtrace.formats.files import write_text, write_whole
from nbtrace.formats.parquet.columns import SPANS, VERSION, Pair, chosen, counted
from nbtrace.formats.parquet.signals import (
    EXECUTIONS,
    SAMPLES,
    STACKS,
    STATEMENTS,
    from_executions,
    from_samples,
    from_statements,
    to_executions,
    to_samples,
    to_statements,
)
from nbtrace.formats.parquet.source import BROKEN, Source, opened, told
from nbtrace.formats.parquet.writing import write_spans, write_table
from nbtrace.formats.reading import Loaded, UnreadableFileError
from nbtrace.store.batch import Batch, part, with_cells
from nbtrace.store.book import Execution
from nbtrace.store.samples import samples_with_cells
from nbtrace.store.schema import STATES
from nbtrace.store.span_store import Snapshot
from nbtrace.store.statements import statements_with_cells

try:
    import fcntl
except ImportError:  # Windows: two kernels must not save into one dataset at once there
    fcntl = None  # type: ignore[assignment]

_MARK = "nbtrace.json"
_RUNNING = "0-running.parquet"

_MARK_BYTES = 10_000

_ENDED = STATES.index("ended")

Ids = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


def is_dataset(folder: Path) -> bool:
    """Whether a folder holds a dataset."""
    return (folder / _MARK).is_file() or (folder / "spans").is_dir()


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_dataset(snapshot: Snapshot, folder: Path) -> None:
    """Add to a dataset what it does not have yet, by span_id; running spans are replaced by what has become of them.

    The folder is made if it is not there, in one that is. Raises IsADirectoryError for a folder that holds other things,
    UnreadableFileError where a file that would be written anew cannot be read, and OSError."""
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(folder.parent)!r}; make it, or save elsewhere.")
    if folder.is_dir() and not is_dataset(folder) and any(not each.name.startswith(".") for each in folder.iterdir()):
        raise IsADirectoryError(
            f"{str(folder)!r} is a folder of other things. Type save({str(folder / 'run.parquet')!r}) for a file in it, or "
            f"save({str(folder / 'runs') + os.sep!r}) for a dataset of its own."
        )
    folder.mkdir(exist_ok=True)
    with _alone(folder):
        _add(snapshot, folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Have others who save into the dataset wait."""
    with open(folder / ".lock", "ab") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError:  # some network file systems have no locks
                pass
        yield  # closing it lets the others go on


def _add(snapshot: Snapshot, folder: Path) -> None:
    _write_mark(snapshot, folder)
    for name in ("spans", "executions", "statements", "samples", "stacks"):
        (folder / name).mkdir(exist_ok=True)
    executions, place = _merged(_rewritten(folder, "executions", to_executions, ()), snapshot.executions)
    # Executions before all that names them, stacks before samples, spans that have ended before those that run no more.
    _write(folder / "executions" / "executions.parquet", from_executions(executions))
    statements = from_statements([statements_with_cells(batch, place) for batch in snapshot.statements])
    known = _rewritten(folder, "statements", lambda table: table, STATEMENTS.empty_table())
    _write(folder / "statements" / "statements.parquet", _latest(known.select(STATEMENTS.names), statements))
    _add_samples([samples_with_cells(batch, place) for batch in snapshot.samples], folder)
    _add_spans([with_cells(batch, place) for batch in snapshot.batches], folder / "spans")


def _write_mark(snapshot: Snapshot, folder: Path) -> None:
    said = _read_mark(folder)
    # The most that one save has said: whether two are of the same recording is not known.
    said = {name: max(said[name], getattr(snapshot, name)) for name in ("dropped_spans", "dropped_samples")}
    text = json.dumps({"format": VERSION, **said})
    write_whole(folder / _MARK, lambda file: write_text(iter((text,)), file))


def _merged(known: Sequence[Execution], new: Sequence[Execution]) -> tuple[tuple[Execution, ...], dict[int, int]]:
    """Executions of the dataset and of a recording, those that are the same once; and the numbers in the dataset by those in the
    recording."""
    found = {each.number: each for each in known}
    number_of = {identity: each.number for each in known for identity in _identities(each)}
    last = max(found, default=0)
    place = {}
    for each in new:
        number = next((number_of[identity] for identity in _identities(each) if identity in number_of), 0)
        if not number:
            last = number = last + 1
            number_of.update(dict.fromkeys(_identities(each), number))
        place[each.number] = number
        found[number] = replace(each, number=number)
    return tuple(found.values()), place


def _identities(execution: Execution) -> tuple[Any, ...]:
    """What tells an execution from others: its span; where it has none, all that it began with."""
    if execution.span_id:
        return ((execution.trace_id, execution.span_id),)
    return ((execution.execution_count, execution.cell_id, execution.digest, execution.run, execution.file),)


def _latest(known: Any, new: Any) -> Any:
    """Statements of each execution as they were last: those of which more have begun, or ended."""
    was, now = _progress(known), _progress(new)
    better = [number for number, far in now.items() if far > was.get(number, (0, 0))]
    chosen = pa.array(better, pa.int64())
    old = known.filter(pc.invert(pc.is_in(known["execution"], value_set=chosen)))
    return pa.concat_tables([old, new.filter(pc.is_in(new["execution"], value_set=chosen))])


def _progress(statements: Any) -> dict[int, tuple[int, int]]:
    """By execution how many statements have begun, and how many ended."""
    number, place = np.unique(np.asarray(statements["execution"]).astype(np.int64), return_inverse=True)
    ended = np.asarray(statements["end_time_unix_nano"].is_valid())
    begun = np.bincount(place, minlength=len(number))
    return dict(
        zip(
            number.tolist(),
            zip(begun.tolist(), np.bincount(place[ended], minlength=len(number)).tolist(), strict=True),
            strict=True,
        )
    )


def _add_samples(batches: Sequence[Any], folder: Path) -> None:
    samples, stacks = from_samples(batches)
    if not samples.num_rows:
        return
    known = [table["stack_id"] for table in _tables(folder / "stacks", STACKS, ("stack_id",))]
    new = stacks
    if known:
        texts = pa.chunked_array([chunk.cast(pa.string()) for column in known for chunk in column.chunks], pa.string())
        new = stacks.filter(pc.invert(pc.is_in(stacks["stack_id"], value_set=texts.combine_chunks())))
    if new.num_rows:
        _write(_next(folder / "stacks"), new)
    seen = [_keys(table) for table in _tables(folder / "samples", SAMPLES, _KEYS)]
    kept = _not_yet(np.concatenate([*seen, np.empty((0, len(_KEYS)), np.int64)]), _keys(samples))
    if kept.any():
        _write(_next(folder / "samples"), samples.filter(pa.array(kept)))


_KEYS = ("time_unix_nano", "process_pid", "thread_id")
"""A thread is doing one thing at a time."""


def _keys(table: Any) -> npt.NDArray[np.int64]:
    return np.stack([np.asarray(table[name].fill_null(-1)).astype(np.int64) for name in _KEYS], axis=1)


def _not_yet(known: npt.NDArray[np.int64], new: npt.NDArray[np.int64]) -> Mask:
    """Which of the new rows are not among the known ones, each of which stands for one."""
    rows = np.concatenate([known, new])
    is_new = np.arange(len(rows)) >= len(known)
    order = np.lexsort((is_new, *rows.T))
    changes = np.ones(len(rows), dtype=bool)
    changes[1:] = (rows[order][1:] != rows[order][:-1]).any(axis=1)
    group = np.cumsum(changes) - 1
    had = np.bincount(group[~is_new[order]], minlength=group[-1] + 1 if len(group) else 0)
    behind = np.arange(len(rows)) - np.flatnonzero(changes)[group]
    kept = np.empty(len(rows), dtype=bool)
    kept[order] = behind >= 2 * had[group]
    return kept[len(known) :]


def _add_spans(batches: Sequence[Batch], folder: Path) -> None:
    there = _known_spans(folder)
    ended, running = [], []
    batches = [batch for batch in batches if batch.length]
    for batch, new in zip(batches, _new(batches, there.ended), strict=True):
        is_ended = np.asarray(batch.spans["state"]) == _ENDED
        ended.append(part(batch, new & is_ended))
        running.append(part(batch, new & ~is_ended))
    ended, _ = without_twins([batch for batch in ended if batch.length])
    last = np.concatenate([numbers(batch.spans["span_id"], 16)[0] for batch in ended] or [np.empty(0, np.uint64)])
    # Of a span that still runs, what is known last stands first and is kept.
    running += there.running
    running = [each for each in running if each.length]
    still = [part(each, new) for each, new in zip(running, _new(running, last), strict=True)]
    still, _ = without_twins([batch for batch in still if batch.length])
    counts = counted([*ended, *still])
    length = there.rows + sum(batch.length for batch in ended)
    columns = chosen(counts, length, there.columns)
    path = folder / _RUNNING
    if columns.keys() - there.columns.keys():
        _widen(folder, columns)
    if ended:
        _write_spans(_next(folder), ended, columns)
    _write_spans(path, still, columns)


def _new(batches: Sequence[Batch], known: Ids) -> list[Mask]:
    """Which spans of each batch are not among those that are known; asked for all at once, as that sorts what is known."""
    if not batches:
        return []
    found = ~np.isin(np.concatenate([numbers(batch.spans["span_id"], 16)[0] for batch in batches]), known)
    return np.split(found, np.cumsum([batch.length for batch in batches])[:-1])


def _write_spans(path: Path, batches: Sequence[Batch], columns: dict[Pair, str]) -> None:
    attributes = [*columns, *(pair for pair in counted(batches) if pair not in columns)]
    write_whole(path, lambda file: write_spans(file, batches, columns, attributes, more=True))


def _widen(folder: Path, columns: dict[Pair, str]) -> None:
    """Give all files of spans the same columns: Dask, and others unless they are told otherwise, ask each file for all."""
    for path in _files(folder):
        try:
            with opened(path) as source:
                batches = [batch for batch in source.batches() if batch.length]
                if source.unread:
                    continue  # said when it is loaded; what can be read of it stays as it is
        except UnreadableFileError:
            continue
        _write_spans(path, batches, columns)


@dataclass
class _Spans:
    """What a dataset has of spans."""

    running: list[Batch] = field(default_factory=list)
    columns: dict[Pair, str] = field(default_factory=dict)
    ended: Ids = field(default_factory=lambda: np.empty(0, np.uint64))
    rows: int = 0


def _known_spans(folder: Path) -> _Spans:
    found, ids = _Spans(), []
    for path in _files(folder):
        if path.name == _RUNNING:
            with _needed(path) as source:
                found.running = [batch for batch in source.batches() if batch.length]
                _whole(source)
                _columns(source, found.columns)
            continue
        try:
            with opened(path) as source:
                _columns(source, found.columns)
                for table in source.tables(SPANS, ("span_id", "state")):
                    has = table.filter(pc.equal(table["state"].cast(pa.string()), "ended"))["span_id"]
                    ids += [numbers(chunk.cast(pa.string()), 16)[0] for chunk in has.chunks]
                    found.rows += table.num_rows
        except UnreadableFileError:
            pass  # said when it is loaded; what it held is saved once more
    found.ended = np.concatenate([*ids, found.ended])
    return found


def _columns(source: Source, known: dict[Pair, str]) -> None:
    """Add the columns of a file to those that are known; a name means what it meant first."""
    for name, pair in source.attributes().items():
        if pair[1] and name not in known.values():
            known.setdefault(pair, name)


@contextmanager
def _needed(path: Path) -> Iterator[Source]:
    """Open a file that will be written anew."""
    try:
        with opened(path) as source:
            yield source
    except UnreadableFileError as error:
        raise UnreadableFileError(
            f"{error} Nothing was saved, as it would be lost; move that file elsewhere first."
        ) from None


def _whole(source: Source) -> None:
    """Raise UnreadableFileError unless all of a file has been read."""
    if source.unread:
        raise source.refused("; ".join(source.unread))


def _rewritten(folder: Path, name: str, of: Callable[[Any], Any], otherwise: Any) -> Any:
    """All that a dataset has of a signal that is written anew."""
    path = folder / name / f"{name}.parquet"
    if not path.exists():
        return otherwise
    with _needed(path) as source:
        table = pa.concat_tables([_SCHEMAS[name].empty_table(), *map(_plain, source.tables(_SCHEMAS[name]))])
        _whole(source)
        try:
            return of(table)
        except BROKEN as error:
            raise source.refused(told(error)) from None


_SCHEMAS = {"executions": EXECUTIONS, "statements": STATEMENTS, "samples": SAMPLES, "stacks": STACKS}


def _plain(table: Any) -> Any:
    """A table without dictionaries."""
    columns = [
        column.cast(column.type.value_type) if isinstance(column.type, pa.DictionaryType) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.schema.names)


def _tables(folder: Path, schema: Any, names: Sequence[str]) -> Iterator[Any]:
    """Some columns of a signal, as far as they can be read."""
    for path in _files(folder):
        try:
            with opened(path) as source:
                yield from source.tables(schema, names)
        except UnreadableFileError:
            pass  # said when it is loaded


def _write(path: Path, table: Any) -> None:
    write_whole(path, lambda file: write_table(file, table.schema, [table], {}))


def _files(folder: Path) -> list[Path]:
    """The files of a signal, in the order in which they came."""
    return sorted(each for each in folder.glob("*.parquet") if not each.name.startswith(".") and each.is_file())


def _next(folder: Path) -> Path:
    """A name that sorts behind all others, and that nobody else takes."""
    last = max((int(text) for each in _files(folder) if (text := each.name.partition("-")[0]).isdecimal()), default=0)
    return folder / f"{last + 1:06}-{secrets.token_hex(4)}.parquet"


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_dataset(folder: Path) -> Loaded:
    """Return what a dataset holds, and which files of it could not be read. Raises UnreadableFileError for a folder that is none,
    or one of a newer nbtrace, and OSError."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {str(folder)!r}.")
    if not is_dataset(folder):
        raise UnreadableFileError(f"{str(folder)!r} is a folder, but holds no recordings; name the file to load.")
    unread: list[str] = []
    said = _read_mark(folder)
    # Running ones first and executions last: see how a save goes on meanwhile.
    first = folder / "spans" / _RUNNING
    running = list(_read_each([first] if first.exists() else [], lambda source: source.batches(), unread))
    paths = [each for each in _files(folder / "spans") if each != first]
    found, twins = without_twins(list(_read_each(paths, lambda source: source.batches(), unread)))
    if unread and not found and not any(batch.length for batch in running):
        raise UnreadableFileError(f"nothing in {str(folder)!r} can be read: {'; '.join(unread)}.")
    unread += twins
    # A span in both is what a save that is at work, or has died, leaves: nothing to speak of.
    found, _ = without_twins([*found, *(batch for batch in running if batch.length)])
    for name in ("spans", *_SCHEMAS):
        odd = [each.name for each in sorted((folder / name).glob("*.parquet")) if not each.is_file()]
        unread += [f"{name}/{each} is no file" for each in odd if not each.startswith(".")]
    tables = {name: _all(folder / name, schema, unread) for name, schema in _SCHEMAS.items()}
    samples, wrong = _parsed(lambda: to_samples(tables["samples"], tables["stacks"]), "samples", ((), ""), unread)
    unread += [wrong] if wrong else []
    snapshot = Snapshot(
        tuple(found),
        _parsed(lambda: to_executions(tables["executions"]), "executions", (), unread),
        said["dropped_spans"],
        samples,
        _parsed(lambda: to_statements(tables["statements"]), "statements", (), unread),
        said["dropped_samples"],
    )
    return Loaded(snapshot, tuple(unread))


def _read_mark(folder: Path) -> dict[str, int]:
    """What a dataset says of itself; raise UnreadableFileError if that is that a newer nbtrace has written it."""
    try:
        if not (folder / _MARK).is_file():  # a pipe, a device
            raise FileNotFoundError
        with open(folder / _MARK, "rb") as file:
            said = json.loads(file.read(_MARK_BYTES))
    except (OSError, ValueError, RecursionError):
        said = {}
    there = said if isinstance(said, dict) else {}
    found = {
        name: value if isinstance(value := there.get(name), int) and 0 <= value < 2**62 else 0
        for name in ("format", "dropped_spans", "dropped_samples")
    }
    if found["format"] > VERSION:
        raise UnreadableFileError(
            f"{str(folder)!r} was written by a newer nbtrace (format {found['format']}; this one knows {VERSION}). Type  "
            "pip install --upgrade nbtrace"
        )
    return found


def _read_each(paths: Sequence[Path], of: Callable[[Source], Iterable[Any]], unread: list[str]) -> Iterator[Any]:
    for path in paths:
        try:
            with opened(path) as source:
                yield from of(source)
                unread += [f"{path.parent.name}/{path.name}: {each}" for each in source.unread]
        except (UnreadableFileError, FileNotFoundError) as error:
            unread.append(str(error).rstrip("."))


def _all(folder: Path, schema: Any, unread: list[str]) -> Any:
    return pa.concat_tables(
        [schema.empty_table(), *map(_plain, _read_each(_files(folder), lambda source: source.tables(schema), unread))]
    )


def _parsed(of: Callable[[], Any], name: str, otherwise: Any, unread: list[str]) -> Any:
    try:
        return of()
    except BROKEN as error:
        unread.append(f"its {name} cannot be read: {told(error)}")
        return otherwise
