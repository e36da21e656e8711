"""A recording in one Parquet file."""

from __future__ import annotations

import base64
import io
import os
import pickle
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrace.api import Recording, load
from nbtrace.formats.arrow import MORE
from nbtrace.formats.parquet import whole, writing
from nbtrace.formats.parquet.columns import SPANS
from nbtrace.formats.parquet.source import bound
from nbtrace.formats.parquet.whole import read_parquet, write_parquet
from nbtrace.formats.parquet.writing import write_table
from nbtrace.formats.reading import Loaded, PartlyReadWarning, UnreadableFileError
from nbtrace.store import book
from nbtrace.store.batch import part
from nbtrace.store.schema import RUNNING, Row
from nbtrace.store.seal import seal
from nbtrace.store.span_store import Snapshot, SpanStore
from tests.formats.kept import answers, assert_same, rich, said
from tests.formats.test_arrow import rows, told
from tests.rows import row

DATA = Path(__file__).parents[1] / "data" / "recording-1.parquet"


def written(snapshot: Snapshot) -> bytes:
    file = io.BytesIO()
    write_parquet(snapshot, file)
    return file.getvalue()


def read(data: bytes, folder: Path) -> Loaded:
    path = folder / "x.parquet"
    path.write_bytes(data)
    return read_parquet(path)


def of(found: list[Row], **others: Any) -> Snapshot:
    return Snapshot((seal(found),), (), 0, **others)


def spans_file(table: Any, metadata: dict[str, str] | None = None) -> bytes:
    """A file of spans as another program writes it."""
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), file)
    return file.getvalue()


def as_table(data: bytes) -> Any:
    return pq.read_table(io.BytesIO(data)).replace_schema_metadata(None)


# ── without loss ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_loaded_recording_answers_all_that_the_live_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer of the register, DataFrames with their types, the tree as text, a report: equal."""
    made = rich().recording
    expected, held = answers(made, tmp_path), said(made._snapshot())
    path = made.save(tmp_path / "é 'x'.parquet")
    monkeypatch.setattr(book, "_NUMBERS", count(min(each.number for each in made._snapshot().executions)))
    loaded = load(path)
    assert said(loaded._snapshot()) == held
    assert_same(answers(loaded, tmp_path), expected)
    assert not loaded.recording


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(rows(), max_size=6, unique_by=lambda each: each[1]), cut=st.integers(0, 6))
def test_spans_come_back_without_loss(found: list[Row], cut: int, tmp_path: Path) -> None:
    """Nanoseconds, types, None, events, links, what runs and what is unfinished; several batches may come back as one."""
    batches = tuple(seal(each) for each in (found[:cut], found[cut:]) if each)
    loaded = read(written(Snapshot(batches, (), 5, dropped_samples=6)), tmp_path)
    assert loaded.unread == ()
    assert [told(batch) for batch in loaded.snapshot.batches] == ([told(seal(found))] if found else [])
    assert (loaded.snapshot.dropped_spans, loaded.snapshot.dropped_samples) == (5, 6)


def test_thousands_of_rare_keys_do_not_become_columns(tmp_path: Path) -> None:
    """Beyond a hundred keys those on less than a hundredth of the spans share a column; none is lost, nor its place."""
    found = [row(at + 1, **{f"key{at}": at, "always": "x", f"key{at + 1}": f"{at}"}) for at in range(500)]
    data = written(of(found))
    table = as_table(data)
    assert [name for name in table.schema.names if name.startswith("attributes.")] == ["attributes.always"]
    assert len(table[MORE][1].as_py()) == 2
    (back,) = read(data, tmp_path).snapshot.batches
    assert told(back) == told(seal(found))
    assert list(back.attributes) == list(seal(found).attributes)


def test_many_spans_are_several_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no reader needs all of them at once, and each comes back as one batch."""
    monkeypatch.setattr(writing, "GROUP_ROWS", 20)
    batches = tuple(seal([row(10 * at + each + 1, n=each) for each in range(10)]) for at in range(5))
    loaded = read(written(Snapshot(batches, (), 0)), tmp_path).snapshot
    assert [batch.length for batch in loaded.batches] == [20, 20, 10]
    assert [span for batch in loaded.batches for span in batch.spans["span_id"].to_pylist()] == [
        f"{at + 1:016x}" for at in range(50)
    ]


def test_the_file_of_an_earlier_version_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tests/formats/data/recording-1.parquet was saved by the version that first wrote format 1, and stays as it is.

    A new one is made where the format changes, beside the old: `rich().recording.save("tests/formats/data/recording-N.parquet")`
    from tests.formats.kept, in a new interpreter, whose executions are then those of `rich()` in this test."""
    monkeypatch.setattr(book, "_NUMBERS", count(1))
    expected = rich().recording
    monkeypatch.setattr(book, "_NUMBERS", count(1))
    loaded = load(DATA)
    assert said(loaded._snapshot()) == said(expected._snapshot())
    assert_same(answers(loaded, tmp_path), answers(expected, tmp_path))


# ── other programs ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_duckdb_opens_the_file(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = rich().recording.save(tmp_path / "run.parquet")
    found = duckdb.sql(
        f'select name, sum(end_time_unix_nano - start_time_unix_nano), max("attributes.source") '
        f"from '{path}' where state = 'ended' group by name order by name"
    ).fetchall()
    assert found[-1] == ("work", 60_000_000, None)
    assert ("load", 87_000_000, "s3") in found
    assert duckdb.sql(f"select count(*) from (select unnest(events) from '{path}')").fetchall() == [(1,)]


def test_polars_opens_the_file(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    path = rich().recording.save(tmp_path / "run.parquet")
    found = polars.read_parquet(path)
    assert found["attributes.source"].drop_nulls().to_list() == ["s3"]
    assert found["events"].list.len().sum() == 1


@pytest.mark.parametrize("by", ["duckdb", "polars", "pyarrow"])
def test_a_file_that_another_program_has_written_anew_loads(by: str, tmp_path: Path) -> None:
    """Its spans, with their attributes; what lay in the metadata is gone."""
    module = pytest.importorskip(by)
    path, again = rich().recording.save(tmp_path / "run.parquet"), tmp_path / "again.parquet"
    if by == "duckdb":
        module.sql(f"copy (select * from '{path}' where state = 'ended') to '{again}'")
    elif by == "polars":
        found = module.read_parquet(path)
        found.filter(found["state"] == "ended").write_parquet(again)
    else:
        pq.write_table(as_table(path.read_bytes()).filter(pa.compute.field("state") == "ended"), again)
    table = load(again).spans()
    assert len(table) == 7
    assert table["attributes.source"].dropna().tolist() == ["s3"]
    assert table["attributes.rows"].dropna().tolist() == [5]
    assert load(again).cells().empty


# ── what is no file of ours ──────────────────────────────────────────────────────────────────────────────────────────


class Reduced:
    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize(
    "data",
    [b"", b"PAR1", b"PAR1PAR1PAR1", b"{}", pickle.dumps(Reduced()), b"PAR1" + bytes(4_000) + b"\xa0\x0f\0\0PAR1"],
    ids=["empty", "begun", "short", "json", "pickle", "zeros"],
)
def test_what_is_no_parquet_is_refused(data: bytes, tmp_path: Path) -> None:
    """By name, with nothing executed."""
    with pytest.raises(UnreadableFileError, match=r"'.*x\.parquet' (is empty|cannot be read)"):
        read(data, tmp_path)
    assert not Path("executed").exists()


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    data = written(rich().store.snapshot())
    for end in range(1, len(data), 97):
        with pytest.raises(UnreadableFileError):
            read(data[:end], tmp_path)


def test_parquet_of_something_else_names_what_is_missing(tmp_path: Path) -> None:
    table = as_table(written(of([row(1)])))
    with pytest.raises(UnreadableFileError, match="has no column trace_id, name, "):
        read(spans_file(table.drop(["trace_id", "name", "thread_name"])), tmp_path)
    with pytest.raises(UnreadableFileError, match="trace_id, span_id, parent_span_id and 18 others, so it is none of"):
        read(spans_file(table.select(["state", "events", "links"])), tmp_path)


def test_columns_of_other_types_are_named(tmp_path: Path) -> None:
    table = as_table(written(of([row(1)])))
    at = table.schema.get_field_index("start_time_unix_nano")
    wrong = table.set_column(at, "start_time_unix_nano", pa.array(["yesterday"]))
    at = table.schema.get_field_index("events")
    with pytest.raises(UnreadableFileError, match="start_time_unix_nano is string, and not int64; events is int64"):
        read(spans_file(wrong.set_column(at, "events", pa.array([5]))), tmp_path)


def test_attributes_of_strange_types_are_left_out_and_named(tmp_path: Path) -> None:
    table = as_table(written(of([row(1, n=1)]))).append_column("attributes.when", pa.array([1], pa.timestamp("ns")))
    loaded = read(spans_file(table), tmp_path)
    assert list(loaded.snapshot.batches[0].attributes) == ["n"]
    assert "attributes.when (timestamp[ns])" in loaded.unread[0]


def test_a_file_of_a_newer_version_asks_for_an_upgrade(tmp_path: Path) -> None:
    data = spans_file(as_table(written(of([row(1)]))), {"nbtrace.format": "2"})
    with pytest.raises(UnreadableFileError, match=r"newer nbtrace .*pip install --upgrade nbtrace"):
        read(data, tmp_path)


def test_a_span_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    """The one that has ended, else the first; and it is said how many there were."""
    found = [row(1, name="first", end=RUNNING), row(2, name="a"), row(1, name="ended"), row(2, name="b"), row(2)]
    loaded = read(written(of(found)), tmp_path)
    (batch,) = loaded.snapshot.batches
    assert batch.spans["name"].to_pylist() == ["a", "ended"]
    assert loaded.unread == (
        "3 rows have the span_id of another, of which the one that has ended, else the first, is kept",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("span_id", "xyz"),
        ("span_id", "ABCDEFABCDEFABCD"),
        ("parent_span_id", ""),
        ("trace_id", "é" * 16),
        ("start_time_unix_nano", -(2**63)),
        ("start_time_unix_nano", None),
        ("end_time_unix_nano", -(2**63)),
        ("name", None),
        ("execution", None),
        ("links", [{"trace_id": "no", "span_id": f"{1:016x}", "attributes": []}]),
        ("events", [{"time_unix_nano": None, "name": "x", "attributes": []}]),
    ],
)
def test_a_span_that_cannot_be_is_left_out_and_counted(name: str, value: Any, tmp_path: Path) -> None:
    """And the others answer."""
    table = as_table(written(of([row(1), row(2), row(3)])))
    at = table.schema.get_field_index(name)
    column = pa.array([table[name][0].as_py(), value, table[name][2].as_py()], SPANS.field(name).type)
    loaded = read(spans_file(table.set_column(at, name, column)), tmp_path)
    assert loaded.snapshot.batches[0].spans["span_id"].to_pylist() == [f"{1:016x}", f"{3:016x}"]
    assert loaded.unread == ("1 spans left out, as their ids, names or times are none",)


def test_times_at_the_end_of_time_answer(tmp_path: Path) -> None:
    """2^63 does not fit, and what does is asked about without a crash."""
    found = [row(1, start=-(2**63) + 1, end=2**63 - 1), row(2, start=2**63 - 1, end=2**63 - 1)]
    path = tmp_path / "run.parquet"
    path.write_bytes(written(of(found)))
    loaded = load(path)
    assert len(loaded.spans()) == 2
    assert str(loaded.text())
    table = as_table(path.read_bytes())
    at = table.schema.get_field_index("start_time_unix_nano")
    path.write_bytes(spans_file(table.set_column(at, "start_time_unix_nano", pa.array([2**63, 5], pa.uint64()))))
    with pytest.warns(PartlyReadWarning, match="2 rows cannot be read: Integer value"):
        assert len(load(path)) == 0


def test_json_that_is_none_is_shown_as_text(tmp_path: Path) -> None:
    """A resource that is no object goes, an attribute stays."""
    snapshot = of([row(1, listed=(1, 2))])
    table = as_table(written(snapshot))
    at = table.schema.get_field_index("resource")
    table = table.set_column(at, "resource", pa.array(["[" * 100_000]))
    at = table.schema.get_field_index("attributes.listed")
    table = table.set_column(at, "attributes.listed", pa.array(["{no"]))
    path = tmp_path / "x.parquet"
    path.write_bytes(spans_file(table, {"nbtrace.attributes": '[["attributes.listed", "listed", "json"]]'}))
    with pytest.warns(PartlyReadWarning, match="1 spans shown without their resource.*; 1 attributes shown as text"):
        loaded = load(path)
    assert loaded.spans()["attributes.listed"].tolist() == ["{no"]


# ── damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def flipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path, dict[str, Any]]:
    snapshot = rich().store.snapshot()
    data = written(snapshot)
    return data, tmp_path_factory.mktemp("flipped"), said(read(data, tmp_path_factory.mktemp("whole")).snapshot)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_flipped_bit_is_noticed_or_does_no_harm(
    flipped: tuple[bytes, Path, dict[str, Any]], data: st.DataObject
) -> None:
    """Wherever it is: the file is refused, or said to be read in part, or nothing that is read is other than it was."""
    whole, folder, expected = flipped
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        loaded = read(bytes(changed), folder)
    except UnreadableFileError:
        return
    assert loaded.unread or said(loaded.snapshot) == expected


def test_of_a_damaged_file_the_row_groups_that_are_whole_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is said how many spans are missing."""
    monkeypatch.setattr(writing, "GROUP_ROWS", 1_000)
    batches = tuple(
        seal([row(1_000 * at + each + 1, text=os.urandom(1_024)) for each in range(1_000)]) for at in range(4)
    )
    data = bytearray(written(Snapshot(batches, (), 0)))
    data[2_500_000] ^= 1
    loaded = read(bytes(data), tmp_path)
    assert [batch.length for batch in loaded.snapshot.batches] == [1_000, 1_000]
    assert loaded.unread == ("2,000 rows of 4,000 rows are missing: 2 of 4 parts of the file are not what was written",)


def test_metadata_that_cannot_be_read_leaves_the_spans(tmp_path: Path) -> None:
    table = as_table(written(of([row(1)])))
    for text in (
        "",
        "?",
        base64.b64encode(b"no").decode(),
        base64.b64encode(pa.compress(b"x", "zstd", asbytes=True)).decode(),
    ):
        loaded = read(spans_file(table, {"nbtrace.format": "1", "nbtrace.executions": text}), tmp_path)
        assert loaded.snapshot.batches[0].length == 1
        assert loaded.unread[0].startswith("its executions cannot be read: ")


def test_metadata_that_expands_without_end_is_not_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes that become gigabytes are stopped at the bound."""
    monkeypatch.setattr(whole, "bound", lambda size: 1 << 22)
    packed = base64.b64encode(pa.compress(bytes(1 << 23), "zstd", asbytes=True)).decode()
    loaded = read(
        spans_file(as_table(written(of([row(1)]))), {"nbtrace.samples": packed, "nbtrace.stacks": packed}), tmp_path
    )
    assert "far larger than a file of this size can hold" in loaded.unread[0]


BOMBS = """
import resource, sys
import pyarrow as pa, pyarrow.parquet as pq
from pathlib import Path
from nbtrace.formats.parquet.whole import read_parquet
from nbtrace.formats.reading import UnreadableFileError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_parquet(Path(sys.argv[1]))
except UnreadableFileError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks for the memory as Linux tells it")
@pytest.mark.parametrize("bomb", ["a text of 400 megabytes", "a million times a megabyte", "millions of nulls"])
def test_a_small_file_that_claims_gigabytes_is_refused_within_bounds(bomb: str, tmp_path: Path) -> None:
    table, path = as_table(written(of([row(1, text="x")]))), tmp_path / "x.parquet"
    at = table.schema.get_field_index("attributes.text")
    if bomb == "a text of 400 megabytes":
        table = table.set_column(at, "attributes.text", pa.array(["x" * 400_000_000]))
        pq.write_table(table, path, compression="zstd", use_dictionary=False, write_statistics=False)
    elif bomb == "a million times a megabyte":
        many = table.take(pa.array([0] * 100_000))
        encoded = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 1_000_000]))
        many = many.set_column(many.schema.get_field_index("span_id"), "span_id", encoded)
        pq.write_table(many, path, compression="zstd")
    else:
        none = pa.table([pa.nulls(1 << 20, each.type) for each in SPANS], schema=SPANS)
        with pq.ParquetWriter(path, SPANS, compression="zstd") as writer:
            for _ in range(3):
                writer.write_table(none)
    del table
    assert path.stat().st_size < 1_000_000
    done = subprocess.run([sys.executable, "-c", BOMBS, str(path)], capture_output=True, text=True, check=True)
    *said_, megabytes = done.stdout.splitlines()
    assert int(megabytes) < 900
    assert "far larger" in " ".join(said_) or bomb == "millions of nulls"


def test_texts_that_may_hide_any_size_are_not_read(tmp_path: Path) -> None:
    """In this encoding each may repeat all of the one before in no space at all. The rows are counted."""
    table = as_table(written(of([row(1, text="x")])))
    file = io.BytesIO()
    pq.write_table(table, file, use_dictionary=False, column_encoding={"attributes.text": "DELTA_BYTE_ARRAY"})
    loaded = read(file.getvalue(), tmp_path)
    assert loaded.snapshot.batches == ()
    assert loaded.unread[0].startswith("1 row cannot be read: ")


def test_the_bound_leaves_room_for_what_is_honest() -> None:
    """A million spans of thirty bytes each take less than half of it."""
    assert bound(30_000_000) > 2 * 1_000_000 * 300


# ── on the way to the disk ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_disk_that_fills_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """And no other file beside it."""
    path = rich().recording.save(tmp_path / "run.parquet")
    before = path.read_bytes()
    code = (
        "import resource, signal, sys\n"
        "from tests.formats.kept import rich\n"
        "made = rich()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
        "try:\n    made.recording.save(sys.argv[1])\n"
        "except OSError as error:\n    print(type(error).__name__)\n"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("bounds the size of files as Linux does")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "OSError\n"
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["run.parquet"]


def test_a_narrowed_recording_is_saved_alone(tmp_path: Path) -> None:
    made = rich().recording
    loaded = load(made.save(tmp_path / "one.parquet", cell=1))
    assert loaded.cells()["cell"].tolist() == [1]
    assert set(loaded.spans()["cell"]) == {1}
    assert len(loaded.statements()) == 2


def test_an_empty_recording_comes_back_empty(tmp_path: Path) -> None:
    loaded = load(Recording(SpanStore()).save(tmp_path / "none.parquet"))
    assert len(loaded) == 0
    assert loaded.spans().empty


def test_another_table_may_carry_checksums_too(tmp_path: Path) -> None:
    """Of a schema alone, without rows."""
    file = io.BytesIO()
    write_table(file, SPANS, [], {"a": "b"})
    assert pq.read_table(io.BytesIO(file.getvalue())).num_rows == 0
    assert read(file.getvalue(), tmp_path).snapshot.batches == ()


@pytest.mark.parametrize("whose", ["ours", "another's"])
def test_no_damage_ends_the_process(whose: str, tmp_path: Path) -> None:
    """pyarrow dies on some changed files; hundreds of them, with checksums and without, are read in a process that lives on."""
    shutil.copy(DATA, tmp_path / "x.parquet")
    if whose != "ours":
        pq.write_table(as_table(DATA.read_bytes()), tmp_path / "x.parquet")
    code = (
        "import random, sys\n"
        "from pathlib import Path\n"
        "from nbtrace.formats.parquet.whole import read_parquet\n"
        "from nbtrace.formats.reading import UnreadableFileError\n"
        "path = Path(sys.argv[1])\n"
        "whole, chance, refused = path.read_bytes(), random.Random(7), 0\n"
        "for _ in range(500):\n"
        "    data = bytearray(whole)\n"
        "    for _ in range(chance.choice((1, 1, 5))):\n"
        "        data[chance.randrange(len(data))] = chance.randrange(256)\n"
        "    path.write_bytes(data)\n"
        "    try:\n        read_parquet(path)\n"
        "    except UnreadableFileError:\n        refused += 1\n"
        "print(refused)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.parquet")], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 100


def test_parts_of_batches_are_written_without_what_they_left_out(tmp_path: Path) -> None:
    """A text of a span that is not saved is nowhere in the file."""
    batch = seal([row(1, text="kept"), row(2, text="secret-of-the-other")])
    left = part(batch, batch.spans["span_id"].to_numpy(zero_copy_only=False) == f"{1:016x}")
    file = io.BytesIO()
    write_parquet(Snapshot((left,), (), 0), file)
    assert b"secret-of" not in file.getvalue()
