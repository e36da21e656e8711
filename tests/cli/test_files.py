"""Which recording is meant by what somebody types."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import nbtrace
from nbtrace.cli.files import read_recording
from nbtrace.cli.problems import Problem
from nbtrace.formats.journal import folder
from tests.cli.commands import needs_protobuf
from tests.formats.journal.journals import journalled
from tests.formats.kept import rich
from tests.rows import row


def problem(path: str) -> str:
    with pytest.raises(Problem) as told:
        read_recording(path)
    line = told.value.format_message()
    assert line.isprintable()
    assert "nbtrace.load" not in line
    return line


@pytest.mark.parametrize(
    "name", ["run.parquet", "run.jsonl", pytest.param("run.otlp", marks=needs_protobuf), "runs/", "runs"]
)
def test_what_was_saved_is_read(tmp_path: Path, name: str) -> None:
    made = rich().recording
    made.save(os.path.join(tmp_path, "runs/" if name == "runs" else name))
    assert read_recording(os.path.join(tmp_path, name)).spans()["span_id"].tolist() == made.spans()["span_id"].tolist()


def test_a_journal_is_read_by_any_of_its_files_and_not_marked(tmp_path: Path) -> None:
    with journalled(tmp_path) as made:
        made.end(row(1, name="load"))
    (tmp_path / "run.journal.2").write_bytes((tmp_path / "run.journal").read_bytes())
    for name in ("run.journal", "run.journal.2"):
        assert read_recording(str(tmp_path / name)).spans()["name"].tolist() == ["load"]
    assert folder.look(tmp_path / "run.journal").state == "closed"  # type: ignore[union-attr]


def test_a_file_that_is_not_there_names_those_that_may_be_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rich().recording.save("my run.parquet")
    assert problem("my_run.parqet") == "there is no file 'my_run.parqet'. Did you mean  'my run.parquet'?"
    assert problem("other.jsonl") == "there is no file 'other.jsonl'."
    assert problem("nowhere/run.parquet") == "there is no file 'nowhere/run.parquet'."
    assert problem("") == "'' is no file."


def test_a_home_that_the_shell_left_alone_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    path = rich().recording.save(tmp_path / "run.parquet")
    assert problem("~/run.parquet").endswith(f"Did you mean  {path}?")


def test_a_folder_of_recordings_names_the_last_ones(tmp_path: Path) -> None:
    assert problem(str(tmp_path)).endswith("is a folder and no recording, and holds none.")
    first = rich().recording.save(tmp_path / "a.parquet")
    last = nbtrace.load(first).save(tmp_path / "b.jsonl")
    os.utime(first, (1, 1))
    assert problem(str(tmp_path)).endswith(f"but holds 2. Name one of them:  {last}  or  {first}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("run.json", "is Chrome trace events for https://ui.perfetto.dev, which is written for other programs and not read."),
        ("run.ipynb", "is a notebook, and not what was recorded of it. Type  nbtrace run "),
        ("run.txt", "from its suffix. What is read: .parquet, .jsonl, .otlp, .journal, and folders that nbtrace saved into."),
        ("run.parquet", "run.parquet' "),
        ("run.jsonl", "run.jsonl' "),
        ("run.journal", "is no journal of nbtrace: its first line does not say so."),
        ("a\n\x1b[31mb.parquet", "\\n\\x1b[31mb.parquet' "),
        ("\udc80.parquet", "\\udc80.parquet' "),
    ],
)  # fmt: skip
def test_a_file_of_something_else_is_told_in_one_line(tmp_path: Path, name: str, said: str) -> None:
    path = os.path.join(tmp_path, name)
    with open(path, "wb") as file:
        file.write(b"\0 hello")
    line = problem(path)
    assert said in line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("run.parquet", "run.jsonl", "run.journal"):
        os.mkfifo(tmp_path / name)
        assert problem(str(tmp_path / name)).endswith("is no file, but a pipe or a device.")
    (tmp_path / "link.parquet").symlink_to("nowhere")
    assert problem(str(tmp_path / "link.parquet")).endswith("is a link that leads nowhere.")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read(tmp_path: Path) -> None:
    path = rich().recording.save(tmp_path / "run.parquet")
    path.chmod(0)
    assert problem(str(path)) == f"{str(path)!r}: Permission denied."


def test_what_cannot_be_read_of_a_file_is_counted_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rich().recording.save(tmp_path / "run.jsonl")
    path.write_bytes(path.read_bytes() + b"{nonsense\n")
    assert len(read_recording(str(path)))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("nbtrace: ")
    assert "1 line left out, line 2: it is no JSON" in line
