"""`nbtrace convert`: from any format that is read into any that is written."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

import nbtrace
from nbtrace.recording import Recording
from nbtrace.store.span_store import SpanStore
from tests.cli.commands import a_run, needs_protobuf, refused, typed
from tests.formats.journal.journals import journalled
from tests.rows import row


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.chdir(tmp_path)
    recording = a_run().recording
    recording.save("run.parquet")
    return recording


@pytest.mark.parametrize("first", ["a.parquet", "a.jsonl", pytest.param("a.otlp", marks=needs_protobuf), "runs/"])
@pytest.mark.parametrize("second", ["b.parquet", "b.jsonl", pytest.param("b.otlp", marks=needs_protobuf), "others/"])
def test_each_format_that_is_read_becomes_each_that_is_written(run: Recording, first: str, second: str) -> None:
    run.save(first)
    status, output, _ = typed("convert", first, second)
    assert status == 0
    assert output.startswith(second.rstrip("/") + "  ")
    assert output.endswith(", 24 spans\n")
    pd.testing.assert_frame_equal(nbtrace.load(second).spans(), run.spans())


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("b.parquet", []),
        ("runs/", []),
        ("b.jsonl", ["nbtrace: .jsonl has no place for 680 samples and 16 statements, which are left out."]),
        ("b.json", ["nbtrace: .json is written for other programs, and not read again: keep what it was made of."]),
        ("b.folded", ["nbtrace: .folded has no place for 24 spans, which are left out; .folded is written for other programs, and not read again: keep what it was made of."]),
    ],
)  # fmt: skip
def test_what_a_format_has_no_place_for_is_told(run: Recording, name: str, lost: list[str]) -> None:
    status, _, error = typed("convert", "run.parquet", name)
    assert (status, error.splitlines()) == (0, [f"writing {name} …", *lost])


def test_a_profile_opens_in_speedscope(run: Recording) -> None:
    assert typed("convert", "run.parquet", "slow.speedscope.json", "--cell", "7")[0] == 0
    assert json.loads(Path("slow.speedscope.json").read_text("utf-8"))["$schema"].startswith(
        "https://www.speedscope.app/"
    )


def test_narrowed_it_has_what_meets_the_conditions_and_what_is_below(run: Recording) -> None:
    assert typed("convert", "run.parquet", "b.parquet", "--cell", "3,5", "--where", "name == 'load'")[0] == 0
    assert nbtrace.load("b.parquet").spans()["name"].tolist() == ["load", "read"] * 2


def test_what_would_be_nothing_is_not_written_over_something(run: Recording) -> None:
    run.save("b.parquet")
    before = Path("b.parquet").read_bytes()
    assert "so nothing was written" in refused("convert", "run.parquet", "b.parquet", "--cell", "99")
    assert before == Path("b.parquet").read_bytes()
    Recording(SpanStore()).save("empty.parquet")
    assert typed("convert", "empty.parquet", "b.jsonl")[1].endswith(", 0 spans\n")


def test_a_folder_grows_by_what_is_new(run: Recording) -> None:
    for _ in range(2):
        assert typed("convert", "run.parquet", "runs/")[0] == 0
    assert len(nbtrace.load("runs/").spans()) == 24


def test_a_recording_is_never_written_over_itself(run: Recording) -> None:
    """By whatever name it is called, nor into itself."""
    run.save("runs/")
    os.symlink("run.parquet", "link.parquet")
    os.link("run.parquet", "hard.parquet")
    with journalled(Path.cwd()) as made:
        made.end(row(1, name="load"))
    Path("run.journal.before.parquet").write_bytes(Path("run.parquet").read_bytes())
    held = {each: each.read_bytes() for each in Path().rglob("*") if each.is_file()}
    for target in ("run.parquet", "./run.parquet", "link.parquet", "hard.parquet"):
        assert refused("convert", "run.parquet", target).endswith("is what is read; name another file.")
    assert refused("convert", "runs", "runs/").endswith("is what is read; name another file.")
    for target in ("runs/spans/x.parquet", "runs/inner/", "runs/x.jsonl"):
        assert refused("convert", "runs", target).endswith("lies in 'runs', which is read; name a file elsewhere.")
    assert "belongs to a journal" in refused("convert", "run.journal", "run.journal.before.parquet")
    assert held == {each: each.read_bytes() for each in Path().rglob("*") if each.is_file()}


def test_where_it_cannot_go(run: Recording) -> None:
    Path("folder").mkdir()
    Path("folder/notes").touch()
    for name in ("b", "b.csv", "b.parquet.gz", "x\n.csv"):
        assert "Known: .parquet, .jsonl, .otlp, .speedscope.json, .json, .folded, and folders" in refused(
            "convert", "run.parquet", name
        )
    said = refused("convert", "run.parquet", "folder")
    assert said.endswith("name a file in it, such as  folder/run.parquet  or a folder  folder/runs/")
    assert refused("convert", "run.parquet", "nix/b.parquet").endswith("no folder 'nix'. Type  mkdir -p nix")
    assert refused("convert", "run.parquet", "~/b.parquet").endswith(
        f"Did you mean  {os.path.expanduser('~/b.parquet')}?"
    )
    assert "missing argument 'B'" in refused("convert", "run.parquet")
    assert refused("convert", "nix.parquet", "b.parquet").startswith("there is no file 'nix.parquet'.")


def test_a_profile_of_nothing_is_told_in_words_of_a_shell(run: Recording) -> None:
    run.save("run.jsonl")
    said = refused("convert", "run.jsonl", "b.folded")
    assert (
        said
        == "'run.jsonl' has no samples, and .folded is made of them. Type  nbtrace show run.jsonl  to see what it has"
    )
    said = refused("convert", "run.parquet", "b.folded", "--where", "name == 'read'")
    assert said.startswith("none of the 680 samples is of what was asked for")
    assert not Path("b.folded").exists()


@pytest.mark.skipif(find_spec("opentelemetry.proto") is not None, reason="it is installed")
def test_what_is_not_installed_is_told(run: Recording) -> None:
    assert refused("convert", "run.parquet", "b.otlp").startswith(".otlp files need opentelemetry-proto")
    Path("a.otlp").write_bytes(b"")
    assert refused("show", "a.otlp").startswith(".otlp files need opentelemetry-proto")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_must_not_be_written_to(run: Recording) -> None:
    Path("closed").mkdir(mode=0o500)
    assert "ermission denied" in refused("convert", "run.parquet", "closed/b.parquet")
