"""The examples of --help do what they say."""

from __future__ import annotations

import inspect
import shlex
import shutil
from itertools import takewhile
from pathlib import Path

import pytest

from nbtrace.cli.main import cli
from nbtrace.formats.journal.journal import Journal
from tests.cli.commands import a_run, typed

COMMANDS = ("show", "report", "convert", "recover", "completion")


def examples(command: str) -> list[list[str]]:
    """Those in the help, without what a shell does behind them."""
    lines = inspect.cleandoc(cli.commands[command].help or "").partition("Examples:")[2].splitlines()
    found = [shlex.split(line) for line in lines if line.startswith("  nbtrace ")]
    return [list(takewhile(lambda word: word not in ("|", ">", ">>"), words[1:])) for words in found]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_examples_that_work(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = a_run()
    made.recording.save("run.parquet")
    made.recording.save("monday.parquet")
    (tmp_path / ".nbtrace").mkdir()
    journal = Journal(made.store, tmp_path / ".nbtrace" / "analysis.journal")
    journal.start()
    journal.stop()
    assert 2 <= len(examples(command)) <= 4
    for words in examples(command):
        if words[:2] == ["completion", "bash"] and shutil.which("bash") is None:
            continue
        status, output, error = typed(*words)
        assert status == 0, (words, error)
        assert output


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_fits_a_terminal_and_its_first_line_a_list(command: str) -> None:
    status, output, _ = typed(command, "--help", COLUMNS="80")
    assert status == 0
    assert [line for line in output.splitlines() if len(line) > 80] == []
    listed = typed("--help", COLUMNS="80")[1]
    (line,) = (each for each in listed.splitlines() if each.startswith(f"  {command} "))
    assert not line.endswith("...")
