"""Each private name of OpenTelemetry's taken away in turn: the same rows, and a status that says so."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from nbtrace.capture.sdk import private
from tests.capture.sdk.renamed import ARGUMENTS, NOTHING, WRAPPED

LAST_NAMES = sorted({part for each in private.SHORTCUTS for path in each.names for part in path.split(".")[1:]})


@cache
def recorded(provider: str, name: str) -> Any:
    command = [sys.executable, "-m", "tests.capture.sdk.renamed", provider, name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-4_000:]
    assert done.stderr == "" or "Overriding of current" in done.stderr, done.stderr
    return json.loads(done.stdout)


def told(answer: Any) -> list[str]:
    return [line for line in answer["told"] if line.startswith("This OpenTelemetry SDK differs")]


@pytest.mark.parametrize("provider", ["own", "user"])
@pytest.mark.parametrize("name", [*LAST_NAMES, ARGUMENTS, WRAPPED])
def test_an_sdk_without_a_private_name_gives_the_same_rows(name: str, provider: str) -> None:
    """Exceptions and interrupts included; the status names what is missing, and nothing is a fault."""
    usual, without = recorded(provider, NOTHING), recorded(provider, name)
    assert without["rows"] == usual["rows"]
    assert without["states"] == usual["states"]
    assert told(without)
    assert without["faults"] == usual["faults"] == told(usual) == []


def test_each_shortcut_that_is_missing_is_told_by_the_name_that_it_lacks() -> None:
    assert any("span._attributes._dict): rows are made from" in line for line in told(recorded("own", "_dict")))
    assert any(
        "api._TRACER_PROVIDER): nbtrace sets its provider" in line for line in told(recorded("own", "_TRACER_PROVIDER"))
    )


def test_the_sdk_that_is_installed_has_all_of_them() -> None:
    assert private.missing() == {}
    assert private.report() == []
