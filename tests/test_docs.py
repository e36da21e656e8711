"""What docs/ci.md and docs/receive.md say can be typed as it stands, and is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import nbtrace
from nbtrace.analysis.judging.reading import read_budget, read_limit
from nbtrace.capture.receiving.limits import Limits
from nbtrace.cli.main import cli
from tests.headless.notebooks import write

DOCS = Path(__file__).parents[1] / "docs"
CI = (DOCS / "ci.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.once


def _workflows() -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml", reason="no reader of YAML is here")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", CI, re.DOTALL)]


def _commands() -> list[str]:
    """All commands of nbtrace's: those of shells, and those in the workflows."""
    found = [block.replace("\\\n", " ") for block in re.findall(r"```bash\n(.*?)```", CI, re.DOTALL)]
    github, gitlab = _workflows()
    found += [step["run"] for step in github["jobs"]["train"]["steps"] if "run" in step]
    found += gitlab["train"]["script"]
    return [command.strip() for command in found if command.startswith("nbtrace ")]


def test_every_command_can_be_read() -> None:
    commands = _commands()
    assert len(commands) == 5
    for command in commands:
        _, name, *arguments = shlex.split(command)
        context = click.Context(cli, info_name="nbtrace")
        read = cli.commands[name].make_context(name, arguments, parent=context).params
        for budget in read["budget"]:
            read_budget(budget)
        for limit in read["fail_if"]:
            read_limit(limit)


def test_the_workflow_passes_with_and_without_earlier_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves the files that the job keeps."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.ipynb", "import time", "time.sleep(0.05)", tags={1: ["train"]})
    github, gitlab = _workflows()
    (command,) = [
        step["run"] for step in github["jobs"]["train"]["steps"] if step.get("run", "").startswith("nbtrace ")
    ]
    assert command.strip() == gitlab["train"]["script"][-1].strip()
    for _ in range(2):
        result = CliRunner().invoke(cli, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
    kept = github["jobs"]["train"]["steps"][-1]["with"]["path"].split()
    assert kept == ["executed.ipynb", "report.html", "junit.xml"]
    assert all((tmp_path / name).exists() for name in (*kept, "runs"))


def test_a_receiver_has_the_limits_that_are_written_down() -> None:
    text = " ".join((DOCS / "receive.md").read_text(encoding="utf-8").split())
    limits = Limits()
    sizes = [limits.max_sent, limits.max_unpacked, limits.max_json, limits.max_held]
    sent, unpacked, in_json, held = (f"{size // 1_000_000} MB" for size in sizes)
    assert f"{sent} a request, {unpacked} when it is unpacked ({in_json} of JSON), {held} of all" in text
    assert f"come after {limits.head_s:.0f} s, a body after {limits.body_s:.0f} s" in text
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "receive.md").read_text(encoding="utf-8"), re.DOTALL)
    with nbtrace.record(), nbtrace.span("call") as current:
        found: dict[str, Any] = {}
        exec(block, found)
    assert f"{current.get_span_context().span_id:016x}" in found["request"].headers["Traceparent"]
