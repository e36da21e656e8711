"""Each private name of OpenTelemetry's taken away in turn: the same rows, and a status that says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from nbtrace.capture.sdk import private
from tests.capture.sdk.renamed import ARGUMENTS, NOTHING, WRAPPED

LAST_NAMES = sorted({part for each in private.SHORTCUTS for path in each.names for part in path.split(".")[1:]})


@pytest.fixture(scope="module")
def programs() -> Iterator[Callable[[str, str], Any]]:
    """Gives what the program has recorded with a name taken away."""
    command = [sys.executable, "-m", "tests.capture.sdk.renamed"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout

        @cache
        def recorded(provider: str, name: str) -> Any:
            process.stdin.write(f"{provider} {name}\n")
            process.stdin.flush()
            status, out, err = json.loads(process.stdout.readline())
            assert status == 0, err[-4_000:]
            assert err == "" or "Overriding of current" in err, err
            return json.loads(out)

        yield recorded
        process.stdin.close()


def told(answer: Any) -> list[str]:
    return [line for line in answer["told"] if line.startswith("This OpenTelemetry SDK differs")]


@pytest.mark.parametrize("provider", ["own", "user"])
@pytest.mark.parametrize("name", [*LAST_NAMES, ARGUMENTS, WRAPPED])
def test_an_sdk_without_a_private_name_gives_the_same_rows(programs: Any, name: str, provider: str) -> None:
    """Exceptions and interrupts included; the status names what is missing, and nothing is a fault."""
    usual, without = programs(provider, NOTHING), programs(provider, name)
    assert without["rows"] == usual["rows"]
    assert without["states"] == usual["states"]
    assert told(without)
    assert without["faults"] == usual["faults"] == told(usual) == []


def test_each_shortcut_that_is_missing_is_told_by_the_name_that_it_lacks(programs: Any) -> None:
    assert any("span._attributes._dict): rows are made from" in line for line in told(programs("own", "_dict")))
    assert any(
        "api._TRACER_PROVIDER): nbtrace sets its provider" in line for line in told(programs("own", "_TRACER_PROVIDER"))
    )


def test_the_sdk_that_is_installed_has_all_of_them() -> None:
    assert private.missing() == {}
    assert private.report() == []
