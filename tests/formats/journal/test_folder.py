"""Which journals there are, and which go."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nbtrace
from nbtrace.formats.journal import folder
from nbtrace.formats.journal.files import parts
from nbtrace.formats.reading import PartlyReadWarning
from tests.formats.journal.journals import journalled
from tests.rows import row

pytestmark = pytest.mark.once

DIES = """
import os, sys
from pathlib import Path
from tests.formats.journal.journals import Journalled
from tests.rows import row
made = Journalled(Path(sys.argv[1]))
made.journal.start()
made.start(row(1))
os._exit(1)
"""


def died(where: Path) -> Path:
    """A journal whose process has died."""
    subprocess.run([sys.executable, "-c", DIES, str(where)], timeout=120, check=False)
    return where / "run.journal"


def test_a_folder_tells_which_journals_are_written_which_closed_and_which_left(tmp_path: Path) -> None:
    """One that somebody has read is not told of as left any more."""
    path = died(tmp_path)
    (tmp_path / "other.txt").write_text("x", encoding="utf-8")
    (tmp_path / "old").mkdir()
    with journalled(tmp_path / "old") as made:
        made.end(row(1))
        assert nbtrace.recover(tmp_path / "old")["state"].tolist() == ["running"]
    assert nbtrace.recover(tmp_path / "old")["state"].tolist() == ["closed"]
    found = nbtrace.recover(tmp_path)
    assert found[["file", "state"]].values.tolist() == [[str(path), "died"]]
    assert str(found["started"].dtype) == str(found["written"].dtype) == "datetime64[ns, UTC]"
    assert nbtrace.recover(path).spans()["state"].tolist() == ["unfinished"]
    assert nbtrace.recover(tmp_path)["state"].tolist() == ["recovered"]
    assert len(nbtrace.recover(path).spans()) == 1, "it can be read again"
    assert path.stat().st_size < 1_000, "and takes no more room than it needs"


def test_a_file_that_is_only_called_as_a_part_stays_as_it_is(tmp_path: Path) -> None:
    """Notes of a year, a log's copy, and what a link leads to."""
    path = died(tmp_path)
    theirs = {
        "run.journal.2024": b"notes\nof 2024\0\0",
        "run.journal.2025": b"",
        "run.journal.1": b"older",
        "other": b"theirs\0",
    }
    for name, content in theirs.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "run.journal.2027").symlink_to("other")
    with pytest.warns(PartlyReadWarning):
        assert len(nbtrace.recover(path).spans()) == 1
    assert {name: (tmp_path / name).read_bytes() for name in theirs} == theirs
    assert nbtrace.recover(tmp_path)["state"].tolist() == ["recovered"]


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_a_journal_that_is_written_is_not_taken_for_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not tell whether its process runs, or calls it by another number: it would be cut under it."""
    monkeypatch.setattr(folder, "runs", lambda pid, started: False)
    with journalled(tmp_path) as made:
        made.end(row(1))
        assert nbtrace.recover(tmp_path)["state"].tolist() == ["running"]
        assert len(nbtrace.recover(made.path).spans()) == 1
        assert made.journal._series._parts[-1].is_whole()
        made.end(row(2))
        assert len(made.read().spans()) == 2


def test_a_journal_of_another_machine_is_not_taken_for_dead(tmp_path: Path) -> None:
    path = died(tmp_path)
    head, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(head.replace(b'"host": "', b'"host": "not-') + b"\n" + rest)
    assert nbtrace.recover(tmp_path)["state"].tolist() == ["elsewhere"]
    nbtrace.recover(path)
    assert nbtrace.recover(tmp_path)["state"].tolist() == ["elsewhere"]


def test_the_list_is_of_the_journals_beside_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of those of the folder in which the process works."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert nbtrace.recover().empty
    assert not (tmp_path / ".nbtrace").exists(), "asking makes nothing"
    beside = tmp_path / "notebooks"
    (beside / ".nbtrace").mkdir(parents=True)
    path = died(beside / ".nbtrace")
    assert nbtrace.recover().empty
    monkeypatch.setenv("JPY_SESSION_NAME", str(beside / "a.ipynb"))
    assert nbtrace.recover()["file"].tolist() == [str(path)]
    named = died(beside)
    assert nbtrace.recover()["file"].tolist() == [str(named), str(path)], "one with a name of its own, too"


def test_the_list_shows_whole_paths_as_they_are_typed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In text and in HTML, however long: part of a path opens nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert str(nbtrace.recover()) == "no journals here; %nbtrace journal on begins one"
    (tmp_path / ".nbtrace").mkdir()
    path = died(tmp_path / ".nbtrace")
    long = path.rename(path.with_name(f"{'analysis-' * 12}.journal"))
    found = nbtrace.recover()
    assert found["file"].tolist() == [str(long)]
    head, row, *more = str(found).splitlines()
    assert head.split() == ["state", "written", "UTC", "bytes", "file"]
    assert row.startswith("died ")
    assert "".join(each.strip() for each in more[:-1]) == str(long.relative_to(tmp_path))
    assert more[-1] == "rec = nbtrace.recover(FILE) opens one"
    assert f">{long.relative_to(tmp_path)}</td>" in (found._repr_html_() or "")  # type: ignore[operator]


def test_a_new_journal_lies_beside_the_notebook_out_of_the_way_of_git(tmp_path: Path) -> None:
    where = folder.folder_of(str(tmp_path / "my analysis.ipynb"))
    path = folder.new_path(where, str(tmp_path / "my analysis.ipynb"))
    assert path.parent == tmp_path / ".nbtrace"
    assert re.fullmatch(r"my analysis-\d{8}-\d{6}-\d+-[0-9a-f]{4}\.journal", path.name)
    assert (tmp_path / ".nbtrace" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert (tmp_path / ".nbtrace").stat().st_mode & 0o777 == 0o700
    assert folder.new_path(where, None) != folder.new_path(where, None)


def test_a_name_that_is_taken_is_followed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    assert folder.unused(path) == path
    (tmp_path / "run.journal.4").write_bytes(b"")
    assert folder.unused(path).name == "run-2.journal"


def test_old_journals_go_and_so_do_the_oldest_beyond_a_gigabyte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is written to stays, and so does whatever is no journal."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        died(tmp_path / name)
        for each in parts(tmp_path / name / "run.journal"):
            os.replace(each, tmp_path / each.name.replace("run", name))
    (tmp_path / "keep.txt").write_text("x", encoding="utf-8")
    written = {found.path.name: found for found in folder.journals(tmp_path)}
    assert set(written) == {"a.journal", "b.journal", "c.journal"}
    day_ns = 86_400 * 10**9
    with journalled(tmp_path):
        folder.clear_old(tmp_path, lambda: written["a.journal"].written_ns + 13 * day_ns)
        assert len(folder.journals(tmp_path)) == 4
        monkeypatch.setattr(folder, "KEPT_BYTES", 1)
        folder.clear_old(tmp_path, lambda: written["a.journal"].written_ns)
        assert [found.path.name for found in folder.journals(tmp_path)] == ["run.journal"]
        folder.clear_old(tmp_path, lambda: written["a.journal"].written_ns + 90 * day_ns)
        assert [found.path.name for found in folder.journals(tmp_path)] == ["run.journal"]
    folder.clear_old(tmp_path, lambda: written["a.journal"].written_ns + 90 * day_ns)
    assert {each.name for each in tmp_path.iterdir() if each.is_file()} == {"keep.txt"}


def test_files_of_runs_go_with_their_journals_and_others_stay(tmp_path: Path) -> None:
    """What is called as `nbtrace run` calls its files is one thing: it goes together, when the last of it is old enough."""
    old, new = "a-20260101-120000-1-00ff", "a-20261126-120000-2-00ff"
    names = [
        *(f"{old}{suffix}" for suffix in (".ipynb", ".parquet", ".html")),
        f"{new}.ipynb",
        "mine.ipynb",
        "a-1.html",
    ]
    now, day = 1_800_000_000, 86_400
    for name in names:
        (tmp_path / name).write_text("x")
        age = day if name.startswith(new) else 20 * day
        os.utime(tmp_path / name, (now - age, now - age))
    folder.clear_old(tmp_path, lambda: now * 10**9)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a-1.html", f"{new}.ipynb", "mine.ipynb"]
