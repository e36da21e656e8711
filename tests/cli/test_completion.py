"""`nbtrace completion`, and what a shell completes with it."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.cli.commands import refused, typed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_says_how_it_is_installed(shell: str) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version")
    status, output, _ = typed("completion", shell)
    assert status == 0
    first, second = output.splitlines()[:2]
    assert re.fullmatch(rf"# To install, type  nbtrace completion {shell} >>? ~/\S+  and open a new shell\.", first)
    assert "_NBTRACE_COMPLETE" in output
    assert second
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n" if shell != "fish" else "--no-execute"], input=output.encode(), check=True)


def test_another_shell_is_told_which_there_are() -> None:
    assert "'bash', 'zsh', 'fish'" in refused("completion", "tcsh")
    assert refused("completion").endswith("Type  nbtrace completion --help")


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("nbtrace sh", ["plain,show"]),
        ("nbtrace show ", ["file,"]),
        ("nbtrace show run.parquet h", ["plain,history", "plain,headings", "plain,hot"]),
        ("nbtrace show run.parquet hot --", ["plain,--cell", "plain,--last", "plain,--where", "plain,--asking", "plain,--by", "plain,--json", "plain,--help"]),
        ("nbtrace report run.parquet -o ", ["file,"]),
        ("nbtrace recover ", ["file,"]),
        ("nbtrace completion z", ["plain,zsh"]),
    ],
)  # fmt: skip
def test_commands_words_options_and_files_are_completed(line: str, completed: list[str]) -> None:
    *words, begun = line.split(" ")
    output = subprocess_complete(words, begun)
    assert [each for each in output if not each.startswith("plain,-h")] == completed


def subprocess_complete(words: list[str], begun: str) -> list[str]:
    """What click answers a shell."""
    from click.shell_completion import get_completion_class

    from nbtrace.cli.main import cli

    of_bash = get_completion_class("bash")
    assert of_bash is not None
    completer = of_bash(cli, {}, "nbtrace", "_NBTRACE_COMPLETE")
    return [f"{each.type},{each.value or ''}" for each in completer.get_completions(words[1:], begun)]
