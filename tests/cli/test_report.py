"""`nbtrace report`: a page beside the recording, and nothing lost for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbtrace.recording import Recording
from nbtrace.store.span_store import SpanStore
from nbtrace.views import words
from tests.cli.commands import a_run, refused, typed


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.chdir(tmp_path)
    recording = a_run().recording
    recording.save("run.parquet")
    return recording


def test_the_page_lies_beside_the_recording_and_is_written_anew(run: Recording) -> None:
    for _ in range(2):
        status, output, error = typed("report", "run.parquet")
        assert (status, error) == (0, "writing run.html …\n")
        size = Path("run.html").stat().st_size
        assert output.startswith(f"run.html  {words.size(size)}, 24 spans")
    assert "<title>nbtrace: run</title>" in Path("run.html").read_text("utf-8")
    run.save("runs/")
    assert typed("report", "runs/")[0] == 0
    assert Path("runs.html").exists()


def test_a_page_that_is_no_report_stays(run: Recording) -> None:
    """-o means what it says; a page that only lies there was not named."""
    Path("run.html").write_text("<title>my notes</title>", "utf-8")
    assert refused("report", "run.parquet").endswith("Type  nbtrace report run.parquet -o report-run.html")
    assert Path("run.html").read_text("utf-8") == "<title>my notes</title>"
    assert typed("report", "run.parquet", "-o", "run.html")[0] == 0
    assert "nbtrace: run" in Path("run.html").read_text("utf-8")


def test_narrowed_it_says_how_much_is_in_it(run: Recording) -> None:
    def spans(*options: str) -> str:
        return typed("report", "run.parquet", "-o", "a b.html", *options)[1].partition(", ")[2]

    assert spans("--cell", "3,5-7").startswith("12 spans")
    assert spans("--last", "1").startswith("3 spans")
    assert spans("--where", "name == 'load'").startswith("8 spans")
    assert typed("report", "run.parquet", "-o", "new.html", "--asking")[1].startswith("new.html")


def test_what_would_be_an_empty_page_is_not_written(run: Recording) -> None:
    before = typed("report", "run.parquet")[0], Path("run.html").read_bytes()
    said = refused("report", "run.parquet", "--cell", "99", "--where", "name == 'x'")
    assert said.startswith("nothing in 'run.parquet' meets --cell and --where, so nothing was written.")
    assert before == (0, Path("run.html").read_bytes())
    Recording(SpanStore()).save("empty.parquet")
    assert ", 0 spans" in typed("report", "empty.parquet")[1]


def test_where_a_page_cannot_go(run: Recording) -> None:
    Path("folder").mkdir()
    recorded = Path("run.parquet").read_bytes()
    assert refused("report", "run.parquet", "-o", "run.parquet") == "'run.parquet' is what is read; name another file."
    assert refused("report", "run.parquet", "-o", "folder").endswith("name a file in it, such as  folder/run.html")
    assert refused("report", "run.parquet", "-o", "a b/x.html").endswith("no folder 'a b'. Type  mkdir -p 'a b'")
    assert refused("report", "run.parquet", "-o", "") == "'' is no file."
    assert refused("report", "nix.parquet").startswith("there is no file 'nix.parquet'.")
    assert refused("report", "run.parquet", "--cell", "3:4").endswith(
        "Did you mean  nbtrace report run.parquet --cell 3-4?"
    )
    said = refused("report", "run.parquet", "--where", "exception_type == 'X'")
    assert said.endswith("""type  nbtrace show run.parquet errors --where "exception_type == 'X'\"""")
    assert recorded == Path("run.parquet").read_bytes()
    assert sorted(each.name for each in Path().iterdir()) == ["folder", "run.parquet"]
