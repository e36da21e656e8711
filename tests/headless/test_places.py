from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from nbtrace.formats.register import UnknownFormatError
from nbtrace.headless.places import places


def test_what_has_no_name_goes_beside_the_notebook(tmp_path: Path) -> None:
    """Into a folder that is nobody else's, out of the way of version control; two runs at once never share a name."""
    one, other = (places(tmp_path / "a b.ipynb") for _ in range(2))
    folder = tmp_path / ".nbtrace"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    names = [Path(each).name for each in (one.executed, one.recording, one.report, one.journal)]
    assert len({name.partition(".")[0] for name in names}) == 1
    assert [Path(name).suffix for name in names] == [".ipynb", ".parquet", ".html", ".journal"]
    assert names[0].startswith("a b-")
    assert one.executed != other.executed
    assert one.note == ""


def test_what_has_a_name_goes_there(tmp_path: Path) -> None:
    found = places(
        tmp_path / "a.ipynb",
        executed=tmp_path / "out.ipynb",
        recording=str(tmp_path / "run.jsonl"),
        report=tmp_path / "r.html",
    )
    assert (found.executed, found.report) == (tmp_path / "out.ipynb", tmp_path / "r.html")
    assert found.recording == str(tmp_path / "run.jsonl")


def test_a_folder_takes_the_recordings_of_several_runs(tmp_path: Path) -> None:
    runs = f"{tmp_path / 'runs'}{os.sep}"
    assert places(tmp_path / "a.ipynb", recording=runs).recording == runs


@pytest.mark.parametrize(
    ("option", "name", "error"),
    [
        ("executed", "nowhere/out.ipynb", FileNotFoundError),
        ("executed", "folder", IsADirectoryError),
        ("report", "folder", IsADirectoryError),
        ("recording", "run.xyz", UnknownFormatError),
        ("recording", "a\0b.parquet", OSError),
    ],
)
def test_a_name_that_cannot_be_is_told_before_anything_runs(
    tmp_path: Path, option: str, name: str, error: type[Exception]
) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / name
    with pytest.raises(error):
        places(tmp_path / "a.ipynb", **{option: str(path) if option == "recording" else path})  # type: ignore[arg-type]


def test_beside_a_notebook_that_cannot_be_written_to_it_goes_elsewhere_and_says_so(tmp_path: Path) -> None:
    (tmp_path / ".nbtrace").write_text("a file is in the way")
    found = places(tmp_path / "a.ipynb")
    assert found.executed.parent != tmp_path / ".nbtrace"
    assert f"files go into {str(found.executed.parent)!r}" in found.note
    found.executed.parent.rmdir()
