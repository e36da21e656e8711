"""Kernelspecs that stand in front of others, and kernels that are started by them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from nbtrace.api import recover
from nbtrace.extension.handed import ARGUMENT, Handed
from nbtrace.formats.journal.folder import journals
from nbtrace.headless.kernelspecs import kernelspecs, python_of
from nbtrace.headless.shadow import path_with, shadow, shadowable
from tests.cli.environments import Environment, make_environment
from tests.kernels.kernel import start_kernel


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment whose kernelspecs are found first, here and there."""
    made = make_environment(tmp_path)
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    return made


def test_a_shadow_says_all_that_the_kernelspec_says_and_how_nbtrace_is_loaded(
    tmp_path: Path, environment: Environment
) -> None:
    """Names, protocols and what Jupyter does not know are kept; a script in the folder is meant where it is; logos are shown."""
    said = {
        "argv": ["{resource_dir}/start.sh", "python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "language": "Python",
        "display_name": "Mine “3”",
        "interrupt_mode": "message",
        "metadata": {"debugger": True},
        "env": {"WHO": "${USER}"},
        "x-ours": [1],
    }
    folder = environment.kernelspec("mine", **said)
    (folder / "logo-64x64.png").write_bytes(b"\x89PNG")
    (folder / "more").mkdir()
    (folder / "more" / "kernel.js").write_text("1")
    shadow(tmp_path / "shadow", shadowable(), {"HANDED": "{$x}"})
    made = tmp_path / "shadow" / "kernels" / "mine"
    assert json.loads((made / "kernel.json").read_text("utf-8")) == {
        **said,
        "argv": [f"{folder}/start.sh", "python", "-m", "ipykernel_launcher", "-f", "{connection_file}", ARGUMENT],
        "env": {"WHO": "${USER}", "HANDED": "{$$x}"},
    }
    assert (made / "logo-64x64.png").read_bytes() == b"\x89PNG"
    assert (made / "more" / "kernel.js").read_text() == "1"


def test_kernels_of_other_languages_and_those_that_cannot_be_read_are_left_alone(
    tmp_path: Path, environment: Environment
) -> None:
    """Nothing stands in front of them."""
    environment.kernelspec("r", argv=["R", "{connection_file}"], language="R")
    environment.kernelspec("xeus", argv=["xpython", "-f", "{connection_file}"])
    (environment.kernelspec("torn") / "kernel.json").write_text('{"argv":')
    environment.kernelspec("odd", argv="python -m ipykernel")
    environment.kernelspec("mine")
    specs = shadowable()
    shadow(tmp_path / "shadow", specs, {})
    shadowed = {spec.name for spec in specs}
    assert "mine" in shadowed
    assert shadowed.isdisjoint({"r", "xeus", "torn", "odd"})
    assert {each.name for each in (tmp_path / "shadow" / "kernels").iterdir()} == shadowed


def test_a_kernel_of_a_shadow_is_traced_from_its_first_cell(
    tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wins over the one of the same name, gets what is handed as it is, and neither arguments nor output tell of it."""
    environment.kernelspec("python3", env={"OWN": "kept"})
    text = "a$HOME ${NO} $$ \"'{}\n"
    shadow(tmp_path / "shadow", shadowable(), {"HANDED": text})
    monkeypatch.setenv("JUPYTER_PATH", path_with(tmp_path / "shadow"))
    kernel = start_kernel()
    try:
        reply = kernel.run("import os, sys; print(ascii(os.environ['HANDED']), os.environ['OWN'], sys.prefix)")
        assert reply.output == (f"{text!a} kept {environment.prefix}\n", "", "", "", "")
        assert kernel.run("import sys; print([each for each in sys.argv if 'nbtrace' in each])").stdout == "[]\n"
        assert kernel.run("import nbtrace; print(nbtrace.cells()['cell'].tolist())").stdout == "[1, 2]\n"
    finally:
        kernel.stop()


def test_a_person_who_has_nbtrace_loaded_anyhow_is_part_of_the_run_too(
    tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is configured is loaded first: it takes what is handed to the kernel."""
    environment.kernelspec("python3")
    profile = environment.ipython / "profile_default"
    profile.mkdir()
    (profile / "ipython_config.py").write_text('c.InteractiveShellApp.extensions = ["nbtrace"]\n')
    (tmp_path / "journals").mkdir()
    handed = Handed(f"00-{'ab' * 16}-{'cd' * 8}-01", journal_path=str(tmp_path / "journals"))
    shadow(tmp_path / "shadow", shadowable(), handed.variables())
    monkeypatch.setenv("JUPYTER_PATH", path_with(tmp_path / "shadow"))
    kernel = start_kernel()
    try:
        assert kernel.run("import os; print('NBTRACE_RUN' in os.environ)").stdout == "False\n"
    finally:
        kernel.stop()
    (found,) = journals(tmp_path / "journals")
    assert recover(found.path).spans()["parent_span_id"].tolist() == ["cd" * 8]


def test_the_kernel_that_ipykernel_gives_stays_the_runners_own(tmp_path: Path, environment: Environment) -> None:
    """Where no python3 is installed there is one all the same; it is whoever starts it, so the shadow names no Python."""
    native = next(spec for spec in kernelspecs(environment.python) if spec.name == "python3")
    assert native.argv[0] == environment.python
    shadow(tmp_path / "shadow", [native], {})
    said = json.loads((tmp_path / "shadow" / "kernels" / "python3" / "kernel.json").read_text("utf-8"))
    assert said["argv"][0] == "python"
    assert said["argv"][-1] == ARGUMENT
    assert said["display_name"] == native.kernel_json["display_name"]  # type: ignore[index]


def test_a_runner_of_another_environment_is_asked_for_its_own_kernels(tmp_path: Path, environment: Environment) -> None:
    """What that one has installed beside itself is found, though we do not see it."""
    folder = environment.prefix / "share" / "jupyter" / "kernels" / "theirs"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text('{"argv": ["python", "-m", "ipykernel_launcher"], "language": "python"}')
    assert "theirs" in {spec.name for spec in kernelspecs(environment.python)}
    assert "theirs" not in {spec.name for spec in kernelspecs()}


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("#!{python}\n", True),
        ("#! {python}\r\n", True),
        ("#!/usr/bin/env {python}\n", True),
        ("#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n", True),
        ('#!/bin/sh\n\'\'\'exec\' "{python}" "$0" "$@"\n', True),
        ("#!/bin/sh\npython -c 1\n", False),
        ("#!/nowhere/python\n", False),
        ("\x7fELF\x00", False),
        ("", False),
    ],
)
def test_the_python_of_a_program_is_told_by_its_first_lines(tmp_path: Path, first: str, found: bool) -> None:
    """As installers write them; where they do not tell, nothing is guessed."""
    program = tmp_path / "a program"
    program.write_text(first.format(python=sys.executable), newline="")
    program.chmod(0o755)
    assert python_of(str(program)) == (sys.executable if found else "")


def test_a_python_is_its_own_and_what_is_not_there_has_none() -> None:
    """Also `python -m papermill` is a runner."""
    assert python_of(sys.executable) == sys.executable
    assert python_of("/nowhere/papermill") == ""
