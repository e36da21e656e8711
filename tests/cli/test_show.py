"""`nbtrace show`: the register's questions, of a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbtrace.answers.register import by_word
from nbtrace.cli.main import cli
from nbtrace.cli.show import ROWS
from nbtrace.recording import Recording
from nbtrace.store.span_store import SpanStore
from tests.cli.commands import a_run, refused, typed
from tests.formats.journal.journals import journalled
from tests.formats.kept import NOTEBOOK, rich
from tests.rows import row

WORDS = [word for word in by_word() if word != "view"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """A recording that lies here as run.parquet."""
    monkeypatch.chdir(tmp_path)
    recording = a_run().recording
    recording.save("run.parquet")
    return recording


def shown(*words: str, width: int = 100) -> list[str]:
    status, output, error = typed("show", "run.parquet", *words, COLUMNS=str(width))
    assert (status, error) == (0, "")
    return output.splitlines()


def test_without_a_word_it_is_the_tree(run: Recording) -> None:
    """As text() writes it, in the terminal's width."""
    assert shown(width=80) == str(run.text()).splitlines()
    assert shown("tree", "--cell", "3,7-8", width=80) == str(run.text(cell=[3, 7, 8])).splitlines()
    assert shown("--last", "2", width=80) == str(run.text(last=2)).splitlines()
    assert shown("--where", "name == 'load'", width=80) == str(run.text(where="name == 'load'")).splitlines()


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_register_is_shown_and_told_of_in_the_help(run: Recording, word: str) -> None:
    Path("notebook.ipynb").write_text(json.dumps(NOTEBOOK), "utf-8")
    behind = {"compare": ["3", "5"], "headings": ["notebook.ipynb"]}.get(word, [])
    lines = shown(word, *behind)
    assert len(lines) > 1 or lines in (
        ["no errors"],
        ["nothing repeats"],
        ["no tasks; those of a Dask cluster need %nbtrace dask"],
    )
    assert max(map(len, lines)) <= 100
    (command,) = (each for name, each in cli.commands.items() if name == "show")
    assert word in (command.help or "")
    table = json.loads(typed("show", "run.parquet", word, *behind, "--json")[1])
    assert isinstance(table, list)


def test_a_table_says_what_it_leaves_out_and_how_to_have_it(tmp_path: Path) -> None:
    store = SpanStore()
    for number in range(1, 101):
        store.append(row(number, name=f"step {number}", start=number, end=number + 1, n=number))
    path = str(Recording(store).save(tmp_path / "run.parquet"))
    _, output, _ = typed("show", path, "table", COLUMNS="100")
    *lines, foot = output.splitlines()
    assert len(lines) == 1 + ROWS + 1
    assert foot.startswith(f"showing {ROWS} of 100 rows · ")
    assert foot.endswith("more columns: --json has all")
    assert typed("show", path, "stats")[1].splitlines()[-1].startswith(f"showing {ROWS} of 100 rows")


def test_without_a_terminal_lines_are_long(run: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """More columns have room than in a narrow terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)
    wide = typed("show", "run.parquet", "cells")[1].splitlines()
    narrow = shown("cells", width=60)
    assert max(map(len, wide)) <= 120
    assert len(wide[0].split()) > len(narrow[0].split())
    assert max(map(len, narrow)) <= 60


def test_what_is_of_one_cell_in_a_notebook_is_of_the_slowest_of_a_file(run: Recording) -> None:
    """And says so; what adds up is of all cells."""
    assert [line for line in shown("lines") if "──" in line] == [
        line for line in shown("lines", "--cell", "6-8") if "──" in line
    ]
    assert shown("lines")[-1] == "the 3 slowest of 8 cells (--cell N or --last N for others)"
    assert shown("path")[-1] == "cell [8], the slowest of 8 cells (--cell N or --last N for others)"
    assert shown("path")[:-1] == shown("path", "--cell", "8")
    for word in ("hot", "self"):
        assert shown(word)[-1] == "all cells (--cell N or --last N for some)"
        assert shown(word, "--last", "1")[-1] != shown(word)[-1]


def test_json_has_all_rows_and_columns(run: Recording) -> None:
    """Times in ISO 8601, durations in ns; narrowed as the text is."""
    table = json.loads(typed("show", "run.parquet", "table", "--json")[1])
    assert list(table[0]) == list(run.spans(attributes="all").columns)
    assert [each["name"] for each in table] == run.spans()["name"].tolist()
    first = next(each for each in table if each["name"] == "load")
    assert (first["start_time"], first["duration"]) == ("2023-11-14T22:13:30.001000000Z", 49_000_000)
    assert (first["attributes.rows"], first["cell"], first["status_message"]) == (1, 1, None)
    narrowed = json.loads(typed("show", "run.parquet", "table", "--json", "--where", "attributes.rows > 6")[1])
    assert [each["attributes.rows"] for each in narrowed] == [7, 8]
    lines = json.loads(typed("show", "run.parquet", "lines", "--json")[1])
    assert {each["cell"] for each in lines} == set(range(1, 9))


def test_the_tree_as_json_is_the_table_of_it(run: Recording) -> None:
    tree = json.loads(typed("show", "run.parquet", "--json")[1])
    assert [(each["depth"], each["span_id"]) for each in tree] == list(
        run.tree()[["depth", "span_id"]].itertuples(index=False)
    )
    for options in (["--where", "attributes.rows == 3"], ["--last", "1", "--where", "name == 'load'"]):
        (only,) = json.loads(typed("show", "run.parquet", "tree", "--json", *options)[1])
        assert (only["name"], only["orphan"]) == ("load", True)


def test_rare_attributes_are_in_json(tmp_path: Path) -> None:
    """Of more than a hundred keys the table of a notebook leaves some out."""
    store = SpanStore()
    for number in range(1, 301):
        store.append(row(number, start=number, end=number + 1, **{f"key{number}": number}))
    path = str(Recording(store).save(tmp_path / "run.parquet"))
    table = json.loads(typed("show", path, "table", "--json")[1])
    assert table[299]["attributes.key300"] == 300


@pytest.mark.parametrize("word", WORDS)
def test_an_empty_recording_has_nothing_to_show_and_no_fault(tmp_path: Path, word: str) -> None:
    path = str(Recording(SpanStore()).save(tmp_path / "run.parquet"))
    for options in ([], ["--json"]):
        status, output, error = typed("show", path, word, *options)
        if status:
            assert word in ("compare", "headings")
            assert (output, error.count("\n")) == ("", 1)
        else:
            assert json.loads(output) == [] if options else output.startswith(("no ", "nothing "))


def test_what_a_kernel_left_is_shown_with_where_it_was(tmp_path: Path) -> None:
    with journalled(tmp_path) as made:
        made.start(row(1, name="fit"))
        made.end(row(2, name="load"))
        _, output, _ = typed("show", str(made.path))
    assert "load" in output
    assert "fit" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cell", "3:5"], "--cell 3:5: cells are written 3, or 3,5,7-9. Did you mean  nbtrace show run.parquet --cell 3-5?"),
        (["--cell", "-1"], "Did you mean  nbtrace show run.parquet --last 1?"),
        (["--cell", "3", "--cell", "5"], "--cell stands there twice. Did you mean  nbtrace show run.parquet --cell 3,5?"),
        (["--cell", "3", "5"], "5 stands alone. Did you mean  nbtrace show run.parquet --cell 5?"),
        (["--cell", "3", "--last", "2"], "nbtrace show run.parquet --cell 3  or  nbtrace show run.parquet --last 2?"),
        (["--cell", "nonsense"], "Type for example  nbtrace show run.parquet --cell 8"),
        (["--cell", "9" * 40], "is no cell: no notebook has so many. Type  nbtrace show run.parquet cells"),
        (["--cell", "1-999999"], "1-999999 is more than 100,000 cells. Type  nbtrace show run.parquet cells"),
        (["--last", "0"], "--last 0 is no number of cells. Type for example  nbtrace show run.parquet --last 3"),
        (["tabel"], "Did you mean  nbtrace show run.parquet table?"),
        (["view"], "has. Type  nbtrace report run.parquet"),
        (["csv"], "nbtrace convert run.parquet B  for another file"),
        (["samples"], 'rec = nbtrace.load("run.parquet")  and  rec.samples()'),
        (["duration > 1s"], "Did you mean  nbtrace show run.parquet --where 'duration > 1s'?"),
        (["name == 'x'"], """Did you mean  nbtrace show run.parquet --where "name == 'x'"?"""),
        (["it's"], "Type  nbtrace show run.parquet help"),
        (["table", "--by", "line"], "Did you mean  nbtrace show run.parquet table?"),
        (["hot", "--by", "lines"], "Did you mean  nbtrace show run.parquet hot --by line?"),
        (["compare", "--cell", "3"], "Did you mean  nbtrace show run.parquet compare 3?"),
        (["compare", "a", "b"], "Type for example  nbtrace show run.parquet compare 7 8"),
        (["compare", "1", "99"], "Type  nbtrace show run.parquet cells  to see those that are."),
        (["compare"], "or type  nbtrace show run.parquet compare 7 8"),
        (["headings"], "Type  nbtrace show run.parquet headings FILE.ipynb"),
        (["headings", "it's.ipynb"], "cannot read the notebook \"it's.ipynb\": FileNotFoundError"),
        (["--where", "duratoin > 1s"], "there is no column 'duratoin'. Did you mean 'duration'?"),
        (["--where", "duration > @x"], "there is no variable x. Write its value: a shell has none."),
        (["--where", "exception_type == 'X'"], """type  nbtrace show run.parquet errors --where "exception_type == 'X'\""""),
        (["--where", ""], "--where needs a condition. Type for example  nbtrace show run.parquet --where"),
        (["--where", "cell > 1", "--where", "cell < 4"], "nbtrace show run.parquet --where '(cell > 1) and (cell < 4)'?"),
        (["--where", "\x1b[31m\n\udc80"], "there is no column '\\x1b'."),
        (["--foo"], "Type  nbtrace show --help"),
        (["--cell"], "Type  nbtrace show --help"),
    ],
)  # fmt: skip
def test_what_is_typed_wrong_is_told_in_a_line_that_works_in_a_shell(
    run: Recording, words: list[str], said: str
) -> None:
    assert said in refused("show", "run.parquet", *words)


def test_the_file_comes_first(run: Recording) -> None:
    assert refused("show", "tree", "run.parquet").endswith("Type  nbtrace show run.parquet tree")
    assert refused("show", "cells").endswith("Type  nbtrace show FILE cells")
    assert "missing argument" in refused("show").lower()
    Path("cells").mkdir()
    assert "is a folder and no recording" in refused("show", "cells")


def test_a_name_that_needs_quotes_has_them_in_what_is_advised(run: Recording) -> None:
    for name, quoted in (("my run.parquet", "'my run.parquet'"), ("it's.parquet", '"it\'s.parquet"')):
        run.save(name)
        assert refused("show", name, "tabel").endswith(f"Did you mean  nbtrace show {quoted} table?")


def test_variables_of_whoever_calls_are_not_read(run: Recording) -> None:
    """A condition's @x is nobody's variable here, whatever runs the command line."""
    assert "there is no variable" in refused("show", "run.parquet", "--where", "name == @__name__")
    assert "there is no variable" in refused("show", "run.parquet", "--where", "name == @sys")


def test_hostile_names_reach_the_terminal_as_text(tmp_path: Path) -> None:
    store = SpanStore()
    hostile = "\x1b]0;owned\x07[bold]\u202eevil\r\n[/]\x9b31m"
    store.append(row(1, name=hostile, note=hostile))
    path = str(Recording(store).save(tmp_path / "run.parquet"))
    for word in ("tree", "table", "stats", "self"):
        for options in ([], ["--json"]):
            _, output, _ = typed("show", path, word, *options)
            assert output.replace("\n", "").isprintable()
            assert "[bold]" in output


def test_who_reads_no_further_is_no_problem(tmp_path: Path) -> None:
    """As in `| head -1`: no traceback, no complaint."""
    path = rich().recording.save(tmp_path / "run.parquet")
    command = [sys.executable, "-m", "nbtrace", "show", str(path), "table", "--json"]
    gone, output = os.pipe()
    os.close(gone)
    with open(output, "wb") as closed:
        found = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (found.returncode, found.stderr) == (0, b"")


def test_a_pipe_that_cannot_hold_a_tree_gets_signs_for_it(tmp_path: Path) -> None:
    path = rich().recording.save(tmp_path / "run.parquet")
    found = subprocess.run(
        [sys.executable, "-m", "nbtrace", "show", str(path)],
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
    )
    assert b"?? load" in found.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_output_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    a_run().recording.save(tmp_path / "run.parquet")
    command = [sys.executable, "-m", "nbtrace", "show", str(tmp_path / "run.parquet")]
    with open("/dev/full", "w") as full:
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (found.returncode, found.stderr) == (2, b"nbtrace: the output cannot be written: No space left on device.\n")


@pytest.mark.skipif(os.name == "nt", reason="needs a shell of POSIX")
def test_where_the_output_was_closed_before_nothing_is_said(tmp_path: Path) -> None:
    """As in `>&-`, of scripts that are started by others."""
    a_run().recording.save(tmp_path / "run.parquet")
    command = [sys.executable, "-m", "nbtrace", "show", str(tmp_path / "run.parquet")]
    found = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, check=False)
    assert (found.returncode, found.stderr) == (0, b"")
