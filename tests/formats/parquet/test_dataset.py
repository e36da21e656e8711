"""Recordings in a folder of Parquet files."""

from __future__ import annotations

import json
import multiprocessing
import os
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrace.api import load
from nbtrace.formats.arrow import MORE
from nbtrace.formats.parquet import dataset
from nbtrace.formats.parquet.dataset import read_dataset, write_dataset
from nbtrace.formats.reading import PartlyReadWarning, UnreadableFileError
from nbtrace.store import book
from nbtrace.store.schema import RUNNING, UNFINISHED, Row
from nbtrace.store.seal import seal
from nbtrace.store.span_store import Snapshot
from tests.formats.kept import answers, assert_same, rich, said
from tests.formats.test_arrow import rows
from tests.profiles import MERGE, Made
from tests.rows import row


def of(*found: Row) -> Snapshot:
    return Snapshot((seal(found),), (), 0)


def names(folder: Path) -> list[str]:
    """The names of the spans that a dataset holds, sorted."""
    loaded = read_dataset(folder)
    assert loaded.unread == ()
    return sorted(name for batch in loaded.snapshot.batches for name in batch.spans["name"].to_pylist())


# ── without loss ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_loaded_dataset_answers_all_that_the_live_recording_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer of the register, as from one file; saved a second time it is what it was."""
    made = rich().recording
    expected, held = answers(made, tmp_path), said(made._snapshot())
    first = min(each.number for each in made._snapshot().executions)
    folder = str(tmp_path / "my runs") + "/"
    for _ in range(2):
        assert made.save(folder) == Path(folder)
        monkeypatch.setattr(book, "_NUMBERS", count(first))
        loaded = load(folder)
        assert said(loaded._snapshot()) == held
        assert_same(answers(loaded, tmp_path), expected)
    assert len(list(Path(folder, "spans").glob("0000*"))) == 1


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.lists(rows(), max_size=3, unique_by=lambda each: each[1]), min_size=1, max_size=3),
)
def test_what_several_saves_bring_is_all_there_once(parts: list[list[Row]], tmp_path_factory: Any) -> None:
    """By span_id: what has ended stays as it came first, what ran is as it was last known, whatever the attributes' types."""
    folder = tmp_path_factory.mktemp("runs")
    expected: dict[int, Row] = {}
    for part in parts:
        write_dataset(of(*part), folder)
        for each in part:
            before = expected.get(each[1])
            # 0 and below are those that have no end: UNFINISHED is final but for an end.
            if before is None or before[6] == RUNNING or (before[6] == UNFINISHED and each[6] != RUNNING):
                expected[each[1]] = each
    loaded = read_dataset(folder)
    assert loaded.unread == ()
    # No execution is known, so no span is of one.
    plain = [(*each[:8], 0, *each[9:]) for each in expected.values()]
    assert said(loaded.snapshot)["spans"] == said(of(*plain))["spans"]


def test_a_cell_that_ran_at_the_first_save_is_whole_after_the_second(tmp_path: Path) -> None:
    """Its span ends, its statements and samples go on: nothing twice, nothing lost."""
    folder = tmp_path / "runs"
    folder.mkdir()
    made = Made()
    cell = made.cell("a()\nb()\n", 0, None, [(0, 1), (10, 2)])
    made.sample(cell, 5, 5, 1, MERGE)
    made.recording.save(folder)
    running = load(folder)
    assert running.spans()["state"].tolist() == ["running"]
    assert running.statements()["state"].tolist() == ["ended", "running"] if "state" in running.statements() else True

    made.store.sources.clear()
    made.store.running_statements.clear()
    done = Made()
    done.store, done.recording = made.store, made.recording
    fields = row(
        cell.span_id,
        name="cell [1]",
        trace=cell.trace_id,
        start=1_700_000_000_000_000_000,
        end=1_700_000_000_030_000_000,
        cell=cell.number,
    )
    made.store.append(fields)
    cell.failed = True
    code = compile("\n\nx", "<made>", "exec")
    start = 1_700_000_000_000_000_000
    made.store.statements.append((cell, [(start, code), (start + 10, code), (start + 20, code)], start + 30, True), 500)
    made.sample(cell, 15, 5, 2, MERGE)
    made.recording.save(folder)
    made.recording.save(folder)
    loaded = load(folder)
    assert loaded.spans()["state"].tolist() == ["ended"]
    assert len(loaded.statements()) == 3
    assert len(loaded.samples()) == 2
    (execution,) = loaded._snapshot().executions
    assert execution.failed
    assert pq.read_table(folder / "spans" / "0-running.parquet").num_rows == 0


def test_two_recordings_keep_apart(tmp_path: Path) -> None:
    """Executions that have the same number in their processes have other ones in the dataset, and each span its own."""
    folder = tmp_path / "runs"
    recordings = []
    for at in range(2):
        made = Made()
        first = made.cell(f"cell = {at}", 0, 10, [(0, 1)])
        first.span_id += 10_000 * at
        made.store.append(row(first.span_id, name="own", cell=first.number))
        made.sample(first, 5 + at, 5, 1, MERGE)
        snapshot = made.store.snapshot()
        recordings.append(snapshot)
        write_dataset(snapshot, folder)
    for snapshot in recordings:
        write_dataset(snapshot, folder)
    found = read_dataset(folder).snapshot
    assert [each.number for each in found.executions] == [1, 2]
    assert [each.source for each in found.executions] == ["cell = 0", "cell = 1"]
    cells = {
        span: number
        for batch in found.batches
        for span, number in zip(batch.spans["span_id"].to_pylist(), batch.spans["cell"].to_pylist(), strict=True)
    }
    assert cells == {**cells, **{f"{each.span_id:016x}": each.number for each in found.executions}}
    assert [number for batch in found.samples for number in batch.numbers("cell").tolist()] == [1, 2]
    assert found.statements[0].statements["cell"].to_pylist() == [1, 2]


def test_a_cell_without_a_span_of_its_own_is_one_after_two_saves(tmp_path: Path) -> None:
    made = Made()
    made.cell("no span", 0, 10, [(0, 1)]).span_id = 0
    for _ in range(2):
        write_dataset(made.store.snapshot(), tmp_path)
    assert len(read_dataset(tmp_path).snapshot.executions) == 1
    assert read_dataset(tmp_path).snapshot.statements[0].length == 1


def test_rows_that_an_older_save_knew_as_running_do_not_hide_what_has_ended(tmp_path: Path) -> None:
    """Nor does a later save of an older state bring one back."""
    write_dataset(of(row(1, name="old", end=RUNNING), row(2, name="other", end=RUNNING)), tmp_path)
    write_dataset(of(row(1, name="new")), tmp_path)
    write_dataset(of(row(1, name="old", end=RUNNING)), tmp_path)
    assert names(tmp_path) == ["new", "other"]


# ── in place ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    """A dataset whose later files have other attributes, and other types under one key."""
    folder = tmp_path / "runs"
    write_dataset(of(row(1, n=1, source="s3"), row(2, end=RUNNING)), folder)
    write_dataset(of(row(3, n="many", late=2.5)), folder)
    write_dataset(rich().store.snapshot(), folder)
    return folder


def test_an_attribute_has_one_column_in_all_files(grown: Path) -> None:
    """Of one type, whichever save brought it, and the file that sorts first has them all."""
    seen: dict[str, Any] = {}
    files = sorted((grown / "spans").glob("*.parquet"))
    first = pq.read_schema(files[0])
    for path in files:
        for each in pq.read_schema(path):
            assert seen.setdefault(each.name, each.type) == each.type
            assert first.field(each.name).type == each.type
    assert {"attributes.n", "attributes.n:str", "attributes.late", "attributes.source", MORE} <= set(seen)
    assert load(grown).spans()["attributes.late"].dropna().tolist() == [2.5]


def test_duckdb_reads_it_in_place(grown: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    spans = f"read_parquet('{grown}/spans/*.parquet', union_by_name=true)"
    found = duckdb.sql(f'select count(*), sum("attributes.late"), max("attributes.n:str") from {spans}').fetchall()
    assert found == [(len(load(grown).spans()), 2.5, "many")]
    joined = duckdb.sql(
        f"select e.source, count(*) from '{grown}/samples/*.parquet' s join '{grown}/executions/*.parquet' e "
        f"using (execution) join '{grown}/stacks/*.parquet' t using (stack_id) group by all order by all"
    ).fetchall()
    assert [count for _, count in joined] == [12, 1, 1]
    assert duckdb.sql(f"select count(*) from '{grown}/statements/*.parquet'").fetchall() == [(6,)]


def test_polars_reads_it_in_place(grown: Path) -> None:
    polars = pytest.importorskip("polars")
    found = polars.scan_parquet(f"{grown}/spans/*.parquet", missing_columns="insert").collect()
    assert found["attributes.late"].drop_nulls().to_list() == [2.5]
    assert len(found) == len(load(grown).spans())
    assert len(polars.scan_parquet(f"{grown}/samples/*.parquet").collect()) == 15


def test_dask_reads_it_in_place(grown: Path) -> None:
    """All columns, those too that only a later save has brought."""
    dataframe = pytest.importorskip("dask.dataframe")
    found = dataframe.read_parquet(str(grown / "spans"))
    assert len(found) == len(load(grown).spans())
    assert sorted(found["state"].compute().unique()) == ["ended", "running", "unfinished"]
    assert found["attributes.late"].dropna().compute().tolist() == [2.5]


def test_keys_beyond_a_hundred_do_not_become_columns(tmp_path: Path) -> None:
    """Save by save, and those that are columns stay."""
    for at in range(3):
        write_dataset(
            of(*(row(1_000 * at + each + 1, every=1, **{f"k{at}.{each}": each}) for each in range(150))), tmp_path
        )
    first = pq.read_schema(tmp_path / "spans" / "0-running.parquet")
    assert [name for name in first.names if name.startswith("attributes.")] == ["attributes.every"]
    found = read_dataset(tmp_path).snapshot.batches
    assert sum(len(batch.attributes) for batch in found) == 3 * 151


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


class Died(Exception):
    """What a test has happen in the middle of a save."""


@pytest.mark.once
def test_a_save_that_dies_between_two_files_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it dies: all that was there is, each span once, and the next save brings the rest."""
    whole = dataset.write_whole
    before = [row(1, name="ended"), row(2, name="ran", end=RUNNING)]
    after = [row(2, name="ran"), row(3, name="new", late=1), row(4, name="runs", end=RUNNING)]
    for steps in range(20):
        folder = tmp_path / str(steps)
        write_dataset(of(*before), folder)
        left = count()

        def write(path: Path, how: Any, left: Any = left, steps: int = steps) -> None:
            if next(left) == steps:
                raise Died
            whole(path, how)

        monkeypatch.setattr(dataset, "write_whole", write)
        try:
            write_dataset(of(*before, *after), folder)
            break
        except Died:
            assert set(names(folder)) >= {"ended", "ran"}
            assert len(names(folder)) == len(set(names(folder)))
        finally:
            monkeypatch.setattr(dataset, "write_whole", whole)
        write_dataset(of(*after), folder)
        assert names(folder) == ["ended", "new", "ran", "runs"]
    assert steps > 4


def save_many(folder: Path, first: int, go: Any) -> None:
    """What each of several processes does."""
    go.wait(30)
    for at in range(5):
        write_dataset(of(row(first + at, name=f"{first + at}"), row(99_000, end=RUNNING)), folder)


@pytest.mark.once
def test_processes_that_save_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each waits for the others."""
    context = multiprocessing.get_context("spawn")
    go = context.Event()
    others = [context.Process(target=save_many, args=(tmp_path, 100 * (at + 1), go)) for at in range(3)]
    for other in others:
        other.start()
    go.set()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0, 0]
    assert names(tmp_path) == sorted([*(str(100 * (at + 1) + each) for at in range(3) for each in range(5)), "work"])


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    """And it is said what to type; hidden files do not count."""
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    made = rich().recording
    with pytest.raises(IsADirectoryError, match=r"a folder of other things\. Type save"):
        made.save(tmp_path)
    with pytest.raises(UnreadableFileError, match="holds no recordings"):
        load(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".hidden", "mine.txt"]
    with pytest.raises(FileNotFoundError, match="no folder"):
        made.save(str(tmp_path / "no" / "such") + "/")
    with pytest.raises(FileNotFoundError):
        load(str(tmp_path / "none") + "/")
    (tmp_path / "mine.txt").unlink()
    assert load(made.save(tmp_path)).cells().shape == made.cells().shape


def test_a_folder_with_the_name_of_a_file_is_a_dataset(tmp_path: Path) -> None:
    """As other programs have it."""
    folder = tmp_path / "x.parquet"
    folder.mkdir()
    rich().recording.save(folder)
    assert (folder / "spans").is_dir()
    assert len(load(folder).cells()) == 4


def test_a_damaged_file_is_named_and_the_others_are_read(grown: Path) -> None:
    """A save goes on where nothing that it writes anew would be lost, and says so where it would."""
    path = min((grown / "spans").glob("000001-*"))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.warns(PartlyReadWarning, match=path.name):
        assert 3 in [int(span, 16) for span in load(grown).spans()["span_id"]]
    write_dataset(of(row(1, name="again")), grown)
    with pytest.warns(PartlyReadWarning):
        assert "again" in load(grown).spans()["name"].tolist()
    path = grown / "executions" / "executions.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UnreadableFileError, match=r"executions.parquet.* Nothing was saved.*move that file"):
        write_dataset(of(row(9)), grown)


def test_a_dataset_of_a_newer_version_asks_for_an_upgrade(grown: Path) -> None:
    (grown / "nbtrace.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(UnreadableFileError, match="newer nbtrace"):
        load(grown)
    with pytest.raises(UnreadableFileError, match="newer nbtrace"):
        write_dataset(of(row(9)), grown)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": "x", "dropped_spans": -1}', "[" * 100_000])
def test_a_mark_that_says_nothing_is_no_obstacle(text: str, grown: Path) -> None:
    (grown / "nbtrace.json").write_text(text)
    assert len(load(grown).spans()) == 13
    write_dataset(of(row(9)), grown)


def test_nothing_of_a_dataset_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    write_dataset(of(row(1)), tmp_path)
    for path in tmp_path.glob("spans/*"):
        path.write_bytes(b"no")
    with pytest.raises(UnreadableFileError, match="nothing in"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_in_the_place_of_what_a_dataset_says_of_itself_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "spans").mkdir()
    os.mkfifo(tmp_path / "nbtrace.json")
    assert len(load(tmp_path).spans()) == 0
    (tmp_path / "nbtrace.json").unlink()
    (tmp_path / "nbtrace.json").symlink_to("/dev/zero")
    assert len(load(tmp_path).spans()) == 0
